//! The client against small servers that echo, hang up, answer late or too much.

use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request as Incoming, State};
use axum::http::HeaderMap as Headers;
use axum::response::{IntoResponse, Response as Answer};
use axum::routing::any;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::request::{Part, PartContent, Payload};
use crate::settings::Budget;

fn settings(base_url: &str) -> Settings {
    Settings {
        base_url: base_url.to_owned(),
        headers: vec![("Authorization".to_owned(), Secret::new("Bearer t"))],
        user_agent: "antiphon-test".to_owned(),
        timeout_ms: 300,
        max_body_bytes: 1000,
        max_in_flight: 2,
        budget: None,
    }
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

/// Answers with what came in, so that a test can look at it.
async fn echo(request: Incoming) -> Answer {
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, 10_000).await.unwrap();
    let header = |name: &str| {
        parts
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    axum::Json(serde_json::json!({
        "method": parts.method.as_str(),
        "path": parts.uri.path(),
        "query": parts.uri.query(),
        "authorization": header("authorization"),
        "agent": header("user-agent"),
        "type": header("content-type"),
        "extra": header("x-extra"),
        "body": String::from_utf8_lossy(&bytes),
    }))
    .into_response()
}

/// Reads one request, then closes the connection without an answer; counts the requests.
async fn serve_silence(count: Arc<AtomicU32>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).await.unwrap();
            if read > 0 {
                count.fetch_add(1, Ordering::SeqCst);
            }
            stream.shutdown().await.unwrap();
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn sends_headers_query_and_bodies() {
    let base = serve(Router::new().fallback(any(echo))).await;
    let client = Client::new(settings(&format!("{base}/forum/"))).unwrap();
    let request = Request::get("t", "/a?x=1")
        .with_query("ids[]", "ä&b")
        .with_header("X-Extra", "e");
    let seen: serde_json::Value = client.send(request).await.unwrap().json().unwrap();
    assert_eq!(seen["path"], "/forum/a");
    assert_eq!(seen["query"], "x=1&ids%5B%5D=%C3%A4%26b");
    assert_eq!(seen["authorization"], "Bearer t");
    assert_eq!(seen["agent"], "antiphon-test");
    assert_eq!(seen["extra"], "e");

    let post = |body| Request::write("t", http::Method::POST, "/a").with_body(body);
    let form = Payload::Form(vec![("a[b]".to_owned(), "1 2".to_owned())]);
    let seen: serde_json::Value = client.send(post(form)).await.unwrap().json().unwrap();
    assert_eq!(seen["body"], "a%5Bb%5D=1+2");
    let json = Payload::Json(serde_json::json!({"a": 1}));
    let seen: serde_json::Value = client.send(post(json)).await.unwrap().json().unwrap();
    assert_eq!(
        (&seen["body"], &seen["type"]),
        (&"{\"a\":1}".into(), &"application/json".into())
    );
    let parts = Payload::Multipart(vec![
        Part {
            name: "m".to_owned(),
            content: PartContent::Text("words".to_owned()),
        },
        Part {
            name: "attachment".to_owned(),
            content: PartContent::File {
                file_name: "a.txt".to_owned(),
                content_type: "text/plain".to_owned(),
                bytes: Bytes::from_static(b"file bytes"),
            },
        },
    ]);
    let seen: serde_json::Value = client.send(post(parts)).await.unwrap().json().unwrap();
    let body = seen["body"].as_str().unwrap();
    assert!(body.contains("filename=\"a.txt\"") && body.contains("file bytes"));
    assert_eq!(client.calls(), [("t".to_owned(), 4)]);
}

#[tokio::test]
async fn follows_links_of_the_same_host_only() {
    let base = serve(Router::new().fallback(any(echo))).await;
    let client = Client::new(settings(&base)).unwrap();
    let own = client
        .send(Request::get("t", format!("{base}/page?2")))
        .await;
    assert_eq!(own.unwrap().status, 200);
    for path in [
        "https://evil.example/page",
        "http://127.0.0.1:1/",
        "@evil.example/",
        "relative",
        "javascript:alert(1)",
        &base.replace("http://", "http://user@"),
    ] {
        let error = client.send(Request::get("t", path)).await.unwrap_err();
        assert!(
            matches!(error, Error::ForeignHost { .. } | Error::Setup { .. }),
            "{path}: {error}"
        );
    }
    assert_eq!(client.calls(), [("t".to_owned(), 1)]);
}

#[tokio::test]
async fn statuses_and_redirects_are_answers() {
    async fn answer() -> Answer {
        let headers = [
            ("location", "/elsewhere"),
            ("link", r#"<http://x/2>; rel="next""#),
        ];
        (axum::http::StatusCode::MOVED_PERMANENTLY, headers, "gone").into_response()
    }
    let base = serve(Router::new().fallback(any(answer))).await;
    let client = Client::new(settings(&base)).unwrap();
    let response = client.send(Request::get("t", "/")).await.unwrap();
    assert_eq!(response.status, 301);
    assert!(!response.is_success());
    assert_eq!(response.header("Location"), Some("/elsewhere"));
    assert_eq!(response.next_link().as_deref(), Some("http://x/2"));
    assert_eq!(response.text(), "gone");
    let error = response.json::<serde_json::Value>().unwrap_err();
    assert!(matches!(error, Error::NotJson { status: 301, .. }));
}

#[tokio::test]
async fn too_large_an_answer_is_not_read() {
    async fn answer(headers: Headers) -> Answer {
        let size = headers["x-size"].to_str().unwrap().parse().unwrap();
        Body::from(vec![b'a'; size]).into_response()
    }
    let base = serve(Router::new().fallback(any(answer))).await;
    let client = Client::new(settings(&base)).unwrap();
    let ask = |size: usize| Request::get("t", "/").with_header("x-size", size.to_string());
    assert_eq!(client.send(ask(1000)).await.unwrap().body.len(), 1000);
    let error = client.send(ask(1001)).await.unwrap_err();
    assert!(matches!(
        error,
        Error::TooLarge {
            status: 200,
            limit_bytes: 1000,
            ..
        }
    ));
}

#[tokio::test]
async fn a_read_is_repeated_once_and_a_write_never() {
    let count = Arc::new(AtomicU32::new(0));
    let base = serve_silence(Arc::clone(&count)).await;
    let client = Client::new(settings(&base)).unwrap();
    let error = client.send(Request::get("r", "/")).await.unwrap_err();
    assert!(matches!(error, Error::NoAnswer { .. }), "{error}");
    assert_eq!(count.swap(0, Ordering::SeqCst), 2);
    let write = Request::write("w", http::Method::POST, "/");
    let error = client.send(write).await.unwrap_err();
    assert!(matches!(error, Error::NoAnswer { .. }) && error.is_outcome_unknown());
    assert_eq!(count.load(Ordering::SeqCst), 1);
    assert_eq!(client.calls(), [("r".to_owned(), 2), ("w".to_owned(), 1)]);
}

#[tokio::test]
async fn a_late_answer_is_no_answer_and_no_connection_is_not_sent() {
    async fn late() -> &'static str {
        std::future::pending::<()>().await;
        ""
    }
    let base = serve(Router::new().fallback(any(late))).await;
    let client = Client::new(settings(&base)).unwrap();
    let write = Request::write("w", http::Method::POST, "/");
    let error = client.send(write.clone()).await.unwrap_err();
    assert_eq!(
        error,
        Error::NoAnswer {
            name: "w",
            reason: "the time ran out".to_owned()
        }
    );
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let client = Client::new(settings(&format!("http://{address}"))).unwrap();
    let error = client.send(write).await.unwrap_err();
    assert!(matches!(error, Error::NotSent { .. }) && !error.is_outcome_unknown());
}

#[tokio::test]
async fn the_budget_waits_a_little_and_then_says_how_long() {
    let base = serve(Router::new().fallback(any(echo))).await;
    let limited = |per_ms, max_wait_ms| {
        let budget = Budget {
            calls: 1,
            per_ms,
            max_wait_ms,
        };
        Client::new(Settings {
            budget: Some(budget),
            ..settings(&base)
        })
        .unwrap()
    };
    let client = limited(60_000, 10);
    client.send(Request::get("t", "/")).await.unwrap();
    let error = client.send(Request::get("t", "/")).await.unwrap_err();
    let Error::BudgetWait { ms, .. } = error else {
        panic!("{error}")
    };
    assert!((1..=60_000).contains(&ms));
    assert_eq!(client.calls(), [("t".to_owned(), 1)]);

    let client = limited(50, 1000);
    let start = now();
    for _ in 0..3 {
        client.send(Request::get("t", "/")).await.unwrap();
    }
    assert!(start.elapsed() >= Duration::from_millis(100));

    client.pause_for_ms(60_000);
    let error = client.send(Request::get("t", "/")).await.unwrap_err();
    assert!(matches!(error, Error::BudgetWait { ms, .. } if ms > 50_000));
}

#[tokio::test]
async fn no_more_than_the_limit_are_under_way() {
    #[derive(Clone, Default)]
    struct Count(Arc<AtomicU32>, Arc<AtomicU32>);
    async fn slow(State(count): State<Count>) -> &'static str {
        let now = count.0.fetch_add(1, Ordering::SeqCst) + 1;
        count.1.fetch_max(now, Ordering::SeqCst);
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        count.0.fetch_sub(1, Ordering::SeqCst);
        ""
    }
    let count = Count::default();
    let base = serve(Router::new().fallback(any(slow)).with_state(count.clone())).await;
    let client = Client::new(settings(&base)).unwrap();
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.send(Request::get("t", "/")).await.unwrap() })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(count.1.load(Ordering::SeqCst) <= 2);
}

#[test]
fn unusable_settings_are_refused() {
    for base in ["", "forum.example", "ftp://x", "https://x/?a=1", "mailto:a"] {
        assert!(matches!(
            Client::new(settings(base)),
            Err(Error::Setup { .. })
        ));
    }
    let newline = Settings {
        headers: vec![("X".to_owned(), Secret::new("geheim\n"))],
        ..settings("https://x")
    };
    let error = Client::new(newline).unwrap_err();
    assert!(!error.to_string().contains("geheim"));
}
