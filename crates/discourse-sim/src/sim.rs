//! One running forum: the state behind a lock, and the way of a request through it.
//!
//! Order of a request: read-only parameters, faults, authentication and limits, route, scope,
//! the endpoint, call log. The lock is never held across an await.

mod process;
mod read;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use http::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::answer::Answer;
use crate::clock::MINUTE;
use crate::control;
use crate::hook::deliver;
use crate::import::{self, ImportError};
use crate::option::{ADMIN_KEY, ADMIN_USERNAME, Options};
use crate::seed;
use crate::serve::Wire;
use crate::state::World;
use process::{Asked, Done, process};
use read::read_params;

/// Why a simulator could not be started.
#[derive(Debug)]
pub enum SimError {
    /// A site setting of this name does not exist or has another type.
    Setting(String),
    /// A recorded topic could not be loaded.
    Import(ImportError),
}

impl std::fmt::Display for SimError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Setting(name) => write!(f, "no such site setting, or wrong type: {name}"),
            Self::Import(error) => write!(f, "import: {error}"),
        }
    }
}

impl std::error::Error for SimError {}

struct Inner {
    world: Mutex<World>,
    options: Options,
    work: Notify,
    delivered: Notify,
    deliverer: Mutex<bool>,
}

/// A running forum. Clones share it.
#[derive(Clone)]
pub struct Sim {
    inner: Arc<Inner>,
}

impl Sim {
    /// Makes a forum with its content and imports.
    ///
    /// # Errors
    /// An unknown site setting, or a recorded topic that cannot be loaded.
    pub fn new(options: Options) -> Result<Self, SimError> {
        let world = build(&options)?;
        Ok(Self {
            inner: Arc::new(Inner {
                world: Mutex::new(world),
                options,
                work: Notify::new(),
                delivered: Notify::new(),
                deliverer: Mutex::new(false),
            }),
        })
    }

    /// The forum as an axum application.
    pub fn router(&self) -> Router {
        let sim = self.clone();
        Router::new().fallback(move |request: Request| {
            let sim = sim.clone();
            async move { Ok::<Response, Infallible>(sim.respond(request).await) }
        })
    }

    /// The first line of a sandbox: address, key, users and categories.
    pub fn hello(&self) -> Value {
        self.with(|world| hello(world))
    }

    /// Sets the address in absolute links, once the port is known.
    pub fn set_base_url(&self, url: &str) {
        url.trim_end_matches('/')
            .clone_into(&mut self.lock().base_url);
    }

    /// Starts again from the options.
    pub(crate) fn reset(&self) -> Result<(), SimError> {
        let mut fresh = build(&self.inner.options)?;
        let mut world = self.lock();
        fresh.base_url.clone_from(&world.base_url);
        *world = fresh;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.inner
            .world
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a function on the state.
    pub(crate) fn with<T>(&self, run: impl FnOnce(&mut World) -> T) -> T {
        run(&mut self.lock())
    }

    /// Wakes whoever waits for deliveries.
    pub(crate) fn delivered(&self) -> &Notify {
        &self.inner.delivered
    }

    /// Starts the sender of web hooks if there is work and none runs.
    pub(crate) fn kick(&self) {
        let waits = self.with(|world| world.hooks.next_due().is_some() || !world.jobs.is_empty());
        if !waits {
            return;
        }
        let mut running = self
            .inner
            .deliverer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if *running {
            self.inner.work.notify_one();
        } else if tokio::runtime::Handle::try_current().is_ok() {
            *running = true;
            tokio::spawn(deliver::run(self.clone()));
        }
    }

    /// Waits until something may be due; false when nothing is planned and the sender may end.
    pub(crate) async fn rest_or_stop(&self) -> bool {
        let wait_ms = {
            let mut running = self
                .inner
                .deliverer
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let world = self.lock();
            let due = world
                .hooks
                .next_due()
                .into_iter()
                .chain(world.jobs.keys().map(|(due, _)| *due))
                .min();
            match due {
                None => {
                    *running = false;
                    return false;
                }
                // A held or frozen queue is looked at again when somebody kicks.
                Some(_) if world.hooks.faults.held || world.clock.is_frozen() => MINUTE,
                Some(due) => (due - world.now()).clamp(1, MINUTE),
            }
        };
        let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or(1));
        // Either end is fine: woken or not, the sender looks again.
        tokio::time::timeout(wait, self.inner.work.notified())
            .await
            .unwrap_or_default();
        true
    }

    async fn respond(&self, request: Request) -> Response {
        let wire = request
            .extensions()
            .get::<axum::extract::ConnectInfo<Wire>>()
            .map(|info| info.0.clone());
        let (method, uri, headers) = {
            (
                request.method().clone(),
                request.uri().clone(),
                request.headers().clone(),
            )
        };
        let with_body = method != Method::HEAD;
        let is_get = matches!(method, Method::GET | Method::HEAD);
        let path = uri.path().to_owned();
        let query = uri.query().unwrap_or("").to_owned();
        let params = match read_params(request, &query, is_get).await {
            Ok(read) => read,
            Err(answer) => return answer.into_response(with_body),
        };
        if path.starts_with("/_sim/") {
            let answer = control::handle(self, method.as_str(), &path, &params.params).await;
            self.kick();
            return answer.into_response(with_body);
        }
        let asked = Asked {
            method: method.as_str().to_owned(),
            path,
            query,
            headers,
            ip: wire
                .as_ref()
                .map_or_else(|| "127.0.0.1".to_owned(), |wire| wire.ip.clone()),
            read: params,
        };
        let done = self.with(|world| process(world, &asked));
        self.kick();
        self.finish(done, wire, with_body).await
    }

    /// Carries out the part of a fault that happens on the wire.
    async fn finish(&self, done: Done, wire: Option<Wire>, with_body: bool) -> Response {
        if done.wait_ms > 0 {
            let forever = std::future::pending::<()>();
            let wait = Duration::from_millis(done.wait_ms);
            tokio::time::timeout(wait, forever)
                .await
                .unwrap_or_default();
        }
        let mut response = done.answer.into_response(with_body);
        if done.cut {
            if let Some(wire) = wire {
                wire.cut();
            } else {
                // Without a connection the loss can only be marked.
                response = Answer::bare(599).into_response(false);
                response
                    .headers_mut()
                    .insert("x-sim-lost-answer", http::HeaderValue::from_static("1"));
            }
        }
        response
    }
}

fn build(options: &Options) -> Result<World, SimError> {
    let mut known = crate::setting::Settings::new(options.profile);
    for (name, value) in &options.settings {
        known
            .set(name, value)
            .map_err(|_| SimError::Setting(name.clone()))?;
    }
    let mut world = World::new(options);
    seed::fill(&mut world, options);
    for path in &options.import {
        import::load(&mut world, path).map_err(SimError::Import)?;
    }
    Ok(world)
}

fn hello(world: &World) -> Value {
    let users: Vec<Value> = world
        .users
        .values()
        .map(|user| {
            json!({
                "id": user.id, "username": user.username,
                "external_id": user.sso.as_ref().map(|record| record.external_id.clone()),
            })
        })
        .collect();
    let categories: Vec<Value> = world
        .categories
        .values()
        .map(|row| json!({ "id": row.id, "name": row.name, "slug": row.slug }))
        .collect();
    json!({
        "url": world.base_url, "api_key": ADMIN_KEY, "api_username": ADMIN_USERNAME,
        "users": users, "categories": categories,
    })
}
