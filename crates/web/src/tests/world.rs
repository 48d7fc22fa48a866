//! A service with a database in memory, two courses, a conflict, and somebody of every role.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use model::{
    Author, Body as Words, Class, Conflict, ConflictState, Dialect, Entity, EntityId, Existence,
    Failure, Field, IdSource, Kind, OperationId, Record, RemoteId, Replica, Status, Strategy,
    System, Timestamp, Value,
};
use store::{Change, HistoryEntry, NewOperation, OperationKind, Priority, Role, Store};
use tower::ServiceExt as _;

use crate::{Caller, NewAccount, NewToken, Site, Stamp, State};

/// Words that would be markup if anything forgot to escape them.
pub(super) const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
/// Everybody's password.
pub(super) const PASSWORD: &str = "correct horse battery";

/// A clock that the test moves, and ids and secrets that count.
#[derive(Default)]
pub(super) struct Clock {
    pub(super) now: AtomicI64,
    count: AtomicU64,
}

impl Clock {
    fn next(&self) -> u64 {
        self.count.fetch_add(1, Ordering::SeqCst)
    }
}

impl Stamp for Clock {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000 + self.now.load(Ordering::SeqCst))
    }

    fn id(&self) -> String {
        IdSource::text(self.now(), u128::from(self.next()))
    }

    fn secret(&self) -> [u8; 32] {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&self.next().to_be_bytes());
        bytes
    }
}

/// The service and what the tests know about it.
pub(super) struct World {
    pub(super) state: State,
    pub(super) clock: Arc<Clock>,
    pub(super) tokens: BTreeMap<&'static str, String>,
    pub(super) conflict: String,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

pub(super) fn course(name: &str) -> EntityId {
    EntityId(format!("{name:0>26}"))
}

fn words(text: &str) -> Record {
    let body = Words {
        dialect: Dialect::DiscourseMarkdown,
        source: text.to_owned(),
        canonical: text.to_owned(),
    };
    let mut record = Record::default()
        .with(Field::Title, Value::Text(HOSTILE.to_owned()))
        .with(Field::Body, Value::Body(body));
    record.author = Some(Author {
        key: None,
        remote: None,
        name: HOSTILE.to_owned(),
    });
    record
}

fn replica(remote: &str, record: Record, counters: &[(System, u64)]) -> Replica {
    Replica {
        remote: RemoteId::from(remote),
        vector: counters.iter().copied().collect(),
        record,
        existence: Existence::Present,
        mark: None,
        seen_at: Timestamp(1),
        generation: 1,
        base: None,
        owed: [].into(),
    }
}

fn entity(id: &str, kind: Kind, of: &str, replicas: BTreeMap<System, Replica>) -> Entity {
    Entity {
        id: course(id),
        kind,
        course: course(of),
        container: None,
        parent: None,
        shadow: None,
        status: Status::InSync,
        reason: None,
        revision: 0,
        created_at: Timestamp(1),
        updated_at: Timestamp(1),
        replicas,
    }
}

pub(super) fn failure() -> Failure {
    Failure::new("SYNC-2301", Class::Transient, HOSTILE.to_owned(), "Wait.")
}

impl World {
    /// A service with content.
    pub(super) async fn new() -> Self {
        let store = Store::open("sqlite::memory:").await.unwrap();
        let clock = Arc::new(Clock::default());
        let site = Site {
            session_ms: 12 * 3_600_000,
            frame_ancestors: vec!["https://canvas.example.edu".to_owned()],
            widget_secret: Some("widget key".into()),
            settings: vec![("canvas.token".to_owned(), "****".to_owned())],
            ..Site::default()
        };
        let mut state = State::new(store, clock.clone(), site);
        state.token = Some("configured".into());
        let mut world = Self {
            state,
            clock,
            tokens: BTreeMap::new(),
            conflict: "k".repeat(26),
        };
        world.fill().await;
        world.people().await;
        world
    }

    async fn fill(&self) {
        let mut changes = Vec::new();
        for name in ["one", "two"] {
            let replicas = [
                (
                    System::Canvas,
                    replica(&format!("c{name}"), words(name), &[]),
                ),
                (
                    System::Discourse,
                    replica(&format!("d{name}"), words(name), &[]),
                ),
            ];
            changes.push(Change::SaveEntity(entity(
                name,
                Kind::Course,
                name,
                replicas.into(),
            )));
        }
        let sides = [
            (System::Canvas, words(&format!("shared\n\nleft {HOSTILE}"))),
            (
                System::Discourse,
                words(&format!("shared\n\nright {HOSTILE}")),
            ),
        ];
        let mut replicas: BTreeMap<System, Replica> = sides
            .iter()
            .map(|(system, record)| (*system, replica("t1", record.clone(), &[(*system, 2)])))
            .collect();
        replicas.insert(
            System::Local,
            replica("t1", words("shared"), &[(System::Local, 1)]),
        );
        let mut topic = entity("topic", Kind::Topic, "one", replicas);
        topic.status = Status::Conflict;
        changes.push(Change::SaveEntity(topic));
        changes.push(Change::SaveConflict(Conflict {
            id: self.conflict.clone(),
            entity: course("topic"),
            state: ConflictState::Open,
            strategy: Strategy::Manual,
            decided_by: String::new(),
            base: Some(words("shared")),
            sides: sides.into(),
            result: None,
            fields: [Field::Body].into(),
            opened_at: Timestamp(1),
            resolved_at: None,
        }));
        for number in 0..5 {
            changes.push(Change::Enqueue(self.wish(number)));
            changes.push(Change::Log(self.line("changed", None)));
        }
        changes.push(Change::Log(self.line("failed", Some(failure()))));
        self.state.store.commit(changes).await.unwrap();
        self.clock.now.fetch_add(120_000, Ordering::SeqCst);
        crate::tally::advance(&self.state, "test").await.unwrap();
    }

    pub(super) fn wish(&self, number: u32) -> NewOperation {
        let now = self.state.stamp.now();
        NewOperation {
            id: OperationId(self.state.stamp.id()),
            kind: OperationKind::Thread,
            subject: format!("thread:{number}{HOSTILE}"),
            entity: None,
            course: Some(course("one")),
            system: Some(System::Canvas),
            remote: None,
            batch_key: format!("thread:{number}"),
            reason: HOSTILE.to_owned(),
            priority: Priority::Normal,
            not_before: now,
            blocked_on: None,
            at: now,
        }
    }

    pub(super) fn line(&self, action: &str, failure: Option<Failure>) -> HistoryEntry {
        HistoryEntry {
            id: self.state.stamp.id(),
            at: self.state.stamp.now(),
            entity: Some(course("topic")),
            course: Some(course("one")),
            system: Some(System::Canvas),
            action: action.to_owned(),
            operation: None,
            text: HOSTILE.to_owned(),
            failure,
        }
    }

    async fn people(&mut self) {
        let caller = Caller::command_line();
        for (name, role) in [
            ("viewer", Role::Viewer),
            ("operator", Role::Operator),
            ("admin", Role::Admin),
            ("teacher", Role::Teacher),
        ] {
            let courses = if role == Role::Teacher {
                vec![course("two")]
            } else {
                Vec::new()
            };
            let new = NewToken {
                label: name.to_owned(),
                role,
                courses: courses.clone(),
                days: None,
            };
            let (_, token) = crate::create_token(&self.state, &caller, new, "test")
                .await
                .unwrap();
            self.tokens.insert(name, token);
            if name == "operator" || name == "viewer" {
                let new = NewAccount {
                    name: name.to_owned(),
                    password: PASSWORD.to_owned(),
                    role,
                    courses,
                };
                crate::save_account(&self.state, &caller, new, "test")
                    .await
                    .unwrap();
            }
        }
    }

    fn router(&self) -> Router {
        crate::router(self.state.clone())
    }

    /// Sends a request as it is.
    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        if headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind == "text/event-stream")
        {
            return Answer {
                status,
                headers,
                text: String::new(),
            };
        }
        let bytes = to_bytes(response.into_body(), 16 << 20).await.unwrap();
        Answer {
            status,
            headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// Sends a request with a role's token.
    pub(super) async fn call(&self, role: &str, method: &str, path: &str, body: &str) -> Answer {
        let kind = if path.starts_with("/api") {
            "application/json"
        } else {
            "application/x-www-form-urlencoded"
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(
                header::AUTHORIZATION,
                format!("Bearer {}", self.tokens[role]),
            )
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body.to_owned()))
            .unwrap();
        self.send(request).await
    }

    /// Reads a page with a role's token.
    pub(super) async fn get(&self, role: &str, path: &str) -> Answer {
        self.call(role, "GET", path, "").await
    }

    /// Signs in with a password; the cookie, if it was right.
    pub(super) async fn sign_in(
        &self,
        name: &str,
        password: &str,
        old: Option<&str>,
    ) -> (StatusCode, Option<String>) {
        let form = serde_urlencoded::to_string([("name", name), ("password", password)]).unwrap();
        let mut request = Request::builder()
            .method(Method::POST)
            .uri("/sign-in")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(old) = old {
            request = request.header(header::COOKIE, old);
        }
        let answer = self.send(request.body(Body::from(form)).unwrap()).await;
        let cookie = answer.headers.get(header::SET_COOKIE).map(|cookie| {
            cookie
                .to_str()
                .unwrap()
                .split(';')
                .next()
                .unwrap()
                .to_owned()
        });
        (answer.status, cookie)
    }

    /// Reads a page with a cookie.
    pub(super) async fn page(&self, cookie: &str, path: &str) -> Answer {
        let request = Request::builder().uri(path).header(header::COOKIE, cookie);
        self.send(request.body(Body::empty()).unwrap()).await
    }
}
