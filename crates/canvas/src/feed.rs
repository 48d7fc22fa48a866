//! What changed in a course (contract canvas §13): change times where GraphQL has them, a digest of the topic lists
//! elsewhere.

use std::collections::BTreeMap;

use connector::{Changes, Result};
use model::{Digest, RemoteId, Timestamp};
use serde_json::{Value, json};

use crate::connector::Canvas;
use crate::{failure, graphql, probe, read, wire};

/// More aliases are refused by newer servers (contract canvas §17).
const ALIASES_MAX: usize = 20;
const PAGES_MAX: usize = 1_000;

/// Compares every topic's mark with the cursor's.
pub(crate) async fn changes(
    canvas: &Canvas,
    course: &RemoteId,
    cursor: Option<&str>,
) -> Result<Changes> {
    let marks = if canvas.abilities().has_course_feed {
        course_times(canvas, course).await?
    } else {
        list_marks(canvas, course).await?
    };
    let known: BTreeMap<String, String> = cursor
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let changed = marks
        .iter()
        .filter(|(id, mark)| known.get(*id) != Some(*mark))
        .map(|(id, _)| id);
    let vanished = known.keys().filter(|id| !marks.contains_key(*id));
    let topics = changed
        .chain(vanished)
        .map(|id| RemoteId(format!("{course}/{id}")))
        .collect();
    Ok(Changes {
        topics,
        cursor: json!(marks).to_string(),
    })
}

async fn course_times(canvas: &Canvas, course: &RemoteId) -> Result<BTreeMap<String, String>> {
    let text = "query($id: ID!, $after: String) { course(id: $id) { discussionsConnection(first: 100, after: $after) \
         { nodes { _id updatedAt } pageInfo { hasNextPage endCursor } } } }";
    let mut marks = BTreeMap::new();
    let mut after = Value::Null;
    for _ in 0..PAGES_MAX {
        let variables = json!({ "id": course.as_str(), "after": after });
        let data = graphql::query(&canvas.http, "course.feed", (text, variables)).await?;
        let connection = data
            .get("course")
            .and_then(|course| course.get("discussionsConnection"))
            .filter(|connection| connection.is_object())
            .ok_or_else(|| failure::unexpected("GraphQL shows no topics of the course"))?;
        for topic in wire::list(connection, "nodes") {
            if let (Some(id), Some(time)) = (wire::id(topic, "_id"), wire::text(topic, "updatedAt"))
            {
                marks.insert(id, time.to_owned());
            }
        }
        match probe::page_cursor(connection) {
            Some(cursor) => after = json!(cursor),
            None => break,
        }
    }
    Ok(marks)
}

async fn list_marks(canvas: &Canvas, course: &RemoteId) -> Result<BTreeMap<String, String>> {
    let topics = read::list(canvas, course.as_str()).await?;
    let ids: Vec<String> = topics
        .iter()
        .filter_map(|topic| wire::id(topic, "id"))
        .collect();
    let times = if canvas.abilities().has_topic_time {
        topic_times(canvas, &ids).await?
    } else {
        BTreeMap::new()
    };
    let seen = [
        "title",
        "message",
        "locked",
        "pinned",
        "published",
        "last_reply_at",
        "delayed_post_at",
        "discussion_subentry_count",
    ];
    Ok(topics
        .iter()
        .filter_map(|topic| {
            let id = wire::id(topic, "id")?;
            let fields: Vec<&Value> = seen
                .iter()
                .map(|key| topic.get(*key).unwrap_or(&Value::Null))
                .collect();
            let text = json!([fields, times.get(&id).map(|time| time.0)]).to_string();
            Some((id, Digest::of(text.as_bytes()).0))
        })
        .collect())
}

/// The change times of topics by id; drafts and strangers are left out.
pub(crate) async fn topic_times(
    canvas: &Canvas,
    ids: &[String],
) -> Result<BTreeMap<String, Timestamp>> {
    let mut times = BTreeMap::new();
    for chunk in ids.chunks(ALIASES_MAX) {
        let parts: Vec<String> = chunk
            .iter()
            .enumerate()
            .filter(|(_, id)| id.bytes().all(|byte| byte.is_ascii_digit()))
            .map(|(number, id)| {
                format!("t{number}: legacyNode(type: Discussion, _id: {id}) {{ ... on Discussion {{ _id updatedAt }} }}")
            })
            .collect();
        let text = format!("query {{ {} }}", parts.join(" "));
        let data = graphql::query(&canvas.http, "topic.times", (&text, json!({}))).await?;
        for topic in data
            .as_object()
            .into_iter()
            .flat_map(|object| object.values())
        {
            if let (Some(id), Some(time)) = (wire::id(topic, "_id"), wire::time(topic, "updatedAt"))
            {
                times.insert(id, time);
            }
        }
    }
    Ok(times)
}
