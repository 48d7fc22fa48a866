//! What maintenance asks of the database: facts about it, what has been kept long enough, what was left behind.
//!
//! Decides nothing: how long something is kept, and when a step is taken, is the caller's.

use std::sync::Arc;

use model::{Entity, EntityId, OperationId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::operation::{OperationKind, OperationState, names};
use crate::store::Store;
use crate::table::upkeep;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

names! {
    /// A maintenance job; they are run in this order.
    Job {
        /// Archives or removes ended operations.
        Operations = "operations",
        /// Removes handled deliveries.
        Deliveries = "deliveries",
        /// Removes old entries of the journal that are counted into the statistics.
        Journal = "journal",
        /// Adds old hours of the statistics to their days.
        Statistics = "statistics",
        /// Removes ended sync transactions and closed intents.
        Transactions = "transactions",
        /// Finds what waits for nobody and has it looked at; removes attempts of operations that are gone.
        Orphans = "orphans",
        /// Compares both sides of every course as we know them.
        Consistency = "consistency",
        /// The database's own care.
        Database = "database",
    }
}

impl Job {
    /// How often it runs by itself, in milliseconds.
    pub fn interval_ms(self) -> i64 {
        match self {
            Self::Operations | Self::Deliveries | Self::Orphans => HOUR_MS,
            Self::Journal | Self::Statistics | Self::Transactions => 6 * HOUR_MS,
            Self::Consistency | Self::Database => DAY_MS,
        }
    }

    /// What it does, in one sentence for people.
    pub fn about(self) -> &'static str {
        match self {
            Self::Operations => "Archives or removes ended operations and their attempts.",
            Self::Deliveries => "Removes handled deliveries.",
            Self::Journal => "Removes old entries of the history; their counts stay.",
            Self::Statistics => "Adds old hours of the statistics to their days.",
            Self::Transactions => {
                "Removes the logs of ended sync transactions, and closed intents."
            }
            Self::Orphans => "Has looked at what waits for nobody.",
            Self::Consistency => "Compares both sides of every course.",
            Self::Database => "Checks the database and gives free space back.",
        }
    }

    /// When it runs next by itself.
    pub fn next(self, last: Option<&Report>) -> Timestamp {
        last.map_or(Timestamp(0), |report| {
            Timestamp(report.began_ms.saturating_add(self.interval_ms()))
        })
    }

    fn result_fact(self, is_dry: bool) -> String {
        let what = if is_dry { "preview" } else { "result" };
        format!("maintenance:{what}:{self}")
    }

    fn wish_fact(self) -> String {
        format!("maintenance:wish:{self}")
    }
}

/// How a run of a job went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The job's name.
    pub job: String,
    /// When it began, in Unix milliseconds.
    pub began_ms: i64,
    /// When it ended.
    pub ended_ms: i64,
    /// Whether it only looked.
    pub is_dry: bool,
    /// Who asked: `plan`, or a person.
    pub who: String,
    /// How much was due, drifting or left behind.
    pub found: u64,
    /// How much was removed, repaired or archived.
    pub done: u64,
    /// How long the longest step took, in milliseconds.
    pub longest_ms: i64,
    /// What there is to say, without anybody's words.
    pub note: String,
    /// Why it ended early.
    pub error: Option<String>,
}

/// A wish for a run, left in the database for whichever process has the duties.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Who asks.
    pub who: String,
    /// Whether it shall only look.
    pub is_dry: bool,
}

/// One side of a course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideHash {
    /// The system.
    pub system: String,
    /// How many items are there.
    pub items: u64,
    /// The digest over what both sides can say, in the order of our ids: equal on both sides when nothing drifts.
    pub hash: String,
}

/// The report about one course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The course, by our id.
    pub course: String,
    /// When, in Unix milliseconds.
    pub at_ms: i64,
    /// Both sides.
    pub sides: Vec<SideHash>,
    /// How many items differ though nothing is open about them.
    pub drifting: u64,
    /// How many differ for a reason that is known: waiting, in conflict, held, failed or skipped.
    pub explained: u64,
    /// The first drifting items, by our ids, with the fields that differ.
    pub items: Vec<(String, String)>,
}

/// Which ended operations are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// How they ended.
    pub state: OperationState,
    /// Of which kind.
    pub kind: OperationKind,
    /// Before when.
    pub before: Timestamp,
}

/// Sorts of rows that are kept for a time and not archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outworn {
    /// Handled deliveries: they hold words that users wrote.
    Deliveries,
    /// The journal, as far as it is counted into the hourly statistics.
    Journal,
    /// Ended sync transactions with their logs: they hold words that users wrote.
    Transactions,
    /// Closed intents: they hold words that users wrote.
    Intents,
    /// Attempts of operations that are gone.
    Attempts,
    /// Hours of the statistics, which are added to their day: nothing is lost but the hour.
    Hours,
}

/// An entity that is not done and for which nothing is queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Which.
    pub entity: EntityId,
    /// Its course.
    pub course: EntityId,
    /// Its topic, or itself.
    pub topic: EntityId,
    /// Whether a write of ours may or may not have happened.
    pub has_intent: bool,
}

fn text<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Bug(error.to_string()))
}

impl Store {
    /// The last result of a job, or of its last preview.
    pub async fn maintenance_report(&self, job: Job, is_dry: bool) -> Result<Option<Report>> {
        let text = self.fact(&job.result_fact(is_dry)).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Keeps the result of a run.
    pub async fn keep_report(&self, job: Job, report: &Report) -> Result<()> {
        self.set_fact(&job.result_fact(report.is_dry), Some(&text(report)?))
            .await
    }

    /// Leaves a wish for a run; a second one takes the first one's place.
    pub async fn wish(&self, job: Job, wish: &Wish) -> Result<()> {
        self.set_fact(&job.wish_fact(), Some(&text(wish)?)).await
    }

    /// Takes the wish for a run, once.
    pub async fn take_wish(&self, job: Job) -> Result<Option<Wish>> {
        let name = job.wish_fact();
        let Some(text) = self.fact(&name).await? else {
            return Ok(None);
        };
        let is_ours = self.take_fact(&name, &text).await?;
        Ok(is_ours.then(|| serde_json::from_str(&text).ok()).flatten())
    }

    /// Keeps the report about a course.
    pub async fn keep_drift(&self, drift: &Drift) -> Result<()> {
        let name = format!("drift:{}", drift.course);
        self.set_fact(&name, Some(&text(drift)?)).await
    }

    /// The last report about each course.
    pub async fn drifts(&self) -> Result<Vec<Drift>> {
        let facts = self.facts("drift:").await?;
        let read = |(_, text): &(String, String)| serde_json::from_str(text).ok();
        Ok(facts.iter().filter_map(read).collect())
    }

    /// A fact about the database: a small text under a name.
    pub async fn fact(&self, name: &str) -> Result<Option<String>> {
        upkeep::fact(&mut self.reader().await?, name).await
    }

    /// The facts whose name begins with a prefix, by name.
    pub async fn facts(&self, prefix: &str) -> Result<Vec<(String, String)>> {
        upkeep::facts(&mut self.reader().await?, prefix).await
    }

    /// Stores a fact, or removes it.
    pub async fn set_fact(&self, name: &str, value: Option<&str>) -> Result<()> {
        let (name, value) = (name.to_owned(), value.map(str::to_owned));
        self.transact(move |session| {
            let (name, value) = (name.clone(), value.clone());
            Box::pin(async move { upkeep::set_fact(session, &name, value.as_deref()).await })
        })
        .await
    }

    /// Removes a fact that still says what was read; `false` when another was faster.
    pub async fn take_fact(&self, name: &str, value: &str) -> Result<bool> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.transact(move |session| {
            let (name, value) = (name.clone(), value.clone());
            Box::pin(async move { upkeep::take_fact(session, &name, &value).await })
        })
        .await
    }

    /// How many ended operations are meant.
    pub async fn count_ended(&self, ended: &Ended) -> Result<u64> {
        upkeep::count_ended(&mut self.reader().await?, ended).await
    }

    /// The oldest of them with their attempts, each as a JSON object that [`Store::import_ended`] takes back.
    pub async fn ended(&self, ended: &Ended, limit: usize) -> Result<Vec<serde_json::Value>> {
        upkeep::ended(&mut self.reader().await?, ended, limit).await
    }

    /// Removes ended operations and their attempts; returns how many there still were.
    pub async fn remove_ended(&self, ids: Vec<OperationId>) -> Result<u64> {
        let ids = Arc::new(ids);
        self.transact(move |session| {
            let ids = Arc::clone(&ids);
            Box::pin(async move { upkeep::remove_ended(session, &ids).await })
        })
        .await
    }

    /// Puts archived operations back where they are not there already; returns how many.
    pub async fn import_ended(&self, operations: Vec<serde_json::Value>) -> Result<u64> {
        let operations = Arc::new(operations);
        self.transact(move |session| {
            let operations = Arc::clone(&operations);
            Box::pin(async move { upkeep::import_ended(session, &operations).await })
        })
        .await
    }

    /// How many rows of a sort are older than a time.
    pub async fn count_outworn(&self, sort: Outworn, before: Timestamp) -> Result<u64> {
        upkeep::count_outworn(&mut self.reader().await?, sort, before).await
    }

    /// Removes rows of a sort that are older than a time, at most `limit`; returns how many went. Call again until it
    /// returns zero.
    pub async fn remove_outworn(
        &self,
        sort: Outworn,
        before: Timestamp,
        limit: usize,
    ) -> Result<u64> {
        self.transact(move |session| {
            Box::pin(async move { upkeep::remove_outworn(session, sort, before, limit).await })
        })
        .await
    }

    /// Entities that have waited since before a time and for which nothing is queued.
    pub async fn left_behind(&self, before: Timestamp, limit: usize) -> Result<Vec<Left>> {
        upkeep::left_behind(&mut self.reader().await?, before, limit).await
    }

    /// Makes one entity of two that are the same item, in one transaction: `kept` is stored as given and guarded by its
    /// revision; what belonged to `gone` belongs to it, and what waited for `gone` is cancelled.
    pub async fn join_entities(&self, kept: Entity, gone: EntityId, at: Timestamp) -> Result<()> {
        let pair = Arc::new((kept, gone));
        self.transact(move |session| {
            let pair = Arc::clone(&pair);
            Box::pin(async move { upkeep::join(session, &pair.0, &pair.1, at).await })
        })
        .await
    }
}
