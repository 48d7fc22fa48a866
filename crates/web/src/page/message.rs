//! The messages to those who run the service, on the Setup page: which channels there are, how the newest fared, a
//! button to try them.

use axum::Extension;
use axum::extract::{Json, Query, State as Shared};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use model::Notice;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Change, DeskChange, OutboxLine, OutboxState};

use super::layout::{csrf, is_operator};
use super::table::{Cell, Table};
use crate::access::Caller;
use crate::change::ChangeError;
use crate::json::message_json;
use crate::problem::Problem;
use crate::state::State;

/// How many messages the page shows.
const SHOWN: usize = 10;
const LISTED_MAX: usize = 500;

/// The section of the Setup page.
pub(crate) async fn section(state: &State, caller: &Caller) -> store::Result<Markup> {
    let lines = state.store.outbox(SHOWN).await?;
    let channels = &state.site.channels;
    let has_proof = lines.iter().any(|line| line.state == OutboxState::Sent);
    Ok(html! {
        section { h2 { "Notifications" }
            @if channels.is_empty() {
                p.alert { "Nobody is told when something fails. Configure a channel: " code { "[notify]" } "." }
            } @else {
                p { "Channels: " (channels.join(", ")) "." }
                @if !has_proof { p.alert { "No message has arrived lately: try the channels." } }
                @if is_operator(caller) {
                    form method="post" action="/setup/notify-test" { (csrf(caller)) button { "Send a test message" } }
                }
            }
            @if !lines.is_empty() { (table(&lines).markup(&html! {})) }
        }
    })
}

fn table(lines: &[OutboxLine]) -> Table {
    let rows = lines.iter().map(|line| {
        let about = serde_json::from_str::<Notice>(&line.body);
        let about = about.map_or_else(
            |_| "unreadable".to_owned(),
            |notice| format!("{} {}", notice.cause, notice.kind.as_str()),
        );
        vec![
            Cell::time(line.created_at),
            Cell::text(&line.channel),
            Cell::text(&about),
            Cell::badge(line.state.as_str()),
            Cell::number(u64::from(line.attempts)),
            Cell::text(&line.failure),
        ]
    });
    Table {
        caption: "The newest messages",
        columns: vec![
            ("at", "When"),
            ("channel", "Channel"),
            ("about", "About"),
            ("state", "State"),
            ("attempts", "Tries"),
            ("failure", "Why not"),
        ],
        rows: rows.collect(),
    }
}

/// Puts a test message for each channel into the outbox; returns how many.
async fn try_channels(state: &State, caller: &Caller) -> Result<usize, ChangeError> {
    let now = state.stamp.now();
    let mut changes = Vec::new();
    for channel in &state.site.channels {
        let id = state.stamp.id();
        let notice = Notice::test(id.clone(), now);
        changes.push(Change::Desk(DeskChange::Post(OutboxLine {
            id,
            channel: channel.clone(),
            body: serde_json::to_string(&notice).unwrap_or_default(),
            state: OutboxState::Pending,
            attempts: 0,
            next_at: now,
            failure: String::new(),
            created_at: now,
            ended_at: None,
        })));
    }
    let count = changes.len();
    if count == 0 {
        return Err(ChangeError::Refused("No channel is configured.".to_owned()));
    }
    let entry = caller.audit(state, "notify test", &state.site.channels.join(" "), "");
    changes.push(Change::Desk(DeskChange::Audit(entry)));
    state.store.commit(changes).await?;
    Ok(count)
}

/// `POST /setup/notify-test`.
pub(crate) async fn test(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
) -> Response {
    match try_channels(&state, &caller).await {
        Ok(_) => Redirect::to("/setup").into_response(),
        Err(error) => Problem::from(error).page(Some(&caller)),
    }
}

/// `POST /api/v1/notifications/test`.
pub(crate) async fn test_api(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, Problem> {
    let count = try_channels(&state, &caller).await?;
    Ok(Json(json!({ "queued": count })))
}

#[derive(Deserialize)]
pub(crate) struct Limit {
    limit: Option<usize>,
}

/// `GET /api/v1/notifications`.
pub(crate) async fn list_api(
    Shared(state): Shared<State>,
    Query(query): Query<Limit>,
) -> Result<Json<Value>, Problem> {
    let limit = query.limit.unwrap_or(100).clamp(1, LISTED_MAX);
    let found = state.store.outbox(limit).await?;
    let rows: Vec<Value> = found.iter().map(message_json).collect();
    Ok(Json(json!({ "notifications": rows, "next": null })))
}
