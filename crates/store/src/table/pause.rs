//! Table `pause`: what rests. Claims read it; running work finishes.

use model::Timestamp;

use crate::error::Result;
use crate::operation::Pause;
use crate::session::Session;
use crate::sql::statements;
use crate::value::Value;

statements! { "pause";
    SET = "INSERT INTO pause (scope, who, why, since_ms) VALUES ($1, $2, $3, $4)
        ON CONFLICT (scope) DO UPDATE SET who = excluded.who, why = excluded.why, since_ms = excluded.since_ms",
    DELETE = "DELETE FROM pause WHERE scope = $1",
    LIST = "SELECT scope, who, why, since_ms FROM pause ORDER BY scope",
}

/// Stops a scope.
pub(crate) async fn set(
    session: &mut Session,
    scope: &str,
    (who, why): (&str, &str),
    at: Timestamp,
) -> Result<()> {
    let values = [
        Value::from(scope),
        Value::from(who),
        Value::from(why),
        Value::from(at),
    ];
    session.guarded(&SET, &values).await
}

/// Lets a scope go on; nothing happens when it does not rest.
pub(crate) async fn remove(session: &mut Session, scope: &str) -> Result<()> {
    session
        .execute(&DELETE, &[Value::from(scope)])
        .await
        .map(|_| ())
}

/// What rests, by scope.
pub(crate) async fn list(session: &mut Session) -> Result<Vec<Pause>> {
    let rows = session.query(&LIST, &[]).await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(Pause {
                scope: row.text("scope")?,
                who: row.text("who")?,
                why: row.text("why")?,
                since: row.time("since_ms")?,
            })
        })
        .collect()
}
