//! What people are told of failures, and when: one message for a cause, updates while it goes on, one when it is over.
//!
//! A function of the counted failures, the rules and the time; it must not know a channel, and sends nothing.

use std::collections::BTreeMap;

use model::{Cause, Class, Notice, NoticeKind, Timestamp, Told};

/// When people are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRules {
    /// How many failures of an episode make a message, by class; 0 is never. The default stands for what is not named.
    pub thresholds: BTreeMap<Class, u64>,
    /// How long after a message the next update of the same cause comes at the earliest, in milliseconds.
    pub update_ms: i64,
    /// A cause that goes away by itself is over when it was not seen for so long, in milliseconds.
    pub quiet_ms: i64,
    /// When only urgent causes are told.
    pub rest: Option<Rest>,
}

impl Default for AlertRules {
    fn default() -> Self {
        Self {
            thresholds: BTreeMap::new(),
            update_ms: 3_600_000,
            quiet_ms: 900_000,
            rest: None,
        }
    }
}

/// Quiet hours, in minutes of the local day; the end may lie before the beginning, on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    /// The first quiet minute.
    pub from: u16,
    /// The first minute that is not quiet any more.
    pub until: u16,
}

impl Rest {
    /// Whether a minute of the day is quiet.
    pub fn holds(self, minute: u16) -> bool {
        if self.from <= self.until {
            (self.from..self.until).contains(&minute)
        } else {
            minute >= self.from || minute < self.until
        }
    }
}

/// The failures of one cause, as counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CauseSeen {
    /// The cause.
    pub cause: Cause,
    /// Its class.
    pub class: Class,
    /// How many failures ever.
    pub entries: u64,
    /// When it was first seen.
    pub first_at: Timestamp,
    /// When it was last seen.
    pub last_at: Timestamp,
    /// Nobody is told before this time.
    pub muted_until: Option<Timestamp>,
    /// When somebody called it resolved.
    pub resolved_at: Option<Timestamp>,
    /// What people were told.
    pub told: Told,
}

/// What is to be done about a cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// What people know after it.
    pub told: Told,
    /// What to tell them.
    pub notice: Option<Notice>,
    /// Whether the cause is over by itself, and nobody has said so.
    pub is_over: bool,
}

/// The moment of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The time.
    pub at: Timestamp,
    /// The local minute of the day.
    pub minute: u16,
    /// The id of an episode that begins now.
    pub id: String,
}

/// So many failures of a class make a message where nothing else is configured.
pub fn threshold(class: Class) -> u64 {
    match class {
        Class::Transient | Class::UnknownOutcome | Class::NotFound => 5,
        Class::Throttled | Class::Conflict => 50,
        Class::Permission | Class::Invalid | Class::Configuration | Class::Guard | Class::Bug => 1,
    }
}

/// Whether it wakes people: writing has stopped until somebody acts.
fn is_urgent(class: Class) -> bool {
    matches!(class, Class::Configuration | Class::Guard | Class::Bug)
}

/// Whether its failures go on as long as its cause does, so that silence says that it is over.
fn is_loud(class: Class) -> bool {
    class.is_retried() || class == Class::Configuration
}

/// Decides about one cause; `None` when there is nothing to do.
pub fn alert(seen: &CauseSeen, rules: &AlertRules, moment: Moment) -> Option<Alert> {
    let now = moment.at;
    let is_quiet = now.since_ms(seen.last_at) >= rules.quiet_ms;
    let is_settled = seen.resolved_at.is_some();
    let is_muted = seen.muted_until.is_some_and(|until| until > now);
    let rests = rules.rest.is_some_and(|rest| rest.holds(moment.minute));
    if is_settled || (is_quiet && (is_loud(seen.class) || seen.told.episode.is_none())) {
        return close(seen, now, is_quiet && !is_settled, is_muted);
    }
    let count = seen.entries.saturating_sub(seen.told.counted_from);
    let needed = rules.thresholds.get(&seen.class).copied();
    let needed = needed.unwrap_or_else(|| threshold(seen.class));
    let is_known = seen.told.episode.is_some();
    let is_due = if is_known {
        let since = seen.told.at.map_or(i64::MAX, |at| now.since_ms(at));
        count > seen.told.count && since >= rules.update_ms
    } else {
        needed > 0 && count >= needed
    };
    // What is not told now keeps its state: it is told, with the count of then, when the rest ends.
    if !is_due || is_muted || (rests && !is_urgent(seen.class)) {
        return None;
    }
    let episode = seen.told.episode.clone().unwrap_or(moment.id);
    let kind = if is_known {
        NoticeKind::Updated
    } else {
        NoticeKind::Opened
    };
    Some(Alert {
        notice: Some(notice(seen, &episode, (kind, count), now)),
        told: Told {
            counted_from: seen.told.counted_from,
            episode: Some(episode),
            at: Some(now),
            count,
        },
        is_over: false,
    })
}

/// Ends an episode: whoever was told of it is told of its end, the others never heard of it.
fn close(seen: &CauseSeen, now: Timestamp, is_over: bool, is_muted: bool) -> Option<Alert> {
    let count = seen.entries.saturating_sub(seen.told.counted_from);
    let notice = seen
        .told
        .episode
        .as_ref()
        .filter(|_| !is_muted)
        .map(|episode| notice(seen, episode, (NoticeKind::Resolved, count), now));
    let told = Told {
        counted_from: seen.entries,
        ..Told::default()
    };
    // A permanent failure that nobody was told of stays on the page until somebody settles it.
    let is_over = is_over && is_loud(seen.class);
    let is_news = told != seen.told || is_over;
    is_news.then_some(Alert {
        told,
        notice,
        is_over,
    })
}

fn notice(
    seen: &CauseSeen,
    episode: &str,
    (kind, count): (NoticeKind, u64),
    now: Timestamp,
) -> Notice {
    Notice {
        episode: episode.to_owned(),
        kind,
        cause: seen.cause.clone(),
        class: seen.class,
        count,
        first_at: seen.first_at,
        last_at: seen.last_at,
        at: now,
    }
}

#[cfg(test)]
mod tests;
