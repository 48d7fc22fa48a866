//! The database: one SQL text in a portable subset, run by SQLite or PostgreSQL, behind [`Store`].
//!
//! Reads return the types of `model`; everything that changes is a [`Change`] in a [`Store::commit`] that happens
//! whole or not at all. Rows and SQL never leave this crate, and nothing here decides what should be stored: that is
//! the engine's.
#![warn(missing_docs)]

mod backend;
mod bell;
mod change;
mod desk;
mod error;
mod group;
mod maintain;
mod operation;
mod overview;
mod pairing;
mod queue;
mod record;
mod schema;
mod session;
mod sql;
mod store;
mod table;
mod upkeep;
mod value;

pub use backend::Engine;
pub use bell::Doze;
pub use change::Change;
pub use desk::{
    Account, ApiToken, AuditEntry, AuditLine, ChainCheck, CourseCount, DeskChange, ErrorGroup,
    HistorySearch, KeptAnswer, LoginSession, OperationSearch, OutboxLine, OutboxState, Role, Run,
    Tally, Waiting,
};
pub use error::{Error, Result};
pub use operation::{
    Attempt, AttemptResult, Claim, Exchange, Finished, NewOperation, Operation, OperationFilter,
    OperationKind, OperationState, Outcome, Pause, Priority, QueueCount,
};
pub use pairing::{Match, MatchState, Pairing};
pub use record::{
    ConflictFilter, EntityFilter, Event, HistoryEntry, HistoryFilter, Isolation, Node, Prepared,
    StatusCount, SyncTransaction, TransactionResult,
};
pub use schema::newest_version;
pub use store::Store;
pub use upkeep::{Drift, Ended, Job, Left, Outworn, Report, SideHash, Wish};
