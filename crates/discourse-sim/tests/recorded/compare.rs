//! How two JSON answers are compared: same keys and types everywhere, same values where they count.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Keys that come from plugins or front-end state of the recorded server.
const IGNORED: &[&str] = &[
    // Plugins: chat, details of sidebars.
    "can_chat_user",
    "chat_enabled",
    // Notices to first-time posters and badges.
    "notice",
    "badges",
    "badge_types",
    "users",
    "tl3_requirements",
    // Volatile: who read, which links were extracted.
    "link_counts",
    "last_read_post_number",
    "last_read_post_id",
    "posted",
    "notification_level",
    "notifications_reason_id",
    "unread",
    "new_posts",
    "unread_posts",
    "is_poll",
    "suggested_topics",
    "top_tags",
    "timeline_lookup",
    "extras",
    "hidden_reason_id",
    "thumbnails",
];

/// Values that are compared, by key.
const FACTS: &[&str] = &[
    "version",
    "post_number",
    "post_type",
    "reply_to_post_number",
    "user_deleted",
    "hidden",
    "wiki",
    "closed",
    "archived",
    "visible",
    "pinned",
    "pinned_globally",
    "archetype",
    "action",
    "action_code",
    "error_type",
    "success",
    "failed",
    "edit_reason",
    "title",
    "fancy_title",
    "raw",
    "topic_slug",
    "current_revision",
    "external_id",
    "read_restricted",
    "automatic",
    "locked",
    "enabled",
];

/// All differences, each with its path.
pub fn differences(recorded: &Value, ours: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk("", recorded, ours, &mut found);
    found
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn walk(path: &str, recorded: &Value, ours: &Value, found: &mut Vec<String>) {
    match (recorded, ours) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                if IGNORED.contains(&key.as_str()) {
                    continue;
                }
                let path = format!("{path}.{key}");
                match b.get(key) {
                    None => found.push(format!("{path}: missing here, recorded {}", short(value))),
                    Some(other) => {
                        fact(&path, key, value, other, found);
                        walk(&path, value, other, found);
                    }
                }
            }
            for key in b.keys().filter(|key| !a.contains_key(*key)) {
                if !IGNORED.contains(&key.as_str()) {
                    found.push(format!(
                        "{path}.{key}: not recorded, here {}",
                        short(&b[key])
                    ));
                }
            }
        }
        (Value::Array(a), Value::Array(b)) => arrays(path, a, b, found),
        _ => {
            let (a, b) = (kind(recorded), kind(ours));
            // A null says nothing about the type of a field that may be null.
            if a != b && a != "null" && b != "null" {
                found.push(format!(
                    "{path}: recorded {}, here {}",
                    short(recorded),
                    short(ours)
                ));
            }
        }
    }
}

fn fact(path: &str, key: &str, recorded: &Value, ours: &Value, found: &mut Vec<String>) {
    let scalar = !recorded.is_object() && !recorded.is_array();
    if FACTS.contains(&key) && scalar && recorded != ours {
        found.push(format!(
            "{path}: recorded {}, here {}",
            short(recorded),
            short(ours)
        ));
    }
    if key == "errors" && normal(recorded) != normal(ours) {
        found.push(format!(
            "{path}: recorded {}, here {}",
            short(recorded),
            short(ours)
        ));
    }
    if matches!(key, "deleted_at" | "edit_reason") && recorded.is_null() != ours.is_null() {
        found.push(format!(
            "{path}: recorded {}, here {}",
            short(recorded),
            short(ours)
        ));
    }
}

/// Error texts with their numbers taken out: waiting times differ from run to run.
fn normal(value: &Value) -> String {
    let text = value.to_string().to_lowercase();
    text.chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect()
}

/// Lists of equal length are compared item by item; others by the shapes that occur in them.
fn arrays(path: &str, a: &[Value], b: &[Value], found: &mut Vec<String>) {
    if a.is_empty() || b.is_empty() {
        if a.is_empty() != b.is_empty() && is_list_of(path, &["posts"]) {
            found.push(format!(
                "{path}: recorded {} items, here {}",
                a.len(),
                b.len()
            ));
        }
        return;
    }
    let posts = is_list_of(path, &["posts", "usernames"]);
    if posts && a.len() != b.len() {
        found.push(format!(
            "{path}: recorded {} items, here {}",
            a.len(),
            b.len()
        ));
    }
    if posts && a.len() == b.len() {
        for (at, (x, y)) in a.iter().zip(b).enumerate() {
            walk(&format!("{path}[{at}]"), x, y, found);
        }
        return;
    }
    let (x, y) = (shape(a), shape(b));
    for (key, kinds) in &x {
        match y.get(key) {
            None => found.push(format!("{path}[].{key}: missing here")),
            Some(other)
                if kinds.is_disjoint(other)
                    && !kinds.contains("null")
                    && !other.contains("null") =>
            {
                found.push(format!(
                    "{path}[].{key}: recorded {kinds:?}, here {other:?}"
                ));
            }
            Some(_) => {}
        }
    }
    for key in y.keys().filter(|key| !x.contains_key(*key)) {
        found.push(format!("{path}[].{key}: not recorded"));
    }
}

/// Keys of all items with the types they have.
fn shape(items: &[Value]) -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut shape: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    for item in items {
        match item {
            Value::Object(fields) => {
                for (key, value) in fields {
                    if !IGNORED.contains(&key.as_str()) && !OPTIONAL.contains(&key.as_str()) {
                        shape.entry(key.clone()).or_default().insert(kind(value));
                    }
                }
            }
            other => {
                shape
                    .entry("(item)".to_owned())
                    .or_default()
                    .insert(kind(other));
            }
        }
    }
    shape
}

/// Keys of list items that depend on which items there are.
const OPTIONAL: &[&str] = &[
    "reply_to_user",
    "action_code",
    "excerpt",
    "admin",
    "moderator",
    "parent_category_id",
    "acted",
    "can_undo",
    "count",
    "deleted_by",
    "bookmarked",
    "liked",
    "topic_url",
    "target_url",
    "topic_tags",
    "topic_id",
    "removed_topic_id",
    "external_id",
    "can_act",
];

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 160 {
        let cut: String = text.chars().take(160).collect();
        return format!("{cut}…");
    }
    text
}

fn is_list_of(path: &str, names: &[&str]) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, last)| names.contains(&last))
}
