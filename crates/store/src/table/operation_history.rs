//! Table `operation_history`: operations that came to an end, out of the way of the queue.

use model::{EntityId, Failure, OperationId, RemoteId, System, Timestamp};

use crate::error::Result;
use crate::operation::{Operation, OperationFilter, OperationKind, OperationState, Priority};
use crate::session::Session;
use crate::sql::statements;
use crate::table::operation::{Stored, read_priority};
use crate::value::{Row, Value, count, json_or_null};

macro_rules! columns {
    () => {
        "id, kind, subject, entity_id, course_id, system, remote_id, batch_key, reason, priority, state, \
         attempt_count, run_count, failure, note, created_ms, ended_ms"
    };
}

pub(crate) use columns;

macro_rules! page {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM operation_history WHERE (CAST($1 AS TEXT) IS NULL OR course_id = $1) \
             AND (CAST($2 AS TEXT) IS NULL OR id < $2) "
        )
    };
}

statements! { "operation_history";
    INSERT = concat!("INSERT INTO operation_history (", columns!(), ")
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"),
    TAKE_UNFINISHED = concat!("DELETE FROM operation_history WHERE id = $1 AND state IN ('failed', 'cancelled')
        RETURNING ", columns!()),
    BY_ID = concat!("SELECT ", columns!(), " FROM operation_history WHERE id = $1"),
    PAGE = concat!(page!(), "ORDER BY id DESC LIMIT $3"),
    PAGE_COMPLETED = concat!(page!(), "AND state = 'completed' ORDER BY id DESC LIMIT $3"),
    PAGE_FAILED = concat!(page!(), "AND state <> 'completed' AND state = 'failed' ORDER BY id DESC LIMIT $3"),
    PAGE_CANCELLED = concat!(page!(), "AND state <> 'completed' AND state = 'cancelled' ORDER BY id DESC LIMIT $3"),
    PAGE_OF_ENTITY = concat!(page!(), "AND (CAST($4 AS TEXT) IS NULL OR state = $4) AND entity_id = $5
        ORDER BY id DESC LIMIT $3"),
    OLDEST_FAILED = "SELECT ended_ms FROM operation_history WHERE state = 'failed' AND priority = $1
        ORDER BY ended_ms LIMIT 1",
}

/// How an operation ended.
pub(crate) struct Ended<'a> {
    pub(crate) state: OperationState,
    pub(crate) failure: Option<&'a Failure>,
    pub(crate) note: Option<String>,
    pub(crate) at: Timestamp,
}

/// Records an operation that was taken out of the queue.
pub(crate) async fn add(
    session: &mut Session,
    operation: &Operation,
    ended: Ended<'_>,
) -> Result<()> {
    if ended.state == OperationState::Failed {
        session.count(OperationState::Failed, operation.priority, 1);
    }
    let values = [
        Value::from(&operation.id),
        Value::from(operation.kind.as_str()),
        Value::from(&operation.subject),
        Value::from(operation.entity.as_ref()),
        Value::from(operation.course.as_ref()),
        Value::from(operation.system.map(System::as_str)),
        Value::from(operation.remote.as_ref()),
        Value::from(&operation.batch_key),
        Value::from(&operation.reason),
        Value::from(operation.priority.level()),
        Value::from(ended.state.as_str()),
        Value::from(operation.attempt_count),
        Value::from(operation.run_count),
        json_or_null(ended.failure)?,
        Value::from(ended.note.as_ref()),
        Value::from(operation.created_at),
        Value::from(ended.at),
    ];
    session.guarded(&INSERT, &values).await
}

/// Takes a failed or cancelled operation out again, to be queued.
pub(crate) async fn take_unfinished(
    session: &mut Session,
    id: &OperationId,
) -> Result<Option<Stored>> {
    let row = session.first(&TAKE_UNFINISHED, &[Value::from(id)]).await?;
    let operation = row.map(read).transpose()?;
    if let Some(operation) = &operation
        && operation.state == OperationState::Failed
    {
        session.count(OperationState::Failed, operation.priority, -1);
    }
    Ok(operation.map(|operation| Stored {
        operation: Operation {
            note: None,
            ..operation
        },
        rank_ms: 0,
        lost_count: 0,
        returned_count: 0,
        started_at: None,
        turn: 0,
    }))
}

pub(crate) async fn by_id(session: &mut Session, id: &OperationId) -> Result<Option<Operation>> {
    let row = session.first(&BY_ID, &[Value::from(id)]).await?;
    row.map(read).transpose()
}

/// The operations that have ended, newest first.
pub(crate) async fn page(
    session: &mut Session,
    filter: &OperationFilter,
) -> Result<Vec<Operation>> {
    let mut values = vec![
        Value::from(filter.course.as_ref()),
        Value::from(filter.before.as_ref()),
        count(filter.limit),
    ];
    let state = Value::from(filter.state.map(OperationState::as_str));
    let sql = match (&filter.entity, filter.state) {
        (Some(entity), _) => {
            values.push(state);
            values.push(Value::from(entity));
            &PAGE_OF_ENTITY
        }
        (None, Some(OperationState::Completed)) => &PAGE_COMPLETED,
        (None, Some(OperationState::Failed)) => &PAGE_FAILED,
        (None, Some(_)) => &PAGE_CANCELLED,
        (None, None) => &PAGE,
    };
    let rows = session.query(sql, &values).await?;
    rows.into_iter().map(read).collect()
}

/// When the first of the failed operations of a priority ended.
pub(crate) async fn oldest_failed(
    session: &mut Session,
    priority: Priority,
) -> Result<Option<Timestamp>> {
    let values = [Value::from(priority.level())];
    match session.first(&OLDEST_FAILED, &values).await? {
        Some(mut row) => row.time("ended_ms").map(Some),
        None => Ok(None),
    }
}

pub(crate) fn read(mut row: Row) -> Result<Operation> {
    let id = OperationId(row.text("id")?);
    let kind = row.name("kind", OperationKind::parse)?;
    let subject = row.text("subject")?;
    let entity = row.optional_text("entity_id")?.map(EntityId);
    let course = row.optional_text("course_id")?.map(EntityId);
    let system = row.optional_name("system", System::parse)?;
    let remote = row.optional_text("remote_id")?.map(RemoteId);
    let batch_key = row.text("batch_key")?;
    let reason = row.text("reason")?;
    let priority = read_priority(&mut row)?;
    let state = row.name("state", OperationState::parse)?;
    let attempt_count = row.number("attempt_count")?;
    let run_count = row.number("run_count")?;
    let failure = row.failure()?;
    let note = row.optional_text("note")?;
    let created_at = row.time("created_ms")?;
    let ended_at = row.time("ended_ms")?;
    Ok(Operation {
        id,
        kind,
        subject,
        entity,
        course,
        system,
        remote,
        batch_key,
        reason,
        priority,
        // A place in time that only the queue needs.
        not_before: ended_at,
        blocked_on: None,
        state,
        attempt_count,
        run_count,
        lease_owner: None,
        lease_until: None,
        failure,
        note,
        created_at,
        updated_at: ended_at,
    })
}
