//! `/livez` and `/readyz` (`ux.md` section 6): not ready means the database, never a remote.

use axum::extract::State as Shared;
use axum::http::StatusCode;

use crate::state::State;

/// Answers while the process runs.
pub(crate) async fn live() -> &'static str {
    "live\n"
}

/// Answers 200 when the database can be read.
pub(crate) async fn ready(Shared(state): Shared<State>) -> (StatusCode, &'static str) {
    match state.store.queue_counts().await {
        Ok(_) => (StatusCode::OK, "ready\n"),
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the database does not answer\n",
        ),
    }
}
