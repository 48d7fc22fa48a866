//! From Canvas's JSON to neutral records, and the rules about what must not be mirrored (contract canvas §15).

use model::{
    Author, Body, CreateKey, Dialect, Field, Kind, Record, RemoteId, RemoteItem, Sighting,
    Timestamp, Value as FieldValue,
};
use serde_json::{Value, json};

use crate::connector::Canvas;
use crate::name::TopicName;
use crate::wire;

/// A body without marker, attribution and the reader's noise.
pub(crate) struct CleanBody {
    pub(crate) body: Body,
    pub(crate) key: Option<CreateKey>,
    pub(crate) attributed_to: Option<String>,
}

impl Canvas {
    /// Takes our own marks off a message; an attribution counts only under our own name.
    pub(crate) fn clean(&self, html: &str, is_ours: bool) -> CleanBody {
        let key = markup::find_mark(html).map(CreateKey);
        let mut source = if key.is_some() {
            markup::strip_mark(html)
        } else {
            html.to_owned()
        };
        let mut attributed_to = None;
        if is_ours {
            (attributed_to, source) =
                markup::strip_attribution(&source, markup::Dialect::CanvasHtml);
        }
        let canonical = markup::canonical_html(&source, &self.markup);
        CleanBody {
            body: Body {
                dialect: Dialect::CanvasHtml,
                source,
                canonical,
            },
            key,
            attributed_to,
        }
    }

    fn author(&self, id: Option<String>, name: Option<&str>) -> Option<Author> {
        let id = id?;
        Some(Author {
            key: self.person_key(&id),
            name: name.unwrap_or("Someone").to_owned(),
            remote: Some(RemoteId(id)),
        })
    }

    fn is_own(&self, id: Option<&String>) -> bool {
        id == Some(&self.abilities().own_id)
    }

    /// A topic as REST shows it.
    pub(crate) fn topic_item(&self, name: &TopicName, topic: &Value) -> RemoteItem {
        let author = topic.get("author").unwrap_or(&Value::Null);
        let author_id = wire::id(author, "id");
        let is_ours = self.is_own(author_id.as_ref());
        let clean = self.clean(wire::text(topic, "message").unwrap_or_default(), is_ours);
        let display = wire::text(author, "display_name").or_else(|| wire::text(topic, "user_name"));
        let announcement = wire::flag(topic, "is_announcement")
            || wire::text(topic, "subscription_hold") == Some("topic_is_announcement");
        let created_at = wire::time(topic, "created_at").or_else(|| wire::time(topic, "posted_at"));
        let record = Record {
            announcement,
            author: self.author(author_id, display),
            created_at,
            edited_at: None,
            ..Record::default()
        }
        .with(
            Field::Title,
            FieldValue::Text(wire::text(topic, "title").unwrap_or_default().to_owned()),
        )
        .with(Field::Body, FieldValue::Body(clean.body))
        .with(Field::Locked, FieldValue::Flag(wire::flag(topic, "locked")))
        .with(Field::Pinned, FieldValue::Flag(wire::flag(topic, "pinned")));
        let sighting = match withheld(topic, newest(topic)) {
            Some(reason) => Sighting::Withheld(reason.to_owned()),
            None => Sighting::Present(record),
        };
        RemoteItem {
            kind: Kind::Topic,
            remote: name.remote(),
            container: Some(RemoteId(name.course.clone())),
            parent: None,
            mark: Some(mark(
                clean.key.as_ref(),
                clean.attributed_to.as_deref(),
                false,
            )),
            key: clean.key,
            sighting,
        }
    }

    /// An entry as REST or GraphQL shows it.
    pub(crate) fn entry_item(&self, name: &TopicName, entry: &Value) -> Option<RemoteItem> {
        let id = wire::id(entry, "id").or_else(|| wire::id(entry, "_id"))?;
        let parent = wire::id(entry, "parent_id").or_else(|| wire::id(entry, "parentId"));
        let user = entry
            .get("user")
            .or_else(|| entry.get("author"))
            .unwrap_or(&Value::Null);
        let author_id = wire::id(entry, "user_id")
            .or_else(|| wire::id(user, "_id"))
            .or_else(|| wire::id(user, "id"));
        let display = wire::text(user, "display_name")
            .or_else(|| wire::text(user, "shortName"))
            .or_else(|| wire::text(entry, "user_name"));
        let is_ours = self.is_own(author_id.as_ref());
        let clean = self.clean(wire::text(entry, "message").unwrap_or_default(), is_ours);
        let has_file = entry.get("attachment").is_some_and(|file| !file.is_null());
        let time = |rest: &str, graphql: &str| {
            wire::time(entry, rest).or_else(|| wire::time(entry, graphql))
        };
        let sighting = if wire::flag(entry, "deleted") {
            Sighting::Deleted
        } else if wire::flag(user, "fake_student") {
            Sighting::Withheld("it was written by the Test Student".to_owned())
        } else {
            let record = Record {
                author: self.author(author_id, display),
                created_at: time("created_at", "createdAt"),
                edited_at: time("updated_at", "editedAt")
                    .or_else(|| wire::time(entry, "updatedAt")),
                ..Record::default()
            };
            Sighting::Present(record.with(Field::Body, FieldValue::Body(clean.body)))
        };
        Some(RemoteItem {
            kind: Kind::Post,
            remote: name.entry(&id),
            container: Some(name.remote()),
            parent: parent.map(|parent| name.entry(&parent)),
            mark: Some(mark(
                clean.key.as_ref(),
                clean.attributed_to.as_deref(),
                has_file,
            )),
            key: clean.key,
            sighting,
        })
    }
}

/// Our private note about an item: the marker it carries, whom it is attributed to, whether it has a file.
pub(crate) fn mark(key: Option<&CreateKey>, attributed_to: Option<&str>, has_file: bool) -> String {
    json!({ "key": key.map(CreateKey::as_str), "by": attributed_to, "file": has_file }).to_string()
}

/// Why a topic must not be mirrored, if it must not.
fn withheld(topic: &Value, newest: Option<Timestamp>) -> Option<&'static str> {
    let is_set = |key: &str| topic.get(key).is_some_and(|value| !value.is_null());
    let has_overrides = !wire::list(topic, "ungraded_discussion_overrides").is_empty()
        || wire::flag(topic, "only_visible_to_overrides")
        || topic
            .get("assignment")
            .is_some_and(|assignment| wire::flag(assignment, "only_visible_to_overrides"));
    let is_delayed = wire::time(topic, "delayed_post_at").is_some_and(|from| {
        wire::flag(topic, "locked_for_user") || newest.is_none_or(|newest| from > newest)
    });
    if wire::text(topic, "anonymous_state").is_some() {
        Some("the topic is anonymous")
    } else if wire::flag(topic, "is_section_specific") {
        Some("the topic is for some sections only")
    } else if has_overrides {
        Some("the topic is assigned to some people only")
    } else if is_set("group_category_id") || is_set("root_topic_id") {
        Some("the topic is for groups")
    } else if topic.get("published") == Some(&Value::Bool(false)) {
        Some("the topic is a draft")
    } else if is_delayed {
        Some("the topic is not open yet")
    } else if wire::flag(topic, "require_initial_post") {
        Some("its replies are shown only to people who have posted")
    } else {
        None
    }
}

/// The server's newest time in a topic stands for "now": this crate has no clock.
fn newest(topic: &Value) -> Option<Timestamp> {
    ["last_reply_at", "posted_at", "created_at"]
        .iter()
        .filter_map(|key| wire::time(topic, key))
        .max()
}
