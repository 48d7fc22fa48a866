//! The simulator over real sockets: deliveries, cut connections, limits, imports, speed.
#![expect(clippy::unwrap_used, clippy::too_many_lines, reason = "tests")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request as Incoming;
use discourse_sim::{ADMIN_KEY, Content, Options, Profile, Sim, WebhookTarget, serve};
use hmac::{KeyInit, Mac};
use http::Request;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

fn quiet() -> Vec<(String, Value)> {
    vec![
        ("rate_limit_create_post".to_owned(), json!(0)),
        ("rate_limit_create_topic".to_owned(), json!(0)),
    ]
}

async fn call(sim: &Sim, who: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("api-key", ADMIN_KEY)
        .header("api-username", who)
        .header("content-type", "application/json")
        .body(Body::from(if body.is_null() {
            String::new()
        } else {
            body.to_string()
        }))
        .unwrap();
    let answer = sim.router().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX)
        .await
        .unwrap();
    (
        status,
        serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    )
}

async fn start(sim: &Sim) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    sim.set_base_url(&format!("http://{address}"));
    tokio::spawn(serve(listener, sim.clone(), std::future::pending()));
    address
}

/// One request written by hand; the whole answer, or nothing.
async fn raw(address: SocketAddr, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let text = format!(
        "{head}\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A cut connection may end with an error as well as with nothing.
    let _end = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

type Received = Arc<Mutex<Vec<(http::HeaderMap, String)>>>;

/// A receiver of web hooks that answers with a status.
async fn receiver(status: u16) -> (String, Received) {
    let received: Received = Arc::default();
    let store = Arc::clone(&received);
    let app = Router::new().fallback(move |request: Incoming| {
        let store = Arc::clone(&store);
        async move {
            let headers = request.headers().clone();
            let bytes = axum::body::to_bytes(request.into_body(), usize::MAX)
                .await
                .unwrap();
            store
                .lock()
                .unwrap()
                .push((headers, String::from_utf8(bytes.to_vec()).unwrap()));
            http::StatusCode::from_u16(status).unwrap()
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (format!("http://{address}/hook"), received)
}

fn hooked(url: &str) -> Sim {
    let target = WebhookTarget {
        url: url.to_owned(),
        secret: "hook-secret-1234".to_owned(),
    };
    Sim::new(Options {
        content: Content::Empty,
        webhook_target: Some(target),
        settings: quiet(),
        ..Options::default()
    })
    .unwrap()
}

async fn topic(sim: &Sim, number: i64) -> Value {
    let body = json!({
        "title": format!("A topic on the wire, number {number}"), "category": 2,
        "raw": format!("The first post of topic number {number}"),
    });
    let (status, post) = call(sim, "alice", "POST", "/posts.json", &body).await;
    assert_eq!(status, 200, "{post}");
    post
}

fn events(received: &Received) -> Vec<String> {
    let event = |(headers, _): &(http::HeaderMap, String)| {
        headers["x-discourse-event"].to_str().unwrap().to_owned()
    };
    received.lock().unwrap().iter().map(event).collect()
}

#[tokio::test]
async fn deliveries_are_signed_and_in_order() {
    let (url, received) = receiver(200).await;
    let sim = hooked(&url);
    topic(&sim, 1).await;
    let (status, waited) = call(&sim, "", "POST", "/_sim/webhooks/wait", &Value::Null).await;
    assert_eq!((status, &waited["waiting"]), (200, &json!(0)));
    assert_eq!(events(&received), ["topic_created", "post_created"]);
    let (headers, body) = received.lock().unwrap()[1].clone();
    let signature = headers["x-discourse-event-signature"]
        .to_str()
        .unwrap()
        .to_owned();
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(b"hook-secret-1234").unwrap();
    mac.update(body.as_bytes());
    let hex: Vec<String> = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(signature, format!("sha256={}", hex.concat()));
    assert_eq!(headers["x-discourse-event-type"], "post");
    assert_eq!(headers["content-type"], "application/json");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["post"]["raw"], "The first post of topic number 1");
    let (_, log) = call(
        &sim,
        "admin1",
        "GET",
        "/admin/api/web_hook_events/1.json",
        &Value::Null,
    )
    .await;
    assert_eq!(log["web_hook_events"][0]["status"], 200);
    let (status, _) = call(
        &sim,
        "admin1",
        "POST",
        "/admin/api/web_hooks/1/events/2/redeliver.json",
        &Value::Null,
    )
    .await;
    assert_eq!(status, 200);
    call(&sim, "", "POST", "/_sim/webhooks/wait", &Value::Null).await;
    let ids: Vec<_> = received
        .lock()
        .unwrap()
        .iter()
        .map(|(headers, _)| headers["x-discourse-event-id"].clone())
        .collect();
    assert_eq!(ids[1], ids[2], "a manual redelivery keeps its id");
    call(
        &sim,
        "admin1",
        "POST",
        "/admin/api/web_hooks/1/ping.json",
        &Value::Null,
    )
    .await;
    call(&sim, "", "POST", "/_sim/webhooks/wait", &Value::Null).await;
    assert_eq!(
        received.lock().unwrap().last().unwrap().1,
        "{\"ping\":\"OK\"}"
    );
}

#[tokio::test]
async fn deliveries_get_lost_doubled_and_reordered_on_demand() {
    let (url, received) = receiver(200).await;
    let sim = hooked(&url);
    let faults = json!({ "lost": { "next": 1 } });
    assert_eq!(
        call(&sim, "", "PUT", "/_sim/webhooks/faults", &faults)
            .await
            .0,
        200
    );
    topic(&sim, 1).await;
    call(&sim, "", "POST", "/_sim/webhooks/wait", &Value::Null).await;
    assert_eq!(events(&received), ["post_created"]);
    let faults = json!({ "doubled": { "next": 1 }, "reordered": { "next": 1 } });
    call(&sim, "", "PUT", "/_sim/webhooks/faults", &faults).await;
    topic(&sim, 2).await;
    call(&sim, "", "POST", "/_sim/webhooks/wait", &Value::Null).await;
    assert_eq!(
        events(&received),
        ["post_created", "post_created", "topic_created"]
    );
    let faults = json!({ "nonsense": 1 });
    assert_eq!(
        call(&sim, "", "PUT", "/_sim/webhooks/faults", &faults)
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn failing_receivers_are_tried_again_only_when_the_setting_says_so() {
    let (url, received) = receiver(500).await;
    let sim = hooked(&url);
    topic(&sim, 1).await;
    call(&sim, "", "POST", "/_sim/webhooks/wait", &Value::Null).await;
    assert_eq!(received.lock().unwrap().len(), 2);
    call(
        &sim,
        "",
        "PUT",
        "/_sim/settings",
        &json!({ "retry_web_hook_events": true }),
    )
    .await;
    topic(&sim, 2).await;
    call(&sim, "", "POST", "/_sim/webhooks/wait", &Value::Null).await;
    assert_eq!(received.lock().unwrap().len(), 4);
    for (seconds, total) in [(61, 6), (301, 8), (1_501, 10), (7_501, 12), (90_000, 12)] {
        call(
            &sim,
            "",
            "PUT",
            "/_sim/clock",
            &json!({ "advance_s": seconds }),
        )
        .await;
        call(&sim, "", "POST", "/_sim/webhooks/wait", &Value::Null).await;
        assert_eq!(
            received.lock().unwrap().len(),
            total,
            "after {seconds} s more"
        );
    }
    let refused = hooked("http://127.0.0.1:1/");
    topic(&refused, 1).await;
    call(&refused, "", "POST", "/_sim/webhooks/wait", &Value::Null).await;
    let (_, log) = call(
        &refused,
        "admin1",
        "GET",
        "/admin/api/web_hook_events/1.json?status=failed",
        &Value::Null,
    )
    .await;
    assert_eq!(log["total_rows_web_hook_events"], 2);
    assert_eq!(log["web_hook_events"][0]["status"], -1);
}

#[tokio::test]
async fn a_lost_answer_is_a_closed_connection_and_a_done_write() {
    let sim = Sim::new(Options {
        settings: quiet(),
        ..Options::default()
    })
    .unwrap();
    let address = start(&sim).await;
    let fault = json!({ "fault": { "kind": "lost_answer" }, "method": "POST", "path": "/posts" });
    assert_eq!(call(&sim, "", "POST", "/_sim/faults", &fault).await.0, 200);
    let body = json!({
        "title": "A topic whose answer gets lost", "category": 2, "external_id": "lost-1",
        "raw": "The first post of a topic that is made all the same",
    })
    .to_string();
    let head = format!(
        "POST /posts.json HTTP/1.1\r\napi-key: {ADMIN_KEY}\r\napi-username: alice\r\ncontent-type: application/json"
    );
    assert_eq!(raw(address, &head, &body).await, "");
    let (status, _) = call(
        &sim,
        "alice",
        "GET",
        "/t/external_id/lost-1.json",
        &Value::Null,
    )
    .await;
    assert_eq!(status, 301);
    let again = raw(address, &head, &body).await;
    assert!(
        again.starts_with("HTTP/1.1 200"),
        "the same request again is served from the cache: {again}"
    );
    let (_, log) = call(
        &sim,
        "",
        "GET",
        "/_sim/log?method=POST&template=/posts",
        &Value::Null,
    )
    .await;
    let statuses: Vec<_> = log["calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| call["status"].clone())
        .collect();
    assert_eq!(statuses, [0, 200]);
}

#[tokio::test]
async fn other_faults_answer_what_they_say() {
    let sim = Sim::new(Options {
        settings: quiet(),
        ..Options::default()
    })
    .unwrap();
    let get = async |sim: &Sim| call(sim, "system", "GET", "/latest.json", &Value::Null).await;
    for (fault, status) in [
        (json!({ "kind": "error500" }), 500),
        (json!({ "kind": "bad_gateway" }), 502),
        (json!({ "kind": "limited", "wait_s": 7 }), 429),
        (json!({ "kind": "limited_by_ip", "wait_s": 7 }), 429),
        (json!({ "kind": "timeout", "wait_ms": 20 }), 504),
    ] {
        let rule = json!({ "fault": fault, "path": "/latest" });
        assert_eq!(call(&sim, "", "POST", "/_sim/faults", &rule).await.0, 200);
        assert_eq!(get(&sim).await.0, status, "{fault}");
        assert_eq!(get(&sim).await.0, 200, "once only");
    }
    let before = get(&sim).await.1;
    topic(&sim, 9).await;
    let rule = json!({ "fault": { "kind": "stale_list" }, "path": "/latest" });
    call(&sim, "", "POST", "/_sim/faults", &rule).await;
    assert_eq!(get(&sim).await.1, before, "a stale list");
    assert_ne!(get(&sim).await.1, before);
    call(
        &sim,
        "",
        "PUT",
        "/_sim/read_only",
        &json!({ "enabled": true }),
    )
    .await;
    let (status, body) = call(&sim, "system", "DELETE", "/t/4.json", &Value::Null).await;
    assert_eq!((status, &body["error_type"]), (503, &json!("read_only")));
    assert_eq!(get(&sim).await.0, 200);
    assert_eq!(
        call(
            &sim,
            "",
            "POST",
            "/_sim/faults",
            &json!({ "fault": { "kind": "x" } })
        )
        .await
        .0,
        400
    );
}

#[tokio::test]
async fn an_edit_in_between_is_caught_by_the_guard() {
    let sim = Sim::new(Options {
        settings: quiet(),
        ..Options::default()
    })
    .unwrap();
    let post = topic(&sim, 1).await;
    let path = format!("/posts/{}.json", post["id"]);
    let rule = json!({ "fault": { "kind": "edit_before" }, "method": "PUT", "path": "/posts" });
    call(&sim, "", "POST", "/_sim/faults", &rule).await;
    let body = json!({ "post": { "raw": "Our own text for the first post", "original_text": post["raw"] } });
    assert_eq!(call(&sim, "system", "PUT", &path, &body).await.0, 409);
    let (_, now) = call(&sim, "system", "GET", &path, &Value::Null).await;
    assert!(
        now["raw"]
            .as_str()
            .unwrap()
            .ends_with("Somebody added this in between.")
    );
    let body = json!({ "post": { "raw": "Our own text for the first post", "original_text": now["raw"] } });
    assert_eq!(call(&sim, "system", "PUT", &path, &body).await.0, 200);
}

#[tokio::test]
async fn limits_are_one_for_all_keys_and_one_by_address() {
    let options = Options {
        admin_limit_per_minute: Some(60),
        ip_limits: true,
        ..Options::default()
    };
    let sim = Sim::new(options).unwrap();
    for _ in 0..60 {
        assert_eq!(
            call(&sim, "system", "GET", "/tags.json", &Value::Null)
                .await
                .0,
            200
        );
    }
    let (status, body) = call(&sim, "alice", "GET", "/tags.json", &Value::Null).await;
    assert_eq!((status, &body["error_type"]), (429, &json!("rate_limit")));
    let anonymous = async |sim: &Sim| {
        let request = Request::get("/tags.json").body(Body::empty()).unwrap();
        sim.router().oneshot(request).await.unwrap()
    };
    let mut last = anonymous(&sim).await;
    for _ in 0..60 {
        last = anonymous(&sim).await;
    }
    assert_eq!(last.status().as_u16(), 429);
    assert!(
        last.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    assert_eq!(
        last.headers()["discourse-rate-limit-error-code"],
        "ip_10_secs_limit"
    );
}

#[tokio::test]
async fn people_act_in_the_browser() {
    let sim = Sim::new(Options::default()).unwrap();
    let act = async |who: &str, action: &str, body: Value| {
        call(&sim, "", "POST", &format!("/_sim/as/{who}/{action}"), &body).await
    };
    let body = json!({ "category": "intro-bio", "title": "A topic by hand of alice", "raw": "Hello from the browser, everybody" });
    let (status, first) = act("alice", "post", body).await;
    assert_eq!(status, 200, "{first}");
    let topic = first["topic_id"].clone();
    let body =
        json!({ "topic_id": topic, "raw": "Hello to you, too, alice", "reply_to_post_number": 1 });
    let (_, reply) = act("bob", "post", body).await;
    assert_eq!(reply["reply_to_post_number"], 1);
    let id = reply["id"].clone();
    assert_eq!(
        act(
            "bob",
            "edit",
            json!({ "post_id": id, "raw": "Hello to you, too, dear alice" })
        )
        .await
        .0,
        200
    );
    assert_eq!(
        act(
            "alice",
            "edit",
            json!({ "post_id": id, "raw": "Not hers to edit, is it" })
        )
        .await
        .0,
        403
    );
    assert_eq!(act("alice", "like", json!({ "post_id": id })).await.0, 200);
    assert_eq!(
        act(
            "bob",
            "status",
            json!({ "topic_id": topic, "status": "closed" })
        )
        .await
        .0,
        403
    );
    assert_eq!(
        act(
            "admin1",
            "status",
            json!({ "topic_id": topic, "status": "closed" })
        )
        .await
        .0,
        200
    );
    assert_eq!(
        act(
            "alice",
            "edit_topic",
            json!({ "topic_id": topic, "title": "A topic renamed by alice" })
        )
        .await
        .0,
        200
    );
    assert_eq!(act("bob", "delete", json!({ "post_id": id })).await.0, 200);
    assert_eq!(act("bob", "recover", json!({ "post_id": id })).await.0, 200);
    assert_eq!(act("nobody", "like", json!({ "post_id": id })).await.0, 404);
    let (_, dump) = call(
        &sim,
        "",
        "GET",
        &format!("/_sim/topics/{topic}"),
        &Value::Null,
    )
    .await;
    assert_eq!(dump["title"], "A topic renamed by alice");
    assert_eq!(dump["posts"][1]["raw"], "Hello to you, too, dear alice");
    assert_eq!(
        call(&sim, "", "POST", "/_sim/reset", &Value::Null).await.0,
        200
    );
    assert_eq!(
        call(
            &sim,
            "",
            "GET",
            &format!("/_sim/topics/{topic}"),
            &Value::Null
        )
        .await
        .0,
        404
    );
}

#[tokio::test]
async fn the_control_api_survives_nonsense() {
    let sim = Sim::new(Options::default()).unwrap();
    for (method, path, body) in [
        ("PUT", "/_sim/clock", json!({ "now": "never" })),
        ("PUT", "/_sim/settings", json!({ "no_such_setting": 1 })),
        ("PUT", "/_sim/switches", json!({ "no_such_switch": true })),
        (
            "PUT",
            "/_sim/limits",
            json!({ "admin_limit_per_minute": "many" }),
        ),
        ("POST", "/_sim/import", json!({ "path": "/no/such/file" })),
        ("POST", "/_sim/keys", json!({})),
        ("POST", "/_sim/as/alice/post", json!({ "raw": [1, 2] })),
    ] {
        assert_eq!(
            call(&sim, "", method, path, &body).await.0,
            400,
            "{method} {path}"
        );
    }
    assert_eq!(
        call(&sim, "", "GET", "/_sim/nothing", &Value::Null).await.0,
        404
    );
    assert_eq!(
        call(
            &sim,
            "",
            "PUT",
            "/_sim/clock",
            &json!({ "advance_ms": i64::MAX })
        )
        .await
        .0,
        200
    );
    assert_eq!(
        call(&sim, "system", "GET", "/latest.json", &Value::Null)
            .await
            .0,
        200
    );
    for path in [
        "/t/-1.json",
        "/posts/99999999999999999999.json",
        "/t/1/x/y/z.json",
        "//",
        "/raw/1?page=-5",
        "/t/1.json?page=9223372036854775807",
        "/posts.json?before=-9223372036854775808",
        "/c/intro-bio/2/l/latest.json?page=-1&per_page=0",
    ] {
        let (status, _) = call(&sim, "system", "GET", path, &Value::Null).await;
        assert!(status < 500, "{path}: {status}");
    }
}

#[tokio::test]
async fn recorded_topics_are_imported_whole() {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/discourse/topics");
    if !folder.is_dir() {
        eprintln!("fixtures not present");
        return;
    }
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with("recorded-") && path.extension().is_some_and(|end| end == "json")
        })
        .collect();
    files.sort();
    let sim = Sim::new(Options {
        content: Content::Empty,
        import: files.clone(),
        ..Options::default()
    })
    .unwrap();
    let (_, state) = call(&sim, "", "GET", "/_sim/state", &Value::Null).await;
    let topics = state["topics"].as_array().unwrap();
    for file in files {
        let recorded: Value =
            serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let ours = topics
            .iter()
            .find(|topic| topic["title"] == recorded["title"])
            .unwrap();
        let (a, b) = (
            recorded["post_stream"]["posts"].as_array().unwrap(),
            ours["posts"].as_array().unwrap(),
        );
        assert_eq!(a.len(), b.len(), "{}", recorded["title"]);
        for (a, b) in a.iter().zip(b) {
            assert_eq!(a["post_number"], b["number"]);
            assert_eq!(a["reply_to_post_number"], b["reply_to"]);
            let has_text = a["post_type"] == 3 || !b["raw"].as_str().unwrap().is_empty();
            assert!(has_text, "{} #{}", recorded["title"], a["post_number"]);
        }
        let id = ours["id"].as_i64().unwrap();
        let (status, shown) = call(
            &sim,
            "system",
            "GET",
            &format!("/t/{id}.json?print=true&include_raw=1"),
            &Value::Null,
        )
        .await;
        assert_eq!(status, 200);
        assert_eq!(
            shown["post_stream"]["posts"].as_array().unwrap().len(),
            a.len()
        );
    }
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/fixtures/discourse/live-3.1");
    let sim = Sim::new(Options {
        profile: Profile::V3_1,
        import: vec![folder],
        ..Options::default()
    });
    assert!(sim.is_ok(), "{:?}", sim.err());
}

/// Not a benchmark: only that nothing is slow by design.
#[tokio::test]
async fn requests_in_process_are_cheap() {
    let sim = Sim::new(Options {
        settings: quiet(),
        ..Options::default()
    })
    .unwrap();
    let post = topic(&sim, 1).await;
    let count = 600;
    let clock = || async {
        call(&sim, "", "GET", "/_sim/clock", &Value::Null).await.1["now_ms"]
            .as_i64()
            .unwrap()
    };
    let start = clock().await;
    for at in 0..count {
        let body = json!({ "topic_id": post["topic_id"], "raw": format!("Reply number {at} with *some* words in it") });
        assert_eq!(
            call(&sim, "system", "POST", "/posts.json", &body).await.0,
            200
        );
    }
    let spent = (clock().await - start).max(1);
    eprintln!(
        "{} creates per second in a debug build",
        count * 1_000 / spent
    );
    assert!(spent < 20_000, "{spent} ms for {count} creates");
}
