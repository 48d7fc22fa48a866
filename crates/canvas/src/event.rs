//! Canvas Live Events as hints (contract canvas §16): ids are global or local, bodies are cut, edits of entries never come.

use connector::{Hint, RawEvent, Result};
use model::{Class, Failure, RemoteId};
use serde_json::Value;

use crate::wire;

/// Global ids are the shard times this, plus the local id (contract canvas §1).
const SHARD: u64 = 10_000_000_000_000;

/// Reads an unsigned event; `None` when it is about no discussion of a course.
pub(crate) fn interpret(event: RawEvent<'_>) -> Result<Option<Hint>> {
    let value: Value = serde_json::from_slice(event.body).map_err(|_| {
        connector::Error(Failure::new(
            "SYNC-2110",
            Class::Invalid,
            "A Live Event is not JSON.".to_owned(),
            "Nothing is lost: the feeds find the change.",
        ))
    })?;
    let (Some(metadata), Some(body)) = (value.get("metadata"), value.get("body")) else {
        return Ok(None);
    };
    let name = wire::text(metadata, "event_name").unwrap_or_default();
    if !name.starts_with("discussion_topic_") && !name.starts_with("discussion_entry_") {
        return Ok(None);
    }
    let is_course = |value: &Value| wire::text(value, "context_type") == Some("Course");
    let course = [body, metadata]
        .into_iter()
        .find(|value| is_course(value))
        .and_then(|value| local(value, "context_id"));
    let (Some(course), Some(topic)) = (course, local(body, "discussion_topic_id")) else {
        return Ok(None);
    };
    Ok(Some(Hint {
        topic: RemoteId(format!("{course}/{topic}")),
        course: Some(RemoteId(course.to_string())),
        item: None,
    }))
}

fn local(value: &Value, key: &str) -> Option<u64> {
    wire::id(value, key)?
        .parse::<u64>()
        .ok()
        .map(|id| id % SHARD)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hint(value: &Value) -> Option<String> {
        let body = value.to_string();
        let event = RawEvent {
            name: "live_event",
            body: body.as_bytes(),
        };
        interpret(event).unwrap().map(|hint| hint.topic.0)
    }

    #[test]
    fn global_and_local_ids_name_the_same_topic() {
        let global = json!({
            "metadata": { "event_name": "discussion_topic_updated" },
            "body": { "discussion_topic_id": "170000000000507", "context_id": "101", "context_type": "Course" },
        });
        assert_eq!(hint(&global).as_deref(), Some("101/507"));
        let local = json!({
            "metadata": { "event_name": "discussion_entry_created", "context_type": "Course", "context_id": "170000000000101" },
            "body": { "discussion_topic_id": "507" },
        });
        assert_eq!(hint(&local).as_deref(), Some("101/507"));
    }

    #[test]
    fn other_events_are_nothing() {
        assert_eq!(
            hint(&json!({ "metadata": { "event_name": "user_updated" }, "body": {} })),
            None
        );
        assert_eq!(hint(&json!([1])), None);
        assert!(
            interpret(RawEvent {
                name: "",
                body: b"{"
            })
            .is_err()
        );
    }
}
