//! Table `cursor`: positions in change feeds.

use model::Timestamp;

use crate::error::Result;
use crate::session::Session;
use crate::sql::statements;
use crate::value::Value;

statements! { "cursor";
    GET = "SELECT value FROM cursor WHERE name = $1",
    SET = "INSERT INTO cursor (name, value, updated_ms) VALUES ($1, $2, $3)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_ms = excluded.updated_ms",
}

pub(crate) async fn get(session: &mut Session, name: &str) -> Result<Option<String>> {
    match session.first(&GET, &[Value::from(name)]).await? {
        Some(mut row) => row.text("value").map(Some),
        None => Ok(None),
    }
}

pub(crate) async fn set(
    session: &mut Session,
    name: &str,
    value: &str,
    at: Timestamp,
) -> Result<()> {
    let values = [Value::from(name), Value::from(value), Value::from(at)];
    session.guarded(&SET, &values).await
}
