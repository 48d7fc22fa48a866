//! Table `webhook_event`: deliveries, stored before they are answered.

use model::{Digest, System, Timestamp};

use crate::error::Result;
use crate::record::Event;
use crate::session::Session;
use crate::sql::statements;
use crate::value::{Row, Value, count};

statements! { "webhook_event";
    INSERT = "INSERT INTO webhook_event (id, system, name, delivery_id, digest, body, received_ms, processed_ms, result)
        VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, NULL)
        ON CONFLICT (system, name, digest) WHERE processed_ms IS NULL DO NOTHING",
    WAITING = "SELECT id, system, name, delivery_id, body, received_ms FROM webhook_event
        WHERE processed_ms IS NULL ORDER BY received_ms, id LIMIT $1",
    FINISH = "UPDATE webhook_event SET processed_ms = $3, result = $2 WHERE id = $1 AND processed_ms IS NULL",
    PRUNE = "DELETE FROM webhook_event WHERE id IN (SELECT id FROM webhook_event
        WHERE processed_ms < $1 ORDER BY processed_ms LIMIT $2)",
}

/// Stores a delivery unless the same one waits already; a repeated delivery whose first one is handled is stored
/// again,
/// because the world may have changed in between.
pub(crate) async fn add(session: &mut Session, event: &Event) -> Result<()> {
    let values = [
        Value::from(&event.id),
        Value::from(event.system.as_str()),
        Value::from(&event.name),
        Value::from(event.delivery_id.as_ref()),
        Value::from(&Digest::of(event.body.as_bytes())),
        Value::from(&event.body),
        Value::from(event.received_at),
    ];
    session.execute(&INSERT, &values).await.map(|_| ())
}

/// The deliveries that wait, oldest first.
pub(crate) async fn waiting(session: &mut Session, limit: usize) -> Result<Vec<Event>> {
    let rows = session.query(&WAITING, &[count(limit)]).await?;
    rows.into_iter().map(read).collect()
}

pub(crate) async fn finish(
    session: &mut Session,
    id: &str,
    result: &str,
    at: Timestamp,
) -> Result<()> {
    let values = [Value::from(id), Value::from(result), Value::from(at)];
    session.guarded(&FINISH, &values).await
}

pub(crate) async fn prune(session: &mut Session, before: Timestamp, limit: usize) -> Result<u64> {
    let values = [Value::from(before), count(limit)];
    session.execute(&PRUNE, &values).await
}

fn read(mut row: Row) -> Result<Event> {
    Ok(Event {
        id: row.text("id")?,
        system: row.name("system", System::parse)?,
        name: row.text("name")?,
        delivery_id: row.optional_text("delivery_id")?,
        body: row.text("body")?,
        received_at: row.time("received_ms")?,
    })
}
