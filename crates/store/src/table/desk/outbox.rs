//! Table `outbox`: messages to those who run the service, until a channel has taken them.

use model::Timestamp;

use crate::desk::{OutboxLine, OutboxState};
use crate::error::Result;
use crate::session::Session;
use crate::sql::statements;
use crate::value::{Row, Value, count};

macro_rules! columns {
    () => {
        "SELECT id, channel, body, state, attempts, next_ms, failure, created_ms, ended_ms FROM outbox "
    };
}

statements! { "outbox";
    ADD = "INSERT INTO outbox (id, channel, body, state, attempts, next_ms, failure, created_ms, ended_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    NOTE = "UPDATE outbox SET state = $2, attempts = $3, next_ms = $4, failure = $5, ended_ms = $6
        WHERE id = $1 AND state = 'pending'",
    DUE = concat!(columns!(), "WHERE state = 'pending' AND next_ms <= $1 ORDER BY next_ms, id LIMIT $2"),
    LIST = concat!(columns!(), "ORDER BY id DESC LIMIT $1"),
    PRUNE = "DELETE FROM outbox WHERE state <> 'pending' AND ended_ms < $1",
}

pub(crate) async fn add(session: &mut Session, line: &OutboxLine) -> Result<()> {
    let values = [
        Value::from(&line.id),
        Value::from(&line.channel),
        Value::from(&line.body),
        Value::from(line.state.as_str()),
        Value::from(line.attempts),
        Value::from(line.next_at),
        Value::from(&line.failure),
        Value::from(line.created_at),
        Value::from(line.ended_at),
    ];
    session.guarded(&ADD, &values).await
}

pub(crate) async fn note(session: &mut Session, line: &OutboxLine) -> Result<()> {
    let values = [
        Value::from(&line.id),
        Value::from(line.state.as_str()),
        Value::from(line.attempts),
        Value::from(line.next_at),
        Value::from(&line.failure),
        Value::from(line.ended_at),
    ];
    session.guarded(&NOTE, &values).await
}

/// What is to be sent by now, longest due first.
pub(crate) async fn due(
    session: &mut Session,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<OutboxLine>> {
    let rows = session
        .query(&DUE, &[Value::from(now), count(limit)])
        .await?;
    rows.into_iter().map(read).collect()
}

/// The newest messages.
pub(crate) async fn list(session: &mut Session, limit: usize) -> Result<Vec<OutboxLine>> {
    let rows = session.query(&LIST, &[count(limit)]).await?;
    rows.into_iter().map(read).collect()
}

/// Removes what ended before a time.
pub(crate) async fn prune(session: &mut Session, before: Timestamp) -> Result<u64> {
    session.execute(&PRUNE, &[Value::from(before)]).await
}

fn read(mut row: Row) -> Result<OutboxLine> {
    Ok(OutboxLine {
        id: row.text("id")?,
        channel: row.text("channel")?,
        body: row.text("body")?,
        state: row.name("state", OutboxState::parse)?,
        attempts: row.number("attempts")?,
        next_at: row.time("next_ms")?,
        failure: row.text("failure")?,
        created_at: row.time("created_ms")?,
        ended_at: row.optional_time("ended_ms")?,
    })
}
