//! Table `worker`: until when an owner's runs are its own. One row for each owner, whatever it runs.

use model::Timestamp;

use crate::error::Result;
use crate::session::Session;
use crate::sql::statements;
use crate::value::Value;

statements! { "worker";
    KEEP = "INSERT INTO worker (owner, until_ms, idle) VALUES ($1, $2, 0) ON CONFLICT (owner) DO UPDATE SET
        until_ms = CASE WHEN worker.until_ms < excluded.until_ms THEN excluded.until_ms ELSE worker.until_ms END,
        idle = 0",
    BEAT = "INSERT INTO worker (owner, until_ms, idle) VALUES ($1, $2, 0) ON CONFLICT (owner) DO UPDATE SET
        until_ms = excluded.until_ms",
    DOZE = "INSERT INTO worker (owner, until_ms, idle) VALUES ($1, $2, 1) ON CONFLICT (owner) DO UPDATE SET
        idle = 1 WHERE worker.idle = 0",
    EXPIRED = "SELECT owner FROM worker WHERE until_ms <= $1 ORDER BY until_ms, owner LIMIT 1",
    LOCK_EXPIRED = "UPDATE worker SET idle = 0 WHERE owner = $1 AND until_ms <= $2",
    DELETE = "DELETE FROM worker WHERE owner = $1",
    OWNERS = "SELECT owner FROM worker ORDER BY owner",
    NEXT_EXPIRY = "SELECT w.until_ms FROM worker w WHERE EXISTS (SELECT 1 FROM operation o
        WHERE o.lease_owner = w.owner AND o.state = 'in_progress') ORDER BY w.until_ms LIMIT 1",
}

/// Makes sure that an owner's runs are its own at least until a time.
pub(crate) async fn keep(session: &mut Session, owner: &str, until: Timestamp) -> Result<()> {
    let values = [Value::from(owner), Value::from(until)];
    session.guarded(&KEEP, &values).await
}

/// Sets the time until which an owner's runs are its own.
pub(crate) async fn beat(session: &mut Session, owner: &str, until: Timestamp) -> Result<()> {
    let values = [Value::from(owner), Value::from(until)];
    session.guarded(&BEAT, &values).await
}

/// Notes that an owner waits to be woken.
pub(crate) async fn doze(session: &mut Session, owner: &str, until: Timestamp) -> Result<()> {
    let values = [Value::from(owner), Value::from(until)];
    session.execute(&DOZE, &values).await.map(|_| ())
}

/// An owner whose time has run out.
pub(crate) async fn expired(session: &mut Session, now: Timestamp) -> Result<Option<String>> {
    match session.first(&EXPIRED, &[Value::from(now)]).await? {
        Some(mut row) => row.text("owner").map(Some),
        None => Ok(None),
    }
}

/// Locks an owner whose time has run out; `false` when it is alive again.
pub(crate) async fn lock_expired(
    session: &mut Session,
    owner: &str,
    now: Timestamp,
) -> Result<bool> {
    let values = [Value::from(owner), Value::from(now)];
    Ok(session.execute(&LOCK_EXPIRED, &values).await? > 0)
}

/// Forgets an owner.
pub(crate) async fn forget(session: &mut Session, owner: &str) -> Result<()> {
    let values = [Value::from(owner)];
    session.execute(&DELETE, &values).await.map(|_| ())
}

/// All owners.
pub(crate) async fn owners(session: &mut Session) -> Result<Vec<String>> {
    let rows = session.query(&OWNERS, &[]).await?;
    rows.into_iter().map(|mut row| row.text("owner")).collect()
}

/// When the first owner that runs something runs out of time.
pub(crate) async fn next_expiry(session: &mut Session) -> Result<Option<Timestamp>> {
    match session.first(&NEXT_EXPIRY, &[]).await? {
        Some(mut row) => row.time("until_ms").map(Some),
        None => Ok(None),
    }
}
