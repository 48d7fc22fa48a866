//! Table `attempt`: every run of an operation and how it ended.

use model::{Failure, IdSource, OperationId, Timestamp};

use crate::error::Result;
use crate::operation::{Attempt, AttemptResult};
use crate::session::Session;
use crate::sql::statements;
use crate::table::operation::Stored;
use crate::value::{Row, Value, count, json_or_null};

statements! { "attempt";
    INSERT = "INSERT INTO attempt (operation_id, number, owner, started_ms, ended_ms, result, failure)
        VALUES ($1, $2, $3, $4, $5, $6, $7)",
    OF_OPERATION = "SELECT operation_id, number, owner, started_ms, ended_ms, result, failure FROM attempt
        WHERE operation_id = $1 ORDER BY number",
    PRUNE = "DELETE FROM attempt WHERE operation_id IN (SELECT a.operation_id FROM attempt a WHERE a.operation_id < $3
        AND a.ended_ms < $1
        AND NOT EXISTS (SELECT 1 FROM operation o WHERE o.id = a.operation_id)
        AND NOT EXISTS (SELECT 1 FROM operation_history h WHERE h.id = a.operation_id)
        ORDER BY a.operation_id LIMIT $2)",
}

/// Records the end of a run.
pub(crate) async fn add(
    session: &mut Session,
    run: &Stored,
    result: AttemptResult,
    failure: Option<&Failure>,
    at: Timestamp,
) -> Result<()> {
    let values = [
        Value::from(&run.operation.id),
        Value::from(run.operation.run_count),
        Value::from(run.operation.lease_owner.as_deref().unwrap_or("")),
        Value::from(run.started_at.unwrap_or(at)),
        Value::from(at),
        Value::from(result.as_str()),
        json_or_null(failure)?,
    ];
    session.guarded(&INSERT, &values).await
}

/// The runs of an operation, first one first.
pub(crate) async fn of_operation(
    session: &mut Session,
    operation: &OperationId,
) -> Result<Vec<Attempt>> {
    let rows = session
        .query(&OF_OPERATION, &[Value::from(operation)])
        .await?;
    rows.into_iter().map(read).collect()
}

/// Removes the attempts of operations that are gone.
pub(crate) async fn prune(session: &mut Session, before: Timestamp, limit: usize) -> Result<u64> {
    // See the prune of `operation_history`.
    let bound = IdSource::text(before, 0);
    let values = [
        Value::from(before),
        count(limit),
        Value::from(bound.as_str()),
    ];
    session.execute(&PRUNE, &values).await
}

fn read(mut row: Row) -> Result<Attempt> {
    Ok(Attempt {
        operation: OperationId(row.text("operation_id")?),
        number: row.number("number")?,
        owner: row.text("owner")?,
        started_at: row.time("started_ms")?,
        ended_at: row.time("ended_ms")?,
        result: row.name("result", AttemptResult::parse)?,
        failure: row.failure()?,
    })
}
