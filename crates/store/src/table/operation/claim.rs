//! Who may run what. Claims read operations that have their key's turn, best first, and nothing else.
//!
//! The declared splits are here. On PostgreSQL workers pass by each other's rows (`SKIP LOCKED`), and every statement
//! repeats what it expects. On SQLite there is one writer at a time.

use std::collections::BTreeSet;

use model::Timestamp;

use super::{Stored, columns, read, turn};
use crate::error::Result;
use crate::operation::{Operation, OperationState};
use crate::session::Session;
use crate::sql::{Sql, statements};
use crate::table::{lease, worker};
use crate::value::{Value, count};

/// Not stopped by anybody. A scope that an operation does not have is null and matches nothing. While nothing rests,
/// which is looked at once, the scopes of each operation are not looked up.
macro_rules! not_paused {
    () => {
        "(NOT EXISTS (SELECT 1 FROM pause) OR NOT EXISTS (SELECT 1 FROM pause p WHERE p.scope = 'all' \
         OR p.scope = 'course:' || o.course_id OR p.scope = 'system:' || o.system OR p.scope = 'kind:' || o.kind))"
    };
}

/// Nothing of the same subject runs.
macro_rules! not_running {
    () => {
        "NOT EXISTS (SELECT 1 FROM operation r WHERE r.subject = o.subject AND r.state = 'in_progress')"
    };
}

// The guards after the list are worded so that no partial index can serve them: PostgreSQL, which believes these
// indexes to be short, would read one whole instead of looking up the rows of the list.
// An array is made once; PostgreSQL may run an `IN (SELECT … LIMIT … SKIP LOCKED)` again for each row, and so take more
// rows than the limit says.
macro_rules! promote {
    ($open:literal, $lock:literal) => {
        concat!(
            "UPDATE operation SET turn = 1 WHERE id ", $open, "(SELECT o.id FROM operation o WHERE o.state = 'pending' \
             AND o.turn = 0 AND o.blocked_on IS NULL AND o.not_before_ms <= $1 ORDER BY o.not_before_ms LIMIT 1000",
            $lock,
            ") AND state || '' = 'pending' AND turn + 0 = 0 RETURNING batch_key"
        )
    };
}

macro_rules! run {
    () => {
        "UPDATE operation SET state = 'in_progress', lease_owner = $1, started_ms = $2, updated_ms = $2, \
         attempt_count = attempt_count + 1, run_count = run_count + 1"
    };
}

macro_rules! take {
    ($guard:expr; $id:literal, $open:literal, $lock:literal) => {
        concat!(
            run!(),
            " WHERE ",
            $open,
            "(SELECT o.",
            $id,
            " FROM operation o WHERE o.state = 'pending' AND o.turn = 2 AND ",
            $guard,
            not_paused!(),
            " ORDER BY o.rank_ms, o.id LIMIT $3",
            $lock,
            ") AND state || '' = 'pending' AND turn + 0 = 2 RETURNING ",
            columns!()
        )
    };
}

macro_rules! join {
    ($open:literal, $lock:literal) => {
        concat!(
            run!(),
            ", turn = 0 WHERE id ",
            $open,
            "(SELECT o.id FROM operation o WHERE o.batch_key = $4 AND o.turn = 1 AND ",
            not_running!(),
            " AND ",
            not_paused!(),
            " ORDER BY o.rank_ms, o.id LIMIT $3",
            $lock,
            ") AND state || '' = 'pending' AND turn + 0 = 1 RETURNING ",
            columns!()
        )
    };
}

statements! { "operation";
    IS_ANY_READY = "SELECT id FROM operation WHERE state = 'pending' AND turn = 2 LIMIT 1",
    IS_ANY_DUE = "SELECT id FROM operation WHERE state = 'pending' AND turn = 0 AND blocked_on IS NULL
        AND not_before_ms <= $1 LIMIT 1",
    PROMOTE = promote!("IN ", ""); postgres promote!("= ANY(ARRAY", " FOR NO KEY UPDATE OF o SKIP LOCKED)"),
    TAKE = take!(""; "rowid", "rowid IN ", "");
        postgres take!(""; "ctid", "ctid = ANY(ARRAY", " FOR NO KEY UPDATE OF o SKIP LOCKED)"),
    TAKE_GUARDED = take!(concat!(not_running!(), " AND "); "rowid", "rowid IN ", "");
        postgres take!(concat!(not_running!(), " AND "); "ctid", "ctid = ANY(ARRAY",
            " FOR NO KEY UPDATE OF o SKIP LOCKED)"),
    JOIN = join!("IN ", ""); postgres join!("= ANY(ARRAY", " FOR NO KEY UPDATE OF o SKIP LOCKED)"),
    RUNNING_COUNT = "SELECT count(*) FROM operation WHERE lease_owner = $1 AND state = 'in_progress'",
    NEXT_READY = concat!("SELECT o.not_before_ms FROM operation o WHERE o.state = 'pending' AND o.turn = 2 AND ",
        not_paused!(), " ORDER BY o.rank_ms, o.id LIMIT 1"),
    NEXT_IN_TURN = concat!("SELECT o.not_before_ms FROM operation o WHERE o.turn = 1 AND ",
        not_paused!(), " LIMIT 1"),
    NEXT_WAITING = concat!("SELECT o.not_before_ms FROM operation o WHERE o.state = 'pending' AND o.turn = 0
        AND o.blocked_on IS NULL AND ", not_paused!(), " ORDER BY o.not_before_ms LIMIT 1"),
}

/// What a claim may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) owner: String,
    pub(crate) now: Timestamp,
    pub(crate) until: Timestamp,
    /// How many batch keys.
    pub(crate) keys: usize,
    /// How many operations of each.
    pub(crate) per_key: usize,
    /// Whether two keys may have one subject: then each is looked at for it.
    pub(crate) is_guarded: bool,
}

/// Whether a claim is worth a transaction.
pub(crate) async fn is_any_due(session: &mut Session, now: Timestamp) -> Result<bool> {
    if session.first(&IS_ANY_READY, &[]).await?.is_some() {
        return Ok(true);
    }
    let row = session.first(&IS_ANY_DUE, &[Value::from(now)]).await?;
    Ok(row.is_some())
}

/// Takes the best operations whose turn it is, and what else is due of their keys: best first, each key's together.
pub(crate) async fn claim(session: &mut Session, wanted: &Wanted) -> Result<Vec<Operation>> {
    worker::keep(session, &wanted.owner, wanted.until).await?;
    promote(session, wanted.now).await?;
    let take = if wanted.is_guarded {
        &TAKE_GUARDED
    } else {
        &TAKE
    };
    let mut heads = run(session, take, wanted, wanted.keys, None).await?;
    heads.sort_by(order);
    if wanted.per_key <= 1 {
        return Ok(heads.into_iter().map(|one| one.operation).collect());
    }
    let mut taken = Vec::new();
    for head in heads {
        let key = Some(head.operation.batch_key.clone());
        let mut others = run(session, &JOIN, wanted, wanted.per_key - 1, key).await?;
        others.sort_by(order);
        taken.push(head.operation);
        taken.extend(others.into_iter().map(|one| one.operation));
    }
    Ok(taken)
}

fn order(a: &Stored, b: &Stored) -> std::cmp::Ordering {
    (a.rank_ms, &a.operation.id).cmp(&(b.rank_ms, &b.operation.id))
}

async fn run(
    session: &mut Session,
    sql: &'static Sql,
    wanted: &Wanted,
    limit: usize,
    key: Option<String>,
) -> Result<Vec<Stored>> {
    let mut values = vec![
        Value::from(&wanted.owner),
        Value::from(wanted.now),
        count(limit),
    ];
    values.extend(key.as_ref().map(Value::from));
    let rows = session.query(sql, &values).await?;
    let mut taken = rows.into_iter().map(read).collect::<Result<Vec<_>>>()?;
    for one in &mut taken {
        one.operation.lease_until = Some(wanted.until);
        session.count(OperationState::Pending, one.operation.priority, -1);
        session.count(OperationState::InProgress, one.operation.priority, 1);
    }
    Ok(taken)
}

/// Lets what has become due stand in line.
async fn promote(session: &mut Session, now: Timestamp) -> Result<()> {
    let now = [Value::from(now)];
    if session.first(&IS_ANY_DUE, &now).await?.is_none() {
        return Ok(());
    }
    let mut keys = BTreeSet::new();
    for mut row in session.query(&PROMOTE, &now).await? {
        keys.insert(row.text("batch_key")?);
    }
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    turn::settle(session, &keys).await
}

/// Says that an owner lives; returns how many operations it runs.
pub(crate) async fn heartbeat(session: &mut Session, owner: &str, until: Timestamp) -> Result<u64> {
    worker::beat(session, owner, until).await?;
    lease::extend_all(session, owner, until).await?;
    match session.first(&RUNNING_COUNT, &[Value::from(owner)]).await? {
        Some(mut row) => row.number("count"),
        None => Ok(0),
    }
}

/// When the next operation that nothing else stops is due; `now` when one is due already.
pub(crate) async fn ready_at(session: &mut Session, now: Timestamp) -> Result<Option<Timestamp>> {
    for sql in [&NEXT_READY, &NEXT_IN_TURN] {
        if session.first(sql, &[]).await?.is_some() {
            return Ok(Some(now));
        }
    }
    match session.first(&NEXT_WAITING, &[]).await? {
        Some(mut row) => row.time("not_before_ms").map(|at| Some(at.max(now))),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests;
