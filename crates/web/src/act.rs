//! What operators do: to operations one by one or by filter, to scopes, to groups of errors. The pages and the API
//! come here; each act and its line in the audit log are one commit.

use model::{Cause, EntityId, Kind, OperationId, Timestamp};
use store::{
    Change, DeskChange, EntityFilter, NewOperation, Operation, OperationKind, OperationSearch,
    OperationState, Priority,
};

use crate::access::Caller;
use crate::change::ChangeError;
use crate::state::State;

/// The most operations that one act touches.
pub(crate) const ACT_MAX: usize = 10_000;
/// How many operations one commit touches.
const CHUNK: usize = 50;

/// What is done to an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Retry,
    Release,
    Hold,
    Cancel,
    Reprioritise(Priority),
}

impl Verb {
    pub(crate) fn parse(verb: &str, priority: Option<&str>) -> Option<Self> {
        Some(match verb {
            "retry" => Self::Retry,
            "release" => Self::Release,
            "hold" => Self::Hold,
            "cancel" => Self::Cancel,
            "reprioritise" => Self::Reprioritise(Priority::parse(priority?)?),
            _ => return None,
        })
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Release => "release",
            Self::Hold => "hold",
            Self::Cancel => "cancel",
            Self::Reprioritise(_) => "reprioritise",
        }
    }

    /// Whether it can be done to an operation in this state.
    pub(crate) fn fits(self, state: OperationState) -> bool {
        match state {
            OperationState::Pending => self != Self::Release,
            OperationState::Held => matches!(self, Self::Retry | Self::Release | Self::Cancel),
            OperationState::Failed | OperationState::Cancelled => self == Self::Retry,
            OperationState::InProgress | OperationState::Completed => false,
        }
    }

    fn change(self, id: &OperationId, (who, why): (&str, &str), at: Timestamp) -> Change {
        let operation = id.clone();
        let (who, why) = (who.to_owned(), why.to_owned());
        match self {
            Self::Retry => Change::Retry { operation, at },
            Self::Release => Change::Release { operation, at },
            Self::Hold => Change::Hold {
                operation,
                who,
                why,
                at,
            },
            Self::Cancel => Change::Cancel {
                operation,
                who,
                why,
                at,
            },
            Self::Reprioritise(priority) => Change::Reprioritise {
                operation,
                priority,
                at,
            },
        }
    }
}

/// What came of an act on many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// So many were changed.
    pub(crate) done: usize,
    /// So many had moved on in between.
    pub(crate) skipped: usize,
}

/// The operations that a filter finds and to which a verb can be done.
pub(crate) async fn matching(
    state: &State,
    verb: Verb,
    filter: &OperationSearch,
) -> store::Result<Vec<Operation>> {
    let search = OperationSearch {
        limit: ACT_MAX,
        before: None,
        ..filter.clone()
    };
    let mut found = state.store.search_operations(&search).await?;
    found.retain(|operation| verb.fits(operation.state));
    Ok(found)
}

/// Acts on operations; those that moved on in between are left alone and counted.
pub(crate) async fn operate(
    state: &State,
    caller: &Caller,
    verb: Verb,
    (ids, why): (&[OperationId], &str),
) -> Result<Report, ChangeError> {
    if why.trim().is_empty() && matches!(verb, Verb::Cancel | Verb::Hold) {
        return Err(ChangeError::Refused(
            "Say why: a reason is needed.".to_owned(),
        ));
    }
    let mut report = Report::default();
    for chunk in ids.chunks(CHUNK) {
        match some(state, caller, verb, (chunk, why)).await {
            Ok(()) => report.done += chunk.len(),
            // One of them moved on: find out which.
            Err(store::Error::Stale { .. }) => {
                for id in chunk {
                    match some(state, caller, verb, (std::slice::from_ref(id), why)).await {
                        Ok(()) => report.done += 1,
                        Err(store::Error::Stale { .. }) => report.skipped += 1,
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(report)
}

async fn some(
    state: &State,
    caller: &Caller,
    verb: Verb,
    (ids, why): (&[OperationId], &str),
) -> store::Result<()> {
    let at = state.stamp.now();
    let who = (caller.who.as_str(), why);
    let mut changes: Vec<Change> = ids.iter().map(|id| verb.change(id, who, at)).collect();
    let subject = match ids {
        [one] => one.to_string(),
        [first, ..] => format!("{} operations from {first}", ids.len()),
        [] => return Ok(()),
    };
    let act = format!("operation {}", verb.as_str());
    let entry = caller.audit(state, &act, &subject, why);
    changes.push(Change::Desk(DeskChange::Audit(entry)));
    state.store.commit(changes).await
}

fn is_scope(scope: &str) -> bool {
    match scope.split_once(':') {
        None => scope == "all",
        Some(("system", name)) => matches!(name, "canvas" | "discourse"),
        Some(("kind", name)) => OperationKind::parse(name).is_some(),
        Some(("course", id)) => {
            !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
        }
        Some(_) => false,
    }
}

/// Pauses a scope, or lets it go on.
pub(crate) async fn pause(
    state: &State,
    caller: &Caller,
    (scope, why): (&str, &str),
    is_resumed: bool,
) -> Result<(), ChangeError> {
    if !is_scope(scope) {
        let text = "A scope is all, system:NAME, kind:NAME or course:ID.";
        return Err(ChangeError::Refused(text.to_owned()));
    }
    if why.trim().is_empty() && !is_resumed {
        return Err(ChangeError::Refused(
            "Say why: a reason is needed.".to_owned(),
        ));
    }
    let (act, change) = if is_resumed {
        (
            "resume",
            Change::Resume {
                scope: scope.to_owned(),
            },
        )
    } else {
        let change = Change::Pause {
            scope: scope.to_owned(),
            who: caller.who.clone(),
            why: why.to_owned(),
            at: state.stamp.now(),
        };
        ("pause", change)
    };
    let entry = caller.audit(state, act, scope, why);
    let changes = vec![change, Change::Desk(DeskChange::Audit(entry))];
    Ok(state.store.commit(changes).await?)
}

/// Asks for a run of a maintenance job; whichever process has the duties does it.
pub(crate) async fn maintain(
    state: &State,
    caller: &Caller,
    job: store::Job,
    (is_dry, why): (bool, &str),
) -> Result<(), ChangeError> {
    let act = if is_dry {
        "maintenance preview"
    } else {
        "maintenance run"
    };
    let entry = caller.audit(state, act, job.as_str(), why);
    state
        .store
        .commit(vec![Change::Desk(DeskChange::Audit(entry))])
        .await?;
    let who = caller.who.clone();
    Ok(state.store.wish(job, &store::Wish { who, is_dry }).await?)
}

/// What is said about a group of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    /// Nobody is told for so many hours.
    Mute(u32),
    /// It is mended; a later failure opens it again.
    Resolve,
    /// It counts again.
    Open,
}

/// Notes what somebody says about a group of errors.
pub(crate) async fn note(
    state: &State,
    caller: &Caller,
    cause: &Cause,
    (note, why): (Note, &str),
) -> Result<(), ChangeError> {
    let now = state.stamp.now();
    let (act, muted_until, resolved_at) = match note {
        Note::Mute(hours) => {
            let until = now.plus_ms(i64::from(hours.clamp(1, 24 * 90)) * 3_600_000);
            ("error mute", Some(until), None)
        }
        Note::Resolve => ("error resolve", None, Some(now)),
        Note::Open => ("error open", None, None),
    };
    let noted = DeskChange::NoteError {
        cause: cause.clone(),
        muted_until,
        resolved_at,
        who: caller.who.clone(),
        why: why.to_owned(),
    };
    let entry = caller.audit(state, act, &cause.to_string(), why);
    let changes = vec![Change::Desk(noted), Change::Desk(DeskChange::Audit(entry))];
    match state.store.commit(changes).await {
        Err(store::Error::Stale { .. }) => Err(ChangeError::NotFound(format!("group {cause}"))),
        other => Ok(other?),
    }
}

/// Queues a look at every thread of a course; returns how many.
pub(crate) async fn sync_course(
    state: &State,
    caller: &Caller,
    course: &EntityId,
) -> Result<usize, ChangeError> {
    let mut after = None;
    let mut queued = 0;
    loop {
        let filter = EntityFilter {
            kind: Some(Kind::Topic),
            course: Some(course.clone()),
            after: after.clone(),
            limit: 200,
            ..EntityFilter::default()
        };
        let topics = state.store.entities(&filter).await?;
        let Some(last) = topics.last() else { break };
        after = Some(last.id.clone());
        queued += topics.len();
        let changes = topics.iter().map(|topic| look(state, topic)).collect();
        state.store.commit(changes).await?;
    }
    let entry = caller.audit(state, "course sync", course.as_str(), "");
    let changes = vec![Change::Desk(DeskChange::Audit(entry))];
    state.store.commit(changes).await?;
    Ok(queued)
}

fn look(state: &State, topic: &model::Entity) -> Change {
    let (id, key) = (OperationId(state.stamp.id()), engine::thread_key(&topic.id));
    Change::Enqueue(NewOperation {
        entity: Some(topic.id.clone()),
        course: Some(topic.course.clone()),
        reason: "asked".to_owned(),
        priority: Priority::Interactive,
        ..NewOperation::due(id, OperationKind::Thread, key, state.stamp.now())
    })
}
