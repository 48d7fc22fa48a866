//! What the connector is made with.

use api_client::{Budget, Secret};

/// Where the forum is and how to talk to it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The forum's address, e.g. `https://forum.example/` or with a prefix.
    pub url: String,
    /// An API key for all users (contract discourse §2.1).
    pub api_key: Secret,
    /// The service account: `system` or an admin. It reads everything, edits, deletes, and posts what nobody can
    /// post.
    pub api_username: String,
    /// Our name in the server's log; part of the replay cache's key, so keep it stable.
    pub user_agent: String,
    /// How long one call may take, in milliseconds.
    pub timeout_ms: u64,
    /// The largest answer that is read, in bytes.
    pub max_body_bytes: usize,
    /// How many calls may run at the same time.
    pub max_in_flight: usize,
    /// The secret of DiscourseConnect, with which accounts are made (contract discourse §8.3); without it none is.
    pub connect_secret: Option<Secret>,
    /// How many calls a minute; the server allows 60 for the whole site by default (contract discourse §3).
    pub budget: Option<Budget>,
}
