//! The simulator's time: an injected base plus a settable offset, or frozen.
//! Knows nothing of Canvas. Times are Unix milliseconds; texts are made here and nowhere else.

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, tz::Offset};
use std::sync::Arc;

/// Where the time comes from: returns Unix milliseconds.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Reads the machine's clock as Unix milliseconds; the only place in this crate that does.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the sandbox reads the real time"
)]
pub fn system_now_ms() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}

/// A clock that tests can set, move and stop.
pub(crate) struct Clock {
    base: Now,
    offset_ms: i64,
    frozen_ms: Option<i64>,
}

impl Clock {
    pub(crate) fn new(base: Now) -> Self {
        Self {
            base,
            offset_ms: 0,
            frozen_ms: None,
        }
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.frozen_ms
            .unwrap_or_else(|| (self.base)().saturating_add(self.offset_ms))
    }

    /// Sets the present time; it runs on from there unless frozen.
    pub(crate) fn set_ms(&mut self, now_ms: i64) {
        if self.frozen_ms.is_some() {
            self.frozen_ms = Some(now_ms);
        } else {
            self.offset_ms = now_ms.saturating_sub((self.base)());
        }
    }

    pub(crate) fn advance_ms(&mut self, by_ms: i64) {
        self.set_ms(self.now_ms().saturating_add(by_ms));
    }

    pub(crate) fn freeze(&mut self, freeze: bool) {
        let now_ms = self.now_ms();
        self.frozen_ms = freeze.then_some(now_ms);
        if !freeze {
            self.set_ms(now_ms);
        }
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen_ms.is_some()
    }
}

fn civil(ms: i64, offset_hours: i8) -> (DateTime, i16) {
    let stamp = Timestamp::from_millisecond(ms).unwrap_or_default();
    let offset = Offset::constant(offset_hours);
    let civil = offset.to_datetime(stamp);
    (
        civil,
        civil
            .subsec_nanosecond()
            .checked_div(1_000_000)
            .map_or(0, |m| i16::try_from(m).unwrap_or(0)),
    )
}

/// REST form: whole seconds and `Z` (contract canvas §1).
pub(crate) fn rest(ms: i64) -> String {
    let (c, _) = civil(ms, 0);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        c.year(),
        c.month(),
        c.day(),
        c.hour(),
        c.minute(),
        c.second()
    )
}

/// Live Events form: milliseconds and `Z`.
pub(crate) fn precise(ms: i64) -> String {
    let (c, millis) = civil(ms, 0);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{millis:03}Z",
        c.year(),
        c.month(),
        c.day(),
        c.hour(),
        c.minute(),
        c.second()
    )
}

/// GraphQL and user `created_at` form: whole seconds with the time zone's offset.
pub(crate) fn zoned(ms: i64, offset_hours: i8) -> String {
    let (c, _) = civil(ms, offset_hours);
    let sign = if offset_hours < 0 { '-' } else { '+' };
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{sign}{:02}:00",
        c.year(),
        c.month(),
        c.day(),
        c.hour(),
        c.minute(),
        c.second(),
        offset_hours.unsigned_abs()
    )
}

/// The words of a lock explanation: `Jan 1, 2030 at  3am`.
pub(crate) fn spoken(ms: i64, offset_hours: i8) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (c, _) = civil(ms, offset_hours);
    let month = MONTHS
        .get(usize::from(c.month().unsigned_abs()).saturating_sub(1))
        .unwrap_or(&"");
    let (hour, half) = match c.hour() {
        0 => (12, "am"),
        h @ 1..=11 => (h, "am"),
        12 => (12, "pm"),
        h => (h - 12, "pm"),
    };
    let minute = if c.minute() == 0 {
        String::new()
    } else {
        format!(":{:02}", c.minute())
    };
    format!(
        "{month} {}, {} at {hour:>2}{minute}{half}",
        c.day(),
        c.year()
    )
}

/// Reads ISO 8601 or `yyyy-mm-dd`; a date without a zone is local; anything else is `None`
/// (Canvas takes an unreadable date as null with 200, contract canvas §1).
pub(crate) fn parse(text: &str, offset_hours: i8) -> Option<i64> {
    let text = text.trim();
    if let Ok(stamp) = text.parse::<Timestamp>() {
        return Some(stamp.as_millisecond());
    }
    let offset = Offset::constant(offset_hours);
    let civil = text
        .parse::<DateTime>()
        .or_else(|_| text.parse::<Date>().map(|d| d.at(0, 0, 0, 0)))
        .ok()?;
    offset
        .to_timestamp(civil)
        .ok()
        .map(Timestamp::as_millisecond)
}

/// Moves a local midnight to 23:59:59 of that day ("fancy midnight", contract canvas §1).
pub(crate) fn fancy_midnight(ms: i64, offset_hours: i8) -> i64 {
    let (c, millis) = civil(ms, offset_hours);
    if c.hour() == 0 && c.minute() == 0 && c.second() == 0 && millis == 0 {
        ms.saturating_add((24 * 60 * 60 - 1) * 1000)
    } else {
        ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_a_moment() {
        let ms = 1_893_492_000_123; // 2030-01-01T10:00:00.123Z
        assert_eq!(rest(ms), "2030-01-01T10:00:00Z");
        assert_eq!(precise(ms), "2030-01-01T10:00:00.123Z");
        assert_eq!(zoned(ms, -7), "2030-01-01T03:00:00-07:00");
        assert_eq!(spoken(ms, -7), "Jan 1, 2030 at  3am");
    }

    #[test]
    fn a_date_is_local_midnight_and_moves_to_the_end_of_the_day() {
        let midnight = parse("2030-01-01", -7).unwrap();
        assert_eq!(rest(midnight), "2030-01-01T07:00:00Z");
        assert_eq!(rest(fancy_midnight(midnight, -7)), "2030-01-02T06:59:59Z");
        assert_eq!(parse("nonsense", -7), None);
    }

    #[test]
    fn clock_moves_and_freezes() {
        let mut clock = Clock::new(Arc::new(|| 1_000));
        clock.advance_ms(500);
        assert_eq!(clock.now_ms(), 1_500);
        clock.freeze(true);
        clock.set_ms(9_000);
        assert_eq!(clock.now_ms(), 9_000);
        clock.freeze(false);
        assert_eq!(clock.now_ms(), 9_000);
    }
}
