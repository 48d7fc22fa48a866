//! Table `history`: the journal that operators read. Append only, but for what has outlived its retention.

use model::{EntityId, OperationId, System, Timestamp};

use crate::error::Result;
use crate::record::{HistoryEntry, HistoryFilter};
use crate::session::Session;
use crate::sql::statements;
use crate::table::entity::single_count;
use crate::value::{Row, Value, count, json_or_null};

macro_rules! columns {
    () => {
        "SELECT id, at_ms, entity_id, course_id, system, action, operation_id, note, failure FROM history \
         WHERE (CAST($1 AS TEXT) IS NULL OR id < $1) AND (CAST($2 AS TEXT) IS NULL OR action = $2) "
    };
}

statements! { "history";
    INSERT = "INSERT INTO history (id, at_ms, entity_id, course_id, system, action, operation_id, note, failure)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    PAGE = concat!(columns!(), "ORDER BY id DESC LIMIT $3"),
    PAGE_OF_ENTITY = concat!(columns!(), "AND entity_id = $4 AND (CAST($5 AS TEXT) IS NULL OR course_id = $5)
        ORDER BY id DESC LIMIT $3"),
    PAGE_OF_COURSE = concat!(columns!(), "AND course_id = $4 ORDER BY id DESC LIMIT $3"),
    COUNT_DELETES = "SELECT count(*) FROM history WHERE course_id = $1 AND action = 'delete' AND at_ms >= $2",
}

pub(crate) async fn add(session: &mut Session, entry: &HistoryEntry) -> Result<()> {
    let values = [
        Value::from(&entry.id),
        Value::from(entry.at),
        Value::from(entry.entity.as_ref()),
        Value::from(entry.course.as_ref()),
        Value::from(entry.system.map(System::as_str)),
        Value::from(&entry.action),
        Value::from(entry.operation.as_ref()),
        Value::from(&entry.text),
        json_or_null(entry.failure.as_ref())?,
    ];
    session.guarded(&INSERT, &values).await
}

pub(crate) async fn page(
    session: &mut Session,
    filter: &HistoryFilter,
) -> Result<Vec<HistoryEntry>> {
    let mut values = vec![
        Value::from(filter.before.as_ref()),
        Value::from(filter.action.as_ref()),
        count(filter.limit),
    ];
    let course = Value::from(filter.course.as_ref());
    let sql = match (&filter.entity, &filter.course) {
        (Some(entity), _) => {
            values.push(Value::from(entity));
            values.push(course);
            &PAGE_OF_ENTITY
        }
        (None, Some(_)) => {
            values.push(course);
            &PAGE_OF_COURSE
        }
        (None, None) => &PAGE,
    };
    let rows = session.query(sql, &values).await?;
    rows.into_iter().map(read).collect()
}

/// How many deletes we wrote in a course since a time, that time included.
pub(crate) async fn deletes_since(
    session: &mut Session,
    course: &EntityId,
    since: Timestamp,
) -> Result<u64> {
    let values = [Value::from(course), Value::from(since)];
    single_count(session, &COUNT_DELETES, &values).await
}

pub(crate) fn read(mut row: Row) -> Result<HistoryEntry> {
    Ok(HistoryEntry {
        id: row.text("id")?,
        at: row.time("at_ms")?,
        entity: row.optional_text("entity_id")?.map(EntityId),
        course: row.optional_text("course_id")?.map(EntityId),
        system: row.optional_name("system", System::parse)?,
        action: row.text("action")?,
        operation: row.optional_text("operation_id")?.map(OperationId),
        text: row.text("note")?,
        failure: row.failure()?,
    })
}
