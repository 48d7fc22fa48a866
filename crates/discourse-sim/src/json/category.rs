//! Categories (contract section 5.3).

use serde_json::{Value, json};

use super::{count, extend, remove, set};
use crate::act::category::delete_obstacle;
use crate::auth::Actor;
use crate::clock::DAY;
use crate::state::World;
use crate::state::category::Category;
use crate::text::strip_tags;

/// The fields of every form.
fn shared(world: &World, row: &Category) -> Value {
    let about = row.about_topic_id.and_then(|id| world.topics.get(&id));
    let children = world
        .categories
        .values()
        .filter(|other| other.parent_id == Some(row.id))
        .count();
    let mut value = json!({
        "id": row.id, "name": row.name, "color": row.color, "text_color": row.text_color,
        "slug": row.slug, "topic_count": row.topic_count, "post_count": row.post_count,
        "position": row.position, "description": row.description,
        "description_text": row.description.as_deref().map(strip_tags),
        "description_excerpt": row.description, "topic_url": about.map(super::super::state::topic::Topic::path),
        "read_restricted": row.is_restricted(), "topic_template": null,
        "sort_order": null, "sort_ascending": null, "show_subcategory_list": false,
        "num_featured_topics": 3, "default_view": null,
        "subcategory_list_style": "rows_with_featured_topics", "default_top_period": "all",
        "default_list_filter": "all", "minimum_required_tags": 0,
        "navigate_to_first_post_after_read": false, "uploaded_logo": null,
        "uploaded_logo_dark": null, "uploaded_background": null,
    });
    if let Some(parent) = row.parent_id {
        set(&mut value, "parent_category_id", json!(parent));
    }
    if world.switches.newer_fields {
        extend(
            &mut value,
            json!({
                "style_type": "square", "emoji": null, "icon": null,
                "subcategory_count": (children > 0).then_some(children),
                "uploaded_background_dark": null, "topic_title_placeholder": null,
            }),
        );
    }
    value
}

/// A category in `GET /categories`.
pub fn in_list(world: &World, row: &Category, actor: Actor) -> Value {
    let children: Vec<i64> = world
        .categories
        .values()
        .filter(|other| other.parent_id == Some(row.id) && world.can_see_category(actor, other.id))
        .map(|other| other.id)
        .collect();
    let made_since = |span: i64| {
        let since = world.now() - span;
        let topics = world.topics.values();
        count(
            topics
                .filter(|t| t.category_id == Some(row.id) && t.created_at >= since && !t.is_about)
                .count(),
        )
    };
    let mut value = shared(world, row);
    extend(
        &mut value,
        json!({
            "permission": world.permission(actor, row).map(super::super::state::category::Permission::number),
            "notification_level": 1, "can_edit": actor.staff, "has_children": !children.is_empty(),
            "topics_day": made_since(DAY), "topics_week": made_since(7 * DAY),
            "topics_month": made_since(30 * DAY), "topics_year": made_since(365 * DAY),
            "topics_all_time": row.topic_count, "subcategory_ids": children,
        }),
    );
    value
}

/// A category in `GET /site`.
pub fn in_site(world: &World, row: &Category, actor: Actor) -> Value {
    let mut value = in_list(world, row, actor);
    remove(
        &mut value,
        &[
            "subcategory_ids",
            "topics_all_time",
            "topics_day",
            "topics_month",
            "topics_week",
            "topics_year",
        ],
    );
    extend(
        &mut value,
        json!({ "allow_global_tags": false, "read_only_banner": null, "required_tag_groups": [] }),
    );
    value
}

/// The form of show, create and update. `written` marks the answers of writes.
pub fn full(world: &World, row: &Category, actor: Actor, written: bool) -> Value {
    let children = world
        .categories
        .values()
        .any(|other| other.parent_id == Some(row.id));
    let mut value = shared(world, row);
    let permission = world
        .permission(actor, row)
        .map(super::super::state::category::Permission::number);
    let newer = world.switches.newer_fields;
    let has_children = match (newer, written) {
        (true, _) => json!(children),
        // Recording 014: a text in the answers of writes of 3.1.
        (false, true) => json!("false"),
        (false, false) => Value::Null,
    };
    extend(
        &mut value,
        json!({
            "permission": if written { Value::Null } else { json!(permission) },
            "notification_level": 1, "can_edit": actor.staff, "has_children": has_children,
            "custom_fields": row.custom_fields, "allowed_tags": row.allowed_tags,
            "allowed_tag_groups": [], "allow_global_tags": false, "read_only_banner": null,
            "form_template_ids": [], "required_tag_groups": [],
        }),
    );
    if actor.staff {
        extend(&mut value, staff_part(world, row));
        match delete_obstacle(world, row.id) {
            Some(reason) => set(&mut value, "cannot_delete_reason", json!(reason)),
            None => set(&mut value, "can_delete", json!(true)),
        }
        let names: Vec<&String> = world.groups.values().map(|group| &group.name).collect();
        set(&mut value, "available_groups", json!(names));
        if written || newer {
            set(&mut value, "category_setting", settings(world, row));
        }
    }
    if newer {
        extend(
            &mut value,
            json!({
                "topic_posting_review_group_ids": [], "reply_posting_review_group_ids": [],
                "category_localizations": [], "locale": null,
            }),
        );
    }
    value
}

fn settings(world: &World, row: &Category) -> Value {
    let flag = |value: bool| {
        if row.approval_set {
            json!(value)
        } else {
            Value::Null
        }
    };
    let mut value = json!({
        "auto_bump_cooldown_days": 1, "num_auto_bump_daily": null,
        "require_reply_approval": flag(row.require_reply_approval),
        "require_topic_approval": flag(row.require_topic_approval),
    });
    if world.switches.newer_fields {
        set(&mut value, "nested_replies_default", Value::Null);
    }
    value
}

/// What only people with edit rights see.
fn staff_part(world: &World, row: &Category) -> Value {
    let everyone = [(
        crate::state::category::EVERYONE,
        crate::state::category::Permission::Full,
    )];
    let rows = if row.permissions.is_empty() {
        &everyone[..]
    } else {
        &row.permissions
    };
    let permissions: Vec<Value> = rows
        .iter()
        .filter_map(|(id, permission)| {
            let group = world.groups.get(id)?;
            let mut value =
                json!({ "permission_type": permission.number(), "group_name": group.name });
            if world.switches.newer_fields {
                set(&mut value, "group_id", json!(group.id));
            }
            Some(value)
        })
        .collect();
    json!({
        "auto_close_hours": null, "auto_close_based_on_last_post": false,
        "group_permissions": permissions, "email_in": null, "email_in_allow_strangers": false,
        "mailinglist_mirror": false, "all_topics_wiki": row.all_topics_wiki,
        "allow_unlimited_owner_edits_on_first_post": false, "allow_badges": true,
        "topic_featured_link_allowed": true, "search_priority": 0,
        "default_slow_mode_seconds": null,
    })
}

/// The payload of category events, as the system user sees the category.
pub fn payload(world: &World, row: &Category) -> Value {
    let system = Actor {
        id: Some(-1),
        admin: true,
        staff: true,
        trust_level: 4,
        is_api: false,
    };
    let mut value = full(world, row, system, true);
    remove(
        &mut value,
        &["notification_level", "can_edit", "available_groups"],
    );
    if world.switches.newer_fields {
        remove(
            &mut value,
            &[
                "topic_posting_review_group_ids",
                "reply_posting_review_group_ids",
                "locale",
                "topic_title_placeholder",
            ],
        );
    } else {
        set(&mut value, "has_children", Value::Null);
    }
    value
}
