//! The admin API's writes.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State as Shared};
use axum::{Extension, Json};
use model::{Cause, EntityId, OperationId};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Change, DeskChange, Role};

use super::Answer;
use crate::access::Caller;
use crate::access::account::{self, NewToken};
use crate::act::{self, Verb};
use crate::change::{self, Edit, Take};
use crate::json::{conflict_json, entity_json};
use crate::page::{conflict, error as groups, queue};
use crate::problem::Problem;
use crate::state::State;

pub(super) type Body<T> = Result<Json<T>, JsonRejection>;

pub(super) fn body<T>(body: Body<T>) -> Result<T, Problem> {
    body.map(|Json(value)| value)
        .map_err(|rejection| Problem::invalid(&rejection.body_text()))
}

/// Notes in the audit log what somebody did.
pub(super) async fn audited(
    state: &State,
    caller: &Caller,
    act: &str,
    subject: &str,
) -> Result<(), Problem> {
    let entry = caller.audit(state, act, subject, "");
    Ok(state
        .store
        .commit(vec![Change::Desk(DeskChange::Audit(entry))])
        .await?)
}

pub(super) async fn edit(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    given: Body<Edit>,
) -> Answer {
    let given = body(given)?;
    audited(&state, &caller, "entity edit", &id).await?;
    let entity = change::edit(&state.store, state.stamp.as_ref(), &EntityId(id), given).await?;
    Ok(Json(entity_json(&entity)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Decision {
    take: Option<Take>,
    body: Option<String>,
    title: Option<String>,
    #[serde(default)]
    reason: String,
}

pub(super) async fn resolve(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    given: Body<Decision>,
) -> Answer {
    let given = body(given)?;
    let (found, entity) = conflict::visible(&state, &caller, &id).await?;
    let is_written = given.body.is_some() || given.title.is_some();
    let chosen = match (given.take, is_written) {
        (Some(take), false) => change::chosen(&found, take),
        (None, true) => {
            let side = found.sides.values().next();
            side.map(|side| change::written(side, given.title, given.body))
        }
        _ => {
            return Err(Problem::invalid(
                "Give either `take`, or `body` and `title`.",
            ));
        }
    };
    let chosen = chosen.ok_or_else(|| Problem::invalid("There is no such version to take."))?;
    let entry = caller.audit(&state, "conflict resolve", &id, &given.reason);
    let decided = change::settle(
        &state.store,
        state.stamp.as_ref(),
        (found, entity),
        (&chosen, &caller.who),
        Some(entry),
    )
    .await?;
    Ok(Json(conflict_json(&decided, true)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Act {
    verb: String,
    #[serde(default)]
    ids: Vec<String>,
    filter: Option<queue::Filter>,
    priority: Option<String>,
    #[serde(default)]
    reason: String,
    max_changes: usize,
    #[serde(default)]
    dry_run: bool,
}

pub(super) async fn act(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    given: Body<Act>,
) -> Answer {
    let given = body(given)?;
    let verb = Verb::parse(&given.verb, given.priority.as_deref()).ok_or_else(|| {
        Problem::invalid("A verb is retry, release, hold, cancel or reprioritise.")
    })?;
    let ids: Vec<OperationId> = match &given.filter {
        Some(filter) if given.ids.is_empty() => {
            let found = act::matching(&state, verb, &filter.search(act::ACT_MAX)?).await?;
            found.into_iter().map(|operation| operation.id).collect()
        }
        None => given.ids.into_iter().map(OperationId).collect(),
        Some(_) => return Err(Problem::invalid("Give either `ids` or `filter`.")),
    };
    if given.dry_run {
        return Ok(Json(json!({ "would_change": ids.len() })));
    }
    if ids.len() > given.max_changes {
        return Err(Problem::invalid(&format!(
            "{} operations are more than max_changes. Nothing was done.",
            ids.len()
        )));
    }
    let report = act::operate(&state, &caller, verb, (&ids, &given.reason)).await?;
    Ok(Json(
        json!({ "changed": report.done, "skipped": report.skipped }),
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scope {
    scope: String,
    #[serde(default)]
    reason: String,
}

pub(super) async fn pause(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    given: Body<Scope>,
) -> Answer {
    let given = body(given)?;
    act::pause(&state, &caller, (&given.scope, &given.reason), false).await?;
    Ok(Json(json!({ "scope": given.scope, "paused": true })))
}

pub(super) async fn resume(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    given: Body<Scope>,
) -> Answer {
    let given = body(given)?;
    act::pause(&state, &caller, (&given.scope, &given.reason), true).await?;
    Ok(Json(json!({ "scope": given.scope, "paused": false })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupNote {
    code: String,
    #[serde(default)]
    system: String,
    #[serde(default)]
    kind: String,
    verb: String,
    hours: Option<u32>,
    #[serde(default)]
    reason: String,
}

pub(super) async fn note(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    given: Body<GroupNote>,
) -> Answer {
    let given = body(given)?;
    let note = groups::parse_note(&given.verb, given.hours)
        .ok_or_else(|| Problem::invalid("A verb is mute, resolve or open."))?;
    let cause = Cause::parse(&given.code, &given.system, &given.kind)
        .ok_or_else(|| Problem::invalid("There is no such system or kind."))?;
    act::note(&state, &caller, &cause, (note, &given.reason)).await?;
    Ok(Json(
        json!({ "code": given.code, "system": given.system, "kind": given.kind, "verb": given.verb }),
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenWish {
    label: String,
    role: String,
    #[serde(default)]
    courses: Vec<EntityId>,
    days: Option<u32>,
    #[serde(default)]
    reason: String,
}

pub(super) async fn create_token(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    given: Body<TokenWish>,
) -> Answer {
    let given = body(given)?;
    let role = Role::parse(&given.role)
        .ok_or_else(|| Problem::invalid("A role is viewer, operator, admin or teacher."))?;
    let new = NewToken {
        label: given.label,
        role,
        courses: given.courses,
        days: given.days,
    };
    let (id, token) = account::create_token(&state, &caller, new, &given.reason).await?;
    Ok(Json(json!({ "id": id, "token": token })))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    #[serde(default)]
    reason: String,
}

pub(super) async fn revoke_token(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    given: Body<Reason>,
) -> Result<Json<Value>, Problem> {
    let given = body(given)?;
    account::revoke_token(&state, &caller, &id, &given.reason).await?;
    Ok(Json(json!({ "id": id, "revoked": true })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JobWish {
    job: String,
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    reason: String,
}

pub(super) async fn maintain(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    given: Body<JobWish>,
) -> Answer {
    let given = body(given)?;
    let job =
        store::Job::parse(&given.job).ok_or_else(|| Problem::invalid("There is no such job."))?;
    act::maintain(&state, &caller, job, (given.dry_run, &given.reason)).await?;
    Ok(Json(
        json!({ "job": given.job, "dry_run": given.dry_run, "asked": true }),
    ))
}
