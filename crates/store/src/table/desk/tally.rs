//! Table `tally`: how many journal entries each hour had, counted from the journal once.

use std::collections::BTreeMap;

use model::{Cause, EntityId, IdSource, Kind, System, Timestamp};

use super::error_group::{self, Seen};
use crate::desk::Tally;
use crate::error::Result;
use crate::session::Session;
use crate::sql::statements;
use crate::table::cursor;
use crate::value::{Row, Value, count};

/// The cursor up to which the journal is counted.
const CURSOR: &str = "tally";
/// One hour in milliseconds.
const HOUR_MS: i64 = 3_600_000;

statements! { "tally";
    NEXT = "SELECT h.id, h.at_ms, h.course_id, h.system, h.action, h.failure, e.kind FROM history h
        LEFT JOIN entity e ON e.id = h.entity_id WHERE h.id > $1 AND h.id < $2 ORDER BY h.id LIMIT $3",
    ADD = "INSERT INTO tally (hour_ms, course_id, name, entries) VALUES ($1, $2, $3, $4)
        ON CONFLICT (hour_ms, course_id, name) DO UPDATE SET entries = tally.entries + excluded.entries",
    RANGE = "SELECT hour_ms, name, CAST(sum(entries) AS BIGINT) FROM tally WHERE hour_ms >= $1 AND hour_ms < $2
        GROUP BY hour_ms, name ORDER BY hour_ms, name",
    RANGE_OF_COURSE = "SELECT hour_ms, name, CAST(sum(entries) AS BIGINT) FROM tally
        WHERE hour_ms >= $1 AND hour_ms < $2 AND course_id = $3 GROUP BY hour_ms, name ORDER BY hour_ms, name",
    PRUNE = "DELETE FROM tally WHERE hour_ms < $1",
}

#[derive(Default)]
struct Batch {
    counts: BTreeMap<(i64, String, String), i64>,
    failures: BTreeMap<Cause, Seen>,
    last: Option<String>,
    rows: usize,
}

impl Batch {
    fn take(&mut self, mut row: Row) -> Result<()> {
        let id = row.text("id")?;
        let at = row.time("at_ms")?;
        let course = row.optional_text("course_id")?.unwrap_or_default();
        let system = row.optional_name("system", System::parse)?;
        let action = row.text("action")?;
        let hour = at.0 - at.0.rem_euclid(HOUR_MS);
        if let Some(failure) = row.failure()? {
            let cause = Cause::of(&failure, system, row.optional_name("kind", Kind::parse)?);
            let name = tally_name(&cause);
            *self.counts.entry((hour, course.clone(), name)).or_default() += 1;
            let seen = self.failures.entry(cause).or_insert_with(|| Seen {
                newest: failure.clone(),
                entries: 0,
                first: at,
                last: at,
            });
            seen.entries += 1;
            seen.first = seen.first.min(at);
            seen.last = seen.last.max(at);
            seen.newest = failure;
        } else {
            *self.counts.entry((hour, course, action)).or_default() += 1;
        }
        self.last = Some(id);
        self.rows += 1;
        Ok(())
    }
}

/// How the hours of a cause are named.
pub(crate) fn tally_name(cause: &Cause) -> String {
    let (system, kind) = (cause.system_name(), cause.kind_name());
    format!("failure:{}:{system}:{kind}", cause.code)
}

/// Counts the journal's next entries that are older than `until`; returns how many there were.
pub(crate) async fn advance(
    session: &mut Session,
    until: Timestamp,
    now: Timestamp,
    limit: usize,
) -> Result<usize> {
    let from = cursor::get(session, CURSOR).await?.unwrap_or_default();
    let bound = IdSource::text(until, 0);
    let values = [Value::from(&from), Value::from(&bound), count(limit)];
    let mut batch = Batch::default();
    for row in session.query(&NEXT, &values).await? {
        batch.take(row)?;
    }
    let Some(last) = &batch.last else {
        return Ok(0);
    };
    for ((hour, course, name), entries) in &batch.counts {
        let values = [
            Value::from(*hour),
            Value::from(course),
            Value::from(name),
            Value::from(*entries),
        ];
        session.guarded(&ADD, &values).await?;
    }
    for (cause, seen) in &batch.failures {
        error_group::see(session, cause, seen).await?;
    }
    cursor::set(session, CURSOR, last, now).await?;
    Ok(batch.rows)
}

/// The hours of a stretch of time, of all courses or one.
pub(crate) async fn range(
    session: &mut Session,
    (from, until): (Timestamp, Timestamp),
    course: Option<&EntityId>,
) -> Result<Vec<Tally>> {
    let mut values = vec![Value::from(from), Value::from(until)];
    let rows = match course {
        Some(course) => {
            values.push(Value::from(course));
            session.query(&RANGE_OF_COURSE, &values).await?
        }
        None => session.query(&RANGE, &values).await?,
    };
    rows.into_iter()
        .map(|mut row| {
            Ok(Tally {
                hour: row.time("hour_ms")?,
                name: row.text("name")?,
                count: row.number("entries")?,
            })
        })
        .collect()
}

/// Removes the hours before a time.
pub(crate) async fn prune(session: &mut Session, before: Timestamp) -> Result<u64> {
    session.execute(&PRUNE, &[Value::from(before)]).await
}
