//! Topics as `GET /t/{id}` shows them (contract section 5.2).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{extend, nothing, set, time};
use crate::auth::Actor;
use crate::clock::{DAY, iso};
use crate::json::post::{self, Place};
use crate::json::{list, tag, user};
use crate::state::World;
use crate::state::post::{Post, PostKind};
use crate::state::topic::Topic;
use crate::text::title::fancy;

/// Posts per page, or with `print=true` (contract section 7.1).
pub const CHUNK: usize = 20;
/// Posts per page with `print=true`.
pub const PRINT_CHUNK: usize = 1_000;

/// Which part of a topic is shown and how.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Indexes into the visible posts.
    pub range: std::ops::Range<usize>,
    /// Posts per page.
    pub chunk: usize,
    /// The number the reader came for.
    pub post_number: i64,
    /// Raw texts too.
    pub raw: bool,
    /// Whether this is the last page, which suggests other topics.
    pub is_last: bool,
}

/// The posts of a topic that a reader's stream has.
pub fn stream(world: &World, topic: &Topic, actor: Actor, show_deleted: bool) -> Vec<i64> {
    world
        .posts_of(topic)
        .filter(|post| {
            let gone = post.deleted_at.is_some();
            let shown = !gone || (actor.staff && (show_deleted || post.is_first()));
            shown && (post.kind != PostKind::Whisper || actor.staff)
        })
        .map(|post| post.id)
        .collect()
}

/// A whole topic page.
pub fn show(world: &World, topic: &Topic, actor: Actor, stream: &[i64], view: &View) -> Value {
    let shown = stream.get(view.range.clone()).unwrap_or(&[]);
    let posts: Vec<Value> = shown
        .iter()
        .filter_map(|id| world.posts.get(id))
        .map(|row| post::post(world, row, actor, Place::Stream(view.raw)))
        .collect();
    let mut value = shared(world, topic);
    let mut post_stream = json!({ "posts": posts, "stream": stream });
    if let Some(gaps) = gaps(world, topic, actor, stream) {
        set(&mut post_stream, "gaps", gaps);
    }
    set(&mut value, "post_stream", post_stream);
    extend(&mut value, page(world, topic, actor, stream, view));
    if view.is_last {
        set(
            &mut value,
            "suggested_topics",
            list::suggested(world, topic, actor),
        );
    }
    if actor.id.is_some() {
        extend(&mut value, personal(world, topic, actor));
    }
    if actor.staff {
        let deleted = world
            .posts_of(topic)
            .any(|post| post.deleted_at.is_some() && !post.is_first());
        set(&mut value, "has_deleted", json!(deleted));
    }
    let queues = topic
        .category_id
        .and_then(|id| world.categories.get(&id))
        .is_some_and(|category| category.require_reply_approval);
    if queues && actor.staff {
        set(&mut value, "pending_posts", json!([]));
        set(
            &mut value,
            "queued_posts_count",
            json!(waiting(world, topic)),
        );
    }
    if topic.is_embedded {
        set(&mut value, "expandable_first_post", json!(true));
    }
    set(&mut value, "details", details(world, topic, actor));
    value
}

/// Deleted posts that staff do not see in the stream: before which visible post they were, or
/// after the last one (recordings 072 and 680).
fn gaps(world: &World, topic: &Topic, actor: Actor, stream: &[i64]) -> Option<Value> {
    if !actor.staff || stream.len() == topic.posts.len() {
        return None;
    }
    let (mut before, mut after) = (nothing(), nothing());
    let mut open: Vec<i64> = Vec::new();
    let mut last = None;
    for post in world.posts_of(topic) {
        if !stream.contains(&post.id) {
            open.push(post.id);
            continue;
        }
        if !open.is_empty() {
            set(
                &mut before,
                &post.id.to_string(),
                json!(std::mem::take(&mut open)),
            );
        }
        last = Some(post.id);
    }
    if let Some(last) = last.filter(|_| !open.is_empty()) {
        set(&mut after, &last.to_string(), json!(open));
    }
    Some(json!({ "before": before, "after": after }))
}

/// The fields that the page and the web hook payload have in common.
pub fn shared(world: &World, topic: &Topic) -> Value {
    let now = world.now();
    let live: Vec<&Post> = world
        .posts_of(topic)
        .filter(|post| post.is_live())
        .collect();
    let likes: usize = live.iter().map(|post| post.likes.len()).sum();
    let words: usize = live
        .iter()
        .map(|post| post.raw.split_whitespace().count())
        .sum();
    let highest = live.iter().map(|post| post.number).max().unwrap_or(0);
    let mut value = json!({
        "tags": tag::of_topic(world, topic),
        "tags_descriptions": {},
        "id": topic.id,
        "title": topic.title,
        "fancy_title": fancy(&topic.title),
        "posts_count": topic.posts_count,
        "created_at": iso(topic.created_at),
        "views": topic.views,
        "reply_count": topic.reply_count,
        "like_count": likes,
        "last_posted_at": time(topic.last_posted_at),
        "visible": topic.visible,
        "closed": topic.closed,
        "archived": topic.archived,
        "archetype": if topic.is_private { "private_message" } else { "regular" },
        "slug": topic.slug,
        "category_id": topic.category_id,
        "word_count": words,
        "deleted_at": time(topic.deleted_at),
        "user_id": topic.user_id,
        "featured_link": topic.featured_link,
        "pinned_globally": topic.pinned_globally,
        "pinned_at": time(topic.pinned_at),
        "pinned_until": time(topic.pinned_until),
        "unpinned": null,
        "pinned": topic.is_pinned(now),
        "highest_post_number": highest,
        "deleted_by": topic.deleted_by.map(|id| user::basic(world, id)),
        "bookmarked": false,
        "participant_count": participants(world, topic).len(),
        "thumbnails": null,
    });
    if let Some(key) = &topic.external_id {
        set(&mut value, "external_id", json!(key));
    }
    value
}

fn waiting(world: &World, topic: &Topic) -> usize {
    let pending = crate::state::review::ReviewStatus::Pending;
    let queued = world.queue.values();
    queued
        .filter(|row| row.topic_id == Some(topic.id) && row.status == pending)
        .count()
}

fn page(world: &World, topic: &Topic, actor: Actor, stream: &[i64], view: &View) -> Value {
    let none = if actor.id.is_some() {
        json!(0)
    } else {
        Value::Null
    };
    let flags: Vec<Value> = [4, 8, 7]
        .into_iter()
        .map(|id| json!({ "id": id, "count": 0, "hidden": false, "can_act": actor.id.is_some() }))
        .collect();
    let timer = topic.timer.as_ref().map(|timer| {
        json!({
            "id": timer.id, "execute_at": iso(timer.execute_at), "duration_minutes": null,
            "based_on_last_post": false, "status_type": timer.status_type, "category_id": null,
        })
    });
    json!({
        "timeline_lookup": timeline(world, stream),
        "has_summary": false,
        "image_url": null,
        "slow_mode_seconds": 0,
        "draft": null,
        "draft_key": format!("topic_{}", topic.id),
        "draft_sequence": none,
        "current_post_number": view.post_number.max(1),
        "actions_summary": flags,
        "chunk_size": view.chunk,
        "bookmarks": [],
        "topic_timer": timer,
        "message_bus_last_id": 0,
        "show_read_indicator": false,
        "slow_mode_enabled_until": null,
    })
}

/// Days since the first post by position in the stream, where they change.
fn timeline(world: &World, stream: &[i64]) -> Value {
    let now = world.now();
    let mut rows: Vec<(i64, i64)> = Vec::new();
    for (id, position) in stream.iter().zip(1_i64..) {
        let Some(post) = world.posts.get(id) else {
            continue;
        };
        let days = now.saturating_sub(post.created_at) / DAY;
        if rows.last().is_none_or(|(_, last)| *last != days) {
            rows.push((position, days));
        }
    }
    json!(rows)
}

fn personal(world: &World, topic: &Topic, actor: Actor) -> Value {
    let posted = world.posts_of(topic).any(|post| actor.is(post.user_id));
    let mut value = nothing();
    if posted {
        set(&mut value, "posted", json!(true));
    }
    let last = world.posts_of(topic).filter(|post| post.is_live()).last();
    set(
        &mut value,
        "last_read_post_number",
        json!(last.map(|post| post.number)),
    );
    set(
        &mut value,
        "last_read_post_id",
        json!(last.map(|post| post.id)),
    );
    value
}

/// Authors with their number of posts, most first.
pub fn participants(world: &World, topic: &Topic) -> Vec<(i64, i64)> {
    let mut counts: BTreeMap<i64, i64> = BTreeMap::new();
    for post in world
        .posts_of(topic)
        .filter(|post| post.is_live() && post.kind == PostKind::Regular)
    {
        *counts.entry(post.user_id).or_insert(0) += 1;
    }
    let mut counts: Vec<(i64, i64)> = counts.into_iter().collect();
    counts.sort_by_key(|(id, posts)| (-posts, *id));
    counts
}

fn details(world: &World, topic: &Topic, actor: Actor) -> Value {
    let participants: Vec<Value> = participants(world, topic)
        .into_iter()
        .filter_map(|(id, posts)| {
            world
                .users
                .get(&id)
                .map(|user| user::participant(world, user, posts))
        })
        .collect();
    let watching = actor.is(topic.user_id) || world.posts_of(topic).any(|p| actor.is(p.user_id));
    let mut value = json!({
        "can_edit": world.can_edit_topic(actor, topic),
        "notification_level": if watching { 3 } else { 1 },
        "participants": participants,
        "created_by": user::basic(world, topic.user_id),
        "last_poster": user::basic(world, topic.last_post_user_id),
    });
    for (name, allowed) in rights(world, topic, actor) {
        if allowed {
            set(&mut value, name, json!(true));
        }
    }
    if let Some(id) = actor.id.filter(|_| actor.staff || actor.is(topic.user_id)) {
        set(&mut value, "can_remove_self_id", json!(id));
        if actor.is(topic.user_id) {
            set(&mut value, "notifications_reason_id", json!(1));
        }
    }
    if topic.is_private {
        let users: Vec<Value> = topic
            .allowed_users
            .iter()
            .map(|id| user::basic(world, *id))
            .collect();
        let groups: Vec<Value> = topic
            .allowed_groups
            .iter()
            .filter_map(|id| world.groups.get(id))
            .map(|group| super::group::basic(world, group))
            .collect();
        set(&mut value, "allowed_users", json!(users));
        set(&mut value, "allowed_groups", json!(groups));
    }
    value
}

fn rights(world: &World, topic: &Topic, actor: Actor) -> Vec<(&'static str, bool)> {
    let user = actor.id.is_some();
    let leader = actor.staff || actor.trust_level >= 4;
    let restricted = topic
        .category_id
        .and_then(|id| world.categories.get(&id))
        .is_some_and(super::super::state::category::Category::is_restricted);
    let deleted = topic.deleted_at.is_some();
    let invites = actor.staff || (user && !restricted);
    let mut list = vec![
        ("can_move_posts", leader),
        ("can_delete", World::can_delete_topic(actor, topic)),
        ("can_recover", actor.staff && deleted),
        (
            "can_remove_allowed_users",
            actor.staff || actor.is(topic.user_id),
        ),
        ("can_invite_to", invites),
        ("can_invite_via_email", invites),
        ("can_create_post", world.can_reply(actor, topic)),
        ("can_reply_as_new_topic", user),
        ("can_flag_topic", user),
        ("can_convert_topic", actor.staff && !deleted && !restricted),
        ("can_review_topic", actor.staff),
        ("can_close_topic", leader),
        ("can_archive_topic", leader),
        ("can_split_merge_topic", leader),
        ("can_edit_staff_notes", leader),
        ("can_toggle_topic_visibility", leader),
        ("can_pin_unpin_topic", leader),
        ("can_moderate_category", leader),
    ];
    if world.switches.newer_fields {
        list.push(("can_banner_topic", leader));
    }
    list
}

/// `{id, title, fancy_title, slug, posts_count}` of `PUT /t/-/{id}`.
pub fn basic(topic: &Topic) -> Value {
    json!({
        "id": topic.id, "title": topic.title, "fancy_title": fancy(&topic.title),
        "slug": topic.slug, "posts_count": topic.posts_count,
    })
}
