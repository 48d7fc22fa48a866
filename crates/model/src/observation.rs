//! What a connector saw.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{CreateKey, RemoteId};
use crate::kind::{Kind, System};
use crate::record::Record;

/// The state in which an item was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sighting {
    /// It exists and may be mirrored.
    Present(Record),
    /// Proof of a deletion: a tombstone, or the "not found" of a reader that sees everything.
    Deleted,
    /// Not where it should be, without proof; needs a second look.
    Missing,
    /// It exists, but its words must not be mirrored or are not there yet; the reason is for the operator.
    Withheld(String),
}

/// One system's answer about one entity at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Which system was asked.
    pub system: System,
    /// What it said.
    pub sighting: Sighting,
    /// Our time when the answer came.
    pub at: Timestamp,
}

/// One item of a remote system as a connector read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteItem {
    /// What sort of thing it is.
    pub kind: Kind,
    /// The remote's id of it.
    pub remote: RemoteId,
    /// The remote id of what holds it: the topic of a post, the course of a topic.
    pub container: Option<RemoteId>,
    /// The remote id of the post it answers; `None` for an answer to the topic itself.
    pub parent: Option<RemoteId>,
    /// The key that our own create left in it, if any. People can copy keys: check before trusting.
    pub key: Option<CreateKey>,
    /// What the connector wants back at the next write, opaque to everyone else.
    pub mark: Option<String>,
    /// Its state and content.
    pub sighting: Sighting,
}
