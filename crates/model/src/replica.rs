//! Entities and their replicas: what the database keeps about one thing kept in step.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Failure;
use crate::id::{EntityId, RemoteId};
use crate::kind::{Kind, System};
use crate::record::{Field, Record};
use crate::vector::VersionVector;

/// Whether a replica is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Existence {
    /// The system has it.
    Present,
    /// The system has it as a tombstone.
    Deleted,
    /// The system did not show it at the given time; a second look decides.
    Missing {
        /// When it was first not found, by our clock.
        since: Timestamp,
    },
}

impl Existence {
    /// The stable lower-case name used in CLI and API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Deleted => "deleted",
            Self::Missing { .. } => "missing",
        }
    }
}

/// One entity's copy in one system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    /// The system's id of it; the local database uses the entity's own id.
    pub remote: RemoteId,
    /// What we have seen this system know.
    pub vector: VersionVector,
    /// The record last seen or stored there.
    pub record: Record,
    /// Whether it is there.
    pub existence: Existence,
    /// The connector's private note from the last read or write.
    pub mark: Option<String>,
    /// When it was last seen, by our clock.
    pub seen_at: Timestamp,
    /// How many times it has been created there; above one after a restore that had to create anew.
    pub generation: u32,
    /// The record at the last agreement, while a change seen since waits for a decision; `None` when nothing waits.
    pub base: Option<Record>,
    /// The fields that this system has yet to be given.
    pub owed: BTreeSet<Field>,
}

/// Where an entity stands, as operators see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All systems agree.
    InSync,
    /// Something waits to be written.
    Pending,
    /// Concurrent changes wait for a decision.
    Conflict,
    /// A guard or rule stopped it; someone must look.
    Held,
    /// A write failed for good.
    Failed,
    /// Someone told us to leave it alone.
    Skipped,
}

impl Status {
    /// All states.
    pub const ALL: [Self; 6] = [
        Self::InSync,
        Self::Pending,
        Self::Conflict,
        Self::Held,
        Self::Failed,
        Self::Skipped,
    ];

    /// The stable lower-case name used in the database, CLI and API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "in_sync",
            Self::Pending => "pending",
            Self::Conflict => "conflict",
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// One thing kept in step, with everything the engine needs to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// Our id.
    pub id: EntityId,
    /// What sort of thing it is.
    pub kind: Kind,
    /// The course it belongs to; a course belongs to itself.
    pub course: EntityId,
    /// What holds it: the topic of a post, the course of a topic.
    pub container: Option<EntityId>,
    /// The post it answers; `None` for an answer to the topic itself.
    pub parent: Option<EntityId>,
    /// The record the systems last agreed on: the base of the three-way merge.
    pub shadow: Option<Record>,
    /// Its copies, by system.
    pub replicas: BTreeMap<System, Replica>,
    /// Where it stands.
    pub status: Status,
    /// Why it is held or failed, with what happens next.
    pub reason: Option<Failure>,
    /// Counts saves; every save is guarded by the revision that was read. Zero before the first save.
    pub revision: i64,
    /// When we first saw it.
    pub created_at: Timestamp,
    /// When its row last changed.
    pub updated_at: Timestamp,
}

impl Entity {
    /// The replica in `system`, if there is one.
    pub fn replica(&self, system: System) -> Option<&Replica> {
        self.replicas.get(&system)
    }

    /// The topic in whose thread it stands: of a post the topic that holds it, of anything else itself.
    pub fn topic(&self) -> &EntityId {
        match (self.kind, &self.container) {
            (Kind::Post, Some(topic)) => topic,
            _ => &self.id,
        }
    }

    /// The number of the next change made at `system`: one that no copy has seen. After a rollback some copies have seen
    /// less than others, and a number that was given twice would let one change pass for the other.
    pub fn next_change(&self, system: System) -> u64 {
        let counts = self.replicas.values().map(|one| one.vector.get(system));
        counts.max().unwrap_or(0).saturating_add(1)
    }

    /// The title for lists: the shadow's or any replica's.
    pub fn title(&self) -> Option<&str> {
        self.shadow
            .iter()
            .chain(self.replicas.values().map(|replica| &replica.record))
            .find_map(|record| record.text(Field::Title))
    }
}
