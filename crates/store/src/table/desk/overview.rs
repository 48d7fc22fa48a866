//! Counts and samples for the overview pages. Each reads the queue, an index, or a bounded sample; none counts the
//! journal.

use model::{EntityId, Kind, Status, System, Timestamp};

use crate::desk::{CourseCount, Run, Waiting};
use crate::error::Result;
use crate::session::Session;
use crate::sql::statements;
use crate::value::{Value, count};

statements! { "overview";
    COURSES = "SELECT course_id, kind, status, count(*) FROM entity GROUP BY course_id, kind, status
        ORDER BY course_id, kind, status",
    WAITING = "SELECT course_id, system, count(*), min(created_ms) FROM operation GROUP BY course_id, system",
    RUNS = "SELECT ended_ms, ended_ms - started_ms FROM attempt
        ORDER BY operation_id DESC, number DESC LIMIT $1",
    DELAYS = "SELECT ended_ms, ended_ms - created_ms FROM operation_history ORDER BY id DESC LIMIT $1",
    LAST_EVENT = "SELECT received_ms FROM webhook_event WHERE system = $1 ORDER BY received_ms DESC LIMIT 1",
    CURSORS = "SELECT name, updated_ms FROM cursor ORDER BY name LIMIT 1000",
    LAST_HISTORY = "SELECT id, at_ms FROM history ORDER BY id DESC LIMIT 1",
    LAST_CHANGE = "SELECT id, at_ms FROM history WHERE course_id = $1 AND action = $2 ORDER BY id DESC LIMIT 1",
    OPEN_CONFLICTS = "SELECT e.course_id, count(*) FROM conflict c JOIN entity e ON e.id = c.entity_id
        WHERE c.state = 'open' GROUP BY e.course_id ORDER BY e.course_id",
    SIZE = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
        postgres "SELECT CAST(pg_database_size(current_database()) AS BIGINT)",
}

pub(crate) async fn courses(session: &mut Session) -> Result<Vec<CourseCount>> {
    let rows = session.query(&COURSES, &[]).await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(CourseCount {
                course: EntityId(row.text("course_id")?),
                kind: row.name("kind", Kind::parse)?,
                status: row.name("status", Status::parse)?,
                count: row.number("count")?,
            })
        })
        .collect()
}

pub(crate) async fn waiting(session: &mut Session) -> Result<Vec<Waiting>> {
    let rows = session.query(&WAITING, &[]).await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(Waiting {
                course: row.optional_text("course_id")?.map(EntityId),
                system: row.optional_name("system", System::parse)?,
                count: row.number("count")?,
                oldest: row.time("oldest")?,
            })
        })
        .collect()
}

/// The runs of the newest operations with how long each took; ids sort by time, so no million is sorted for it.
pub(crate) async fn runs(session: &mut Session, limit: usize) -> Result<Vec<Run>> {
    sample(session, &RUNS, limit).await
}

/// The newest operations that have ended with how long each took from queueing to its end.
pub(crate) async fn delays(session: &mut Session, limit: usize) -> Result<Vec<Run>> {
    sample(session, &DELAYS, limit).await
}

async fn sample(
    session: &mut Session,
    sql: &'static crate::sql::Sql,
    limit: usize,
) -> Result<Vec<Run>> {
    let rows = session.query(sql, &[count(limit)]).await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(Run {
                ended_at: row.time("ended_ms")?,
                took_ms: row.integer("took_ms")?,
            })
        })
        .collect()
}

pub(crate) async fn last_event(session: &mut Session, system: System) -> Result<Option<Timestamp>> {
    let values = [Value::from(system.as_str())];
    let row = session.first(&LAST_EVENT, &values).await?;
    row.map(|mut row| row.time("received_ms")).transpose()
}

pub(crate) async fn cursors(session: &mut Session) -> Result<Vec<(String, Timestamp)>> {
    let rows = session.query(&CURSORS, &[]).await?;
    rows.into_iter()
        .map(|mut row| Ok((row.text("name")?, row.time("updated_ms")?)))
        .collect()
}

/// The newest journal entry.
pub(crate) async fn last_history(session: &mut Session) -> Result<Option<(String, Timestamp)>> {
    let row = session.first(&LAST_HISTORY, &[]).await?;
    row.map(|mut row| Ok((row.text("id")?, row.time("at_ms")?)))
        .transpose()
}

/// When an action last happened in a course.
pub(crate) async fn last_change(
    session: &mut Session,
    course: &EntityId,
    action: &str,
) -> Result<Option<Timestamp>> {
    let values = [Value::from(course), Value::from(action)];
    let row = session.first(&LAST_CHANGE, &values).await?;
    row.map(|mut row| {
        row.text("id")?;
        row.time("at_ms")
    })
    .transpose()
}

pub(crate) async fn open_conflicts(session: &mut Session) -> Result<Vec<(EntityId, u64)>> {
    let rows = session.query(&OPEN_CONFLICTS, &[]).await?;
    rows.into_iter()
        .map(|mut row| Ok((EntityId(row.text("course_id")?), row.number("count")?)))
        .collect()
}

/// The size of the database in bytes.
pub(crate) async fn size(session: &mut Session) -> Result<u64> {
    match session.first(&SIZE, &[]).await? {
        Some(mut row) => row.number("size"),
        None => Ok(0),
    }
}
