//! Sends queued deliveries over plain HTTP/1.1 and records what came back (contract section 14.2).
//!
//! One sender works at a time, so deliveries keep their order unless a fault mixes them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::act::user::hmac_hex;
use crate::clock::MINUTE;
use crate::hook::{Delivery, event};
use crate::option::Profile;
use crate::sim::Sim;
use crate::state::World;

/// How long a receiver may take.
const TIME_OUT: Duration = Duration::from_secs(20);
/// After how many minutes a failed delivery is tried again.
const RETRY_MINUTES: [i64; 4] = [1, 5, 25, 125];
const LARGEST_ANSWER: u64 = 64 * 1_024;

/// A request ready to be sent.
struct Outgoing {
    delivery_id: i64,
    host: String,
    address: Option<String>,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Arc<str>,
}

/// What came back.
struct Incoming {
    status: i64,
    headers: Value,
    body: Option<String>,
}

/// Sends everything that is due, then waits for more; ends when nothing is queued at all.
pub async fn run(sim: Sim) {
    loop {
        let next = sim.with(|world| {
            crate::act::reap::run(world);
            let now = world.now();
            while let Some(id) = world.hooks.pop(now) {
                match prepare(world, id) {
                    Some(outgoing) => return Some(outgoing),
                    None => world.hooks.in_flight = world.hooks.in_flight.saturating_sub(1),
                }
            }
            None
        });
        if let Some(outgoing) = next {
            let incoming = send(&outgoing).await;
            sim.with(|world| finish(world, &outgoing, incoming));
            sim.delivered().notify_waiters();
            continue;
        }
        sim.delivered().notify_waiters();
        if !sim.rest_or_stop().await {
            return;
        }
    }
}

fn prepare(world: &mut World, id: i64) -> Option<Outgoing> {
    let delivery = world.hooks.log.get(&id)?;
    let hook = world.hooks.hooks.get(&delivery.hook_id)?;
    let target = hook.url.strip_prefix("http://");
    let (authority, path) = match target.map(|rest| rest.split_once('/')) {
        Some(Some((authority, path))) => (authority.to_owned(), format!("/{path}")),
        Some(None) => (target.unwrap_or("").to_owned(), "/".to_owned()),
        None => (String::new(), "/".to_owned()),
    };
    let address = target.map(|_| {
        if authority.contains(':') {
            authority.clone()
        } else {
            format!("{authority}:80")
        }
    });
    let agent = match world.profile {
        Profile::V3_1 => "Discourse/3.1.0.beta2".to_owned(),
        Profile::Current => "Discourse/2026.1.0-latest; +https://www.discourse.org/".to_owned(),
    };
    let media = if hook.content_type == 2 {
        "application/x-www-form-urlencoded"
    } else {
        "application/json"
    };
    let host = authority.split(':').next().unwrap_or("").to_owned();
    let mut headers = vec![
        ("User-Agent", agent),
        ("Accept", "*/*".to_owned()),
        ("Connection", "close".to_owned()),
        ("Content-Length", delivery.payload.len().to_string()),
        ("Content-Type", media.to_owned()),
        ("Host", host.clone()),
        ("X-Discourse-Instance", world.base_url.clone()),
        ("X-Discourse-Event-Id", delivery.id.to_string()),
        (
            "X-Discourse-Event-Type",
            event::noun(&delivery.event).to_owned(),
        ),
        ("X-Discourse-Event", delivery.event.clone()),
    ];
    if !hook.secret.is_empty() {
        let signature = hmac_hex(&hook.secret, delivery.payload.as_bytes());
        headers.push(("X-Discourse-Event-Signature", format!("sha256={signature}")));
    }
    let body = Arc::clone(&delivery.payload);
    let shown: serde_json::Map<String, Value> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    if let Some(delivery) = world.hooks.log.get_mut(&id) {
        delivery.headers = Some(Value::Object(shown));
    }
    Some(Outgoing {
        delivery_id: id,
        host,
        address,
        path,
        headers,
        body,
    })
}

async fn send(outgoing: &Outgoing) -> Incoming {
    // No answer is logged as status -1 with the error in place of headers (recordings 723, 729).
    let nothing = |error: &str| Incoming {
        status: -1,
        headers: json!({ "error": error }),
        body: None,
    };
    let Some(address) = &outgoing.address else {
        return nothing("only plain http receivers are supported");
    };
    match timeout(TIME_OUT, exchange(address, outgoing)).await {
        Ok(Ok(text)) => parse(&text).unwrap_or_else(|| nothing("no HTTP answer")),
        Ok(Err(error)) => nothing(&error.to_string()),
        Err(_) => nothing("execution expired"),
    }
}

async fn exchange(address: &str, outgoing: &Outgoing) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    let mut head = format!("POST {} HTTP/1.1\r\n", outgoing.path);
    for (name, value) in &outgoing.headers {
        // The Host header of a request needs the port that the log leaves out.
        let value = if *name == "Host" && address.split(':').next() == Some(&outgoing.host) {
            address
        } else {
            value.as_str()
        };
        head.push_str(name);
        head.push_str(": ");
        head.push_str(value);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    head.push_str(&outgoing.body);
    stream.write_all(head.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    let mut limited = stream.take(LARGEST_ANSWER);
    let mut buffer = [0_u8; 4_096];
    loop {
        let count = limited.read(&mut buffer).await?;
        answer.extend_from_slice(buffer.get(..count).unwrap_or(&[]));
        if count == 0 || is_complete(&answer) {
            return Ok(answer);
        }
    }
}

/// Whether an answer with a known length has arrived whole.
fn is_complete(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, length)| length.trim().parse::<usize>().ok())
        .is_some_and(|length| body.len() >= length)
}

fn parse(answer: &[u8]) -> Option<Incoming> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: serde_json::Map<String, Value> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), json!(value.trim())))
        .collect();
    Some(Incoming {
        status,
        headers: Value::Object(headers),
        body: Some(body.to_owned()),
    })
}

fn finish(world: &mut World, outgoing: &Outgoing, incoming: Incoming) {
    world.hooks.in_flight = world.hooks.in_flight.saturating_sub(1);
    let now = world.now();
    let status = incoming.status;
    let Some(delivery) = world.hooks.log.get_mut(&outgoing.delivery_id) else {
        return;
    };
    delivery.status = status;
    delivery.response_headers = Some(incoming.headers);
    delivery.response_body = incoming.body;
    delivery.duration = now.saturating_sub(delivery.created_at);
    let (hook_id, attempt, again) = (delivery.hook_id, delivery.attempt, delivery.clone());
    let fine = (200..300).contains(&status);
    let gone = matches!(status, 404 | 410);
    if let Some(hook) = world.hooks.hooks.get_mut(&hook_id) {
        hook.last_delivery_status = if fine { 3 } else { 2 };
        if gone && attempt >= 4 {
            hook.active = false;
        }
    }
    // Time-outs and refused connections have no answer and are never tried again.
    if !fine && !gone && status > 0 && world.settings.flag("retry_web_hook_events") {
        retry(world, again, now);
    }
}

fn retry(world: &mut World, failed: Delivery, now: i64) {
    let wait = usize::try_from(failed.attempt)
        .ok()
        .and_then(|at| RETRY_MINUTES.get(at));
    let Some(minutes) = wait else { return };
    let id = world.ids.next("web_hook_event");
    let due = now + minutes * MINUTE;
    let row = Delivery {
        id,
        headers: None,
        status: 0,
        response_headers: None,
        response_body: None,
        duration: 0,
        created_at: due,
        attempt: failed.attempt + 1,
        ..failed
    };
    world.hooks.log.insert(id, row);
    world.hooks.push(id, due);
}

#[cfg(test)]
mod tests {
    use super::{is_complete, parse};

    #[test]
    fn answers_are_read() {
        let answer = b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\nX-A: b\r\n\r\nno";
        assert!(is_complete(answer));
        assert!(!is_complete(
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nno"
        ));
        assert!(!is_complete(b"HTTP/1.1 200 OK\r\n"));
        let incoming = parse(answer).unwrap();
        assert_eq!(incoming.status, 503);
        assert_eq!(incoming.headers["x-a"], "b");
        assert_eq!(incoming.body.as_deref(), Some("no"));
        assert!(parse(b"nonsense").is_none());
        assert!(parse(b"").is_none());
    }
}
