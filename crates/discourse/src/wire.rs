//! The JSON of Discourse as types, private to this crate.
//!
//! Fields differ with the server's version, and plugins add their own: every field that is not needed to make
//! sense of
//! an answer is optional, unknown ones are ignored, and `null` counts as absent (contract discourse §1, §5).

use serde::{Deserialize, Deserializer};
use serde_json::Value;

pub(crate) mod course;
pub(crate) mod person;
pub(crate) mod post;
pub(crate) mod refusal;
pub(crate) mod topic;

/// Reads a value whose `null` means its default.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Reads a whole number that some versions write as text; anything else is absent.
pub(crate) fn whole<'de, D>(deserializer: D) -> Result<Option<i64>, D::Error>
where
    D: Deserializer<'de>,
{
    Ok(match Option::<Value>::deserialize(deserializer)? {
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    })
}

/// Reads a text that some versions write as a number; blank counts as absent.
pub(crate) fn text<'de, D>(deserializer: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    Ok(Option::<Value>::deserialize(deserializer)?.and_then(|value| plain_text(&value)))
}

/// Reads a text as it is; anything else is absent (a plugin's `raw` was seen as a tree).
pub(crate) fn verbatim<'de, D>(deserializer: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    Ok(match Option::<Value>::deserialize(deserializer)? {
        Some(Value::String(text)) => Some(text),
        _ => None,
    })
}

/// The words of a text or number; blank counts as absent.
pub(crate) fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
