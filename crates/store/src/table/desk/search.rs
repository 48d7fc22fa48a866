//! Searches over the journal, the queue and conflicts: by key, never by offset, each along an index.

use model::{Conflict, IdSource, System, Timestamp};

use crate::desk::{HistorySearch, OperationSearch};
use crate::error::Result;
use crate::operation::{Operation, OperationState, Priority};
use crate::record::HistoryEntry;
use crate::session::Session;
use crate::sql::statements;
use crate::table::{conflict, history, operation, operation_history};
use crate::value::{Value, count};

macro_rules! journal {
    ($shape:literal) => {
        concat!(
            "SELECT id, at_ms, entity_id, course_id, system, action, operation_id, note, failure FROM history \
             WHERE id < $1 AND id >= $2 AND (CAST($4 AS TEXT) IS NULL OR system = $4) \
             AND (CAST($5 AS TEXT) IS NULL OR action = $5) ",
            $shape,
            " ORDER BY id DESC LIMIT $3"
        )
    };
}

macro_rules! queue {
    ($columns:expr, $table:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM ",
            $table,
            " WHERE (CAST($2 AS TEXT) IS NULL OR course_id = $2) AND (CAST($3 AS TEXT) IS NULL OR entity_id = $3) \
             AND (CAST($4 AS BIGINT) IS NULL OR priority = $4) AND (CAST($5 AS TEXT) IS NULL OR failure LIKE $5) \
             AND id < $6 "
        )
    };
}

statements! { "search";
    ALL_HISTORY = journal!(""),
    OF_ACTION = journal!("AND action = $5"),
    OF_COURSE = journal!("AND course_id = $6"),
    OF_COURSE_ACTION = journal!("AND course_id = $6 AND action = $5"),
    OF_ENTITY = journal!("AND entity_id = $6"),
    OF_THREAD = journal!("AND entity_id IN (SELECT e.id FROM entity e WHERE e.container_id = $6 UNION ALL
        SELECT t.id FROM entity t WHERE t.id = $6)"),
    FAILED = journal!("AND failure IS NOT NULL"),
    FAILED_OF_COURSE = journal!("AND failure IS NOT NULL AND course_id = $6"),
    UNENDED = concat!(queue!(operation::columns!(), "operation"),
        "AND (CAST($1 AS TEXT) IS NULL OR state = $1) ORDER BY id DESC LIMIT $7"),
    ENDED = concat!(queue!(operation_history::columns!(), "operation_history"),
        "AND state = $1 ORDER BY id DESC LIMIT $7"),
    // In the words of the index that leaves out the many completed ones.
    ENDED_BADLY = concat!(queue!(operation_history::columns!(), "operation_history"),
        "AND state <> 'completed' AND state = $1 ORDER BY id DESC LIMIT $7"),
    CONFLICTS_OF_COURSE = "SELECT c.id, c.entity_id, c.state, c.strategy, c.decided_by, c.base, c.sides, c.result,
        c.fields, c.opened_ms, c.resolved_ms FROM conflict c JOIN entity e ON e.id = c.entity_id
        WHERE c.state = $1 AND e.course_id = $2 AND c.id < $3 ORDER BY c.id DESC LIMIT $4",
}

/// Greater than every id.
const LAST_ID: &str = "~";

/// A page of the journal, newest first.
pub(crate) async fn history(
    session: &mut Session,
    search: &HistorySearch,
) -> Result<Vec<HistoryEntry>> {
    // Ids begin with their time, so that a time is a place in their order.
    let bound = |time: Option<Timestamp>| time.map(|time| IdSource::text(time, 0));
    let until = bound(search.until).unwrap_or_else(|| LAST_ID.to_owned());
    let before = match &search.before {
        Some(before) if *before < until => before.clone(),
        _ => until,
    };
    let from = bound(search.from).unwrap_or_default();
    let mut values = vec![
        Value::from(&before),
        Value::from(&from),
        count(search.limit),
        Value::from(search.system.map(System::as_str)),
        Value::from(search.action.as_ref()),
    ];
    let sql = if let Some(entity) = &search.entity {
        values.push(Value::from(entity));
        &OF_ENTITY
    } else if let Some(thread) = &search.thread {
        values.push(Value::from(thread));
        &OF_THREAD
    } else if let Some(course) = &search.course {
        values.push(Value::from(course));
        match (&search.action, search.is_failed) {
            (_, true) => &FAILED_OF_COURSE,
            (Some(_), false) => &OF_COURSE_ACTION,
            (None, false) => &OF_COURSE,
        }
    } else {
        match (&search.action, search.is_failed) {
            (_, true) => &FAILED,
            (Some(_), false) => &OF_ACTION,
            (None, false) => &ALL_HISTORY,
        }
    };
    let rows = session.query(sql, &values).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let entry = history::read(row)?;
        if entry.failure.is_some() || !search.is_failed {
            found.push(entry);
        }
    }
    Ok(found)
}

/// A page of operations, newest first.
pub(crate) async fn operations(
    session: &mut Session,
    search: &OperationSearch,
) -> Result<Vec<Operation>> {
    let mut found = Vec::new();
    let is_hot = |state| match state {
        OperationState::Pending | OperationState::InProgress | OperationState::Held => true,
        OperationState::Completed | OperationState::Failed | OperationState::Cancelled => false,
    };
    if search.state.is_none_or(is_hot) {
        let rows = session
            .query(&UNENDED, &values(search, search.state))
            .await?;
        for row in rows {
            found.push(operation::read(row)?.operation);
        }
    }
    if search.state.is_none_or(|state| !is_hot(state)) {
        let state = search.state.unwrap_or(OperationState::Failed);
        let sql = if state == OperationState::Completed {
            &ENDED
        } else {
            &ENDED_BADLY
        };
        let rows = session.query(sql, &values(search, Some(state))).await?;
        for row in rows {
            found.push(operation_history::read(row)?);
        }
    }
    found.sort_by(|a, b| b.id.cmp(&a.id));
    found.dedup_by(|a, b| a.id == b.id);
    found.truncate(search.limit);
    Ok(found)
}

fn values(search: &OperationSearch, state: Option<OperationState>) -> Vec<Value> {
    // A failure is stored as JSON with its code first; a code has no character that LIKE knows.
    let code = search.code.as_ref().map(|code| {
        let code: String = code
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .collect();
        format!("%\"code\":\"{code}\"%")
    });
    vec![
        Value::from(state.map(OperationState::as_str)),
        Value::from(search.course.as_ref()),
        Value::from(search.entity.as_ref()),
        Value::from(search.priority.map(Priority::level)),
        Value::from(code.as_ref()),
        Value::from(search.before.as_deref().unwrap_or(LAST_ID)),
        count(search.limit),
    ]
}

/// A page of a course's conflicts, newest first.
pub(crate) async fn conflicts(
    session: &mut Session,
    (state, course): (&str, &str),
    before: Option<&str>,
    limit: usize,
) -> Result<Vec<Conflict>> {
    let values = [
        Value::from(state),
        Value::from(course),
        Value::from(before.unwrap_or(LAST_ID)),
        count(limit),
    ];
    let rows = session.query(&CONFLICTS_OF_COURSE, &values).await?;
    rows.into_iter().map(conflict::read).collect()
}
