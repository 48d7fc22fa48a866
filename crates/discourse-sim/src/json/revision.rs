//! Revisions of posts (contract section 6.5).

use serde_json::{Value, json};

use super::set;
use crate::auth::Actor;
use crate::clock::iso;
use crate::state::World;
use crate::state::post::{Post, Revision};
use crate::text::diff;

/// One revision as the reader sees it.
pub fn revision(world: &World, post: &Post, row: &Revision, actor: Actor) -> Value {
    let number = row.number;
    let editor = world.users.get(&row.user_id);
    let last = post.version;
    let titles = row.title.as_ref().map(|(old, new)| {
        json!({ "inline": diff::inline(old, new), "side_by_side": diff::side_by_side(old, new) })
    });
    let owners = row.owner.map(|(old, new)| {
        json!({ "previous": super::user::basic(world, old), "current": super::user::basic(world, new) })
    });
    let mut value = json!({
        "created_at": iso(row.created_at), "post_id": post.id, "previous_hidden": false,
        "current_hidden": false, "first_revision": 2,
        "previous_revision": (number > 2).then_some(number - 1), "current_revision": number,
        "next_revision": (number < last).then_some(number + 1), "last_revision": last,
        "current_version": number, "version_count": last,
        "username": editor.map(|user| user.username.clone()),
        "display_username": editor.map(|user| user.username.clone()),
        "avatar_template": editor.map(super::super::state::user::User::avatar_template),
        "edit_reason": row.edit_reason,
        "body_changes": {
            "inline": diff::inline(&row.raw.0, &row.raw.1),
            "side_by_side": diff::side_by_side(&row.raw.0, &row.raw.1),
            "side_by_side_markdown": diff::markdown_table(&row.raw.0, &row.raw.1),
        },
        "title_changes": titles, "user_changes": owners, "wiki": post.wiki,
        "can_edit": world.can_edit_post(actor, post),
    });
    if let Some((old, new)) = &row.tags {
        set(
            &mut value,
            "tags_changes",
            json!({ "previous": old, "current": new }),
        );
    }
    if let Some((old, new)) = &row.category {
        set(
            &mut value,
            "category_id_changes",
            json!({ "previous": old, "current": new }),
        );
    }
    value
}
