//! Live Events as hints (contract canvas §16): where to look, never what is true. Texts in them are cut and
//! unordered.

use ::connector::{Hint, RawEvent};
use model::RemoteId;
use serde::Deserialize;

use crate::address::{TopicId, local};
use crate::failure::{Reason, Trouble};
use crate::wire::Id;

/// The events that are about topics and entries; there is none for edited or deleted entries.
const KNOWN: [&str; 4] = [
    "discussion_topic_created",
    "discussion_topic_updated",
    "discussion_entry_created",
    "discussion_entry_submitted",
];

#[derive(Debug, Deserialize)]
struct Event {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    body: Body,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    event_name: Option<String>,
    context_type: Option<String>,
    context_id: Option<Id>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    discussion_topic_id: Option<Id>,
    context_type: Option<String>,
    context_id: Option<Id>,
}

/// What a delivery tells us; `None` for other events and for topics outside courses.
pub(crate) fn interpret(event: RawEvent<'_>) -> Result<Option<Hint>, Trouble> {
    if event.body.starts_with(b"ey") {
        return Err(Trouble::new(
            Reason::SignedEvent,
            "Canvas signs its Live Events with keys that we do not read.".to_owned(),
        ));
    }
    let parsed: Event = serde_json::from_slice(event.body).map_err(|error| {
        Trouble::new(
            Reason::Invalid,
            format!("A Live Event is not readable at column {}.", error.column()),
        )
    })?;
    let name = parsed.metadata.event_name.as_deref().unwrap_or(event.name);
    if !KNOWN.contains(&name) {
        return Ok(None);
    }
    Ok(hint(&parsed))
}

/// The body names a topic's course; an entry's is in the metadata only.
fn hint(event: &Event) -> Option<Hint> {
    let (context, id) = match &event.body.context_id {
        Some(id) => (&event.body.context_type, id),
        None => (
            &event.metadata.context_type,
            event.metadata.context_id.as_ref()?,
        ),
    };
    if context.as_deref() != Some("Course") {
        return None;
    }
    let topic = event.body.discussion_topic_id.as_ref()?;
    let place = TopicId {
        course: local(id.as_str())?,
        topic: local(topic.as_str())?,
    };
    Some(Hint {
        topic: place.remote(),
        course: Some(RemoteId(place.course)),
        // The text is cut at 8,192 characters, so it never proves an echo.
        item: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Option<Hint>, Trouble> {
        interpret(RawEvent {
            name: "discussion_entry_created",
            body: body.as_bytes(),
        })
    }

    #[test]
    fn global_and_local_ids_name_the_same_topic() {
        let entry = r#"{"metadata":{"event_name":"discussion_entry_created","context_type":"Course","context_id":"21070000000000565"},"body":{"discussion_topic_id":"66871"}}"#;
        let topic = r#"{"metadata":{"event_name":"discussion_topic_updated"},"body":{"discussion_topic_id":"21070000000066871","context_id":"565","context_type":"Course","workflow_state":"deleted"}}"#;
        for body in [entry, topic] {
            let hint = read(body).unwrap().unwrap();
            assert_eq!(hint.topic, RemoteId::from("565/66871"));
            assert_eq!(hint.course, Some(RemoteId::from("565")));
        }
    }

    #[test]
    fn other_events_say_nothing() {
        for body in [
            r#"{"metadata":{"event_name":"user_updated"},"body":{"discussion_topic_id":"1","context_id":"1","context_type":"Course"}}"#,
            r#"{"metadata":{"context_type":"Group","context_id":"3"},"body":{"discussion_topic_id":"1"}}"#,
            r#"{"metadata":{"context_type":"Course","context_id":"3"},"body":{}}"#,
            r#"{"metadata":{"context_type":"Course","context_id":"x"},"body":{"discussion_topic_id":1}}"#,
            "{}",
        ] {
            assert_eq!(read(body).unwrap(), None, "{body}");
        }
    }

    #[test]
    fn what_is_no_event_is_an_error() {
        for body in ["", "[", "null", "nonsense", "\u{0}"] {
            assert_eq!(read(body).unwrap_err().reason, Reason::Invalid, "{body}");
        }
        assert_eq!(
            read("eyJhbGciOi.x.y").unwrap_err().reason,
            Reason::SignedEvent
        );
    }
}
