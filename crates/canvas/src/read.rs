//! Reads whole threads in as few calls as the server allows.
//!
//! With discussions in GraphQL: the topic over REST (GraphQL has no `pinned`) and its entries over GraphQL, which are live
//! and include tombstones. Without: `/view`, which a background job builds and which can be old (contract canvas §7.5); when
//! the topic's change time does not stand in the view, every entry is confirmed with `entry_list`.

use std::collections::BTreeMap;

use api_client::Request;
use connector::{Result, Thread};
use model::{Class, Kind, RemoteId, RemoteItem, Sighting};
use serde_json::{Value, json};

use crate::connector::Canvas;
use crate::graphql::{self, ENTRY_FIELDS};
use crate::name::TopicName;
use crate::{failure, probe, wire};

/// `entry_list` answers at most this many, silently (contract canvas §5).
const IDS_PER_CALL: usize = 50;
/// GraphQL pages are followed at most this far: 100,000 entries.
const PAGES_MAX: usize = 1_000;

/// Reads a topic and all its entries.
pub(crate) async fn thread(canvas: &Canvas, remote: &RemoteId) -> Result<Thread> {
    let name = TopicName::parse(remote)?;
    let request = Request::get("topic.show", name.path())
        .with_query("no_verifiers", "1")
        .with_query("include[]", "sections");
    let topic = match canvas.http.get(request).await {
        Ok(topic) => canvas.topic_item(&name, &topic),
        Err(error) if error.0.class == Class::NotFound => gone(canvas, &name).await?,
        Err(error) => return Err(error),
    };
    if !matches!(topic.sighting, Sighting::Present(_)) {
        return Ok(Thread {
            topic,
            posts: Vec::new(),
            is_complete: false,
        });
    }
    let entries = if canvas.abilities().has_entries {
        live_entries(canvas, &name).await?
    } else {
        viewed_entries(canvas, &name).await?
    };
    let posts = entries
        .iter()
        .filter_map(|entry| canvas.entry_item(&name, entry))
        .collect();
    Ok(Thread {
        topic,
        posts: parents_first(posts),
        is_complete: true,
    })
}

/// A topic that `show` does not find: anonymous ones are still listed, deleted ones are not (contract canvas §14).
async fn gone(canvas: &Canvas, name: &TopicName) -> Result<RemoteItem> {
    let listed = list(canvas, &name.course).await?;
    let found = listed
        .iter()
        .find(|topic| wire::id(topic, "id").as_ref() == Some(&name.topic));
    let sighting = match found.map(|topic| canvas.topic_item(name, topic).sighting) {
        None => Sighting::Deleted,
        Some(Sighting::Withheld(reason)) => Sighting::Withheld(reason),
        Some(_) => Sighting::Missing,
    };
    Ok(RemoteItem {
        kind: Kind::Topic,
        remote: name.remote(),
        container: Some(RemoteId(name.course.clone())),
        parent: None,
        key: None,
        mark: None,
        sighting,
    })
}

/// All topics and announcements of a course; announcements have a list of their own (contract canvas §7.1).
pub(crate) async fn list(canvas: &Canvas, course: &str) -> Result<Vec<Value>> {
    let path = format!("/api/v1/courses/{course}/discussion_topics");
    let all = Request::get("topic.list", path.clone()).with_query("no_verifiers", "1");
    let mut topics = canvas.http.list(all).await?;
    let news = Request::get("announcement.list", path)
        .with_query("only_announcements", "true")
        .with_query("no_verifiers", "1");
    topics.extend(canvas.http.list(news).await?);
    Ok(topics)
}

async fn live_entries(canvas: &Canvas, name: &TopicName) -> Result<Vec<Value>> {
    let text = format!(
        "query($id: ID!, $after: String) {{ legacyNode(type: Discussion, _id: $id) {{ ... on Discussion {{ \
         discussionEntriesConnection(first: 100, after: $after) {{ nodes {{ {ENTRY_FIELDS} }} \
         pageInfo {{ hasNextPage endCursor }} }} }} }} }}"
    );
    let mut entries: BTreeMap<String, Value> = BTreeMap::new();
    let mut after = Value::Null;
    for _ in 0..PAGES_MAX {
        let variables = json!({ "id": name.topic, "after": after });
        let data = graphql::query(&canvas.http, "entries.graphql", (&text, variables)).await?;
        let connection = data
            .get("legacyNode")
            .and_then(|node| node.get("discussionEntriesConnection"))
            .filter(|connection| connection.is_object())
            .ok_or_else(|| {
                failure::unexpected("GraphQL shows no entries of a topic that REST shows")
            })?;
        for entry in wire::list(connection, "nodes") {
            if let Some(id) = wire::id(entry, "_id") {
                entries.insert(id, entry.clone());
            }
        }
        match probe::page_cursor(connection) {
            Some(cursor) => after = json!(cursor),
            None => break,
        }
    }
    Ok(entries.into_values().collect())
}

async fn viewed_entries(canvas: &Canvas, name: &TopicName) -> Result<Vec<Value>> {
    let request = Request::get("topic.view", format!("{}/view", name.path()))
        .with_query("include_new_entries", "1");
    let view = canvas.http.get(request).await?;
    let names: BTreeMap<String, Value> = wire::list(&view, "participants")
        .iter()
        .filter_map(|person| Some((wire::id(person, "id")?, person.clone())))
        .collect();
    let mut entries: BTreeMap<String, Value> = BTreeMap::new();
    flatten(wire::list(&view, "view"), &mut entries);
    // New entries are live rows: they replace what was built.
    flatten(wire::list(&view, "new_entries"), &mut entries);
    if !is_explained(canvas, name, entries.values()).await? {
        confirm(canvas, name, &mut entries).await?;
    }
    for entry in entries.values_mut() {
        let person = wire::id(entry, "user_id").and_then(|id| names.get(&id).cloned());
        if let (Some(person), Some(object)) = (person, entry.as_object_mut()) {
            object.entry("user").or_insert(person);
        }
    }
    Ok(entries.into_values().collect())
}

fn flatten(tree: &[Value], entries: &mut BTreeMap<String, Value>) {
    let mut waiting: Vec<&Value> = tree.iter().collect();
    while let Some(entry) = waiting.pop() {
        waiting.extend(wire::list(entry, "replies"));
        if let Some(id) = wire::id(entry, "id") {
            let mut row = entry.clone();
            if let Some(object) = row.as_object_mut() {
                object.remove("replies");
            }
            entries.insert(id, row);
        }
    }
}

/// Whether the view holds the entry whose change moved the topic's change time last. Where that time is not to be had the
/// view is never trusted.
async fn is_explained(
    canvas: &Canvas,
    name: &TopicName,
    entries: impl Iterator<Item = &Value>,
) -> Result<bool> {
    if !canvas.abilities().has_topic_time {
        return Ok(false);
    }
    let newest = entries
        .filter_map(|entry| wire::time(entry, "updated_at"))
        .max();
    let times = crate::feed::topic_times(canvas, std::slice::from_ref(&name.topic)).await?;
    Ok(match (newest, times.get(&name.topic)) {
        // REST shows whole seconds.
        (Some(newest), Some(changed)) => newest.plus_ms(999) >= *changed,
        _ => false,
    })
}

async fn confirm(
    canvas: &Canvas,
    name: &TopicName,
    entries: &mut BTreeMap<String, Value>,
) -> Result<()> {
    let ids: Vec<String> = entries.keys().cloned().collect();
    for chunk in ids.chunks(IDS_PER_CALL) {
        let mut request = Request::get("entry.list", format!("{}/entry_list", name.path()))
            .with_query("per_page", IDS_PER_CALL.to_string());
        for id in chunk {
            request = request.with_query("ids[]", id);
        }
        let rows = canvas.http.get(request).await?;
        for row in rows.as_array().into_iter().flatten() {
            if let Some(id) = wire::id(row, "id") {
                entries.insert(id, row.clone());
            }
        }
    }
    Ok(())
}

/// Orders posts by age, each after the post it answers.
fn parents_first(mut posts: Vec<RemoteItem>) -> Vec<RemoteItem> {
    let age = |item: &RemoteItem| {
        let created = match &item.sighting {
            Sighting::Present(record) => record.created_at,
            _ => None,
        };
        (item.remote.as_str().len(), item.remote.clone(), created)
    };
    // Ids grow with age, and a shorter number is a smaller one.
    posts.sort_by_key(age);
    posts
}
