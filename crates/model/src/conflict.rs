//! A conflict: concurrent changes with all their values kept (design section 6).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::EntityId;
use crate::kind::System;
use crate::policy::Strategy;
use crate::record::{Field, Record};

/// Whether someone or something has decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictState {
    /// Waits for a person.
    Open,
    /// Decided; can be reopened and decided differently.
    Resolved,
}

impl ConflictState {
    /// The stable lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::Resolved]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// One conflict of one entity; nothing in it is ever dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Our id of it.
    pub id: String,
    /// The entity.
    pub entity: EntityId,
    /// Whether it is decided.
    pub state: ConflictState,
    /// The strategy that was asked.
    pub strategy: Strategy,
    /// Who or what decided: `strategy`, or `operator:NAME`; empty while open.
    pub decided_by: String,
    /// The record all sides last agreed on.
    pub base: Option<Record>,
    /// What each side had, with its author and time.
    pub sides: BTreeMap<System, Record>,
    /// What was decided.
    pub result: Option<Record>,
    /// The fields in which both sides changed to different values; empty when a delete met an edit.
    pub fields: BTreeSet<Field>,
    /// When it was found.
    pub opened_at: Timestamp,
    /// When it was last decided.
    pub resolved_at: Option<Timestamp>,
}
