//! A message as JSON, signed: docs/notifications.md describes it.

use std::fmt::Write as _;

use api_client::{Hook, Secret};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::words::iso;
use crate::{Message, taken, words};

/// Where signed messages go.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// The address.
    pub hook: Hook,
    /// What they are signed with.
    pub secret: Secret,
}

pub(crate) async fn send(webhook: &Webhook, message: Message<'_>) -> Result<(), String> {
    let body = document(message).to_string();
    let seconds = message.now.0.div_euclid(1_000);
    let signature = sign(webhook.secret.expose(), seconds, &body)?;
    let headers = [
        ("Idempotency-Key", message.id.to_owned()),
        ("Antiphon-Event", message.notice.kind.as_str().to_owned()),
        ("Antiphon-Signature", format!("t={seconds},v1={signature}")),
    ];
    let status = webhook.hook.post(body.into_bytes(), &headers).await;
    taken(status.map_err(|error| error.to_string())?)
}

/// The hex HMAC-SHA256 over the time, a dot and the body: an old message cannot be sent again as a new one.
pub(crate) fn sign(secret: &str, seconds: i64, body: &str) -> Result<String, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map_err(|_| "the secret cannot be used".to_owned())?;
    mac.update(format!("{seconds}.{body}").as_bytes());
    let mut hex = String::new();
    for byte in mac.finalize().into_bytes() {
        write!(hex, "{byte:02x}").map_err(|error| error.to_string())?;
    }
    Ok(hex)
}

pub(crate) fn document(message: Message<'_>) -> Value {
    let notice = message.notice;
    json!({
        "id": message.id,
        "event": notice.kind,
        "episode": notice.episode,
        "code": notice.cause.code,
        "system": notice.cause.system,
        "kind": notice.cause.kind,
        "class": notice.class,
        "origin": notice.cause.origin(notice.class),
        "is_transient": notice.class.is_retried(),
        "count": notice.count,
        "first_seen": iso(notice.first_at.0),
        "last_seen": iso(notice.last_at.0),
        "at": iso(notice.at.0),
        "summary": words::subject(notice),
        "link": words::link(message),
    })
}
