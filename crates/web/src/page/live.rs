//! Server-sent events: says that something changed; the page then loads its own parts again.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use tokio::sync::OwnedSemaphorePermit;

use crate::problem::Problem;
use crate::state::State;

/// How often the database is asked.
const LOOK: Duration = Duration::from_secs(2);
/// An open page is told to connect anew after so many looks, so that a closed session ends it.
const LOOKS_MAX: u32 = 300;

struct Watch {
    state: State,
    seen: String,
    looks: u32,
    _permit: OwnedSemaphorePermit,
}

/// `GET /live`.
pub(crate) async fn watch(Shared(state): Shared<State>) -> Response {
    let Ok(permit) = state.watchers.clone().try_acquire_owned() else {
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "SYNC-6004");
        return problem
            .detail("Too many pages are kept up to date at once.")
            .into_response();
    };
    let seen = mark(&state).await;
    let watch = Watch {
        state,
        seen,
        looks: 0,
        _permit: permit,
    };
    let events = stream::unfold(watch, |watch| async { next(watch).await });
    Sse::new(events)
        .keep_alive(KeepAlive::default())
        .into_response()
}

/// Waits for a change; ends when the service stops.
async fn next(mut watch: Watch) -> Option<(Result<Event, Infallible>, Watch)> {
    let mut stopping = watch.state.stopping.subscribe();
    while watch.looks < LOOKS_MAX {
        watch.looks += 1;
        tokio::select! {
            _ = stopping.wait_for(|is_stopping| *is_stopping) => return None,
            () = pause() => {}
        }
        let now = mark(&watch.state).await;
        if now != watch.seen {
            watch.seen = now;
            return Some((Ok(Event::default().event("changed").data("1")), watch));
        }
    }
    None
}

#[expect(
    clippy::disallowed_methods,
    reason = "the pace of a live page is real time and becomes no data"
)]
async fn pause() {
    tokio::time::sleep(LOOK).await;
}

/// A text that differs when something changed.
async fn mark(state: &State) -> String {
    let last = state.store.last_history().await.ok().flatten();
    let counts = state.store.queue_counts().await.unwrap_or_default();
    let pauses = state.store.pauses().await.unwrap_or_default();
    let counts: Vec<u64> = counts.iter().map(|row| row.count).collect();
    format!("{last:?} {counts:?} {}", pauses.len())
}
