//! What the connector is made with.

use api_client::Secret;

/// Which Canvas id the forum's accounts carry as their `external_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PersonKey {
    /// The numeric user id (contract canvas §9.1: survives renames, dies on a merge).
    #[default]
    CanvasId,
    /// The SIS user id.
    SisId,
}

/// Where Canvas is and how to talk to it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address, e.g. `https://canvas.example.edu`.
    pub url: String,
    /// The service account's token; the account should be allowed to "become other users".
    pub token: Secret,
    /// Which id is the key that both systems share.
    pub person_key: PersonKey,
    /// How long one call may take, in milliseconds.
    pub timeout_ms: u64,
    /// The largest answer that is read, in bytes: `/view` of 5,000 entries has 2.6 MB (contract canvas §13).
    pub max_body_bytes: usize,
    /// How many calls may run at once; 11 would fill an idle bucket (contract canvas §4).
    pub max_in_flight: usize,
}

impl Settings {
    /// The settings for a server, everything else at its default.
    pub fn new(url: impl Into<String>, token: Secret) -> Self {
        Self {
            url: url.into(),
            token,
            person_key: PersonKey::default(),
            timeout_ms: 30_000,
            max_body_bytes: 64 * 1024 * 1024,
            max_in_flight: 8,
        }
    }
}
