//! Sending Live Events by HTTP POST. Plain `http://` only; the receiver is a test or our own service.

use crate::Shared;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A receiver has this long (contract canvas §16.1).
const PATIENCE: Duration = Duration::from_secs(15);

/// Splits `http://host:port/path` into address and path.
fn split(url: &str) -> Option<(String, String)> {
    let rest = url.strip_prefix("http://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = if host.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    Some((host, format!("/{path}")))
}

async fn post(url: &str, event: &Value) -> std::io::Result<bool> {
    let (host, path) = split(url).ok_or_else(|| {
        std::io::Error::new(std::io::ErrorKind::Unsupported, "not an http:// URL")
    })?;
    let body = event.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(&host).await?;
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut start = [0_u8; 12];
    stream.read_exact(&mut start).await?;
    // "HTTP/1.1 2xx"
    Ok(start.get(9) == Some(&b'2'))
}

/// Sends what waits; each event as often as the switch says. Returns how many were accepted.
pub(crate) async fn deliver(shared: &Shared) -> u64 {
    let (events, url, copies) = {
        let mut world = shared.world();
        let Some(url) = world.switches.live_events_url.clone() else {
            return 0;
        };
        let mut events: Vec<Value> = world.outbox.waiting.drain(..).collect();
        if world.switches.live_events_reversed {
            events.reverse();
        }
        (events, url, world.switches.live_events_copies)
    };
    let mut accepted: u64 = 0;
    for event in events {
        for _ in 0..copies {
            let result = tokio::time::timeout(PATIENCE, post(&url, &event)).await;
            if matches!(result, Ok(Ok(true))) {
                accepted = accepted.saturating_add(1);
            } else {
                let mut world = shared.world();
                world.outbox.failed = world.outbox.failed.saturating_add(1);
            }
        }
        shared.world().outbox.remember(event);
    }
    accepted
}

/// Sends for ever, woken by each request.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        shared.events.notified().await;
        deliver(&shared).await;
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn urls() {
        assert_eq!(split("http://a:1/b/c"), Some(("a:1".into(), "/b/c".into())));
        assert_eq!(split("http://a"), Some(("a:80".into(), "/".into())));
        assert_eq!(split("https://a"), None);
    }
}
