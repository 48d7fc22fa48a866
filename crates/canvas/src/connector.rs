//! [`Canvas`], the connector.

use std::sync::{PoisonError, RwLock};

use api_client::{Client, Request, Secret};
use async_trait::async_trait;
use connector::{Capabilities, Changes, Connector, Hint, RawEvent, Result, Thread};
use model::{
    Class, CreateKey, Field, Kind, Record, RemoteId, RemoteItem, Sighting, System, Value, Write,
    WriteResult,
};

use crate::http::Http;
use crate::name::TopicName;
use crate::probe::{self, Abilities};
use crate::settings::{PersonKey, Settings};
use crate::{event, failure, feed, read, wire, write};

/// One Canvas server.
pub struct Canvas {
    pub(crate) http: Http,
    pub(crate) markup: markup::Context,
    person_key: PersonKey,
    abilities: RwLock<Abilities>,
}

impl Canvas {
    /// A connector that has not asked the server anything yet. Fails when the address is none.
    pub fn new(settings: &Settings) -> Result<Self> {
        let client = Client::new(api_client::Settings {
            base_url: settings.url.clone(),
            headers: vec![(
                "Authorization".to_owned(),
                Secret::new(format!("Bearer {}", settings.token.expose())),
            )],
            user_agent: concat!("antiphon/", env!("CARGO_PKG_VERSION")).to_owned(),
            timeout_ms: settings.timeout_ms,
            max_body_bytes: settings.max_body_bytes,
            max_in_flight: settings.max_in_flight,
            budget: None,
        })
        .map_err(|error| failure::from_client(&error, false))?;
        Ok(Self {
            http: Http { client },
            markup: markup::Context::default(),
            person_key: settings.person_key,
            abilities: RwLock::new(Abilities::default()),
        })
    }

    /// The same connector with the maps and hosts of the translation; both connectors must have the same.
    #[must_use]
    pub fn with_markup(mut self, markup: markup::Context) -> Self {
        self.markup = markup;
        self
    }

    /// What the last probe found.
    pub(crate) fn abilities(&self) -> Abilities {
        self.abilities
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The key that both systems share, of a Canvas user. Under SIS ids Canvas shows none in discussions.
    pub(crate) fn person_key(&self, user: &str) -> Option<String> {
        match self.person_key {
            PersonKey::CanvasId => Some(user.to_owned()),
            PersonKey::SisId => None,
        }
    }

    /// What `as_user_id` takes for a key (contract canvas §2.2).
    pub(crate) fn acting_as(&self, key: &str) -> String {
        match self.person_key {
            PersonKey::CanvasId => key.to_owned(),
            PersonKey::SisId => format!("sis_user_id:{key}"),
        }
    }
}

#[async_trait]
impl Connector for Canvas {
    fn system(&self) -> System {
        System::Canvas
    }

    async fn probe(&self) -> Result<Capabilities> {
        let abilities = probe::probe(self).await?;
        let capabilities = probe::capabilities(&abilities);
        *self
            .abilities
            .write()
            .unwrap_or_else(PoisonError::into_inner) = abilities;
        Ok(capabilities)
    }

    fn capabilities(&self) -> Capabilities {
        probe::capabilities(&self.abilities())
    }

    async fn course(&self, name: &str) -> Result<Option<RemoteItem>> {
        let request = Request::get("course.show", format!("/api/v1/courses/{name}"));
        let course = match self.http.get(request).await {
            Ok(course) => course,
            Err(error) if error.0.class == Class::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let id =
            wire::id(&course, "id").ok_or_else(|| failure::unexpected("a course has no id"))?;
        let title = wire::text(&course, "name").unwrap_or_default().to_owned();
        Ok(Some(RemoteItem {
            kind: Kind::Course,
            remote: RemoteId(id),
            container: None,
            parent: None,
            key: None,
            mark: None,
            sighting: Sighting::Present(Record::default().with(Field::Title, Value::Text(title))),
        }))
    }

    async fn thread(&self, topic: &RemoteId) -> Result<Thread> {
        read::thread(self, topic).await
    }

    async fn find(
        &self,
        kind: Kind,
        container: &RemoteId,
        key: &CreateKey,
    ) -> Result<Option<RemoteItem>> {
        if kind == Kind::Post {
            let thread = read::thread(self, container).await?;
            return Ok(thread
                .posts
                .into_iter()
                .find(|post| post.key.as_ref() == Some(key)));
        }
        for topic in read::list(self, container.as_str()).await? {
            let is_it = wire::text(&topic, "message")
                .and_then(markup::find_mark)
                .is_some_and(|found| found == key.as_str());
            if let (true, Some(id)) = (is_it, wire::id(&topic, "id")) {
                let name = TopicName {
                    course: container.as_str().to_owned(),
                    topic: id,
                };
                return Ok(Some(self.topic_item(&name, &topic)));
            }
        }
        Ok(None)
    }

    async fn write(&self, request: &Write) -> Result<WriteResult> {
        write::write(self, request).await
    }

    async fn changes(&self, course: &RemoteId, cursor: Option<&str>) -> Result<Changes> {
        feed::changes(self, course, cursor).await
    }

    fn interpret(&self, event: RawEvent<'_>) -> Result<Option<Hint>> {
        event::interpret(event)
    }

    fn calls(&self) -> Vec<(String, u64)> {
        self.http.client.calls()
    }
}
