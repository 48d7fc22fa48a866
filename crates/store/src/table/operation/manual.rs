//! What operators do to operations by hand. Running ones are left alone: they end by themselves.

use model::{Class, Failure, OperationId, Timestamp};

use super::{Stored, columns, left, put_on_hold, read, requeue};
use crate::error::{Error, Result};
use crate::operation::{OperationState, Priority};
use crate::session::Session;
use crate::sql::{Sql, statements};
use crate::table::operation_history::{self, Ended};
use crate::value::Value;

statements! { "operation";
    TAKE_IDLE = concat!("DELETE FROM operation WHERE id = $1 AND state IN ('pending', 'held') RETURNING ", columns!()),
    TAKE_PENDING = concat!("DELETE FROM operation WHERE id = $1 AND state = 'pending' RETURNING ", columns!()),
    TAKE_HELD = concat!("DELETE FROM operation WHERE id = $1 AND state = 'held' RETURNING ", columns!()),
}

const STALE: Error = Error::Stale { what: "operation" };

async fn take(
    session: &mut Session,
    sql: &'static Sql,
    id: &OperationId,
) -> Result<Option<Stored>> {
    let row = session.first(sql, &[Value::from(id)]).await?;
    let stored = row.map(read).transpose()?;
    if let Some(stored) = &stored {
        left(session, stored).await?;
    }
    Ok(stored)
}

/// Makes a waiting, held, failed or cancelled operation ready now, with a fresh count of attempts.
pub(crate) async fn retry(session: &mut Session, id: &OperationId, at: Timestamp) -> Result<()> {
    let idle = take(session, &TAKE_IDLE, id).await?;
    let mut stored = match idle {
        Some(stored) => stored,
        None => operation_history::take_unfinished(session, id)
            .await?
            .ok_or(STALE)?,
    };
    stored.add_reason("retried");
    restart(session, stored, at).await
}

/// Lets a held operation run. Its reason says so: a guard that held it lets a released one pass.
pub(crate) async fn release(session: &mut Session, id: &OperationId, at: Timestamp) -> Result<()> {
    let mut stored = take(session, &TAKE_HELD, id).await?.ok_or(STALE)?;
    stored.add_reason("released");
    restart(session, stored, at).await
}

async fn restart(session: &mut Session, mut stored: Stored, at: Timestamp) -> Result<()> {
    stored.wait_until(at, at);
    stored.operation.blocked_on = None;
    stored.operation.attempt_count = 0;
    stored.lost_count = 0;
    stored.returned_count = 0;
    requeue(session, stored).await
}

/// Keeps a waiting operation from being run.
pub(crate) async fn hold(
    session: &mut Session,
    id: &OperationId,
    (who, why): (&str, &str),
    at: Timestamp,
) -> Result<()> {
    let stored = take(session, &TAKE_PENDING, id).await?.ok_or(STALE)?;
    let failure = Failure::new(
        "SYNC-4022",
        Class::Guard,
        format!("Held by {who}: {why}."),
        "Release or cancel it.",
    );
    put_on_hold(session, stored, &failure, at).await
}

/// Ends an operation that nobody runs.
pub(crate) async fn cancel(
    session: &mut Session,
    id: &OperationId,
    (who, why): (&str, &str),
    at: Timestamp,
) -> Result<()> {
    let stored = take(session, &TAKE_IDLE, id).await?.ok_or(STALE)?;
    let ended = Ended {
        state: OperationState::Cancelled,
        failure: stored.operation.failure.as_ref(),
        note: Some(format!("cancelled by {who}: {why}")),
        at,
    };
    operation_history::add(session, &stored.operation, ended).await
}

/// Changes the priority of a waiting operation; its waiting so far still counts.
pub(crate) async fn reprioritise(
    session: &mut Session,
    id: &OperationId,
    priority: Priority,
    at: Timestamp,
) -> Result<()> {
    let mut stored = take(session, &TAKE_PENDING, id).await?.ok_or(STALE)?;
    let patience_ms = stored.operation.priority.patience_ms();
    let due_ms = stored.rank_ms.saturating_sub(patience_ms);
    stored.operation.priority = priority;
    stored.operation.updated_at = at;
    stored.rank_ms = due_ms.saturating_add(priority.patience_ms());
    requeue(session, stored).await
}
