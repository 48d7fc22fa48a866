//! What tests look at: the call log, deliveries, the whole state.

use serde_json::{Value, json};

use crate::act::topic_edit::tag_names;
use crate::answer::{Answer, Outcome};
use crate::json::web_hook;
use crate::param::Params;
use crate::state::World;
use crate::state::topic::Topic;

/// Calls after a number, optionally of one method or one endpoint.
pub fn log(world: &World, params: &Params) -> Answer {
    let after = params
        .int("after")
        .and_then(|after| u64::try_from(after).ok())
        .unwrap_or(0);
    let (method, template) = (params.text("method"), params.text("template"));
    let calls: Vec<Value> = world
        .log
        .after(after)
        .filter(|call| {
            method
                .as_ref()
                .is_none_or(|method| method.eq_ignore_ascii_case(&call.method))
        })
        .filter(|call| {
            template
                .as_ref()
                .is_none_or(|template| template == call.template)
        })
        .map(|call| json!(call))
        .collect();
    Answer::json(json!({ "calls": calls, "last": world.log.last() }))
}

/// The delivery log of all hooks, with what faults made of it.
pub fn deliveries(world: &World) -> Answer {
    let rows: Vec<Value> = world
        .hooks
        .log
        .values()
        .map(|row| {
            let mut value = web_hook::delivery(world, row);
            if let Some(fields) = value.as_object_mut() {
                fields.insert("event".to_owned(), json!(row.event));
                fields.insert("lost".to_owned(), json!(world.hooks.lost.contains(&row.id)));
                fields.insert("attempt".to_owned(), json!(row.attempt));
            }
            value
        })
        .collect();
    Answer::json(json!({
        "deliveries": rows, "waiting": world.hooks.queue.len(), "in_flight": world.hooks.in_flight,
    }))
}

fn topic_row(world: &World, topic: &Topic) -> Value {
    let mut value = json!(topic);
    if let Some(fields) = value.as_object_mut() {
        let posts: Vec<Value> = world.posts_of(topic).map(|post| json!(post)).collect();
        fields.insert("posts".to_owned(), json!(posts));
        fields.insert("tag_names".to_owned(), json!(tag_names(world, topic.id)));
    }
    value
}

/// One topic with all its posts, deleted ones included.
pub fn topic(world: &World, id: &str) -> Outcome {
    let id: i64 = id.parse().map_err(|_| Answer::not_found())?;
    let row = world.topics.get(&id).ok_or_else(Answer::not_found)?;
    Ok(Answer::json(topic_row(world, row)))
}

/// Everything, times in Unix milliseconds.
pub fn state(world: &World) -> Answer {
    let topics: Vec<Value> = world
        .topics
        .values()
        .map(|row| topic_row(world, row))
        .collect();
    let embeds: Vec<Value> = world
        .embeds
        .iter()
        .map(|(url, embed)| json!({ "embed_url": url, "topic_id": embed.topic_id, "post_id": embed.post_id }))
        .collect();
    Answer::json(json!({
        "now_ms": world.now(), "profile": world.profile,
        "users": world.users.values().map(|row| json!(row)).collect::<Vec<_>>(),
        "groups": world.groups.values().map(|row| json!(row)).collect::<Vec<_>>(),
        "categories": world.categories.values().map(|row| json!(row)).collect::<Vec<_>>(),
        "topics": topics, "embeds": embeds,
        "queue": world.queue.values().map(|row| json!(row)).collect::<Vec<_>>(),
    }))
}
