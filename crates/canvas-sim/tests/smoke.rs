//! Walks through the service the way a client does, on a real connection and in process.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "tests"
)]

use axum::body::Body;
use canvas_sim::{Content, Options, Sim};
use http::Request;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// A client in process.
pub struct Client {
    pub sim: Sim,
}

impl Client {
    fn new(content: Content) -> Self {
        let options = Options {
            content,
            base_url: "http://canvas.test".into(),
            ..Options::default()
        };
        Self {
            sim: Sim::new(options).unwrap(),
        }
    }

    async fn call(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Value,
    ) -> (u16, http::HeaderMap, Value) {
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        };
        let response = self
            .sim
            .router()
            .oneshot(request.body(body).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX)
            .await
            .unwrap_or_default();
        let json = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)));
        (parts.status.as_u16(), parts.headers, json)
    }
}

#[tokio::test]
async fn a_day_in_a_course() {
    let c = Client::new(Content::Empty);
    let (status, headers, topic) = c.call("POST", "/api/v1/courses/1/discussion_topics", "canvas-teacher-token",
        json!({"title": "T", "message": "<p>m</p>", "published": true, "discussion_type": "threaded"})).await;
    assert_eq!(status, 200, "{topic}");
    assert_eq!(headers["x-canvas-user-id"], "10000000000002");
    let id = topic["id"].as_u64().unwrap();
    let entries = format!("/api/v1/courses/1/discussion_topics/{id}/entries");
    let (status, headers, entry) = c
        .call(
            "POST",
            &format!("{entries}?as_user_id=3"),
            "canvas-admin-token",
            json!({"message": "<p>by alice</p>"}),
        )
        .await;
    assert_eq!((status, &entry["user_id"]), (201, &json!(3)), "{entry}");
    assert_eq!(headers["x-canvas-real-user-id"], "10000000000001");
    let (_, _, view) = c
        .call(
            "GET",
            &format!("/api/v1/courses/1/discussion_topics/{id}/view"),
            "canvas-student-2-token",
            Value::Null,
        )
        .await;
    assert_eq!(view["view"][0]["message"], "<p>by alice</p>");
    let query = "query($id: ID!) { course(id: $id) { discussionsConnection(first: 100) { nodes { _id title updatedAt
        discussionEntriesConnection { nodes { _id message author { _id shortName } } pageInfo { hasNextPage endCursor } } } } } }";
    let (status, _, data) = c
        .call(
            "POST",
            "/api/graphql",
            "canvas-admin-token",
            json!({"query": query, "variables": {"id": 1}}),
        )
        .await;
    assert_eq!(status, 200);
    let node = &data["data"]["course"]["discussionsConnection"]["nodes"][0];
    assert_eq!(
        node["discussionEntriesConnection"]["nodes"][0]["author"]["_id"], "3",
        "{data}"
    );
}

#[tokio::test]
async fn the_term_is_rich() {
    let c = Client::new(Content::Term);
    let (_, _, hello) = c.call("GET", "/_sim", "", Value::Null).await;
    assert_eq!(hello["token"], "canvas-admin-token", "{hello}");
    assert_eq!(hello["users"].as_array().unwrap().len(), 11);
    let (_, _, state) = c.call("GET", "/_sim/state", "", Value::Null).await;
    assert!(
        state["entries"].as_object().unwrap().len() > 60,
        "{}",
        state["entries"].as_object().unwrap().len()
    );
    assert_eq!(c.sim.hello(), hello);
}
