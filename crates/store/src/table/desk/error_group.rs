//! Table `error_group`: failures by cause.

use model::{Class, Failure, System, Timestamp};

use crate::desk::ErrorGroup;
use crate::error::Result;
use crate::session::Session;
use crate::sql::statements;
use crate::value::{Row, Value, count};

macro_rules! columns {
    () => {
        "SELECT code, system, class, message, remedy, entries, first_ms, last_ms, muted_until_ms, resolved_ms, \
         noted_by, noted_why FROM error_group "
    };
}

statements! { "error_group";
    SEE = "INSERT INTO error_group (code, system, class, message, remedy, entries, first_ms, last_ms, muted_until_ms,
        resolved_ms, noted_by, noted_why) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL, NULL, '', '')
        ON CONFLICT (code, system) DO UPDATE SET class = excluded.class, message = excluded.message,
        remedy = excluded.remedy, entries = error_group.entries + excluded.entries, last_ms = excluded.last_ms,
        resolved_ms = CASE WHEN error_group.resolved_ms >= excluded.last_ms THEN error_group.resolved_ms END",
    NOTE = "UPDATE error_group SET muted_until_ms = $3, resolved_ms = $4, noted_by = $5, noted_why = $6
        WHERE code = $1 AND system = $2",
    LIST = concat!(columns!(), "ORDER BY last_ms DESC, code LIMIT $1"),
    ONE = concat!(columns!(), "WHERE code = $1 AND system = $2"),
}

/// What somebody said about a group.
pub(crate) struct Note<'a> {
    pub(crate) muted_until: Option<Timestamp>,
    pub(crate) resolved_at: Option<Timestamp>,
    pub(crate) who: &'a str,
    pub(crate) why: &'a str,
}

/// A stretch of failures of one cause.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) newest: Failure,
    pub(crate) entries: i64,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
}

pub(crate) async fn see(session: &mut Session, system: &str, seen: &Seen) -> Result<()> {
    let values = [
        Value::from(&seen.newest.code),
        Value::from(system),
        Value::from(seen.newest.class.as_str()),
        Value::from(&seen.newest.message),
        Value::from(&seen.newest.remedy),
        Value::from(seen.entries),
        Value::from(seen.first),
        Value::from(seen.last),
    ];
    session.guarded(&SEE, &values).await
}

pub(crate) async fn note(
    session: &mut Session,
    (code, system): (&str, &str),
    note: &Note<'_>,
) -> Result<()> {
    let values = [
        Value::from(code),
        Value::from(system),
        Value::from(note.muted_until),
        Value::from(note.resolved_at),
        Value::from(note.who),
        Value::from(note.why),
    ];
    session.guarded(&NOTE, &values).await
}

/// The groups, last seen first.
pub(crate) async fn list(session: &mut Session, limit: usize) -> Result<Vec<ErrorGroup>> {
    let rows = session.query(&LIST, &[count(limit)]).await?;
    rows.into_iter().map(read).collect()
}

pub(crate) async fn one(
    session: &mut Session,
    code: &str,
    system: &str,
) -> Result<Option<ErrorGroup>> {
    let values = [Value::from(code), Value::from(system)];
    session.first(&ONE, &values).await?.map(read).transpose()
}

fn read(mut row: Row) -> Result<ErrorGroup> {
    Ok(ErrorGroup {
        code: row.text("code")?,
        system: System::parse(&row.text("system")?),
        class: row.name("class", Class::parse)?,
        message: row.text("message")?,
        remedy: row.text("remedy")?,
        entries: row.number("entries")?,
        first_at: row.time("first_ms")?,
        last_at: row.time("last_ms")?,
        muted_until: row.optional_time("muted_until_ms")?,
        resolved_at: row.optional_time("resolved_ms")?,
        noted_by: row.text("noted_by")?,
        noted_why: row.text("noted_why")?,
    })
}
