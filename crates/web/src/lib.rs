//! The service's own pages and addresses: dashboard, admin API, widgets, metrics, webhook intake, health.
//!
//! It speaks with the workers only through the database, so that it could be a process of its own. It must not know a
//! connector or a wire format: a delivery is checked for its signature, stored, and answered.
#![warn(missing_docs)]

mod access;
mod act;
mod api;
mod change;
mod endpoint;
mod form;
mod health;
mod json;
mod merge;
mod metric;
mod page;
mod pairing;
mod problem;
mod recover;
mod roster;
mod state;
mod summary;
mod tally;
#[cfg(test)]
mod tests;
mod webhook;
mod widget;

pub use access::Caller;
pub use access::account::{
    NewAccount, NewToken, create_token, remove_account, revoke_token, save_account,
};
pub use access::password::PASSWORD_MIN;
pub use api::openapi::openapi;
pub use change::{ChangeError, Edit, Take, decide, edit};
pub use json::{
    account_json, conflict_json, entity_json, history_json, message_json, operation_json,
    token_json,
};
pub use pairing::{Pick, accept_match, match_json, matches, reject_match, undo_matches};
pub use recover::{Preview, RecoveryReport, Selection, preview, recover, select};
pub use roster::{ask_roster, roster_json};
pub use state::{Site, Stamp, State};
pub use widget::widget_path;

use std::net::SocketAddr;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Router, middleware};

use page::{
    asset, conflict, error, history, item, live, maintenance, message, overview, queue, status,
};

/// The largest delivery or request body that is read, in bytes. Discourse posts have at most 150,000 characters
/// (contract discourse §12), which stand twice in a delivery.
pub const BODY_MAX: usize = 2 * 1024 * 1024;

/// All addresses, behind one gate.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/webhook/discourse", post(webhook::discourse))
        .route("/webhook/canvas", post(webhook::canvas))
        .route("/metrics", get(metric::show))
        .route("/widget/status", get(widget::status))
        .route("/widget/history", get(widget::history))
        .merge(pages())
        .merge(api::router(&state))
        .route_layer(middleware::from_fn_with_state(state.clone(), access::gate))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            access::header::secure,
        ))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(state)
}

fn pages() -> Router<State> {
    use access::sign_in;
    Router::new()
        .route("/style.css", get(asset::style))
        .route("/script.js", get(asset::script))
        .route("/sign-in", get(sign_in::form).post(sign_in::enter))
        .route("/sign-out", post(sign_in::leave))
        .route("/", get(status::status))
        .route("/live", get(live::watch))
        .route("/course/{id}", get(status::course))
        .route("/course/{id}/sync", post(status::sync))
        .route("/pause", post(status::pause))
        .route("/history", get(history::list))
        .route("/item/{id}", get(item::show))
        .route("/conflicts", get(conflict::list))
        .route("/conflicts/{id}", get(conflict::one))
        .route("/conflicts/{id}/resolve", post(conflict::resolve))
        .route("/queue", get(queue::list))
        .route("/queue/act", post(queue::act))
        .route("/queue/{id}", get(queue::one))
        .route("/errors", get(error::list))
        .route("/errors/note", post(error::note))
        .route("/performance", get(overview::performance))
        .route("/maintenance", get(maintenance::show))
        .route("/maintenance/run", post(maintenance::ask))
        .route("/audit", get(overview::audit))
        .route("/setup", get(overview::setup))
        .route("/setup/notify-test", post(message::test))
}

/// Serves all addresses on `listener` until `stop` ends; requests under way are answered first, open live pages end.
pub async fn serve(
    listener: tokio::net::TcpListener,
    state: State,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let stopping = state.stopping.clone();
    let counting = tokio::spawn(tally::keep(state.clone()));
    let service = router(state).into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, service)
        .with_graceful_shutdown({
            let stopping = stopping.clone();
            async move {
                stop.await;
                stopping.send_replace(true);
            }
        })
        .await;
    stopping.send_replace(true);
    if let Err(error) = counting.await {
        tracing::error!(%error, "counting the journal ended badly");
    }
    served
}
