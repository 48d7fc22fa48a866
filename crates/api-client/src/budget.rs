//! Whose turn it is: a sliding window of calls, and pauses that the server asked for.
//!
//! The gate takes the time as a parameter. [`now`] is the one place where this crate reads a clock, and only a
//! monotonic one: it measures waits on real sockets and never becomes data.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::settings::Budget;

/// The present moment of the timer that also ends the waits.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The times of the calls inside the window, and the end of a pause.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    budget: Option<Budget>,
    started: VecDeque<Instant>,
    pause_until: Option<Instant>,
}

impl Gate {
    pub(crate) fn new(budget: Option<Budget>) -> Self {
        Self {
            budget,
            ..Self::default()
        }
    }

    /// Takes a place in the window, or says how long to wait for one.
    pub(crate) fn enter(&mut self, now: Instant) -> Result<(), Duration> {
        if let Some(until) = self.pause_until {
            if until > now {
                return Err(until - now);
            }
            self.pause_until = None;
        }
        let Some(budget) = self.budget else {
            return Ok(());
        };
        let window = Duration::from_millis(budget.per_ms);
        while self
            .started
            .front()
            .is_some_and(|start| now.duration_since(*start) >= window)
        {
            self.started.pop_front();
        }
        let used = u32::try_from(self.started.len()).unwrap_or(u32::MAX);
        if used >= budget.calls.max(1) {
            let oldest = self.started.front().copied().unwrap_or(now);
            return Err(window.saturating_sub(now.duration_since(oldest)));
        }
        self.started.push_back(now);
        Ok(())
    }

    /// Lets nobody in before `until`; a longer pause already set stays.
    pub(crate) fn pause_until(&mut self, until: Instant) {
        self.pause_until = Some(self.pause_until.map_or(until, |old| old.max(until)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn the_window_slides() {
        let mut gate = Gate::new(Some(Budget {
            calls: 2,
            per_ms: 100,
            max_wait_ms: 0,
        }));
        let start = Instant::now();
        assert_eq!(gate.enter(start), Ok(()));
        assert_eq!(gate.enter(start + ms(60)), Ok(()));
        assert_eq!(gate.enter(start + ms(70)), Err(ms(30)));
        assert_eq!(gate.enter(start + ms(100)), Ok(()));
        assert_eq!(gate.enter(start + ms(100)), Err(ms(60)));
    }

    #[test]
    fn a_pause_holds_everybody_and_only_grows() {
        let mut gate = Gate::new(None);
        let start = Instant::now();
        gate.pause_until(start + ms(50));
        gate.pause_until(start + ms(20));
        assert_eq!(gate.enter(start + ms(20)), Err(ms(30)));
        assert_eq!(gate.enter(start + ms(50)), Ok(()));
    }
}
