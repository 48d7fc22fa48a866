//! A small, stateful Canvas LMS for tests and demonstrations: topics, entries, announcements, people,
//! groups and files over REST, GraphQL and Live Events, with switchable faults.
//!
//! Written from the recorded behaviour of the real system and sharing no type with the clients that
//! are tested against it. It must not be taken for a safe server: its control API has no login.

mod act;
mod answer;
mod auth;
mod bucket;
mod calllog;
mod clock;
mod connection;
mod control;
mod deliver;
mod fault;
mod graphql;
mod html;
mod id;
mod json;
mod live_event;
mod paging;
mod policy;
mod request;
mod route;
mod seed;
mod service;
mod snapshot;
mod state;
mod switches;
mod world;

pub use clock::{Now, system_now_ms};
pub use switches::Profile;

use serde_json::Value;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use world::World;

/// What the simulator holds at the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// A term: three courses, eleven people, about twenty threads.
    #[default]
    Term,
    /// One course with a teacher and two students, and nothing in it.
    Empty,
}

/// How to make a simulator.
#[derive(Clone)]
pub struct Options {
    /// Which Canvas version's behaviour is the default.
    pub profile: Profile,
    /// Seed of texts, times, uuids and verifiers; equal seeds give equal content.
    pub seed: u64,
    /// What is in it at the start.
    pub content: Content,
    /// A snapshot file that replaces the content.
    pub import: Option<PathBuf>,
    /// Scheme and host in all links, without a slash at the end; empty = from each request's Host.
    pub base_url: String,
    /// Where the time comes from.
    pub now: Now,
    /// Where Live Events are sent (`http://` only); `None` = nowhere.
    pub live_events_url: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            profile: Profile::Current,
            seed: 1,
            content: Content::Term,
            import: None,
            base_url: String::new(),
            now: Arc::new(system_now_ms),
            live_events_url: None,
        }
    }
}

/// Why a simulator could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The snapshot file cannot be read or written.
    #[error("snapshot {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The snapshot file is not one of ours.
    #[error("snapshot {path}: {source}")]
    Format {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: serde_json::Error,
    },
}

/// What tasks share.
pub(crate) struct Shared {
    world: Mutex<World>,
    /// Wakes the sender of Live Events.
    pub events: tokio::sync::Notify,
}

impl Shared {
    /// The world, locked; a panic of another holder does not spread.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A simulated Canvas; clones share one state.
#[derive(Clone)]
pub struct Sim {
    shared: Arc<Shared>,
}

impl Sim {
    /// Makes a simulator. Fails only over an unreadable snapshot.
    pub fn new(options: Options) -> Result<Self, Error> {
        let world = seed::world(options)?;
        let events = tokio::sync::Notify::new();
        Ok(Self {
            shared: Arc::new(Shared {
                world: Mutex::new(world),
                events,
            }),
        })
    }

    /// The HTTP service: Canvas' routes and the control API under `/_sim/`.
    pub fn router(&self) -> axum::Router {
        service::router(Arc::clone(&self.shared))
    }

    /// The first line that the `sandbox` command prints: url, tokens, people, courses.
    pub fn hello(&self) -> Value {
        seed::hello(&self.shared.world())
    }

    /// Sets scheme and host of all links, once the port is known.
    pub fn set_base_url(&self, base_url: &str) {
        base_url
            .trim_end_matches('/')
            .clone_into(&mut self.shared.world().base_url);
    }

    /// Sends what waits in the Live Events outbox and returns how many were accepted.
    pub async fn deliver_events(&self) -> u64 {
        deliver::deliver(&self.shared).await
    }
}

/// Serves until `shutdown` is done. Without a base URL the listener's address becomes it.
pub async fn serve(
    listener: TcpListener,
    sim: Sim,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    if sim.shared.world().base_url.is_empty() {
        sim.set_base_url(&format!("http://{}", listener.local_addr()?));
    }
    let sender = tokio::spawn(deliver::run(Arc::clone(&sim.shared)));
    let result = connection::serve(listener, sim.router(), shutdown).await;
    sender.abort();
    result
}
