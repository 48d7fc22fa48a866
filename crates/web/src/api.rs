//! The admin API: the same nouns and verbs as the pages and the command line.

pub(crate) mod openapi;
mod pairing;
mod recover;
pub(crate) mod repeat;
mod write;

use axum::extract::{Path, Query, State as Shared};
use axum::middleware;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use model::{EntityId, Kind, OperationId, Status};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::{Attempt, EntityFilter, ErrorGroup, Pause};

use crate::access::Caller;
use crate::json::{conflict_json, entity_json, history_json, operation_json};
use crate::page::{conflict, error as groups, history, message, queue};
use crate::problem::Problem;
use crate::roster;
use crate::state::State;
use crate::summary::Summary;

/// The most rows of an answer.
const PAGE_MAX: usize = 1_000;
/// The rows of an answer that asks for no number.
const PAGE: usize = 100;

pub(crate) type Answer = Result<Json<Value>, Problem>;

pub(crate) fn router(state: &State) -> Router<State> {
    Router::new()
        .route("/api/docs", get(openapi::docs))
        .route("/api/v1/openapi.json", get(openapi::file))
        .route("/api/v1/status", get(status))
        .route("/api/v1/entities", get(entities))
        .route("/api/v1/entities/{id}", get(entity).patch(write::edit))
        .route("/api/v1/entities/act", post(recover::act))
        .route("/api/v1/history", get(history))
        .route("/api/v1/conflicts", get(conflicts))
        .route("/api/v1/conflicts/{id}", get(conflict))
        .route("/api/v1/conflicts/{id}/resolve", post(write::resolve))
        .route("/api/v1/matches", get(pairing::list))
        .route("/api/v1/matches/undo", post(pairing::undo))
        .route("/api/v1/matches/{id}/accept", post(pairing::accept))
        .route("/api/v1/matches/{id}/reject", post(pairing::reject))
        .route("/api/v1/operations", get(operations))
        .route("/api/v1/operations/{id}", get(operation))
        .route("/api/v1/operations/act", post(write::act))
        .route("/api/v1/courses/{id}/roster", get(roster::show))
        .route("/api/v1/courses/{id}/roster/sync", post(roster::sync))
        .route("/api/v1/pauses", get(pauses).post(write::pause))
        .route("/api/v1/pauses/resume", post(write::resume))
        .route("/api/v1/errors", get(errors))
        .route("/api/v1/errors/note", post(write::note))
        .route("/api/v1/notifications", get(message::list_api))
        .route("/api/v1/notifications/test", post(message::test_api))
        .route("/api/v1/maintenance", get(maintenance))
        .route("/api/v1/maintenance/run", post(write::maintain))
        .route("/api/v1/maintenance/drift", get(drift))
        .route("/api/v1/audit", get(audit))
        .route("/api/v1/tokens", get(tokens).post(write::create_token))
        .route("/api/v1/tokens/{id}/revoke", post(write::revoke_token))
        .route("/api/v1/users", get(users))
        .route_layer(middleware::from_fn_with_state(state.clone(), repeat::once))
}

async fn maintenance(Shared(state): Shared<State>) -> Answer {
    let mut jobs = Vec::new();
    for job in store::Job::ALL.iter().copied() {
        let last = state.store.maintenance_report(job, false).await?;
        let preview = state.store.maintenance_report(job, true).await?;
        let next = job.next(last.as_ref());
        jobs.push(json!({
            "job": job.as_str(), "about": job.about(), "next_ms": next, "last": last, "preview": preview,
        }));
    }
    Ok(Json(json!({ "jobs": jobs })))
}

async fn drift(Shared(state): Shared<State>) -> Answer {
    Ok(Json(json!({ "courses": state.store.drifts().await? })))
}

fn limit(asked: Option<usize>) -> usize {
    asked.unwrap_or(PAGE).clamp(1, PAGE_MAX)
}

/// A list with the cursor of its next page; `null` at the end.
fn page(name: &str, rows: Vec<Value>, limit: usize, cursor: Option<String>) -> Json<Value> {
    let next = cursor.filter(|_| rows.len() == limit);
    let mut page = Map::new();
    page.insert(name.to_owned(), Value::Array(rows));
    page.insert("next".to_owned(), next.map_or(Value::Null, Value::String));
    Json(Value::Object(page))
}

async fn status(Shared(state): Shared<State>, Extension(caller): Extension<Caller>) -> Answer {
    let summary = Summary::read(&state, &caller).await?;
    let (verdict, why) = summary.verdict();
    let courses: Vec<Value> = summary.courses.iter().map(|course| {
        let count = |status| course.count(status);
        json!({
            "id": course.id, "name": course.name, "verdict": course.verdict(), "in_sync": count(Status::InSync),
            "pending": count(Status::Pending), "held": count(Status::Held), "failed": count(Status::Failed),
            "open_conflicts": course.open_conflicts, "waiting": course.queued(), "lag_ms": course.lag_ms(summary.at),
        })
    }).collect();
    let is_limited = caller.limit().is_some();
    let overall = (!is_limited).then(|| json!({ "verdict": verdict, "why": why }));
    Ok(Json(
        json!({ "overall": overall, "courses": courses, "at_ms": summary.at }),
    ))
}

#[derive(Deserialize)]
struct EntityQuery {
    kind: Option<String>,
    status: Option<String>,
    course: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

fn named<T>(
    text: Option<&str>,
    what: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    match text {
        None => Ok(None),
        Some(text) => parse(text)
            .map(Some)
            .ok_or_else(|| Problem::invalid(&format!("There is no {what} `{text}`."))),
    }
}

async fn entities(Shared(state): Shared<State>, Query(query): Query<EntityQuery>) -> Answer {
    let limit = limit(query.limit);
    let filter = EntityFilter {
        kind: named(query.kind.as_deref(), "kind", Kind::parse)?,
        status: named(query.status.as_deref(), "status", Status::parse)?,
        course: query.course.map(EntityId),
        after: query.after.map(EntityId),
        limit,
    };
    let found = state.store.entities(&filter).await?;
    let next = found.last().map(|entity| entity.id.to_string());
    Ok(page(
        "entities",
        found.iter().map(entity_json).collect(),
        limit,
        next,
    ))
}

async fn entity(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer {
    let found = state.store.entity(&EntityId(id)).await?;
    found
        .filter(|entity| caller.may_see(&entity.course))
        .map(|entity| Json(entity_json(&entity)))
        .ok_or_else(|| Problem::not_found("entity"))
}

#[derive(Deserialize)]
struct HistoryQuery {
    course: Option<String>,
    entity: Option<String>,
    thread: Option<String>,
    action: Option<String>,
    system: Option<String>,
    result: Option<String>,
    from_ms: Option<i64>,
    until_ms: Option<i64>,
    before: Option<String>,
    limit: Option<usize>,
}

async fn history(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<HistoryQuery>,
) -> Answer {
    let limit = limit(query.limit);
    let filter = history::Filter {
        course: query.course,
        entity: query.entity,
        thread: query.thread,
        action: query.action,
        system: query.system,
        result: query.result,
        from: query.from_ms,
        until: query.until_ms,
        before: query.before,
        format: None,
    };
    let search = filter
        .search(&caller, limit)
        .ok_or_else(|| Problem::not_found("course"))?;
    let found = state.store.search_history(&search).await?;
    let next = found.last().map(|entry| entry.id.clone());
    Ok(page(
        "history",
        found.iter().map(history_json).collect(),
        limit,
        next,
    ))
}

#[derive(Deserialize)]
struct ConflictQuery {
    state: Option<String>,
    course: Option<String>,
    before: Option<String>,
    limit: Option<usize>,
}

async fn conflicts(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<ConflictQuery>,
) -> Answer {
    let limit = limit(query.limit);
    named(query.state.as_deref(), "state", model::ConflictState::parse)?;
    let filter = conflict::Filter {
        state: query.state,
        course: query.course,
        before: query.before,
        format: None,
    };
    let found = conflict::search(&state, &caller, &filter, limit).await?;
    let found = found.ok_or_else(|| Problem::not_found("course"))?;
    let next = found.last().map(|conflict| conflict.id.clone());
    let rows = found
        .iter()
        .map(|conflict| conflict_json(conflict, false))
        .collect();
    Ok(page("conflicts", rows, limit, next))
}

async fn conflict(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer {
    let (conflict, _) = conflict::visible(&state, &caller, &id).await?;
    write::audited(&state, &caller, "read conflict", &id).await?;
    Ok(Json(conflict_json(&conflict, true)))
}

#[derive(Deserialize)]
struct OperationQuery {
    state: Option<String>,
    course: Option<String>,
    entity: Option<String>,
    priority: Option<String>,
    code: Option<String>,
    before: Option<String>,
    limit: Option<usize>,
}

async fn operations(Shared(state): Shared<State>, Query(query): Query<OperationQuery>) -> Answer {
    let limit = limit(query.limit);
    let filter = queue::Filter {
        state: query.state,
        course: query.course,
        entity: query.entity,
        priority: query.priority,
        code: query.code,
        before: query.before,
        format: None,
    };
    let found = state
        .store
        .search_operations(&filter.search(limit)?)
        .await?;
    let next = found.last().map(|operation| operation.id.to_string());
    Ok(page(
        "operations",
        found.iter().map(operation_json).collect(),
        limit,
        next,
    ))
}

async fn operation(Shared(state): Shared<State>, Path(id): Path<String>) -> Answer {
    let id = OperationId(id);
    let found = state.store.operation(&id).await?;
    let operation = found.ok_or_else(|| Problem::not_found("operation"))?;
    let attempts = state.store.attempts(&id).await?;
    let attempts: Vec<Value> = attempts.iter().rev().map(attempt_json).collect();
    let mut value = operation_json(&operation);
    if let Some(object) = value.as_object_mut() {
        object.insert("runs".to_owned(), Value::Array(attempts));
    }
    Ok(Json(value))
}

fn attempt_json(attempt: &Attempt) -> Value {
    json!({
        "number": attempt.number, "result": attempt.result.as_str(), "started_at_ms": attempt.started_at,
        "ended_at_ms": attempt.ended_at, "failure": attempt.failure,
    })
}

async fn pauses(Shared(state): Shared<State>) -> Answer {
    let found = state.store.pauses().await?;
    let rows: Vec<Value> = found.iter().map(pause_json).collect();
    Ok(Json(json!({ "pauses": rows, "next": null })))
}

fn pause_json(pause: &Pause) -> Value {
    json!({ "scope": pause.scope, "who": pause.who, "why": pause.why, "since_ms": pause.since })
}

#[derive(Deserialize)]
struct Limit {
    limit: Option<usize>,
}

async fn errors(Shared(state): Shared<State>, Query(query): Query<Limit>) -> Answer {
    let now = state.stamp.now();
    let found = state.store.error_groups(limit(query.limit)).await?;
    let rows: Vec<Value> = found
        .iter()
        .map(|group| group_json(group, groups::standing(group, now)))
        .collect();
    Ok(Json(json!({ "errors": rows, "next": null })))
}

fn group_json(group: &ErrorGroup, standing: &str) -> Value {
    json!({
        "code": group.cause.code, "system": group.cause.system, "kind": group.cause.kind, "class": group.class,
        "origin": group.cause.origin(group.class), "is_transient": group.class.is_retried(), "message": group.message,
        "remedy": group.remedy, "seen": group.entries, "first_ms": group.first_at, "last_ms": group.last_at,
        "standing": standing, "muted_until_ms": group.muted_until, "resolved_ms": group.resolved_at,
        "noted_by": group.noted_by, "noted_why": group.noted_why,
    })
}

#[derive(Deserialize)]
struct AuditQuery {
    who: Option<String>,
    before: Option<i64>,
    limit: Option<usize>,
}

async fn audit(Shared(state): Shared<State>, Query(query): Query<AuditQuery>) -> Answer {
    let limit = limit(query.limit);
    let found = state
        .store
        .audit(query.who.as_deref(), query.before, limit)
        .await?;
    let next = found.last().map(|line| line.number.to_string());
    let rows = found.iter().map(|line| {
        let entry = &line.entry;
        json!({
            "number": line.number, "at_ms": entry.at, "who": entry.who, "act": entry.act, "subject": entry.subject,
            "why": entry.why, "origin": entry.origin, "result": entry.result, "digest": line.digest,
        })
    });
    Ok(page("audit", rows.collect(), limit, next))
}

async fn tokens(Shared(state): Shared<State>) -> Answer {
    let found = state.store.api_tokens().await?;
    let rows: Vec<Value> = found.iter().map(crate::json::token_json).collect();
    Ok(Json(json!({ "tokens": rows, "next": null })))
}

async fn users(Shared(state): Shared<State>) -> Answer {
    let found = state.store.accounts().await?;
    let rows: Vec<Value> = found.iter().map(crate::json::account_json).collect();
    Ok(Json(json!({ "users": rows, "next": null })))
}
