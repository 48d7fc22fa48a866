//! Matches: `GET /api/v1/matches` and what is said about them.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State as Shared};
use axum::{Extension, Json};
use model::EntityId;
use serde::Deserialize;
use serde_json::json;

use super::Answer;
use super::write::body;
use crate::access::Caller;
use crate::pairing::{self, Pick};
use crate::state::State;

#[derive(Deserialize)]
pub(super) struct Wanted {
    course: Option<EntityId>,
    state: Option<String>,
}

pub(super) async fn list(Shared(state): Shared<State>, Query(wanted): Query<Wanted>) -> Answer {
    super::named(wanted.state.as_deref(), "state", store::MatchState::parse)?;
    let mut rows = Vec::new();
    for found in pairing::matches(&state, wanted.course.as_ref()).await? {
        if wanted
            .state
            .as_ref()
            .is_none_or(|state| *state == found.state)
        {
            rows.push(pairing::match_json(&state, &found).await?);
        }
    }
    Ok(Json(json!({ "matches": rows })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Accept {
    canvas: Option<EntityId>,
    discourse: Option<EntityId>,
    #[serde(default)]
    reason: String,
}

pub(super) async fn accept(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    given: Result<Json<Accept>, JsonRejection>,
) -> Answer {
    let given = body(given)?;
    let pick = Pick {
        canvas: given.canvas,
        discourse: given.discourse,
    };
    let done = pairing::accept_match(&state, &caller, &id, (pick, &given.reason)).await?;
    Ok(Json(pairing::match_json(&state, &done).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reject {
    #[serde(default)]
    reason: String,
}

pub(super) async fn reject(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    given: Result<Json<Reject>, JsonRejection>,
) -> Answer {
    let given = body(given)?;
    let done = pairing::reject_match(&state, &caller, &id, &given.reason).await?;
    Ok(Json(pairing::match_json(&state, &done).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Undo {
    course: EntityId,
    #[serde(default)]
    reason: String,
}

pub(super) async fn undo(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    given: Result<Json<Undo>, JsonRejection>,
) -> Answer {
    let given = body(given)?;
    let undone = pairing::undo_matches(&state, &caller, &given.course, &given.reason).await?;
    Ok(Json(json!({ "course": given.course, "undone": undone })))
}
