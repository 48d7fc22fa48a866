//! Groups (contract section 8.2).
#![expect(clippy::unnecessary_wraps, reason = "endpoints have one signature")]

use serde_json::{Map, Value, json};

use super::{Call, Route};
use crate::act::group as act;
use crate::answer::{Answer, Outcome};
use crate::json::group;
use crate::state::group::Group;

pub const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        template: "/groups",
        run: all,
    },
    Route {
        method: "GET",
        template: "/groups/search",
        run: search,
    },
    Route {
        method: "GET",
        template: "/groups/by-id/{id}",
        run: by_id,
    },
    Route {
        method: "GET",
        template: "/groups/{name}",
        run: show,
    },
    Route {
        method: "GET",
        template: "/g/{name}",
        run: show,
    },
    Route {
        method: "GET",
        template: "/groups/{name}/members",
        run: members,
    },
    Route {
        method: "PUT",
        template: "/groups/{id}/members",
        run: add_members,
    },
    Route {
        method: "DELETE",
        template: "/groups/{id}/members",
        run: remove_members,
    },
    Route {
        method: "PUT",
        template: "/groups/{id}",
        run: update,
    },
    Route {
        method: "POST",
        template: "/admin/groups",
        run: create,
    },
    Route {
        method: "DELETE",
        template: "/admin/groups/{id}",
        run: delete,
    },
];

fn visible<'a>(call: &'a Call<'_>) -> Vec<&'a Group> {
    call.world
        .groups
        .values()
        .filter(|row| row.id != crate::state::category::EVERYONE)
        .filter(|row| group::is_visible(call.world, row, call.actor))
        .collect()
}

fn all(call: &mut Call<'_>) -> Outcome {
    let page = usize::try_from(call.params.int("page").unwrap_or(0)).unwrap_or(0);
    let rows = visible(call);
    let total = rows.len();
    let list: Vec<Value> = rows
        .into_iter()
        .skip(page.saturating_mul(36))
        .take(36)
        .map(|row| {
            let mut value = group::of_user(call.world, row);
            if let Some(fields) = value.as_object_mut() {
                fields.insert("can_admin_group".to_owned(), json!(call.actor.staff));
            }
            value
        })
        .collect();
    Ok(Answer::json(json!({
        "groups": list,
        "extras": { "type_filters": ["my", "owner", "public", "close", "automatic", "non_automatic"] },
        "total_rows_groups": total,
        "load_more_groups": format!("/groups?page={}", page.saturating_add(1)),
    })))
}

fn search(call: &mut Call<'_>) -> Outcome {
    call.actor.require()?;
    let term = call.params.text("term").unwrap_or_default().to_lowercase();
    let list: Vec<Value> = visible(call)
        .into_iter()
        .filter(|row| row.name.to_lowercase().contains(&term))
        .map(|row| group::basic(call.world, row))
        .collect();
    Ok(Answer::json(json!(list)))
}

fn found<'a>(call: &'a Call<'_>, row: Option<&'a Group>) -> Result<&'a Group, Answer> {
    let row = row.ok_or_else(Answer::not_found)?;
    if group::is_visible(call.world, row, call.actor) {
        Ok(row)
    } else {
        Err(Answer::not_found())
    }
}

fn show(call: &mut Call<'_>) -> Outcome {
    let row = found(call, call.world.group_by_name(call.var(0)))?;
    Ok(Answer::json(group::show(call.world, row, call.actor)))
}

fn by_id(call: &mut Call<'_>) -> Outcome {
    let row = found(call, call.world.groups.get(&call.id(0)?))?;
    Ok(Answer::json(group::show(call.world, row, call.actor)))
}

fn members(call: &mut Call<'_>) -> Outcome {
    let row = call
        .world
        .group_by_name(call.var(0))
        .ok_or_else(Answer::not_found)?;
    if !group::can_see_members(call.world, row, call.actor)
        || !group::is_visible(call.world, row, call.actor)
    {
        return Err(Answer::forbidden());
    }
    let limit = call.params.int("limit").unwrap_or(50);
    let offset = call.params.int("offset").unwrap_or(0);
    if !(1..=1_000).contains(&limit) {
        return Err(Answer::bad_parameter("limit"));
    }
    let offset = usize::try_from(offset).map_err(|_| Answer::bad_parameter("offset"))?;
    let limit = usize::try_from(limit).unwrap_or(50);
    let value = group::members(call.world, row, limit, offset, call.params.truthy("asc"));
    Ok(Answer::json(value))
}

fn add_members(call: &mut Call<'_>) -> Outcome {
    let id = call.id(0)?;
    let names = act::add_members(call.world, call.actor, id, call.params)?;
    Ok(Answer::json(
        json!({ "success": "OK", "usernames": names, "emails": [] }),
    ))
}

fn remove_members(call: &mut Call<'_>) -> Outcome {
    let id = call.id(0)?;
    let (removed, skipped) = act::remove_members(call.world, call.actor, id, call.params)?;
    Ok(Answer::json(
        json!({ "success": "OK", "usernames": removed, "skipped_usernames": skipped }),
    ))
}

/// The fields of a group, under `group` or bare (pydiscourse sends them bare).
fn fields(call: &Call<'_>) -> Map<String, Value> {
    call.params
        .object("group")
        .cloned()
        .unwrap_or_else(|| call.params.all().clone())
}

fn create(call: &mut Call<'_>) -> Outcome {
    let id = act::create(call.world, call.actor, &fields(call))?;
    let row = call.world.groups.get(&id).ok_or_else(Answer::not_found)?;
    Ok(Answer::json(
        json!({ "basic_group": group::created(call.world, row) }),
    ))
}

fn update(call: &mut Call<'_>) -> Outcome {
    let id = call.id(0)?;
    act::update(call.world, call.actor, id, &fields(call))?;
    Ok(Answer::ok())
}

fn delete(call: &mut Call<'_>) -> Outcome {
    let id = call.id(0)?;
    act::destroy(call.world, call.actor, id)?;
    Ok(Answer::ok())
}
