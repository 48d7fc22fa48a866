//! What operators see of the queue.

use model::{OperationId, Timestamp};

use super::{columns, read, read_priority};
use crate::error::Result;
use crate::operation::{Operation, OperationFilter, OperationState, QueueCount};
use crate::session::Session;
use crate::sql::statements;
use crate::value::{Value, count};

macro_rules! page {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM operation WHERE (CAST($1 AS TEXT) IS NULL OR state = $1) \
             AND (CAST($2 AS TEXT) IS NULL OR course_id = $2) AND (CAST($3 AS TEXT) IS NULL OR id < $3) "
        )
    };
}

statements! { "operation";
    BY_ID = concat!("SELECT ", columns!(), " FROM operation WHERE id = $1"),
    PAGE = concat!(page!(), "ORDER BY id DESC LIMIT $4"),
    PAGE_OF_ENTITY = concat!(page!(), "AND entity_id = $5 ORDER BY id DESC LIMIT $4"),
    WAITING_OF_BATCH = "SELECT subject, not_before_ms FROM operation WHERE batch_key = $1 AND state = 'pending'
        ORDER BY not_before_ms, id",
    COUNTS = "SELECT state, priority, count(*), min(created_ms) FROM operation GROUP BY state, priority
        ORDER BY state, priority",
}

pub(crate) async fn by_id(session: &mut Session, id: &OperationId) -> Result<Option<Operation>> {
    match session.first(&BY_ID, &[Value::from(id)]).await? {
        Some(row) => read(row).map(|stored| Some(stored.operation)),
        None => Ok(None),
    }
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
    rows.into_iter()
        .map(|row| read(row).map(|stored| stored.operation))
        .collect()
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

pub(crate) async fn counts(session: &mut Session) -> Result<Vec<QueueCount>> {
    let rows = session.query(&COUNTS, &[]).await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(QueueCount {
                state: row.name("state", OperationState::parse)?,
                priority: read_priority(&mut row)?,
                count: row.number("count")?,
                oldest: row.time("oldest")?,
            })
        })
        .collect()
}
