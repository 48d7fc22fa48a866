//! Maintenance: jobs of small steps that can be stopped between any two, on a plan, by hand, or as a preview.
//!
//! What is kept how long is the configuration's. Results stand in the database, where the pages and the commands read
//! them; a page asks for a run by leaving a wish there.

pub mod archive;
mod consistency;
mod job;

use std::path::PathBuf;

use store::{OperationKind, Outworn};

pub use job::run;

const DAY_MS: i64 = 86_400_000;

/// What is kept how long, in milliseconds, and where it goes then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Completed and cancelled operations with their attempts.
    pub completed_ms: i64,
    /// Failed operations with their attempts.
    pub failed_ms: i64,
    /// Both, for kinds that differ.
    pub kinds: Vec<(OperationKind, i64)>,
    /// Handled deliveries.
    pub deliveries_ms: i64,
    /// The journal.
    pub journal_ms: i64,
    /// Ended sync transactions and closed intents.
    pub transactions_ms: i64,
    /// Hours of the statistics; after this their days stay.
    pub hours_ms: i64,
    /// The folder of the archive of ended operations; without it they are removed for good.
    pub archive: Option<PathBuf>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            completed_ms: 30 * DAY_MS,
            failed_ms: 90 * DAY_MS,
            kinds: Vec::new(),
            deliveries_ms: 7 * DAY_MS,
            journal_ms: 365 * DAY_MS,
            transactions_ms: 90 * DAY_MS,
            hours_ms: 90 * DAY_MS,
            archive: None,
        }
    }
}

/// What a sort is kept, in milliseconds.
fn kept_ms(plan: &Plan, sort: Outworn) -> i64 {
    match sort {
        Outworn::Deliveries => plan.deliveries_ms,
        Outworn::Journal => plan.journal_ms,
        Outworn::Transactions | Outworn::Intents => plan.transactions_ms,
        Outworn::Attempts => plan.completed_ms,
        Outworn::Hours => plan.hours_ms,
    }
}
