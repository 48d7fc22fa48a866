//! Posts as the REST API shows them (contract section 5.1).

use serde_json::{Value, json};

use super::{extend, set, time};
use crate::auth::Actor;
use crate::clock::iso;
use crate::json::user;
use crate::state::World;
use crate::state::post::{Post, PostKind};
use crate::text::cook::summary;
use crate::text::title::fancy;

/// Where a post is shown, which decides some fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `GET /posts/{id}` and the like, with raw.
    Single,
    /// The answer of a create or an update, with raw and `draft_sequence`.
    Written,
    /// In a topic's stream; the flag says whether raw is asked for.
    Stream(bool),
    /// `GET /posts.json`, with raw and the topic's title.
    Latest,
    /// Likes and replies, without raw.
    Plain,
}

/// A post for a reader.
pub fn post(world: &World, row: &Post, actor: Actor, place: Place) -> Value {
    let mut value = base(world, row, actor);
    if world.switches.newer_fields {
        extend(&mut value, newer(world, row, actor, place));
    }
    reply_to_user(world, row, &mut value);
    if Actor::can_read_text(actor, row) && wants_raw(place) {
        set(&mut value, "raw", json!(row.raw));
    }
    if actor.staff {
        let none = if matches!(place, Place::Stream(_)) {
            json!(0)
        } else {
            Value::Null
        };
        set(&mut value, "reviewable_id", none);
        set(&mut value, "reviewable_score_count", json!(0));
        set(&mut value, "reviewable_score_pending_count", json!(0));
    }
    if let Some(by) = row.deleted_by.filter(|_| row.deleted_at.is_some()) {
        set(&mut value, "deleted_by", user::basic(world, by));
    }
    if let Some(code) = &row.action_code {
        set(&mut value, "action_code", json!(code));
    }
    if row.hidden && (actor.staff || actor.is(row.user_id)) {
        set(&mut value, "hidden_reason_id", json!(row.hidden_reason_id));
    }
    if row.hidden && !actor.staff {
        set(&mut value, "cooked_hidden", json!(true));
    }
    if row.locked_by.is_some() && actor.staff {
        set(&mut value, "locked", json!(true));
    }
    by_place(world, row, place, actor, &mut value);
    value
}

impl Actor {
    fn can_read_text(self, row: &Post) -> bool {
        World::can_see_hidden_text(self, row)
    }
}

fn wants_raw(place: Place) -> bool {
    matches!(
        place,
        Place::Single | Place::Written | Place::Stream(true) | Place::Latest
    )
}

fn by_place(world: &World, row: &Post, place: Place, actor: Actor, value: &mut Value) {
    match place {
        Place::Written => set(value, "draft_sequence", json!(row.version - 1)),
        Place::Stream(_) => {
            set(
                value,
                "read",
                json!(actor.id.is_none() || actor.is(row.user_id)),
            );
        }
        Place::Latest => {
            let topic = world.topics.get(&row.topic_id);
            let title = topic.map_or("", |topic| topic.title.as_str());
            set(value, "topic_title", json!(title));
            set(value, "topic_html_title", json!(fancy(title)));
            set(
                value,
                "category_id",
                json!(topic.and_then(|topic| topic.category_id)),
            );
            if let Some(object) = value.as_object_mut() {
                object.remove("reply_to_user");
            }
            if world.switches.newer_fields {
                set(value, "excerpt", json!(summary(&row.cooked)));
                set(value, "truncated", json!(row.cooked.chars().count() > 220));
            }
        }
        Place::Single | Place::Plain => {}
    }
}

/// The fields of every post since 2014.
fn base(world: &World, row: &Post, actor: Actor) -> Value {
    let author = world.users.get(&row.user_id);
    let topic = world.topics.get(&row.topic_id);
    let version = if actor.staff {
        row.version
    } else {
        row.public_version
    };
    json!({
        "id": row.id,
        "name": author.and_then(|user| user.name.clone()),
        "username": author.map(|user| user.username.clone()),
        "avatar_template": author.map(super::super::state::user::User::avatar_template),
        "created_at": iso(row.created_at),
        "cooked": shown_html(row, actor),
        "post_number": row.number,
        "post_type": row.kind.number(),
        "updated_at": iso(row.updated_at),
        "reply_count": row.reply_count,
        "reply_to_post_number": row.reply_to,
        "quote_count": 0,
        "incoming_link_count": 0,
        "reads": row.reads,
        "readers_count": (row.reads - 1).max(0),
        "score": 0,
        "yours": actor.is(row.user_id),
        "topic_id": row.topic_id,
        "topic_slug": topic.map(|topic| topic.slug.clone()),
        "display_username": author.and_then(|user| user.name.clone()),
        "primary_group_name": null,
        "flair_name": null,
        "flair_url": null,
        "flair_bg_color": null,
        "flair_color": null,
        "version": version,
        "can_edit": world.can_edit_post(actor, row),
        "can_delete": world.can_delete_post(actor, row),
        "can_recover": World::can_recover_post(actor, row),
        "can_wiki": actor.staff,
        "user_title": author.and_then(|user| user.title.clone()),
        "bookmarked": false,
        "actions_summary": actions(world, row, actor),
        "moderator": author.is_some_and(|user| user.moderator),
        "admin": author.is_some_and(|user| user.admin),
        "staff": author.is_some_and(super::super::state::user::User::is_staff),
        "user_id": author.map(|user| user.id),
        "hidden": row.hidden,
        "trust_level": author.map_or(0, |user| user.trust_level),
        "deleted_at": time(row.deleted_at),
        "user_deleted": row.user_deleted,
        "edit_reason": row.edit_reason,
        "can_view_edit_history": true,
        "wiki": row.wiki,
    })
}

/// The fields that the API description of 2026 adds.
fn newer(world: &World, row: &Post, actor: Actor, place: Place) -> Value {
    let topic = world.topics.get(&row.topic_id);
    let path = topic.map(|topic| format!("{}/{}", topic.path(), row.number));
    if matches!(place, Place::Stream(_)) {
        return json!({ "can_see_hidden_post": World::can_see_hidden_text(actor, row) });
    }
    let mut value = json!({
        "posts_count": topic.map_or(0, |topic| topic.posts_count),
        "post_url": path,
        "flair_group_id": null,
        "can_see_hidden_post": World::can_see_hidden_text(actor, row),
    });
    if !matches!(place, Place::Single) {
        set(&mut value, "badges_granted", json!([]));
    }
    value
}

fn shown_html(row: &Post, actor: Actor) -> String {
    if !row.hidden || actor.staff {
        return row.cooked.clone();
    }
    if actor.is(row.user_id) {
        "<p>Your post was flagged by the community. Please <a href=\"/my/messages\">see your \
         messages</a>.</p>"
            .to_owned()
    } else {
        "<p>This post was flagged by the community and is temporarily hidden.</p>".to_owned()
    }
}

fn reply_to_user(world: &World, row: &Post, value: &mut Value) {
    let Some(number) = row.reply_to else { return };
    if world.settings.flag("suppress_reply_when_quoting") && row.quotes_parent() {
        return;
    }
    let parent = world
        .post_by_number(row.topic_id, number)
        .and_then(|p| world.users.get(&p.user_id));
    if let Some(user) = parent {
        let mut who = json!({
            "username": user.username, "name": user.name, "avatar_template": user.avatar_template(),
        });
        if world.switches.newer_fields {
            set(&mut who, "id", json!(user.id));
        }
        set(value, "reply_to_user", who);
    }
}

/// Likes and the flags that the reader may raise.
fn actions(world: &World, row: &Post, actor: Actor) -> Value {
    let mut list = Vec::new();
    let likes = row.likes.len();
    let own_like = row.likes.iter().find(|like| actor.is(like.user_id));
    let can_like = own_like.is_none() && world.can_like(actor, row);
    if likes > 0 || can_like {
        let mut like = json!({ "id": 2 });
        if likes > 0 {
            set(&mut like, "count", json!(likes));
        }
        if let Some(given) = own_like {
            set(&mut like, "acted", json!(true));
            let window = world.settings.int("post_undo_action_window_mins") * crate::clock::MINUTE;
            if world.now() - given.at <= window {
                set(&mut like, "can_undo", json!(true));
            }
        }
        if can_like {
            set(&mut like, "can_act", json!(true));
        }
        list.push(like);
    }
    if actor.id.is_some() && row.kind != PostKind::SmallAction {
        let flag = |id: i64| json!({ "id": id, "can_act": true });
        list.extend([3, 4].map(flag));
        if !actor.is(row.user_id) && row.user_id > 0 {
            list.push(flag(6));
        }
        list.extend([8, 7].map(flag));
    }
    Value::Array(list)
}
