//! The log of a sync transaction: what its steps were to do, did and undid (design section 7).

use crate::clock::Timestamp;
use crate::error::Failure;
use crate::kind::System;
use crate::record::Record;
use crate::write::Action;

/// What a line of the log tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The intent is stored.
    Prepare,
    /// The step was done; with a failure: it was tried.
    Apply,
    /// The step was undone; with a failure: that was tried.
    Compensate,
    /// The step was left alone: it never came to it, or a person has changed the item since.
    Skip,
}

impl Phase {
    /// The stable lower-case name used in the database and API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Apply => "apply",
            Self::Compensate => "compensate",
            Self::Skip => "skip",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Prepare, Self::Apply, Self::Compensate, Self::Skip]
            .into_iter()
            .find(|phase| phase.as_str() == text)
    }
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which step, from 1 on; it has a line for each of its phases and for each time that it was tried.
    pub number: u32,
    /// Where.
    pub system: System,
    /// What the step does, or what undoes it.
    pub action: Action,
    /// What the line tells.
    pub phase: Phase,
    /// The record before.
    pub before: Option<Record>,
    /// The record after.
    pub after: Option<Record>,
    /// What went wrong.
    pub failure: Option<Failure>,
    /// When.
    pub at: Timestamp,
}
