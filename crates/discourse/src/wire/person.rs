//! Users, as far as their stable key goes (contract discourse §8.3). E-mail addresses are never read.

use serde::Deserialize;
use serde_json::Value;

use super::{or_default, plain_text, text};

/// A user, from the admin's view or a webhook.
#[derive(Debug, Deserialize)]
pub(crate) struct User {
    pub id: i64,
    #[serde(default, deserialize_with = "or_default")]
    pub username: String,
    #[serde(default, deserialize_with = "text")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    staged: bool,
    #[serde(default, deserialize_with = "or_default")]
    admin: bool,
    #[serde(default, deserialize_with = "or_default")]
    moderator: bool,
    #[serde(default)]
    external_id: Option<Value>,
    #[serde(default)]
    single_sign_on_record: Option<Value>,
}

impl User {
    /// Whether it reads everything on the forum.
    pub(crate) fn is_staff(&self) -> bool {
        self.admin || self.moderator
    }

    /// The DiscourseConnect id; users made from an e-mail (staged) have none.
    pub(crate) fn key(&self) -> Option<String> {
        if self.staged {
            return None;
        }
        let record = self
            .single_sign_on_record
            .as_ref()
            .and_then(|record| record.get("external_id"));
        record.or(self.external_id.as_ref()).and_then(plain_text)
    }
}

/// The body of a user webhook.
#[derive(Debug, Deserialize)]
pub(crate) struct UserEvent {
    pub user: User,
}
