//! Calls to Canvas: one function per way of asking, each with the failure classified.
//!
//! Must not know records; it gives wire types to the modules that translate.

use api_client::{Client, Method, Payload, Request, Response, Secret};
use model::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::address::TopicId;
use crate::failure::{self, Reason, Trouble};
use crate::graphql::Envelope;
use crate::settings::{PersonKey, Settings};
use crate::time;
use crate::wire::{Entry, Topic, View};

/// How many requests may be under way: more at once are refused (contract canvas §4).
const IN_FLIGHT: usize = 8;
/// Rows asked for per page; older servers give 50 (contract canvas §5).
const PER_PAGE: &str = "100";
/// A list that goes on longer than this is broken: older servers link pages without end (contract canvas §5).
const PAGES_MAX: usize = 1_000;
/// Ids per `entry_list`: with more the rest is silently missing (contract canvas §5).
pub(crate) const IDS_PER_CALL: usize = 50;

/// An answer with the server's time.
pub(crate) struct Dated<T> {
    pub value: T,
    pub now: Option<Timestamp>,
}

/// One Canvas.
#[derive(Debug)]
pub(crate) struct Api {
    client: Client,
    pub person_key: PersonKey,
}

impl Api {
    pub(crate) fn new(settings: &Settings) -> Result<Self, Trouble> {
        let bearer = format!("Bearer {}", settings.token.expose());
        let client = Client::new(api_client::Settings {
            base_url: settings.url.clone(),
            headers: vec![
                ("Authorization".to_owned(), Secret::new(bearer)),
                // Ids of other shards reach 18 digits (contract canvas §1).
                (
                    "Accept".to_owned(),
                    Secret::new("application/json+canvas-string-ids"),
                ),
            ],
            user_agent: settings.user_agent.clone(),
            timeout_ms: settings.timeout_ms,
            max_body_bytes: settings.max_body_bytes,
            max_in_flight: IN_FLIGHT,
            budget: None,
        });
        Ok(Self {
            client: client.map_err(|error| failure::of_error(false, &error))?,
            person_key: settings.person_key,
        })
    }

    pub(crate) fn calls(&self) -> Vec<(String, u64)> {
        self.client.calls()
    }

    pub(crate) fn base_url(&self) -> &str {
        self.client.base_url()
    }

    /// Sends a request; anything but 2xx is a failure.
    pub(crate) async fn send(&self, request: Request) -> Result<Response, Trouble> {
        let (name, is_write) = (request.name, request.is_write);
        let answer = self.client.send(request).await;
        let response = answer.map_err(|error| failure::of_error(is_write, &error))?;
        if response.is_success() {
            return Ok(response);
        }
        let trouble = failure::of_answer(name, is_write, &response);
        if trouble.reason == Reason::Throttled {
            // The bucket is shared by all our calls: the others would be refused too.
            let wait_ms = trouble.failure.retry_after_ms.unwrap_or(1_000);
            self.client
                .pause_for_ms(u64::try_from(wait_ms).unwrap_or(0));
        }
        Err(trouble)
    }

    /// Sends a request and reads the answer's body.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        request: Request,
    ) -> Result<Dated<T>, Trouble> {
        let is_write = request.is_write;
        let response = self.send(request).await?;
        let value = response.json();
        Ok(Dated {
            value: value.map_err(|error| failure::of_error(is_write, &error))?,
            now: time::of_answer(&response),
        })
    }

    /// All pages of a list.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        name: &'static str,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, Trouble> {
        let mut request = Request::get(name, path).with_query("per_page", PER_PAGE);
        for (key, value) in query {
            request = request.with_query(*key, *value);
        }
        let mut rows = Vec::new();
        for _ in 0..PAGES_MAX {
            let response = self.send(request).await?;
            let page: Vec<T> = response
                .json()
                .map_err(|error| failure::of_error(false, &error))?;
            let is_empty = page.is_empty();
            rows.extend(page);
            match response.next_link() {
                // Filtered pages can be short, but nothing comes after an empty one (contract canvas §5).
                Some(next) if !is_empty => request = Request::get(name, next),
                _ => return Ok(rows),
            }
        }
        Err(Trouble::new(
            Reason::Unexpected,
            format!("Canvas's list {name} does not end."),
        ))
    }

    /// A GraphQL query or mutation.
    pub(crate) async fn graphql<T: DeserializeOwned>(
        &self,
        call: GraphqlCall<'_>,
    ) -> Result<Dated<T>, Trouble> {
        let GraphqlCall {
            name,
            document,
            variables,
            is_write,
        } = call;
        let body = json!({"query": document, "variables": variables});
        let mut request = Request::write(name, Method::POST, "/api/graphql")
            .with_header("Accept", "application/json")
            .with_body(Payload::Json(body));
        request.is_write = is_write;
        let answer: Dated<Envelope> = self.ask(request).await?;
        let Envelope { data, errors } = answer.value;
        let errors = errors.unwrap_or_default();
        if let Some(first) = errors.first() {
            let reason = if first.message == "not found" {
                Reason::NotFound
            } else {
                Reason::Unexpected
            };
            let words = api_client::excerpt(&first.message, 200);
            let message = format!("Canvas's GraphQL answered {name} with an error: {words}");
            return Err(Trouble::of_call(reason, is_write, message));
        }
        let value = serde_json::from_value(data.unwrap_or(Value::Null)).map_err(|_| {
            let message = format!("Canvas's GraphQL answered {name} in an unknown form.");
            Trouble::of_call(Reason::Unexpected, is_write, message)
        })?;
        Ok(Dated {
            value,
            now: answer.now,
        })
    }

    /// One topic; not found also when it is deleted or anonymous (contract canvas §7).
    pub(crate) async fn topic(&self, place: &TopicId) -> Result<Dated<Topic>, Trouble> {
        let request = Request::get("topic.show", place.path()).with_query("no_verifiers", "1");
        self.ask(request).await
    }

    /// Every topic of a course, announcements too, which are never in the plain list (contract canvas §7.1).
    pub(crate) async fn topics(&self, course: &str) -> Result<Vec<Topic>, Trouble> {
        let path = format!("/api/v1/courses/{course}/discussion_topics");
        let plain = [("no_verifiers", "1")];
        let mut topics: Vec<Topic> = self.list("topic.list", &path, &plain).await?;
        for topic in &mut topics {
            topic.is_announcement.get_or_insert(false);
        }
        let only = [("no_verifiers", "1"), ("only_announcements", "true")];
        let mut announcements: Vec<Topic> = self.list("topic.announcements", &path, &only).await?;
        for topic in &mut announcements {
            topic.is_announcement.get_or_insert(true);
        }
        topics.append(&mut announcements);
        Ok(topics)
    }

    /// The whole thread as it was last built, with the entries made since (contract canvas §7.5).
    pub(crate) async fn view(&self, place: &TopicId) -> Result<Dated<View>, Trouble> {
        let request = Request::get("topic.view", format!("{}/view", place.path()))
            .with_query("include_new_entries", "1")
            .with_query("no_verifiers", "1");
        self.ask(request).await
    }

    /// Live rows of at most [`IDS_PER_CALL`] entries, deleted ones too.
    pub(crate) async fn entries(
        &self,
        place: &TopicId,
        ids: &[String],
    ) -> Result<Vec<Entry>, Trouble> {
        let mut request = Request::get("entry.list", format!("{}/entry_list", place.path()))
            .with_query("per_page", PER_PAGE)
            .with_query("no_verifiers", "1");
        for id in ids.iter().take(IDS_PER_CALL) {
            request = request.with_query("ids[]", id);
        }
        Ok(self.ask(request).await?.value)
    }
}

/// One GraphQL request.
pub(crate) struct GraphqlCall<'a> {
    pub name: &'static str,
    pub document: &'a str,
    pub variables: Value,
    pub is_write: bool,
}
