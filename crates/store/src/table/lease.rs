//! Table `lease`: time-limited rights, to a batch key or to a duty that only one process may do.

use model::Timestamp;

use crate::error::Result;
use crate::session::Session;
use crate::sql::statements;
use crate::value::Value;

statements! { "lease";
    TAKE = "INSERT INTO lease (name, owner, until_ms) VALUES ($1, $2, $4)
        ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms
        WHERE lease.until_ms <= $3 OR lease.owner = excluded.owner",
    TAKE_FREE = "INSERT INTO lease (name, owner, until_ms) VALUES ($1, $2, $4)
        ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms
        WHERE lease.until_ms <= $3",
    JOIN_OWN = "INSERT INTO lease (name, owner, until_ms) VALUES ($1, $2, $3)
        ON CONFLICT (name) DO UPDATE SET until_ms = excluded.until_ms WHERE lease.owner = excluded.owner",
    KEEP = "UPDATE lease SET until_ms = CASE WHEN until_ms < $3 THEN $3 ELSE until_ms END
        WHERE name = $1 AND owner = $2",
    EXTEND_ALL = "UPDATE lease SET until_ms = $2 WHERE owner = $1",
    RELEASE = "DELETE FROM lease WHERE name = $1 AND owner = $2",
    RELEASE_UNUSED = "DELETE FROM lease WHERE name = $1 AND owner = $2 AND NOT EXISTS (SELECT 1 FROM operation o
        WHERE o.batch_key = $1 AND o.state = 'in_progress' AND o.lease_owner = $2)",
    DELETE_EXPIRED = "DELETE FROM lease WHERE until_ms <= $1",
}

/// Takes or renews a lease; `false` when somebody else has it.
pub(crate) async fn take(
    session: &mut Session,
    name: &str,
    owner: &str,
    (now, until): (Timestamp, Timestamp),
) -> Result<bool> {
    let values = [
        Value::from(name),
        Value::from(owner),
        Value::from(now),
        Value::from(until),
    ];
    Ok(session.execute(&TAKE, &values).await? > 0)
}

/// Takes a lease that nobody has, this owner included: a batch key is for one batch at a time.
pub(crate) async fn take_free(
    session: &mut Session,
    name: &str,
    owner: &str,
    (now, until): (Timestamp, Timestamp),
) -> Result<bool> {
    let values = [
        Value::from(name),
        Value::from(owner),
        Value::from(now),
        Value::from(until),
    ];
    Ok(session.execute(&TAKE_FREE, &values).await? > 0)
}

/// Takes a lease that nobody has, or that is the owner's. Without the time at hand, an expired one counts as taken.
pub(crate) async fn join(
    session: &mut Session,
    name: &str,
    owner: &str,
    until: Timestamp,
) -> Result<()> {
    let values = [Value::from(name), Value::from(owner), Value::from(until)];
    session.guarded(&JOIN_OWN, &values).await
}

/// Makes sure that the owner has a lease at least until a time.
pub(crate) async fn keep(
    session: &mut Session,
    name: &str,
    owner: &str,
    until: Timestamp,
) -> Result<()> {
    let values = [Value::from(name), Value::from(owner), Value::from(until)];
    session.guarded(&KEEP, &values).await
}

/// Extends every lease of an owner.
pub(crate) async fn extend_all(session: &mut Session, owner: &str, until: Timestamp) -> Result<()> {
    let values = [Value::from(owner), Value::from(until)];
    session.execute(&EXTEND_ALL, &values).await.map(|_| ())
}

/// Gives a lease up; `false` when the owner did not have it.
pub(crate) async fn release(session: &mut Session, name: &str, owner: &str) -> Result<bool> {
    let values = [Value::from(name), Value::from(owner)];
    Ok(session.execute(&RELEASE, &values).await? > 0)
}

/// Gives a batch key up once the owner runs nothing of it any more.
pub(crate) async fn release_unused(session: &mut Session, key: &str, owner: &str) -> Result<()> {
    let values = [Value::from(key), Value::from(owner)];
    session.execute(&RELEASE_UNUSED, &values).await.map(|_| ())
}

/// Removes what has expired.
pub(crate) async fn delete_expired(session: &mut Session, now: Timestamp) -> Result<()> {
    session
        .execute(&DELETE_EXPIRED, &[Value::from(now)])
        .await
        .map(|_| ())
}
