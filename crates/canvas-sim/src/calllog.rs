//! The log of calls, bounded, with counters per endpoint. Tests read it; Canvas knows nothing of it.

use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};

/// How many calls are kept; the counters go on for ever.
const KEPT: usize = 100_000;

/// One call.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Call {
    pub number: u64,
    /// Unix milliseconds, the simulator's time.
    pub at_ms: i64,
    pub method: String,
    /// Route with placeholders, e.g. `/api/v1/courses/:id/discussion_topics`.
    pub template: String,
    /// Path and query, without the token.
    pub path: String,
    /// Whether it is a GraphQL call that asks for a change.
    pub is_mutation: bool,
    /// As whom the request ran.
    pub user_id: Option<u64>,
    pub real_user_id: Option<u64>,
    /// Zero = no answer was sent.
    pub status: u16,
    /// The fault that struck, if any.
    pub fault: Option<String>,
}

/// Calls and counters.
#[derive(Default)]
pub(crate) struct CallLog {
    calls: VecDeque<Call>,
    counters: BTreeMap<String, BTreeMap<u16, u64>>,
    last_number: u64,
}

impl CallLog {
    pub(crate) fn add(&mut self, mut call: Call) {
        self.last_number = self.last_number.saturating_add(1);
        call.number = self.last_number;
        let key = format!("{} {}", call.method, call.template);
        let count = self
            .counters
            .entry(key)
            .or_default()
            .entry(call.status)
            .or_default();
        *count = count.saturating_add(1);
        if self.calls.len() >= KEPT {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }

    /// Calls after `after`, at most `limit`.
    pub(crate) fn since(&self, after: u64, limit: usize) -> Vec<&Call> {
        self.calls
            .iter()
            .filter(|c| c.number > after)
            .take(limit)
            .collect()
    }

    /// Counts per endpoint and status.
    pub(crate) fn counters(&self) -> &BTreeMap<String, BTreeMap<u16, u64>> {
        &self.counters
    }

    pub(crate) fn total(&self) -> u64 {
        self.last_number
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_and_forgets() {
        let mut log = CallLog::default();
        for _ in 0..KEPT + 3 {
            log.add(Call {
                is_mutation: false,
                number: 0,
                at_ms: 0,
                method: "GET".into(),
                template: "/t".into(),
                path: "/t".into(),
                user_id: None,
                real_user_id: None,
                status: 200,
                fault: None,
            });
        }
        assert_eq!(log.since(0, usize::MAX).len(), KEPT);
        assert_eq!(log.counters()["GET /t"][&200], 100_003);
        assert_eq!(log.since(100_001, 10).len(), 2);
    }
}
