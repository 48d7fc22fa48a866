//! Tables `sync_transaction` and `transaction_step`: what the attempts of operations did, line by line, never
//! rewritten.

use model::{
    Action, Entity, EntityId, Failure, OperationId, Phase, Step, System, Timestamp, VersionVector,
};

use crate::error::Result;
use crate::record::{Isolation, Prepared, SyncTransaction, TransactionResult};
use crate::session::Session;
use crate::sql::{fifty, statements};
use crate::value::{Row, Value, count, json, json_or_null, lists};

statements! { "sync_transaction";
    BEGIN = "INSERT INTO sync_transaction (id, operation_id, entity_id, parent_id, isolation, began_ms, ended_ms, result)
        VALUES ($1, $2, $3, $4, $5, $6, NULL, NULL)",
    PREPARE = "INSERT INTO prepared_transaction (transaction_id, entity_id, entity_before, vector, cause, stuck)
        VALUES ($1, $2, $3, $4, NULL, NULL)",
    TURN_BACK = "UPDATE prepared_transaction SET cause = $2 WHERE transaction_id = $1 AND cause IS NULL",
    STICK = "UPDATE prepared_transaction SET stuck = $2 WHERE transaction_id = $1 AND cause IS NOT NULL",
    UNPREPARE = "DELETE FROM prepared_transaction WHERE transaction_id = $1",
    PREPARED_OF_LISTED = concat!("SELECT p.entity_before, p.vector, p.cause, p.stuck, t.id, t.operation_id, t.entity_id, t.parent_id,
        t.isolation, t.began_ms, t.ended_ms, t.result
        FROM prepared_transaction p JOIN sync_transaction t ON t.id = p.transaction_id
        WHERE p.entity_id IN (", fifty!(), ")"),
    END = "UPDATE sync_transaction SET ended_ms = $3, result = $2 WHERE id = $1 AND ended_ms IS NULL",
    ADD_STEP = "INSERT INTO transaction_step (transaction_id, line, number, system, action, phase, record_before,
        record_after, failure, at_ms) SELECT t.id, (SELECT COALESCE(max(s.line), 0) + 1 FROM transaction_step s
        WHERE s.transaction_id = t.id), CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT),
        CAST($6 AS TEXT), CAST($7 AS TEXT), CAST($8 AS TEXT), CAST($9 AS BIGINT)
        FROM sync_transaction t WHERE t.id = $1",
    OF_ENTITY = "SELECT id, operation_id, entity_id, parent_id, isolation, began_ms, ended_ms, result
        FROM sync_transaction WHERE entity_id = $1 ORDER BY id",
    STEPS = "SELECT transaction_id, number, system, action, phase, record_before, record_after, failure, at_ms
        FROM transaction_step WHERE transaction_id = $1 ORDER BY line",
    PRUNE_STEPS = "DELETE FROM transaction_step WHERE transaction_id IN (SELECT id FROM sync_transaction t
        WHERE t.ended_ms < $1 AND NOT EXISTS (SELECT 1 FROM sync_transaction c WHERE c.parent_id = t.id)
        ORDER BY t.ended_ms, t.id LIMIT $2)",
    PRUNE = "DELETE FROM sync_transaction WHERE id IN (SELECT id FROM sync_transaction t
        WHERE t.ended_ms < $1 AND NOT EXISTS (SELECT 1 FROM sync_transaction c WHERE c.parent_id = t.id)
        ORDER BY t.ended_ms, t.id LIMIT $2)",
}

pub(crate) async fn begin(
    session: &mut Session,
    transaction: &SyncTransaction,
    (before, vector): (&Entity, &VersionVector),
) -> Result<()> {
    let values = [
        Value::from(&transaction.id),
        Value::from(&transaction.operation),
        Value::from(&transaction.entity),
        Value::from(transaction.parent.as_ref()),
        Value::from(transaction.isolation.as_str()),
        Value::from(transaction.began_at),
    ];
    session.guarded(&BEGIN, &values).await?;
    let values = [
        Value::from(&transaction.id),
        Value::from(&transaction.entity),
        json(before)?,
        json(vector)?,
    ];
    session.guarded(&PREPARE, &values).await
}

/// From here on the steps are undone.
pub(crate) async fn turn_back(session: &mut Session, id: &str, cause: &Failure) -> Result<()> {
    let values = [Value::from(id), json(cause)?];
    session.guarded(&TURN_BACK, &values).await
}

/// It cannot be undone by itself.
pub(crate) async fn stick(session: &mut Session, id: &str, why: &Failure) -> Result<()> {
    let values = [Value::from(id), json(why)?];
    session.guarded(&STICK, &values).await
}

/// The open transactions of some entities.
pub(crate) async fn prepared_of(
    session: &mut Session,
    entities: &[EntityId],
) -> Result<Vec<Prepared>> {
    let mut all = Vec::new();
    for values in lists(entities.iter().map(EntityId::as_str)) {
        for mut row in session.query(&PREPARED_OF_LISTED, &values).await? {
            let before = row.json("entity_before")?;
            let vector = row.json("vector")?;
            let cause = row.optional_json("cause")?;
            let stuck = row.optional_json("stuck")?;
            let transaction = read(row)?;
            all.push(Prepared {
                transaction,
                before,
                vector,
                cause,
                stuck,
            });
        }
    }
    for prepared in &mut all {
        prepared.transaction.steps = steps(session, &prepared.transaction.id).await?;
    }
    Ok(all)
}

async fn steps(session: &mut Session, id: &str) -> Result<Vec<Step>> {
    let rows = session.query(&STEPS, &[Value::from(id)]).await?;
    rows.into_iter().map(read_step).collect()
}

/// Ends an open transaction.
pub(crate) async fn end(
    session: &mut Session,
    id: &str,
    result: TransactionResult,
    at: Timestamp,
) -> Result<()> {
    let values = [
        Value::from(id),
        Value::from(result.as_str()),
        Value::from(at),
    ];
    session.guarded(&END, &values).await?;
    let values = [Value::from(id)];
    session.guarded(&UNPREPARE, &values).await
}

/// Adds a line; after the end too, because a parent that rolls back undoes its committed children.
pub(crate) async fn add_step(session: &mut Session, transaction: &str, step: &Step) -> Result<()> {
    let values = [
        Value::from(transaction),
        Value::from(step.number),
        Value::from(step.system.as_str()),
        Value::from(step.action.as_str()),
        Value::from(step.phase.as_str()),
        json_or_null(step.before.as_ref())?,
        json_or_null(step.after.as_ref())?,
        json_or_null(step.failure.as_ref())?,
        Value::from(step.at),
    ];
    session.guarded(&ADD_STEP, &values).await
}

/// The sync transactions of an entity with their logs, oldest first.
pub(crate) async fn of_entity(
    session: &mut Session,
    entity: &EntityId,
) -> Result<Vec<SyncTransaction>> {
    let rows = session.query(&OF_ENTITY, &[Value::from(entity)]).await?;
    let mut transactions = Vec::with_capacity(rows.len());
    for row in rows {
        let mut transaction = read(row)?;
        transaction.steps = steps(session, &transaction.id).await?;
        transactions.push(transaction);
    }
    Ok(transactions)
}

/// Removes transactions that ended long ago, children before their parents.
pub(crate) async fn prune(session: &mut Session, before: Timestamp, limit: usize) -> Result<u64> {
    let values = [Value::from(before), count(limit)];
    session.execute(&PRUNE_STEPS, &values).await?;
    session.execute(&PRUNE, &values).await
}

fn read(mut row: Row) -> Result<SyncTransaction> {
    let id = row.text("id")?;
    let operation = OperationId(row.text("operation_id")?);
    let entity = EntityId(row.text("entity_id")?);
    let parent = row.optional_text("parent_id")?;
    let isolation = row.name("isolation", Isolation::parse)?;
    let began_at = row.time("began_ms")?;
    let ended_at = row.optional_time("ended_ms")?;
    let result = row.optional_name("result", TransactionResult::parse)?;
    Ok(SyncTransaction {
        id,
        operation,
        entity,
        parent,
        isolation,
        began_at,
        ended: ended_at.zip(result),
        steps: Vec::new(),
    })
}

fn read_step(mut row: Row) -> Result<Step> {
    row.text("transaction_id")?;
    Ok(Step {
        number: row.number("number")?,
        system: row.name("system", System::parse)?,
        action: row.name("action", Action::parse)?,
        phase: row.name("phase", Phase::parse)?,
        before: row.optional_json("record_before")?,
        after: row.optional_json("record_after")?,
        failure: row.failure()?,
        at: row.time("at_ms")?,
    })
}
