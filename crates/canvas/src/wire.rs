//! Canvas's JSON as it comes: ids as numbers or texts, keys that are missing or null, old and new shapes.
//!
//! Must not judge anything: that is done in `privacy` and `translate`.

mod entry;
mod id;
mod person;
mod topic;

pub(crate) use entry::{Entry, View};
pub(crate) use id::Id;
pub(crate) use person::{Course, Enrollment, Part, User};
pub(crate) use topic::Topic;
