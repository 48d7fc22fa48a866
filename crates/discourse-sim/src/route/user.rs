//! Users as others see them, and the present session (contract section 8.3).
#![expect(clippy::unnecessary_wraps, reason = "endpoints have one signature")]

use serde_json::{Value, json};

use super::{Call, Route};
use crate::act::user as act;
use crate::answer::{Answer, Outcome};
use crate::clock::iso;
use crate::json::user;
use crate::state::post::PostKind;
use crate::state::user::User;
use crate::text::cook::summary;

pub const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        template: "/session/hp",
        run: honeypot,
    },
    Route {
        method: "GET",
        template: "/session/current",
        run: current,
    },
    Route {
        method: "GET",
        template: "/session/csrf",
        run: csrf,
    },
    Route {
        method: "POST",
        template: "/users",
        run: create,
    },
    Route {
        method: "GET",
        template: "/u/by-external/{external_id}",
        run: by_external,
    },
    Route {
        method: "GET",
        template: "/users/by-external/{external_id}",
        run: by_external,
    },
    Route {
        method: "GET",
        template: "/u/{username}",
        run: show,
    },
    Route {
        method: "GET",
        template: "/users/{username}",
        run: show,
    },
    Route {
        method: "PUT",
        template: "/u/{username}",
        run: update,
    },
    Route {
        method: "PUT",
        template: "/users/{username}",
        run: update,
    },
    Route {
        method: "GET",
        template: "/u/{username}/emails",
        run: emails,
    },
    Route {
        method: "PUT",
        template: "/u/{username}/preferences/username",
        run: rename,
    },
    Route {
        method: "PUT",
        template: "/users/{username}/preferences/username",
        run: rename,
    },
    Route {
        method: "GET",
        template: "/user_actions",
        run: actions,
    },
    Route {
        method: "GET",
        template: "/user-badges/{username}",
        run: badges,
    },
    Route {
        method: "GET",
        template: "/notifications",
        run: notifications,
    },
    Route {
        method: "GET",
        template: "/directory_items",
        run: directory,
    },
    Route {
        method: "GET",
        template: "/u/search/users",
        run: search,
    },
];

/// What `POST /users` asks of browsers; any value is accepted back.
fn honeypot(_: &mut Call<'_>) -> Outcome {
    Ok(Answer::json(
        json!({ "value": "5f2c1b", "challenge": "b1c2f5", "expires_in": 3_600 }),
    ))
}

fn csrf(_: &mut Call<'_>) -> Outcome {
    Ok(Answer::json(json!({ "csrf": "sandbox" })))
}

fn current(call: &mut Call<'_>) -> Outcome {
    let id = call.actor.id.ok_or_else(Answer::not_found)?;
    let row = call.world.users.get(&id).ok_or_else(Answer::not_found)?;
    Ok(Answer::json(
        json!({ "current_user": user::current(call.world, row) }),
    ))
}

fn create(call: &mut Call<'_>) -> Outcome {
    call.actor.id.ok_or_else(Answer::bad_csrf)?;
    act::create(call.world, call.actor, call.params)
}

fn answer(call: &Call<'_>, row: &User) -> Outcome {
    let value = user::full(call.world, row, call.actor);
    Ok(Answer::json(json!({ "user_badges": [], "user": value })))
}

fn by_external(call: &mut Call<'_>) -> Outcome {
    let row = call
        .world
        .user_by_external(call.var(0))
        .ok_or_else(Answer::not_found)?;
    answer(call, row)
}

fn named<'a>(call: &'a Call<'_>) -> Result<&'a User, Answer> {
    call.world
        .user_by_name(call.var(0))
        .ok_or_else(Answer::not_found)
}

fn show(call: &mut Call<'_>) -> Outcome {
    let row = named(call)?;
    answer(call, row)
}

fn update(call: &mut Call<'_>) -> Outcome {
    let id = named(call)?.id;
    if !(call.actor.staff || call.actor.is(id)) {
        return Err(Answer::forbidden());
    }
    let (name, title, bio) = (
        call.params.text("name"),
        call.params.text("title"),
        call.params.text("bio_raw"),
    );
    if let Some(row) = call.world.users.get_mut(&id) {
        if name.is_some() {
            row.name = name;
        }
        if title.is_some() {
            row.title = title;
        }
        if bio.is_some() {
            row.bio = bio;
        }
    }
    if let Some(external) = call
        .params
        .object("external_ids")
        .filter(|_| call.actor.admin)
    {
        let key = external
            .get("discourse_connect")
            .and_then(crate::param::scalar);
        if let Some(key) = key {
            let now = call.world.now();
            let record = crate::state::user::SsoRecord {
                external_id: key,
                external_username: String::new(),
                external_name: String::new(),
                created_at: now,
                updated_at: now,
            };
            call.world.set_sso(id, record);
        }
    }
    crate::hook::emit::user(call.world, "user_updated", id);
    let row = call.world.users.get(&id).ok_or_else(Answer::not_found)?;
    let value = user::full(call.world, row, call.actor);
    Ok(Answer::json(json!({ "success": "OK", "user": value })))
}

fn emails(call: &mut Call<'_>) -> Outcome {
    let row = named(call)?;
    if !(call.actor.staff || call.actor.is(row.id)) {
        return Err(Answer::forbidden());
    }
    Ok(Answer::json(json!({
        "email": row.email, "secondary_emails": [], "unconfirmed_emails": [],
        "associated_accounts": [],
    })))
}

fn rename(call: &mut Call<'_>) -> Outcome {
    let id = named(call)?.id;
    let new = call.need("new_username")?;
    act::rename(call.world, call.actor, id, &new)?;
    Ok(Answer::json(json!({ "id": id, "username": new })))
}

/// Topics (4) and replies (5) of a user, newest first.
fn actions(call: &mut Call<'_>) -> Outcome {
    let name = call.need("username")?;
    let row = call
        .world
        .user_by_name(&name)
        .ok_or_else(Answer::not_found)?;
    let wanted: Vec<i64> = call
        .params
        .comma_list("filter")
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect();
    let offset = usize::try_from(call.params.int("offset").unwrap_or(0)).unwrap_or(0);
    let limit = usize::try_from(call.params.int("limit").unwrap_or(30)).unwrap_or(30);
    let list: Vec<Value> = call
        .world
        .posts
        .values()
        .rev()
        .filter(|post| post.user_id == row.id && post.kind == PostKind::Regular && post.is_live())
        .filter_map(|post| {
            let topic = call.world.topics.get(&post.topic_id)?;
            let kind = if post.is_first() { 4 } else { 5 };
            let shown = topic.deleted_at.is_none()
                && !topic.is_private
                && call.world.can_see_topic(call.actor, topic)
                && (wanted.is_empty() || wanted.contains(&kind));
            let avatar = row.avatar_template();
            shown.then(|| json!({
                "excerpt": summary(&post.cooked), "action_type": kind,
                "created_at": iso(post.created_at), "avatar_template": avatar,
                "acting_avatar_template": avatar, "slug": topic.slug, "topic_id": topic.id,
                "target_user_id": row.id, "target_name": row.name, "target_username": row.username,
                "post_number": post.number, "post_id": post.id,
                "reply_to_post_number": post.reply_to, "username": row.username, "name": row.name,
                "user_id": row.id, "acting_username": row.username, "acting_name": row.name,
                "acting_user_id": row.id, "title": topic.title, "deleted": false,
                "hidden": post.hidden, "post_type": post.kind.number(), "action_code": null,
                "category_id": topic.category_id, "closed": topic.closed,
                "archived": topic.archived,
            }))
        })
        .skip(offset)
        .take(limit)
        .collect();
    Ok(Answer::json(json!({ "user_actions": list })))
}

fn badges(call: &mut Call<'_>) -> Outcome {
    named(call)?;
    Ok(Answer::json(json!({ "user_badges": [] })))
}

fn notifications(call: &mut Call<'_>) -> Outcome {
    call.actor.require()?;
    Ok(Answer::json(json!({
        "notifications": [], "total_rows_notifications": 0, "seen_notification_id": 0,
        "load_more_notifications": "/notifications?offset=60",
    })))
}

fn directory(call: &mut Call<'_>) -> Outcome {
    let list: Vec<Value> = call
        .world
        .users
        .values()
        .filter(|user| user.id > 0)
        .map(|row| {
            json!({
                "id": row.id, "likes_received": 0, "likes_given": 0, "topics_entered": 0,
                "topic_count": row.topic_count, "post_count": row.post_count, "posts_read": 0,
                "days_visited": 0, "user": user::titled(row),
            })
        })
        .collect();
    let total = list.len();
    Ok(Answer::json(json!({
        "directory_items": list,
        "meta": { "last_updated_at": iso(call.world.now()), "total_rows_directory_items": total,
                  "load_more_directory_items": "/directory_items?page=1" },
    })))
}

fn search(call: &mut Call<'_>) -> Outcome {
    let term = call.params.text("term").unwrap_or_default().to_lowercase();
    let list: Vec<Value> = call
        .world
        .users
        .values()
        .filter(|user| user.id > 0 && user.username.to_lowercase().contains(&term))
        .take(20)
        .map(user::basic_row)
        .collect();
    Ok(Answer::json(json!({ "users": list })))
}
