//! What becomes of a running operation: another subject, or an end. Every late result of a lost lease misses the
//! guard.

use model::{EntityId, OperationId, Timestamp};

use super::{Stored, columns, left, put_on_hold, read, requeue, turn};
use crate::error::{Error, Result};
use crate::operation::{AttemptResult, OperationState, Outcome};
use crate::session::Session;
use crate::sql::statements;
use crate::table::attempt;
use crate::table::operation_history::{self, Ended};
use crate::value::Value;

statements! { "operation";
    RUNNING = concat!("SELECT ", columns!(), " FROM operation
        WHERE id = $1 AND state = 'in_progress' AND lease_owner = $2"),
    TAKE_RUNNING = concat!("DELETE FROM operation WHERE id = $1 AND state = 'in_progress' AND lease_owner = $2
        AND run_count = COALESCE(CAST($3 AS BIGINT), run_count) RETURNING ", columns!()),
    RETARGET = "UPDATE operation SET subject = $3, entity_id = $4, batch_key = $5, turn = $6
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
    let before = read(row)?;
    let old_key = before.operation.batch_key.as_str();
    let turn = if old_key == batch_key {
        before.turn
    } else {
        join(session, owner, batch_key).await?
    };
    values.push(Value::from(subject));
    values.push(Value::from(entity));
    values.push(Value::from(batch_key));
    values.push(Value::from(turn));
    session.guarded(&RETARGET, &values).await?;
    if old_key != batch_key && before.turn == 2 {
        turn::pass_on(session, &[old_key]).await?;
    }
    Ok(())
}

/// Gets a place in a batch key for a running operation: its turn, or beside what the owner runs there already.
async fn join(session: &mut Session, owner: &str, batch_key: &str) -> Result<i64> {
    let holders = turn::holders(session, &[batch_key]).await?;
    match holders.get(batch_key) {
        None => Ok(2),
        Some(holder) => match &holder.runner {
            Some(runner) if runner == owner => Ok(0),
            None if turn::stand_back(session, &holder.id).await? => Ok(2),
            Some(_) | None => Err(Error::Stale { what: "lease" }),
        },
    }
}

/// Ends a run of an owner: the given attempt, or whichever runs.
pub(crate) async fn finish(
    session: &mut Session,
    (id, attempt): (&OperationId, Option<u32>),
    owner: &str,
    outcome: &Outcome,
    at: Timestamp,
) -> Result<()> {
    let values = [Value::from(id), Value::from(owner), Value::from(attempt)];
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
    left(session, &run).await?;
    attempt::add(session, &run, result, failure, at).await?;
    settle(session, run, outcome, at).await
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
            return requeue(session, run).await;
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
