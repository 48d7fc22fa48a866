//! The call log and the counters per endpoint.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

/// How many calls are kept.
const KEEP: usize = 20_000;

/// One call.
#[derive(Debug, Clone, Serialize)]
pub struct Call {
    /// Rises by one with each call, from 1.
    pub number: u64,
    /// The HTTP method.
    pub method: String,
    /// The endpoint, such as `/posts/{id}`; empty when no route fits.
    pub template: &'static str,
    /// The path with its query, as sent.
    pub path: String,
    /// Whom the call acted as; `None` without a key.
    pub user: Option<String>,
    /// The status answered; 0 when the connection was closed without an answer.
    pub status: u16,
    /// The forum's time, Unix milliseconds.
    pub at_ms: i64,
}

/// The bounded log.
#[derive(Debug, Default)]
pub struct CallLog {
    calls: VecDeque<Call>,
    counters: BTreeMap<String, u64>,
    last: u64,
}

impl CallLog {
    /// Adds a call; its number is set here.
    pub fn add(&mut self, mut call: Call) {
        self.last += 1;
        call.number = self.last;
        let template = if call.template.is_empty() {
            "(no route)"
        } else {
            call.template
        };
        *self
            .counters
            .entry(format!("{} {template}", call.method))
            .or_insert(0) += 1;
        self.calls.push_back(call);
        while self.calls.len() > KEEP {
            self.calls.pop_front();
        }
    }

    /// Calls with a number above `after`, oldest first.
    pub fn after(&self, after: u64) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(move |call| call.number > after)
    }

    /// How often each endpoint was called.
    pub fn counters(&self) -> &BTreeMap<String, u64> {
        &self.counters
    }

    /// The number of the last call.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Forgets all calls and counters; numbers go on.
    pub fn clear(&mut self) {
        self.calls.clear();
        self.counters.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{Call, CallLog, KEEP};

    #[test]
    fn the_log_is_bounded_and_counts_on() {
        let call = Call {
            number: 0,
            method: "GET".to_owned(),
            template: "/posts/{id}",
            path: "/posts/1.json".to_owned(),
            user: None,
            status: 200,
            at_ms: 5,
        };
        let mut log = CallLog::default();
        for _ in 0..=KEEP {
            log.add(call.clone());
        }
        assert_eq!(log.after(0).count(), KEEP);
        assert_eq!(log.after(u64::try_from(KEEP).unwrap()).count(), 1);
        assert_eq!(
            log.counters()["GET /posts/{id}"],
            u64::try_from(KEEP).unwrap() + 1
        );
        log.clear();
        assert_eq!(log.after(0).count(), 0);
        assert_eq!(log.last(), u64::try_from(KEEP).unwrap() + 1);
    }
}
