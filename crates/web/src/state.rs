//! What the handlers share.

use std::sync::Arc;

use model::Timestamp;
use store::Store;
use tokio::sync::{Semaphore, watch};

use crate::access::throttle::Throttle;

/// Gives times, new ids and secrets; the real ones are made in `antiphon`.
pub trait Stamp: Send + Sync {
    /// Our time.
    fn now(&self) -> Timestamp;
    /// A new id.
    fn id(&self) -> String;
    /// 32 bytes that nobody can guess.
    fn secret(&self) -> [u8; 32];
}

/// What the configuration says about the pages.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// Whether people reach us by HTTPS: cookies are then marked for it alone.
    pub is_secure: bool,
    /// How long a sign-in lasts at most, in milliseconds.
    pub session_ms: i64,
    /// Where widgets may be framed, as origins: `https://canvas.example.edu`.
    pub frame_ancestors: Vec<String>,
    /// Signs the addresses of widgets; without it there are none.
    pub widget_secret: Option<Arc<str>>,
    /// Whether `/metrics` answers without a token.
    pub has_open_metrics: bool,
    /// The configuration as key and value, secrets masked, for the Setup page.
    pub settings: Vec<(String, String)>,
    /// The names of the channels by which people are told of failures.
    pub channels: Vec<String>,
}

/// The shared state of all handlers; cheap to clone.
#[derive(Clone)]
pub struct State {
    /// The database.
    pub store: Store,
    /// Times and ids.
    pub stamp: Arc<dyn Stamp>,
    /// The secret that signs Discourse's deliveries; without it none is accepted.
    pub webhook_secret: Option<Arc<str>>,
    /// The admin token of the configuration.
    pub token: Option<Arc<str>>,
    /// What the configuration says about the pages.
    pub site: Arc<Site>,
    pub(crate) throttle: Arc<Throttle>,
    /// How many passwords are checked at once: each takes 19 MiB.
    pub(crate) hashing: Arc<Semaphore>,
    /// How many pages are kept up to date at once.
    pub(crate) watchers: Arc<Semaphore>,
    pub(crate) stopping: Arc<watch::Sender<bool>>,
}

impl State {
    /// The state of a service without secrets or a token: closed but for the pages' sign-in.
    pub fn new(store: Store, stamp: Arc<dyn Stamp>, site: Site) -> Self {
        Self {
            store,
            stamp,
            webhook_secret: None,
            token: None,
            site: Arc::new(site),
            throttle: Arc::new(Throttle::default()),
            hashing: Arc::new(Semaphore::new(2)),
            watchers: Arc::new(Semaphore::new(200)),
            stopping: Arc::new(watch::Sender::new(false)),
        }
    }
}
