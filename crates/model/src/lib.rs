//! The plain words of the project as types: systems, kinds, ids, records, version vectors, digests, time.
//!
//! Pure: nothing here does I/O, reads a clock or draws randomness, and nothing here knows a remote's wire format
//! or a database row.
#![warn(missing_docs)]

mod audience;
mod clock;
mod conflict;
mod digest;
mod error;
mod id;
mod kind;
mod notice;
mod observation;
mod policy;
mod record;
mod replica;
mod roster;
mod transaction;
mod vector;
mod write;

pub use audience::Audience;
pub use clock::{Clock, FixedClock, Timestamp};
pub use conflict::{Conflict, ConflictState};
pub use digest::Digest;
pub use error::{Class, Failure};
pub use id::{CreateKey, EntityId, IdSource, IntentId, OperationId, RemoteId};
pub use kind::{Kind, System};
pub use notice::{Cause, Notice, NoticeKind, Origin, Told, system_of_code};
pub use observation::{Observation, RemoteItem, Sighting};
pub use policy::{Fallback, Policy, Strategy};
pub use record::{Author, Body, Dialect, Field, FieldType, Record, Value};
pub use replica::{Entity, Existence, Replica, Status};
pub use roster::{
    CourseGroup, GroupKind, Profile, Role, Roster, RosterGroup, RosterMember, RosterPerson,
    RosterState, Seat,
};
pub use transaction::{Phase, Step};
pub use vector::{Relation, VersionVector};
pub use write::{Action, Intent, IntentState, Write, WriteResult};
