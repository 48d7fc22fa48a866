//! Discourse's times: ISO 8601 in UTC with milliseconds (contract discourse §2).

use model::Timestamp;

/// Reads a time; `None` when it is not one.
pub(crate) fn read(text: Option<&str>) -> Option<Timestamp> {
    let time: jiff::Timestamp = text?.parse().ok()?;
    Some(Timestamp(time.as_millisecond()))
}

/// Writes a time as Discourse does; `None` when it is outside the years that can be written.
pub(crate) fn write(time: Timestamp) -> Option<String> {
    let time = jiff::Timestamp::from_millisecond(time.0).ok()?;
    Some(format!("{time:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_back() {
        for text in ["2026-01-05T13:19:34.880Z", "1999-12-31T23:59:59.000Z"] {
            assert_eq!(read(Some(text)).and_then(write).as_deref(), Some(text));
        }
        assert_eq!(
            read(Some("2026-01-05T14:19:34.880+01:00")),
            read(Some("2026-01-05T13:19:34.880Z"))
        );
        assert_eq!(read(Some("yesterday")), None);
        assert_eq!(read(None), None);
        assert_eq!(write(Timestamp(i64::MAX)), None);
    }
}
