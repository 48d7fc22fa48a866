//! What operators see of the queue.

use model::{OperationId, Timestamp};

use super::{columns, read_with_rest};
use crate::error::Result;
use crate::operation::{Operation, OperationFilter, OperationState, Priority};
use crate::session::Session;
use crate::sql::statements;
use crate::value::{Row, Value, count};

macro_rules! until {
    () => {
        "(SELECT w.until_ms FROM worker w WHERE w.owner = operation.lease_owner)"
    };
}

macro_rules! page {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            ", ",
            until!(),
            " FROM operation WHERE (CAST($1 AS TEXT) IS NULL OR state = $1) \
             AND (CAST($2 AS TEXT) IS NULL OR course_id = $2) AND (CAST($3 AS TEXT) IS NULL OR id < $3) "
        )
    };
}

statements! { "operation";
    BY_ID = concat!("SELECT ", columns!(), ", ", until!(), " FROM operation WHERE id = $1"),
    PAGE = concat!(page!(), "ORDER BY id DESC LIMIT $4"),
    PAGE_OF_ENTITY = concat!(page!(), "AND entity_id = $5 ORDER BY id DESC LIMIT $4"),
    WAITING_OF_BATCH = "SELECT subject, not_before_ms FROM operation WHERE batch_key = $1 AND turn = 2
            AND state = 'pending'
        UNION ALL SELECT subject, not_before_ms FROM operation WHERE batch_key = $1 AND turn = 1
        UNION ALL SELECT subject, not_before_ms FROM operation WHERE batch_key = $1 AND turn = 0 AND state = 'pending'
        ORDER BY not_before_ms, subject",
    OLDEST = "SELECT created_ms FROM operation WHERE state = $1 AND priority = $2 ORDER BY id LIMIT 1",
}

pub(crate) async fn by_id(session: &mut Session, id: &OperationId) -> Result<Option<Operation>> {
    match session.first(&BY_ID, &[Value::from(id)]).await? {
        Some(row) => read_listed(row).map(Some),
        None => Ok(None),
    }
}

/// An operation with the time until which its owner's runs are its own.
fn read_listed(row: Row) -> Result<Operation> {
    let (stored, mut rest) = read_with_rest(row)?;
    let mut operation = stored.operation;
    operation.lease_until = rest.optional_time("until_ms")?;
    Ok(operation)
}

/// The operations that have not ended, newest first.
pub(crate) async fn page(
    session: &mut Session,
    filter: &OperationFilter,
) -> Result<Vec<Operation>> {
    let mut values = vec![
        Value::from(filter.state.map(OperationState::as_str)),
        Value::from(filter.course.as_ref()),
        Value::from(filter.before.as_ref()),
        count(filter.limit),
    ];
    let sql = match &filter.entity {
        Some(entity) => {
            values.push(Value::from(entity));
            &PAGE_OF_ENTITY
        }
        None => &PAGE,
    };
    let rows = session.query(sql, &values).await?;
    rows.into_iter().map(read_listed).collect()
}

/// The subjects that wait under a batch key, and until when.
pub(crate) async fn waiting_subjects(
    session: &mut Session,
    batch_key: &str,
) -> Result<Vec<(String, Timestamp)>> {
    let rows = session
        .query(&WAITING_OF_BATCH, &[Value::from(batch_key)])
        .await?;
    rows.into_iter()
        .map(|mut row| Ok((row.text("subject")?, row.time("not_before_ms")?)))
        .collect()
}

/// When the oldest operation of a state and priority was queued.
///
/// Reads in the order of ids, which is the order of time: as a rule the first row is it.
pub(crate) async fn oldest(
    session: &mut Session,
    state: OperationState,
    priority: Priority,
) -> Result<Option<Timestamp>> {
    let values = [Value::from(state.as_str()), Value::from(priority.level())];
    match session.first(&OLDEST, &values).await? {
        Some(mut row) => row.time("created_ms").map(Some),
        None => Ok(None),
    }
}
