//! Maintenance: sizes, jobs with their last results and next runs, drift by course.

use axum::Extension;
use axum::extract::{Form, Query, State as Shared};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use store::{Drift, Job, Report};

use super::layout::{self, csrf, is_operator};
use super::table::{Cell, Format, Table, export_links};
use crate::access::Caller;
use crate::act;
use crate::problem::Problem;
use crate::state::State;

#[derive(Deserialize)]
pub(crate) struct Wanted {
    format: Option<String>,
}

/// `GET /maintenance`.
pub(crate) async fn show(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Query(wanted): Query<Wanted>,
) -> Response {
    match page(&state, &caller, Format::parse(wanted.format.as_deref())).await {
        Ok(response) => response,
        Err(error) => Problem::from(error).page(Some(&caller)),
    }
}

async fn page(state: &State, caller: &Caller, format: Format) -> store::Result<Response> {
    let jobs = jobs(state, caller).await?;
    if format != Format::Page {
        return Ok(jobs.export(format, "maintenance"));
    }
    let size = state.store.size_bytes().await?;
    let version = state.store.schema_version().await?;
    let cursors = state.store.cursors().await?;
    let rows = cursors
        .iter()
        .map(|(name, at)| vec![Cell::text(name), Cell::time(*at)]);
    let feeds = Table {
        caption: "Feeds and checks",
        columns: vec![("name", "Feed or check"), ("at", "Last moved")],
        rows: rows.collect(),
    };
    let drift = drift(&state.store.drifts().await?);
    let body = html! {
        h1 { "Maintenance" }
        dl { dt { "Database" } dd { (state.store.engine().as_str()) ", " (size / 1_048_576) " MiB, schema version " (version) } }
        section { h2 { "Jobs" } (jobs.markup(&html! {})) (export_links("/maintenance", "")) }
        section { h2 { "Drift" } (drift.markup(&html! { p { "No course was compared yet." } })) }
        section { h2 { "Feeds and checks" } (feeds.markup(&html! { p { "No feed was read yet." } })) }
    };
    Ok(layout::answer(caller, "Maintenance", "/maintenance", &body))
}

async fn jobs(state: &State, caller: &Caller) -> store::Result<Table> {
    let mut rows = Vec::new();
    for job in Job::ALL.iter().copied() {
        let last = state.store.maintenance_report(job, false).await?;
        let preview = state.store.maintenance_report(job, true).await?;
        let told = last.as_ref().map_or_else(|| "not yet".to_owned(), told);
        let seen = preview
            .as_ref()
            .map_or(String::new(), |report| format!("{} due", report.found));
        let mut row = vec![
            Cell::text(job.as_str()),
            Cell::text(job.about()),
            Cell::text(&told),
            Cell::text(&seen),
            Cell::time(job.next(last.as_ref()).max(state.stamp.now())),
        ];
        if is_operator(caller) {
            row.push(Cell::with("", buttons(caller, job)));
        }
        rows.push(row);
    }
    let mut columns = vec![
        ("job", "Job"),
        ("about", "Does"),
        ("last", "Last result"),
        ("preview", "Last preview"),
        ("next", "Next run"),
    ];
    if is_operator(caller) {
        columns.push(("act", "Act"));
    }
    Ok(Table {
        caption: "Maintenance jobs",
        columns,
        rows,
    })
}

fn told(report: &Report) -> String {
    let error = report
        .error
        .as_deref()
        .map_or(String::new(), |error| format!(" It ended early: {error}."));
    format!(
        "{} due, {} done. {}{error}",
        report.found, report.done, report.note
    )
}

fn buttons(caller: &Caller, job: Job) -> Markup {
    html! {
        form.inline method="post" action="/maintenance/run" {
            (csrf(caller))
            input type="hidden" name="job" value=(job.as_str());
            button name="verb" value="preview" aria-label={ "Preview " (job) } { "Preview" }
            button name="verb" value="run" aria-label={ "Run now: " (job) } { "Run now" }
        }
    }
}

fn drift(drifts: &[Drift]) -> Table {
    let rows = drifts.iter().map(|drift| {
        let sides = drift.sides.iter().map(|side| {
            let hash: String = side.hash.chars().take(8).collect();
            format!("{}: {} ({hash})", side.system, side.items)
        });
        vec![
            Cell::link(&drift.course, &format!("/course/{}", drift.course)),
            Cell::text(&sides.collect::<Vec<_>>().join(", ")),
            Cell::number(drift.drifting),
            Cell::number(drift.explained),
        ]
    });
    Table {
        caption: "Whether both sides say the same",
        columns: vec![
            ("course", "Course"),
            ("sides", "Items and hash"),
            ("drifting", "Drifting"),
            ("explained", "Differ for a known reason"),
        ],
        rows: rows.collect(),
    }
}

#[derive(Deserialize)]
pub(crate) struct Wish {
    job: String,
    verb: String,
}

/// `POST /maintenance/run`.
pub(crate) async fn ask(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<Wish>,
) -> Response {
    let Some(job) = Job::parse(&form.job) else {
        return Problem::invalid("There is no such job.").page(Some(&caller));
    };
    match act::maintain(&state, &caller, job, (form.verb == "preview", "")).await {
        Ok(()) => Redirect::to("/maintenance").into_response(),
        Err(error) => Problem::from(error).page(Some(&caller)),
    }
}
