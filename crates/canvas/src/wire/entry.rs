//! Entries over REST (contract canvas §6.2) and the whole thread (§7.5).

use serde::Deserialize;

use super::{Id, User};

/// An entry in any of its forms.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    pub id: Option<Id>,
    pub user_id: Option<Id>,
    pub parent_id: Option<Id>,
    pub created_at: Option<String>,
    pub updated_at: Option<String>,
    pub message: Option<String>,
    pub deleted: Option<bool>,
    pub user: Option<User>,
    pub user_name: Option<String>,
    pub attachment: Option<File>,
    pub attachments: Option<Vec<File>>,
    pub replies: Option<Vec<Entry>>,
    pub recent_replies: Option<Vec<Entry>>,
    pub has_more_replies: Option<bool>,
}

/// A file of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct File {
    pub id: Option<Id>,
}

/// The answer of `/view`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct View {
    pub participants: Option<Vec<User>>,
    #[serde(rename = "view")]
    pub built: Option<Vec<Entry>>,
    pub new_entries: Option<Vec<Entry>>,
}

impl Entry {
    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted.unwrap_or(false)
    }

    /// The id of its file, if it has one.
    pub(crate) fn file(&self) -> Option<Id> {
        let all = self.attachments.iter().flatten();
        self.attachment
            .iter()
            .chain(all)
            .find_map(|file| file.id.clone())
    }
}
