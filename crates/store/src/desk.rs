//! The words of the operators' side: accounts, sessions, tokens, the audit log, error groups, tallies. No SQL.

use model::{Cause, Class, EntityId, Kind, Status, System, Timestamp, Told};

use crate::operation::names;

names! {
    /// What a person or a token may do.
    Role {
        /// Sees everything, changes nothing.
        Viewer = "viewer",
        /// Sees everything, works the queue and decides conflicts.
        Operator = "operator",
        /// May do everything.
        Admin = "admin",
        /// Sees the status, history and conflicts of some courses and decides their conflicts.
        Teacher = "teacher",
    }
}

/// A person who may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// What is typed to sign in.
    pub name: String,
    /// The argon2id hash of the password, with its parameters.
    pub password: String,
    /// What the person may do.
    pub role: Role,
    /// The courses of a teacher.
    pub courses: Vec<EntityId>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A person who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginSession {
    /// The digest of the cookie's secret.
    pub digest: String,
    /// Whose it is.
    pub account: String,
    /// What the forms carry.
    pub csrf: String,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
    /// When it ends at the latest.
    pub until: Timestamp,
}

/// A token of a program that calls the admin API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Our id of it.
    pub id: String,
    /// What it is for.
    pub label: String,
    /// The digest of the token.
    pub digest: String,
    /// What it may do.
    pub role: Role,
    /// The courses of a teacher's token.
    pub courses: Vec<EntityId>,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made_at: Timestamp,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A line for the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who, and by which way: `ada`, `token:backup`, `command line`.
    pub who: String,
    /// What: one or two words.
    pub act: String,
    /// To what.
    pub subject: String,
    /// The reason that was given.
    pub why: String,
    /// From where: an address or `command line`.
    pub origin: String,
    /// What came of it: `done`, `refused`, or a count.
    pub result: String,
}

/// A line of the audit log as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// Its place in the chain, from one.
    pub number: i64,
    /// What it says.
    pub entry: AuditEntry,
    /// The digest over it and the line before.
    pub digest: String,
}

/// What the audit log's chain says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainCheck {
    /// All lines are there and unchanged; so many.
    Whole(i64),
    /// The first line that does not fit.
    Broken(i64),
}

/// A kept answer to a write with an Idempotency-Key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Who sent it, and the key.
    pub name: String,
    /// The digest of the request.
    pub request: String,
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
    /// When.
    pub at: Timestamp,
}

/// Failures of one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorGroup {
    /// What they have in common.
    pub cause: Cause,
    /// The class.
    pub class: Class,
    /// The newest failure's words.
    pub message: String,
    /// The newest failure's remedy.
    pub remedy: String,
    /// How often it was seen.
    pub entries: u64,
    /// When it was first seen.
    pub first_at: Timestamp,
    /// When it was last seen.
    pub last_at: Timestamp,
    /// Nobody is told before this time.
    pub muted_until: Option<Timestamp>,
    /// When somebody called it resolved; a later failure opens it again.
    pub resolved_at: Option<Timestamp>,
    /// Who muted or resolved it.
    pub noted_by: String,
    /// Why.
    pub noted_why: String,
    /// What people were told of it.
    pub told: Told,
}

names! {
    /// Where a message to those who run the service stands.
    OutboxState {
        /// To be sent.
        Pending = "pending",
        /// Taken by its channel.
        Sent = "sent",
        /// Tried for too long.
        GivenUp = "given_up",
    }
}

/// A message in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxLine {
    /// Our id, which goes along as the idempotency key.
    pub id: String,
    /// The channel's name.
    pub channel: String,
    /// The message as JSON.
    pub body: String,
    /// Where it stands.
    pub state: OutboxState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub next_at: Timestamp,
    /// Why the last try failed, or nothing.
    pub failure: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was sent or given up.
    pub ended_at: Option<Timestamp>,
}

/// A change on the operators' side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeskChange {
    /// Stores an account, new or changed; its sessions end.
    SaveAccount(Account),
    /// Removes an account and its sessions.
    RemoveAccount(String),
    /// Stores a session.
    OpenSession(LoginSession),
    /// Notes that a session was used.
    TouchSession {
        /// Which.
        digest: String,
        /// Now.
        at: Timestamp,
    },
    /// Ends a session.
    CloseSession(String),
    /// Stores a token.
    AddToken(ApiToken),
    /// Ends a token that is not revoked yet.
    RevokeToken {
        /// Which.
        id: String,
        /// Now.
        at: Timestamp,
    },
    /// Adds a line to the audit log.
    Audit(AuditEntry),
    /// Keeps an answer; misses its guard when the name is taken.
    KeepAnswer(KeptAnswer),
    /// Notes what somebody said about an error group.
    NoteError {
        /// Which.
        cause: Cause,
        /// Nobody is told before this time.
        muted_until: Option<Timestamp>,
        /// When it was called resolved.
        resolved_at: Option<Timestamp>,
        /// Who says so.
        who: String,
        /// Why.
        why: String,
    },
    /// Notes what people were told of a group.
    NoteTold {
        /// Which.
        cause: Cause,
        /// What they know now.
        told: Told,
    },
    /// Notes that a group is over by itself, unless it was seen after `last`.
    ResolveQuiet {
        /// Which.
        cause: Cause,
        /// When it was last seen.
        last: Timestamp,
        /// Why.
        why: String,
    },
    /// Puts a message into the outbox.
    Post(OutboxLine),
    /// Notes how a message fared: state, attempts, next try, failure and end; misses its guard when it is not pending.
    NotePost(OutboxLine),
}

/// Which entries of the journal to show; newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistorySearch {
    /// Only of this entity.
    pub entity: Option<EntityId>,
    /// Only of this topic and its posts.
    pub thread: Option<EntityId>,
    /// Only of this course.
    pub course: Option<EntityId>,
    /// Only with this action.
    pub action: Option<String>,
    /// Only of this system.
    pub system: Option<System>,
    /// Only what failed.
    pub is_failed: bool,
    /// Not before this time.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Only older than this id: the last one of the page before.
    pub before: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// Which operations to show; newest first. Without a state: what is not ended, and what failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OperationSearch {
    /// Only in this state.
    pub state: Option<crate::operation::OperationState>,
    /// Only of this course.
    pub course: Option<EntityId>,
    /// Only about this entity.
    pub entity: Option<EntityId>,
    /// Only of this priority.
    pub priority: Option<crate::operation::Priority>,
    /// Only with a failure of this code.
    pub code: Option<String>,
    /// Only older than this one.
    pub before: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// How many entities of a course have a kind and a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CourseCount {
    /// The course.
    pub course: EntityId,
    /// The kind.
    pub kind: Kind,
    /// The status.
    pub status: Status,
    /// How many.
    pub count: u64,
}

/// What waits of a course, from one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The course; `None` for work of no course.
    pub course: Option<EntityId>,
    /// The side on which it changed; `None` when unknown or several.
    pub system: Option<System>,
    /// How many operations.
    pub count: u64,
    /// When the oldest was queued.
    pub oldest: Timestamp,
}

/// How many journal entries an hour had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The hour's beginning.
    pub hour: Timestamp,
    /// An action, or `failure:CODE:SYSTEM:KIND`.
    pub name: String,
    /// How many.
    pub count: u64,
}

/// A run that ended, for durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// How long the thing waited and ran, or ran alone, in milliseconds.
    pub took_ms: i64,
    /// When it ended.
    pub ended_at: Timestamp,
}
