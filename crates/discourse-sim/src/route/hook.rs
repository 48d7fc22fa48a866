//! Administration of web hooks (contract section 14.1).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Call, Route};
use crate::answer::{Answer, Outcome};
use crate::hook::{WebHook, emit};
use crate::json::web_hook;
use crate::param::{scalar, texts};

pub const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        template: "/admin/api/web_hooks",
        run: all,
    },
    Route {
        method: "POST",
        template: "/admin/api/web_hooks",
        run: create,
    },
    Route {
        method: "GET",
        template: "/admin/api/web_hooks/{id}",
        run: show,
    },
    Route {
        method: "PUT",
        template: "/admin/api/web_hooks/{id}",
        run: update,
    },
    Route {
        method: "DELETE",
        template: "/admin/api/web_hooks/{id}",
        run: delete,
    },
    Route {
        method: "POST",
        template: "/admin/api/web_hooks/{id}/ping",
        run: ping,
    },
    Route {
        method: "GET",
        template: "/admin/api/web_hook_events/{id}",
        run: events,
    },
    Route {
        method: "POST",
        template: "/admin/api/web_hooks/{hook}/events/{event}/redeliver",
        run: redeliver,
    },
];

fn page(call: &Call<'_>) -> (usize, usize) {
    let read = |name: &str, default: i64| {
        usize::try_from(call.params.int(name).unwrap_or(default)).unwrap_or(0)
    };
    (read("limit", 50).clamp(1, 1_000), read("offset", 0))
}

fn all(call: &mut Call<'_>) -> Outcome {
    call.actor.require_admin()?;
    let (limit, offset) = page(call);
    Ok(Answer::json(web_hook::all(call.world, limit, offset)))
}

fn shown(call: &Call<'_>, id: i64) -> Outcome {
    let row = call
        .world
        .hooks
        .hooks
        .get(&id)
        .ok_or_else(Answer::not_found)?;
    Ok(Answer::json(
        json!({ "web_hook": web_hook::hook(call.world, row) }),
    ))
}

fn show(call: &mut Call<'_>) -> Outcome {
    call.actor.require_admin()?;
    let id = call.id(0)?;
    shown(call, id)
}

/// Writes the fields of a request into a subscription; says what is wrong with them.
fn apply(hook: &mut WebHook, fields: &Map<String, Value>) -> Vec<String> {
    let text = |name: &str| fields.get(name).and_then(scalar);
    let flag = |name: &str| text(name).map(|value| value == "true" || value == "1");
    let ids = |name: &str| {
        fields.get(name).and_then(texts).map(|list| {
            list.iter()
                .filter_map(|text| text.parse::<i64>().ok())
                .collect::<Vec<i64>>()
        })
    };
    let mut errors = Vec::new();
    if let Some(url) = text("payload_url") {
        url.trim().clone_into(&mut hook.url);
    }
    if let Some(secret) = text("secret") {
        hook.secret = secret;
    }
    if let Some(kind) = text("content_type").and_then(|text| text.parse().ok()) {
        hook.content_type = kind;
    }
    hook.wildcard = flag("wildcard_web_hook").unwrap_or(hook.wildcard);
    hook.active = flag("active").unwrap_or(hook.active);
    hook.verify_certificate = flag("verify_certificate").unwrap_or(hook.verify_certificate);
    if let Some(list) = ids("web_hook_event_type_ids") {
        hook.types = list.into_iter().collect::<BTreeSet<i64>>();
    }
    if let Some(list) = ids("category_ids") {
        hook.category_ids = list;
    }
    if let Some(list) = ids("group_ids") {
        hook.group_ids = list;
    }
    if let Some(list) = fields.get("tag_names").and_then(texts) {
        hook.tag_names = list;
    }
    if !(hook.url.starts_with("http://") || hook.url.starts_with("https://")) {
        errors.push("Payload url is invalid".to_owned());
    }
    if !hook.secret.is_empty() && hook.secret.chars().count() < 12 {
        errors.push("Secret is too short (minimum is 12 characters)".to_owned());
    }
    if hook.types.is_empty() && !hook.wildcard {
        errors.push("You need to select at least one event type.".to_owned());
    }
    errors
}

fn fields(call: &Call<'_>) -> Result<Map<String, Value>, Answer> {
    call.params
        .object("web_hook")
        .cloned()
        .ok_or_else(|| Answer::missing_parameter("web_hook"))
}

fn create(call: &mut Call<'_>) -> Outcome {
    call.actor.require_admin()?;
    let fields = fields(call)?;
    let mut hook = WebHook {
        id: 0,
        url: String::new(),
        content_type: 1,
        secret: String::new(),
        wildcard: false,
        verify_certificate: true,
        active: true,
        types: BTreeSet::new(),
        category_ids: Vec::new(),
        group_ids: Vec::new(),
        tag_names: Vec::new(),
        last_delivery_status: 1,
    };
    let errors = apply(&mut hook, &fields);
    if !errors.is_empty() {
        return Err(Answer::invalid(&errors));
    }
    hook.id = call.world.ids.next("web_hook");
    let id = hook.id;
    call.world.hooks.hooks.insert(id, hook);
    shown(call, id)
}

fn update(call: &mut Call<'_>) -> Outcome {
    call.actor.require_admin()?;
    let id = call.id(0)?;
    let fields = fields(call)?;
    let mut hook = call
        .world
        .hooks
        .hooks
        .get(&id)
        .cloned()
        .ok_or_else(Answer::not_found)?;
    let errors = apply(&mut hook, &fields);
    if !errors.is_empty() {
        return Err(Answer::invalid(&errors));
    }
    call.world.hooks.hooks.insert(id, hook);
    shown(call, id)
}

fn delete(call: &mut Call<'_>) -> Outcome {
    call.actor.require_admin()?;
    let id = call.id(0)?;
    call.world
        .hooks
        .hooks
        .remove(&id)
        .ok_or_else(Answer::not_found)?;
    Ok(Answer::ok())
}

fn ping(call: &mut Call<'_>) -> Outcome {
    call.actor.require_admin()?;
    let id = call.id(0)?;
    call.world
        .hooks
        .hooks
        .get(&id)
        .ok_or_else(Answer::not_found)?;
    emit::ping(call.world, id);
    Ok(Answer::ok())
}

fn events(call: &mut Call<'_>) -> Outcome {
    call.actor.require_admin()?;
    let id = call.id(0)?;
    call.world
        .hooks
        .hooks
        .get(&id)
        .ok_or_else(Answer::not_found)?;
    let (limit, offset) = page(call);
    let status = call.params.text("status");
    Ok(Answer::json(web_hook::deliveries(
        call.world,
        id,
        limit,
        offset,
        status.as_deref(),
    )))
}

/// Sends a row of the log again, under the same id.
fn redeliver(call: &mut Call<'_>) -> Outcome {
    call.actor.require_admin()?;
    let (hook_id, id) = (call.id(0)?, call.id(1)?);
    let row = call
        .world
        .hooks
        .log
        .get(&id)
        .filter(|row| row.hook_id == hook_id);
    let shown = row
        .map(|row| web_hook::delivery(call.world, row))
        .ok_or_else(Answer::not_found)?;
    let now = call.world.now();
    call.world.hooks.push(id, now);
    Ok(Answer::json(json!({ "web_hook_event": shown })))
}
