//! A line of chat, as incoming webhooks of Slack and Mattermost take it.

use api_client::Hook;
use serde_json::json;

use crate::{Message, taken, words};

pub(crate) async fn send(hook: &Hook, message: Message<'_>) -> Result<(), String> {
    let body = json!({ "text": text(message) }).to_string().into_bytes();
    let headers = [("Idempotency-Key", message.id.to_owned())];
    let status = hook.post(body, &headers).await;
    taken(status.map_err(|error| error.to_string())?)
}

fn text(message: Message<'_>) -> String {
    let line = format!("Antiphon: {}", words::subject(message.notice));
    let line = line
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    match words::link(message) {
        Some(page) => format!("{line}\n{page}"),
        None => line,
    }
}
