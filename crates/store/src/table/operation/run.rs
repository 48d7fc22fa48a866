//! What becomes of a running operation: another subject, or an end. Every late result of a lost lease misses the
//! guard.

use model::{EntityId, OperationId, Timestamp};

use super::{Stored, columns, put_on_hold, read, requeue};
use crate::error::{Error, Result};
use crate::operation::{AttemptResult, OperationState, Outcome};
use crate::session::Session;
use crate::sql::statements;
use crate::table::operation_history::{self, Ended};
use crate::table::{attempt, lease};
use crate::value::Value;

statements! { "operation";
    RUNNING = concat!("SELECT ", columns!(), " FROM operation
        WHERE id = $1 AND state = 'in_progress' AND lease_owner = $2"),
    TAKE_RUNNING = concat!("DELETE FROM operation WHERE id = $1 AND state = 'in_progress' AND lease_owner = $2
        RETURNING ", columns!()),
    RETARGET = "UPDATE operation SET subject = $3, entity_id = $4, batch_key = $5
        WHERE id = $1 AND state = 'in_progress' AND lease_owner = $2",
}

/// Makes a running operation that of another subject. The owner must be able to have the new batch key.
pub(crate) async fn retarget(
    session: &mut Session,
    id: &OperationId,
    owner: &str,
    (subject, entity, batch_key): (&str, &EntityId, &str),
) -> Result<()> {
    let mut values = vec![Value::from(id), Value::from(owner)];
    let Some(row) = session.first(&RUNNING, &values).await? else {
        return Err(Error::Stale { what: "operation" });
    };
    let before = read(row)?.operation;
    if let Some(until) = before.lease_until
        && before.batch_key != batch_key
    {
        lease::join(session, batch_key, owner, until).await?;
    }
    values.push(Value::from(subject));
    values.push(Value::from(entity));
    values.push(Value::from(batch_key));
    session.guarded(&RETARGET, &values).await?;
    lease::release_unused(session, &before.batch_key, owner).await
}

/// Ends a run.
pub(crate) async fn finish(
    session: &mut Session,
    id: &OperationId,
    owner: &str,
    outcome: &Outcome,
    at: Timestamp,
) -> Result<()> {
    let values = [Value::from(id), Value::from(owner)];
    let Some(row) = session.first(&TAKE_RUNNING, &values).await? else {
        return Err(Error::Stale { what: "operation" });
    };
    let run = read(row)?;
    let (result, failure) = match outcome {
        Outcome::Completed => (AttemptResult::Completed, None),
        Outcome::Retry { failure, .. } => (AttemptResult::Retry, Some(failure)),
        Outcome::Failed(failure) => (AttemptResult::Failed, Some(failure)),
        Outcome::Held(failure) => (AttemptResult::Held, Some(failure)),
        Outcome::Cancelled { .. } => (AttemptResult::Cancelled, None),
    };
    attempt::add(session, &run, result, failure, at).await?;
    let batch_key = run.operation.batch_key.clone();
    settle(session, run, outcome, at).await?;
    lease::release_unused(session, &batch_key, owner).await
}

async fn settle(
    session: &mut Session,
    mut run: Stored,
    outcome: &Outcome,
    at: Timestamp,
) -> Result<()> {
    run.lost_count = 0;
    run.returned_count = 0;
    let (state, failure, note) = match outcome {
        Outcome::Completed => (OperationState::Completed, None, None),
        Outcome::Failed(failure) => (OperationState::Failed, Some(failure), None),
        Outcome::Cancelled { reason } => (OperationState::Cancelled, None, Some(reason.clone())),
        Outcome::Held(failure) => return put_on_hold(session, run, failure, at).await,
        Outcome::Retry {
            not_before,
            failure,
        } => {
            run.wait_until(*not_before, at);
            run.operation.failure = Some(failure.clone());
            return requeue(session, &run).await;
        }
    };
    let ended = Ended {
        state,
        failure,
        note,
        at,
    };
    operation_history::add(session, &run.operation, ended).await
}
