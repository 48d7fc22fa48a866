//! The 120-second replay cache of `POST /posts` (contract section 1.5).
//!
//! Stores whole answers by a key of user, address, user agent, referrer and all parameters.

use std::collections::{HashMap, VecDeque};

use crate::answer::Answer;
use crate::clock::SECOND;

/// How long an answer is kept.
const KEEP_MS: i64 = 120 * SECOND;

/// The stored answers.
#[derive(Debug, Default)]
pub struct ReplayCache {
    answers: HashMap<String, (i64, Answer)>,
    order: VecDeque<(i64, String)>,
}

impl ReplayCache {
    /// The answer stored under `key`, if it is young enough.
    pub fn get(&mut self, key: &str, now_ms: i64) -> Option<Answer> {
        self.prune(now_ms);
        let (at_ms, answer) = self.answers.get(key)?;
        (now_ms - at_ms < KEEP_MS).then(|| answer.clone())
    }

    /// Stores an answer.
    pub fn put(&mut self, key: String, answer: Answer, now_ms: i64) {
        self.order.push_back((now_ms, key.clone()));
        self.answers.insert(key, (now_ms, answer));
    }

    fn prune(&mut self, now_ms: i64) {
        while let Some((at_ms, key)) = self.order.front() {
            if now_ms - at_ms < KEEP_MS {
                break;
            }
            let stale = self
                .answers
                .get(key)
                .is_some_and(|(stored, _)| stored <= at_ms);
            if stale {
                self.answers.remove(key);
            }
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ReplayCache;
    use crate::answer::Answer;

    #[test]
    fn answers_live_120_seconds() {
        let mut cache = ReplayCache::default();
        cache.put("k".to_owned(), Answer::ok(), 1_000);
        assert!(cache.get("k", 120_999).is_some());
        assert!(cache.get("other", 2_000).is_none());
        assert!(cache.get("k", 121_000).is_none());
        assert!(cache.answers.is_empty());
    }
}
