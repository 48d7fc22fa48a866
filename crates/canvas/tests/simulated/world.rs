//! A simulated Canvas on a real socket, a connector to it, and short ways to write and to look.

use std::collections::BTreeSet;
use std::sync::Arc;

use api_client::{Client, Method, Payload, Request, Secret};
use canvas::{Canvas, Settings};
use canvas_sim::{Content, Options, Profile, Sim};
use connector::{Connector as _, Thread};
use model::{
    Action, Author, Body, CreateKey, Dialect, Failure, Field, Kind, Record, RemoteId, RemoteItem,
    Sighting, Value, Write, WriteResult,
};
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;

/// The start of the test clock: 2026-06-01T12:00:00Z.
const START_MS: i64 = 1_780_315_200_000;

/// Which server and which token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Current,
    Old,
    /// Today's server and a key that enforces scopes: no GraphQL.
    RestOnly,
}

pub const ALL: [Mode; 3] = [Mode::Current, Mode::Old, Mode::RestOnly];

pub struct World {
    pub canvas: Canvas,
    pub url: String,
    control: Client,
}

fn client(url: &str) -> Client {
    Client::new(api_client::Settings {
        base_url: url.to_owned(),
        headers: Vec::new(),
        user_agent: "test".to_owned(),
        timeout_ms: 10_000,
        max_body_bytes: 100_000_000,
        max_in_flight: 8,
        budget: None,
    })
    .unwrap()
}

pub fn settings(url: &str, token: &str) -> Settings {
    Settings {
        timeout_ms: 5_000,
        ..Settings::new(url, Secret::new(token))
    }
}

impl World {
    pub async fn empty(mode: Mode) -> Self {
        Self::new(mode, Content::Empty).await
    }

    pub async fn new(mode: Mode, content: Content) -> Self {
        let profile = if mode == Mode::Old {
            Profile::Canvas2019
        } else {
            Profile::Current
        };
        let sim = Sim::new(Options {
            profile,
            content,
            // The header `Date` shows the real time: what depends on it needs a simulated clock that agrees.
            now: if content == Content::Term {
                Arc::new(canvas_sim::system_now_ms)
            } else {
                Arc::new(|| START_MS)
            },
            ..Options::default()
        })
        .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            canvas_sim::serve(listener, sim, std::future::pending())
                .await
                .unwrap();
        });
        let token = if mode == Mode::RestOnly {
            "rest-token"
        } else {
            "canvas-admin-token"
        };
        let world = Self {
            canvas: Canvas::new(settings(&url, token)).unwrap(),
            control: client(&url),
            url,
        };
        world.add_scoped_token().await;
        world
    }

    async fn add_scoped_token(&self) {
        let topic = "/api/v1/courses/:c/discussion_topics";
        let scopes: Vec<String> = [
            "GET|/api/v1/users/:id".to_owned(),
            "GET|/api/v1/courses/:id".to_owned(),
            "GET|/api/v1/courses/:c/enrollments".to_owned(),
            format!("GET|{topic}"),
            format!("POST|{topic}"),
            format!("GET|{topic}/:t"),
            format!("PUT|{topic}/:t"),
            format!("DELETE|{topic}/:t"),
            format!("GET|{topic}/:t/view"),
            format!("GET|{topic}/:t/entry_list"),
            format!("GET|{topic}/:t/entries"),
            format!("POST|{topic}/:t/entries"),
            format!("GET|{topic}/:t/entries/:e/replies"),
            format!("POST|{topic}/:t/entries/:e/replies"),
            format!("PUT|{topic}/:t/entries/:e"),
            format!("DELETE|{topic}/:t/entries/:e"),
        ]
        .iter()
        .map(|scope| format!("url:{scope}"))
        .collect();
        let tokens = json!({"rest-token": {"user_id": 1, "scopes": scopes}});
        self.control("/rows", json!({"tokens": tokens})).await;
    }

    /// One call of the simulator's control API.
    pub async fn control(&self, path: &str, body: Json) -> Json {
        let request = Request::write("control", Method::POST, format!("/_sim{path}"))
            .with_body(Payload::Json(body));
        let response = self.control.send(request).await.unwrap();
        assert!(
            response.is_success(),
            "{path}: {} {}",
            response.status,
            response.text()
        );
        response.json().unwrap_or(Json::Null)
    }

    pub async fn look(&self, path: &str) -> Json {
        let request = Request::get("control", format!("/_sim{path}"));
        self.control.send(request).await.unwrap().json().unwrap()
    }

    pub async fn fault(&self, fault: Json) {
        self.control("/faults", fault).await;
    }

    pub async fn switch(&self, switches: Json) {
        self.control("/switches", switches).await;
    }

    pub async fn pass(&self, ms: i64) {
        self.control("/clock", json!({"advance_ms": ms})).await;
    }

    /// What a person does in the browser.
    pub async fn act(&self, person: &str, deed: &str, more: Json) -> Json {
        let mut body = json!({"as": person, "do": deed});
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        self.control("/act", body).await
    }

    /// A topic of the teacher in course 1.
    pub async fn topic(&self, more: Json) -> RemoteId {
        let mut body = json!({"course": 1, "title": "T", "message": "<p>m</p>", "discussion_type": "threaded"});
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        let made = self.act("tina", "create_topic", body).await;
        RemoteId(format!("1/{}", made["topic_id"]))
    }

    /// An entry of a person.
    pub async fn post(&self, person: &str, topic: &RemoteId, message: &str) -> RemoteId {
        let more = json!({"topic": last(topic), "message": message});
        let made = self.act(person, "post", more).await;
        RemoteId(format!("{topic}/{}", made["entry_id"]))
    }

    pub async fn thread(&self, topic: &RemoteId) -> Thread {
        self.canvas.thread(topic).await.unwrap()
    }

    /// The one post with this id, as the thread shows it.
    pub async fn seen(&self, topic: &RemoteId, post: &RemoteId) -> RemoteItem {
        let thread = self.thread(topic).await;
        let found = thread.posts.iter().find(|item| item.remote == *post);
        found
            .unwrap_or_else(|| panic!("{post} is not in {thread:?}"))
            .clone()
    }

    pub async fn write(&self, write: &Write) -> WriteResult {
        self.canvas.write(write).await.unwrap()
    }

    pub async fn refused(&self, write: &Write) -> Failure {
        self.canvas.write(write).await.unwrap_err().0
    }

    /// How many live items have our key in their text, by the database itself.
    pub async fn copies(&self, key: &str) -> usize {
        let state = self.look("/state").await;
        ["entries", "topics"]
            .iter()
            .flat_map(|table| state[table].as_object().unwrap().values())
            .filter(|row| {
                row["message"]
                    .as_str()
                    .is_some_and(|text| text.contains(key))
            })
            .count()
    }

    /// What the database has of an entry or topic.
    pub async fn row(&self, table: &str, item: &RemoteId) -> Json {
        self.look("/state").await[table][last(item)].clone()
    }

    pub fn calls(&self) -> u64 {
        self.canvas.calls().iter().map(|(_, count)| count).sum()
    }
}

pub fn last(id: &RemoteId) -> &str {
    id.as_str().rsplit('/').next().unwrap()
}

pub fn record(item: &RemoteItem) -> &Record {
    match &item.sighting {
        Sighting::Present(record) => record,
        other => panic!("{} is {other:?}", item.remote),
    }
}

pub fn source(record: &Record) -> &str {
    &record.body().unwrap().source
}

pub fn canonical(record: &Record) -> &str {
    &record.body().unwrap().canonical
}

pub fn markdown(raw: &str) -> Value {
    Value::Body(Body {
        dialect: Dialect::DiscourseMarkdown,
        source: raw.to_owned(),
        canonical: markup::canonical_markdown(raw, &markup::Context::default()),
    })
}

pub fn html(source: &str) -> Value {
    Value::Body(Body {
        dialect: Dialect::CanvasHtml,
        source: source.to_owned(),
        canonical: markup::canonical_html(source, &markup::Context::default()),
    })
}

pub fn author(key: Option<&str>, name: &str) -> Author {
    Author {
        key: key.map(str::to_owned),
        remote: None,
        name: name.to_owned(),
    }
}

/// A post by Alice (3).
pub fn words(raw: &str) -> Record {
    Record {
        author: Some(author(Some("3"), "Alice Adams")),
        ..Record::default()
    }
    .with(Field::Body, markdown(raw))
}

/// A topic by the teacher (2).
pub fn topic_record(title: &str, raw: &str) -> Record {
    Record {
        author: Some(author(Some("2"), "Tina Thomas")),
        ..words(raw)
    }
    .with(Field::Title, Value::Text(title.to_owned()))
    .with(Field::Locked, Value::Flag(false))
    .with(Field::Pinned, Value::Flag(false))
}

pub fn create(kind: Kind, container: &RemoteId, key: &str, record: Record) -> Write {
    Write {
        action: Action::Create,
        kind,
        remote: None,
        container: container.clone(),
        parent: None,
        key: CreateKey::from(key),
        fields: record.fields.keys().copied().collect(),
        record,
        expected: None,
        mark: None,
        reason: String::new(),
    }
}

/// A write to what an earlier one made or a look showed.
pub fn change(action: Action, item: &RemoteItem, record: Record, fields: &[Field]) -> Write {
    Write {
        action,
        kind: item.kind,
        remote: Some(item.remote.clone()),
        container: item.container.clone().unwrap(),
        parent: item.parent.clone(),
        key: CreateKey::from("ap-unused"),
        record,
        fields: fields.iter().copied().collect::<BTreeSet<_>>(),
        expected: match &item.sighting {
            Sighting::Present(record) => Some(record.clone()),
            _ => None,
        },
        mark: item.mark.clone(),
        reason: String::new(),
    }
}
