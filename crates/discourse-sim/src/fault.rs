//! Misbehaviour on demand: which requests fail, how, and how often.
//!
//! Decides only; `sim` carries the faults out, `hook` those of deliveries.

use std::collections::HashMap;

use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// The write is done, then the connection is closed without an answer.
    LostAnswer,
    /// The answer waits; `commit` says whether the write is done.
    Timeout {
        /// How long to wait, milliseconds.
        #[serde(default = "one_minute")]
        wait_ms: u64,
        /// Whether the write is done first.
        #[serde(default)]
        commit: bool,
    },
    /// 500 in the framework's shape.
    Error500 {
        /// Whether the write is done first.
        #[serde(default)]
        commit: bool,
    },
    /// 502 with a proxy's page; nothing is done.
    BadGateway {
        /// Whether the write is done first.
        #[serde(default)]
        commit: bool,
    },
    /// 429 in JSON, as from the admin-key limit.
    Limited {
        /// The waiting time told, seconds.
        #[serde(default = "ten_seconds")]
        wait_s: i64,
    },
    /// 429 in plain text, as from the address limit.
    LimitedByIp {
        /// The waiting time told, seconds.
        #[serde(default = "ten_seconds")]
        wait_s: i64,
    },
    /// Somebody edits the post (or renames the topic) just before a PUT reaches it.
    EditBefore {
        /// The text written; by default the old one with a sentence added.
        #[serde(default)]
        raw: Option<String>,
        /// Who edits; by default the author.
        #[serde(default)]
        username: Option<String>,
    },
    /// A list answers what it answered the last time it was asked.
    StaleList,
}

fn one_minute() -> u64 {
    60_000
}

fn ten_seconds() -> i64 {
    10
}

/// A fault and the requests it hits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rule {
    /// The rule's number, given by the simulator.
    #[serde(default)]
    pub id: u64,
    /// What goes wrong.
    pub fault: FaultKind,
    /// The HTTP method; all when absent.
    #[serde(default)]
    pub method: Option<String>,
    /// A path prefix, or a pattern when it has a `*`; all when absent. `.json` is not part of it.
    #[serde(default)]
    pub path: Option<String>,
    /// How many requests are hit; the rule is gone after the last.
    #[serde(default = "once")]
    pub times: u32,
    /// How many fitting requests pass before the first is hit.
    #[serde(default)]
    pub skip: u32,
    /// The chance of each fitting request, drawn from the seed; always when absent.
    #[serde(default)]
    pub probability: Option<f64>,
}

fn once() -> u32 {
    1
}

/// The pending faults.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Vec<Rule>,
    next: u64,
    /// Whether the forum is read-only.
    pub read_only: bool,
    last_lists: HashMap<String, Answer>,
}

/// How many list answers are remembered for [`FaultKind::StaleList`].
const LISTS: usize = 512;

impl Faults {
    /// Adds a rule and gives it a number.
    pub fn add(&mut self, mut rule: Rule) -> u64 {
        self.next += 1;
        rule.id = self.next;
        self.rules.push(rule);
        self.next
    }

    /// The pending rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Drops one rule, or all.
    pub fn clear(&mut self, id: Option<u64>) {
        match id {
            Some(id) => self.rules.retain(|rule| rule.id != id),
            None => self.rules.clear(),
        }
    }

    /// The fault of a request, if any; counts it against its rule.
    pub fn take(&mut self, method: &str, path: &str, rng: &mut impl Rng) -> Option<FaultKind> {
        let mut hit = None;
        for rule in &mut self.rules {
            if !fits(rule, method, path) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            if rule.probability.is_some_and(|chance| !draw(rng, chance)) {
                continue;
            }
            rule.times = rule.times.saturating_sub(1);
            hit = Some(rule.fault.clone());
            break;
        }
        self.rules.retain(|rule| rule.times > 0);
        hit
    }

    /// Remembers what a list answered.
    pub fn remember(&mut self, key: String, answer: &Answer) {
        if self.last_lists.len() >= LISTS {
            self.last_lists.clear();
        }
        self.last_lists.insert(key, answer.clone());
    }

    /// What a list answered the last time.
    pub fn remembered(&self, key: &str) -> Option<Answer> {
        self.last_lists.get(key).cloned()
    }
}

/// Whether a chance comes true.
pub fn draw(rng: &mut impl Rng, chance: f64) -> bool {
    let steps = rng.next_u32();
    f64::from(steps) < chance * 4_294_967_296.0
}

fn fits(rule: &Rule, method: &str, path: &str) -> bool {
    let method_fits = rule
        .method
        .as_deref()
        .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method));
    let path_fits = rule.path.as_deref().is_none_or(|wanted| {
        if wanted.contains('*') {
            matches(wanted, path)
        } else {
            path.starts_with(wanted)
        }
    });
    method_fits && path_fits
}

/// Whether a path fits a pattern in which `*` stands for anything.
fn matches(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = path.strip_prefix(parts.next().unwrap_or("")) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::{FaultKind, Faults, Rule, draw, matches};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn rule(path: &str, times: u32, skip: u32) -> Rule {
        Rule {
            id: 0,
            fault: FaultKind::LostAnswer,
            method: Some("post".to_owned()),
            path: Some(path.to_owned()),
            times,
            skip,
            probability: None,
        }
    }

    #[test]
    fn rules_hit_and_wear_out() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut faults = Faults::default();
        faults.add(rule("/posts", 2, 1));
        assert_eq!(faults.take("GET", "/posts", &mut rng), None);
        assert_eq!(faults.take("POST", "/t/1", &mut rng), None);
        assert_eq!(faults.take("POST", "/posts", &mut rng), None);
        assert_eq!(
            faults.take("POST", "/posts", &mut rng),
            Some(FaultKind::LostAnswer)
        );
        assert_eq!(
            faults.take("POST", "/posts", &mut rng),
            Some(FaultKind::LostAnswer)
        );
        assert_eq!(faults.take("POST", "/posts", &mut rng), None);
        assert!(faults.rules().is_empty());
    }

    #[test]
    fn patterns_match() {
        assert!(matches("/t/*/status", "/t/5/status"));
        assert!(!matches("/t/*/status", "/t/5/timer"));
        assert!(matches("*", "/anything"));
        assert!(matches("/a*b*c", "/axxbyyc"));
        assert!(!matches("/a*b", "/acb/d"));
    }

    #[test]
    fn chances_follow_the_seed() {
        let run = |seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            (0..1_000).filter(|_| draw(&mut rng, 0.3)).count()
        };
        assert_eq!(run(7), run(7));
        assert!((240..360).contains(&run(7)));
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        assert!(draw(&mut rng, 1.0));
        assert!(!draw(&mut rng, 0.0));
    }
}
