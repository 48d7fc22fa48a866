//! Subscriptions and the delivery log (contract section 14.1).

use serde_json::{Value, json};

use crate::clock::iso;
use crate::hook::event::{EVENTS, NOUNS};
use crate::hook::{Delivery, WebHook};
use crate::state::World;

fn known(world: &World) -> &'static [(i64, &'static str)] {
    if world.switches.event_type_per_event {
        EVENTS
    } else {
        NOUNS
    }
}

fn event_type(row: &(i64, &str)) -> Value {
    json!({ "id": row.0, "name": row.1 })
}

/// One subscription.
pub fn hook(world: &World, row: &WebHook) -> Value {
    let types: Vec<Value> = known(world)
        .iter()
        .filter(|(id, _)| row.types.contains(id))
        .map(event_type)
        .collect();
    json!({
        "id": row.id, "payload_url": row.url, "content_type": row.content_type,
        "last_delivery_status": row.last_delivery_status, "secret": row.secret,
        "wildcard_web_hook": row.wildcard, "verify_certificate": row.verify_certificate,
        "active": row.active, "web_hook_event_types": types, "category_ids": row.category_ids,
        "tag_names": row.tag_names, "group_ids": row.group_ids,
    })
}

/// All subscriptions.
pub fn all(world: &World, limit: usize, offset: usize) -> Value {
    let hooks: Vec<Value> = world
        .hooks
        .hooks
        .values()
        .skip(offset)
        .take(limit)
        .map(|row| hook(world, row))
        .collect();
    let types: Vec<Value> = known(world).iter().map(event_type).collect();
    let default: Vec<Value> = known(world)
        .iter()
        .filter(|(_, name)| *name == "post" || *name == "post_created")
        .map(event_type)
        .collect();
    let named = |rows: &[(i64, &str)]| -> Vec<Value> { rows.iter().map(event_type).collect() };
    json!({
        "web_hooks": hooks,
        "extras": {
            "event_types": types, "default_event_types": default,
            "content_types": named(&[(1, "application/json"), (2, "application/x-www-form-urlencoded")]),
            "delivery_statuses": named(&[(1, "inactive"), (2, "failed"), (3, "successful"), (4, "disabled")]),
        },
        "total_rows_web_hooks": world.hooks.hooks.len(),
        "load_more_web_hooks":
            format!("/admin/api/web_hooks.json?limit={limit}&offset={}", offset.saturating_add(limit)),
    })
}

/// One row of the log.
pub fn delivery(world: &World, row: &Delivery) -> Value {
    let url = world
        .hooks
        .hooks
        .get(&row.hook_id)
        .map(|hook| hook.url.clone());
    json!({
        "id": row.id, "web_hook_id": row.hook_id, "request_url": url,
        "headers": row.headers.as_ref().map(Value::to_string), "payload": &*row.payload,
        "status": row.status, "response_headers": row.response_headers.as_ref().map(Value::to_string),
        "response_body": row.response_body, "duration": row.duration,
        "created_at": iso(row.created_at),
    })
}

/// A page of the log of one subscription, newest first.
pub fn deliveries(
    world: &World,
    hook_id: i64,
    limit: usize,
    offset: usize,
    status: Option<&str>,
) -> Value {
    let rows: Vec<&Delivery> = world
        .hooks
        .log
        .values()
        .rev()
        .filter(|row| row.hook_id == hook_id)
        .filter(|row| match status {
            Some("failed") => row.status != 0 && !(200..300).contains(&row.status),
            Some("successful") => (200..300).contains(&row.status),
            _ => true,
        })
        .collect();
    let page: Vec<Value> = rows
        .iter()
        .skip(offset)
        .take(limit)
        .map(|row| delivery(world, row))
        .collect();
    json!({
        "web_hook_events": page,
        "total_rows_web_hook_events": rows.len(),
        "load_more_web_hook_events":
            format!("/admin/api/web_hook_events/{hook_id}.json?limit=50&offset={}", offset.saturating_add(50)),
        "extras": { "web_hook_id": hook_id },
    })
}
