//! A simulated forum with a connector to it, people who use it in their browsers, and a receiver of its webhooks.

use std::sync::{Arc, Mutex};

use api_client::{Client, Method, Payload, Request, Secret};
use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use connector::{Connector, Hint, RawEvent, Thread};
use discourse::{Discourse, Settings, signature_is_valid};
use discourse_sim::{
    ADMIN_KEY, ADMIN_USERNAME, Content, Options, Profile, Sim, WEBHOOK_SECRET, WebhookTarget, serve,
};
use model::{
    Action, Author, Body, Dialect, Field, Kind, Record, RemoteId, RemoteItem, Sighting, Value,
    Write, WriteResult,
};
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;

/// Both ages of the server.
pub const PROFILES: [Profile; 2] = [Profile::V3_1, Profile::Current];

type Deliveries = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// Everything a test needs.
pub struct World {
    pub forum: Discourse,
    pub course: RemoteId,
    url: String,
    control: Client,
    deliveries: Deliveries,
}

impl World {
    /// An empty forum whose minimum lengths are lowered as operators are told to.
    pub async fn start(profile: Profile) -> Self {
        Self::start_with(
            profile,
            &[
                ("min_post_length", json!(1)),
                ("min_first_post_length", json!(1)),
                ("body_min_entropy", json!(0)),
                ("title_min_entropy", json!(0)),
            ],
        )
        .await
    }

    /// An empty forum with these site settings.
    pub async fn start_with(profile: Profile, settings: &[(&str, Json)]) -> Self {
        let (hook_url, deliveries) = receiver().await;
        let sim = Sim::new(Options {
            profile,
            content: Content::Empty,
            webhook_target: Some(WebhookTarget {
                url: hook_url,
                secret: WEBHOOK_SECRET.to_owned(),
            }),
            settings: settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            ..Options::default()
        })
        .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        sim.set_base_url(&url);
        tokio::spawn(serve(listener, sim, std::future::pending()));
        let forum = connect(&url, ADMIN_KEY);
        forum.probe().await.unwrap();
        let course = forum.course("intro-bio").await.unwrap().unwrap().remote;
        Self {
            forum,
            course,
            control: control(&url),
            url,
            deliveries,
        }
    }

    /// A second connector to the forum, one that remembers nothing.
    pub async fn stranger(&self) -> Discourse {
        let forum = connect(&self.url, ADMIN_KEY);
        forum.probe().await.unwrap();
        forum
    }

    /// A connector with another key.
    pub fn with_key(&self, key: &str) -> Discourse {
        connect(&self.url, key)
    }

    /// A call of the control API.
    pub async fn sim(&self, method: Method, path: &str, body: Json) -> Json {
        let request = Request::write("control", method, format!("/_sim/{path}"));
        let response = self
            .control
            .send(request.with_body(Payload::Json(body)))
            .await
            .unwrap();
        assert_eq!(response.status, 200, "{path}: {}", response.text());
        serde_json::from_slice(&response.body).unwrap_or(Json::Null)
    }

    /// What a person does in the browser.
    pub async fn person(&self, name: &str, action: &str, body: Json) -> Json {
        self.sim(Method::POST, &format!("as/{name}/{action}"), body)
            .await
    }

    /// Lets the next call of this method and path fail.
    pub async fn fault(&self, method: &str, path: &str, fault: Json) {
        let rule = json!({ "fault": fault, "method": method, "path": path });
        self.sim(Method::POST, "faults", rule).await;
    }

    /// How many pages of a category's list the forum answered.
    pub async fn listed(&self) -> u64 {
        let request = Request::get("control", "/_sim/counters");
        let counters: Json = self.control.send(request).await.unwrap().json().unwrap();
        let counters = counters.as_object().unwrap();
        let pages = counters
            .iter()
            .filter(|(endpoint, _)| endpoint.ends_with("/l/latest"));
        pages.filter_map(|(_, count)| count.as_u64()).sum()
    }

    /// What the deliveries since the last call hint at, each checked for its signature.
    pub async fn hints(&self) -> Vec<(String, Option<Hint>)> {
        self.sim(Method::POST, "webhooks/wait", json!({})).await;
        let deliveries = std::mem::take(&mut *self.deliveries.lock().unwrap());
        deliveries
            .iter()
            .map(|(name, body)| {
                (
                    name.clone(),
                    self.forum.interpret(RawEvent { name, body }).unwrap(),
                )
            })
            .collect()
    }

    /// The thread of a topic.
    pub async fn thread(&self, topic: &RemoteId) -> Thread {
        self.forum.thread(topic).await.unwrap()
    }

    /// Makes a topic as Tina.
    pub async fn topic(&self, key: &str, title: &str, html: &str) -> WriteResult {
        self.forum
            .write(&self.new_topic(key, title, html))
            .await
            .unwrap()
    }

    /// The write that makes a topic as Tina.
    pub fn new_topic(&self, key: &str, title: &str, html: &str) -> Write {
        let record = by("2", "Tina Teacher")
            .with(Field::Title, Value::Text(title.to_owned()))
            .with(Field::Body, body(html))
            .with(Field::Locked, Value::Flag(false))
            .with(Field::Pinned, Value::Flag(false));
        create(Kind::Topic, &self.course, key, record)
    }

    /// Makes a reply as Alice.
    pub async fn reply(&self, topic: &RemoteId, key: &str, html: &str) -> WriteResult {
        self.forum
            .write(&reply_of_alice(topic, key, html))
            .await
            .unwrap()
    }
}

/// The write that makes a reply as Alice.
pub fn reply_of_alice(topic: &RemoteId, key: &str, html: &str) -> Write {
    create(
        Kind::Post,
        topic,
        key,
        by("3", "Alice Lee").with(Field::Body, body(html)),
    )
}

/// An empty record of an author.
pub fn by(key: &str, name: &str) -> Record {
    let author = Author {
        key: Some(key.to_owned()),
        remote: None,
        name: name.to_owned(),
    };
    Record {
        author: Some(author),
        ..Record::default()
    }
}

/// A body as Canvas has it.
pub fn body(html: &str) -> Value {
    Value::Body(Body {
        dialect: Dialect::CanvasHtml,
        source: html.to_owned(),
        canonical: markup::canonical_html(html, &markup::Context::default()),
    })
}

/// A create.
pub fn create(kind: Kind, container: &RemoteId, key: &str, record: Record) -> Write {
    Write {
        action: Action::Create,
        kind,
        remote: None,
        container: container.clone(),
        parent: None,
        key: key.into(),
        fields: record.fields.keys().copied().collect(),
        record,
        expected: None,
        mark: None,
        reason: format!("made {key}"),
    }
}

/// A change of something that was seen or written before.
pub fn change(action: Action, kind: Kind, seen: &WriteResult, changes: &[(Field, Value)]) -> Write {
    let mut record = seen.record.clone();
    for (field, value) in changes {
        record.fields.insert(*field, value.clone());
    }
    Write {
        action,
        kind,
        remote: Some(seen.remote.clone()),
        container: "0".into(),
        parent: None,
        key: "ap-changed".into(),
        fields: changes.iter().map(|(field, _)| *field).collect(),
        record,
        expected: Some(seen.record.clone()),
        mark: seen.mark.clone(),
        reason: format!("{} {}", action.as_str(), seen.remote),
    }
}

/// An item that is there, in the form in which a write returns it.
pub fn seen(item: &RemoteItem) -> WriteResult {
    WriteResult {
        remote: item.remote.clone(),
        record: present(item).clone(),
        mark: item.mark.clone(),
        is_attributed: false,
    }
}

/// The content of an item that is there.
#[track_caller]
pub fn present(item: &RemoteItem) -> &Record {
    match &item.sighting {
        Sighting::Present(record) => record,
        other => panic!("{} is not there: {other:?}", item.remote),
    }
}

/// The post of a thread with this id.
#[track_caller]
pub fn post<'a>(thread: &'a Thread, id: &RemoteId) -> &'a RemoteItem {
    thread.posts.iter().find(|post| post.remote == *id).unwrap()
}

/// A number of an answer as a remote id.
#[track_caller]
pub fn id(value: &Json) -> RemoteId {
    RemoteId(value.as_i64().unwrap().to_string())
}

fn connect(url: &str, key: &str) -> Discourse {
    Discourse::new(Settings {
        url: url.to_owned(),
        api_key: Secret::new(key),
        api_username: ADMIN_USERNAME.to_owned(),
        connect_secret: None,
        user_agent: "antiphon-test".to_owned(),
        timeout_ms: 10_000,
        max_body_bytes: 8 * 1024 * 1024,
        max_in_flight: 4,
        budget: None,
    })
    .unwrap()
}

fn control(url: &str) -> Client {
    Client::new(api_client::Settings {
        base_url: url.to_owned(),
        headers: Vec::new(),
        user_agent: "test-control".to_owned(),
        timeout_ms: 20_000,
        max_body_bytes: 64 * 1024 * 1024,
        max_in_flight: 4,
        budget: None,
    })
    .unwrap()
}

/// A receiver that keeps what has a valid signature.
async fn receiver() -> (String, Deliveries) {
    let deliveries = Deliveries::default();
    let store = Arc::clone(&deliveries);
    let app = Router::new().fallback(move |headers: HeaderMap, body: Bytes| async move {
        let header = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
        let event = header("X-Discourse-Event");
        let signature = header("X-Discourse-Event-Signature");
        assert!(
            signature_is_valid(WEBHOOK_SECRET.as_bytes(), &body, &signature),
            "{event}"
        );
        store.lock().unwrap().push((event, body.to_vec()));
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, deliveries)
}
