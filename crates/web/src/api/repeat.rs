//! Idempotency-Key: a write that is sent again with its key gets the first answer and is not done again.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use store::{Change, DeskChange, KeptAnswer};

use crate::access::{Caller, secret};
use crate::problem::Problem;
use crate::state::State;

/// Answers longer than this are not kept; none of ours is.
const ANSWER_MAX: usize = 1_048_576;

/// Runs a write once for each key.
pub(crate) async fn once(Shared(state): Shared<State>, request: Request, next: Next) -> Response {
    let key = request.headers().get("idempotency-key").cloned();
    let (Some(key), false) = (key, request.method().is_safe()) else {
        return next.run(request).await;
    };
    match run(&state, &key, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn run(
    state: &State,
    key: &HeaderValue,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let key = key
        .to_str()
        .ok()
        .filter(|key| (1..=128).contains(&key.len()));
    let key =
        key.ok_or_else(|| Problem::invalid("An Idempotency-Key has 1 to 128 ASCII characters."))?;
    let who = request
        .extensions()
        .get::<Caller>()
        .map_or_else(String::new, |caller| caller.who.clone());
    let name = format!("{who}\n{key}");
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, crate::BODY_MAX)
        .await
        .map_err(|_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "SYNC-6005"))?;
    let text = format!(
        "{} {}\n{}",
        parts.method,
        parts.uri,
        String::from_utf8_lossy(&bytes)
    );
    let digest = secret::digest(&text);
    if let Some(kept) = state.store.kept_answer(&name).await? {
        if kept.request != digest {
            return Err(Problem::invalid(
                "This Idempotency-Key was used for another request.",
            ));
        }
        let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
        let kind = [(header::CONTENT_TYPE, "application/json")];
        return Ok((status, kind, kept.body).into_response());
    }
    let response = next
        .run(Request::from_parts(parts, Body::from(bytes)))
        .await;
    if !response.status().is_success() {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, ANSWER_MAX)
        .await
        .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "SYNC-6005"))?;
    let kept = KeptAnswer {
        name,
        request: digest,
        status: parts.status.as_u16(),
        body: String::from_utf8_lossy(&bytes).into_owned(),
        at: state.stamp.now(),
    };
    let keep = Change::Desk(DeskChange::KeepAnswer(kept));
    if let Err(error) = state.store.commit(vec![keep]).await {
        tracing::warn!(%error, "an answer could not be kept for its Idempotency-Key");
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}
