//! Table `lease`: time-limited rights to duties that only one process may do.

use model::Timestamp;

use crate::error::Result;
use crate::session::Session;
use crate::sql::statements;
use crate::value::Value;

statements! { "lease";
    TAKE = "INSERT INTO lease (name, owner, until_ms) VALUES ($1, $2, $4)
        ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms
        WHERE lease.until_ms <= $3 OR lease.owner = excluded.owner",
    EXTEND_ALL = "UPDATE lease SET until_ms = $2 WHERE owner = $1",
    RELEASE = "DELETE FROM lease WHERE name = $1 AND owner = $2",
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

/// Removes what has expired.
pub(crate) async fn delete_expired(session: &mut Session, now: Timestamp) -> Result<()> {
    session
        .execute(&DELETE_EXPIRED, &[Value::from(now)])
        .await
        .map(|_| ())
}
