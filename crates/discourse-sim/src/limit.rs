//! Sliding-window counters (contract section 3).
//!
//! A window holds the times of the last N passes; a pass is allowed when fewer than N are stored
//! or the oldest is at least one window old.

use std::collections::{HashMap, VecDeque};

/// Counters by name.
#[derive(Debug, Default)]
pub struct Limits {
    windows: HashMap<String, VecDeque<i64>>,
}

impl Limits {
    /// Counts one pass under `key`, or says how many whole seconds to wait. A limit of zero or
    /// less always refuses.
    pub fn pass(&mut self, key: &str, limit: i64, window_ms: i64, now_ms: i64) -> Result<(), i64> {
        self.check(key, limit, window_ms, now_ms)?;
        let limit = usize::try_from(limit).unwrap_or(0);
        let times = self.windows.entry(key.to_owned()).or_default();
        times.push_back(now_ms);
        while times.len() > limit {
            times.pop_front();
        }
        Ok(())
    }

    /// Whether a pass would be allowed, without counting it.
    pub fn check(&self, key: &str, limit: i64, window_ms: i64, now_ms: i64) -> Result<(), i64> {
        let limit = usize::try_from(limit).unwrap_or(0);
        let Some(times) = self.windows.get(key) else {
            return if limit == 0 {
                Err(window_ms / 1_000)
            } else {
                Ok(())
            };
        };
        if times.len() < limit {
            return Ok(());
        }
        match times.get(times.len() - limit.min(times.len())) {
            Some(oldest) if limit > 0 => {
                let age = now_ms.saturating_sub(*oldest);
                if age >= window_ms {
                    Ok(())
                } else {
                    Err((window_ms - age) / 1_000)
                }
            }
            _ => Err(window_ms / 1_000),
        }
    }

    /// Takes the last pass under `key` back.
    pub fn undo(&mut self, key: &str) {
        if let Some(times) = self.windows.get_mut(key) {
            times.pop_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Limits;

    #[test]
    fn the_window_slides() {
        let mut limits = Limits::default();
        assert_eq!(limits.pass("a", 2, 60_000, 0), Ok(()));
        assert_eq!(limits.pass("a", 2, 60_000, 10_000), Ok(()));
        assert_eq!(limits.pass("a", 2, 60_000, 47_000), Err(13));
        assert_eq!(limits.pass("b", 2, 60_000, 47_000), Ok(()));
        assert_eq!(limits.pass("a", 2, 60_000, 60_000), Ok(()));
        assert_eq!(limits.pass("a", 2, 60_000, 60_001), Err(9));
        limits.undo("a");
        assert_eq!(limits.pass("a", 2, 60_000, 60_001), Ok(()));
    }

    #[test]
    fn zero_refuses_always_and_a_lower_limit_counts_the_past() {
        let mut limits = Limits::default();
        assert_eq!(limits.pass("a", 0, 1_000, 0), Err(1));
        for now in 0..5 {
            assert_eq!(limits.pass("b", 5, 1_000, now), Ok(()));
        }
        assert_eq!(limits.check("b", 2, 1_000, 10), Err(0));
        assert_eq!(limits.check("b", 6, 1_000, 10), Ok(()));
    }
}
