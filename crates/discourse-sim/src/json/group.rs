//! Groups and member lists (contract sections 5.4 and 8.2).

use serde_json::{Value, json};

use super::{extend, remove, set, time};
use crate::auth::Actor;
use crate::clock::iso;
use crate::state::World;
use crate::state::group::Group;

/// How many members a group has.
pub fn size(world: &World, group: &Group) -> usize {
    if group.automatic {
        world
            .users
            .values()
            .filter(|user| user.id > 0 && group.has(user))
            .count()
    } else {
        group.members.len()
    }
}

/// The fields of every form.
pub fn basic(world: &World, group: &Group) -> Value {
    json!({
        "id": group.id, "automatic": group.automatic, "name": group.name,
        "user_count": size(world, group), "mentionable_level": group.mentionable_level,
        "messageable_level": group.messageable_level, "visibility_level": group.visibility_level,
        "primary_group": false, "title": group.title, "grant_trust_level": null,
        "incoming_email": null, "has_messages": false, "flair_url": null, "flair_bg_color": null,
        "flair_color": null, "bio_raw": group.bio,
        "bio_cooked": group.bio.as_ref().map(|bio| format!("<p>{}</p>", crate::text::escape(bio))),
        "bio_excerpt": group.bio, "public_admission": group.public_admission,
        "public_exit": group.public_exit,
        "allow_membership_requests": group.allow_membership_requests, "full_name": group.full_name,
        "default_notification_level": 3, "membership_request_template": null,
        "members_visibility_level": group.members_visibility_level, "can_see_members": true,
        "can_admin_group": true, "publish_read_state": false,
    })
}

/// The form inside a user.
pub fn of_user(world: &World, group: &Group) -> Value {
    let mut value = basic(world, group);
    if group.automatic {
        set(&mut value, "display_name", json!(group.name));
    }
    if world.switches.newer_fields {
        set(&mut value, "display_name", json!(group.name));
    } else if !group.automatic {
        set(&mut value, "can_edit_group", json!(true));
    }
    value
}

/// `{basic_group}` of a create.
pub fn created(world: &World, group: &Group) -> Value {
    let mut value = basic(world, group);
    set(&mut value, "can_edit_group", json!(true));
    value
}

/// `GET /groups/{name}`.
pub fn show(world: &World, group: &Group, actor: Actor) -> Value {
    let member = actor
        .id
        .and_then(|id| world.users.get(&id))
        .is_some_and(|user| group.has(user));
    let owner = actor
        .id
        .is_some_and(|id| group.members.get(&id).is_some_and(|row| row.owner));
    let mut value = basic(world, group);
    extend(
        &mut value,
        json!({
            "is_group_user": member, "is_group_owner_display": owner, "mentionable": false,
            "messageable": false, "can_admin_group": actor.staff, "can_edit_group": actor.staff || owner,
            "can_see_members": can_see_members(world, group, actor),
        }),
    );
    if actor.staff {
        extend(&mut value, settings(world));
    }
    let names: Vec<&String> = world
        .groups
        .values()
        .filter(|row| is_visible(world, row, actor))
        .map(|row| &row.name)
        .collect();
    json!({ "group": value, "extras": { "visible_group_names": names } })
}

/// The settings that staff see.
fn settings(world: &World) -> Value {
    let mut value = json!({
        "automatic_membership_email_domains": null, "smtp_server": null, "smtp_port": null,
        "smtp_enabled": false, "smtp_updated_at": null, "smtp_updated_by": null,
        "email_username": null, "email_password": null, "email_from_alias": null,
        "message_count": 0, "allow_unknown_sender_topic_replies": false,
        "watching_category_ids": [], "tracking_category_ids": [],
        "watching_first_post_category_ids": [], "regular_category_ids": [],
        "muted_category_ids": [], "watching_tags": [], "watching_first_post_tags": [],
        "tracking_tags": [], "regular_tags": [], "muted_tags": [],
    });
    let more = if world.switches.newer_fields {
        json!({ "smtp_ssl_mode": null, "associated_group_ids": [] })
    } else {
        json!({
            "smtp_ssl": null, "imap_server": null, "imap_port": null, "imap_ssl": null,
            "imap_mailbox_name": "", "imap_mailboxes": [], "imap_enabled": false,
            "imap_updated_at": null, "imap_updated_by": null, "imap_last_error": null,
            "imap_old_emails": null, "imap_new_emails": null,
        })
    };
    extend(&mut value, more);
    value
}

/// Whether an actor may know of a group.
pub fn is_visible(world: &World, group: &Group, actor: Actor) -> bool {
    fits_level(world, group, actor, group.visibility_level)
}

/// Whether an actor may see who is in a group.
pub fn can_see_members(world: &World, group: &Group, actor: Actor) -> bool {
    fits_level(world, group, actor, group.members_visibility_level)
}

/// 0 public, 1 logged on, 2 members, 3 staff, 4 owners.
fn fits_level(world: &World, group: &Group, actor: Actor, level: i64) -> bool {
    let user = actor.id.and_then(|id| world.users.get(&id));
    let owner = actor
        .id
        .is_some_and(|id| group.members.get(&id).is_some_and(|row| row.owner));
    actor.admin
        || owner
        || match level {
            ..=0 => true,
            1 => user.is_some(),
            2 => user.is_some_and(|user| group.has(user)),
            3 => actor.staff,
            _ => false,
        }
}

/// A page of `GET /groups/{name}/members`, newest first unless `ascending`.
pub fn members(
    world: &World,
    group: &Group,
    limit: usize,
    offset: usize,
    ascending: bool,
) -> Value {
    let mut rows: Vec<(i64, i64, i64, bool)> = if group.automatic {
        world
            .users
            .values()
            .filter(|user| user.id > 0 && group.has(user))
            .map(|user| (user.created_at, user.id, user.id, false))
            .collect()
    } else {
        group
            .members
            .iter()
            .map(|(id, row)| (row.added_at, row.row_id, *id, row.owner))
            .collect()
    };
    rows.sort_unstable();
    if !ascending {
        rows.reverse();
    }
    let total = rows.len();
    let shape = |(added_at, _, id, _): &(i64, i64, i64, bool)| {
        world.users.get(id).map(|user| {
            let mut value = super::user::in_list(user);
            remove(&mut value, &["admin", "moderator"]);
            extend(
                &mut value,
                json!({
                    "title": user.title, "last_posted_at": time(user.last_posted_at),
                    "last_seen_at": null, "added_at": iso(*added_at), "timezone": null,
                }),
            );
            value
        })
    };
    let owners: Vec<Value> = rows
        .iter()
        .filter(|(_, _, _, owner)| *owner)
        .filter_map(shape)
        .collect();
    let page: Vec<Value> = rows
        .iter()
        .skip(offset)
        .take(limit)
        .filter_map(shape)
        .collect();
    json!({
        "members": page, "owners": owners,
        "meta": { "total": total, "limit": limit, "offset": offset },
    })
}
