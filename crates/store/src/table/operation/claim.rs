//! Who may run what: claims and heartbeats.
//!
//! The declared splits are here. On PostgreSQL workers pass by each other's rows (`SKIP LOCKED`); a batch key's lease
//! makes sure that two of them never hold the same key. On SQLite there is one writer at a time.

use model::Timestamp;

use super::{columns, read};
use crate::error::Result;
use crate::operation::Operation;
use crate::session::Session;
use crate::sql::statements;
use crate::table::lease;
use crate::value::{Value, count};

/// Not stopped by anybody. A scope that an operation does not have is null and matches nothing.
macro_rules! not_paused {
    () => {
        "NOT EXISTS (SELECT 1 FROM pause p WHERE p.scope = 'all' OR p.scope = 'course:' || o.course_id \
         OR p.scope = 'system:' || o.system OR p.scope = 'kind:' || o.kind)"
    };
}

/// Ready, and nothing of the same subject runs.
macro_rules! claimable {
    () => {
        concat!(
            "o.state = 'pending' AND o.ready = 1 AND NOT EXISTS (SELECT 1 FROM operation r \
             WHERE r.subject = o.subject AND r.state = 'in_progress') AND ",
            not_paused!()
        )
    };
}

macro_rules! promote {
    ($lock:literal) => {
        concat!(
            "UPDATE operation SET ready = 1 WHERE id IN (SELECT o.id FROM operation o WHERE o.state = 'pending' \
             AND o.ready = 0 AND o.blocked_on IS NULL AND o.not_before_ms <= $1 ORDER BY o.not_before_ms LIMIT 1000",
            $lock,
            ") AND state = 'pending' AND ready = 0"
        )
    };
}

macro_rules! best {
    ($lock:literal) => {
        concat!(
            "SELECT o.batch_key FROM operation o WHERE ",
            claimable!(),
            " AND NOT EXISTS (SELECT 1 FROM lease l WHERE l.name = o.batch_key AND l.until_ms > $1) \
             ORDER BY o.rank_ms, o.id LIMIT 1",
            $lock
        )
    };
}

macro_rules! take {
    ($lock:literal) => {
        concat!(
            "UPDATE operation SET state = 'in_progress', ready = 0, lease_owner = $2, lease_until_ms = $4, \
             started_ms = $3, updated_ms = $3, attempt_count = attempt_count + 1, run_count = run_count + 1 \
             WHERE id IN (SELECT o.id FROM operation o WHERE o.batch_key = $1 AND ",
            claimable!(),
            " ORDER BY o.rank_ms, o.id LIMIT $5",
            $lock,
            ") AND state = 'pending' RETURNING ",
            columns!()
        )
    };
}

statements! { "operation";
    IS_ANY_DUE = "SELECT id FROM operation WHERE state = 'pending' AND ready = 1 LIMIT 1",
    IS_ANY_TO_PROMOTE = "SELECT id FROM operation WHERE state = 'pending' AND ready = 0 AND blocked_on IS NULL
        AND not_before_ms <= $1 LIMIT 1",
    PROMOTE = promote!(""); postgres promote!(" FOR UPDATE OF o SKIP LOCKED"),
    BEST = best!(""); postgres best!(" FOR UPDATE OF o SKIP LOCKED"),
    TAKE = take!(""); postgres take!(" FOR UPDATE OF o SKIP LOCKED"),
    EXTEND = "UPDATE operation SET lease_until_ms = $2 WHERE lease_owner = $1 AND state = 'in_progress'",
    NEXT_READY = concat!("SELECT o.not_before_ms FROM operation o WHERE o.state = 'pending' AND o.ready = 1 AND ",
        not_paused!(), " ORDER BY o.rank_ms, o.id LIMIT 1"),
    NEXT_WAITING = concat!("SELECT o.not_before_ms FROM operation o WHERE o.state = 'pending' AND o.ready = 0
        AND o.blocked_on IS NULL AND ", not_paused!(), " ORDER BY o.not_before_ms LIMIT 1"),
    NEXT_EXPIRY = "SELECT lease_until_ms FROM operation WHERE state = 'in_progress' ORDER BY lease_until_ms LIMIT 1",
}

/// What one try to claim found.
pub(crate) enum Claim {
    /// Operations of one batch key, best first; they are the owner's now.
    Taken(Vec<Operation>),
    /// Nothing can be claimed.
    Nothing,
    /// Another worker was faster with the best key: try again in a new transaction.
    Lost,
}

/// Whether a claim is worth a transaction.
pub(crate) async fn is_any_due(session: &mut Session, now: Timestamp) -> Result<bool> {
    if session.first(&IS_ANY_DUE, &[]).await?.is_some() {
        return Ok(true);
    }
    let row = session
        .first(&IS_ANY_TO_PROMOTE, &[Value::from(now)])
        .await?;
    Ok(row.is_some())
}

/// Takes the best ready operation and up to `max` of its batch key, in a transaction of its own.
pub(crate) async fn claim(
    session: &mut Session,
    owner: &str,
    (now, until): (Timestamp, Timestamp),
    max: usize,
) -> Result<Claim> {
    session.execute(&PROMOTE, &[Value::from(now)]).await?;
    let Some(mut best) = session.first(&BEST, &[Value::from(now)]).await? else {
        return Ok(Claim::Nothing);
    };
    let batch_key = best.text("batch_key")?;
    if !lease::take_free(session, &batch_key, owner, (now, until)).await? {
        return Ok(Claim::Lost);
    }
    let values = [
        Value::from(&batch_key),
        Value::from(owner),
        Value::from(now),
        Value::from(until),
        count(max),
    ];
    let rows = session.query(&TAKE, &values).await?;
    if rows.is_empty() {
        return Ok(Claim::Lost);
    }
    let mut taken = rows.into_iter().map(read).collect::<Result<Vec<_>>>()?;
    taken.sort_by(|a, b| {
        let key = a.rank_ms.cmp(&b.rank_ms);
        key.then_with(|| a.operation.id.cmp(&b.operation.id))
    });
    let taken = taken.into_iter().map(|stored| stored.operation).collect();
    Ok(Claim::Taken(taken))
}

/// Extends the leases of everything the owner runs; returns how many operations that are.
pub(crate) async fn heartbeat(session: &mut Session, owner: &str, until: Timestamp) -> Result<u64> {
    let values = [Value::from(owner), Value::from(until)];
    let running = session.execute(&EXTEND, &values).await?;
    lease::extend_all(session, owner, until).await?;
    Ok(running)
}

/// When the next operation that nothing else stops is due; `now` when one is due already.
pub(crate) async fn ready_at(session: &mut Session, now: Timestamp) -> Result<Option<Timestamp>> {
    if session.first(&NEXT_READY, &[]).await?.is_some() {
        return Ok(Some(now));
    }
    match session.first(&NEXT_WAITING, &[]).await? {
        Some(mut row) => row.time("not_before_ms").map(|at| Some(at.max(now))),
        None => Ok(None),
    }
}

/// When the first lease of a running operation ends.
pub(crate) async fn next_expiry(session: &mut Session) -> Result<Option<Timestamp>> {
    match session.first(&NEXT_EXPIRY, &[]).await? {
        Some(mut row) => row.time("lease_until_ms").map(Some),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests;
