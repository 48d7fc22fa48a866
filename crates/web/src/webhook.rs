//! Takes deliveries in: signature on the raw bytes, stored durably, then answered. What a delivery means is not
//! decided
//! here (contract discourse §14.4).

use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode};
use hmac::{Hmac, KeyInit as _, Mac as _};
use model::System;
use sha2::Sha256;
use store::Event;

use crate::state::State;

type Answer = (StatusCode, &'static str);

/// `POST /webhook/discourse`.
pub(crate) async fn discourse(
    Shared(state): Shared<State>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let Some(secret) = &state.webhook_secret else {
        return (
            StatusCode::FORBIDDEN,
            "discourse.webhook_secret is not configured: no delivery is accepted\n",
        );
    };
    let signature = header(&headers, "x-discourse-event-signature").unwrap_or_default();
    if !is_signed(secret.as_bytes(), &body, signature) {
        return (
            StatusCode::FORBIDDEN,
            "the signature does not fit the body\n",
        );
    }
    let name = header(&headers, "x-discourse-event")
        .unwrap_or_default()
        .to_owned();
    let delivery_id = header(&headers, "x-discourse-event-id").map(str::to_owned);
    take(&state, System::Discourse, (name, delivery_id), &body).await
}

/// `POST /webhook/canvas`: Live Events. Canvas signs them with keys of its own or not at all, so the admin token
/// is asked
/// for as `?token=` or bearer by the API in front; without a configured token none is accepted.
pub(crate) async fn canvas(
    Shared(state): Shared<State>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    if !crate::access::is_bearer(&state, &headers).await {
        return (StatusCode::FORBIDDEN, "the token is missing or wrong\n");
    }
    take(
        &state,
        System::Canvas,
        ("live_event".to_owned(), None),
        &body,
    )
    .await
}

async fn take(
    state: &State,
    system: System,
    (name, delivery_id): (String, Option<String>),
    body: &[u8],
) -> Answer {
    let Ok(text) = std::str::from_utf8(body) else {
        return (StatusCode::BAD_REQUEST, "the body is not UTF-8\n");
    };
    if serde_json::from_str::<serde_json::Value>(text).is_err() {
        return (StatusCode::BAD_REQUEST, "the body is not JSON\n");
    }
    if name == "ping" {
        return (StatusCode::OK, "pong\n");
    }
    let event = Event {
        id: state.stamp.id(),
        system,
        name,
        delivery_id,
        body: text.to_owned(),
        received_at: state.stamp.now(),
    };
    match state.store.add_event(event).await {
        Ok(()) => (StatusCode::OK, "stored\n"),
        Err(error) => {
            tracing::error!(error = %error, "a delivery could not be stored");
            // Discourse tries a 503 again when its setting says so; a 404 or a hanging answer never.
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the delivery could not be stored\n",
            )
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether `signature` is `sha256=` and the hex HMAC of the body; the comparison takes the same time for any input.
fn is_signed(secret: &[u8], body: &[u8], signature: &str) -> bool {
    let Some(bytes) = signature.strip_prefix("sha256=").and_then(unhex) else {
        return false;
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        return false;
    };
    mac.update(body);
    mac.verify_slice(&bytes).is_ok()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    let digits = text.as_bytes().chunks_exact(2);
    digits
        .map(|pair| {
            std::str::from_utf8(pair)
                .ok()
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn only_the_right_signature_is_taken() {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"secret").unwrap();
        mac.update(b"{}");
        let mut hex = String::new();
        for byte in mac.finalize().into_bytes() {
            write!(hex, "{byte:02x}").unwrap();
        }
        assert!(is_signed(b"secret", b"{}", &format!("sha256={hex}")));
        assert!(!is_signed(b"secret", b"{ }", &format!("sha256={hex}")));
        assert!(!is_signed(b"other", b"{}", &format!("sha256={hex}")));
        for wrong in ["", "sha256=", "sha256=zz", "sha256=é", &hex, "sha1=00"] {
            assert!(!is_signed(b"secret", b"{}", wrong), "{wrong}");
        }
    }
}
