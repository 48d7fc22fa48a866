//! Version vectors: they tell concurrent changes from ordered ones (design section 5).
//!
//! Pure counters, no wall clock. The remotes do not keep vectors: a replica's vector records what we have seen that
//! system know.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::kind::System;

/// How two version vectors relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// Both have seen the same changes.
    Identical,
    /// The first has seen less than the second.
    HappensBefore,
    /// The first has seen more than the second.
    HappensAfter,
    /// Each has seen a change that the other has not.
    Concurrent,
}

/// How many changes of each system a replica has seen; a missing system counts zero.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionVector(BTreeMap<System, u64>);

impl VersionVector {
    /// A vector that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of changes of `system` that this vector has seen.
    pub fn get(&self, system: System) -> u64 {
        self.0.get(&system).copied().unwrap_or(0)
    }

    /// Records one more change made at `system`.
    #[must_use]
    pub fn incremented(mut self, system: System) -> Self {
        let counter = self.0.entry(system).or_insert(0);
        *counter = counter.saturating_add(1);
        self
    }

    /// Records that `count` changes of `system` have been seen, if it is not known of more.
    #[must_use]
    pub fn reached(mut self, system: System, count: u64) -> Self {
        let counter = self.0.entry(system).or_insert(0);
        *counter = (*counter).max(count);
        self
    }

    /// The smallest vector that has seen everything that either has seen.
    #[must_use]
    pub fn join(mut self, other: &Self) -> Self {
        for (system, count) in &other.0 {
            let counter = self.0.entry(*system).or_insert(0);
            *counter = (*counter).max(*count);
        }
        self
    }

    /// Compares two vectors; every pair has exactly one relation.
    pub fn compare(&self, other: &Self) -> Relation {
        let less = System::ALL
            .into_iter()
            .any(|system| self.get(system) < other.get(system));
        let more = System::ALL
            .into_iter()
            .any(|system| self.get(system) > other.get(system));
        match (less, more) {
            (false, false) => Relation::Identical,
            (true, false) => Relation::HappensBefore,
            (false, true) => Relation::HappensAfter,
            (true, true) => Relation::Concurrent,
        }
    }

    /// Whether this vector has seen all that `other` has seen.
    pub fn includes(&self, other: &Self) -> bool {
        matches!(
            self.compare(other),
            Relation::Identical | Relation::HappensAfter
        )
    }
}

impl FromIterator<(System, u64)> for VersionVector {
    fn from_iter<I: IntoIterator<Item = (System, u64)>>(counts: I) -> Self {
        Self(counts.into_iter().filter(|(_, count)| *count > 0).collect())
    }
}

#[cfg(test)]
mod tests;
