//! History: what changed, when, from which side, by which rule; with a timeline that zooms.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Query, State as Shared};
use axum::response::Response;
use maud::{Markup, html};
use model::{EntityId, System, Timestamp};
use serde::Deserialize;
use store::{HistoryEntry, HistorySearch, Tally};

use super::chart::{self, Bar, Plot};
use super::layout::{self, badge, time};
use super::table::{Cell, Format, Table, export_links, older, query};
use crate::access::Caller;
use crate::problem::Problem;
use crate::state::State;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// The actions that the filter offers.
const ACTIONS: &[&str] = &[
    "changed",
    "create",
    "edit",
    "delete",
    "restore",
    "deleted",
    "restored",
    "echo",
    "conflict",
    "decided",
    "local_edit",
    "held",
    "failed",
];

/// The filters in the address.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Filter {
    pub(crate) course: Option<String>,
    pub(crate) entity: Option<String>,
    pub(crate) thread: Option<String>,
    pub(crate) action: Option<String>,
    pub(crate) system: Option<String>,
    pub(crate) result: Option<String>,
    pub(crate) from: Option<i64>,
    pub(crate) until: Option<i64>,
    pub(crate) before: Option<String>,
    pub(crate) format: Option<String>,
}

fn set(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

impl Filter {
    /// The search, limited to what the caller may see; `None` when that is nothing.
    pub(crate) fn search(&self, caller: &Caller, limit: usize) -> Option<HistorySearch> {
        let mut course = set(self.course.as_ref()).map(EntityId::from);
        let (mut entity, mut thread) = (
            set(self.entity.as_ref()).map(EntityId::from),
            set(self.thread.as_ref()).map(EntityId::from),
        );
        if let Some(own) = caller.limit() {
            course = course.or_else(|| own.first().cloned());
            if !course.as_ref().is_some_and(|course| own.contains(course)) {
                return None;
            }
            // A thread of another course must not be asked for by its id.
            (entity, thread) = (None, None);
        }
        Some(HistorySearch {
            entity,
            thread,
            course,
            action: set(self.action.as_ref()).map(str::to_owned),
            system: self.system.as_deref().and_then(System::parse),
            is_failed: self.result.as_deref() == Some("failed"),
            from: self.from.map(Timestamp),
            until: self.until.map(Timestamp),
            before: set(self.before.as_ref()).map(str::to_owned),
            limit,
        })
    }

    fn query(&self, times: Option<(i64, i64)>) -> String {
        let times = times.or(self.from.zip(self.until));
        let (from, until) = (
            times.map(|t| t.0.to_string()),
            times.map(|t| t.1.to_string()),
        );
        query(&[
            ("course", self.course.as_deref()),
            ("entity", self.entity.as_deref()),
            ("thread", self.thread.as_deref()),
            ("action", self.action.as_deref()),
            ("system", self.system.as_deref()),
            ("result", self.result.as_deref()),
            ("from", from.as_deref()),
            ("until", until.as_deref()),
        ])
    }
}

/// `GET /history`.
pub(crate) async fn list(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Query(filter): Query<Filter>,
) -> Response {
    let format = Format::parse(filter.format.as_deref());
    let Some(search) = filter.search(&caller, format.limit()) else {
        return Problem::not_found("course").page(Some(&caller));
    };
    match show(&state, &caller, (&filter, &search), format).await {
        Ok(response) => response,
        Err(error) => Problem::from(error).page(Some(&caller)),
    }
}

async fn show(
    state: &State,
    caller: &Caller,
    (filter, search): (&Filter, &HistorySearch),
    format: Format,
) -> store::Result<Response> {
    let entries = state.store.search_history(search).await?;
    let table = table(&entries);
    if format != Format::Page {
        return Ok(table.export(format, "history"));
    }
    let timeline = timeline(state, (filter, search)).await?;
    let courses = crate::page::block::courses(state, caller).await?;
    let query = filter.query(None);
    let last = entries.last().map(|entry| entry.id.as_str());
    let empty = html! { p {
    "Nothing fits the filter. An entry says what was seen or written, where, and by which operation." } };
    let body = html! {
        h1 { "History" }
        (filter_form(filter, &courses))
        section { h2 { "Timeline" } (timeline) p.hint { "Click a bar to zoom in. " a href={ "/history?"
            (Filter { from: None, until: None, ..filter.clone() }.query(None)) } { "Zoom out" } } }
        section data-live="entries" id="entries" {
            h2 { "Entries" }
            (table.markup(&empty))
        }
        (older("/history", &query, last, entries.len() == format.limit()))
        (export_links("/history", &query))
    };
    Ok(layout::answer(caller, "History", "/history", &body))
}

fn filter_form(filter: &Filter, courses: &[(EntityId, String)]) -> Markup {
    html! {
        form.row.filters method="get" action="/history" role="search" aria-label="Filter the history" {
            label { "Course" select name="course" {
                option value="" { "all" }
                @for (id, name) in courses { option value=(id)
                    selected[set(filter.course.as_ref()) == Some(id.as_str())] { (name) } }
            } }
            label { "Action" select name="action" {
                option value="" { "all" }
                @for action in ACTIONS { option value=(action)
                    selected[set(filter.action.as_ref()) == Some(*action)] { (action.replace('_', " ")) } }
            } }
            label { "Side" select name="system" {
                option value="" { "all" }
                @for system in System::ALL { option value=(system)
                    selected[set(filter.system.as_ref()) == Some(system.as_str())] { (system.title()) } }
            } }
            label { "Result" select name="result" {
                option value="" { "all" }
                option value="failed" selected[filter.result.as_deref() == Some("failed")] { "failed" }
            } }
            @if let Some(thread) = set(filter.thread.as_ref()) { input type="hidden" name="thread" value=(thread); }
            @if let (Some(from), Some(until)) = (filter.from, filter.until) {
                input type="hidden" name="from" value=(from); input type="hidden" name="until" value=(until);
                span.hint { (time(Timestamp(from))) " to " (time(Timestamp(until))) }
            }
            button { "Filter" }
        }
    }
}

fn table(entries: &[HistoryEntry]) -> Table {
    let rows = entries.iter().map(|entry| {
        let entity = entry.entity.as_ref().map_or("", EntityId::as_str);
        let code = entry.failure.as_ref().map_or("", |failure| failure.code.as_str());
        vec![
            Cell::time(entry.at),
            Cell::badge(&entry.action),
            Cell::text(entry.system.map_or("", System::title)),
            Cell::text(&entry.text),
            Cell::with(code, html! { @if let Some(failure) = &entry.failure { (badge(failure.class.as_str())) " " code { (failure.code) } } }),
            Cell::with(entity, html! { @if !entity.is_empty() { a href={ "/item/" (entity) } { "explain" } } }),
        ]
    });
    Table {
        caption: "Entries of the journal",
        columns: vec![
            ("at", "When"),
            ("action", "Action"),
            ("system", "Side"),
            ("text", "What"),
            ("code", "Failure"),
            ("entity", "Item"),
        ],
        rows: rows.collect(),
    }
}

/// The newest entries as a list.
pub(crate) fn short(entries: &[HistoryEntry]) -> Markup {
    html! {
        @if entries.is_empty() { p { "Nothing has happened yet." } }
        ol.steps { @for entry in entries { li { (time(entry.at)) " " (entry.text) } } }
    }
}

/// The stretch of time of the plot and the width of its bars; the last week without a wish.
fn scale(filter: &Filter, now: Timestamp, is_thread: bool) -> (i64, i64, i64) {
    let hour_end = now.0.div_euclid(HOUR_MS) * HOUR_MS + HOUR_MS;
    let until = filter.until.unwrap_or(hour_end);
    let week = until.saturating_sub(7 * DAY_MS);
    let from = filter
        .from
        .unwrap_or(week)
        .min(until.saturating_sub(60_000));
    let span = until.saturating_sub(from);
    let step = if span <= HOUR_MS {
        60_000
    } else if span <= 2 * HOUR_MS || (is_thread && span <= DAY_MS) {
        10 * 60_000
    } else if span <= DAY_MS {
        HOUR_MS
    } else if span <= 8 * DAY_MS {
        2 * HOUR_MS
    } else if span <= 62 * DAY_MS {
        DAY_MS
    } else {
        // Never more than some hundred bars, whatever stretch is asked for.
        (span / 300).max(7 * DAY_MS)
    };
    (from, until, step)
}

async fn timeline(
    state: &State,
    (filter, search): (&Filter, &HistorySearch),
) -> store::Result<Markup> {
    let is_thread = search.entity.is_some() || search.thread.is_some();
    let (from, until, step) = scale(filter, state.stamp.now(), is_thread);
    let slot = |at: i64| from + (at - from).div_euclid(step) * step;
    let bars = if is_thread || step < HOUR_MS {
        let search = HistorySearch {
            from: Some(Timestamp(from)),
            until: Some(Timestamp(until)),
            before: None,
            // Finer than an hour: from the entries themselves, bounded.
            limit: 5_000,
            ..search.clone()
        };
        entry_bars(&state.store.search_history(&search).await?, slot)
    } else {
        let first = Timestamp(from.div_euclid(HOUR_MS) * HOUR_MS);
        let course = search.course.as_ref();
        let tallies = state.store.tallies(first, Timestamp(until), course).await?;
        tally_bars(&tallies, search, |at| slot(at.max(from)))
    };
    let bars: Vec<Bar> = bars
        .into_iter()
        .map(|(at, parts)| (at, parts.to_vec()))
        .collect();
    let plot = Plot {
        label: "Journal entries over time",
        series: &["changes and writes", "conflicts", "failures"],
        bars: &bars,
        range: (from, until),
        step_ms: step,
    };
    let zoom = |from, until| format!("/history?{}", filter.query(Some((from, until))));
    Ok(chart::bars(&plot, Some(&zoom)))
}

type Bars = BTreeMap<i64, [u64; 3]>;

fn entry_bars(entries: &[HistoryEntry], slot: impl Fn(i64) -> i64) -> Bars {
    let mut bars = Bars::new();
    for entry in entries {
        let series = series(&entry.action, entry.failure.is_some());
        add(&mut bars, slot(entry.at.0), series, 1);
    }
    bars
}

fn tally_bars(tallies: &[Tally], search: &HistorySearch, slot: impl Fn(i64) -> i64) -> Bars {
    let mut bars = Bars::new();
    for tally in tallies {
        let is_failure = tally.name.starts_with("failure:");
        let is_wanted = match &search.action {
            Some(action) => *action == tally.name,
            None => is_failure || !search.is_failed,
        };
        if is_wanted {
            let series = series(&tally.name, is_failure);
            add(&mut bars, slot(tally.hour.0), series, tally.count);
        }
    }
    bars
}

fn series(action: &str, is_failure: bool) -> usize {
    match action {
        _ if is_failure => 2,
        "conflict" | "decided" => 1,
        _ => 0,
    }
}

fn add(bars: &mut Bars, at: i64, series: usize, count: u64) {
    if let Some(bar) = bars.entry(at).or_default().get_mut(series) {
        *bar += count;
    }
}
