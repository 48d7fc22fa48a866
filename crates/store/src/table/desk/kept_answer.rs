//! Table `kept_answer`: answers to writes that carried an Idempotency-Key.

use model::Timestamp;

use crate::desk::KeptAnswer;
use crate::error::Result;
use crate::session::Session;
use crate::sql::statements;
use crate::value::Value;

statements! { "kept_answer";
    KEEP = "INSERT INTO kept_answer (name, request, status, body, at_ms) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (name) DO NOTHING",
    BY_NAME = "SELECT name, request, status, body, at_ms FROM kept_answer WHERE name = $1",
    PRUNE = "DELETE FROM kept_answer WHERE at_ms < $1",
}

pub(crate) async fn keep(session: &mut Session, answer: &KeptAnswer) -> Result<()> {
    let values = [
        Value::from(&answer.name),
        Value::from(&answer.request),
        Value::from(i64::from(answer.status)),
        Value::from(&answer.body),
        Value::from(answer.at),
    ];
    session.guarded(&KEEP, &values).await
}

pub(crate) async fn by_name(session: &mut Session, name: &str) -> Result<Option<KeptAnswer>> {
    let row = session.first(&BY_NAME, &[Value::from(name)]).await?;
    row.map(|mut row| {
        Ok(KeptAnswer {
            name: row.text("name")?,
            request: row.text("request")?,
            status: row.number("status")?,
            body: row.text("body")?,
            at: row.time("at_ms")?,
        })
    })
    .transpose()
}

/// Removes answers older than a time.
pub(crate) async fn prune(session: &mut Session, before: Timestamp) -> Result<u64> {
    session.execute(&PRUNE, &[Value::from(before)]).await
}
