//! `/view`: the whole thread from the pre-built part plus live new entries (contract canvas §7.5).

use super::entry::{self, Form};
use super::{Reader, set};
use crate::state::thread::{Entry, Topic};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Which entries the built view shows.
enum Built<'a> {
    Live,
    Stale(&'a BTreeMap<u64, Entry>),
}

fn built<'a>(reader: &Reader<'a>, topic: &'a Topic, is_forced_stale: bool) -> Built<'a> {
    let Some(stale) = &topic.stale_view else {
        return Built::Live;
    };
    let age = reader.world.now().saturating_sub(stale.since_ms);
    let switches = &reader.world.switches;
    let is_stale = is_forced_stale || switches.view_frozen || age < switches.view_lag_ms;
    if is_stale {
        Built::Stale(&stale.entries)
    } else {
        Built::Live
    }
}

fn row(reader: &Reader<'_>, e: &Entry, topic: &Topic) -> Value {
    let mut row = entry::entry(reader, e, topic, Form::View);
    if reader.world.switches.view_string_ids {
        crate::answer::stringify_ids(&mut row);
    }
    row
}

/// Nests rows under their parents, in the order given. Depth is bounded by the entry limit.
fn tree(reader: &Reader<'_>, entries: &[&Entry], topic: &Topic) -> Vec<Value> {
    let mut children: BTreeMap<Option<u64>, Vec<&Entry>> = BTreeMap::new();
    for e in entries {
        children.entry(e.parent_id).or_default().push(e);
    }
    branch(reader, None, &children, topic)
}

fn branch(
    reader: &Reader<'_>,
    parent: Option<u64>,
    children: &BTreeMap<Option<u64>, Vec<&Entry>>,
    topic: &Topic,
) -> Vec<Value> {
    let Some(entries) = children.get(&parent) else {
        return Vec::new();
    };
    entries
        .iter()
        .map(|e| {
            let mut json = row(reader, e, topic);
            let replies = branch(reader, Some(e.id), children, topic);
            if !replies.is_empty() {
                set(&mut json, "replies", Value::Array(replies));
            }
            json
        })
        .collect()
}

fn participants(
    reader: &Reader<'_>,
    entries: &[&Entry],
    topic: &Topic,
    with_state: bool,
) -> Vec<Value> {
    if topic.anonymous_state.is_some() {
        return Vec::new();
    }
    let ids: BTreeSet<u64> = entries
        .iter()
        .flat_map(|e| [Some(e.user_id), e.editor_id])
        .flatten()
        .collect();
    let mut users: Vec<_> = ids
        .iter()
        .filter_map(|id| reader.world.data.users.get(id))
        .collect();
    users.sort_by(|a, b| a.sortable_name.cmp(&b.sortable_name));
    users
        .iter()
        .map(|u| {
            let mut json = reader.display(u.id, topic.home);
            if with_state {
                let is_active = reader
                    .world
                    .data
                    .enrollments_of(u.id, topic.course_id)
                    .any(|e| e.state == "active")
                    || u.is_admin;
                set(&mut json, "isInactive", json!(!is_active));
            }
            json
        })
        .collect()
}

/// What the caller asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    pub new_entries: bool,
    pub enrollment_state: bool,
    /// A fault makes the view stale.
    pub is_forced_stale: bool,
}

/// The whole answer.
pub(crate) fn view(reader: &Reader<'_>, topic: &Topic, wanted: Wanted) -> Value {
    let live: Vec<&Entry> = reader.world.data.entries_in(topic).collect();
    let (mut shown, fresh): (Vec<&Entry>, Vec<&Entry>) =
        match built(reader, topic, wanted.is_forced_stale) {
            Built::Live => (live, Vec::new()),
            Built::Stale(entries) => (
                entries.values().collect(),
                live.into_iter()
                    .filter(|e| !entries.contains_key(&e.id))
                    .collect(),
            ),
        };
    if topic.sort_by_rating {
        shown.sort_by_key(|e| (std::cmp::Reverse(e.rating_sum().unwrap_or(0)), e.id));
    }
    let fresh = if wanted.new_entries {
        fresh
    } else {
        Vec::new()
    };
    let all: Vec<&Entry> = shown.iter().chain(&fresh).copied().collect();
    let user = reader.user_id.unwrap_or(0);
    let mut by_id = all.clone();
    by_id.sort_by_key(|e| e.id);
    let unread: Vec<u64> = by_id
        .iter()
        .filter(|e| !e.read_by.contains(&user))
        .map(|e| e.id)
        .collect();
    let forced: Vec<u64> = by_id
        .iter()
        .filter(|e| e.forced_read.contains(&user))
        .map(|e| e.id)
        .collect();
    let mut ratings = Map::new();
    if topic.allow_rating {
        for e in &by_id {
            if let Some(rating) = e.ratings.get(&user) {
                ratings.insert(e.id.to_string(), json!(rating));
            }
        }
    }
    json!({
        "unread_entries": unread,
        "forced_entries": forced,
        "entry_ratings": ratings,
        "participants": participants(reader, &all, topic, wanted.enrollment_state),
        "view": tree(reader, &shown, topic),
        "new_entries": fresh
            .iter()
            .map(|e| entry::entry(reader, e, topic, Form::View))
            .collect::<Vec<_>>(),
    })
}
