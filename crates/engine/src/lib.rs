//! Decides what to do: detect, compare, merge, resolve, plan. Pure and total: values in, values out.
//!
//! Nothing here waits, fails, reads a clock or knows a database or a wire format. If the simulation cannot run it,
//! it is
//! in the wrong place.
#![warn(missing_docs)]

mod alert;
pub mod audience;
mod body;
mod detect;
mod guard;
mod local;
pub mod matching;
mod merge;
mod plan;
mod receipt;
mod reconcile;
mod recover;
pub mod roster;
mod schedule;
mod transaction;
mod twin;

pub use alert::{Alert, AlertRules, CauseSeen, Moment, Rest, alert, threshold};
pub use guard::{Limits, Trip, check_deletes, check_edits, check_empty, holds_thread};
pub use local::{EditRefused, decide, edit, reopen};
pub use merge::{Head, Merged};
pub use plan::{PlannedWrite, create_key, entity_key, owed_writes, thread_key};
pub use receipt::{Place, adopt, complete, discover, has_unseen_change};
pub use reconcile::{Decision, Input, Note, reconcile};
pub use recover::{Recovered, Recovery, RecoveryRefused, Setting, is_held_by_hand, recover};
pub use schedule::{Retry, retry};
pub use transaction::{
    Origin, Standing, Undo, Undone, left_steps, prepared_step, restore, standing, step_number,
    undone, undos,
};
pub use twin::{is_twin, join, only_copy};
