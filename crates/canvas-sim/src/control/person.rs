//! What a person does "in the browser": the same rules as everywhere, but not an API call, so it is
//! in no call log, costs no rate limit and sends no `discussion_entry_submitted` event.

use super::{Sim, ok, refused};
use crate::act::entry::{self, FileChange, NewEntry};
use crate::act::file::{Duplicate, NewFile, store};
use crate::act::topic;
use crate::answer::{Content, Fail};
use crate::id;
use crate::live_event::Origin;
use crate::request::{Given, Params};
use crate::state::person::FileOwner;
use crate::state::thread::Home;
use crate::world::World;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde_json::{Map, Value, json};

/// One order: `as` (id or login), `do`, and what the deed needs.
struct Order {
    params: Params,
    user_id: u64,
    base: String,
}

impl Order {
    fn id(&self, name: &str) -> Result<u64, Fail> {
        self.params
            .text(name)
            .and_then(|t| id::local(&t))
            .ok_or(Fail::NotFound)
    }

    fn message(&self) -> Option<String> {
        self.params.text("message")
    }
}

fn find_user(world: &World, text: &str) -> Option<u64> {
    id::local(text)
        .filter(|id| world.data.users.contains_key(id))
        .or_else(|| world.data.user_by(|u| u.login == text))
}

fn change_topic(world: &mut World, order: &Order, more: &Value) -> Result<Value, Fail> {
    let topic_id = order.id("topic")?;
    let mut params = order.params.clone();
    for name in ["as", "do", "topic"] {
        params.0.remove(name);
    }
    if let Value::Object(map) = more {
        params.0.extend(map.clone());
    }
    // The page always sends the lock along, so an edit never opens an announcement by accident.
    if !params.has("locked") {
        let is_locked = world.topic(topic_id).is_some_and(|t| t.locked);
        params.0.insert("locked".to_owned(), json!(is_locked));
    }
    topic::update(world, order.user_id, topic_id, &params, &order.base)?;
    Ok(json!({"topic_id": topic_id}))
}

fn create_topic(world: &mut World, order: &Order) -> Result<Value, Fail> {
    let home = match order.id("group") {
        Ok(group) => Home::Group(group),
        Err(_) => Home::Course(order.id("course")?),
    };
    let mut params = order.params.clone();
    if !params.has("published") && !params.is_on("is_announcement") {
        params.0.insert("published".to_owned(), json!(true));
    }
    let is_moderator = topic::course_of(world, home).is_some_and(|course| {
        crate::policy::standing(&world.data, Some(order.user_id), course).is_staff()
    });
    if !is_moderator {
        params.0.remove("published");
    }
    let topic_id = topic::create(world, order.user_id, home, &params, &order.base)?;
    Ok(json!({"topic_id": topic_id}))
}

fn attach(world: &mut World, order: &Order, entry_id: u64) -> Result<Value, Fail> {
    entry::check_editable(world, order.user_id, entry_id)?;
    let new = NewFile {
        owner: FileOwner::User(order.user_id),
        folder: "unfiled".to_owned(),
        name: order
            .params
            .text("filename")
            .unwrap_or_else(|| "file.txt".to_owned()),
        content_type: order
            .params
            .text("content_type")
            .unwrap_or_else(|| "text/plain".to_owned()),
        bytes: order
            .params
            .text("content")
            .unwrap_or_default()
            .into_bytes(),
        user_id: order.user_id,
        is_pending: false,
        promised_size: 0,
    };
    let file_id = store(world, new, Duplicate::Rename);
    entry::edit(
        world,
        order.user_id,
        entry_id,
        Given::Absent,
        (FileChange::Set(file_id), &order.base),
    )?;
    Ok(json!({"entry_id": entry_id, "file_id": file_id}))
}

fn merge_user(world: &mut World, order: &Order) -> Result<Value, Fail> {
    let (from, into) = (order.id("user")?, order.id("into")?);
    let now = world.now();
    if !world.data.users.contains_key(&into) {
        return Err(Fail::NotFound);
    }
    let user = world.data.users.get_mut(&from).ok_or(Fail::NotFound)?;
    user.is_deleted = true;
    user.merged_into = Some(into);
    user.updated_at = now;
    for row in world
        .data
        .enrollments
        .values_mut()
        .filter(|e| e.user_id == from)
    {
        row.user_id = into;
        row.updated_at = now;
    }
    for row in world
        .data
        .entries
        .values_mut()
        .filter(|e| e.user_id == from)
    {
        row.user_id = into;
    }
    Ok(json!({"user_id": from, "merged_into": into}))
}

fn on_entry(world: &mut World, order: &Order, deed: &str) -> Result<Value, Fail> {
    let entry_id = order.id("entry")?;
    let user = order.user_id;
    match deed {
        "edit" => {
            let words = Given::from(order.message());
            entry::edit(
                world,
                user,
                entry_id,
                words,
                (FileChange::Keep, &order.base),
            )?;
        }
        "delete" => entry::delete(world, user, entry_id)?,
        "restore" => entry::restore(world, user, entry_id)?,
        "like" => entry::rate(world, user, entry_id, 1)?,
        "unlike" => entry::rate(world, user, entry_id, 0)?,
        "attach" => return attach(world, order, entry_id),
        "detach" => {
            entry::edit(
                world,
                user,
                entry_id,
                Given::Absent,
                (FileChange::Drop, &order.base),
            )?;
        }
        _ => return Err(Fail::NotFound),
    }
    Ok(json!({"entry_id": entry_id}))
}

fn perform(world: &mut World, order: &Order, deed: &str) -> Result<Value, Fail> {
    match deed {
        "post" => {
            let new = NewEntry {
                topic_id: order.id("topic")?,
                parent_id: order.id("parent").ok(),
                message: order.message(),
                quoted_entry_id: order.id("quoted").ok(),
                is_anonymous_author: order.params.is_on("anonymous"),
                base: order.base.clone(),
            };
            let entry_id = entry::create(world, order.user_id, new)?;
            Ok(json!({"entry_id": entry_id}))
        }
        "create_topic" => create_topic(world, order),
        "edit_topic" => change_topic(world, order, &json!({})),
        "lock" => change_topic(world, order, &json!({"locked": true})),
        "unlock" => change_topic(world, order, &json!({"locked": false})),
        "pin" => change_topic(world, order, &json!({"pinned": true})),
        "unpin" => change_topic(world, order, &json!({"pinned": false})),
        "publish" => change_topic(world, order, &json!({"published": true})),
        "unpublish" => change_topic(world, order, &json!({"published": false})),
        "delete_topic" => {
            let id = order.id("topic")?;
            topic::delete(world, order.user_id, id).map(|()| json!({"topic_id": id}))
        }
        "restore_topic" => {
            let id = order.id("topic")?;
            topic::undelete(world, order.user_id, id).map(|()| json!({"topic_id": id}))
        }
        "merge_user" => merge_user(world, order),
        "delete_user" => {
            let id = order.id("user")?;
            world
                .data
                .users
                .get_mut(&id)
                .ok_or(Fail::NotFound)?
                .is_deleted = true;
            Ok(json!({"user_id": id}))
        }
        deed => on_entry(world, order, deed),
    }
}

/// `POST /_sim/act`.
pub(super) async fn act(State(shared): Sim, Json(body): Json<Map<String, Value>>) -> Response {
    let params = Params(body);
    let mut world = shared.world();
    let world = &mut *world;
    let Some(user_id) = params.text("as").and_then(|text| find_user(world, &text)) else {
        return refused("`as` names nobody: give an id or a login");
    };
    let deed = params.text("do").unwrap_or_default();
    world.tick();
    world.origin = Origin {
        user_id: Some(user_id),
        method: "POST".to_owned(),
        url: format!("{}/browser", world.base_url),
        request_id: world.data.uuid(),
        ..Origin::default()
    };
    let order = Order {
        params,
        user_id,
        base: world.base_url.clone(),
    };
    match perform(world, &order, &deed) {
        Ok(body) => {
            shared.events.notify_one();
            ok(body)
        }
        Err(fail) => {
            let answer = fail.answer(world.switches.not_permitted_status, 0);
            let reason = match answer.content {
                Content::Json(body) => body,
                Content::Text(text, _) => json!(text),
                _ => Value::Null,
            };
            let status = StatusCode::CONFLICT;
            (
                status,
                Json(json!({"refused": reason, "status": answer.status})),
            )
                .into_response()
        }
    }
}
