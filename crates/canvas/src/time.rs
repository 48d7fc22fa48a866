//! Canvas's times: RFC 3339 with any offset (contract canvas §1), and the `Date` header.

use api_client::Response;
use model::Timestamp;

/// Reads a time of a body; `None` when it is not one.
pub(crate) fn read(text: Option<&str>) -> Option<Timestamp> {
    let time: jiff::Timestamp = text?.trim().parse().ok()?;
    Some(Timestamp(time.as_millisecond()))
}

/// The server's own time when it answered: the only clock that its dates may be compared with.
pub(crate) fn of_answer(response: &Response) -> Option<Timestamp> {
    let zoned = jiff::fmt::rfc2822::parse(response.header("date")?).ok()?;
    Some(Timestamp(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_offset_is_understood_and_nonsense_is_not() {
        let utc = read(Some("2026-11-22T15:53:52Z"));
        assert!(utc.is_some());
        assert_eq!(read(Some("2026-11-22T08:53:52-07:00")), utc);
        assert_eq!(read(Some("2026-11-22T15:53:52.000Z")), utc);
        for text in ["", "2026-11-22", "yesterday", "2026-13-22T15:53:52Z"] {
            assert_eq!(read(Some(text)), None, "{text}");
        }
        assert_eq!(read(None), None);
    }
}
