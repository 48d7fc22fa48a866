//! The status page: how things stand, without anybody's words.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::Html;
use model::{ConflictState, Kind, Status};
use store::{ConflictFilter, HistoryFilter, OperationFilter, OperationState};

use crate::state::State;

const STYLE: &str = include_str!("page.css");

/// `GET /`.
pub(crate) async fn status(
    Shared(state): Shared<State>,
) -> Result<Html<String>, (StatusCode, &'static str)> {
    render(&state).await.map(Html).map_err(|error| {
        tracing::error!(error = %error, "the status page could not be read");
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the database does not answer\n",
        )
    })
}

async fn render(state: &State) -> Result<String, store::Error> {
    let mut body = String::new();
    counts(state, &mut body).await?;
    attention(state, &mut body).await?;
    recent(state, &mut body).await?;
    Ok(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta http-equiv=\"refresh\" content=\"5\"><title>Antiphon</title><style>{STYLE}</style></head>\
         <body><header><h1>Antiphon</h1><p>Canvas, Discourse and the local database, in step.</p></header>\
         <main>{body}</main></body></html>"
    ))
}

async fn counts(state: &State, body: &mut String) -> Result<(), store::Error> {
    let mut table: BTreeMap<Kind, BTreeMap<Status, u64>> = BTreeMap::new();
    for row in state.store.entity_status_counts().await? {
        table
            .entry(row.kind)
            .or_default()
            .insert(row.status, row.count);
    }
    body.push_str("<section><h2>What is kept in step</h2>");
    if table.is_empty() {
        body.push_str(
            "<p>Nothing yet. The first look at the courses fills this table.</p></section>",
        );
        return Ok(());
    }
    body.push_str("<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Kind</th>");
    for status in Status::ALL {
        push(
            body,
            format_args!("<th scope=\"col\">{}</th>", label(status)),
        );
    }
    body.push_str("</tr></thead><tbody>");
    for (kind, by_status) in &table {
        push(body, format_args!("<tr><th scope=\"row\">{kind}s</th>"));
        for status in Status::ALL {
            let count = by_status.get(&status).copied().unwrap_or(0);
            let class = if count > 0 { status.as_str() } else { "none" };
            push(body, format_args!("<td class=\"{class}\">{count}</td>"));
        }
        body.push_str("</tr>");
    }
    body.push_str("</tbody></table></div></section>");
    Ok(())
}

fn label(status: Status) -> &'static str {
    match status {
        Status::InSync => "In sync",
        Status::Pending => "Waiting",
        Status::Conflict => "Conflict",
        Status::Held => "Held",
        Status::Failed => "Failed",
        Status::Skipped => "Skipped",
    }
}

async fn attention(state: &State, body: &mut String) -> Result<(), store::Error> {
    body.push_str("<section><h2>What needs a person</h2><ul>");
    let start = body.len();
    let open = ConflictFilter {
        state: Some(ConflictState::Open),
        limit: 20,
        ..ConflictFilter::default()
    };
    for conflict in state.store.conflicts(&open).await? {
        push(
            body,
            format_args!(
                "<li><b>Conflict</b> <code>{0}</code>: two sides changed the same thing. \
             See both with <code>antiphon conflict show {0}</code>.</li>",
                escape(&conflict.id)
            ),
        );
    }
    for wanted in [OperationState::Held, OperationState::Failed] {
        let filter = OperationFilter {
            state: Some(wanted),
            limit: 20,
            ..OperationFilter::default()
        };
        for operation in state.store.operations(&filter).await? {
            let why = operation
                .failure
                .map(|failure| failure.to_string())
                .unwrap_or_default();
            push(
                body,
                format_args!(
                    "<li><b>{}</b> <code>{}</code>: {}</li>",
                    if wanted == OperationState::Held {
                        "Held"
                    } else {
                        "Failed"
                    },
                    escape(operation.id.as_str()),
                    escape(&why)
                ),
            );
        }
    }
    if body.len() == start {
        body.push_str("<li>Nothing: no conflict is open, nothing is held, nothing failed.</li>");
    }
    body.push_str("</ul></section>");
    Ok(())
}

async fn recent(state: &State, body: &mut String) -> Result<(), store::Error> {
    let filter = HistoryFilter {
        limit: 25,
        ..HistoryFilter::default()
    };
    body.push_str("<section><h2>Last steps</h2><ol class=\"history\">");
    let now = state.stamp.now();
    let entries = state.store.history(&filter).await?;
    for entry in &entries {
        let age = now.since_ms(entry.at).max(0) / 1_000;
        push(
            body,
            format_args!(
                "<li><span class=\"age\">{age} s ago</span> {}</li>",
                escape(&entry.text)
            ),
        );
    }
    if entries.is_empty() {
        body.push_str("<li>Nothing has happened yet.</li>");
    }
    body.push_str("</ol></section>");
    Ok(())
}

fn push(body: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    body.write_fmt(text).unwrap_or(());
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
