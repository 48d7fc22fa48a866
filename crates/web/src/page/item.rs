//! One item: the same as `explain`. Its words are shown only when they are asked for, and that is audited.

use axum::Extension;
use axum::extract::{Path, Query, State as Shared};
use axum::response::Response;
use maud::{Markup, html};
use model::{Entity, EntityId, Kind, Status, System, Value};
use serde::Deserialize;
use store::{Change, DeskChange, HistorySearch, OperationSearch, OperationState};

use super::layout::{self, badge, time};
use crate::access::Caller;
use crate::problem::Problem;
use crate::state::State;

#[derive(Deserialize)]
pub(crate) struct Wanted {
    text: Option<String>,
}

/// `GET /item/{id}`.
pub(crate) async fn show(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Response {
    match body(&state, &caller, &EntityId(id), wanted.text.is_some()).await {
        Ok(Some(body)) => layout::answer(&caller, "Item", "", &body),
        Ok(None) => Problem::not_found("item").page(Some(&caller)),
        Err(error) => Problem::from(error).page(Some(&caller)),
    }
}

async fn body(
    state: &State,
    caller: &Caller,
    id: &EntityId,
    with_text: bool,
) -> store::Result<Option<Markup>> {
    let Some(entity) = state.store.entity(id).await? else {
        return Ok(None);
    };
    if !caller.may_see(&entity.course) {
        return Ok(None);
    }
    if with_text {
        let entry = caller.audit(state, "read text", id.as_str(), "");
        state
            .store
            .commit(vec![Change::Desk(DeskChange::Audit(entry))])
            .await?;
    }
    let search = HistorySearch {
        entity: Some(id.clone()),
        limit: 200,
        ..HistorySearch::default()
    };
    let history = state.store.search_history(&search).await?;
    let mut operations = Vec::new();
    for wanted in [None, Some(OperationState::Completed)] {
        let search = OperationSearch {
            state: wanted,
            entity: Some(id.clone()),
            limit: 10,
            ..OperationSearch::default()
        };
        operations.extend(state.store.search_operations(&search).await?);
    }
    let conflict = state.store.open_conflict(id).await?;
    let thread = if entity.kind == Kind::Post {
        entity.container.as_ref()
    } else {
        Some(&entity.id)
    };
    Ok(Some(html! {
        h1 { (entity.kind) " " (badge(entity.status.as_str())) }
        p { code { (entity.id) } " in " a href={ "/course/" (entity.course) } { "its course" }
            @if let Some(thread) = thread { " · " a href={ "/history?thread=" (thread) } { "timeline of the thread" } } }
        p.verdict { strong { "What happens next: " } (next(&entity)) }
        @if let Some(conflict) = conflict { p { a.button href={ "/conflicts/" (conflict.id) } { "See the open conflict" } } }
        section { h2 { "What each system has" } (replicas(&entity, with_text))
            @if !with_text { p { a href={ "/item/" (id) "?text=1" } { "Show the text" } " (this is noted in the audit log)" } } }
        section { h2 { "What happened, newest first" } (super::history::short(&history)) }
        @if caller.limit().is_none() {
            section { h2 { "Operations" }
                ul { @for operation in &operations { li { a href={ "/queue/" (operation.id) } { (operation.id) } " " (badge(operation.state.as_str())) " " (operation.reason) } } } }
        }
    }))
}

fn replicas(entity: &Entity, with_text: bool) -> Markup {
    html! { div.sides {
        @for system in System::ALL { @if let Some(replica) = entity.replica(system) {
            section.card {
                h3 { (system.title()) }
                p { (badge(replica.existence.as_str())) " id " code { (replica.remote) } }
                p.hint { "Last seen " (time(replica.seen_at)) ". Has seen: "
                    (serde_json::to_string(&replica.vector).unwrap_or_default()) }
                @if with_text { @for (field, value) in &replica.record.fields {
                    h4 { (field.as_str()) }
                    @match value {
                        Value::Text(text) => p { (text) },
                        Value::Flag(flag) => p { (flag) },
                        Value::Body(body) => pre.words { (body.source) },
                        Value::Set(names) => p { (names.iter().cloned().collect::<Vec<_>>().join(", ")) },
                    }
                } }
            }
        } }
    } }
}

fn next(entity: &Entity) -> String {
    match (entity.status, &entity.reason) {
        (Status::InSync, _) => "nothing; all systems agree.".to_owned(),
        (Status::Pending, None) => "it is written by itself.".to_owned(),
        (Status::Conflict, _) => "a person decides the conflict.".to_owned(),
        (Status::Skipped, _) => "nothing; somebody told us to leave it alone.".to_owned(),
        (_, Some(reason)) => reason.to_string(),
        (_, None) => "it waits for a person.".to_owned(),
    }
}
