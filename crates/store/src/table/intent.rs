//! Table `intent`: what is stored before a write leaves the process.

use model::{
    Action, CreateKey, Digest, EntityId, Intent, IntentId, IntentState, OperationId, System,
    Timestamp,
};

use crate::error::Result;
use crate::session::Session;
use crate::sql::{fifty, statements};
use crate::value::{Row, Value, json, lists};

statements! { "intent";
    INSERT = "INSERT INTO intent (id, entity_id, system, action, create_key, record, fields, expected, vector,
        operation_id, state, created_ms, receipt, closed_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, NULL, NULL)",
    CLOSE = "UPDATE intent SET state = $2, receipt = $3, closed_ms = $4 WHERE id = $1 AND state = 'open'",
    OPEN_OF_LISTED = concat!("SELECT id, entity_id, system, action, create_key, record, fields, expected, vector,
        operation_id, state, created_ms FROM intent WHERE state = 'open' AND entity_id IN (", fifty!(), ")"),
}

/// Closes an open intent.
pub(crate) async fn close(
    session: &mut Session,
    id: &IntentId,
    state: IntentState,
    receipt: Option<&Digest>,
    at: Timestamp,
) -> Result<()> {
    let values = [
        Value::from(id),
        Value::from(state.as_str()),
        Value::from(receipt),
        Value::from(at),
    ];
    session.guarded(&CLOSE, &values).await
}

/// Stores an intent.
pub(crate) async fn open(session: &mut Session, intent: &Intent) -> Result<()> {
    let values = [
        Value::from(&intent.id),
        Value::from(&intent.entity),
        Value::from(intent.system.as_str()),
        Value::from(intent.action.as_str()),
        Value::from(&intent.key),
        json(&intent.record)?,
        json(&intent.fields)?,
        Value::from(intent.expected.as_ref()),
        json(&intent.vector)?,
        Value::from(&intent.operation),
        Value::from(intent.state.as_str()),
        Value::from(intent.created_at),
    ];
    session.guarded(&INSERT, &values).await
}

/// The open intents of some entities, oldest first.
pub(crate) async fn open_of(session: &mut Session, entities: &[EntityId]) -> Result<Vec<Intent>> {
    let mut intents = Vec::new();
    for values in lists(entities.iter().map(EntityId::as_str)) {
        for row in session.query(&OPEN_OF_LISTED, &values).await? {
            intents.push(read(row)?);
        }
    }
    intents.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    Ok(intents)
}

fn read(mut row: Row) -> Result<Intent> {
    Ok(Intent {
        id: IntentId(row.text("id")?),
        entity: EntityId(row.text("entity_id")?),
        system: row.name("system", System::parse)?,
        action: row.name("action", Action::parse)?,
        key: CreateKey(row.text("create_key")?),
        record: row.json("record")?,
        fields: row.json("fields")?,
        expected: row.optional_text("expected")?.map(Digest),
        vector: row.json("vector")?,
        operation: OperationId(row.text("operation_id")?),
        state: row.name("state", IntentState::parse)?,
        created_at: row.time("created_ms")?,
    })
}
