//! Users in their several shapes (contract sections 5.4 and 8.3).

use serde_json::{Value, json};

use super::{extend, set, time};
use crate::auth::Actor;
use crate::clock::iso;
use crate::json::group;
use crate::state::World;
use crate::state::user::User;

/// `{id, username, name, avatar_template}`.
pub fn basic(world: &World, id: i64) -> Value {
    world.users.get(&id).map_or(Value::Null, basic_row)
}

/// The same of a row.
pub fn basic_row(user: &User) -> Value {
    json!({
        "id": user.id, "username": user.username, "name": user.name,
        "avatar_template": user.avatar_template(),
    })
}

/// The same with the title.
pub fn titled(user: &User) -> Value {
    let mut value = basic_row(user);
    set(&mut value, "title", json!(user.title));
    value
}

/// The short form in lists, with staff marks.
pub fn in_list(user: &User) -> Value {
    let mut value = basic_row(user);
    set(&mut value, "flair_name", Value::Null);
    set(&mut value, "trust_level", json!(user.trust_level));
    if user.admin {
        set(&mut value, "admin", json!(true));
    }
    if user.moderator {
        set(&mut value, "moderator", json!(true));
    }
    value
}

/// A participant of a topic.
pub fn participant(world: &World, user: &User, posts: i64) -> Value {
    let mut value = in_list(user);
    for name in [
        "primary_group_name",
        "flair_url",
        "flair_color",
        "flair_bg_color",
    ] {
        set(&mut value, name, Value::Null);
    }
    if world.switches.newer_fields {
        set(&mut value, "flair_group_id", Value::Null);
        set(&mut value, "admin", json!(user.admin));
        set(&mut value, "moderator", json!(user.moderator));
    }
    set(&mut value, "post_count", json!(posts));
    value
}

/// Automatic and other groups of a user, with ids.
pub fn groups(world: &World, user: &User) -> Value {
    world
        .groups
        .values()
        .filter(|row| row.id != crate::state::category::EVERYONE && row.has(user))
        .map(|row| group::of_user(world, row))
        .collect()
}

fn memberships(world: &World, user: &User) -> Value {
    world
        .groups
        .values()
        .filter(|row| row.id != crate::state::category::EVERYONE && row.has(user))
        .map(|row| json!({ "group_id": row.id, "user_id": user.id, "notification_level": 3 }))
        .collect()
}

fn schedule() -> Value {
    let mut value = json!({ "enabled": false });
    for day in 0..7 {
        set(&mut value, &format!("day_{day}_start_time"), json!(480));
        set(&mut value, &format!("day_{day}_end_time"), json!(1_020));
    }
    value
}

/// `GET /u/{name}` and the look-up by external id, without its root.
pub fn full(world: &World, user: &User, actor: Actor) -> Value {
    let own = actor.is(user.id);
    let manages = actor.staff || own;
    let mut value = profile(world, user);
    extend(
        &mut value,
        json!({
            "ignored": false,
            "can_ignore_user": !own,
            "can_mute_user": !own,
            "can_send_private_messages": actor.id.is_some(),
            "can_send_private_message_to_user": actor.id.is_some(),
            "can_edit": manages,
            "can_edit_username": manages,
            "can_edit_email": manages,
            "can_edit_name": manages,
            "uploaded_avatar_id": null,
            "has_title_badges": false,
            "pending_posts_count": 0,
            "can_be_deleted": actor.staff && !user.is_staff(),
            "can_delete_all_posts": actor.staff,
            "custom_fields": {},
            "system_avatar_upload_id": null,
            "can_change_bio": manages,
            "can_change_location": manages,
            "can_change_website": manages,
            "can_change_tracking_preferences": manages,
            "user_api_keys": null,
            "user_auth_tokens": [],
            "use_logo_small_as_avatar": false,
        }),
    );
    if let Some(bio) = &user.bio {
        set(&mut value, "bio_raw", json!(bio));
        set(
            &mut value,
            "bio_cooked",
            json!(format!("<p>{}</p>", crate::text::escape(bio))),
        );
    }
    if user.is_suspended(world.now()) {
        set(&mut value, "suspended_till", time(user.suspended_till));
        if actor.staff {
            set(&mut value, "suspend_reason", json!(user.suspend_reason));
        }
    }
    if world.switches.newer_fields {
        extend(&mut value, newer(user));
    }
    value
}

fn newer(user: &User) -> Value {
    json!({
        "can_ignore_users": true, "can_mute_users": true, "topic_count": user.topic_count,
        "user_passkeys": [], "sidebar_tags": [], "sidebar_category_ids": [],
        "display_sidebar_tags": true, "can_pick_theme_with_custom_homepage": false,
    })
}

/// Preferences that are lists, all empty.
fn empty_lists(value: &mut Value) {
    for name in [
        "muted_category_ids",
        "regular_category_ids",
        "watched_tags",
        "watching_first_post_tags",
        "tracked_tags",
        "muted_tags",
        "tracked_category_ids",
        "watched_category_ids",
        "watched_first_post_category_ids",
        "muted_usernames",
        "ignored_usernames",
        "allowed_pm_usernames",
        "featured_user_badge_ids",
    ] {
        set(value, name, json!([]));
    }
}

/// The part that web hooks show too.
pub fn profile(world: &World, user: &User) -> Value {
    let mut value = basic_row(user);
    extend(
        &mut value,
        json!({
            "last_posted_at": time(user.last_posted_at),
            "last_seen_at": null,
            "created_at": iso(user.created_at),
            "muted": false,
            "trust_level": user.trust_level,
            "moderator": user.moderator,
            "admin": user.admin,
            "title": user.title,
            "badge_count": 0,
            "time_read": 0,
            "recent_time_read": 0,
            "primary_group_id": null,
            "primary_group_name": null,
            "flair_group_id": null,
            "flair_name": null,
            "flair_url": null,
            "flair_bg_color": null,
            "flair_color": null,
            "featured_topic": null,
            "staged": user.staged,
            "pending_count": 0,
            "profile_view_count": 0,
            "second_factor_enabled": false,
            "can_upload_profile_header": true,
            "can_upload_user_card_background": true,
            "post_count": user.post_count,
            "locale": null,
        }),
    );
    empty_lists(&mut value);
    extend(
        &mut value,
        json!({
            "system_avatar_template": user.avatar_template(),
            "mailing_list_posts_per_day": 1,
            "user_notification_schedule": schedule(),
            "invited_by": null,
            "groups": groups(world, user),
            "group_users": memberships(world, user),
            "user_option": options(world, user),
        }),
    );
    if !world.switches.newer_fields {
        extend(
            &mut value,
            json!({
                "sidebar_tags": [], "sidebar_category_ids": [], "sidebar_list_destination": "default",
                "display_sidebar_tags": true, "can_chat_user": user.trust_level >= 1,
            }),
        );
    }
    value
}

/// Preferences, all at their defaults.
pub fn options(world: &World, user: &User) -> Value {
    let mut value = json!({
        "user_id": user.id, "mailing_list_mode": false, "mailing_list_mode_frequency": 1,
        "email_digests": true, "email_level": 1, "email_messages_level": 0,
        "external_links_in_new_tab": false, "color_scheme_id": null, "dark_scheme_id": null,
        "dynamic_favicon": false, "enable_quoting": true, "digest_after_minutes": 10_080,
        "automatically_unpin_topics": true, "auto_track_topics_after_msecs": 300_000,
        "notification_level_when_replying": 2, "new_topic_duration_minutes": 2_880,
        "email_previous_replies": 2, "email_in_reply_to": false, "like_notification_frequency": 1,
        "include_tl0_in_digests": false, "theme_ids": [1], "theme_key_seq": 0,
        "allow_private_messages": true, "enable_allowed_pm_users": false, "homepage_id": null,
        "hide_profile_and_presence": false, "text_size": "normal", "text_size_seq": 0,
        "title_count_mode": "notifications", "bookmark_auto_delete_preference": 3, "timezone": null,
        "skip_new_user_tips": false, "default_calendar": "none_selected",
        "oldest_search_log_date": null, "seen_popups": null,
    });
    let more = if world.switches.newer_fields {
        json!({
            "enable_smart_lists": true, "enable_markdown_monospace_font": true,
            "notify_on_linked_posts": true, "push_notification_level": "default",
            "enable_upcoming_change_available_notifications": true, "hide_profile": false,
            "hide_presence": false, "sidebar_link_to_filtered_list": false,
            "sidebar_show_count_of_new_items": false, "watched_precedence_over_muted": false,
            "topics_unread_when_closed": true, "composition_mode": 0, "interface_color_mode": 1,
            "automatically_translate": false, "understood_languages": [],
            "show_original_content": false, "send_shortcut": "meta_enter",
        })
    } else {
        json!({
            "enable_defer": false, "chat_enabled": true, "only_chat_push_notifications": null,
            "ignore_channel_wide_mention": null, "chat_email_frequency": "when_away",
            "chat_header_indicator_preference": "all_new",
        })
    };
    extend(&mut value, more);
    value
}

/// The row of `GET /admin/users/list/…`.
pub fn admin_row(world: &World, user: &User, with_email: bool) -> Value {
    let age_ms = u32::try_from((world.now() - user.created_at).max(0)).unwrap_or(u32::MAX);
    let mut value = basic_row(user);
    extend(
        &mut value,
        json!({
            "active": user.active, "admin": user.admin, "moderator": user.moderator,
            "last_seen_at": null, "last_emailed_at": null, "created_at": iso(user.created_at),
            "last_seen_age": null, "last_emailed_age": null,
            "created_at_age": f64::from(age_ms) / 1_000.0,
            "trust_level": user.trust_level, "manual_locked_trust_level": null, "title": user.title,
            "time_read": 0, "staged": user.staged, "days_visited": 0, "posts_read_count": 0,
            "topics_entered": 0, "post_count": user.post_count,
        }),
    );
    if !world.switches.newer_fields {
        set(&mut value, "flag_level", json!(0));
    }
    if with_email {
        set(&mut value, "email", json!(user.email));
        set(&mut value, "secondary_emails", json!([]));
    }
    value
}

/// `GET /admin/users/{id}` and the answer of `sync_sso`.
pub fn admin(world: &World, user: &User) -> Value {
    let mut value = admin_row(world, user, false);
    let given = world
        .posts
        .values()
        .flat_map(|post| &post.likes)
        .filter(|l| l.user_id == user.id);
    let received: usize = world
        .posts
        .values()
        .filter(|post| post.user_id == user.id)
        .map(|post| post.likes.len())
        .sum();
    let now = world.now();
    extend(
        &mut value,
        json!({
            "can_send_activation_email": true, "can_activate": !user.active,
            "can_deactivate": user.active && !user.admin, "ip_address": null,
            "registration_ip_address": null,
            "can_grant_admin": !user.admin, "can_revoke_admin": user.admin && user.id > 0,
            "can_grant_moderation": !user.moderator, "can_revoke_moderation": user.moderator,
            "can_impersonate": !user.admin, "like_count": received, "like_given_count": given.count(),
            "topic_count": user.topic_count, "post_edits_count": null, "flags_given_count": 0,
            "flags_received_count": 0, "private_topics_count": 0, "can_delete_all_posts": true,
            "can_be_deleted": !user.is_staff(), "can_be_anonymized": !user.is_staff(),
            "can_be_merged": !user.is_staff(), "full_suspend_reason": user.suspend_reason,
            "silence_reason": null, "penalty_counts": { "silenced": 0, "suspended": 0 },
            "next_penalty": iso(now + crate::clock::DAY), "primary_group_id": null, "badge_count": 0,
            "warnings_received_count": 0, "bounce_score": 0, "reset_bounce_score_after": null,
            "can_view_action_logs": true, "can_disable_second_factor": true,
            "can_delete_sso_record": true, "api_key_count": 0, "external_ids": {},
            "single_sign_on_record": sso(user), "approved_by": null, "suspended_by": null,
            "silenced_by": null, "groups": groups(world, user),
        }),
    );
    if user.is_suspended(now) {
        set(&mut value, "suspended_at", time(user.suspended_at));
        set(&mut value, "suspended_till", time(user.suspended_till));
        set(&mut value, "suspend_reason", json!(user.suspend_reason));
        set(&mut value, "suspended", json!(true));
    }
    if world.switches.newer_fields {
        extend(
            &mut value,
            json!({
                "associated_accounts": [], "can_change_trust_level": true, "include_ip": true,
                "similar_users_count": 0, "upcoming_changes_stats": [], "latest_export": null,
                "full_silence_reason": null, "ip_address": "127.0.0.1",
            }),
        );
    }
    value
}

fn sso(user: &User) -> Value {
    user.sso.as_ref().map_or(Value::Null, |record| {
        json!({
            "user_id": user.id, "external_id": record.external_id,
            "created_at": iso(record.created_at), "updated_at": iso(record.updated_at),
            "external_username": record.external_username, "external_name": record.external_name,
            "external_avatar_url": null, "external_profile_background_url": null,
            "external_card_background_url": null,
        })
    })
}

/// `GET /session/current`.
pub fn current(world: &World, user: &User) -> Value {
    let groups: Value = world
        .groups
        .values()
        .filter(|row| row.id != crate::state::category::EVERYONE && row.has(user))
        .map(|row| json!({ "id": row.id, "name": row.name, "has_messages": false }))
        .collect();
    let mut value = basic_row(user);
    extend(
        &mut value,
        json!({
            "unread_notifications": 0, "unread_private_messages": 0,
            "unread_high_priority_notifications": 0, "all_unread_notifications_count": 0,
            "read_first_notification": true, "admin": user.admin, "moderator": user.moderator,
            "staff": user.is_staff(), "title": user.title, "any_posts": user.post_count > 0,
            "trust_level": user.trust_level, "can_send_private_messages": true, "can_edit": true,
            "custom_fields": {}, "is_anonymous": false, "reviewable_count": world.queue.len(),
            "can_create_topic": true, "can_create_group": user.admin,
            "external_id": user.sso.as_ref().map(|record| record.external_id.clone()),
            "groups": groups, "second_factor_enabled": false, "ignored_users": [],
            "can_review": user.is_staff(), "draft_count": 0, "pending_posts_count": 0,
        }),
    );
    value
}
