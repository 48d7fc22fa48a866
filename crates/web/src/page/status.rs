//! Status: is it healthy, how far behind, and what needs a person. And a course of it.

use axum::Extension;
use axum::extract::{Form, Path, Query, State as Shared};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use model::{EntityId, Kind, Status, System};
use serde::Deserialize;
use store::{HistorySearch, OperationState};

use super::layout::{self, badge, counted, csrf, is_operator, span, time};
use super::table::{Cell, Format, Table, export_links};
use crate::access::Caller;
use crate::act;
use crate::problem::Problem;
use crate::state::State;
use crate::summary::Summary;

#[derive(Deserialize)]
pub(crate) struct Wanted {
    format: Option<String>,
}

/// `GET /`.
pub(crate) async fn status(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let summary = match Summary::read(&state, &caller).await {
        Ok(summary) => summary,
        Err(error) => return Problem::from(error).page(Some(&caller)),
    };
    let table = courses(&summary);
    let format = Format::parse(wanted.format.as_deref());
    if format != Format::Page {
        return table.export(format, "status");
    }
    let (word, why) = summary.verdict();
    let is_teacher = caller.limit().is_some();
    let empty = html! { p { "No course is kept in step yet. Courses stand in the configuration as " code {
    "[[course]]" } "; the first look at them fills this table." } };
    let body = html! {
        h1 { "Status" }
        div data-live="status" id="status" {
            @if !is_teacher {
                div class={ "verdict " (word) } { (badge(word)) p { (why) } }
                div.cards { (systems(&summary)) (attention(&summary)) }
                (pauses(&summary, &caller))
            }
            section { h2 { "Courses" } (table.markup(&empty)) (export_links("/", "")) }
        }
        @if is_operator(&caller) { (pause_form(&caller, "all", "Pause")) }
    };
    layout::answer(&caller, "Status", "/", &body)
}

fn courses(summary: &Summary) -> Table {
    let rows = summary.courses.iter().map(|course| {
        let lag = course.lag_ms(summary.at);
        vec![
            Cell::link(&course.name, &format!("/course/{}", course.id)),
            Cell::badge(course.verdict()),
            Cell::number(course.count(Status::InSync)),
            Cell::number(course.count(Status::Pending)),
            Cell::number(course.count(Status::Held)),
            Cell::number(course.count(Status::Failed)),
            Cell::with(
                course.open_conflicts,
                html! {
                    a href={ "/conflicts?course=" (course.id) } { (course.open_conflicts) " open" }
                },
            ),
            Cell::with(
                lag,
                html! { @match lag { Some(ms) => (span(ms)), None => "none" } },
            ),
        ]
    });
    Table {
        caption: "Courses and how they stand",
        columns: vec![
            ("course", "Course"),
            ("verdict", "State"),
            ("in_sync", "In sync"),
            ("pending", "Waiting"),
            ("held", "Held"),
            ("failed", "Failed"),
            ("conflicts", "Conflicts"),
            ("lag_ms", "Oldest change waits"),
        ],
        rows: rows.collect(),
    }
}

fn systems(summary: &Summary) -> Markup {
    html! {
        @for system in System::REMOTE {
            section.card {
                h2 { "From " (system.title()) }
                @match summary.lag_ms(system) {
                    Some(ms) => p { "The oldest change waits for " strong { (span(ms)) } "." },
                    None => p { "Nothing waits." },
                }
                @let rests = summary.pauses.iter().any(|pause| pause.scope == format!("system:{system}"));
                p { (badge(if rests { "paused" } else { "healthy" })) }
            }
        }
        section.card {
            h2 { "Queue" }
            p {
                a href="/queue?state=pending" { (summary.queued(OperationState::Pending)) " waiting" } ", "
                (summary.queued(OperationState::InProgress)) " running"
            }
        }
    }
}

fn attention(summary: &Summary) -> Markup {
    let (failed, held) = (
        summary.queued(OperationState::Failed),
        summary.queued(OperationState::Held),
    );
    let conflicts = summary.open_conflicts();
    html! {
        section.card {
            h2 { "What needs a person" }
            @if failed + held + conflicts == 0 { p {
                "Nothing: no conflict is open, nothing is held, nothing failed." } }
            ul {
                @if conflicts > 0 { li { a href="/conflicts" { (counted(conflicts, "open conflict")) }
                    ": two sides changed the same thing." } }
                @if held > 0 { li { a href="/queue?state=held" { (counted(held, "held operation")) }
                    ": look, then release or cancel." } }
                @if failed > 0 { li { a href="/queue?state=failed" { (counted(failed, "failed operation")) }
                    ": mend the cause, then retry." } }
            }
        }
    }
}

fn pauses(summary: &Summary, caller: &Caller) -> Markup {
    html! {
        @if !summary.pauses.is_empty() {
            section {
                h2 { "What rests" }
                ul {
                    @for pause in &summary.pauses {
                        li {
                            strong { (pause.scope) } ": " (pause.why) " (" (pause.who) ", " (time(pause.since)) ")"
                            @if is_operator(caller) {
                                form.inline method="post" action="/pause" {
                                    (csrf(caller))
                                    input type="hidden" name="scope" value=(pause.scope);
                                    input type="hidden" name="verb" value="resume";
                                    button { "Resume " (pause.scope) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn pause_form(caller: &Caller, scope: &str, what: &str) -> Markup {
    html! {
        form.row method="post" action="/pause" {
            (csrf(caller))
            @if scope == "all" {
                label { "Pause"
                    select name="scope" {
                        option value="all" { "everything" }
                        option value="system:canvas" { "Canvas" }
                        option value="system:discourse" { "Discourse" }
                    }
                }
            } @else { input type="hidden" name="scope" value=(scope); }
            label { "Reason" input name="reason" required maxlength="200"; }
            button name="verb" value="pause" { (what) }
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct PauseForm {
    scope: String,
    verb: String,
    reason: Option<String>,
}

/// `POST /pause`.
pub(crate) async fn pause(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<PauseForm>,
) -> Response {
    let why = form.reason.unwrap_or_default();
    let is_resumed = form.verb == "resume";
    match act::pause(&state, &caller, (&form.scope, &why), is_resumed).await {
        Ok(()) => Redirect::to("/").into_response(),
        Err(error) => Problem::from(error).page(Some(&caller)),
    }
}

/// `GET /course/{id}`.
pub(crate) async fn course(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Response {
    match course_body(&state, &caller, &EntityId(id)).await {
        Ok(Some((name, body))) => layout::answer(&caller, &name, "", &body),
        Ok(None) => Problem::not_found("course").page(Some(&caller)),
        Err(error) => Problem::from(error).page(Some(&caller)),
    }
}

async fn course_body(
    state: &State,
    caller: &Caller,
    id: &EntityId,
) -> store::Result<Option<(String, Markup)>> {
    let summary = Summary::read(state, caller).await?;
    let Some(course) = summary.courses.iter().find(|course| course.id == *id) else {
        return Ok(None);
    };
    let Some(entity) = state.store.entity(id).await? else {
        return Ok(None);
    };
    let search = HistorySearch {
        course: Some(id.clone()),
        limit: 10,
        ..HistorySearch::default()
    };
    let recent = state.store.search_history(&search).await?;
    let checked = state.store.cursors().await?;
    let mut events = Vec::new();
    for system in System::REMOTE {
        events.push((system, state.store.last_event(system).await?));
    }
    let kinds = [Kind::Topic, Kind::Post];
    let body = html! {
        h1 { (course.name) } p { (badge(course.verdict())) }
        section {
            h2 { "Mapped" }
            dl {
                @for system in System::REMOTE {
                    dt { (system.title()) }
                    dd { @match entity.replica(system) { Some(replica) => code { (replica.remote) },
                        None => "not there" } }
                }
                @for (system, at) in &events {
                    dt { "Last event of " (system.title()) }
                    dd { @match at { Some(at) => (time(*at)), None => "none yet: changes are found by asking" } }
                }
            }
        }
        section {
            h2 { "Items" }
            div.scroll tabindex="0" role="region" aria-label="Items by kind and state" { table {
                thead { tr { th scope="col" { "Kind" } @for status in Status::ALL { th scope="col" {
                    (badge(status.as_str())) } } } }
                tbody { @for kind in kinds { tr {
                    th scope="row" { (kind) "s" }
                    @for status in Status::ALL { td.number data-label=(status.as_str().replace('_', " ")) {
                        (course.counts.get(&(kind, status)).copied().unwrap_or(0)) } }
                } } }
            } }
            p { (counted(course.queued(), "operation")) " queued. " a href={ "/history?course=" (id) } { "History of this course"
                } " · "
                a href={ "/conflicts?course=" (id) } { (counted(course.open_conflicts, "open conflict")) } }
        }
        section { h2 { "Last steps" } (super::history::short(&recent)) }
        @if caller.limit().is_none() {
            section { h2 { "Last full checks" } ul { @for (name, at) in checked.iter().take(20) { li { (name) ": "
                (time(*at)) } } } }
        }
        @if is_operator(caller) {
            section {
                h2 { "Act" }
                form.inline method="post" action={ "/course/" (id) "/sync" } { (csrf(caller)) button { "Sync now" } }
                (pause_form(caller, &format!("course:{id}"), "Pause this course"))
            }
        }
    };
    Ok(Some((course.name.clone(), body)))
}

/// `POST /course/{id}/sync`.
pub(crate) async fn sync(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Response {
    match act::sync_course(&state, &caller, &EntityId(id.clone())).await {
        Ok(_) => Redirect::to(&format!("/queue?course={id}")).into_response(),
        Err(error) => Problem::from(error).page(Some(&caller)),
    }
}
