//! Table `conflict`: concurrent changes with all their values.

use model::{Conflict, ConflictState, EntityId, Strategy};

use crate::error::Result;
use crate::record::ConflictFilter;
use crate::session::Session;
use crate::sql::statements;
use crate::value::{Row, Value, count, json, json_or_null};

macro_rules! columns {
    () => {
        "SELECT id, entity_id, state, strategy, decided_by, base, sides, result, fields, opened_ms, resolved_ms \
         FROM conflict "
    };
}

statements! { "conflict";
    UPSERT = "INSERT INTO conflict (id, entity_id, state, strategy, decided_by, base, sides, result, fields, opened_ms,
        resolved_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, strategy = excluded.strategy,
        decided_by = excluded.decided_by, base = excluded.base, sides = excluded.sides, result = excluded.result,
        fields = excluded.fields, opened_ms = excluded.opened_ms, resolved_ms = excluded.resolved_ms
        WHERE conflict.entity_id = excluded.entity_id",
    BY_ID = concat!(columns!(), "WHERE id = $1"),
    PAGE = concat!(columns!(), "WHERE (CAST($1 AS TEXT) IS NULL OR state = $1)
        AND (CAST($2 AS TEXT) IS NULL OR id < $2) ORDER BY id DESC LIMIT $3"),
    PAGE_OF_ENTITY = concat!(columns!(), "WHERE (CAST($1 AS TEXT) IS NULL OR state = $1)
        AND (CAST($2 AS TEXT) IS NULL OR id < $2) AND entity_id = $4 ORDER BY id DESC LIMIT $3"),
}

/// Stores a conflict; an id of another entity's conflict misses the guard.
pub(crate) async fn save(session: &mut Session, conflict: &Conflict) -> Result<()> {
    let values = [
        Value::from(&conflict.id),
        Value::from(&conflict.entity),
        Value::from(conflict.state.as_str()),
        Value::from(conflict.strategy.as_str()),
        Value::from(&conflict.decided_by),
        json_or_null(conflict.base.as_ref())?,
        json(&conflict.sides)?,
        json_or_null(conflict.result.as_ref())?,
        json(&conflict.fields)?,
        Value::from(conflict.opened_at),
        Value::from(conflict.resolved_at),
    ];
    session.guarded(&UPSERT, &values).await
}

pub(crate) async fn by_id(session: &mut Session, id: &str) -> Result<Option<Conflict>> {
    let row = session.first(&BY_ID, &[Value::from(id)]).await?;
    row.map(read).transpose()
}

pub(crate) async fn page(session: &mut Session, filter: &ConflictFilter) -> Result<Vec<Conflict>> {
    let mut values = vec![
        Value::from(filter.state.map(ConflictState::as_str)),
        Value::from(filter.before.as_ref()),
        count(filter.limit),
    ];
    let sql = match &filter.entity {
        Some(entity) => {
            values.push(Value::from(entity));
            &PAGE_OF_ENTITY
        }
        None => &PAGE,
    };
    let rows = session.query(sql, &values).await?;
    rows.into_iter().map(read).collect()
}

pub(crate) fn read(mut row: Row) -> Result<Conflict> {
    Ok(Conflict {
        id: row.text("id")?,
        entity: EntityId(row.text("entity_id")?),
        state: row.name("state", ConflictState::parse)?,
        strategy: row.name("strategy", Strategy::parse)?,
        decided_by: row.text("decided_by")?,
        base: row.optional_json("base")?,
        sides: row.json("sides")?,
        result: row.optional_json("result")?,
        fields: row.json("fields")?,
        opened_at: row.time("opened_ms")?,
        resolved_at: row.optional_time("resolved_ms")?,
    })
}
