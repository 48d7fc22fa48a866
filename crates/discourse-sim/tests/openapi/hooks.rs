//! Field names of web hook payloads against those recorded from Discourse 2025.12.

use crate::fixtures;
use axum::body::Body;
use discourse_sim::{ADMIN_KEY, Content, Options, Profile, Sim, WebhookTarget};
use http::Request;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tower::ServiceExt;

/// Fields that plugins of the recorded server add.
const PLUGINS: &[&str] = &[
    "accepted_answer",
    "accepted_answers",
    "calendar_details",
    "can_chat_user",
    "can_accept_answer",
    "can_unaccept_answer",
    "can_vote",
    "create_as_post_voting_default",
    "disable_topic_resorting",
    "discourse_zendesk_plugin_zendesk_id",
    "discourse_zendesk_plugin_zendesk_url",
    "only_post_voting_in_this_category",
    "sort_topics_by_event_start_date",
    "topic_accepted_answer",
    "user_voted",
    "vote_count",
];

/// Fields that depend on the object that was recorded.
const DEPENDS: &[&str] = &[
    "title_is_group",
    "parent_category_id",
    "external_id",
    "reply_to_user",
    "action_code",
    "can_delete",
    "cannot_delete_reason",
];

/// Events that are not simulated, or of objects of another kind, with the reason.
const OTHERS: &[(&str, &str)] = &[
    ("ping", "the payload is a text"),
    ("notification_created_2", "notifications are not simulated"),
    (
        "reviewable_created",
        "the recorded ones are of flagged posts, ours of queued posts",
    ),
    ("reviewable_score_updated", "scores are not simulated"),
    (
        "reviewable_transitioned_to",
        "the recorded ones are of flagged posts, ours of queued posts",
    ),
    ("tag_destroyed", "tags cannot be deleted here"),
];

async fn call(sim: &Sim, method: &str, path: &str, body: Value) -> Value {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("api-key", ADMIN_KEY)
        .header("api-username", "admin1")
        .header("content-type", "application/json")
        .body(Body::from(if body.is_null() {
            String::new()
        } else {
            body.to_string()
        }))
        .unwrap();
    let answer = sim.router().oneshot(request).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200, "{method} {path}");
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX)
        .await
        .unwrap();
    serde_json::from_slice(&bytes).unwrap_or(Value::Null)
}

/// Does everything that fires an event, and gives the payloads by event.
async fn events() -> Vec<(String, Value)> {
    let options = Options {
        profile: Profile::Current,
        content: Content::Empty,
        webhook_target: Some(WebhookTarget {
            url: "http://127.0.0.1:9/".to_owned(),
            secret: String::new(),
        }),
        ..Options::default()
    };
    let sim = Sim::new(options).unwrap();
    let none = || Value::Null;
    call(
        &sim,
        "PUT",
        "/_sim/webhooks/faults",
        json!({ "held": true }),
    )
    .await;
    call(
        &sim,
        "POST",
        "/categories.json",
        json!({ "name": "Course" }),
    )
    .await;
    call(
        &sim,
        "PUT",
        "/categories/2.json",
        json!({ "name": "Other" }),
    )
    .await;
    let body = json!({ "title": "A topic that fires events", "raw": "The first post of it all", "category": 2, "tags": ["new"] });
    let first = call(&sim, "POST", "/posts.json", body).await;
    let topic = first["topic_id"].to_string();
    let body = json!({ "topic_id": first["topic_id"], "raw": "A reply that will be edited" });
    let reply = call(&sim, "POST", "/posts.json", body).await["id"].to_string();
    let body = json!({ "post": { "raw": "A reply that has been edited" } });
    call(&sim, "PUT", &format!("/posts/{reply}.json"), body).await;
    call(
        &sim,
        "POST",
        "/_sim/as/bob/like",
        json!({ "post_id": reply }),
    )
    .await;
    call(&sim, "DELETE", &format!("/posts/{reply}.json"), none()).await;
    call(&sim, "PUT", &format!("/posts/{reply}/recover.json"), none()).await;
    for status in ["closed", "pinned"] {
        let body = json!({ "status": status, "enabled": "true" });
        call(&sim, "PUT", &format!("/t/{topic}/status.json"), body).await;
    }
    let body = json!({ "title": "A topic that fired events" });
    call(&sim, "PUT", &format!("/t/-/{topic}.json"), body).await;
    call(&sim, "DELETE", &format!("/t/{topic}.json"), none()).await;
    call(&sim, "PUT", &format!("/t/{topic}/recover.json"), none()).await;
    let group = call(
        &sim,
        "POST",
        "/admin/groups.json",
        json!({ "group": { "name": "course" } }),
    )
    .await;
    let group = group["basic_group"]["id"].to_string();
    call(
        &sim,
        "PUT",
        &format!("/groups/{group}.json"),
        json!({ "group": { "full_name": "C" } }),
    )
    .await;
    call(
        &sim,
        "PUT",
        &format!("/groups/{group}/members.json"),
        json!({ "usernames": "alice" }),
    )
    .await;
    let body =
        json!({ "name": "N", "email": "n@example.com", "username": "newbie", "active": true });
    call(&sim, "POST", "/users.json", body).await;
    call(&sim, "PUT", "/u/newbie.json", json!({ "name": "M" })).await;
    let log = call(&sim, "GET", "/_sim/webhooks", none()).await;
    log["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let body = serde_json::from_str(row["payload"].as_str().unwrap()).unwrap();
            (row["event"].as_str().unwrap().to_owned(), body)
        })
        .collect()
}

fn keys(value: &Value) -> BTreeSet<String> {
    value
        .as_object()
        .map(|fields| {
            fields
                .keys()
                .filter(|key| !PLUGINS.contains(&key.as_str()) && !DEPENDS.contains(&key.as_str()))
                .cloned()
                .collect()
        })
        .unwrap_or_default()
}

#[tokio::test]
async fn payloads_have_the_fields_of_2025_12() {
    let Some(folder) = fixtures("webhooks") else {
        return;
    };
    let events = events().await;
    let mut problems = Vec::new();
    let mut compared = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some((event, "2025.12.body.json")) = name.split_once('-') else {
            continue;
        };
        if OTHERS.iter().any(|(other, _)| *other == event) {
            continue;
        }
        let recorded: Value =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let (root, wanted) = recorded.as_object().unwrap().iter().next().unwrap();
        let Some((_, ours)) = events.iter().find(|(other, _)| other == event) else {
            problems.push(format!("{event}: not made"));
            continue;
        };
        compared += 1;
        let (wanted, got) = (keys(wanted), keys(&ours[root]));
        if wanted != got {
            problems.push(format!(
                "{event}: missing {:?}, too many {:?}",
                wanted.difference(&got).collect::<Vec<_>>(),
                got.difference(&wanted).collect::<Vec<_>>()
            ));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(compared >= 15, "{compared}");
}
