//! What the connector is made with.

use api_client::Secret;
use std::sync::Arc;

/// Which number or text of a Canvas user is the key that both systems share (contract canvas §9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PersonKey {
    /// The Canvas user id.
    #[default]
    CanvasId,
    /// The SIS user id; the service account must be allowed to read it.
    SisId,
}

/// Where Canvas is and how to talk to it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Canvas's address, e.g. `https://canvas.example.edu`.
    pub url: String,
    /// An access token of the service account; it should see every topic and may act as others (contract canvas §2).
    pub token: Secret,
    /// The key of people.
    pub person_key: PersonKey,
    /// Further addresses of the same Canvas (`https://…`): links to them are its own links too.
    pub own_hosts: Vec<String>,
    /// Maps and settings of the conversion; its Canvas host is filled in from `url` when empty.
    pub markup: Arc<markup::Shared>,
    /// Our name in the server's log.
    pub user_agent: String,
    /// How long one call may take, in milliseconds.
    pub timeout_ms: u64,
    /// The largest answer that is read, in bytes; a view of 5,000 entries has 2.6 MB (contract canvas §13).
    pub max_body_bytes: usize,
}

impl Settings {
    /// Usual settings for an address and a token.
    pub fn new(url: impl Into<String>, token: Secret) -> Self {
        Self {
            url: url.into(),
            token,
            person_key: PersonKey::default(),
            own_hosts: Vec::new(),
            markup: Arc::default(),
            user_agent: "antiphon".to_owned(),
            timeout_ms: 30_000,
            max_body_bytes: 32 * 1024 * 1024,
        }
    }
}
