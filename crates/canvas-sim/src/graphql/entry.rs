//! Fields of discussion entries. The message is nearly the stored form (contract canvas §11.2).

use super::connection::{relay_id, time};
use super::discussion;
use super::exec::{Arguments, Node, Res, Scene};
use crate::html::tag::{Fate, rewrite};
use crate::policy;
use crate::state::thread::{Entry, Topic};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn scalar(value: impl Into<Value>) -> Res {
    Res::Scalar(value.into())
}

/// Refreshes the names in @mention spans from the user records.
fn refresh_mentions(scene: &Scene<'_>, html: &str) -> String {
    if !html.contains("data-mention") {
        return html.to_owned();
    }
    rewrite(html, |tag, _| {
        let user = tag
            .get("data-mention")
            .and_then(crate::id::local)
            .and_then(|id| scene.world.data.users.get(&id));
        match user {
            Some(user) if tag.name == "span" => {
                Fate::ReplaceElement(format!("{}@{}</span>", tag.write(), user.short_name))
            }
            _ => Fate::Keep,
        }
    })
}

fn message(scene: &Scene<'_>, topic: &Topic, entry: &Entry) -> Res {
    let Some(text) = entry.message.as_deref().filter(|_| !entry.is_deleted()) else {
        return Res::null();
    };
    let text = refresh_mentions(scene, text);
    if text.contains("/files/") {
        return Res::Scalar(scene.reader.html(topic.home, Some(&text)));
    }
    scalar(text)
}

/// Versions: for staff and the author; null if deleted.
fn versions(scene: &Scene<'_>, topic: &Topic, entry: &Entry) -> Res {
    let standing = scene.reader.standing(topic.course_id);
    let may = standing.is_staff() || scene.reader.user_id == Some(entry.user_id);
    if !may || entry.is_deleted() {
        return Res::null();
    }
    let row = |number: u64, message: &Option<String>, at: i64| {
        let fields = BTreeMap::from([
            ("_id", scalar(format!("{}{number:04}", entry.id))),
            ("version", scalar(number)),
            ("message", scalar(json!(message))),
            ("createdAt", time(scene, Some(at))),
            ("updatedAt", time(scene, Some(at))),
        ]);
        Res::Node(Node::Made("DiscussionEntryVersion", fields))
    };
    // Newest first; the present wording is a version too.
    let present = u64::try_from(entry.versions.len())
        .unwrap_or(0)
        .saturating_add(1);
    let mut rows = vec![row(
        present,
        &entry.message,
        entry.edited_at.unwrap_or(entry.created_at),
    )];
    rows.extend(
        entry
            .versions
            .iter()
            .rev()
            .map(|v| row(v.number, &v.message, v.created_at)),
    );
    Res::List(rows)
}

fn permissions(scene: &Scene<'_>, topic: &Topic, entry: &Entry) -> Res {
    let standing = scene.reader.standing(topic.course_id);
    let change = policy::can_change_entry(scene.world, topic, entry, &standing);
    let fields = BTreeMap::from([
        ("read", scalar(true)),
        (
            "reply",
            scalar(policy::can_reply(scene.world, topic, &standing)),
        ),
        ("update", scalar(change && !entry.is_deleted())),
        ("delete", scalar(change)),
        ("rate", scalar(topic.allow_rating && !entry.is_deleted())),
    ]);
    Res::Node(Node::Made("DiscussionEntryPermissions", fields))
}

fn participant(scene: &Scene<'_>, entry: &Entry) -> Res {
    let user = scene.reader.user_id.unwrap_or(0);
    let fields = BTreeMap::from([
        ("rating", scalar(entry.ratings.get(&user) == Some(&1))),
        ("read", scalar(entry.read_by.contains(&user))),
        ("forcedReadState", scalar(entry.forced_read.contains(&user))),
    ]);
    Res::Node(Node::Made("EntryParticipant", fields))
}

/// Gives one field of an entry.
pub(super) fn resolve(scene: &Scene<'_>, id: u64, field: &str, arguments: &Arguments) -> Res {
    let data = &scene.world.data;
    let Some(entry) = data.entries.get(&id) else {
        return Res::null();
    };
    let Some(topic) = data.topics.get(&entry.topic_id) else {
        return Res::null();
    };
    let id_text = |id: Option<u64>| scalar(json!(id.map(|id| id.to_string())));
    let is_anonymous = entry.is_anonymous_author;
    let named = |user: u64| discussion::author(scene, topic, user, is_anonymous);
    match field {
        "_id" => scalar(id.to_string()),
        "id" => scalar(relay_id("DiscussionEntry", id)),
        "discussionTopicId" => scalar(entry.topic_id.to_string()),
        "discussionTopic" => Res::Node(Node::Discussion(entry.topic_id)),
        "parentId" => id_text(entry.parent_id),
        "rootEntryId" => id_text(entry.root_entry_id),
        "rootEntry" => Res::maybe(entry.root_entry_id.map(Node::Entry)),
        "depth" => scalar(entry.depth),
        "message" => message(scene, topic, entry),
        "createdAt" => time(scene, Some(entry.created_at)),
        "updatedAt" => time(scene, Some(entry.updated_at)),
        "editedAt" => time(scene, entry.edited_at),
        "deleted" => scalar(entry.is_deleted()),
        "author" => Res::maybe(named(entry.user_id)),
        "editor" => Res::maybe(entry.editor_id.and_then(named)),
        "anonymousAuthor" => discussion::anonymous(scene, topic, entry.user_id, is_anonymous),
        "attachment" => Res::maybe(
            entry
                .attachment_id
                .filter(|_| !entry.is_deleted())
                .map(Node::File),
        ),
        "ratingCount" => scalar(json!(entry.rating_count())),
        "ratingSum" => scalar(json!(entry.rating_sum())),
        "subentriesCount" => {
            let count = data
                .entries_in(topic)
                .filter(|e| e.parent_id == Some(id))
                .count();
            scalar(json!(count))
        }
        "quotedEntry" => Res::maybe(entry.quoted_entry_id.map(Node::Entry)),
        "pinType" => scalar(json!(entry.pin_type)),
        "entryParticipant" => participant(scene, entry),
        "permissions" => permissions(scene, topic, entry),
        "discussionEntryVersions" => versions(scene, topic, entry),
        "discussionSubentriesConnection" => discussion::subentries(scene, topic, id, arguments),
        _ => Res::null(),
    }
}
