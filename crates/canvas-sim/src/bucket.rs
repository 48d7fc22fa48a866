//! The leaky bucket of contract canvas §4, one per token.
//! Knows nothing of requests beyond a key, a cost and the time.

use crate::switches::Switches;
use std::collections::HashMap;

#[derive(Clone, Copy)]
struct Bucket {
    count: f64,
    touched_ms: i64,
}

/// All buckets.
#[derive(Default)]
pub(crate) struct Buckets {
    by_key: HashMap<String, Bucket>,
}

/// A refused request.
pub(crate) struct Full {
    /// What the header says remains.
    pub remaining: f64,
}

fn seconds(ms: i64) -> f64 {
    // A gap longer than i32 seconds empties any bucket.
    f64::from(i32::try_from(ms.max(0)).unwrap_or(i32::MAX)) / 1000.0
}

impl Buckets {
    /// Leaks, reserves the up-front cost, and refuses at the high-water mark.
    pub(crate) fn admit(
        &mut self,
        key: &str,
        now_ms: i64,
        switches: &Switches,
    ) -> Result<(), Full> {
        if !self.by_key.contains_key(key) {
            self.by_key.insert(
                key.to_owned(),
                Bucket {
                    count: 0.0,
                    touched_ms: now_ms,
                },
            );
        }
        let Some(bucket) = self.by_key.get_mut(key) else {
            return Ok(());
        };
        let leak = switches.bucket_outflow * seconds(now_ms.saturating_sub(bucket.touched_ms));
        bucket.count = (bucket.count - leak).max(0.0);
        bucket.touched_ms = now_ms;
        let wanted = bucket.count + switches.bucket_up_front;
        if switches.throttling && wanted >= switches.bucket_hwm {
            return Err(Full {
                remaining: switches.bucket_hwm - wanted,
            });
        }
        bucket.count = wanted;
        Ok(())
    }

    /// Gives the reservation back, charges the cost, and tells what remains.
    pub(crate) fn finish(&mut self, key: &str, cost: f64, switches: &Switches) -> f64 {
        let Some(bucket) = self.by_key.get_mut(key) else {
            return switches.bucket_hwm;
        };
        bucket.count =
            (bucket.count - switches.bucket_up_front + cost).clamp(0.0, switches.bucket_maximum);
        switches.bucket_hwm - bucket.count
    }

    /// Fills the bucket of one token (control API).
    pub(crate) fn fill(&mut self, key: &str, count: f64, now_ms: i64) {
        self.by_key.insert(
            key.to_owned(),
            Bucket {
                count,
                touched_ms: now_ms,
            },
        );
    }

    pub(crate) fn clear(&mut self) {
        self.by_key.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::switches::Profile;

    #[test]
    fn eleven_in_flight_pass_and_the_twelfth_is_refused() {
        let switches = Switches::new(Profile::Current);
        let mut buckets = Buckets::default();
        let passed = (0..12)
            .filter(|_| buckets.admit("t", 0, &switches).is_ok())
            .count();
        assert_eq!(passed, 11);
        for _ in 0..11 {
            buckets.finish("t", 0.3, &switches);
        }
        assert!(buckets.admit("t", 0, &switches).is_ok());
    }

    #[test]
    fn it_leaks_ten_a_second() {
        let switches = Switches::new(Profile::Current);
        let mut buckets = Buckets::default();
        buckets.fill("t", 599.0, 0);
        assert!(buckets.admit("t", 1_000, &switches).is_err());
        assert!(buckets.admit("t", 6_000, &switches).is_ok());
        let remaining = buckets.finish("t", 0.3, &switches);
        assert!((remaining - (600.0 - 539.3)).abs() < 0.001, "{remaining}");
    }
}
