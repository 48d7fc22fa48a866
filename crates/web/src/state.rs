//! What the handlers share.

use std::sync::Arc;

use model::Timestamp;
use store::Store;

/// Gives times and new ids; the real ones are made in `antiphon`.
pub trait Stamp: Send + Sync {
    /// Our time.
    fn now(&self) -> Timestamp;
    /// A new id.
    fn id(&self) -> String;
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
    /// The token of the admin API; without it the API is closed.
    pub token: Option<Arc<str>>,
}
