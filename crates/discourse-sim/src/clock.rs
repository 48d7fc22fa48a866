//! The simulator's own time: a base plus an offset, or frozen.
//!
//! All times of the simulator are Unix milliseconds and come from here.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// Gives the present in Unix milliseconds.
pub type TimeSource = Arc<dyn Fn() -> i64 + Send + Sync>;

/// One second in milliseconds.
pub const SECOND: i64 = 1_000;
/// One minute in milliseconds.
pub const MINUTE: i64 = 60 * SECOND;
/// One hour in milliseconds.
pub const HOUR: i64 = 60 * MINUTE;
/// One day in milliseconds.
pub const DAY: i64 = 24 * HOUR;

/// The latest present, in the year 9000: later times could not be written any more.
const LATEST: i64 = 221_845_392_000_000;

/// The clock of one simulator.
#[derive(Clone)]
pub struct Clock {
    source: TimeSource,
    offset_ms: i64,
    frozen_at_ms: Option<i64>,
}

impl Clock {
    /// A running clock without offset.
    pub fn new(source: Option<TimeSource>) -> Self {
        Self {
            source: source.unwrap_or_else(|| Arc::new(system_now_ms)),
            offset_ms: 0,
            frozen_at_ms: None,
        }
    }

    /// The present.
    pub fn now_ms(&self) -> i64 {
        self.frozen_at_ms
            .unwrap_or_else(|| (self.source)().saturating_add(self.offset_ms))
    }

    /// Makes `now_ms` the present, kept between 1970 and 9000; a running clock goes on from there.
    pub fn set(&mut self, now_ms: i64) {
        let now_ms = now_ms.clamp(0, LATEST);
        if self.frozen_at_ms.is_some() {
            self.frozen_at_ms = Some(now_ms);
        }
        self.offset_ms = now_ms.saturating_sub((self.source)());
    }

    /// Stops the clock at the present or lets it run on from there.
    pub fn freeze(&mut self, frozen: bool) {
        let now = self.now_ms();
        self.frozen_at_ms = frozen.then_some(now);
        self.offset_ms = now.saturating_sub((self.source)());
    }

    /// Whether the clock stands still.
    pub fn is_frozen(&self) -> bool {
        self.frozen_at_ms.is_some()
    }
}

/// The one place that reads the system clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the base of the simulated clock; everything else asks Clock"
)]
fn system_now_ms() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()
        .and_then(|age| i64::try_from(age.as_millis()).ok())
        .unwrap_or(0)
}

/// Writes a time the way the forum does: `2026-01-05T13:19:34.880Z` (contract section 2).
pub fn iso(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| String::new(), |time| format!("{time:.3}"))
}

/// Writes a time without fraction, for `GET /raw/{topic}`: `2022-10-23 06:06:04 UTC`.
pub fn plain(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(
        |_| String::new(),
        |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

/// Reads a time with or without offset, or a bare date; milliseconds are cut, not rounded
/// (contract section 6.1: `created_at`).
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let to_ms = |time: Timestamp| time.as_millisecond();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(to_ms(time));
    }
    let civil = match text.parse::<DateTime>() {
        Ok(time) => time,
        Err(_) => text.parse::<Date>().ok()?.at(0, 0, 0, 0),
    };
    TimeZone::UTC.to_timestamp(civil).ok().map(to_ms)
}

#[cfg(test)]
mod tests {
    use super::{Clock, iso, parse, plain};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    #[test]
    fn times_are_read_and_written() {
        let ms = parse("2026-02-02T03:04:05.123456+02:00").unwrap();
        assert_eq!(iso(ms), "2026-02-02T01:04:05.123Z");
        assert_eq!(
            iso(parse("2023-01-02T03:04:05Z").unwrap()),
            "2023-01-02T03:04:05.000Z"
        );
        assert_eq!(
            iso(parse("2030-01-01").unwrap()),
            "2030-01-01T00:00:00.000Z"
        );
        assert_eq!(
            plain(parse("2022-10-23 06:06:04").unwrap()),
            "2022-10-23 06:06:04 UTC"
        );
        assert_eq!(parse("yesterday-ish"), None);
    }

    #[test]
    fn the_clock_runs_jumps_and_stops() {
        let base = Arc::new(AtomicI64::new(1_000));
        let source = Arc::clone(&base);
        let mut clock = Clock::new(Some(Arc::new(move || source.load(Ordering::Relaxed))));
        assert_eq!(clock.now_ms(), 1_000);
        clock.set(50_000);
        base.store(1_500, Ordering::Relaxed);
        assert_eq!(clock.now_ms(), 50_500);
        clock.freeze(true);
        base.store(9_000, Ordering::Relaxed);
        assert_eq!(clock.now_ms(), 50_500);
        clock.set(60_000);
        assert_eq!(clock.now_ms(), 60_000);
        clock.freeze(false);
        base.store(9_001, Ordering::Relaxed);
        assert_eq!(clock.now_ms(), 60_001);
    }
}
