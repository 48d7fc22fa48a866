//! Payloads of web hooks: objects as the system user sees them (contract section 14.3).

use serde_json::{Value, json};

use super::{extend, remove, set};
use crate::auth::Actor;
use crate::json::post::Place;
use crate::state::World;
use crate::state::category::Category;
use crate::state::group::Group;
use crate::state::post::{Post, PostKind};
use crate::state::topic::Topic;
use crate::state::user::User;

const SYSTEM: Actor = Actor {
    id: Some(crate::state::SYSTEM),
    admin: true,
    staff: true,
    trust_level: 4,
    is_api: false,
};

/// A post: raw always, nothing that depends on the reader, and what the topic adds.
pub fn post(world: &World, row: &Post) -> Value {
    let mut value = super::post::post(world, row, SYSTEM, Place::Single);
    remove(
        &mut value,
        &[
            "can_edit",
            "can_delete",
            "can_recover",
            "can_wiki",
            "can_see_hidden_post",
            "actions_summary",
            "yours",
            "can_view_edit_history",
            "readers_count",
            "flair_url",
            "flair_bg_color",
            "flair_color",
            "badges_granted",
            "locked",
        ],
    );
    set(&mut value, "reviewable_id", Value::Null);
    let Some(topic) = world.topics.get(&row.topic_id) else {
        return value;
    };
    let regular = world
        .posts_of(topic)
        .filter(|post| post.is_live() && post.kind != PostKind::SmallAction)
        .count();
    extend(
        &mut value,
        json!({
            "topic_title": topic.title, "category_id": topic.category_id,
            "topic_posts_count": topic.posts_count, "topic_filtered_posts_count": regular,
            "topic_archetype": if topic.is_private { "private_message" } else { "regular" },
        }),
    );
    let category = topic.category_id.and_then(|id| world.categories.get(&id));
    if let Some(category) = category {
        set(&mut value, "category_slug", json!(category.slug));
    }
    value
}

/// A topic without stream, details and drafts.
pub fn topic(world: &World, row: &Topic) -> Value {
    let mut value = super::topic::shared(world, row);
    let deleted = world
        .posts_of(row)
        .any(|post| post.deleted_at.is_some() && !post.is_first());
    extend(
        &mut value,
        json!({
            "tags": super::tag::names(world, row), "has_deleted": deleted,
            "created_by": super::user::basic(world, row.user_id),
            "last_poster": super::user::basic(world, row.last_post_user_id),
        }),
    );
    if world.switches.newer_fields {
        extend(
            &mut value,
            json!({ "queued_posts_count": 0, "pending_posts": [] }),
        );
    }
    value
}

/// A user, with address and external id.
pub fn user(world: &World, row: &User) -> Value {
    let mut value = super::user::profile(world, row);
    remove(&mut value, &["group_users"]);
    extend(
        &mut value,
        json!({ "email": row.email, "secondary_emails": [] }),
    );
    if world.switches.newer_fields {
        extend(
            &mut value,
            json!({ "can_ignore_users": true, "can_mute_users": true }),
        );
    }
    if let Some(record) = &row.sso {
        set(&mut value, "external_id", json!(record.external_id));
    }
    value
}

/// A group.
pub fn group(world: &World, row: &Group) -> Value {
    let mut value = super::group::basic(world, row);
    if world.switches.newer_fields {
        set(&mut value, "display_name", json!(row.name));
    } else {
        set(&mut value, "can_edit_group", json!(true));
    }
    value
}

/// A category.
pub fn category(world: &World, row: &Category) -> Value {
    super::category::payload(world, row)
}
