//! Reads single values out of Canvas's JSON, whatever age the server has.

use model::Timestamp;
use serde_json::Value;

/// An id, written as a number or as text (contract canvas §1: string-id leak).
pub(crate) fn id(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

/// A text.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// A yes-or-no; `null` and absent are no.
pub(crate) fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or(false)
}

/// A list; absent is empty.
pub(crate) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A time with any offset (contract canvas §1: GraphQL carries the zone's).
pub(crate) fn time(value: &Value, key: &str) -> Option<Timestamp> {
    let parsed: jiff::Timestamp = text(value, key)?.parse().ok()?;
    Some(Timestamp(parsed.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_and_times_of_all_ages_are_read() {
        assert_eq!(id(&json!({"id": 7}), "id").as_deref(), Some("7"));
        assert_eq!(id(&json!({"id": "7"}), "id").as_deref(), Some("7"));
        assert_eq!(id(&json!({"id": null}), "id"), None);
        let zulu = time(&json!({"t": "2026-11-22T15:53:52Z"}), "t");
        let offset = time(&json!({"t": "2026-11-22T08:53:52-07:00"}), "t");
        assert_eq!(zulu, offset);
        assert!(zulu.is_some());
        assert_eq!(time(&json!({"t": "yesterday"}), "t"), None);
    }
}
