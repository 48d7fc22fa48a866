//! Sending recorded requests to the simulator, with ids made equal and secrets exchanged.

use crate::fixture::Recording;
use axum::Router;
use axum::body::Body;
use canvas_sim::{Content, Options, Profile, Sim};
use http::Request;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use tower::ServiceExt as _;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub body: Value,
}

/// The simulator on stage, and what was learnt about secrets on the way.
pub struct Stage {
    router: Router,
    /// Recorded uuid or verifier to ours.
    secrets: HashMap<String, String>,
    upload: Option<Value>,
    location: Option<String>,
    etags: HashMap<String, String>,
}

/// The people of the recorded world by their names there.
pub fn token(name: &str) -> String {
    format!("token-{name}")
}

const START_MS: i64 = 1_795_362_000_000;

impl Stage {
    pub async fn new() -> Self {
        let options = Options {
            profile: Profile::Canvas2019,
            content: Content::Empty,
            base_url: "http://canvas.example.edu".into(),
            now: Arc::new(|| START_MS),
            ..Options::default()
        };
        let router = Sim::new(options).unwrap().router();
        let stage = Self {
            router,
            secrets: HashMap::new(),
            upload: None,
            location: None,
            etags: HashMap::new(),
        };
        crate::setup::world(&stage).await;
        stage
    }

    /// Any request in process.
    pub async fn call(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        let headers = parts
            .headers
            .iter()
            .map(|(n, v)| {
                (
                    n.as_str().to_owned(),
                    v.to_str().unwrap_or_default().to_owned(),
                )
            })
            .collect();
        Answer {
            status: parts.status.as_u16(),
            headers,
            body,
        }
    }

    /// A JSON request; `who` = "" sends no token.
    pub async fn json(&self, method: &str, path: &str, who: &str, body: &Value) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json");
        if !who.is_empty() {
            request = request.header("authorization", format!("Bearer {}", token(who)));
        }
        let body = if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        };
        self.call(request.body(body).unwrap()).await
    }

    /// The control API; must succeed.
    pub async fn control(&self, path: &str, body: Value) {
        let answer = self.json("POST", &format!("/_sim{path}"), "", &body).await;
        assert!(answer.status < 300, "{path} {body}: {answer:?}");
    }

    /// Makes the next topic or entry get the recorded number.
    pub async fn next_id(&self, kind: &str, id: u64) {
        self.control("/rows", json!({"last": {kind: id - 1}})).await;
    }

    /// A second passes between two recordings.
    async fn pass_time(&self) {
        self.control("/clock", json!({"advance_ms": 1000})).await;
    }

    /// Puts our secrets in place of the recorded ones.
    pub fn exchange(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for (theirs, ours) in &self.secrets {
            out = out.replace(theirs, ours);
        }
        out
    }

    async fn align_ids(&self, recording: &Recording) {
        let answer = &recording.response["body"];
        if recording.request["method"] != "POST" {
            return;
        }
        let Some(id) = answer["id"].as_u64() else {
            return;
        };
        if answer.get("parent_id").is_some() {
            self.next_id("entry", id).await;
        } else if answer.get("discussion_type").is_some() {
            self.next_id("topic", id).await;
            if let Some(assignment) = answer["assignment_id"].as_u64() {
                self.next_id("assignment", assignment).await;
            }
        }
        if let Some(file) = answer["attachments"][0]["id"].as_u64() {
            self.next_id("file", file).await;
        }
    }

    pub async fn send(&mut self, recording: &Recording) -> Answer {
        self.pass_time().await;
        self.align_ids(recording).await;
        let request = self.request(recording);
        let answer = self.call(request).await;
        self.learn(recording, &answer);
        answer
    }

    fn request(&self, recording: &Recording) -> Request<Body> {
        let recorded = &recording.request;
        let mut path = self.exchange(recorded["path"].as_str().unwrap());
        if path.contains("/create_success")
            && let Some(location) = &self.location
        {
            path = location.replace("http://canvas.example.edu", "");
        }
        path = path.replace(
            "access_token=<token>",
            &format!("access_token={}", token("teacher")),
        );
        let mut request = Request::builder()
            .method(recorded["method"].as_str().unwrap())
            .uri(path.replace(' ', "%20"))
            .header(
                "accept",
                recorded["headers"]["Accept"].as_str().unwrap_or("*/*"),
            );
        if let Some(who) = recorded["as"].as_str() {
            let token = if recording.number == 2 {
                "bad".to_owned()
            } else {
                token(who)
            };
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if recorded["headers"].get("If-None-Match").is_some() {
            request = request.header(
                "if-none-match",
                self.etags.get(&path).cloned().unwrap_or_default(),
            );
        }
        let (content_type, body) = self.body(recording);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        request.body(body.into()).unwrap()
    }

    fn body(&self, recording: &Recording) -> (Option<String>, String) {
        let recorded = &recording.request;
        let content_type = recorded["headers"]["Content-Type"]
            .as_str()
            .unwrap_or_default();
        let body = &recorded["body"];
        if body.is_null() {
            return (None, String::new());
        }
        if let Some(parts) = body["multipart"].as_array() {
            return self.multipart(parts);
        }
        if recording.number == 27 {
            // The recording cuts the text of 100 KB.
            let long = format!("<p>{}</p>", "word ".repeat(20_000));
            return (
                Some("application/json".into()),
                json!({"message": long}).to_string(),
            );
        }
        if let Some(text) = body.as_str() {
            if text.ends_with("application/json>") {
                return (Some("application/json".into()), "{\"message\":".into());
            }
            return (
                Some("application/json".into()),
                json!({"message": expand(text)}).to_string(),
            );
        }
        let body = aliases(body);
        if content_type.starts_with("application/x-www-form-urlencoded") {
            return (
                Some(content_type.into()),
                self.exchange(&form(body.as_object().unwrap())),
            );
        }
        (
            Some("application/json".into()),
            self.exchange(&body.to_string()),
        )
    }

    fn multipart(&self, parts: &[Value]) -> (Option<String>, String) {
        let mut out = String::new();
        for part in parts.iter().map(|p| p.as_str().unwrap()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            out.push_str("--XX\r\n");
            let upload = self.upload.as_ref().map(|u| &u["upload_params"]);
            if let Some(file) = value.strip_prefix("<file ") {
                let words: Vec<&str> = file.trim_end_matches('>').split(' ').collect();
                let size: usize = words[2].parse().unwrap();
                write!(out, "Content-Disposition: form-data; name=\"{name}\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n{}\r\n",
                    words[0], words[1], "x".repeat(size)).unwrap();
            } else if name == "file" {
                let upload = upload.unwrap();
                let size = self.upload.as_ref().unwrap()["size"].as_u64().unwrap();
                write!(out, "Content-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n{}\r\n",
                    upload["Filename"].as_str().unwrap(),
                    upload["content-type"].as_str().unwrap(),
                    "x".repeat(usize::try_from(size).unwrap())).unwrap();
            } else {
                let value = upload
                    .and_then(|u| u[name].as_str())
                    .filter(|_| value.is_empty())
                    .unwrap_or(value);
                write!(
                    out,
                    "Content-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
                )
                .unwrap();
            }
        }
        out.push_str("--XX--\r\n");
        (Some("multipart/form-data; boundary=XX".into()), out)
    }

    fn learn(&mut self, recording: &Recording, answer: &Answer) {
        pair(&recording.response["body"], &answer.body, &mut self.secrets);
        if answer.body.get("upload_url").is_some() {
            let mut upload = answer.body.clone();
            upload["size"] = recording.request["body"]["size"].clone();
            self.upload = Some(upload);
        }
        if let Some(location) = answer.headers.get("location") {
            self.location = Some(location.clone());
        }
        if let Some(etag) = answer.headers.get("etag") {
            self.etags.insert(
                recording.request["path"].as_str().unwrap().to_owned(),
                etag.clone(),
            );
        }
    }
}

/// Walks both answers and notes which uuid stands for which.
fn pair(theirs: &Value, ours: &Value, out: &mut HashMap<String, String>) {
    match (theirs, ours) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                let Some(other) = b.get(key) else { continue };
                if key == "uuid"
                    && let (Some(a), Some(b)) = (value.as_str(), other.as_str())
                {
                    out.insert(a.to_owned(), b.to_owned());
                }
                pair(value, other, out);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for (a, b) in a.iter().zip(b) {
                pair(a, b, out);
            }
        }
        _ => {}
    }
}

/// `x*65536` and `<p>x*65600</p>` in full.
fn expand(text: &str) -> String {
    let inner = text.trim_start_matches("<p>").trim_end_matches("</p>");
    let (letter, count) = inner.split_once('*').unwrap();
    let long = letter.repeat(count.parse().unwrap());
    if inner == text {
        long
    } else {
        format!("<p>{long}</p>")
    }
}

/// `<20 aliases of legacyNode(..)>` in full: topics 53 and up.
fn aliases(body: &Value) -> Value {
    let mut body = body.clone();
    let Some(query) = body["query"].as_str() else {
        return body;
    };
    let Some(count) = query.strip_prefix('<').and_then(|q| q.split(' ').next()) else {
        return body;
    };
    let count: u32 = count.parse().unwrap();
    let fields: Vec<String> = (53..53 + count).map(|id| format!("t{id}:legacyNode(type: Discussion, _id: {id}){{... on Discussion{{_id updatedAt}}}} ")).collect();
    let fields = fields.join(" ");
    body["query"] = json!(format!("{{{fields}}}"));
    body
}

fn form(map: &Map<String, Value>) -> String {
    let pairs: Vec<(String, String)> = map
        .iter()
        .map(|(k, v)| {
            (
                k.clone(),
                v.as_str().map_or_else(|| v.to_string(), str::to_owned),
            )
        })
        .collect();
    serde_urlencoded::to_string(pairs).unwrap()
}
