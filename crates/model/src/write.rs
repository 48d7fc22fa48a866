//! Writes to a system, the intents stored before them and what came back.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::digest::Digest;
use crate::id::{CreateKey, EntityId, IntentId, OperationId, RemoteId};
use crate::kind::{Kind, System};
use crate::record::{Field, Record};
use crate::vector::VersionVector;

/// What a write does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Make it.
    Create,
    /// Change some fields.
    Edit,
    /// Delete it, leaving a tombstone.
    Delete,
    /// Bring a tombstone back under its old id.
    Restore,
}

impl Action {
    /// The stable lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::Restore => "restore",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Create, Self::Edit, Self::Delete, Self::Restore]
            .into_iter()
            .find(|action| action.as_str() == text)
    }
}

/// One write to one remote system, complete: a connector needs nothing else to do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// What to do.
    pub action: Action,
    /// What sort of thing it is.
    pub kind: Kind,
    /// The target's id of it; `None` for a create.
    pub remote: Option<RemoteId>,
    /// The target's id of what holds it: the topic of a post, the course of a topic.
    pub container: RemoteId,
    /// The target's id of the post it answers.
    pub parent: Option<RemoteId>,
    /// The key under which a create can be found again.
    pub key: CreateKey,
    /// The content wanted there. Its body may be in the other system's dialect.
    pub record: Record,
    /// The fields to write; for a create every field the target can store.
    pub fields: BTreeSet<Field>,
    /// What the target had when the decision was made: the guard of an edit or delete.
    pub expected: Option<Record>,
    /// The connector's private note of the replica.
    pub mark: Option<String>,
    /// A text that differs for each write, shown by the target as the reason of an edit.
    pub reason: String,
}

/// What a system had after a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteResult {
    /// The target's id of the item.
    pub remote: RemoteId,
    /// The content as the target stored it, which may differ from what was sent.
    pub record: Record,
    /// The connector's private note for the next write.
    pub mark: Option<String>,
    /// Posted by the service account with an attribution, because the author could not be acted for.
    pub is_attributed: bool,
}

/// The life of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentState {
    /// Stored; the write may or may not have happened.
    Open,
    /// The write happened and its receipt is stored.
    Applied,
    /// The write is known not to have happened.
    Abandoned,
}

impl IntentState {
    /// The stable lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Applied => "applied",
            Self::Abandoned => "abandoned",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::Applied, Self::Abandoned]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// What is stored before a write leaves the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Our id of it.
    pub id: IntentId,
    /// The entity that is written.
    pub entity: EntityId,
    /// The system that is written to.
    pub system: System,
    /// What the write does.
    pub action: Action,
    /// The key of a create.
    pub key: CreateKey,
    /// The content wanted there.
    pub record: Record,
    /// The fields written.
    pub fields: BTreeSet<Field>,
    /// The digest of what the target had before, if it had anything.
    pub expected: Option<Digest>,
    /// The vector the target has once the write is done.
    pub vector: VersionVector,
    /// The operation that writes.
    pub operation: OperationId,
    /// Its state.
    pub state: IntentState,
    /// When it was stored.
    pub created_at: Timestamp,
}
