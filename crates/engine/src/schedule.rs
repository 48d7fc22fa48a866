//! When to try again (design section 8): exponential back-off with full jitter, a limit per error class.

use model::{Class, Failure};

/// What happens after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Again after this many milliseconds.
    After(i64),
    /// Not by itself; it is kept and shown.
    Never,
    /// A person must look before anything happens.
    Hold,
}

/// The most attempts of one operation before it counts as failed, by class.
fn attempts_max(class: Class) -> u32 {
    match class {
        // A remote that is down for a day is waited for: 30 attempts reach about a day.
        Class::Transient | Class::Throttled => 30,
        Class::UnknownOutcome | Class::Conflict => 10,
        Class::Permission
        | Class::NotFound
        | Class::Invalid
        | Class::Configuration
        | Class::Guard
        | Class::Bug => 1,
    }
}

const BASE_MS: i64 = 1_000;
const CAP_MS: i64 = 3_600_000;

/// Decides about the next attempt; `attempt` counts from one, `random` is uniform over all values.
pub fn retry(failure: &Failure, attempt: u32, random: u32) -> Retry {
    if failure.class == Class::Guard {
        return Retry::Hold;
    }
    if failure.class == Class::Configuration {
        // The direction rests until someone mends it; a look each minute finds out.
        return Retry::After(60_000);
    }
    if !failure.class.is_retried() || attempt >= attempts_max(failure.class) {
        return Retry::Never;
    }
    let exponent = attempt.saturating_sub(1).min(20);
    let ceiling = BASE_MS.saturating_mul(1_i64 << exponent).min(CAP_MS);
    let jitter = i64::from(random).rem_euclid(ceiling.max(1));
    // The remote's wish is a floor; the jitter spreads those who wait for the same moment.
    let floor = failure.retry_after_ms.unwrap_or(0).max(0);
    let wait = if floor > 0 {
        floor.saturating_add(jitter.min(BASE_MS))
    } else {
        jitter
    };
    Retry::After(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(class: Class, retry_after_ms: Option<i64>) -> Failure {
        Failure {
            retry_after_ms,
            ..Failure::new("SYNC-0", class, String::new(), "")
        }
    }

    #[test]
    fn waits_grow_to_an_hour_and_end() {
        let transient = failure(Class::Transient, None);
        for attempt in 1..30 {
            let Retry::After(wait) = retry(&transient, attempt, u32::MAX) else {
                panic!("attempt {attempt} is not the last")
            };
            assert!((0..CAP_MS).contains(&wait));
        }
        assert_eq!(retry(&transient, 30, 0), Retry::Never);
        assert_eq!(retry(&failure(Class::Invalid, None), 1, 0), Retry::Never);
        assert_eq!(retry(&failure(Class::Guard, None), 1, 0), Retry::Hold);
    }

    #[test]
    fn the_remotes_wish_is_obeyed() {
        for random in [0, 1, 999_999, u32::MAX] {
            let Retry::After(wait) = retry(&failure(Class::Throttled, Some(24_000)), 1, random)
            else {
                panic!("throttled is tried again")
            };
            assert!((24_000..=25_000).contains(&wait));
        }
    }
}
