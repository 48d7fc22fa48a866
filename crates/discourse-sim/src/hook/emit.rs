//! Turns events into queued deliveries; payloads are snapshots of the moment (contract 14.2).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::act::topic_edit::tag_names;
use crate::hook::{Delivery, event};
use crate::json;
use crate::state::World;
use crate::state::group::Member;

/// What filters of a hook look at.
#[derive(Debug, Default)]
struct Scope {
    category_id: Option<i64>,
    group_id: Option<i64>,
    tags: Vec<String>,
}

/// Announces a change of a post.
pub fn post(world: &mut World, name: &str, post_id: i64) {
    if world.hooks.hooks.is_empty() {
        return;
    }
    let Some(row) = world.posts.get(&post_id) else {
        return;
    };
    let scope = topic_scope(world, row.topic_id);
    let payload = json::hook::post(world, row);
    send(world, name, payload, &scope);
}

/// Announces a change of a topic.
pub fn topic(world: &mut World, name: &str, topic_id: i64) {
    if world.hooks.hooks.is_empty() {
        return;
    }
    let Some(row) = world.topics.get(&topic_id) else {
        return;
    };
    let scope = topic_scope(world, topic_id);
    let payload = json::hook::topic(world, row);
    send(world, name, payload, &scope);
}

/// Announces a like.
pub fn like(world: &mut World, post_id: i64, user_id: i64) {
    if world.hooks.hooks.is_empty() {
        return;
    }
    let Some(row) = world.posts.get(&post_id) else {
        return;
    };
    let scope = topic_scope(world, row.topic_id);
    let user = json::user::basic(world, user_id);
    let payload = json!({ "post": json::hook::post(world, row), "user": user });
    send(world, "post_liked", payload, &scope);
}

/// Announces a change of a user.
pub fn user(world: &mut World, name: &str, user_id: i64) {
    if world.hooks.hooks.is_empty() {
        return;
    }
    let Some(row) = world.users.get(&user_id) else {
        return;
    };
    let payload = json::hook::user(world, row);
    send(world, name, payload, &Scope::default());
}

/// Announces a change of a group.
pub fn group(world: &mut World, name: &str, group_id: i64) {
    if world.hooks.hooks.is_empty() {
        return;
    }
    let Some(row) = world.groups.get(&group_id) else {
        return;
    };
    let payload = json::hook::group(world, row);
    let scope = Scope {
        group_id: Some(group_id),
        ..Scope::default()
    };
    send(world, name, payload, &scope);
}

/// Announces a change of a membership.
pub fn group_user(world: &mut World, name: &str, group_id: i64, user_id: i64, member: &Member) {
    let payload = json!({
        "group_id": group_id, "user_id": user_id, "notification_level": 3,
        "id": member.row_id, "created_at": crate::clock::iso(member.added_at),
    });
    let scope = Scope {
        group_id: Some(group_id),
        ..Scope::default()
    };
    send(world, name, payload, &scope);
}

/// Announces a change of a category.
pub fn category(world: &mut World, name: &str, category_id: i64) {
    if world.hooks.hooks.is_empty() {
        return;
    }
    let Some(row) = world.categories.get(&category_id) else {
        return;
    };
    let mut payload = json::hook::category(world, row);
    if name == "category_destroyed"
        && !world.switches.newer_fields
        && let Some(fields) = payload.as_object_mut()
    {
        fields.remove("category_setting");
    }
    let scope = Scope {
        category_id: Some(category_id),
        ..Scope::default()
    };
    send(world, name, payload, &scope);
}

/// Announces a new tag.
pub fn tag(world: &mut World, name: &str, tag_id: i64) {
    let Some(row) = world.tags.get(&tag_id) else {
        return;
    };
    let payload = json!({
        "id": row.id, "name": row.name, "topic_count": 0, "staff": false, "description": null,
    });
    let scope = Scope {
        tags: vec![row.name.clone()],
        ..Scope::default()
    };
    send(world, name, payload, &scope);
}

/// Announces a change in the review queue.
pub fn reviewable(world: &mut World, name: &str, id: i64) {
    let Some(row) = world.queue.get(&id) else {
        return;
    };
    let scope = Scope {
        category_id: row.category_id,
        ..Scope::default()
    };
    let payload = json::review::reviewable(world, row);
    send(world, name, payload, &scope);
}

/// Sends `{"ping":"OK"}` to one hook.
pub fn ping(world: &mut World, hook_id: i64) {
    let body: Arc<str> = Arc::from(json!({ "ping": "OK" }).to_string());
    queue(world, hook_id, "ping", body);
}

fn topic_scope(world: &World, topic_id: i64) -> Scope {
    Scope {
        category_id: world
            .topics
            .get(&topic_id)
            .and_then(|topic| topic.category_id),
        group_id: None,
        tags: tag_names(world, topic_id),
    }
}

fn send(world: &mut World, name: &str, payload: Value, scope: &Scope) {
    let wanted = event::subscription(name, world.switches.event_type_per_event);
    let needs_types = world.switches.wildcard_needs_types;
    let hooks: Vec<i64> = world
        .hooks
        .hooks
        .values()
        .filter(|hook| {
            let subscribed = wanted.is_some_and(|id| hook.types.contains(&id));
            let everything = hook.wildcard && (!needs_types || !hook.types.is_empty());
            hook.active
                && (subscribed || everything)
                && (hook.category_ids.is_empty()
                    || scope
                        .category_id
                        .is_some_and(|id| hook.category_ids.contains(&id)))
                && (hook.group_ids.is_empty()
                    || scope
                        .group_id
                        .is_some_and(|id| hook.group_ids.contains(&id)))
                && (hook.tag_names.is_empty()
                    || scope.tags.iter().any(|tag| hook.tag_names.contains(tag)))
        })
        .map(|hook| hook.id)
        .collect();
    if hooks.is_empty() {
        return;
    }
    let mut root = Map::new();
    root.insert(event::noun(name).to_owned(), payload);
    let body: Arc<str> = Arc::from(Value::Object(root).to_string());
    for hook_id in hooks {
        queue(world, hook_id, name, Arc::clone(&body));
    }
}

fn queue(world: &mut World, hook_id: i64, name: &str, payload: Arc<str>) {
    let now = world.now();
    let delivery = Delivery {
        id: world.ids.next("web_hook_event"),
        hook_id,
        event: name.to_owned(),
        payload,
        headers: None,
        status: 0,
        response_headers: None,
        response_body: None,
        duration: 0,
        created_at: now,
        attempt: 0,
    };
    world.hooks.enqueue(delivery, now, &mut world.rng);
}
