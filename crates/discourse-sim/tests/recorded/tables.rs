//! Numbered recordings that are tables of several calls: normalisation, titles, lengths, races.

use crate::fixtures;
use axum::body::Body;
use discourse_sim::{ADMIN_KEY, Content, Options, Profile, Sim};
use http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;

struct Forum {
    sim: Sim,
}

impl Forum {
    fn new() -> Self {
        let options = Options {
            profile: Profile::V3_1,
            content: Content::Empty,
            settings: vec![
                ("rate_limit_create_post".to_owned(), json!(0)),
                ("rate_limit_create_topic".to_owned(), json!(0)),
            ],
            ..Options::default()
        };
        Self {
            sim: Sim::new(options).unwrap(),
        }
    }

    async fn call(&self, method: &str, path: &str, who: &str, body: &Value) -> (u16, Value) {
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
        let answer = self.sim.router().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX)
            .await
            .unwrap();
        (
            status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        )
    }

    async fn topic(&self, title: &str) -> i64 {
        let body = json!({ "title": title, "raw": "The first post of the study", "category": 2 });
        self.call("POST", "/posts.json", "admin1", &body).await.1["topic_id"]
            .as_i64()
            .unwrap()
    }
}

fn table(name: &str) -> Option<Value> {
    let path = fixtures("live-3.1")?.join(name);
    Some(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

#[tokio::test]
async fn bodies_are_normalised_as_recorded() {
    let Some(table) = table("487-normalisation-of-raw-on-create-and-edit.json") else {
        return;
    };
    let forum = Forum::new();
    let topic = forum.topic("Grace and normalisation study").await;
    let mut compared = 0;
    for case in table["cases"].as_array().unwrap() {
        let sent = case["sent"].as_str().unwrap();
        // Three texts of 32,000 characters are described only.
        if sent.starts_with('<') && sent.ends_with("characters>") {
            continue;
        }
        compared += 1;
        let body = json!({ "topic_id": topic, "raw": sent });
        let (status, post) = forum.call("POST", "/posts.json", "admin1", &body).await;
        assert_eq!(json!(status), case["status"], "{case}");
        assert_eq!(post["raw"], case["raw"], "{}", case["name"]);
        let edit = &case["edit"];
        let path = format!("/posts/{}.json", post["id"]);
        let body = json!({ "post": { "raw": edit["sent"] } });
        let (status, _) = forum.call("PUT", &path, "admin1", &body).await;
        assert_eq!(json!(status), edit["status"], "edit of {}", case["name"]);
        let (_, post) = forum.call("GET", &path, "admin1", &Value::Null).await;
        assert_eq!(post["raw"], edit["raw"], "edit of {}", case["name"]);
    }
    assert!(compared >= 17, "{compared}");
}

#[tokio::test]
async fn titles_are_cleaned_as_recorded() {
    let Some(table) = table("491-title-cleaning.json") else {
        return;
    };
    let forum = Forum::new();
    for (at, case) in table["cases"].as_array().unwrap().iter().enumerate() {
        let raw = format!("A body for title number {at} of the study");
        let body = json!({ "title": case["sent"], "raw": raw, "category": 2 });
        let (status, post) = forum.call("POST", "/posts.json", "admin1", &body).await;
        assert_eq!(json!(status), case["status"], "{case} {post}");
        if status != 200 {
            assert_eq!(post, case["body"]);
            continue;
        }
        let path = format!("/t/{}.json", post["topic_id"]);
        let (_, topic) = forum.call("GET", &path, "admin1", &Value::Null).await;
        for name in ["title", "fancy_title", "slug"] {
            assert_eq!(topic[name], case[name], "{name} of {}", case["sent"]);
        }
    }
}

#[tokio::test]
async fn lengths_are_limited_as_recorded() {
    let forum = Forum::new();
    let topic = forum.topic("A topic about long texts").await;
    let text = |length: usize| "abcdefgh ".chars().cycle().take(length).collect::<String>();
    let comment = "<!-- sixteen ch. -->";
    for (raw, status) in [
        (text(32_000), 200),
        (text(32_001) + "x", 422),
        (text(31_990) + comment, 422),
        (text(32_000) + "\n\n\n", 200),
    ] {
        // The text differs from the last so that it is no repetition; staff may repeat anyway.
        let body = json!({ "topic_id": topic, "raw": raw });
        let (got, _) = forum.call("POST", "/posts.json", "admin1", &body).await;
        assert_eq!(got, status, "{} characters", raw.chars().count());
    }
}

/// Recordings 415, 416 and 445: one key or one request at the same time makes one post.
#[tokio::test]
async fn races_end_with_one_post() {
    let forum = Forum::new();
    let topic = forum.topic("A topic about races").await;
    let mut statuses = Vec::new();
    for at in 0..6 {
        let body = json!({
            "topic_id": topic, "raw": format!("A racing reply, writer {at} of the study"),
            "embed_url": "https://sync.example.org/race",
        });
        statuses.push(forum.call("POST", "/posts.json", "bob", &body).await.0);
    }
    assert_eq!(statuses, [200, 422, 422, 422, 422, 422]);
    let body = json!({ "topic_id": topic, "raw": "Four identical requests of the study" });
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(forum.call("POST", "/posts.json", "admin1", &body).await.1["id"].clone());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

/// The raw-to-cooked pairs of the recorded renderer: cooked is display only, so just the share
/// that comes out equal is watched.
#[tokio::test]
async fn most_simple_bodies_are_rendered_alike() {
    let Some(table) = table("cooked-corpus.json") else {
        return;
    };
    let forum = Forum::new();
    let topic = forum.topic("A topic about rendering").await;
    let pairs = table["cases"]
        .as_array()
        .or_else(|| table.as_array())
        .cloned()
        .unwrap_or_default();
    let mut equal = 0;
    for pair in &pairs {
        let body = json!({ "topic_id": topic, "raw": pair["raw"], "skip_validations": true });
        let (_, post) = forum.call("POST", "/posts.json", "admin1", &body).await;
        equal += usize::from(post["cooked"] == pair["cooked"]);
    }
    eprintln!("{equal} of {} bodies rendered alike", pairs.len());
    assert!(equal * 3 >= pairs.len(), "{equal} of {}", pairs.len());
}
