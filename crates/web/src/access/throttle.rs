//! How often something may be tried. Counts are kept in memory, bounded, and forgotten at a restart.

use std::collections::HashMap;
use std::sync::Mutex;

use model::Timestamp;

/// The most keys that are remembered; beyond it the oldest windows go.
const KEYS_MAX: usize = 20_000;

#[derive(Debug, Clone, Copy)]
struct Window {
    began: Timestamp,
    used: u32,
}

/// Counts tries by what and by whom.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    windows: Mutex<HashMap<(&'static str, String), Window>>,
}

impl Throttle {
    /// Counts one try; `false` when there were too many in the window.
    pub(crate) fn enter(
        &self,
        what: &'static str,
        whom: &str,
        now: Timestamp,
        (most, window_ms): (u32, i64),
    ) -> bool {
        let Ok(mut windows) = self.windows.lock() else {
            return false;
        };
        if windows.len() >= KEYS_MAX {
            windows.retain(|_, window| now.since_ms(window.began) < window_ms);
        }
        if windows.len() >= KEYS_MAX {
            windows.clear();
        }
        let key = (what, whom.chars().take(100).collect());
        let window = windows.entry(key).or_insert(Window {
            began: now,
            used: 0,
        });
        if now.since_ms(window.began) >= window_ms {
            *window = Window {
                began: now,
                used: 0,
            };
        }
        window.used = window.used.saturating_add(1);
        window.used <= most
    }

    /// Forgets the tries of one.
    pub(crate) fn forget(&self, what: &'static str, whom: &str) {
        if let Ok(mut windows) = self.windows.lock() {
            windows.remove(&(what, whom.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_counted_by_window() {
        let throttle = Throttle::default();
        let at = |ms| Timestamp(ms);
        assert!(throttle.enter("x", "ada", at(0), (2, 100)));
        assert!(throttle.enter("x", "ada", at(1), (2, 100)));
        assert!(!throttle.enter("x", "ada", at(2), (2, 100)));
        assert!(throttle.enter("x", "bob", at(2), (2, 100)));
        assert!(throttle.enter("y", "ada", at(2), (2, 100)));
        assert!(throttle.enter("x", "ada", at(100), (2, 100)));
        throttle.forget("y", "ada");
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        for number in 0..(KEYS_MAX + 10) {
            throttle.enter("x", &number.to_string(), Timestamp(0), (1, 1_000));
        }
        assert!(throttle.windows.lock().unwrap().len() <= KEYS_MAX);
    }
}
