//! Entries (contract canvas §6.2).

use super::{Reader, file, set, time};
use crate::state::thread::{Entry, Home, Topic};
use serde_json::{Map, Value, json};

/// In which answer an entry appears; the keys differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Create answer, `entries`, `replies`.
    Full,
    /// Answer of PUT: no `user`.
    Put,
    /// `entry_list`: no `user_name`.
    List,
    /// `/view` and its `new_entries`.
    View,
}

/// One entry as this reader sees it.
pub(crate) fn entry(reader: &Reader<'_>, entry: &Entry, topic: &Topic, form: Form) -> Value {
    let mut map = Map::new();
    let mut put = |key: &str, value: Value| {
        map.insert(key.to_owned(), value);
    };
    let is_anonymous = topic.anonymous_state.is_some();
    put("id", json!(entry.id));
    put("parent_id", json!(entry.parent_id));
    put("created_at", time(Some(entry.created_at)));
    put("updated_at", time(Some(entry.updated_at)));
    put("rating_count", json!(entry.rating_count()));
    put("rating_sum", json!(entry.rating_sum()));
    if let Some(editor) = entry.editor_id {
        put("editor_id", json!(editor));
    }
    if entry.is_deleted() {
        put("deleted", json!(true));
    } else {
        let hidden = if is_anonymous {
            Value::Null
        } else {
            json!(entry.user_id)
        };
        put("user_id", hidden);
        if matches!(form, Form::Full | Form::Put) {
            let name = if is_anonymous {
                Value::Null
            } else {
                reader.user_name(entry.user_id)
            };
            put("user_name", name);
        }
        let verifiers = form != Form::View && reader.shows_verifiers();
        put(
            "message",
            reader.html_with(topic.home, entry.message.as_deref(), verifiers),
        );
    }
    if matches!(form, Form::Full | Form::List) {
        let user = if is_anonymous {
            Value::Null
        } else {
            reader.display(entry.user_id, topic.home)
        };
        put("user", user);
    }
    let attached = entry
        .attachment_id
        .and_then(|id| crate::act::file::resolve(reader.world, id));
    if let Some(stored) = attached {
        let json = file::file(reader, stored);
        put("attachment", json.clone());
        put("attachments", json!([json]));
    }
    if form != Form::View {
        let is_read = reader.user_id.is_some_and(|u| entry.read_by.contains(&u));
        let is_forced = reader
            .user_id
            .is_some_and(|u| entry.forced_read.contains(&u));
        put("read_state", json!(if is_read { "read" } else { "unread" }));
        put("forced_read_state", json!(is_forced));
    }
    Value::Object(map)
}

/// A top-level entry with up to ten of its newest active replies.
/// Read through a group root, authors are shown in the root's course (seen live, 526).
pub(crate) fn with_replies(reader: &Reader<'_>, top: &Entry, place: (&Topic, Home)) -> Value {
    let (topic, home) = place;
    let full = |e: &Entry| {
        let mut row = entry(reader, e, topic, Form::Full);
        if home != topic.home && topic.anonymous_state.is_none() {
            set(&mut row, "user", reader.display(e.user_id, home));
        }
        row
    };
    let mut out = full(top);
    let replies: Vec<&Entry> = reader
        .world
        .data
        .entries_in(topic)
        .rev()
        .filter(|e| e.root_entry_id == Some(top.id) && !e.is_deleted())
        .take(11)
        .collect();
    if !replies.is_empty() {
        let shown: Vec<Value> = replies.iter().take(10).map(|e| full(e)).collect();
        set(&mut out, "has_more_replies", json!(replies.len() > 10));
        set(&mut out, "recent_replies", Value::Array(shown));
    }
    out
}
