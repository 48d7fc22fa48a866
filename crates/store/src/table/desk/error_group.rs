//! Table `error_group`: failures by cause.

use model::{Cause, Class, Failure, Kind, System, Timestamp, Told};

use crate::desk::ErrorGroup;
use crate::error::Result;
use crate::session::Session;
use crate::sql::statements;
use crate::value::{Row, Value, count};

macro_rules! columns {
    () => {
        "SELECT code, system, kind, class, message, remedy, entries, first_ms, last_ms, muted_until_ms, resolved_ms, \
         noted_by, noted_why, counted_from, episode, told_ms, told_entries FROM error_group "
    };
}

statements! { "error_group";
    SEE = "INSERT INTO error_group (code, system, kind, class, message, remedy, entries, first_ms, last_ms,
        muted_until_ms, resolved_ms, noted_by, noted_why, counted_from, episode, told_ms, told_entries)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, NULL, '', '', 0, NULL, NULL, 0)
        ON CONFLICT (code, system, kind) DO UPDATE SET class = excluded.class, message = excluded.message,
        remedy = excluded.remedy, entries = error_group.entries + excluded.entries, last_ms = excluded.last_ms,
        resolved_ms = CASE WHEN error_group.resolved_ms >= excluded.last_ms THEN error_group.resolved_ms END",
    NOTE = "UPDATE error_group SET muted_until_ms = $4, resolved_ms = $5, noted_by = $6, noted_why = $7
        WHERE code = $1 AND system = $2 AND kind = $3",
    TELL = "UPDATE error_group SET counted_from = $4, episode = $5, told_ms = $6, told_entries = $7
        WHERE code = $1 AND system = $2 AND kind = $3",
    RESOLVE_QUIET = "UPDATE error_group SET resolved_ms = $4, noted_by = 'by itself', noted_why = $5
        WHERE code = $1 AND system = $2 AND kind = $3 AND last_ms = $4 AND resolved_ms IS NULL",
    LIST = concat!(columns!(), "ORDER BY last_ms DESC, code, system, kind LIMIT $1"),
    ONE = concat!(columns!(), "WHERE code = $1 AND system = $2 AND kind = $3"),
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

fn key(cause: &Cause) -> [Value; 3] {
    [
        Value::from(&cause.code),
        Value::from(cause.system_name()),
        Value::from(cause.kind_name()),
    ]
}

fn with(cause: &Cause, more: impl IntoIterator<Item = Value>) -> Vec<Value> {
    key(cause).into_iter().chain(more).collect()
}

pub(crate) async fn see(session: &mut Session, cause: &Cause, seen: &Seen) -> Result<()> {
    let values = [
        Value::from(seen.newest.class.as_str()),
        Value::from(&seen.newest.message),
        Value::from(&seen.newest.remedy),
        Value::from(seen.entries),
        Value::from(seen.first),
        Value::from(seen.last),
    ];
    session.guarded(&SEE, &with(cause, values)).await
}

pub(crate) async fn note(session: &mut Session, cause: &Cause, note: &Note<'_>) -> Result<()> {
    let values = [
        Value::from(note.muted_until),
        Value::from(note.resolved_at),
        Value::from(note.who),
        Value::from(note.why),
    ];
    session.guarded(&NOTE, &with(cause, values)).await
}

pub(crate) async fn tell(session: &mut Session, cause: &Cause, told: &Told) -> Result<()> {
    let values = [
        number(told.counted_from),
        Value::from(told.episode.as_ref()),
        Value::from(told.at),
        number(told.count),
    ];
    session.guarded(&TELL, &with(cause, values)).await
}

fn number(count: u64) -> Value {
    Value::from(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Says that a group is over, unless it was seen again.
pub(crate) async fn resolve_quiet(
    session: &mut Session,
    cause: &Cause,
    last: Timestamp,
    why: &str,
) -> Result<()> {
    let values = [Value::from(last), Value::from(why)];
    session.guarded(&RESOLVE_QUIET, &with(cause, values)).await
}

/// The groups, last seen first.
pub(crate) async fn list(session: &mut Session, limit: usize) -> Result<Vec<ErrorGroup>> {
    let rows = session.query(&LIST, &[count(limit)]).await?;
    rows.into_iter().map(read).collect()
}

pub(crate) async fn one(session: &mut Session, cause: &Cause) -> Result<Option<ErrorGroup>> {
    session
        .first(&ONE, &key(cause))
        .await?
        .map(read)
        .transpose()
}

fn read(mut row: Row) -> Result<ErrorGroup> {
    Ok(ErrorGroup {
        cause: Cause {
            code: row.text("code")?,
            system: System::parse(&row.text("system")?),
            kind: Kind::parse(&row.text("kind")?),
        },
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
        told: Told {
            counted_from: row.number("counted_from")?,
            episode: row.optional_text("episode")?,
            at: row.optional_time("told_ms")?,
            count: row.number("told_entries")?,
        },
    })
}
