//! The contract between the sync engine's shell and a remote system.
//!
//! A connector reads threads, writes single items, finds what it created, and reports what changed. It keeps no sync
//! state: everything it needs comes with the call, everything it learns goes back in the answer. It must not know
//! the database, other connectors, or how conflicts are decided.
#![warn(missing_docs)]

mod capability;
mod dry_run;
mod event;
mod examine;
mod memory;
mod people;
mod port;
mod rehearsal;

pub use capability::Capabilities;
pub use dry_run::DryRun;
pub use event::{Hint, RawEvent};
pub use examine::{Examination, Finding, Verdict};
pub use memory::{Fault, Memory};
pub use people::{Directory, Group, MEMBERS_MAX, MemberChange, Registry};
pub use port::{Changes, Connector, Error, Result, Thread};
pub use rehearsal::Rehearsal;
