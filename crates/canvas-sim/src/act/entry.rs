//! Entries: create, edit, delete, restore, rate (contract canvas §8, §12).
//! The caller has checked nothing; every rule is here.

use super::{stored_html, submission};
use crate::answer::{Fail, bad, invalid};
use crate::policy::{self, see_topic, standing};
use crate::request::Given;
use crate::state::next;
use crate::state::thread::{Entry, Topic, Version};
use crate::world::World;

/// Largest entry in characters, counted on what is sent.
const MESSAGE_MAX: usize = 64 * 1024 - 1;
/// Deepest reply.
const DEPTH_MAX: u64 = 50;
/// `last_reply_at` moves only when it is older than this (2026 code).
const REPLY_WINDOW_MS: i64 = 60_000;

/// A new entry.
#[derive(Default)]
pub(crate) struct NewEntry {
    pub topic_id: u64,
    pub parent_id: Option<u64>,
    pub message: Option<String>,
    pub quoted_entry_id: Option<u64>,
    pub is_anonymous_author: bool,
    /// Own scheme and host, for links.
    pub base: String,
}

/// What an edit does to the file of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileChange {
    Keep,
    Drop,
    Set(u64),
}

/// Refuses a message that is too long.
pub(crate) fn check_length(message: &str) -> Result<(), Fail> {
    if message.len() > MESSAGE_MAX && message.chars().count() > MESSAGE_MAX {
        return Err(invalid("message", "message", "too_long"));
    }
    Ok(())
}

/// Whether replies keep their parent (contract canvas §8.3).
pub(crate) fn is_threaded(world: &World, topic: &Topic) -> bool {
    topic.discussion_type == "threaded"
        || (world.switches.nested_means_threaded
            && world.data.entries_in(topic).any(|e| e.depth > 2))
}

fn settle_parent(world: &World, topic: &Topic, parent: &Entry) -> Option<u64> {
    if is_threaded(world, topic) {
        return Some(parent.id);
    }
    if topic.discussion_type == "flat" {
        return None;
    }
    Some(parent.root_entry_id.unwrap_or(parent.id))
}

/// Finds the parent of a reply: active, and in this topic or in a child the caller can read.
fn find_parent(world: &World, topic: &Topic, parent_id: u64, user_id: u64) -> Result<Entry, Fail> {
    let parent = world
        .data
        .entries
        .get(&parent_id)
        .filter(|e| !e.is_deleted())
        .ok_or(Fail::NotFound)?;
    if parent.topic_id == topic.id {
        return Ok(parent.clone());
    }
    let is_readable_child = topic.child_ids.contains(&parent.topic_id)
        && see_topic(world, parent.topic_id, Some(user_id)).is_ok();
    if is_readable_child {
        let words = "Parent entry must belong to the same discussion topic";
        return Err(invalid("parent_id", "parent_id", words));
    }
    Err(Fail::NotFound)
}

/// Creates an entry and returns its id.
pub(crate) fn create(world: &mut World, user_id: u64, new: NewEntry) -> Result<u64, Fail> {
    let (topic, standing) = see_topic(world, new.topic_id, Some(user_id))?;
    let is_reply = new.parent_id.is_some();
    if is_reply && policy::must_post_first(&world.data, topic, &standing) {
        return Err(Fail::InitialPost);
    }
    if !policy::can_reply(world, topic, &standing) {
        return Err(Fail::NotPermitted);
    }
    let parent = match new.parent_id {
        Some(id) => {
            let found = find_parent(world, topic, id, user_id)?;
            settle_parent(world, topic, &found).and_then(|id| world.data.entries.get(&id))
        }
        None => None,
    };
    let depth = parent.map_or(0, |p| p.depth).saturating_add(1);
    if depth > DEPTH_MAX {
        return Err(invalid("base", "base", "Maximum entry depth reached"));
    }
    if let Some(message) = &new.message {
        check_length(message)?;
    }
    let parent_id = parent.map(|p| p.id);
    let root_entry_id = parent.map(|p| p.root_entry_id.unwrap_or(p.id));
    let message = new
        .message
        .map(|m| stored_html(world, topic.home, &m, &new.base, true));
    world.before_entry_change(new.topic_id);
    let now = world.now();
    let id = next(&mut world.data.last.entry);
    let entry = Entry {
        id,
        topic_id: new.topic_id,
        user_id,
        editor_id: None,
        parent_id,
        root_entry_id,
        depth,
        message,
        created_at: now,
        updated_at: now,
        edited_at: None,
        deleted_at: None,
        extra_deletes: 0,
        attachment_id: None,
        quoted_entry_id: new.quoted_entry_id,
        pin_type: None,
        is_anonymous_author: new.is_anonymous_author,
        versions: Vec::new(),
        ratings: std::collections::BTreeMap::new(),
        read_by: [user_id].into(),
        forced_read: std::collections::BTreeSet::new(),
    };
    world.data.entries.insert(id, entry);
    after_create(world, new.topic_id, id, user_id);
    Ok(id)
}

fn after_create(world: &mut World, topic_id: u64, entry_id: u64, user_id: u64) {
    let now = world.now();
    let is_always = world.switches.last_reply_always;
    let moves = |last: Option<i64>| {
        is_always || last.is_none_or(|at| now.saturating_sub(at) > REPLY_WINDOW_MS)
    };
    let mut root_id = None;
    if let Some(topic) = world.data.topics.get_mut(&topic_id) {
        topic.entry_ids.push(entry_id);
        topic.active_count = topic.active_count.saturating_add(1);
        topic.subscriber_ids.insert(user_id);
        if moves(topic.last_reply_at) {
            topic.last_reply_at = Some(now);
        }
        root_id = topic.root_topic_id;
    }
    if let Some(root) = root_id.and_then(|id| world.data.topics.get_mut(&id))
        && moves(root.last_reply_at)
    {
        root.last_reply_at = Some(now);
    }
    world.touch_topic(topic_id);
    submission::after_post(world, topic_id, user_id);
    world.emit_entry("discussion_entry_created", entry_id);
}

/// Attaches a file to a fresh entry: a second save, so `updated_at` may differ (contract §8.9).
pub(crate) fn attach(world: &mut World, entry_id: u64, file_id: u64) {
    let now = world.now();
    if let Some(entry) = world.data.entries.get_mut(&entry_id) {
        entry.attachment_id = Some(file_id);
        entry.updated_at = now;
    }
    if let Some(topic_id) = world.data.entries.get(&entry_id).map(|e| e.topic_id) {
        world.touch_topic(topic_id);
    }
}

fn changeable(world: &World, user_id: u64, entry_id: u64) -> Result<&Entry, Fail> {
    let entry = world.data.entries.get(&entry_id).ok_or(Fail::NotFound)?;
    let topic = world
        .topic(entry.topic_id)
        .filter(|t| !t.is_deleted())
        .ok_or(Fail::NotFound)?;
    let standing = standing(&world.data, Some(user_id), topic.course_id);
    if policy::can_change_entry(world, topic, entry, &standing) {
        Ok(entry)
    } else {
        Err(Fail::NotPermitted)
    }
}

/// Checks that the entry is there and may be edited by this user.
pub(crate) fn check_editable(world: &World, user_id: u64, entry_id: u64) -> Result<(), Fail> {
    let entry = world.data.entries.get(&entry_id).ok_or(Fail::NotFound)?;
    if entry.is_deleted() {
        return Err(Fail::NotFound);
    }
    changeable(world, user_id, entry_id).map(|_| ())
}

/// Edits an entry. Identical values by the same editor write nothing (contract canvas §8.11).
pub(crate) fn edit(
    world: &mut World,
    user_id: u64,
    entry_id: u64,
    message: Given<String>,
    file: (FileChange, &str),
) -> Result<(), Fail> {
    check_editable(world, user_id, entry_id)?;
    let (file, base) = file;
    if let Given::Value(message) = &message {
        check_length(message)?;
    }
    let Some(entry) = world.data.entries.get(&entry_id) else {
        return Err(Fail::NotFound);
    };
    let topic_id = entry.topic_id;
    let home = world
        .topic(topic_id)
        .map(|t| t.home)
        .ok_or(Fail::NotFound)?;
    let new_message = match message {
        Given::Value(text) => Some(stored_html(world, home, &text, base, true)),
        Given::Null => None,
        Given::Absent => entry.message.clone(),
    };
    let new_file = match file {
        FileChange::Keep => entry.attachment_id,
        FileChange::Drop => None,
        FileChange::Set(id) => Some(id),
    };
    let is_new_text = new_message != entry.message;
    let is_same =
        !is_new_text && entry.editor_id == Some(user_id) && new_file == entry.attachment_id;
    if is_same {
        return Ok(());
    }
    world.before_entry_change(topic_id);
    let now = world.now();
    if let Some(entry) = world.data.entries.get_mut(&entry_id) {
        if is_new_text {
            let number = u64::try_from(entry.versions.len())
                .unwrap_or(0)
                .saturating_add(1);
            entry.versions.push(Version {
                number,
                message: entry.message.take(),
                created_at: entry.edited_at.unwrap_or(entry.created_at),
                user_id: entry.editor_id.unwrap_or(entry.user_id),
            });
            entry.edited_at = Some(now);
        }
        entry.message = new_message;
        entry.attachment_id = new_file;
        entry.editor_id = Some(user_id);
        entry.updated_at = now;
    }
    world.touch_topic(topic_id);
    Ok(())
}

/// Deletes an entry; a second time only `updated_at` moves (contract canvas §8, §12).
pub(crate) fn delete(world: &mut World, user_id: u64, entry_id: u64) -> Result<(), Fail> {
    let entry = changeable(world, user_id, entry_id)?;
    let (topic_id, author, was_deleted) = (entry.topic_id, entry.user_id, entry.is_deleted());
    world.before_entry_change(topic_id);
    let now = world.now();
    if let Some(entry) = world.data.entries.get_mut(&entry_id) {
        entry.deleted_at.get_or_insert(now);
        entry.editor_id = Some(user_id);
        entry.updated_at = now;
        entry.extra_deletes = entry.extra_deletes.saturating_add(u64::from(was_deleted));
    }
    if was_deleted {
        return Ok(());
    }
    if let Some(topic) = world.data.topics.get_mut(&topic_id) {
        topic.active_count = topic.active_count.saturating_sub(1);
    }
    world.touch_topic(topic_id);
    submission::after_delete(world, topic_id, author);
    Ok(())
}

/// Brings a deleted entry back (GraphQL only).
pub(crate) fn restore(world: &mut World, user_id: u64, entry_id: u64) -> Result<(), Fail> {
    let entry = changeable(world, user_id, entry_id)?;
    let (topic_id, author) = (entry.topic_id, entry.user_id);
    let course_id = world.topic(topic_id).map_or(0, |t| t.course_id);
    if !standing(&world.data, Some(user_id), course_id).is_staff() {
        return Err(Fail::NotPermitted);
    }
    if !entry.is_deleted() {
        return Ok(());
    }
    world.before_entry_change(topic_id);
    let now = world.now();
    if let Some(entry) = world.data.entries.get_mut(&entry_id) {
        entry.deleted_at = None;
        entry.editor_id = Some(user_id);
        entry.updated_at = now;
    }
    if let Some(topic) = world.data.topics.get_mut(&topic_id) {
        topic.active_count = topic.active_count.saturating_add(1);
    }
    world.touch_topic(topic_id);
    submission::after_post(world, topic_id, author);
    Ok(())
}

/// Rates an entry with 0 or 1; moves no timestamp (contract canvas §8.13).
pub(crate) fn rate(
    world: &mut World,
    user_id: u64,
    entry_id: u64,
    rating: u64,
) -> Result<(), Fail> {
    let entry = world.data.entries.get(&entry_id).ok_or(Fail::NotFound)?;
    let (topic, standing) = see_topic(world, entry.topic_id, Some(user_id))?;
    if policy::must_post_first(&world.data, topic, &standing) {
        return Err(Fail::InitialPost);
    }
    let is_grader = standing.is_admin || standing.is_teacher || standing.is_ta;
    let is_allowed = topic.allow_rating
        && standing.can_read_course()
        && (!topic.only_graders_can_rate || is_grader)
        && !entry.is_deleted();
    if !is_allowed {
        return Err(Fail::NotPermitted);
    }
    if rating > 1 {
        return Err(bad("Invalid rating given"));
    }
    let topic_id = topic.id;
    world.before_entry_change(topic_id);
    if let Some(entry) = world.data.entries.get_mut(&entry_id)
        && (rating == 1 || entry.ratings.contains_key(&user_id))
    {
        entry.ratings.insert(user_id, rating);
    }
    Ok(())
}

/// Sets read or unread for one user.
pub(crate) fn mark(
    world: &mut World,
    user_id: u64,
    entry_id: u64,
    is_read: bool,
    forced: Option<bool>,
) {
    let Some(entry) = world.data.entries.get_mut(&entry_id) else {
        return;
    };
    if is_read {
        entry.read_by.insert(user_id);
    } else {
        entry.read_by.remove(&user_id);
    }
    match forced {
        Some(true) => {
            entry.forced_read.insert(user_id);
        }
        Some(false) => {
            entry.forced_read.remove(&user_id);
        }
        None => {}
    }
}
