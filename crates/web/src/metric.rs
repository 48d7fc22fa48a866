//! `/metrics` for Prometheus, from the database: no label holds a person, a title, or an id without bound.

use std::fmt::Write as _;

use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use model::{Status, System, Timestamp};
use store::OperationState;

use crate::access;
use crate::problem::Problem;
use crate::state::State;
use crate::summary::Summary;

/// The fact that a backup leaves.
const BACKUP: &str = "backup:last";
/// How the codes of guards begin (docs/errors).
const GUARDS: &str = "SYNC-50";

/// `GET /metrics`.
pub(crate) async fn show(Shared(state): Shared<State>, headers: HeaderMap) -> Response {
    if !state.site.has_open_metrics {
        match access::find(&state, &headers, String::new()).await {
            Ok(Some(caller)) if caller.limit().is_none() => {}
            Ok(_) => {
                let problem = Problem::new(StatusCode::UNAUTHORIZED, "SYNC-6001");
                return problem
                    .detail("Metrics need a viewer's token.")
                    .into_response();
            }
            Err(error) => return Problem::from(error).into_response(),
        }
    }
    match text(&state).await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}

/// The text being made; a family's head comes before its samples.
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n").unwrap_or(());
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, text)| format!("{label}=\"{}\"", text.replace(['\\', '"', '\n'], "_")))
            .collect();
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", labels.join(","))
        };
        writeln!(self.0, "{name}{labels} {value}").unwrap_or(());
    }
}

/// Milliseconds as seconds.
fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms.max(0) / 1_000, ms.max(0) % 1_000)
}

async fn text(state: &State) -> store::Result<String> {
    let summary = Summary::everything(state).await?;
    let mut text = Text(String::new());
    lag(&mut text, &summary);
    queue(&mut text, &summary);
    text.family(
        "conflicts_open",
        "gauge",
        "Conflicts that wait for a person.",
    );
    text.sample("conflicts_open", &[], summary.open_conflicts());
    drift(&mut text, &summary);
    backup(&mut text, state).await?;
    totals(&mut text, state, summary.at).await?;
    text.family("db_bytes", "gauge", "Size of the database in bytes.");
    text.sample("db_bytes", &[], state.store.size_bytes().await?);
    Ok(text.0)
}

fn lag(text: &mut Text, summary: &Summary) {
    text.family(
        "sync_lag_seconds",
        "gauge",
        "Age of the oldest change that is not yet on the other side.",
    );
    for course in &summary.courses {
        for (direction, system) in [
            ("to_discourse", System::Canvas),
            ("to_canvas", System::Discourse),
        ] {
            let oldest = course
                .waiting
                .iter()
                .filter(|row| row.system == Some(system))
                .map(|row| row.oldest)
                .min();
            let lag = oldest.map_or(0, |oldest| summary.at.since_ms(oldest));
            let labels = [("course", course.id.as_str()), ("direction", direction)];
            text.sample("sync_lag_seconds", &labels, seconds(lag));
        }
    }
}

fn queue(text: &mut Text, summary: &Summary) {
    text.family("queue_depth", "gauge", "Operations by state and priority.");
    for row in &summary.queue {
        let labels = [
            ("state", row.state.as_str()),
            ("priority", row.priority.as_str()),
        ];
        text.sample("queue_depth", &labels, row.count);
    }
    text.family(
        "queue_oldest_seconds",
        "gauge",
        "Age of the oldest operation that waits.",
    );
    text.sample("queue_oldest_seconds", &[], seconds(summary.oldest_ms()));
    text.family("held_jobs", "gauge", "Operations that wait for a person.");
    text.sample("held_jobs", &[], summary.queued(OperationState::Held));
}

fn drift(text: &mut Text, summary: &Summary) {
    text.family(
        "drift_items",
        "gauge",
        "Items that do not agree everywhere: waiting, held, failed or in conflict.",
    );
    let courses = summary.courses.iter();
    let apart = courses.map(|course| {
        [
            Status::Pending,
            Status::Held,
            Status::Failed,
            Status::Conflict,
        ]
        .into_iter()
        .map(|status| course.count(status))
        .sum::<u64>()
    });
    text.sample("drift_items", &[], apart.sum::<u64>());
}

async fn backup(text: &mut Text, state: &State) -> store::Result<()> {
    text.family(
        "last_backup_timestamp_seconds",
        "gauge",
        "When the newest backup was made; 0 when there is none.",
    );
    let fact = state.store.fact(BACKUP).await?.unwrap_or_default();
    let fact: serde_json::Value = serde_json::from_str(&fact).unwrap_or_default();
    let at = fact.get("made_ms").and_then(serde_json::Value::as_i64);
    let at = at.unwrap_or(0);
    text.sample("last_backup_timestamp_seconds", &[], seconds(at));
    Ok(())
}

/// Counts of the last 24 hours, from the counted hours: gauges, because old hours leave.
async fn totals(text: &mut Text, state: &State, now: Timestamp) -> store::Result<()> {
    let tallies = state
        .store
        .tallies(now.plus_ms(-86_400_000), now, None)
        .await?;
    let mut actions = std::collections::BTreeMap::<&str, u64>::new();
    let mut classes = std::collections::BTreeMap::<&str, u64>::new();
    for tally in &tallies {
        match tally
            .name
            .strip_prefix("failure:")
            .and_then(|rest| rest.split(':').next())
        {
            Some(code) => *classes.entry(code).or_default() += tally.count,
            None => *actions.entry(&tally.name).or_default() += tally.count,
        }
    }
    text.family(
        "history_entries_day",
        "gauge",
        "Journal entries of the last 24 hours by action.",
    );
    for (action, count) in &actions {
        text.sample("history_entries_day", &[("action", action)], count);
    }
    text.family(
        "failures_day",
        "gauge",
        "Failures of the last 24 hours by code.",
    );
    for (code, count) in &classes {
        text.sample("failures_day", &[("code", code)], count);
    }
    text.family(
        "guard_trips_day",
        "gauge",
        "Writes that a guard stopped in the last 24 hours, by its code.",
    );
    for (code, count) in classes.iter().filter(|(code, _)| code.starts_with(GUARDS)) {
        text.sample("guard_trips_day", &[("guard", code)], count);
    }
    text.family(
        "echoes_suppressed_day",
        "gauge",
        "Echoes recognised in the last 24 hours.",
    );
    text.sample(
        "echoes_suppressed_day",
        &[],
        actions.get("echo").copied().unwrap_or(0),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_break_out() {
        let mut text = Text(String::new());
        text.sample("x", &[("a", "b\"} 1\ny")], seconds(1_500));
        assert_eq!(text.0, "x{a=\"b_} 1_y\"} 1.500\n");
    }
}
