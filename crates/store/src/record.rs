//! What else is stored and listed: history, events, sync transactions, filters. No SQL.

use model::{
    ConflictState, Entity, EntityId, Failure, Kind, OperationId, Status, Step, System, Timestamp,
    VersionVector,
};

use crate::operation::names;

/// Which entities to list; in the order of their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntityFilter {
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only of this course.
    pub course: Option<EntityId>,
    /// Only with this status.
    pub status: Option<Status>,
    /// At most so many.
    pub limit: usize,
    /// Only after this id: the last one of the page before.
    pub after: Option<EntityId>,
}

/// How many entities stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusCount {
    /// The kind.
    pub kind: Kind,
    /// The status.
    pub status: Status,
    /// How many.
    pub count: u64,
}

/// Which conflicts to list; newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConflictFilter {
    /// Only in this state.
    pub state: Option<ConflictState>,
    /// Only of this entity.
    pub entity: Option<EntityId>,
    /// Only older than this id.
    pub before: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// One line of the journal that operators read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Our id of it; entries are listed by id, newest first.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
    /// To which entity.
    pub entity: Option<EntityId>,
    /// In which course.
    pub course: Option<EntityId>,
    /// In which system.
    pub system: Option<System>,
    /// What: one word.
    pub action: String,
    /// Which operation did it.
    pub operation: Option<OperationId>,
    /// The sentence to show. Never holds words that users wrote.
    pub text: String,
    /// What went wrong.
    pub failure: Option<Failure>,
}

/// Which entries of the journal to list; newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// Only of this entity.
    pub entity: Option<EntityId>,
    /// Only of this course.
    pub course: Option<EntityId>,
    /// Only with this action.
    pub action: Option<String>,
    /// Only older than this id: the last one of the page before.
    pub before: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// A delivery of a webhook or of Live Events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Our id of it.
    pub id: String,
    /// Who sent it.
    pub system: System,
    /// The name the sender gives the event.
    pub name: String,
    /// The sender's id of the delivery.
    pub delivery_id: Option<String>,
    /// The body as it came.
    pub body: String,
    /// When it came.
    pub received_at: Timestamp,
}

names! {
    /// The isolation that a sync transaction asked for.
    Isolation {
        /// `read_committed`.
        ReadCommitted = "read_committed",
        /// `repeatable_read`.
        RepeatableRead = "repeatable_read",
        /// `serializable`; what SQLite always gives.
        Serializable = "serializable",
    }
}

names! {
    /// How a sync transaction ended.
    TransactionResult {
        /// All of it stays.
        Committed = "committed",
        /// None of it stays.
        RolledBack = "rolled_back",
    }
}

/// A sync transaction with its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncTransaction {
    /// Our id of it.
    pub id: String,
    /// The operation whose attempt it is.
    pub operation: OperationId,
    /// The entity.
    pub entity: EntityId,
    /// The transaction it is part of.
    pub parent: Option<String>,
    /// The isolation it asked for.
    pub isolation: Isolation,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended, and how; `None` while it is prepared.
    pub ended: Option<(Timestamp, TransactionResult)>,
    /// Its log in order.
    pub steps: Vec<Step>,
}

/// A sync transaction that has not ended, with what it needs to go on or to be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The transaction with its log.
    pub transaction: SyncTransaction,
    /// The entity as it was before.
    pub before: Entity,
    /// What the local database had seen when it began: the decision that it writes.
    pub vector: VersionVector,
    /// Why it is being rolled back; `None` while it goes forward.
    pub cause: Option<Failure>,
    /// Why it cannot be rolled back: a person must look.
    pub stuck: Option<Failure>,
}

/// A process that runs workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Our id of it.
    pub id: String,
    /// The machine and the process, for people.
    pub name: String,
    /// Which command it runs: `serve` or `worker`.
    pub role: String,
    /// The version of the program.
    pub version: String,
    /// How many operations it runs at once.
    pub workers: usize,
    /// When it started.
    pub started_at: Timestamp,
    /// When it last said that it lives.
    pub seen_at: Timestamp,
}
