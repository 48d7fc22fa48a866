//! Faults, the call log, the clock, snapshots.

use crate::client::{ALICE, BOB, Client, START_MS, TINA, at};
use canvas_sim::{Content, Options, Sim};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::test]
async fn before_and_after_the_commit() {
    let c = Client::empty();
    let id = c.topic(json!({})).await;
    let count = || async { c.get(&at(id), TINA).await.body["discussion_subentry_count"].clone() };
    for (kind, status, stored) in [
        ("error_before_commit", 500, 0),
        ("bad_gateway", 502, 0),
        ("throttle", 429, 0),
        ("expired_token", 401, 0),
        ("not_permitted", 403, 0),
        ("lost_request", 502, 0),
        ("error_after_commit", 500, 1),
        ("lost_answer", 502, 2),
    ] {
        c.control(
            "/faults",
            json!({"kind": kind, "method": "POST", "path": "*/entries"}),
        )
        .await;
        let answer = c.post(id, None, ALICE, "x").await;
        assert_eq!(answer.status, status, "{kind}");
        assert_eq!(count().await, stored, "{kind}");
    }
    assert_eq!(
        c.get("/_sim/faults", "").await.body,
        json!([]),
        "all used up"
    );
}

#[tokio::test]
async fn somebody_edits_between_read_and_write() {
    let c = Client::empty();
    let id = c.topic(json!({})).await;
    let entry = c.entry(id, None, ALICE).await;
    c.control(
        "/faults",
        json!({"kind": "edit_before_write", "method": "PUT", "message": "<p>theirs</p>"}),
    )
    .await;
    c.call(
        "PUT",
        &format!("{}/entries/{entry}", at(id)),
        ALICE,
        json!({"message": "<p>ours</p>"}),
    )
    .await;
    let query = format!(
        "{{legacyNode(type: DiscussionEntry, _id: {entry}) {{... on DiscussionEntry {{discussionEntryVersions {{message}}}}}}}}"
    );
    let versions = &c.graphql(&query, ALICE).await["data"]["legacyNode"]["discussionEntryVersions"];
    assert_eq!(
        versions,
        &json!([{"message": "<p>ours</p>"}, {"message": "<p>theirs</p>"}, {"message": "<p>e</p>"}])
    );
}

#[tokio::test]
async fn stale_views_and_lists() {
    let c = Client::empty();
    let id = c.topic(json!({})).await;
    let entry = c.entry(id, None, ALICE).await;
    c.control("/faults", json!({"kind": "stale_view", "path": "*/view"}))
        .await;
    c.control(
        "/faults",
        json!({"kind": "stale_list", "method": "GET", "path": "*/entries", "lag_ms": 60_000}),
    )
    .await;
    c.call(
        "PUT",
        &format!("{}/entries/{entry}", at(id)),
        ALICE,
        json!({"message": "new"}),
    )
    .await;
    let view = format!("{}/view", at(id));
    assert_eq!(
        c.get(&view, TINA).await.body["view"][0]["message"],
        "<p>e</p>"
    );
    assert_eq!(c.get(&view, TINA).await.body["view"][0]["message"], "new");
    let entries = format!("{}/entries", at(id));
    assert_eq!(c.get(&entries, TINA).await.body, json!([]));
    assert_eq!(
        c.get(&entries, TINA).await.body.as_array().unwrap().len(),
        1
    );
    c.control("/faults", json!({"kind": "view_not_ready"}))
        .await;
    assert_eq!(c.get(&view, TINA).await.status, 503);
}

async fn served() -> (String, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let sim = Sim::new(Options {
        content: Content::Empty,
        ..Options::default()
    })
    .unwrap();
    let task = tokio::spawn(async move {
        canvas_sim::serve(listener, sim, std::future::pending())
            .await
            .unwrap();
    });
    (address, task)
}

/// One raw request on a new connection; everything that comes back.
async fn raw(address: &str, method: &str, path: &str, body: &str) -> (String, bool) {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {TINA}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut out = Vec::new();
    let is_clean = stream.read_to_end(&mut out).await.is_ok();
    (String::from_utf8_lossy(&out).into_owned(), is_clean)
}

#[tokio::test]
async fn a_lost_answer_is_a_closed_connection_and_a_done_write() {
    let (address, task) = served().await;
    let fault = r#"{"kind": "lost_answer", "method": "POST", "path": "/api/v1/courses/1/discussion_topics"}"#;
    let (answer, _) = raw(&address, "POST", "/_sim/faults", fault).await;
    assert!(answer.contains(" 200 "), "{answer}");
    let body = r#"{"title": "T", "message": "m", "published": true}"#;
    let (answer, _) = raw(
        &address,
        "POST",
        "/api/v1/courses/1/discussion_topics",
        body,
    )
    .await;
    assert_eq!(answer, "", "not one byte");
    let (answer, _) = raw(&address, "GET", "/api/v1/courses/1/discussion_topics", "").await;
    assert!(answer.contains("\"title\":\"T\""), "{answer}");
    assert!(
        answer.contains(&format!(
            "<http://{address}/api/v1/courses/1/discussion_topics?page=1"
        )),
        "own address in links"
    );
    let fault = r#"{"kind": "reset_mid_body", "after_bytes": 100}"#;
    raw(&address, "POST", "/_sim/faults", fault).await;
    let (answer, _) = raw(&address, "GET", "/api/v1/courses/1/discussion_topics", "").await;
    assert!(
        answer.len() <= 100 && answer.starts_with("HTTP/1.1 200"),
        "{answer}"
    );
    let fault = r#"{"kind": "time_out", "wait_ms": 600000, "after_commit": true}"#;
    raw(&address, "POST", "/_sim/faults", fault).await;
    let waiting = raw(
        &address,
        "POST",
        "/api/v1/courses/1/discussion_topics",
        r#"{"title": "U", "published": true}"#,
    );
    assert!(
        tokio::time::timeout(Duration::from_millis(300), waiting)
            .await
            .is_err(),
        "no answer"
    );
    let (answer, _) = raw(&address, "GET", "/api/v1/courses/1/discussion_topics", "").await;
    assert!(answer.contains("\"title\":\"U\""));
    task.abort();
}

#[tokio::test]
async fn parallel_requests_share_the_bucket() {
    let c = Client::empty();
    c.switch(json!({"latency_ms": 50})).await;
    let calls = (0..16).map(|_| c.get("/api/v1/users/self", ALICE));
    let answers = futures_util::future::join_all(calls).await;
    let passed = answers.iter().filter(|a| a.status == 200).count();
    assert_eq!(
        passed, 11,
        "550 of 600 are reserved, the twelfth would fill the bucket"
    );
    assert_eq!(
        c.get("/api/v1/users/self", ALICE).await.status,
        200,
        "reservations are given back"
    );
}

#[tokio::test]
async fn calls_are_logged_and_counted() {
    let c = Client::empty();
    let id = c.topic(json!({})).await;
    c.call(
        "POST",
        &format!("{}/entries?as_user_id=3", at(id)),
        crate::client::ADMIN,
        json!({"message": "x"}),
    )
    .await;
    c.get("/api/v1/users/self", "bad").await;
    let log = c.get("/_sim/calls", "").await.body;
    let call = &log["calls"][1];
    assert_eq!(
        call["template"],
        "/api/v1/courses/:id/discussion_topics/:topic_id/entries"
    );
    assert_eq!(
        (&call["user_id"], &call["real_user_id"], &call["status"]),
        (&json!(3), &json!(1), &json!(201))
    );
    assert_eq!(call["at_ms"], START_MS);
    let counters = c.get("/_sim/counters", "").await.body;
    assert_eq!(counters["endpoints"]["GET /api/v1/users/:id"]["401"], 1);
}

#[tokio::test]
async fn a_snapshot_brings_everything_back() {
    let c = Client::term();
    let folder = std::env::temp_dir().join(format!("canvas-sim-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("snapshot.json");
    let before = c.get("/_sim/state", "").await.body;
    c.control("/snapshot", json!({"save": path})).await;
    let id = c.topic(json!({})).await;
    let options = Options {
        import: Some(path.clone()),
        now: std::sync::Arc::new(|| START_MS),
        ..Options::default()
    };
    let other = Client {
        sim: Sim::new(options).unwrap(),
    };
    assert_eq!(other.get("/_sim/state", "").await.body, before);
    c.control("/snapshot", json!({"load": path})).await;
    assert_eq!(c.get(&at(id), TINA).await.status, 404);
    c.control(
        "/act",
        json!({"as": "alice", "do": "create_topic", "course": 1, "title": "x", "message": "y"}),
    )
    .await;
    c.control("/reset", Value::Null).await;
    assert_eq!(c.get("/_sim/state", "").await.body, before);
    std::fs::write(&path, "{}x").unwrap();
    let broken = Options {
        import: Some(path),
        ..Options::default()
    };
    assert!(Sim::new(broken).is_err());
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn people_act_in_the_browser_by_the_same_rules() {
    let c = Client::empty();
    let id = c.topic(json!({"allow_rating": true})).await;
    let posted = c
        .control(
            "/act",
            json!({"as": "bob", "do": "post", "topic": id, "message": "b"}),
        )
        .await;
    let entry = posted["entry_id"].as_u64().unwrap();
    for (who, deed) in [
        ("alice", "like"),
        ("tina", "edit"),
        ("bob", "attach"),
        ("bob", "detach"),
        ("bob", "delete"),
        ("tina", "restore"),
    ] {
        c.control(
            "/act",
            json!({"as": who, "do": deed, "entry": entry, "message": "c"}),
        )
        .await;
    }
    for deed in ["lock", "unlock", "pin", "unpin"] {
        c.control("/act", json!({"as": "tina", "do": deed, "topic": id}))
            .await;
    }
    let refused = c
        .call(
            "POST",
            "/_sim/act",
            "",
            json!({"as": "alice", "do": "edit", "entry": entry, "message": "x"}),
        )
        .await;
    assert_eq!(
        (refused.status, &refused.body["status"]),
        (409, &json!(403))
    );
    assert_eq!(
        c.call(
            "POST",
            "/_sim/act",
            "",
            json!({"as": "nobody", "do": "post"})
        )
        .await
        .status,
        400
    );
    assert_eq!(
        c.get(&format!("{}/entries", at(id)), BOB).await.body[0]["message"],
        "c"
    );
}

#[tokio::test]
async fn nonsense_never_panics() {
    let c = Client::term();
    for path in [
        "/api/v1/courses/1/discussion_topics?scope[]=x&include=y&per_page=zzz&order_by[]=q",
        "/api/v1/courses/1/discussion_topics/99999999999999999999",
        "/api/v1/courses/%FF/discussion_topics",
        "/api/v1/courses/hex:sis_course_id:zz/discussion_topics",
        "/api/v1/users/:::",
        "/api/v1/groups/1~/discussion_topics",
        "/api/v1//",
        "/",
        "/api/v1/courses/1/enrollments?page=bookmark:AAAA",
        "/api/v1/courses/1/discussion_topics/1/entry_list?ids[a]=1&ids[]=2",
    ] {
        assert!(c.get(path, TINA).await.status < 500, "{path}");
    }
    for body in [
        json!([]),
        json!({"title": {"a": 1}, "message": [1], "lock_at": 5, "published": "maybe", "specific_sections": {}}),
        json!({"assignment": {"points_possible": "x", "due_at": "y"}, "group_category_id": "z", "published": true}),
    ] {
        let answer = c
            .call("POST", "/api/v1/courses/1/discussion_topics", TINA, body)
            .await;
        assert!(answer.status < 500, "{answer:?}");
    }
}
