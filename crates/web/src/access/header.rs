//! The headers that every answer carries, and what a browser's headers say about who sent a form.

use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header as name};
use axum::middleware::Next;
use axum::response::Response;

use crate::state::State;

/// Nothing but our own style sheet, script and pictures; nobody frames us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const FIXED: [(HeaderName, &str); 5] = [
    (name::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (name::REFERRER_POLICY, "same-origin"),
    (name::CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=()",
    ),
];

/// Adds what the answer does not say already.
pub(crate) async fn secure(Shared(state): Shared<State>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (header, value) in FIXED {
        headers
            .entry(header)
            .or_insert(HeaderValue::from_static(value));
    }
    if !headers.contains_key(name::CONTENT_SECURITY_POLICY) {
        headers.insert(
            name::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        );
        headers.insert(name::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    if state.site.is_secure {
        let value = HeaderValue::from_static("max-age=31536000");
        headers.insert(name::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}

/// Whether a browser says that one of our own pages sent the request. A client that says nothing is no browser.
pub(crate) fn is_own_origin(headers: &HeaderMap) -> bool {
    let text = |header: &str| headers.get(header).and_then(|value| value.to_str().ok());
    if text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return false;
    }
    match (text("origin"), text("host")) {
        (Some(origin), Some(host)) => origin
            .split_once("://")
            .is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(host)),
        (Some(_), None) => false,
        (None, _) => true,
    }
}
