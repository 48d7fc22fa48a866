//! Channels against servers of the tests' own; nothing here leaves the machine.

use std::sync::{Arc, Mutex};

use api_client::{Hook, Secret};
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use model::{Cause, Class, Kind, Notice, NoticeKind, System, Timestamp};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use super::*;

fn notice(kind: NoticeKind) -> Notice {
    Notice {
        episode: "episode1".to_owned(),
        kind,
        cause: Cause {
            code: "SYNC-2306".to_owned(),
            system: Some(System::Discourse),
            kind: Some(Kind::Topic),
        },
        class: Class::Invalid,
        count: 3,
        first_at: Timestamp(1_700_000_000_000),
        last_at: Timestamp(1_700_000_060_000),
        at: Timestamp(1_700_000_070_000),
    }
}

fn message<'a>(notice: &'a Notice, id: &'a str) -> Message<'a> {
    Message {
        id,
        notice,
        site: Some("https://antiphon.example.edu"),
        now: Timestamp(1_700_000_080_000),
    }
}

type Seen = Arc<Mutex<Vec<(HeaderMap, String)>>>;

async fn receiver(status: u16) -> (String, Seen) {
    let seen = Seen::default();
    let kept = Arc::clone(&seen);
    let take = move |headers: HeaderMap, body: String| async move {
        kept.lock().unwrap().push((headers, body));
        let location = [("location", "http://127.0.0.1:1/elsewhere")];
        (StatusCode::from_u16(status).unwrap(), location)
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/in", listener.local_addr().unwrap());
    tokio::spawn(
        async move { axum::serve(listener, Router::new().route("/in", post(take))).await },
    );
    (url, seen)
}

fn hook(url: &str) -> Hook {
    Hook::new(Secret::new(url), true).unwrap()
}

#[tokio::test]
async fn a_webhook_gets_signed_json_with_its_key() {
    let (url, seen) = receiver(204).await;
    let secret = Secret::new("s3cret");
    let channel = Channel {
        name: "hook".to_owned(),
        way: Way::Webhook(Webhook {
            hook: hook(&url),
            secret,
        }),
    };
    let notice = notice(NoticeKind::Opened);
    channel.send(message(&notice, "id1")).await.unwrap();
    let (headers, body) = seen.lock().unwrap().remove(0);
    assert_eq!(headers["idempotency-key"], "id1");
    assert_eq!(headers["antiphon-event"], "opened");
    let signature = webhook::sign("s3cret", 1_700_000_080, &body).unwrap();
    assert_eq!(
        headers["antiphon-signature"],
        format!("t=1700000080,v1={signature}").as_str()
    );
    let found: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&found["event"], &found["origin"]),
        (&"opened".into(), &"discourse".into())
    );
    assert_eq!(found["first_seen"], "2023-11-14T22:13:20Z");
    assert_eq!(found["link"], "https://antiphon.example.edu/errors");
}

#[tokio::test]
async fn chat_gets_a_text_and_a_refusal_is_told() {
    let (url, seen) = receiver(200).await;
    let chat = |url: &str| Channel {
        name: "chat".to_owned(),
        way: Way::Chat(hook(url)),
    };
    let notice = notice(NoticeKind::Resolved);
    chat(&url).send(message(&notice, "id2")).await.unwrap();
    let (_, body) = seen.lock().unwrap().remove(0);
    let wanted = "Antiphon: SYNC-2306 topic in Discourse is over after 3 times\\nhttps://antiphon.example.edu/errors";
    assert_eq!(body, format!("{{\"text\":\"{wanted}\"}}"));
    for status in [500, 404, 302] {
        let (url, seen) = receiver(status).await;
        let error = chat(&url).send(message(&notice, "id2")).await.unwrap_err();
        assert!(error.contains(&status.to_string()), "{error}");
        assert_eq!(seen.lock().unwrap().len(), 1, "asked once, led nowhere");
    }
}

/// A mail server for one mail: says what it was given.
async fn mail_server() -> (u16, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let (mut told, mut is_data) = (Vec::new(), false);
        write.write_all(b"220 test\r\n").await.unwrap();
        while let Ok(Some(line)) = lines.next_line().await {
            told.push(line.clone());
            let answer = match line.as_str() {
                "." => "250 taken",
                _ if is_data => continue,
                "DATA" => "354 go",
                "QUIT" => "221 bye",
                _ => "250 fine",
            };
            is_data = line == "DATA";
            write
                .write_all(format!("{answer}\r\n").as_bytes())
                .await
                .unwrap();
        }
        told
    });
    (port, server)
}

#[tokio::test]
async fn an_email_says_what_where_and_since_when() {
    let (port, server) = mail_server().await;
    let to = ["ops@example.edu".to_owned()];
    let email = Email::new(
        ("127.0.0.1".to_owned(), port),
        Encryption::None,
        None,
        "Antiphon <antiphon@example.edu>",
        &to,
    );
    let channel = Channel {
        name: "mail".to_owned(),
        way: Way::Email(email.unwrap()),
    };
    let notice = notice(NoticeKind::Opened);
    channel.send(message(&notice, "id3")).await.unwrap();
    let told = server.await.unwrap().join("\n");
    for wanted in [
        "RCPT TO:<ops@example.edu>",
        "Message-ID: <id3@example.edu>",
        "References: <episode1@example.edu>",
        "SYNC-2306 topic in Discourse",
        "2023-11-14T22:13:20Z",
        "https://antiphon.example.edu/errors",
    ] {
        assert!(told.contains(wanted), "{wanted} is missing in\n{told}");
    }
}

#[test]
fn mail_that_cannot_be_sent_is_refused_at_once() {
    let email = |from: &str, to: &[&str], encryption, login| {
        let to: Vec<String> = to.iter().map(|to| (*to).to_owned()).collect();
        Email::new(("h".to_owned(), 25), encryption, login, from, &to).err()
    };
    let good = "a@example.edu";
    assert_eq!(email(good, &[good], Encryption::Tls, None), None);
    assert!(email("nobody", &[good], Encryption::Tls, None).is_some());
    assert!(email(good, &["x\r\nBcc: y@z"], Encryption::Tls, None).is_some());
    assert!(email(good, &[], Encryption::Tls, None).is_some());
    let login = Some(("u".to_owned(), Secret::new("p")));
    assert!(email(good, &[good], Encryption::None, login).is_some());
}
