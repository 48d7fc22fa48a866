//! The review queue (contract section 1.18).

use serde_json::json;

use super::{Call, Route};
use crate::act::approve;
use crate::answer::{Answer, Outcome};
use crate::clock::iso;
use crate::json::review;
use crate::state::review::ReviewStatus;

pub const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        template: "/review",
        run: queue,
    },
    Route {
        method: "GET",
        template: "/review/{id}",
        run: show,
    },
    Route {
        method: "PUT",
        template: "/review/{id}/perform/{action}",
        run: perform,
    },
    Route {
        method: "GET",
        template: "/posts/{username}/pending",
        run: pending,
    },
];

fn queue(call: &mut Call<'_>) -> Outcome {
    if !call.actor.staff {
        return Err(Answer::not_found());
    }
    let status = call
        .params
        .text("status")
        .unwrap_or_else(|| "pending".to_owned());
    Ok(Answer::json(review::queue(call.world, &status)))
}

fn show(call: &mut Call<'_>) -> Outcome {
    if !call.actor.staff {
        return Err(Answer::not_found());
    }
    let row = call
        .world
        .queue
        .get(&call.id(0)?)
        .ok_or_else(Answer::not_found)?;
    Ok(Answer::json(
        json!({ "reviewable": review::reviewable(call.world, row) }),
    ))
}

fn perform(call: &mut Call<'_>) -> Outcome {
    let id = call.id(0)?;
    let action = call.var(1).to_owned();
    let version = call
        .params
        .int("version")
        .ok_or_else(|| Answer::missing_parameter("version"))?;
    let decision = approve::decide(call.world, call.actor, id, &action, version)?;
    let row = call.world.queue.get(&id).ok_or_else(Answer::not_found)?;
    Ok(Answer::json(review::performed(
        call.world,
        row,
        decision.post_id,
    )))
}

/// The queued posts of one user, for the user and for staff.
fn pending(call: &mut Call<'_>) -> Outcome {
    let owner = call.world.user_by_name(call.var(0)).map(|user| user.id);
    let owner = owner.ok_or_else(Answer::not_found)?;
    if !(call.actor.staff || call.actor.is(owner)) {
        return Err(Answer::not_found());
    }
    let list: Vec<_> = call
        .world
        .queue
        .values()
        .filter(|row| row.user_id == owner && row.status == ReviewStatus::Pending)
        .map(|row| {
            json!({
                "id": row.id, "raw_text": row.raw, "title": row.title, "topic_id": row.topic_id,
                "category_id": row.category_id, "created_at": iso(row.created_at),
            })
        })
        .collect();
    Ok(Answer::json(json!({ "pending_posts": list })))
}
