//! A client in process, for the tests.

use axum::body::Body;
use canvas_sim::{Content, Options, Profile, Sim};
use http::Request;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use tower::ServiceExt as _;

pub const ADMIN: &str = "canvas-admin-token";
pub const TINA: &str = "canvas-teacher-token";
pub const ALICE: &str = "canvas-student-1-token";
pub const BOB: &str = "canvas-student-2-token";

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub body: Value,
}

/// A simulator and how to call it.
pub struct Client {
    pub sim: Sim,
}

/// The start of the test clock: 2026-06-01T12:00:00Z.
pub const START_MS: i64 = 1_780_315_200_000;

impl Client {
    pub fn new(profile: Profile, content: Content) -> Self {
        let options = Options {
            profile,
            content,
            base_url: "http://canvas.test".into(),
            now: Arc::new(|| START_MS),
            ..Options::default()
        };
        Self {
            sim: Sim::new(options).unwrap(),
        }
    }

    pub fn empty() -> Self {
        Self::new(Profile::Current, Content::Empty)
    }

    pub fn term() -> Self {
        Self::new(Profile::Current, Content::Term)
    }

    pub async fn raw(&self, request: Request<Body>) -> Answer {
        let response = self.sim.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX)
            .await
            .unwrap_or_default();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)));
        let headers = parts
            .headers
            .iter()
            .map(|(n, v)| (n.as_str().to_owned(), v.to_str().unwrap().to_owned()))
            .collect();
        Answer {
            status: parts.status.as_u16(),
            headers,
            body,
        }
    }

    pub async fn call(&self, method: &str, path: &str, token: &str, body: Value) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path.replace(' ', "%20"));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        };
        self.raw(request.body(body).unwrap()).await
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.call("GET", path, token, Value::Null).await
    }

    pub async fn control(&self, path: &str, body: Value) -> Value {
        let answer = self.call("POST", &format!("/_sim{path}"), "", body).await;
        assert!(answer.status < 300, "{path}: {answer:?}");
        answer.body
    }

    pub async fn switch(&self, body: Value) {
        self.control("/switches", body).await;
    }

    pub async fn pass(&self, ms: i64) {
        self.control("/clock", json!({"advance_ms": ms})).await;
    }

    /// A published, threaded topic of the teacher with more fields.
    pub async fn topic(&self, more: Value) -> u64 {
        let mut body = json!({"title": "T", "message": "<p>m</p>", "published": true, "discussion_type": "threaded"});
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        let answer = self
            .call("POST", "/api/v1/courses/1/discussion_topics", TINA, body)
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["id"].as_u64().unwrap()
    }

    pub async fn post(
        &self,
        topic: u64,
        parent: Option<u64>,
        token: &str,
        message: &str,
    ) -> Answer {
        let tail = parent.map_or_else(String::new, |p| format!("/{p}/replies"));
        let path = format!("/api/v1/courses/1/discussion_topics/{topic}/entries{tail}");
        self.call("POST", &path, token, json!({"message": message}))
            .await
    }

    /// An entry that must be accepted.
    pub async fn entry(&self, topic: u64, parent: Option<u64>, token: &str) -> u64 {
        let answer = self.post(topic, parent, token, "<p>e</p>").await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body["id"].as_u64().unwrap()
    }

    pub async fn graphql(&self, query: &str, token: &str) -> Value {
        let answer = self
            .call("POST", "/api/graphql", token, json!({"query": query}))
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }
}

pub fn at(topic: u64) -> String {
    format!("/api/v1/courses/1/discussion_topics/{topic}")
}
