//! Categories (contract section 8.1).
#![expect(clippy::unnecessary_wraps, reason = "endpoints have one signature")]

use serde_json::{Value, json};

use super::{Call, Route};
use crate::act::category as act;
use crate::answer::{Answer, Outcome};
use crate::json::category;
use crate::state::category::Category;

pub const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        template: "/categories",
        run: all,
    },
    Route {
        method: "POST",
        template: "/categories",
        run: create,
    },
    Route {
        method: "PUT",
        template: "/categories/{id}",
        run: update,
    },
    Route {
        method: "DELETE",
        template: "/categories/{id}",
        run: delete,
    },
    Route {
        method: "GET",
        template: "/c/{id}/show",
        run: show,
    },
    Route {
        method: "GET",
        template: "/c/{slug}/find_by_slug",
        run: show,
    },
];

fn all(call: &mut Call<'_>) -> Outcome {
    let nested = call.params.truthy("include_subcategories");
    let world = &*call.world;
    let parent = call.params.int("parent_category_id");
    let visible = |row: &&Category| world.can_see_category(call.actor, row.id);
    let rows: Vec<Value> = world
        .categories
        .values()
        .filter(visible)
        .filter(|row| match parent {
            Some(id) => row.parent_id == Some(id),
            None => row.parent_id.is_none(),
        })
        .map(|row| {
            let mut value = category::in_list(world, row, call.actor);
            if nested && let Some(fields) = value.as_object_mut() {
                let children: Vec<Value> = world
                    .categories
                    .values()
                    .filter(visible)
                    .filter(|child| child.parent_id == Some(row.id))
                    .map(|child| category::in_list(world, child, call.actor))
                    .collect();
                if !children.is_empty() {
                    fields.insert("subcategory_list".to_owned(), json!(children));
                }
            }
            value
        })
        .collect();
    Ok(Answer::json(json!({
        "category_list": {
            "can_create_category": call.actor.staff, "can_create_topic": call.actor.id.is_some(),
            "categories": rows,
        }
    })))
}

fn show(call: &mut Call<'_>) -> Outcome {
    let row = call
        .world
        .category_by_ref(call.var(0))
        .ok_or_else(Answer::not_found)?;
    if !call.world.can_see_category(call.actor, row.id) {
        return Err(Answer::forbidden());
    }
    Ok(Answer::json(
        json!({ "category": category::full(call.world, row, call.actor, false) }),
    ))
}

fn create(call: &mut Call<'_>) -> Outcome {
    call.actor.id.ok_or_else(Answer::bad_csrf)?;
    if call.params.text("name").is_none() {
        return Err(Answer::missing_parameter("name"));
    }
    let id = act::create(call.world, call.actor, call.params.all())?;
    let row = call
        .world
        .categories
        .get(&id)
        .ok_or_else(Answer::not_found)?;
    Ok(Answer::json(
        json!({ "category": category::full(call.world, row, call.actor, true) }),
    ))
}

fn update(call: &mut Call<'_>) -> Outcome {
    let id = call
        .world
        .category_by_ref(call.var(0))
        .map(|row| row.id)
        .ok_or_else(Answer::not_found)?;
    act::update(call.world, call.actor, id, call.params.all())?;
    let row = call
        .world
        .categories
        .get(&id)
        .ok_or_else(Answer::not_found)?;
    let value = category::full(call.world, row, call.actor, true);
    Ok(Answer::json(json!({ "success": "OK", "category": value })))
}

fn delete(call: &mut Call<'_>) -> Outcome {
    let id = call
        .world
        .category_by_ref(call.var(0))
        .map(|row| row.id)
        .ok_or_else(Answer::not_found)?;
    act::destroy(call.world, call.actor, id)?;
    Ok(Answer::ok())
}
