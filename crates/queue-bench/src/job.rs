//! A job of the benchmark: an operation whose subject is its number, so that none is folded into another.

use model::{OperationId, Timestamp};
use store::{Change, NewOperation, OperationKind, Priority};

use crate::clock;

/// How many jobs go into one call of the bulk insert.
pub(crate) const BULK: u64 = 1_000;

/// The wish to run job `number`; with keys, jobs of one key run one after the other.
pub(crate) fn new(number: u64, keys: u64, at: Timestamp) -> NewOperation {
    let subject = format!("job:{number}");
    let batch_key = match number.checked_rem(keys) {
        Some(key) => format!("key:{key}"),
        None => subject.clone(),
    };
    NewOperation {
        id: OperationId(clock::id(at)),
        kind: OperationKind::Entity,
        subject,
        entity: None,
        course: None,
        system: None,
        remote: None,
        batch_key,
        reason: "bench".to_owned(),
        priority: Priority::Normal,
        not_before: at,
        blocked_on: None,
        at,
    }
}

/// The changes that queue the jobs from `first` on.
pub(crate) fn bulk(first: u64, count: u64, keys: u64) -> Vec<Change> {
    let at = clock::now();
    (first..first.saturating_add(count))
        .map(|number| Change::Enqueue(new(number, keys, at)))
        .collect()
}

/// The number of a job.
pub(crate) fn number(operation: &store::Operation) -> Option<u64> {
    operation.subject.strip_prefix("job:")?.parse().ok()
}
