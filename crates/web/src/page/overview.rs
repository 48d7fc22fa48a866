//! Performance, Audit and Setup.

use axum::Extension;
use axum::extract::{Query, State as Shared};
use axum::response::Response;
use maud::{Markup, html};
use model::{System, Timestamp};
use serde::Deserialize;
use store::{ChainCheck, Run};

use super::chart::{self, Plot};
use super::layout::{self, badge, span, time};
use super::table::{Cell, Format, Table, export_links, older, query};
use crate::access::Caller;
use crate::problem::Problem;
use crate::state::State;
use crate::summary::Summary;

const HOUR_MS: i64 = 3_600_000;
/// How many runs percentiles are taken of.
const SAMPLE: usize = 2_000;

/// The value below which a share of the runs lies, in milliseconds.
pub(crate) fn percentile(runs: &[Run], percent: usize) -> Option<i64> {
    let mut took: Vec<i64> = runs.iter().map(|run| run.took_ms).collect();
    took.sort_unstable();
    let last = took.len().checked_sub(1)?;
    took.get(last * percent.min(100) / 100).copied()
}

/// `GET /performance`.
pub(crate) async fn performance(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Query(wanted): Query<Wanted>,
) -> Response {
    match performance_body(&state, Format::parse(wanted.format.as_deref())).await {
        Ok(Ok(body)) => layout::answer(&caller, "Performance", "/performance", &body),
        Ok(Err(export)) => export,
        Err(error) => Problem::from(error).page(Some(&caller)),
    }
}

#[derive(Deserialize)]
pub(crate) struct Wanted {
    format: Option<String>,
    who: Option<String>,
    before: Option<i64>,
    check: Option<String>,
}

async fn performance_body(
    state: &State,
    format: Format,
) -> store::Result<Result<Markup, Response>> {
    let now = state.stamp.now();
    let summary = Summary::everything(state).await?;
    let runs = state.store.recent_runs(SAMPLE).await?;
    let delays = state.store.recent_delays(SAMPLE).await?;
    let until = now.0.div_euclid(HOUR_MS) * HOUR_MS + HOUR_MS;
    let from = until - 48 * HOUR_MS;
    let tallies = state
        .store
        .tallies(Timestamp(from), Timestamp(until), None)
        .await?;
    let mut bars = std::collections::BTreeMap::new();
    for tally in tallies {
        let series = match tally.name.as_str() {
            "create" | "edit" | "delete" | "restore" => 0_usize,
            "changed" | "deleted" | "restored" => 1,
            _ => continue,
        };
        let bar: &mut Vec<u64> = bars.entry(tally.hour.0).or_insert_with(|| vec![0, 0]);
        if let Some(slot) = bar.get_mut(series) {
            *slot += tally.count;
        }
    }
    let bars: Vec<_> = bars.into_iter().collect();
    let slowest = slowest(&summary);
    if format != Format::Page {
        return Ok(Err(slowest.export(format, "performance")));
    }
    let plot = Plot {
        label: "Writes and seen changes by hour",
        series: &["our writes", "changes seen"],
        bars: &bars,
        range: (from, until),
        step_ms: HOUR_MS,
    };
    let show =
        |runs: &[Run], percent| percentile(runs, percent).map_or_else(|| "–".to_owned(), span);
    let per_minute = rate(&delays, now);
    let open: u64 = summary.waiting.iter().map(|row| row.count).sum();
    Ok(Ok(html! {
        h1 { "Performance" }
        div.cards data-live="figures" id="figures" {
            section.card { h2 { "From queued to done" } dl { @for percent in [50, 95, 99] { dt { "p" (percent) }
                dd { (show(&delays, percent)) } } } }
            section.card { h2 { "One run" } dl { @for percent in [50, 95, 99] { dt { "p" (percent) } dd {
                (show(&runs, percent)) } } } }
            section.card { h2 { "Throughput" } p { strong { (per_minute) }
                " operations a minute in the last ten minutes." }
                p { @if let Some(minutes) = open.checked_div(per_minute) { "At this pace the " (open)
                    " that wait are done in " (span(i64::try_from(minutes).unwrap_or(0) * 60_000)) "." }
                    @else { (open) " wait." } } }
        }
        p.hint { "Percentiles of the newest " (delays.len()) " ended operations and " (runs.len()) " runs." }
        section { h2 { "The last 48 hours" } (chart::bars(&plot, None)) }
        section { h2 { "Slowest courses" } (slowest.markup(&html! { p { "Nothing waits." } }))
            (export_links("/performance", "")) }
    }))
}

/// Operations ended in a minute, over the last ten.
fn rate(delays: &[Run], now: Timestamp) -> u64 {
    let recent = delays
        .iter()
        .filter(|run| now.since_ms(run.ended_at) < 600_000)
        .count();
    u64::try_from(recent).unwrap_or(0) / 10
}

fn slowest(summary: &Summary) -> Table {
    let mut rows: Vec<_> = summary
        .courses
        .iter()
        .filter_map(|course| Some((course.lag_ms(summary.at)?, course)))
        .collect();
    rows.sort_by_key(|(lag, _)| std::cmp::Reverse(*lag));
    let rows = rows.into_iter().take(50).map(|(lag, course)| {
        vec![
            Cell::link(&course.name, &format!("/course/{}", course.id)),
            Cell::with(lag, html! { (span(lag)) }),
            Cell::number(course.queued()),
        ]
    });
    Table {
        caption: "Courses by how long their oldest change waits",
        columns: vec![
            ("course", "Course"),
            ("lag_ms", "Oldest change waits"),
            ("waiting", "Operations"),
        ],
        rows: rows.collect(),
    }
}

/// `GET /audit`.
pub(crate) async fn audit(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Query(wanted): Query<Wanted>,
) -> Response {
    match audit_page(&state, &caller, &wanted).await {
        Ok(response) => response,
        Err(error) => Problem::from(error).page(Some(&caller)),
    }
}

async fn audit_page(state: &State, caller: &Caller, wanted: &Wanted) -> store::Result<Response> {
    let format = Format::parse(wanted.format.as_deref());
    let who = wanted.who.as_deref().filter(|who| !who.is_empty());
    let lines = state
        .store
        .audit(who, wanted.before, format.limit())
        .await?;
    let rows = lines.iter().map(|line| {
        let entry = &line.entry;
        vec![
            Cell::with(line.number, html! { (line.number) }),
            Cell::time(entry.at),
            Cell::text(&entry.who),
            Cell::text(&entry.act),
            Cell::text(&entry.subject),
            Cell::text(&entry.why),
            Cell::text(&entry.origin),
            Cell::badge(&entry.result),
        ]
    });
    let table = Table {
        caption: "Who did what",
        columns: vec![
            ("number", "Line"),
            ("at", "When"),
            ("who", "Who"),
            ("act", "What"),
            ("subject", "To what"),
            ("why", "Why"),
            ("origin", "From where"),
            ("result", "Result"),
        ],
        rows: rows.collect(),
    };
    if format != Format::Page {
        return Ok(table.export(format, "audit"));
    }
    let chain = match wanted.check {
        Some(_) => Some(state.store.check_audit().await?),
        None => None,
    };
    let query = query(&[("who", who)]);
    let last = lines.last().map(|line| line.number.to_string());
    let body = html! {
        h1 { "Audit" }
        form.row.filters method="get" action="/audit" role="search" aria-label="Filter the audit log" {
            label { "Who" input name="who" value=(who.unwrap_or_default()); } button { "Filter" }
            button name="check" value="1" { "Verify the chain" }
        }
        @match chain {
            Some(ChainCheck::Whole(count)) => p.verdict.healthy role="status" { (badge("healthy")) " All " (count)
                " lines are there and unchanged." },
            Some(ChainCheck::Broken(line)) => p.alert role="alert" { "The chain breaks at line " (line)
                ": it was changed or taken out." },
            None => {},
        }
        (table.markup(&html! { p { "Nobody did anything yet." } }))
        (older("/audit", &query, last.as_deref(), lines.len() == format.limit()))
        (export_links("/audit", &query))
    };
    Ok(layout::answer(caller, "Audit", "/audit", &body))
}

/// `GET /setup`.
pub(crate) async fn setup(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let rows = state.site.settings.iter().map(|(key, value)| {
        vec![
            Cell::with(key.as_str(), html! { code { (key) } }),
            Cell::text(value),
        ]
    });
    let table = Table {
        caption: "Configuration",
        columns: vec![("key", "Key"), ("value", "Value")],
        rows: rows.collect(),
    };
    let format = Format::parse(wanted.format.as_deref());
    if format != Format::Page {
        return table.export(format, "setup");
    }
    let mut events = Vec::new();
    for system in System::REMOTE {
        match state.store.last_event(system).await {
            Ok(at) => events.push((system, at)),
            Err(error) => return Problem::from(error).page(Some(&caller)),
        }
    }
    let messages = match super::message::section(&state, &caller).await {
        Ok(section) => section,
        Err(error) => return Problem::from(error).page(Some(&caller)),
    };
    let body = html! {
        h1 { "Setup" }
        p { "The configuration file decides; change it there and start again. " code { "antiphon config check" }
            " checks it without connecting." }
        section { h2 { "Webhooks" } ul {
            @for (system, at) in &events { li { (system.title()) ": " code { "/webhook/" (system) } ", "
                @match at { Some(at) => { "last delivery " (time(*at)) },
                    None => "no delivery yet: changes are found by asking" } } }
        } }
        (messages)
        section { h2 { "Configuration" } (table.markup(&html! { p { "Nothing is configured." } }))
            (export_links("/setup", "")) }
        section { h2 { "Accounts and tokens" } p { code {
            "antiphon user add NAME --role viewer|operator|admin|teacher" } " and " code {
                "antiphon token create LABEL --role viewer" } " on the command line." } }
    };
    layout::answer(&caller, "Setup", "/setup", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_a_sample() {
        let runs: Vec<Run> = (1..=100)
            .map(|ms| Run {
                took_ms: ms,
                ended_at: Timestamp(0),
            })
            .collect();
        assert_eq!(percentile(&runs, 50), Some(50));
        assert_eq!(percentile(&runs, 99), Some(99));
        assert_eq!(percentile(&runs, 100), Some(100));
        assert_eq!(percentile(&[], 50), None);
    }
}
