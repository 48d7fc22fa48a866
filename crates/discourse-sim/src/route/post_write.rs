//! Writing posts (contract sections 6.1, 6.3 and 6.4).

use serde_json::{Map, Value, json};

use super::post::visible;
use super::{Call, Route};
use crate::act::create::{Created, NewPost, create as make};
use crate::act::revise::{self, Edit, Parent};
use crate::act::topic_edit::{self, TopicEdit};
use crate::act::{destroy, movement, owner};
use crate::answer::{Answer, Outcome};
use crate::clock;
use crate::json::post::{self, Place};
use crate::json::review;
use crate::param::{canonical, scalar};
use crate::state::World;

pub const ROUTES: &[Route] = &[
    Route {
        method: "POST",
        template: "/posts",
        run: create,
    },
    Route {
        method: "DELETE",
        template: "/posts/destroy_many",
        run: destroy_many,
    },
    Route {
        method: "PUT",
        template: "/posts/{id}",
        run: update,
    },
    Route {
        method: "DELETE",
        template: "/posts/{id}",
        run: delete,
    },
    Route {
        method: "PUT",
        template: "/posts/{id}/recover",
        run: recover,
    },
    Route {
        method: "PUT",
        template: "/posts/{id}/wiki",
        run: wiki,
    },
    Route {
        method: "PUT",
        template: "/posts/{id}/post_type",
        run: post_type,
    },
    Route {
        method: "PUT",
        template: "/posts/{id}/rebake",
        run: rebake,
    },
    Route {
        method: "PUT",
        template: "/posts/{id}/unhide",
        run: unhide,
    },
    Route {
        method: "PUT",
        template: "/posts/{id}/locked",
        run: locked,
    },
    Route {
        method: "PUT",
        template: "/posts/{id}/revisions/{number}/revert",
        run: revert,
    },
];

/// Serves a repeated request from the cache, or does it and stores what came of it.
fn create(call: &mut Call<'_>) -> Outcome {
    let Some(user_id) = call.actor.id else {
        return Err(Answer::bad_csrf());
    };
    let key = format!("{user_id}|{}|{}", call.client, canonical(call.params.all()));
    let now = call.world.now();
    if let Some(answer) = call
        .world
        .replay
        .get(&key, now)
        .filter(|_| call.actor.is_api)
    {
        return Ok(answer);
    }
    let new = read_new(call)?;
    let answer = match make(call.world, call.actor, new) {
        Ok(created) => Answer::json(shape(call, created)),
        Err(answer) if answer.status == 422 => answer,
        Err(answer) => return Err(answer),
    };
    call.world.replay.put(key, answer.clone(), now);
    Ok(answer)
}

fn shape(call: &Call<'_>, created: Created) -> Value {
    match created {
        Created::Post(id) => {
            let row = call.world.posts.get(&id);
            let value = row.map_or(Value::Null, |row| {
                post::post(call.world, row, call.actor, Place::Written)
            });
            if call.params.truthy("nested_post") {
                json!({ "action": "create_post", "post": value, "success": true })
            } else {
                value
            }
        }
        Created::Queued(id) => {
            let row = call.world.queue.get(&id);
            json!({
                "success": true, "action": "enqueued",
                "pending_count": mine(call.world, call.actor.id),
                "pending_post": row.map(|row| json!({
                    "id": row.id, "raw": row.raw, "created_at": clock::iso(row.created_at),
                })),
            })
        }
    }
}

fn mine(world: &World, user_id: Option<i64>) -> usize {
    let pending = review::pending(world);
    let own = world.queue.values().filter(|row| {
        Some(row.user_id) == user_id && row.status == crate::state::review::ReviewStatus::Pending
    });
    own.count().min(pending)
}

/// Reads the parameters; those for API requests only are dropped for others.
fn read_new(call: &Call<'_>) -> Result<NewPost, Answer> {
    let params = call.params;
    let api = call.actor.is_api;
    let raw = params
        .text("raw")
        .ok_or_else(|| Answer::missing_parameter("raw"))?;
    let category_id = match params.text("category").filter(|text| !text.is_empty()) {
        Some(text) => Some(
            text.trim()
                .parse()
                .map_err(|_| Answer::bad_parameter("category"))?,
        ),
        None => None,
    };
    if params
        .get("no_bump")
        .is_some_and(|value| value.as_str() == Some("true"))
        && !(call.actor.staff || call.actor.trust_level >= 4)
    {
        return Err(Answer::bad_parameter("no_bump"));
    }
    if params
        .object("topic_custom_fields")
        .is_some_and(|fields| !fields.is_empty())
    {
        return Err(Answer::bad_parameter("topic_custom_fields"));
    }
    let is_message = params.text("archetype").as_deref() == Some("private_message");
    let recipients = is_message.then(|| {
        let mut names = params.comma_list("target_recipients");
        names.extend(params.comma_list("target_usernames"));
        names
    });
    let created_at = params
        .text("created_at")
        .filter(|_| api)
        .and_then(|text| clock::parse(&text));
    let key = |name: &str| params.text(name).filter(|text| api && !text.is_empty());
    Ok(NewPost {
        raw,
        title: params.text("title"),
        topic_id: params
            .text("topic_id")
            .filter(|text| !text.is_empty())
            .map(|text| text.trim().parse().unwrap_or(-1)),
        category_id,
        reply_to: params.int("reply_to_post_number"),
        tags: tags(params.get("tags")),
        recipients,
        created_at,
        external_id: key("external_id"),
        embed_url: key("embed_url"),
        skip_validations: api && params.truthy("skip_validations"),
        import_mode: api && params.truthy("import_mode"),
        // Only the text counts (recordings 502, 503, 694).
        no_bump: params
            .get("no_bump")
            .is_some_and(|value| value.as_str() == Some("true")),
        whisper: params.truthy("whisper"),
        unlisted: params.truthy("unlist_topic")
            || params.text("visible").as_deref() == Some("false"),
        unlimited: false,
    })
}

/// Tag names out of strings or objects with name or id.
pub fn tags(value: Option<&Value>) -> Vec<String> {
    let items = match value {
        Some(Value::Array(items)) => items.clone(),
        Some(Value::Object(fields)) => fields.values().cloned().collect(),
        Some(Value::String(text)) => text.split(',').map(|name| json!(name)).collect(),
        _ => Vec::new(),
    };
    items
        .iter()
        .filter_map(|item| scalar(item).or_else(|| item.get("name").and_then(scalar)))
        .filter(|name| !name.trim().is_empty())
        .collect()
}

fn update(call: &mut Call<'_>) -> Outcome {
    call.actor.id.ok_or_else(Answer::bad_csrf)?;
    let id = call.id(0)?;
    let Some(fields) = call
        .params
        .object("post")
        .cloned()
        .filter(|fields| !fields.is_empty())
    else {
        return Err(Answer::missing_parameter("post"));
    };
    let row = call.world.posts.get(&id).ok_or_else(Answer::not_found)?;
    if !call.actor.staff && row.deleted_at.is_some() {
        return Err(Answer::not_found());
    }
    if !call.world.can_edit_post(call.actor, row) {
        return Err(Answer::forbidden());
    }
    if call.world.is_past_edit_time(call.actor, row) {
        let text = "That post was created too long ago. It can no longer be edited or deleted.";
        return Err(Answer::invalid_one(text));
    }
    // What was left out counts as empty (section 6.3).
    let raw = fields.get("raw").and_then(scalar).unwrap_or_default();
    if raw.contains('\0') {
        return Err(Answer::framework(400));
    }
    check_guards(call.world, &fields, &row.raw)?;
    let (topic_id, first) = (row.topic_id, row.is_first());
    let edit_reason = fields.get("edit_reason").and_then(scalar);
    let bypass_bump =
        call.params.truthy("bypass_bump") && (call.actor.staff || call.actor.trust_level >= 4);
    let category_id = fields
        .get("category_id")
        .and_then(scalar)
        .and_then(|text| text.parse().ok());
    let title = call.params.text("title");
    if first && (title.is_some() || category_id.is_some()) {
        let edit = TopicEdit {
            title,
            category_id,
            raw: Some(raw),
            edit_reason,
            bypass_bump,
            ..TopicEdit::default()
        };
        topic_edit::apply(call.world, call.actor, topic_id, &edit)?;
    } else {
        let parent = match fields.get("reply_to_post_number") {
            Some(value) if call.world.switches.reply_to_editable && !first => {
                Parent::Set(scalar(value).and_then(|text| text.parse().ok()))
            }
            _ => Parent::Kept,
        };
        let edit = Edit {
            raw: Some(raw),
            edit_reason,
            parent,
            bypass_bump,
            ..Edit::default()
        };
        revise::revise(call.world, call.actor, id, &edit)?;
    }
    let row = call.world.posts.get(&id).ok_or_else(Answer::not_found)?;
    Ok(Answer::json(
        json!({ "post": post::post(call.world, row, call.actor, Place::Written) }),
    ))
}

/// Compare-and-set: byte for byte with the stored raw, empty guards are none (section 9).
fn check_guards(world: &World, fields: &Map<String, Value>, stored: &str) -> Result<(), Answer> {
    let names: &[&str] = if world.switches.raw_old_only {
        &["raw_old"]
    } else {
        &["original_text", "raw_old"]
    };
    for name in names {
        let guard = fields
            .get(*name)
            .and_then(scalar)
            .filter(|guard| !guard.is_empty());
        if guard.is_some_and(|guard| guard != stored) {
            return Err(Answer::conflict());
        }
    }
    Ok(())
}

fn delete(call: &mut Call<'_>) -> Outcome {
    call.actor.id.ok_or_else(Answer::bad_csrf)?;
    let id = call.id(0)?;
    destroy::post(call.world, call.actor, id)?;
    Ok(Answer::empty())
}

fn destroy_many(call: &mut Call<'_>) -> Outcome {
    call.actor.require()?;
    let ids = call
        .params
        .ints("post_ids")
        .ok_or_else(|| Answer::missing_parameter("post_ids"))?;
    let all = |id: &i64| {
        call.world
            .posts
            .get(id)
            .is_some_and(|post| call.world.can_delete_post(call.actor, post))
    };
    if !ids.iter().all(all) {
        return Err(Answer::forbidden());
    }
    for id in ids {
        destroy::post(call.world, call.actor, id)?;
    }
    Ok(Answer::empty())
}

fn recover(call: &mut Call<'_>) -> Outcome {
    call.actor.id.ok_or_else(Answer::bad_csrf)?;
    let id = call.id(0)?;
    destroy::recover_post(call.world, call.actor, id)?;
    let row = call.world.posts.get(&id).ok_or_else(Answer::not_found)?;
    Ok(Answer::json(post::post(
        call.world,
        row,
        call.actor,
        Place::Single,
    )))
}

fn wiki(call: &mut Call<'_>) -> Outcome {
    let id = call.id(0)?;
    let flag = call.params.truthy("wiki");
    owner::set_wiki(call.world, call.actor, id, flag)?;
    Ok(Answer::empty())
}

fn post_type(call: &mut Call<'_>) -> Outcome {
    call.actor.require_staff()?;
    let id = call.id(0)?;
    let number = call.params.int("post_type").unwrap_or(0);
    let kind = crate::state::post::PostKind::from_number(number);
    let kind = kind.ok_or_else(|| Answer::bad_parameter("post_type"))?;
    let row = call
        .world
        .posts
        .get_mut(&id)
        .ok_or_else(Answer::not_found)?;
    row.kind = kind;
    crate::hook::emit::post(call.world, "post_edited", id);
    Ok(Answer::empty())
}

fn rebake(call: &mut Call<'_>) -> Outcome {
    call.actor.require_staff()?;
    let id = call.id(0)?;
    visible(call.world, call.actor, id)?;
    movement::recook(call.world, id);
    Ok(Answer::empty())
}

fn unhide(call: &mut Call<'_>) -> Outcome {
    call.actor.require_staff()?;
    let id = call.id(0)?;
    visible(call.world, call.actor, id)?;
    owner::set_hidden(call.world, id, false);
    Ok(Answer::empty())
}

fn locked(call: &mut Call<'_>) -> Outcome {
    let user_id = call.actor.require_staff()?;
    let id = call.id(0)?;
    let flag = call.params.truthy("locked");
    let row = call
        .world
        .posts
        .get_mut(&id)
        .ok_or_else(Answer::not_found)?;
    row.locked_by = flag.then_some(user_id);
    Ok(Answer::json(json!({ "locked": flag })))
}

fn revert(call: &mut Call<'_>) -> Outcome {
    call.actor.require_staff()?;
    let (id, number) = (call.id(0)?, call.id(1)?);
    let row = visible(call.world, call.actor, id)?;
    let found = row
        .revisions
        .iter()
        .find(|revision| revision.number == number);
    let old = found
        .map(|revision| revision.raw.0.clone())
        .ok_or_else(Answer::not_found)?;
    let edit = Edit {
        raw: Some(old),
        edit_reason: Some(format!("reverted to version {}", number - 1)),
        force_version: true,
        ..Edit::default()
    };
    revise::revise(call.world, call.actor, id, &edit)?;
    let row = call.world.posts.get(&id).ok_or_else(Answer::not_found)?;
    Ok(Answer::json(
        json!({ "post": post::post(call.world, row, call.actor, Place::Written) }),
    ))
}
