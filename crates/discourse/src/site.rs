//! One call to the forum: whom it acts as, how it is sent, and what its failure means.
//!
//! Must not know what the calls are for; `endpoint` does.

use std::sync::atomic::{AtomicBool, Ordering};

use api_client::{Client, Method, Payload, Request, Response, Secret};
use model::Class;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::failure::{self, Answer, Trouble};
use crate::settings::Settings;

/// Whom a call acts as. Exactly one identity header is sent (contract discourse §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Identity<'a> {
    /// The service account.
    Service,
    /// Another account by its name.
    Name(&'a str),
    /// A person by the key that both systems share.
    Person(&'a str),
}

/// A call before it is sent.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub name: &'static str,
    pub method: Method,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub body: Option<Value>,
    pub identity: Identity<'a>,
}

impl Call<'_> {
    /// A read as the service account.
    pub(crate) fn get(name: &'static str, path: String) -> Self {
        Self::new(name, Method::GET, path)
    }

    /// A call as the service account.
    pub(crate) fn new(name: &'static str, method: Method, path: String) -> Self {
        Self {
            name,
            method,
            path,
            query: Vec::new(),
            body: None,
            identity: Identity::Service,
        }
    }

    /// With query parameters.
    pub(crate) fn with(mut self, query: &[(&str, &str)]) -> Self {
        let pairs = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.query.extend(pairs);
        self
    }

    fn is_write(&self) -> bool {
        self.method != Method::GET
    }
}

/// The forum.
pub(crate) struct Site {
    client: Client,
    service_user: String,
    connect_secret: Option<Secret>,
    /// Whether this server was seen to say whom it took us for.
    names_users: AtomicBool,
}

impl Site {
    /// Sets up the client; makes no call.
    pub(crate) fn new(settings: Settings) -> Result<Self, Trouble> {
        let user = settings.api_username.trim().to_owned();
        if user.is_empty() {
            return Err(failure::misconfigured("no acting user is given").into());
        }
        let client = Client::new(api_client::Settings {
            base_url: settings.url,
            headers: vec![("Api-Key".to_owned(), settings.api_key)],
            user_agent: settings.user_agent,
            timeout_ms: settings.timeout_ms,
            max_body_bytes: settings.max_body_bytes,
            max_in_flight: settings.max_in_flight,
            budget: settings.budget,
        })
        .map_err(|error| failure::misconfigured(&error.to_string()))?;
        Ok(Self {
            client,
            service_user: user,
            connect_secret: settings.connect_secret,
            names_users: AtomicBool::new(false),
        })
    }

    /// The service account's name.
    pub(crate) fn service_user(&self) -> &str {
        &self.service_user
    }

    /// The secret of DiscourseConnect.
    pub(crate) fn connect_secret(&self) -> Option<&str> {
        self.connect_secret.as_ref().map(Secret::expose)
    }

    /// How often each call was made.
    pub(crate) fn calls(&self) -> Vec<(String, u64)> {
        self.client.calls()
    }

    /// Sends a call; only a success is a success, a redirect is not.
    pub(crate) async fn send(&self, call: Call<'_>) -> Result<Response, Trouble> {
        let (name, is_write) = (call.name, call.is_write());
        let response = self.exchange(call).await?;
        if response.status < 300 {
            return Ok(response);
        }
        let place = response.header("Location").unwrap_or("nowhere");
        Err(failure::unexpected(name, is_write, &format!("a redirect to {place}")).into())
    }

    /// Sends a call; an answer below 400 is no failure.
    async fn exchange(&self, call: Call<'_>) -> Result<Response, Trouble> {
        let (name, is_write) = (call.name, call.is_write());
        let is_person = matches!(call.identity, Identity::Person(_));
        let (header, user) = match call.identity {
            Identity::Service => ("Api-Username", self.service_user.as_str()),
            Identity::Name(user) => ("Api-Username", user),
            Identity::Person(key) => ("Api-User-External-Id", key),
        };
        let request = Request {
            name,
            method: call.method,
            path: call.path,
            query: call.query,
            headers: vec![
                ("Accept".to_owned(), "application/json".to_owned()),
                (header.to_owned(), user.to_owned()),
            ],
            body: call.body.map_or(Payload::None, Payload::Json),
            is_write,
        };
        let response = self
            .client
            .send(request)
            .await
            .map_err(|error| transport(name, is_write, &error))?;
        let judged = self.judge(name, is_write, response);
        if let (Err(trouble), false) = (&judged, is_person) {
            // A limit of the key or of our address stops every call; a person's own limit does not.
            let wait_ms = trouble
                .failure
                .retry_after_ms
                .and_then(|ms| u64::try_from(ms).ok());
            self.client.pause_for_ms(wait_ms.unwrap_or(0));
        }
        judged
    }

    fn judge(&self, name: &str, is_write: bool, response: Response) -> Result<Response, Trouble> {
        let has_user = response.header("X-Discourse-Username").is_some();
        if response.status < 400 {
            if has_user {
                self.names_users.store(true, Ordering::Relaxed);
            }
            return Ok(response);
        }
        let trouble = Answer {
            call: name,
            is_write,
            status: response.status,
            body: &response.body,
            retry_after: response.header("Retry-After"),
            has_user,
            names_users: self.names_users.load(Ordering::Relaxed),
        }
        .trouble();
        tracing::debug!(call = name, status = response.status, code = %trouble.failure.code, "refused");
        Err(trouble)
    }

    /// Sends a call and reads its JSON.
    pub(crate) async fn read<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, Trouble> {
        let (name, is_write) = (call.name, call.is_write());
        let response = self.send(call).await?;
        parse(name, is_write, &response)
    }

    /// Like [`Self::read`], with `None` for an answer "not found".
    pub(crate) async fn look<T: DeserializeOwned>(
        &self,
        call: Call<'_>,
    ) -> Result<Option<T>, Trouble> {
        let name = call.name;
        match self.send(call).await {
            Ok(response) => parse(name, false, &response).map(Some),
            Err(trouble) if trouble.failure.class == Class::NotFound => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    /// Looks where the answer may be a redirect that means something.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        call: Call<'_>,
    ) -> Result<Reply<T>, Trouble> {
        let name = call.name;
        match self.exchange(call).await {
            Ok(response) if response.status < 300 => {
                parse(name, false, &response).map(|value| Reply::Here(Box::new(value)))
            }
            Ok(response) => Ok(Reply::Elsewhere(
                response.header("Location").unwrap_or_default().to_owned(),
            )),
            Err(trouble) if trouble.failure.class == Class::NotFound => Ok(Reply::Nowhere),
            Err(trouble) => Err(trouble),
        }
    }
}

/// An answer where a redirect means something.
pub(crate) enum Reply<T> {
    /// It is here.
    Here(Box<T>),
    /// It is under this address.
    Elsewhere(String),
    /// It is not there.
    Nowhere,
}

/// Reads the JSON of a success.
fn parse<T: DeserializeOwned>(
    name: &str,
    is_write: bool,
    response: &Response,
) -> Result<T, Trouble> {
    serde_json::from_slice(&response.body).map_err(|error| {
        // Only the place is told: the body, and serde's own text about it, can hold people's words.
        let media = response.header("Content-Type").unwrap_or("no media type");
        let place = format!("line {} column {}", error.line(), error.column());
        let why = format!("status {}, {media}, unreadable at {place}", response.status);
        failure::unexpected(name, is_write, &why).into()
    })
}

/// What it means that there was no answer.
fn transport(name: &str, is_write: bool, error: &api_client::Error) -> Trouble {
    let why = error.to_string();
    let failure = match error {
        api_client::Error::NotSent { .. } => failure::unreachable(name, &why),
        api_client::Error::NoAnswer { .. } => failure::no_answer(name, is_write, &why),
        api_client::Error::TooLarge { .. } | api_client::Error::NotJson { .. } => {
            failure::unexpected(name, is_write, &why)
        }
        api_client::Error::ForeignHost { .. } | api_client::Error::Setup { .. } => {
            failure::misconfigured(&why)
        }
        api_client::Error::BudgetWait { ms, .. } => {
            failure::throttled(&why, i64::try_from(*ms).unwrap_or(i64::MAX))
        }
    };
    Trouble {
        is_too_large: matches!(error, api_client::Error::TooLarge { .. }),
        ..Trouble::from(failure)
    }
}
