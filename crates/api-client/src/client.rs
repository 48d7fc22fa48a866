//! The client: sends requests to one server and nobody else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::Url;
use tokio::sync::Semaphore;

use crate::budget::{Gate, now};
use crate::error::Error;
use crate::payload;
use crate::redact::excerpt;
use crate::request::Request;
use crate::response::Response;
use crate::settings::{Secret, Settings};

/// How often a read is sent at most; a write is sent once.
const READ_ATTEMPTS: u32 = 2;

/// A client of one server. Clones share connections, budget and counters.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    base: Url,
    headers: HeaderMap,
    max_body_bytes: usize,
    max_wait: Duration,
    in_flight: Semaphore,
    gate: Mutex<Gate>,
    calls: Mutex<BTreeMap<&'static str, u64>>,
}

impl Client {
    /// Makes a client; fails with [`Error::Setup`] when the address or a header is unusable.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        // One provider per process; an earlier one is as good.
        rustls::crypto::ring::default_provider()
            .install_default()
            .unwrap_or(());
        let base = Url::parse(settings.base_url.trim_end_matches('/')).map_err(Error::setup)?;
        if !matches!(base.scheme(), "https" | "http") || base.query().is_some() {
            return Err(Error::setup("the address must be http(s)://host[/path]"));
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "this crate is where HTTP clients are built"
        )]
        let builder = reqwest::Client::builder();
        let http = builder
            .user_agent(settings.user_agent)
            .timeout(Duration::from_millis(settings.timeout_ms))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .build()
            .map_err(Error::setup)?;
        Ok(Self(Arc::new(Inner {
            http,
            base,
            headers: secret_headers(settings.headers)?,
            max_body_bytes: settings.max_body_bytes,
            max_wait: Duration::from_millis(settings.budget.map_or(0, |budget| budget.max_wait_ms)),
            in_flight: Semaphore::new(settings.max_in_flight.max(1)),
            gate: Mutex::new(Gate::new(settings.budget)),
            calls: Mutex::default(),
        })))
    }

    /// Sends a request and reads the whole answer. Statuses are not errors and redirects are not followed.
    /// A read that was not answered is sent once more; a write never.
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        let url = self.url(&request)?;
        let mut attempt = 1;
        loop {
            let result = self.attempt(&request, &url).await;
            let is_repeated = !request.is_write
                && attempt < READ_ATTEMPTS
                && matches!(result, Err(Error::NotSent { .. } | Error::NoAnswer { .. }));
            log(&request, &url, attempt, &result);
            if !is_repeated {
                return result;
            }
            attempt += 1;
        }
    }

    /// How many requests were sent since start, by their short names; a repeated read counts each time.
    pub fn calls(&self) -> Vec<(String, u64)> {
        lock(&self.0.calls)
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect()
    }

    /// Sends nothing for `ms` milliseconds, because the server asked for it. A longer pause already set stays.
    pub fn pause_for_ms(&self, ms: u64) {
        let until = now() + Duration::from_millis(ms);
        lock(&self.0.gate).pause_until(until);
    }

    /// The server's address without a slash at its end.
    pub fn base_url(&self) -> &str {
        self.0.base.as_str().trim_end_matches('/')
    }

    async fn attempt(&self, request: &Request, url: &Url) -> Result<Response, Error> {
        let permit = self.0.in_flight.acquire().await;
        let _permit = permit.map_err(Error::setup)?;
        self.enter(request.name).await?;
        *lock(&self.0.calls).entry(request.name).or_insert(0) += 1;
        let built = self.build(request, url)?;
        let answer = self
            .0
            .http
            .execute(built)
            .await
            .map_err(|error| failure(request.name, &error))?;
        self.read(request.name, answer).await
    }

    /// Waits for a place in the budget, as long as the settings allow.
    async fn enter(&self, name: &'static str) -> Result<(), Error> {
        let started = now();
        loop {
            let present = now();
            let entered = lock(&self.0.gate).enter(present);
            let Err(wait) = entered else {
                return Ok(());
            };
            if present.duration_since(started) + wait > self.0.max_wait {
                let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                return Err(Error::BudgetWait {
                    name,
                    ms: ms.max(1),
                });
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "waiting for the budget is this crate's task; the settings limit it"
            )]
            tokio::time::sleep(wait).await;
        }
    }

    /// The request's URL; credentials go to our server only.
    fn url(&self, request: &Request) -> Result<Url, Error> {
        let base = &self.0.base;
        let text = if request.path.starts_with('/') {
            format!("{}{}", self.base_url(), request.path)
        } else {
            request.path.clone()
        };
        let mut url = Url::parse(&text).map_err(Error::setup)?;
        if url.origin() != base.origin() || !url.username().is_empty() {
            return Err(Error::ForeignHost {
                name: request.name,
                host: url.host_str().unwrap_or("none").to_owned(),
            });
        }
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        Ok(url)
    }

    fn build(&self, request: &Request, url: &Url) -> Result<reqwest::Request, Error> {
        let mut headers = self.0.headers.clone();
        for (name, value) in &request.headers {
            let (name, value) = header(name, value)?;
            headers.insert(name, value);
        }
        let builder = self
            .0
            .http
            .request(request.method.clone(), url.clone())
            .headers(headers);
        let builder = payload::put(builder, &request.body)?;
        builder.build().map_err(Error::setup)
    }

    async fn read(
        &self,
        name: &'static str,
        mut answer: reqwest::Response,
    ) -> Result<Response, Error> {
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let limit_bytes = self.0.max_body_bytes;
        let mut body = BytesMut::new();
        loop {
            let chunk = answer.chunk().await;
            let Some(chunk) = chunk.map_err(|error| lost(name, &error))? else {
                break;
            };
            if body.len() + chunk.len() > limit_bytes {
                return Err(Error::TooLarge {
                    name,
                    status,
                    limit_bytes,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response {
            status,
            headers,
            body: Bytes::from(body),
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let wrong = || Error::setup(format!("the header {name} cannot be sent"));
    let name = HeaderName::try_from(name).map_err(|_| wrong())?;
    let value = HeaderValue::try_from(value).map_err(|_| wrong())?;
    Ok((name, value))
}

fn secret_headers(pairs: Vec<(String, Secret)>) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for (name, secret) in pairs {
        let (name, mut value) = header(&name, secret.expose())?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Tells "nothing went out" from "perhaps it did": only a failed connection is certainly the first.
fn failure(name: &'static str, error: &reqwest::Error) -> Error {
    if error.is_connect() {
        Error::NotSent {
            name,
            reason: reason(error),
        }
    } else if error.is_builder() {
        Error::setup(reason(error))
    } else {
        lost(name, error)
    }
}

fn lost(name: &'static str, error: &reqwest::Error) -> Error {
    let reason = if error.is_timeout() {
        "the time ran out".to_owned()
    } else {
        reason(error)
    };
    Error::NoAnswer { name, reason }
}

/// The innermost cause: the outer texts repeat the URL.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    excerpt(&cause.to_string(), 200)
}

fn log(request: &Request, url: &Url, attempt: u32, result: &Result<Response, Error>) {
    let method = request.method.as_str();
    // The query is left out: it may name people.
    let (name, path) = (request.name, url.path());
    match result {
        Ok(response) => {
            let (status, bytes) = (response.status, response.body.len());
            tracing::debug!(target: "api", name, method, path, attempt, status, bytes);
        }
        Err(error) => tracing::debug!(target: "api", name, method, path, attempt, %error),
    }
}

#[cfg(test)]
mod tests;
