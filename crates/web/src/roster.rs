//! The people of a course as operators see them: groups, who is leaving, who has no account. Keys, never names.

use axum::extract::{Path, State as Shared};
use axum::{Extension, Json};
use model::{Entity, EntityId, Kind, OperationId, RosterState, System};
use serde_json::{Value, json};
use store::{
    AuditEntry, Change, DeskChange, NewOperation, OperationKind, OperationState, Priority, Store,
};

use crate::access::Caller;
use crate::api::Answer;
use crate::change::ChangeError;
use crate::problem::Problem;
use crate::state::{Stamp, State};

/// What is remembered of a course's people; what was never read is empty.
pub async fn roster_json(store: &Store, course: &EntityId) -> Result<Value, ChangeError> {
    let course = find(store, course).await?;
    let stored = store.cursor(&engine::roster::key(&course.id)).await?;
    let state: RosterState = stored
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    Ok(told(&course, &state))
}

fn told(course: &Entity, state: &RosterState) -> Value {
    let groups = state.groups.iter().map(|(key, group)| {
        let leaving = group.set.values().filter_map(|member| {
            let since = member.gone_ms?;
            Some(json!({ "person": member.person, "since_ms": since }))
        });
        json!({
            "key": key, "id": group.remote, "name": group.name, "title": group.title, "members": group.set.len(),
            "by_hand": group.by_hand.len(), "leaving": leaving.collect::<Vec<_>>(), "read_ms": group.read_ms,
        })
    });
    let people = state
        .people
        .iter()
        .filter(|(_, person)| person.account.is_none());
    let strangers = people.map(|(key, person)| json!({ "person": key, "refusal": person.refusal }));
    json!({
        "course": course.id, "active": state.active, "read_ms": state.read_ms, "failure": state.failure,
        "groups": groups.collect::<Vec<_>>(), "without_account": strangers.collect::<Vec<_>>(),
    })
}

async fn find(store: &Store, id: &EntityId) -> Result<Entity, ChangeError> {
    let found = store.entity(id).await?;
    found
        .filter(|entity| entity.kind == Kind::Course)
        .ok_or_else(|| ChangeError::NotFound(format!("course {id}")))
}

/// Queues a look at a course's people, or releases the one that a guard holds when `is_release` says so; returns how
/// many operations that is.
pub async fn ask_roster(
    store: &Store,
    stamp: &dyn Stamp,
    (course, is_release): (&EntityId, bool),
    audit: Option<AuditEntry>,
) -> Result<usize, ChangeError> {
    let course = find(store, course).await?;
    let at = stamp.now();
    let mut changes = Vec::new();
    if is_release {
        for operation in held(store, &course.id).await? {
            changes.push(Change::Release { operation, at });
        }
    } else {
        let (id, subject) = (OperationId(stamp.id()), engine::roster::key(&course.id));
        changes.push(Change::Enqueue(NewOperation {
            entity: Some(course.id.clone()),
            course: Some(course.id.clone()),
            system: Some(System::Canvas),
            reason: "asked".to_owned(),
            priority: Priority::Interactive,
            ..NewOperation::due(id, OperationKind::Roster, subject, at)
        }));
    }
    let count = changes.len();
    changes.extend(audit.map(|entry| Change::Desk(DeskChange::Audit(entry))));
    store.commit(changes).await?;
    Ok(count)
}

async fn held(store: &Store, course: &EntityId) -> Result<Vec<OperationId>, ChangeError> {
    let filter = store::OperationFilter {
        state: Some(OperationState::Held),
        limit: 1_000,
        ..store::OperationFilter::default()
    };
    let operations = store.operations(&filter).await?.into_iter();
    let held = operations.filter(|operation| {
        operation.kind == OperationKind::Roster && operation.course.as_ref() == Some(course)
    });
    Ok(held.map(|operation| operation.id).collect())
}

/// `GET /api/v1/courses/{id}/roster`.
pub(crate) async fn show(Shared(state): Shared<State>, Path(id): Path<String>) -> Answer {
    Ok(Json(roster_json(&state.store, &EntityId(id)).await?))
}

/// `POST /api/v1/courses/{id}/roster/sync`.
pub(crate) async fn sync(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let entry = caller.audit(&state, "roster sync", &id, "");
    let course = EntityId(id);
    let asked = ask_roster(
        &state.store,
        state.stamp.as_ref(),
        (&course, false),
        Some(entry),
    )
    .await?;
    Ok(Json(json!({ "course": course, "queued": asked })))
}
