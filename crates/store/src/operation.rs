//! The words of the sync queue: what an operation is, its states and outcomes. No SQL.

use model::{EntityId, Failure, OperationId, RemoteId, System, Timestamp};

/// Declares an enum with stable lower-case names.
macro_rules! names {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type {
            $($(#[$variant_doc])* $variant),+
        }

        impl $type {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable lower-case name used in the database, CLI and API.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }

            /// Reads [`Self::as_str`] back.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use names;

names! {
    /// What an operation looks at.
    OperationKind {
        /// A topic and its posts.
        Thread = "thread",
        /// One entity.
        Entity = "entity",
        /// A change feed.
        Feed = "feed",
        /// A full comparison.
        Sweep = "sweep",
        /// A course's people.
        Roster = "roster",
    }
}

names! {
    /// How urgent an operation is; the first is the most urgent.
    Priority {
        /// An operator waits.
        Critical = "critical",
        /// A person edited or posted.
        Interactive = "interactive",
        /// Ordinary work.
        Normal = "normal",
        /// Backfill.
        Bulk = "bulk",
        /// Sweeps.
        Background = "background",
    }
}

impl Priority {
    /// The number in the database: 0 is the most urgent.
    pub(crate) fn level(self) -> i64 {
        match self {
            Self::Critical => 0,
            Self::Interactive => 1,
            Self::Normal => 2,
            Self::Bulk => 3,
            Self::Background => 4,
        }
    }

    pub(crate) fn from_level(level: i64) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|priority| priority.level() == level)
    }

    /// How long work of this priority lets `critical` work pass that became due later, in milliseconds. It is what
    /// makes waiting raise the priority.
    pub fn patience_ms(self) -> i64 {
        match self {
            Self::Critical => 0,
            Self::Interactive => 60_000,
            Self::Normal => 600_000,
            Self::Bulk => 3_600_000,
            Self::Background => 21_600_000,
        }
    }
}

names! {
    /// Where an operation stands.
    OperationState {
        /// Waits for its time or for a worker.
        Pending = "pending",
        /// A worker runs it.
        InProgress = "in_progress",
        /// Done.
        Completed = "completed",
        /// Ended without success; can be retried.
        Failed = "failed",
        /// Waits for a person.
        Held = "held",
        /// Ended because it was not wanted any more.
        Cancelled = "cancelled",
    }
}

/// A wish to look at something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOperation {
    /// Our id of it.
    pub id: OperationId,
    /// What sort of thing is looked at.
    pub kind: OperationKind,
    /// What is looked at, as text: `thread:ID`, `entity:ID`, `remote:canvas:topic:ID`. One operation of a subject
    /// waits, one runs.
    pub subject: String,
    /// The entity, when it is known.
    pub entity: Option<EntityId>,
    /// The course, when it is known.
    pub course: Option<EntityId>,
    /// The system that caused it.
    pub system: Option<System>,
    /// The system's id of the item.
    pub remote: Option<RemoteId>,
    /// Operations with the same key are claimed together, by one worker at a time.
    pub batch_key: String,
    /// Why: a few words.
    pub reason: String,
    /// How urgent it is.
    pub priority: Priority,
    /// Not before this time.
    pub not_before: Timestamp,
    /// The entity (`ID`) or replica (`ID@system`) that must be there first.
    pub blocked_on: Option<String>,
    /// Now.
    pub at: Timestamp,
}

impl NewOperation {
    /// A wish of normal priority that is due at once; its subject is its batch key too. What else is known of it is for
    /// the caller to say.
    pub fn due(id: OperationId, kind: OperationKind, subject: String, at: Timestamp) -> Self {
        Self {
            id,
            kind,
            batch_key: subject.clone(),
            subject,
            entity: None,
            course: None,
            system: None,
            remote: None,
            reason: String::new(),
            priority: Priority::Normal,
            not_before: at,
            blocked_on: None,
            at,
        }
    }
}

/// An operation as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Our id of it.
    pub id: OperationId,
    /// What sort of thing is looked at.
    pub kind: OperationKind,
    /// What is looked at, as text.
    pub subject: String,
    /// The entity, when it is known.
    pub entity: Option<EntityId>,
    /// The course, when it is known.
    pub course: Option<EntityId>,
    /// The system that caused it; `None` when several did.
    pub system: Option<System>,
    /// The system's id of the item.
    pub remote: Option<RemoteId>,
    /// Operations with the same key are claimed together, by one worker at a time.
    pub batch_key: String,
    /// Why: the words of everyone who asked, with commas.
    pub reason: String,
    /// How urgent it is.
    pub priority: Priority,
    /// Not before this time.
    pub not_before: Timestamp,
    /// What must be there first.
    pub blocked_on: Option<String>,
    /// Where it stands.
    pub state: OperationState,
    /// Runs since it was queued or retried by hand, the present one included.
    pub attempt_count: u32,
    /// All runs ever; the number of the last attempt.
    pub run_count: u32,
    /// Who runs it.
    pub lease_owner: Option<String>,
    /// Until when.
    pub lease_until: Option<Timestamp>,
    /// The last failure, or why it was held.
    pub failure: Option<Failure>,
    /// Why it was cancelled.
    pub note: Option<String>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it last changed; for an ended one, when it ended.
    pub updated_at: Timestamp,
}

/// How a run of an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All is done.
    Completed,
    /// It is run again.
    Retry {
        /// Not before this time.
        not_before: Timestamp,
        /// Why.
        failure: Failure,
    },
    /// It ends without success; it stays visible and can be retried by hand.
    Failed(Failure),
    /// A person must look first.
    Held(Failure),
    /// It is not wanted any more.
    Cancelled {
        /// Why.
        reason: String,
    },
}

/// The end of a run, fenced by its attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The operation.
    pub operation: OperationId,
    /// Which of its runs: the `run_count` that the claim returned.
    pub attempt: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
}

/// What a worker asks for when it takes work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who asks; everything it runs is under one lease.
    pub owner: String,
    /// Now.
    pub now: Timestamp,
    /// How long the lease lasts from now, in milliseconds.
    pub lease_ms: i64,
    /// At most so many batch keys; zero takes nothing.
    pub keys: usize,
    /// At most so many operations of each batch key.
    pub per_key: usize,
}

/// What came of recording some ends and claiming some work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exchange {
    /// The owner's new work, best first, the operations of a batch key together.
    pub claimed: Vec<Operation>,
    /// Ends that were not stored: the run was not the owner's any more.
    pub refused: Vec<OperationId>,
}

names! {
    /// How an attempt ended.
    AttemptResult {
        /// All was done.
        Completed = "completed",
        /// It failed and is run again.
        Retry = "retry",
        /// It failed for good.
        Failed = "failed",
        /// It was held for a person.
        Held = "held",
        /// It was cancelled.
        Cancelled = "cancelled",
        /// The worker died or hung.
        Lost = "lost",
        /// The worker gave it back without an outcome.
        GivenBack = "given_back",
    }
}

/// One run of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The operation.
    pub operation: OperationId,
    /// Counts from one.
    pub number: u32,
    /// Who ran it.
    pub owner: String,
    /// When it was claimed.
    pub started_at: Timestamp,
    /// When it ended or was found lost.
    pub ended_at: Timestamp,
    /// How it ended.
    pub result: AttemptResult,
    /// Why it did not succeed.
    pub failure: Option<Failure>,
}

/// Which operations to list; newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OperationFilter {
    /// Only in this state.
    pub state: Option<OperationState>,
    /// Only about this entity.
    pub entity: Option<EntityId>,
    /// Only of this course.
    pub course: Option<EntityId>,
    /// Only older than this one.
    pub before: Option<OperationId>,
    /// At most so many.
    pub limit: usize,
}

/// How many operations stand where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueCount {
    /// The state: pending, in progress, held or failed.
    pub state: OperationState,
    /// The priority.
    pub priority: Priority,
    /// How many.
    pub count: u64,
    /// When the oldest was queued; for failed ones, when the oldest ended.
    pub oldest: Timestamp,
}

/// What rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// `all`, `system:NAME`, `kind:NAME` or `course:ID`.
    pub scope: String,
    /// Who stopped it.
    pub who: String,
    /// Why.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
}
