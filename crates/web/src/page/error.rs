//! Errors: groups by cause, with their trend, and what people said about them.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Form, Query, State as Shared};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use model::{Cause, Class, Origin, System, Timestamp};
use serde::Deserialize;
use store::ErrorGroup;

use super::layout::{self, badge, csrf, is_operator, time};
use super::table::{Cell, Format, Table, export_links};
use crate::access::Caller;
use crate::act::{self, Note};
use crate::problem::Problem;
use crate::state::State;

const HOUR_MS: i64 = 3_600_000;
const GROUPS_MAX: usize = 200;

#[derive(Deserialize)]
pub(crate) struct Wanted {
    format: Option<String>,
}

/// Where a group stands: open, muted or resolved.
pub(crate) fn standing(group: &ErrorGroup, now: Timestamp) -> &'static str {
    if group.resolved_at.is_some() {
        "resolved"
    } else if group.muted_until.is_some_and(|until| until > now) {
        "muted"
    } else {
        "open"
    }
}

/// `GET /errors`.
pub(crate) async fn list(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Query(wanted): Query<Wanted>,
) -> Response {
    match show(&state, &caller, Format::parse(wanted.format.as_deref())).await {
        Ok(response) => response,
        Err(error) => Problem::from(error).page(Some(&caller)),
    }
}

async fn show(state: &State, caller: &Caller, format: Format) -> store::Result<Response> {
    let now = state.stamp.now();
    let groups = state.store.error_groups(GROUPS_MAX).await?;
    let from = now.plus_ms(-24 * HOUR_MS);
    let mut trend: BTreeMap<String, [u64; 24]> = BTreeMap::new();
    for tally in state.store.tallies(from, now, None).await? {
        if let Some(name) = tally.name.strip_prefix("failure:") {
            let hour = usize::try_from(tally.hour.since_ms(from) / HOUR_MS).unwrap_or(0);
            if let Some(slot) = trend.entry(name.to_owned()).or_default().get_mut(hour) {
                *slot += tally.count;
            }
        }
    }
    let table = table(&groups, (&trend, now), caller);
    if format != Format::Page {
        return Ok(table.export(format, "errors"));
    }
    let empty = html! { p { "No failure yet. Failures of one cause stand together here, with how often they were seen, since when, and what to do." } };
    let body = html! {
        h1 { "Errors by cause" }
        div data-live="groups" id="groups" { (table.markup(&empty)) }
        (export_links("/errors", ""))
    };
    Ok(layout::answer(caller, "Errors", "/errors", &body))
}

fn table(
    groups: &[ErrorGroup],
    (trend, now): (&BTreeMap<String, [u64; 24]>, Timestamp),
    caller: &Caller,
) -> Table {
    let rows = groups.iter().map(|group| {
        let (cause, class) = (&group.cause, group.class);
        let name = format!("{}:{}:{}", cause.code, cause.system_name(), cause.kind_name());
        let hours = trend.get(&name).copied().unwrap_or_default();
        let standing = standing(group, now);
        vec![
            Cell::with(cause.code.as_str(), html! { code { (cause.code) } }),
            Cell::with(class.as_str(), html! { (badge(class.as_str())) br; span.hint { (nature(class)) } }),
            Cell::text(&place(cause)),
            Cell::text(origin(cause.origin(class))),
            Cell::with(group.message.as_str(), html! { (group.message) br; span.hint { (group.remedy) } }),
            Cell::number(group.entries),
            Cell::with(hours.iter().sum::<u64>(), spark(&hours)),
            Cell::time(group.first_at),
            Cell::time(group.last_at),
            Cell::with(standing, html! {
                (badge(standing))
                @if !group.noted_by.is_empty() { br; span.hint { (group.noted_by) ": " (group.noted_why) } }
                @if let (Some(until), "muted") = (group.muted_until, standing) { br; "until " (time(until)) }
                @if is_operator(caller) { (buttons(caller, group, standing)) }
            }),
        ]
    });
    Table {
        caption: "Failures by cause",
        columns: vec![
            ("code", "Cause"),
            ("class", "Class"),
            ("place", "Where"),
            ("origin", "Comes from"),
            ("message", "Last words"),
            ("seen", "Seen"),
            ("day", "24 hours"),
            ("first", "First seen"),
            ("last", "Last seen"),
            ("standing", "Standing"),
        ],
        rows: rows.collect(),
    }
}

/// What happens by itself.
pub(crate) fn nature(class: Class) -> &'static str {
    if class.is_retried() {
        "transient: tried again by itself"
    } else {
        "permanent: needs somebody"
    }
}

/// Who can mend it.
fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Ours => "our side",
        Origin::Canvas => "Canvas",
        Origin::Discourse => "Discourse",
        Origin::Network => "the network",
    }
}

/// A kind and a system, as far as they are known.
fn place(cause: &Cause) -> String {
    match (cause.kind, cause.system.map(System::title)) {
        (Some(kind), Some(system)) => format!("{} in {system}", kind.as_str()),
        (Some(kind), None) => kind.as_str().to_owned(),
        (None, Some(system)) => system.to_owned(),
        (None, None) => "here".to_owned(),
    }
}

fn buttons(caller: &Caller, group: &ErrorGroup, standing: &str) -> Markup {
    let cause = &group.cause;
    html! {
        p { a href={ "/queue?code=" (cause.code) } { "Its operations" } }
        details {
            summary { "Mute or resolve" }
            form.stack method="post" action="/errors/note" {
                (csrf(caller))
                input type="hidden" name="code" value=(cause.code);
                input type="hidden" name="system" value=(cause.system_name());
                input type="hidden" name="kind" value=(cause.kind_name());
                label { "Reason" input name="reason" required maxlength="200"; }
                label { "Hours" input name="hours" type="number" min="1" max="2160" value="24"; }
                button name="verb" value="mute" { "Mute " (cause.code) }
                @if standing == "open" { button name="verb" value="resolve" { "Resolve " (cause.code) } }
                @else { button name="verb" value="open" { "Count again" } }
            }
        }
    }
}

/// A small plot of 24 hours.
fn spark(hours: &[u64; 24]) -> Markup {
    let highest = hours.iter().copied().max().unwrap_or(0).max(1);
    let total: u64 = hours.iter().sum();
    html! {
        svg.spark viewBox="0 0 96 20" width="96" height="20" role="img" aria-label={ (total) " in the last 24 hours" } {
            @for (hour, count) in hours.iter().enumerate() {
                @let height = (count * 18).div_ceil(highest);
                rect x=(hour * 4) y=(20 - height) width="3" height=(height) {}
            }
        }
        " " (total)
    }
}

#[derive(Deserialize)]
pub(crate) struct NoteForm {
    code: String,
    system: String,
    #[serde(default)]
    kind: String,
    verb: String,
    hours: Option<u32>,
    reason: String,
}

/// Reads a verb: mute, resolve or open.
pub(crate) fn parse_note(verb: &str, hours: Option<u32>) -> Option<Note> {
    Some(match verb {
        "mute" => Note::Mute(hours.unwrap_or(24)),
        "resolve" => Note::Resolve,
        "open" => Note::Open,
        _ => return None,
    })
}

/// `POST /errors/note`.
pub(crate) async fn note(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<NoteForm>,
) -> Response {
    let Some(note) = parse_note(&form.verb, form.hours) else {
        return Problem::invalid("There is no such act.").page(Some(&caller));
    };
    let Some(cause) = Cause::parse(&form.code, &form.system, &form.kind) else {
        return Problem::invalid("There is no such system or kind.").page(Some(&caller));
    };
    let done = act::note(&state, &caller, &cause, (note, &form.reason)).await;
    match done {
        Ok(()) => Redirect::to("/errors").into_response(),
        Err(error) => Problem::from(error).page(Some(&caller)),
    }
}
