//! A server that answers what it was told to, once for each answer, and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use api_client::Secret;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use discourse::{Discourse, Settings};
use serde_json::{Value, json};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Asked {
    /// The value of a header, when there is exactly one.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(only), None) => only.to_str().ok(),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct Answer {
    method: &'static str,
    path: &'static str,
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

#[derive(Debug, Default)]
struct Inner {
    answers: VecDeque<Answer>,
    asked: Vec<Asked>,
}

/// Status, headers and text of an answer.
pub type Raw = (u16, Vec<(&'static str, String)>, String);

/// The server's script and log.
#[derive(Debug, Clone, Default)]
pub struct Script(Arc<Mutex<Inner>>);

impl Script {
    /// Answers the next request for `path` with JSON.
    pub fn on(&self, method: &'static str, path: &'static str, status: u16, body: &Value) -> &Self {
        let user = ("X-Discourse-Username", "system".to_owned());
        self.add(method, path, (status, vec![user], body.to_string()))
    }

    /// Answers the next request for `path` with this status, these headers and this text.
    pub fn add(&self, method: &'static str, path: &'static str, answer: Raw) -> &Self {
        let (status, headers, body) = answer;
        self.0.lock().unwrap().answers.push_back(Answer {
            method,
            path,
            status,
            headers,
            body,
        });
        self
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.0.lock().unwrap().asked.clone()
    }

    /// How many answers were not asked for.
    pub fn left(&self) -> usize {
        self.0.lock().unwrap().answers.len()
    }

    /// Starts the server and a connector to it.
    pub async fn start(&self) -> Discourse {
        self.start_with(4 * 1024 * 1024).await
    }

    /// Starts the server and a connector that reads no more than so many bytes.
    pub async fn start_with(&self, max_body_bytes: usize) -> Discourse {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Discourse::new(Settings {
            url,
            api_key: Secret::new("the-key"),
            api_username: "system".to_owned(),
            connect_secret: None,
            user_agent: "antiphon-test".to_owned(),
            timeout_ms: 5_000,
            max_body_bytes,
            max_in_flight: 4,
            budget: None,
        })
        .unwrap()
    }
}

async fn answer(
    State(script): State<Script>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut inner = script.0.lock().unwrap();
    inner.asked.push(Asked {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    });
    let position = inner
        .answers
        .iter()
        .position(|answer| answer.method == method.as_str() && answer.path == uri.path());
    let Some(answer) = position.and_then(|position| inner.answers.remove(position)) else {
        let body = json!({ "errors": [format!("nothing is scripted for {method} {uri}")] });
        return (StatusCode::IM_A_TEAPOT, body.to_string()).into_response();
    };
    let mut response = (StatusCode::from_u16(answer.status).unwrap(), answer.body).into_response();
    for (name, value) in answer.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}
