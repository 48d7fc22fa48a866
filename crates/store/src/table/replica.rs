//! Table `replica`: an entity's copy in each system. Read and stored through `entity` only.

use std::collections::BTreeMap;

use model::{Entity, EntityId, Existence, RemoteId, Replica, System, Timestamp};

use crate::error::Result;
use crate::session::Session;
use crate::sql::{fifty, statements};
use crate::value::{Row, Value, json, json_or_null, lists};

macro_rules! columns {
    () => {
        "SELECT r.entity_id, r.system, r.remote_id, r.vector, r.record, r.existence, r.missing_since_ms, r.mark, \
         r.seen_ms, r.generation, r.base, r.owed FROM replica r "
    };
}

statements! { "replica";
    UPSERT = "INSERT INTO replica (entity_id, system, kind, remote_id, vector, record, existence, missing_since_ms, mark,
        seen_ms, generation, base, owed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        ON CONFLICT (entity_id, system) DO UPDATE SET kind = excluded.kind, remote_id = excluded.remote_id,
        vector = excluded.vector, record = excluded.record, existence = excluded.existence,
        missing_since_ms = excluded.missing_since_ms, mark = excluded.mark, seen_ms = excluded.seen_ms,
        generation = excluded.generation, base = excluded.base, owed = excluded.owed",
    DELETE_OTHERS = "DELETE FROM replica WHERE entity_id = $1 AND system NOT IN ($2, $3, $4)",
    OF_ENTITY = concat!(columns!(), "WHERE r.entity_id = $1"),
    OF_THREAD = concat!(columns!(), "JOIN entity e ON e.id = r.entity_id WHERE e.id = $1 OR e.container_id = $1"),
    OF_LISTED = concat!(columns!(), "WHERE r.entity_id IN (", fifty!(), ")"),
    EXISTS = "SELECT entity_id FROM replica WHERE entity_id = $1
        AND (CAST($2 AS TEXT) IS NULL OR system = $2) LIMIT 1",
}

/// Whether what an operation waits for is there: an entity (`ID`) or a replica (`ID@system`).
pub(crate) async fn is_there(session: &mut Session, blocker: &str) -> Result<bool> {
    let (id, system) = match blocker.split_once('@') {
        Some((id, system)) => (id, Some(system)),
        None => (blocker, None),
    };
    let values = [Value::from(id), Value::from(system)];
    Ok(session.first(&EXISTS, &values).await?.is_some())
}

/// Makes the stored replicas those of the entity.
pub(crate) async fn save(session: &mut Session, entity: &Entity) -> Result<()> {
    if entity.revision > 0 {
        let mut values = vec![Value::from(&entity.id)];
        values.extend(System::ALL.iter().map(|system| {
            let is_kept = entity.replicas.contains_key(system);
            Value::from(if is_kept { system.as_str() } else { "" })
        }));
        session.execute(&DELETE_OTHERS, &values).await?;
    }
    for (system, replica) in &entity.replicas {
        let missing_since = match replica.existence {
            Existence::Missing { since } => Some(since),
            Existence::Present | Existence::Deleted => None,
        };
        let values = [
            Value::from(&entity.id),
            Value::from(system.as_str()),
            Value::from(entity.kind.as_str()),
            Value::from(&replica.remote),
            json(&replica.vector)?,
            json(&replica.record)?,
            Value::from(replica.existence.as_str()),
            Value::from(missing_since),
            Value::from(replica.mark.as_ref()),
            Value::from(replica.seen_at),
            Value::from(replica.generation),
            json_or_null(replica.base.as_ref())?,
            json(&replica.owed)?,
        ];
        session.guarded(&UPSERT, &values).await?;
    }
    Ok(())
}

pub(crate) async fn of_entity(
    session: &mut Session,
    id: &EntityId,
) -> Result<BTreeMap<System, Replica>> {
    let rows = session.query(&OF_ENTITY, &[Value::from(id)]).await?;
    rows.into_iter()
        .map(|row| read(row).map(|(_, system, replica)| (system, replica)))
        .collect()
}

/// Puts the replicas of a thread to its entities.
pub(crate) async fn add_thread(
    session: &mut Session,
    topic: &EntityId,
    entities: &mut BTreeMap<EntityId, Entity>,
) -> Result<()> {
    let rows = session.query(&OF_THREAD, &[Value::from(topic)]).await?;
    add(rows, entities)
}

/// Puts the replicas of any entities to them.
pub(crate) async fn add_listed(
    session: &mut Session,
    entities: &mut BTreeMap<EntityId, Entity>,
) -> Result<()> {
    for values in lists(entities.keys().map(EntityId::as_str)) {
        let rows = session.query(&OF_LISTED, &values).await?;
        add(rows, entities)?;
    }
    Ok(())
}

fn add(rows: Vec<Row>, entities: &mut BTreeMap<EntityId, Entity>) -> Result<()> {
    for row in rows {
        let (id, system, replica) = read(row)?;
        // One that came after the entities were read is not theirs.
        if let Some(entity) = entities.get_mut(&id) {
            entity.replicas.insert(system, replica);
        }
    }
    Ok(())
}

fn read(mut row: Row) -> Result<(EntityId, System, Replica)> {
    let id = EntityId(row.text("entity_id")?);
    let system = row.name("system", System::parse)?;
    let remote = RemoteId(row.text("remote_id")?);
    let vector = row.json("vector")?;
    let record = row.json("record")?;
    let existence = row.text("existence")?;
    let since = row.optional_time("missing_since_ms")?;
    let existence = read_existence(&existence, since).ok_or_else(|| row.corrupt("existence"))?;
    let replica = Replica {
        remote,
        vector,
        record,
        existence,
        mark: row.optional_text("mark")?,
        seen_at: row.time("seen_ms")?,
        generation: row.number("generation")?,
        base: row.optional_json("base")?,
        owed: row.json("owed")?,
    };
    Ok((id, system, replica))
}

fn read_existence(name: &str, since: Option<Timestamp>) -> Option<Existence> {
    match (name, since) {
        ("present", None) => Some(Existence::Present),
        ("deleted", None) => Some(Existence::Deleted),
        ("missing", Some(since)) => Some(Existence::Missing { since }),
        _ => None,
    }
}
