//! The service's own pages and addresses: status page, admin API, webhook intake, health.
//!
//! It speaks with the workers only through the database, so that it could be a process of its own. It must not know a
//! connector or a wire format: a delivery is checked for its signature, stored, and answered.
#![warn(missing_docs)]

mod api;
mod change;
mod health;
mod json;
mod page;
mod state;
mod webhook;

pub use change::{ChangeError, Edit, Take, decide, edit};
pub use json::{conflict_json, entity_json, history_json, operation_json};
pub use state::{Stamp, State};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

/// The largest delivery or request body that is read, in bytes. Discourse posts have at most 150,000 characters
/// (contract discourse §12), which stand twice in a delivery.
pub const BODY_MAX: usize = 2 * 1024 * 1024;

/// All addresses.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/", get(page::status))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/webhook/discourse", post(webhook::discourse))
        .route("/webhook/canvas", post(webhook::canvas))
        .nest("/api/v1", api::router(state.clone()))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(state)
}

/// Serves all addresses on `listener` until `stop` ends; requests under way are answered first.
pub async fn serve(
    listener: tokio::net::TcpListener,
    state: State,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(state))
        .with_graceful_shutdown(stop)
        .await
}
