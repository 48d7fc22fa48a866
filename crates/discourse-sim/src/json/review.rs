//! The review queue (recording 782).

use serde_json::{Value, json};

use super::{extend, nothing, set};
use crate::clock::iso;
use crate::json::user;
use crate::state::World;
use crate::state::review::{QueuedPost, ReviewStatus};

/// One reviewable.
pub fn reviewable(world: &World, row: &QueuedPost) -> Value {
    let mut payload = json!({ "raw": row.raw, "is_poll": false, "tags": null });
    if let Some(title) = &row.title {
        set(&mut payload, "title", json!(title));
    }
    if !row.tags.is_empty() {
        set(&mut payload, "tags", json!(row.tags));
    }
    let pending = row.status == ReviewStatus::Pending;
    let actions = if pending {
        json!(["approve_post", "reject_post", "delete"])
    } else {
        json!([])
    };
    let mut value = json!({
        "id": row.id, "type": "ReviewableQueuedPost", "topic_id": row.topic_id,
        "category_id": row.category_id, "created_at": iso(row.created_at), "can_edit": pending,
        "score": 6.0, "version": row.version, "target_created_by_trust_level": null,
        "status": row.status.number(), "payload": payload, "created_by_id": row.user_id,
        "target_created_by_id": null, "editable_fields": fields(row),
        "reviewable_score_ids": [row.id], "bundled_action_ids": actions, "claimed_by_id": null,
    });
    if let Some(topic) = row.topic_id.and_then(|id| world.topics.get(&id)) {
        let url = format!("{}{}", world.base_url, topic.path());
        extend(
            &mut value,
            json!({ "topic_url": url, "target_url": url, "topic_tags": super::tag::names(world, topic) }),
        );
    } else {
        set(&mut value, "removed_topic_id", Value::Null);
    }
    value
}

fn fields(row: &QueuedPost) -> Value {
    if row.topic_id.is_some() {
        return json!([{ "id": "payload.raw", "type": "editor" }]);
    }
    json!([
        { "id": "category_id", "type": "category" },
        { "id": "payload.title", "type": "text" },
        { "id": "payload.raw", "type": "editor" },
        { "id": "payload.tags", "type": "tags" },
    ])
}

/// `GET /review`.
pub fn queue(world: &World, status: &str) -> Value {
    let rows: Vec<&QueuedPost> = world
        .queue
        .values()
        .rev()
        .filter(|row| status == "all" || row.status.word() == status)
        .collect();
    let users: Vec<Value> = rows
        .iter()
        .map(|row| user::basic(world, row.user_id))
        .collect();
    let topics: Vec<Value> = rows
        .iter()
        .filter_map(|row| row.topic_id.and_then(|id| world.topics.get(&id)))
        .map(|topic| topic_row(world, topic))
        .collect();
    let scores: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "id": row.id, "score": 6.0,
                "agree_stats": { "agreed": 0, "disagreed": 0, "ignored": 0 },
                "reason": "Posts in this category require manual approval by staff.",
                "created_at": iso(row.created_at), "reviewed_at": null, "status": 0, "user_id": -1,
                "score_type_id": 9, "reviewable_conversation_id": null, "reviewed_by_id": null,
            })
        })
        .collect();
    let list: Vec<Value> = rows.iter().map(|row| reviewable(world, row)).collect();
    let pending = pending(world);
    json!({
        "reviewables": list,
        "meta": {
            "ids": null, "status": status, "category_id": null, "topic_id": null,
            "additional_filters": {}, "priority": null, "username": null, "reviewed_by": null,
            "from_date": null, "to_date": null, "type": "ReviewableQueuedPost", "sort_order": null,
            "total_rows_reviewables": rows.len(),
            "types": { "created_by": "user", "target_created_by": "user", "reviewed_by": "user", "claimed_by": "user" },
            "reviewable_types": ["ReviewableFlaggedPost", "ReviewableQueuedPost", "ReviewableUser", "ReviewablePost"],
            "reviewable_count": pending, "unseen_reviewable_count": pending,
        },
        "users": users, "topics": topics, "reviewable_scores": scores, "score_types": [],
        "bundled_actions": [], "actions": [], "reviewable_conversations": [], "__rest_serializer": "1",
    })
}

/// A topic of the queue: the list form without what lists add.
fn topic_row(world: &World, topic: &crate::state::topic::Topic) -> Value {
    let mut value = super::list::item(world, topic, crate::auth::Actor::ANONYMOUS);
    super::remove(
        &mut value,
        &[
            "posters",
            "views",
            "like_count",
            "has_summary",
            "last_poster_username",
            "pinned_globally",
            "featured_link",
            "tags",
            "tags_descriptions",
            "category_id",
        ],
    );
    value
}

/// How many wait.
pub fn pending(world: &World) -> usize {
    world
        .queue
        .values()
        .filter(|row| row.status == ReviewStatus::Pending)
        .count()
}

/// The answer of a decision.
pub fn performed(world: &World, row: &QueuedPost, post_id: Option<i64>) -> Value {
    let mut result = nothing();
    let waiting = pending(world);
    extend(
        &mut result,
        json!({
            "success": true, "transition_to": row.status.word(),
            "transition_to_id": row.status.number(), "remove_reviewable_ids": [row.id],
            "version": row.version, "reviewable_count": waiting, "unseen_reviewable_count": waiting,
        }),
    );
    if let Some(id) = post_id {
        set(&mut result, "created_post_id", json!(id));
        let topic = world.posts.get(&id).map(|post| post.topic_id);
        set(&mut result, "created_post_topic_id", json!(topic));
    }
    json!({ "reviewable_perform_result": result })
}
