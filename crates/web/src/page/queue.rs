//! Queue: what runs, waits, is held or failed, and why; and the acts on it, with a count first.

use std::fmt::Write as _;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State as Shared};
use axum::response::Response;
use maud::{Markup, html};
use model::{EntityId, OperationId};
use serde::Deserialize;
use store::{Operation, OperationSearch, OperationState, Priority};

use super::layout::{self, badge, csrf, is_operator, span, time};
use super::table::{Cell, Format, Table, export_links, older, query};
use crate::access::Caller;
use crate::act::{self, Verb};
use crate::form::Form;
use crate::problem::Problem;
use crate::state::State;

const VERBS: [(&str, &str); 5] = [
    ("retry", "Retry now"),
    ("release", "Release"),
    ("hold", "Hold"),
    ("cancel", "Cancel"),
    ("reprioritise", "Change the priority"),
];

/// The filters in the address.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Filter {
    pub(crate) state: Option<String>,
    pub(crate) course: Option<String>,
    pub(crate) entity: Option<String>,
    pub(crate) priority: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) before: Option<String>,
    pub(crate) format: Option<String>,
}

fn set(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

impl Filter {
    pub(crate) fn search(&self, limit: usize) -> Result<OperationSearch, Problem> {
        let unknown = |what: &str| Problem::invalid(&format!("There is no such {what}."));
        let state = match set(self.state.as_ref()) {
            Some(text) => Some(OperationState::parse(text).ok_or_else(|| unknown("state"))?),
            None => None,
        };
        let priority = match set(self.priority.as_ref()) {
            Some(text) => Some(Priority::parse(text).ok_or_else(|| unknown("priority"))?),
            None => None,
        };
        Ok(OperationSearch {
            state,
            course: set(self.course.as_ref()).map(EntityId::from),
            entity: set(self.entity.as_ref()).map(EntityId::from),
            priority,
            code: set(self.code.as_ref()).map(str::to_owned),
            before: set(self.before.as_ref()).map(str::to_owned),
            limit,
        })
    }

    fn pairs(&self) -> [(&'static str, Option<&str>); 5] {
        [
            ("state", self.state.as_deref()),
            ("course", self.course.as_deref()),
            ("entity", self.entity.as_deref()),
            ("priority", self.priority.as_deref()),
            ("code", self.code.as_deref()),
        ]
    }
}

/// `GET /queue`.
pub(crate) async fn list(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Query(filter): Query<Filter>,
) -> Response {
    match show(&state, &caller, &filter).await {
        Ok(response) => response,
        Err(problem) => problem.page(Some(&caller)),
    }
}

async fn show(state: &State, caller: &Caller, filter: &Filter) -> Result<Response, Problem> {
    let format = Format::parse(filter.format.as_deref());
    let search = filter.search(format.limit())?;
    let operations = state.store.search_operations(&search).await?;
    let may_act = is_operator(caller) && format == Format::Page;
    let table = table(&operations, may_act);
    if format != Format::Page {
        return Ok(table.export(format, "queue"));
    }
    let courses = super::block::courses(state, caller).await?;
    let query = query(&filter.pairs());
    let last = operations.last().map(|operation| operation.id.as_str());
    let empty = html! { p {
    "Nothing fits the filter. An operation is a wish to look at one thread; it waits, runs, and ends as completed, failed or cancelled, or is held for a person." } };
    let body = html! {
        h1 { "Queue" }
        (filter_form(filter, &courses))
        @if may_act {
            form method="post" action="/queue/act" {
                (csrf(caller))
                @for (name, value) in filter.pairs() { @if let Some(value) = value { input type="hidden" name=(name)
                    value=(value); } }
                div data-live="operations" id="operations" { (table.markup(&empty)) }
                (act_fields())
            }
        } @else {
            div data-live="operations" id="operations" { (table.markup(&empty)) }
        }
        (older("/queue", &query, last, operations.len() == format.limit()))
        (export_links("/queue", &query))
    };
    Ok(layout::answer(caller, "Queue", "/queue", &body))
}

fn act_fields() -> Markup {
    html! {
        fieldset.row {
            legend { "Act" }
            label { "Do" select name="verb" { @for (verb, words) in VERBS { option value=(verb) { (words) } } } }
            label { "Priority" select name="new_priority" {
                @for priority in Priority::ALL { option value=(priority) selected[*priority == Priority::Normal] {
                    (priority) } }
            } }
            label { "Reason" input name="reason" maxlength="200"; }
            button name="scope" value="selected" { "On the selected" }
            button name="scope" value="filter" { "On everything that fits the filter" }
            p.hint { "The next page shows how many it is before anything happens. To hold or cancel, say why." }
        }
    }
}

fn filter_form(filter: &Filter, courses: &[(EntityId, String)]) -> Markup {
    html! {
        form.row.filters method="get" action="/queue" role="search" aria-label="Filter the queue" {
            label { "State" select name="state" {
                option value="" { "open and failed" }
                @for state in OperationState::ALL { option value=(state)
                    selected[set(filter.state.as_ref()) == Some(state.as_str())] {
                        (state.as_str().replace('_', " ")) } }
            } }
            label { "Course" select name="course" {
                option value="" { "all" }
                @for (id, name) in courses { option value=(id)
                    selected[set(filter.course.as_ref()) == Some(id.as_str())] { (name) } }
            } }
            label { "Priority" select name="priority" {
                option value="" { "all" }
                @for priority in Priority::ALL { option value=(priority)
                    selected[set(filter.priority.as_ref()) == Some(priority.as_str())] { (priority) } }
            } }
            label { "Error code" input name="code" value=(filter.code.as_deref().unwrap_or_default())
                placeholder="SYNC-2301" size="10"; }
            button { "Filter" }
        }
    }
}

fn table(operations: &[Operation], may_act: bool) -> Table {
    let rows = operations.iter().map(|operation| {
        let why = why(operation);
        let code = operation.failure.as_ref().map_or("", |failure| failure.code.as_str());
        let mut cells = Vec::new();
        if may_act {
            cells.push(Cell::with("", html! { input type="checkbox" name="id" value=(operation.id) aria-label={ "Select " (operation.id) }; }));
        }
        cells.extend([
            Cell::link(operation.id.as_str(), &format!("/queue/{}", operation.id)),
            Cell::badge(operation.state.as_str()),
            Cell::text(operation.priority.as_str()),
            Cell::text(&operation.subject),
            Cell::text(&operation.reason),
            Cell::text(&why),
            Cell::text(code),
            Cell::number(u64::from(operation.attempt_count)),
            Cell::time(operation.created_at),
        ]);
        cells
    });
    let mut columns = vec![
        ("id", "Operation"),
        ("state", "State"),
        ("priority", "Priority"),
        ("subject", "Looks at"),
        ("reason", "Because"),
        ("why", "Why it waits"),
        ("code", "Code"),
        ("attempts", "Attempts"),
        ("created", "Queued"),
    ];
    if may_act {
        columns.insert(0, ("select", "Select"));
    }
    Table {
        caption: "Operations",
        rows: rows.collect(),
        columns,
    }
}

/// Why an operation waits or ended, in words.
pub(crate) fn why(operation: &Operation) -> String {
    let mut text = String::new();
    if let Some(blocked) = &operation.blocked_on {
        write!(text, "{blocked} must be there first. ").unwrap_or(());
    }
    if let Some(failure) = &operation.failure {
        write!(text, "{}", failure.message).unwrap_or(());
    }
    if let Some(note) = &operation.note {
        write!(text, "{note}").unwrap_or(());
    }
    if text.is_empty() && operation.state == OperationState::Pending {
        "it is its turn soon".clone_into(&mut text);
    }
    text
}

/// `POST /queue/act`.
pub(crate) async fn act(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Response {
    match perform(&state, &caller, &body).await {
        Ok(response) => response,
        Err(problem) => problem.page(Some(&caller)),
    }
}

async fn perform(state: &State, caller: &Caller, body: &[u8]) -> Result<Response, Problem> {
    let form = Form::read(body)?;
    let verb = Verb::parse(
        form.get("verb").unwrap_or_default(),
        form.get("new_priority"),
    )
    .ok_or_else(|| Problem::invalid("There is no such act."))?;
    let owned = |name: &str| form.get(name).map(str::to_owned);
    let filter = Filter {
        state: owned("state"),
        course: owned("course"),
        entity: owned("entity"),
        priority: owned("priority"),
        code: owned("code"),
        ..Filter::default()
    };
    let is_filter = form.get("scope") == Some("filter");
    let ids: Vec<OperationId> = if is_filter {
        let found = act::matching(state, verb, &filter.search(act::ACT_MAX)?).await?;
        found.into_iter().map(|operation| operation.id).collect()
    } else {
        form.fields()
            .iter()
            .filter(|(key, _)| key == "id")
            .map(|(_, id)| OperationId(id.clone()))
            .collect()
    };
    let why = form.get("reason").unwrap_or_default();
    let Some(agreed) = form
        .get("agreed")
        .and_then(|count| count.parse::<usize>().ok())
    else {
        return Ok(confirm(caller, form.fields(), (verb, ids.len())));
    };
    if ids.len() > agreed {
        return Err(Problem::invalid(&format!(
            "It is now {} operations, more than the {agreed} that were agreed. Nothing was done.",
            ids.len()
        )));
    }
    let report = act::operate(state, caller, verb, (&ids, why)).await?;
    let note = format!("{} changed, {} had moved on", report.done, report.skipped);
    let body = html! {
        h1 { "Done" }
        p.verdict.healthy role="status" { (badge("done")) " " (note) "." }
        p { a href={ "/queue?" (query(&filter.pairs())) } { "Back to the queue" } }
    };
    Ok(layout::answer(caller, "Done", "/queue", &body))
}

fn confirm(caller: &Caller, fields: &[(String, String)], (verb, count): (Verb, usize)) -> Response {
    let is_filter = fields
        .iter()
        .any(|(key, value)| key == "scope" && value == "filter");
    let body = html! {
        h1 { (verb.as_str()) " " (count) " operations?" }
        @if count == 0 { p { "None fits: nothing was selected, or this cannot be done in their state." } }
        @else {
            p { "This will " (verb.as_str()) " " strong { (count) } @if is_filter {
                " operations, all that fit the filter" } @else { " selected operations" }
                    ". Running ones are left alone." }
            form method="post" action="/queue/act" {
                @for (key, value) in fields { input type="hidden" name=(key) value=(value); }
                input type="hidden" name="agreed" value=(count);
                @if !fields.iter().any(|(key, _)| key == "csrf") { (csrf(caller)) }
                button.primary { "Yes, " (verb.as_str()) " " (count) }
            }
        }
        p { a href="/queue" { "No, back to the queue" } }
    };
    layout::answer(caller, "Confirm", "/queue", &body)
}

/// `GET /queue/{id}`.
pub(crate) async fn one(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Response {
    match detail(&state, &caller, &OperationId(id)).await {
        Ok(Some(body)) => layout::answer(&caller, "Operation", "", &body),
        Ok(None) => Problem::not_found("operation").page(Some(&caller)),
        Err(error) => Problem::from(error).page(Some(&caller)),
    }
}

async fn detail(state: &State, caller: &Caller, id: &OperationId) -> store::Result<Option<Markup>> {
    let Some(operation) = state.store.operation(id).await? else {
        return Ok(None);
    };
    let mut attempts = state.store.attempts(id).await?;
    attempts.reverse();
    Ok(Some(html! {
        h1 { "Operation" } p { code { (operation.id) } " " (badge(operation.state.as_str())) }
        dl {
            dt { "Looks at" } dd { (operation.subject) }
            @if let Some(entity) = &operation.entity { dt { "Item" } dd { a href={ "/item/" (entity) } { "explain" } } }
            dt { "Because" } dd { (operation.reason) }
            dt { "Priority" } dd { (operation.priority) }
            dt { "Queued" } dd { (time(operation.created_at)) }
            dt { "Not before" } dd { (time(operation.not_before)) }
            dt { "Why it waits or ended" } dd { (why(&operation)) }
            @if let Some(failure) = &operation.failure { dt { "What you can do" } dd { (failure.remedy) " " code {
                (failure.code) } } }
        }
        @if is_operator(caller) {
            form.row method="post" action="/queue/act" {
                (csrf(caller))
                input type="hidden" name="id" value=(operation.id);
                input type="hidden" name="agreed" value="1";
                label { "Reason" input name="reason" maxlength="200"; }
                @for (verb, words) in VERBS {
                    @if Verb::parse(verb, None).is_some_and(|verb| verb.fits(operation.state)) { button name="verb"
                        value=(verb) { (words) } } }
            }
        }
        h2 { "Attempts, newest first" }
        @if attempts.is_empty() { p { "None yet." } }
        ol.steps { @for attempt in &attempts { li {
            "Attempt " (attempt.number) " " (badge(attempt.result.as_str())) " " (time(attempt.started_at)) ", "
                (span(attempt.ended_at.since_ms(attempt.started_at)))
            @if let Some(failure) = &attempt.failure { ": " (failure.message) " " code { (failure.code) } }
        } } }
    }))
}
