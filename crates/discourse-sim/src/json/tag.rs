//! Tags, as names or as objects by version.

use serde_json::{Value, json};

use crate::state::World;
use crate::state::topic::Topic;

/// The tags of a topic in the form the server uses.
pub fn of_topic(world: &World, topic: &Topic) -> Value {
    let tags = topic.tags.iter().filter_map(|id| world.tags.get(id));
    if world.switches.tags_as_objects {
        tags.map(|tag| json!({ "id": tag.id, "name": tag.name, "slug": tag.name }))
            .collect()
    } else {
        names(world, topic)
    }
}

/// The tags of a topic as names, the form of web hooks (seen up to 2025.12).
pub fn names(world: &World, topic: &Topic) -> Value {
    topic
        .tags
        .iter()
        .filter_map(|id| world.tags.get(id))
        .map(|tag| json!(tag.name))
        .collect()
}

/// All tags, for `GET /tags`.
pub fn all(world: &World) -> Value {
    let tags: Vec<Value> = world
        .tags
        .values()
        .map(|tag| {
            let used = world
                .topics
                .values()
                .filter(|topic| topic.deleted_at.is_none() && topic.tags.contains(&tag.id))
                .count();
            json!({
                "id": if world.switches.tags_as_objects { json!(tag.id) } else { json!(tag.name) },
                "text": tag.name, "name": tag.name, "slug": tag.name, "description": null, "count": used,
                "pm_count": 0, "pm_only": false, "target_tag": null,
            })
        })
        .collect();
    json!({ "tags": tags, "extras": { "categories": [] } })
}

/// The tags that lists and the site name first.
pub fn top(world: &World) -> Value {
    let tags = world.tags.values().take(20);
    if world.switches.tags_as_objects {
        tags.map(|tag| json!({ "id": tag.id, "name": tag.name, "slug": tag.name }))
            .collect()
    } else {
        tags.map(|tag| json!(tag.name)).collect()
    }
}
