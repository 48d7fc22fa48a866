//! Sends the recorded requests, in order and at the recorded times.

use crate::compare;
use crate::idmap::IdMap;
use crate::prelude::{STEPS, Step};
use axum::body::Body;
use discourse_sim::{ADMIN_KEY, Content, Options, Profile, Sim};
use http::Request;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tower::ServiceExt;

/// One recorded exchange.
struct Exchange {
    number: String,
    value: Value,
}

/// The replay and what came of it.
pub struct Replay {
    sim: Sim,
    now: Arc<AtomicI64>,
    exchanges: Vec<Exchange>,
    ids: IdMap,
    raws: HashMap<i64, String>,
    /// Differences by number.
    pub results: BTreeMap<String, Vec<String>>,
    /// Numbered recordings that are tables of several calls.
    pub tables: usize,
    /// All web hook events with their bodies.
    pub sim_deliveries: Vec<(String, Value)>,
}

impl Replay {
    pub fn new(folder: &Path) -> Self {
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                path.file_name()
                    .unwrap()
                    .to_string_lossy()
                    .starts_with(|c: char| c.is_ascii_digit())
            })
            .collect();
        files.sort();
        let mut exchanges = Vec::new();
        let mut tables = 0;
        for file in files {
            let number = file
                .file_name()
                .unwrap()
                .to_string_lossy()
                .chars()
                .take(3)
                .collect();
            let value: Value =
                serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
            if value.get("request").is_some() {
                exchanges.push(Exchange { number, value });
            } else {
                tables += 1;
            }
        }
        let now = Arc::new(AtomicI64::new(1_795_360_700_000));
        let source = Arc::clone(&now);
        let options = Options {
            profile: Profile::V3_1,
            content: Content::Empty,
            base_url: "http://localhost:13000".to_owned(),
            time_source: Some(Arc::new(move || source.load(Ordering::Relaxed))),
            ..Options::default()
        };
        let raws = texts(&exchanges);
        Self {
            sim: Sim::new(options).unwrap(),
            now,
            exchanges,
            ids: IdMap::default(),
            raws,
            results: BTreeMap::new(),
            tables,
            sim_deliveries: Vec::new(),
        }
    }

    pub async fn run(&mut self) {
        self.ids.learn("topic", Some(1), Some(1));
        self.ids.learn("user", Some(1), Some(1));
        self.ids.learn("user", Some(4), Some(104));
        for exchange in std::mem::take(&mut self.exchanges) {
            let steps = STEPS
                .iter()
                .filter(|(number, _)| *number == exchange.number);
            for (_, steps) in steps {
                for step in *steps {
                    self.step(step).await;
                }
            }
            self.exchange(&exchange).await;
        }
        let log = self.call("GET", "/_sim/webhooks", None, "").await.1;
        for row in log["deliveries"].as_array().unwrap() {
            let body = serde_json::from_str(row["payload"].as_str().unwrap()).unwrap();
            self.sim_deliveries
                .push((row["event"].as_str().unwrap().to_owned(), body));
        }
    }

    /// Moves the clock on to the time that a recorded answer shows.
    fn pass(&self, recorded: &Value, request: &Value) {
        let now = self.now.load(Ordering::Relaxed) + 50;
        let dated = request.pointer("/body/created_at").is_some();
        let shown = recorded
            .pointer("/post/updated_at")
            .or_else(|| recorded.get("updated_at"))
            .or_else(|| recorded.get("created_at").filter(|_| !dated))
            .and_then(Value::as_str)
            .and_then(|text| text.parse::<jiff_time::Time>().ok())
            .map(|time| time.0);
        self.now
            .store(now.max(shown.unwrap_or(0)), Ordering::Relaxed);
    }

    async fn exchange(&mut self, exchange: &Exchange) {
        let request = &exchange.value["request"];
        let response = &exchange.value["response"];
        let recorded = parsed(&response["body"]);
        self.pass(&recorded, request);
        let path = request["path"].as_str().unwrap();
        let method = request["method"].as_str().unwrap();
        let built = self.build(exchange, method, path);
        let answer = self.sim.router().oneshot(built).await.unwrap();
        let status = i64::from(answer.status().as_u16());
        let media = answer
            .headers()
            .get("content-type")
            .map(|value| value.to_str().unwrap().to_owned());
        let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX)
            .await
            .unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let ours = serde_json::from_str(&text).unwrap_or(Value::String(text));
        self.ids.compare(path, &recorded, &ours);
        let mut recorded = recorded;
        self.ids.answer(&mut recorded);
        let mut found = Vec::new();
        if response["status"].as_i64() == Some(status) {
            let wanted = response
                .pointer("/headers/Content-Type")
                .and_then(Value::as_str);
            let wanted = wanted.map(|text| text.split(';').next().unwrap());
            let got = media.as_deref().map(|text| text.split(';').next().unwrap());
            if wanted.is_some() && wanted != got && wanted != Some("image/png") {
                found.push(format!("content type: recorded {wanted:?}, here {got:?}"));
            }
            found.extend(compare::differences(&recorded, &ours));
        } else {
            found.push(format!(
                "status: recorded {}, here {status}: {ours}",
                response["status"]
            ));
        }
        self.results.insert(exchange.number.clone(), found);
    }

    fn build(&self, exchange: &Exchange, method: &str, path: &str) -> Request<Body> {
        let request = &exchange.value["request"];
        let mut builder = Request::builder()
            .method(method)
            .uri(self.ids.path(path).replace(' ', "%20"));
        let headers = request["headers"].as_object().unwrap();
        let mut media = "";
        for (name, value) in headers {
            let value = value.as_str().unwrap();
            let value = match name.as_str() {
                "Api-Key" if exchange.number == "002" => "wrong",
                "Api-Key" => ADMIN_KEY,
                "Content-Type" => {
                    media = value;
                    continue;
                }
                _ => value,
            };
            builder = builder.header(name, value);
        }
        if media.starts_with("multipart") {
            let (kind, body) = upload(&exchange.number);
            return builder
                .header("content-type", kind)
                .body(Body::from(body))
                .unwrap();
        }
        let mut body = request["body"].clone();
        if body.is_null() {
            return builder.body(Body::empty()).unwrap();
        }
        if let Value::String(text) = &body {
            // A body that is no JSON is kept as a description only.
            assert!(text.starts_with('<'), "{text}");
            return builder
                .header("content-type", "application/json")
                .body(Body::from("{broken json"))
                .unwrap();
        }
        self.ids.body(path, &mut body);
        if media.contains("urlencoded") {
            let pairs: Vec<(String, String)> = body
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| {
                    (
                        name.clone(),
                        value
                            .as_str()
                            .map_or_else(|| value.to_string(), ToOwned::to_owned),
                    )
                })
                .collect();
            let text = serde_urlencoded::to_string(pairs).unwrap();
            return builder
                .header("content-type", media)
                .body(Body::from(text))
                .unwrap();
        }
        let text = Body::from(body.to_string());
        builder
            .header("content-type", "application/json")
            .body(text)
            .unwrap()
    }

    async fn call(&self, method: &str, path: &str, who: Option<&str>, body: &str) -> (u16, Value) {
        let mut builder = Request::builder()
            .method(method)
            .uri(path)
            .header("api-key", ADMIN_KEY);
        if let Some(who) = who {
            builder = builder.header("api-username", who);
        }
        if !body.is_empty() {
            builder = builder.header("content-type", "application/json");
        }
        let request = builder.body(Body::from(body.to_owned())).unwrap();
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

    /// A call that must succeed.
    async fn must(&self, method: &str, path: &str, who: Option<&str>, body: &str) -> Value {
        let (status, value) = self.call(method, path, who, body).await;
        assert!(
            status == 200,
            "prelude {method} {path} {body}: {status} {value}"
        );
        value
    }

    async fn step(&mut self, step: &Step) {
        self.now.fetch_add(10, Ordering::Relaxed);
        match step {
            Step::Sim(method, path, body) => {
                let path = match path.strip_prefix("posts/") {
                    Some(rest) => {
                        let (id, tail) = rest.split_once('/').unwrap();
                        format!(
                            "posts/{}/{tail}",
                            self.ids.ours("post", id.parse().unwrap())
                        )
                    }
                    None => (*path).to_owned(),
                };
                self.must(method, &format!("/_sim/{path}"), None, body)
                    .await;
            }
            Step::User(name, level) => {
                let body = json!({"username": name, "name": name, "email": format!("{name}@example.com"), "password": "long-enough-1234", "active": true});
                self.must("POST", "/users.json", Some("admin1"), &body.to_string())
                    .await;
                let body = json!({ "trust_level": level, "age_days": 30 }).to_string();
                self.must("PUT", &format!("/_sim/users/{name}"), None, &body)
                    .await;
            }
            Step::Category(id, name) => {
                let body = json!({ "name": name }).to_string();
                let made = self
                    .must("POST", "/categories.json", Some("admin1"), &body)
                    .await;
                self.ids
                    .learn("category", Some(*id), made["category"]["id"].as_i64());
            }
            Step::Topic(topic, post, who, category, title, key) => {
                let mut body = json!({
                    "title": title, "raw": self.text(*post), "category": self.ids.ours("category", *category),
                    "skip_validations": true,
                });
                if !key.is_empty() {
                    body["external_id"] = json!(key);
                }
                let made = self
                    .must("POST", "/posts.json", Some(who), &body.to_string())
                    .await;
                self.ids
                    .learn("topic", Some(*topic), made["topic_id"].as_i64());
                self.ids.learn("post", Some(*post), made["id"].as_i64());
            }
            Step::Reply(post, topic, who, number) => {
                let raw = self.text(*post);
                self.reply(*post, *topic, who, (&raw, *number)).await;
            }
            Step::Text(post, topic, who, raw) => {
                let raw = self.ids.text(raw);
                self.reply(*post, *topic, who, (&raw, 0)).await;
            }
            Step::Replies(first, count, topic) => {
                for at in 0..*count {
                    let who = ["alice", "bob", "admin1"][usize::try_from(at % 3).unwrap()];
                    let raw = self.text(first + at);
                    self.reply(first + at, *topic, who, (&raw, 0)).await;
                }
            }
            Step::Raw(post, raw) => {
                self.raws.insert(*post, (*raw).to_owned());
            }
            Step::Admin(method, path, body) => self.request("admin1", method, path, body).await,
            Step::As(who, method, path, body) => self.request(who, method, path, body).await,
        }
    }

    async fn request(&mut self, who: &str, method: &str, path: &str, body: &str) {
        let (path, id) = path.split_once('#').unwrap_or((path, ""));
        let made = self
            .must(method, &self.ids.path(path), Some(who), body)
            .await;
        if !id.is_empty() {
            self.ids
                .learn("hook", id.parse().ok(), made["web_hook"]["id"].as_i64());
        }
    }

    async fn reply(&mut self, post: i64, topic: i64, who: &str, (raw, number): (&str, i64)) {
        let mut body = json!({ "topic_id": self.ids.ours("topic", topic), "raw": raw, "skip_validations": true });
        if number > 0 {
            body["reply_to_post_number"] = json!(number);
        }
        if post == 145 {
            body["embed_url"] = json!("https://sync.example.org/x/364189/race");
        }
        let made = self
            .must("POST", "/posts.json", Some(who), &body.to_string())
            .await;
        self.ids.learn("post", Some(post), made["id"].as_i64());
    }

    /// The first text that any recording shows of a post.
    fn text(&self, post: i64) -> String {
        let fallback = format!("An unrecorded text of the recorded post {post}");
        self.ids.text(self.raws.get(&post).unwrap_or(&fallback))
    }
}

/// A body that may be JSON in a text.
fn parsed(body: &Value) -> Value {
    match body {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| body.clone()),
        other => other.clone(),
    }
}

/// Raw texts by post id, the first that is shown of each.
fn texts(exchanges: &[Exchange]) -> HashMap<i64, String> {
    fn collect(value: &Value, found: &mut HashMap<i64, String>) {
        match value {
            Value::Object(fields) => {
                if let (Some(id), Some(raw), Some(_)) = (
                    fields.get("id").and_then(Value::as_i64),
                    fields.get("raw").and_then(Value::as_str),
                    fields.get("post_number"),
                ) {
                    found.entry(id).or_insert_with(|| raw.to_owned());
                }
                fields.values().for_each(|value| collect(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| collect(value, found)),
            _ => {}
        }
    }
    let mut found = HashMap::new();
    for exchange in exchanges {
        // The answer of an edit shows the new text, not the one that the post was made with.
        if exchange.value["request"]["method"] == "PUT" {
            continue;
        }
        collect(&parsed(&exchange.value["response"]["body"]), &mut found);
    }
    found
}

/// Multipart bodies were not recorded; these have the same kinds of files.
fn upload(number: &str) -> (String, Vec<u8>) {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x28\0\0\0\x1e\x08\x06\0\0\0".to_vec();
    let dot = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0".to_vec();
    let (name, data) = match number {
        "099" | "100" => ("dot.png", dot),
        "619" => ("pic 365396.png", png),
        "620" => ("other.png", png),
        "621" | "625" => ("notes ü.txt", b"hello text 365396".to_vec()),
        "626" => ("other.txt", b"hello text 365396".to_vec()),
        "622" => ("x.png", b"no picture".to_vec()),
        "623" => ("x.png", Vec::new()),
        "624" => ("noext", png),
        "627" => ("x.txt", b"<html></html>".to_vec()),
        "628" => ("x.svg", b"<svg></svg>".to_vec()),
        other => panic!("no upload known for {other}"),
    };
    let boundary = "sandbox-boundary";
    let mut body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\ncomposer\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    )
    .into_bytes();
    body.extend(data);
    body.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// Times in recorded answers.
mod jiff_time {
    /// Unix milliseconds.
    pub struct Time(pub i64);

    impl std::str::FromStr for Time {
        type Err = jiff::Error;

        fn from_str(text: &str) -> Result<Self, Self::Err> {
            text.parse::<jiff::Timestamp>()
                .map(|time| Self(time.as_millisecond()))
        }
    }
}
