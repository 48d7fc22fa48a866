//! The admin API: the same nouns and verbs as the command line, behind a bearer token.

use axum::extract::{Path, Query, Request, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use model::{EntityId, Kind, Status};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{ConflictFilter, EntityFilter, OperationFilter};

use crate::change::{self, ChangeError, Edit, Take};
use crate::json::{conflict_json, entity_json, operation_json};
use crate::state::State;

const PAGE_MAX: usize = 1_000;

type Answer = Result<Json<Value>, (StatusCode, Json<Value>)>;

pub(crate) fn router(state: State) -> Router<State> {
    Router::new()
        .route("/entities", get(entities))
        .route("/entities/{id}", get(entity).patch(edit))
        .route("/conflicts", get(conflicts))
        .route("/conflicts/{id}", get(conflict))
        .route("/conflicts/{id}/resolve", post(resolve))
        .route("/operations", get(operations))
        .layer(middleware::from_fn_with_state(state, guard))
}

/// Whether the request carries the configured token.
pub(crate) fn is_allowed(state: &State, headers: &HeaderMap) -> bool {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    state
        .token
        .as_deref()
        .is_some_and(|token| same(token.as_bytes(), given.as_bytes()))
}

/// Compares in a time that tells nothing about where they differ.
fn same(left: &[u8], right: &[u8]) -> bool {
    let differences = left
        .iter()
        .zip(right)
        .fold(0, |seen, (left, right)| seen | (left ^ right));
    left.len() == right.len() && differences == 0
}

async fn guard(
    Shared(state): Shared<State>,
    request: Request,
    next: Next,
) -> Result<Response, (StatusCode, Json<Value>)> {
    if is_allowed(&state, request.headers()) {
        return Ok(next.run(request).await);
    }
    Err(refusal(
        StatusCode::UNAUTHORIZED,
        "Send `Authorization: Bearer TOKEN` with the configured web.token.",
    ))
}

fn refusal(status: StatusCode, text: &str) -> (StatusCode, Json<Value>) {
    (status, Json(json!({ "error": text })))
}

fn failed(error: &ChangeError) -> (StatusCode, Json<Value>) {
    let status = match error {
        ChangeError::NotFound(_) => StatusCode::NOT_FOUND,
        ChangeError::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
        ChangeError::Store(store::Error::Stale { .. }) => StatusCode::CONFLICT,
        ChangeError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    refusal(status, &error.to_string())
}

fn stored(error: store::Error) -> (StatusCode, Json<Value>) {
    failed(&ChangeError::Store(error))
}

#[derive(Deserialize)]
struct EntityQuery {
    kind: Option<String>,
    status: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

async fn entities(Shared(state): Shared<State>, Query(query): Query<EntityQuery>) -> Answer {
    let filter = EntityFilter {
        kind: query.kind.as_deref().and_then(Kind::parse),
        status: query.status.as_deref().and_then(Status::parse),
        after: query.after.map(EntityId),
        limit: query.limit.unwrap_or(100).min(PAGE_MAX),
        ..EntityFilter::default()
    };
    let found = state.store.entities(&filter).await.map_err(stored)?;
    Ok(Json(
        json!({ "entities": found.iter().map(entity_json).collect::<Vec<_>>() }),
    ))
}

async fn entity(Shared(state): Shared<State>, Path(id): Path<String>) -> Answer {
    match state.store.entity(&EntityId(id)).await.map_err(stored)? {
        Some(entity) => Ok(Json(entity_json(&entity))),
        None => Err(refusal(StatusCode::NOT_FOUND, "There is no such entity.")),
    }
}

async fn edit(
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    Json(body): Json<Edit>,
) -> Answer {
    let entity = change::edit(&state.store, state.stamp.as_ref(), &EntityId(id), body)
        .await
        .map_err(|error| failed(&error))?;
    Ok(Json(entity_json(&entity)))
}

async fn conflicts(Shared(state): Shared<State>) -> Answer {
    let filter = ConflictFilter {
        limit: PAGE_MAX,
        ..ConflictFilter::default()
    };
    let found = state.store.conflicts(&filter).await.map_err(stored)?;
    let list: Vec<Value> = found
        .iter()
        .map(|conflict| conflict_json(conflict, false))
        .collect();
    Ok(Json(json!({ "conflicts": list })))
}

async fn conflict(Shared(state): Shared<State>, Path(id): Path<String>) -> Answer {
    match state.store.conflict(&id).await.map_err(stored)? {
        Some(conflict) => Ok(Json(conflict_json(&conflict, true))),
        None => Err(refusal(StatusCode::NOT_FOUND, "There is no such conflict.")),
    }
}

#[derive(Deserialize)]
struct Decision {
    take: Take,
}

async fn resolve(
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    Json(decision): Json<Decision>,
) -> Answer {
    let who = (decision.take, "api");
    let conflict = change::decide(&state.store, state.stamp.as_ref(), &id, who)
        .await
        .map_err(|error| failed(&error))?;
    Ok(Json(conflict_json(&conflict, true)))
}

async fn operations(Shared(state): Shared<State>) -> Answer {
    let filter = OperationFilter {
        limit: PAGE_MAX,
        ..OperationFilter::default()
    };
    let found = state.store.operations(&filter).await.map_err(stored)?;
    Ok(Json(
        json!({ "operations": found.iter().map(operation_json).collect::<Vec<_>>() }),
    ))
}
