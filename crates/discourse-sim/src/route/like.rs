//! Likes (contract section 8.5).

use serde_json::{Value, json};

use super::post::visible;
use super::{Call, Route};
use crate::act::like as act;
use crate::act::owner;
use crate::answer::{Answer, Outcome};
use crate::json::post::{self, Place};
use crate::json::user;

pub const ROUTES: &[Route] = &[
    Route {
        method: "POST",
        template: "/post_actions",
        run: create,
    },
    Route {
        method: "DELETE",
        template: "/post_actions/{id}",
        run: delete,
    },
    Route {
        method: "GET",
        template: "/post_action_users",
        run: users,
    },
];

const LIKE: i64 = 2;

fn show(call: &Call<'_>, id: i64) -> Outcome {
    let row = call.world.posts.get(&id).ok_or_else(Answer::not_found)?;
    Ok(Answer::json(post::post(
        call.world,
        row,
        call.actor,
        Place::Plain,
    )))
}

/// A like, or a flag: three flags hide a post here.
fn create(call: &mut Call<'_>) -> Outcome {
    call.actor.id.ok_or_else(Answer::bad_csrf)?;
    let id = call
        .params
        .int("id")
        .ok_or_else(|| Answer::missing_parameter("id"))?;
    let kind = call.params.int("post_action_type_id").unwrap_or(0);
    match kind {
        LIKE => act::give(call.world, call.actor, id)?,
        3 | 4 | 7 | 8 => {
            visible(call.world, call.actor, id)?;
            if call.actor.staff {
                owner::set_hidden(call.world, id, true);
            }
        }
        _ => return Err(Answer::bad_parameter("post_action_type_id")),
    }
    show(call, id)
}

fn delete(call: &mut Call<'_>) -> Outcome {
    call.actor.id.ok_or_else(Answer::bad_csrf)?;
    let id = call.id(0)?;
    if call.params.int("post_action_type_id") != Some(LIKE) {
        return Err(Answer::bad_parameter("post_action_type_id"));
    }
    act::withdraw(call.world, call.actor, id)?;
    show(call, id)
}

fn users(call: &mut Call<'_>) -> Outcome {
    let id = call
        .params
        .int("id")
        .ok_or_else(|| Answer::missing_parameter("id"))?;
    let row = visible(call.world, call.actor, id)?;
    let list: Vec<Value> = row
        .likes
        .iter()
        .map(|like| {
            let mut value = user::basic(call.world, like.user_id);
            if let Some(fields) = value.as_object_mut() {
                fields.insert("post_url".to_owned(), Value::Null);
                fields.insert("username_lower".to_owned(), {
                    let name = call
                        .world
                        .users
                        .get(&like.user_id)
                        .map(|user| user.username.to_lowercase());
                    json!(name)
                });
            }
            value
        })
        .collect();
    Ok(Answer::json(json!({ "post_action_users": list })))
}
