//! Table `entity`: the things kept in step, stored and read together with their replicas.
//!
//! An entity's row is always read before its replicas: if a save comes between, the revision is the older one and the
//! next save of what was read misses its guard.

use std::collections::BTreeMap;

use model::{Entity, EntityId, Kind, RemoteId, Status, System};

use crate::error::Result;
use crate::record::{EntityFilter, StatusCount};
use crate::session::Session;
use crate::sql::{Sql, fifty, statements};
use crate::table::{operation, replica};
use crate::value::{Row, Value, count, json_or_null, lists};

macro_rules! columns {
    () => {
        "SELECT e.id, e.kind, e.course_id, e.container_id, e.parent_id, e.shadow, e.status, e.reason, e.revision, \
         e.created_ms, e.updated_ms FROM entity e "
    };
}

statements! { "entity";
    INSERT = "INSERT INTO entity (id, kind, course_id, container_id, parent_id, shadow, status, reason, created_ms,
        updated_ms, revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1)",
    UPDATE = "UPDATE entity SET kind = $2, course_id = $3, container_id = $4, parent_id = $5, shadow = $6, status = $7,
        reason = $8, created_ms = $9, updated_ms = $10, revision = revision + 1 WHERE id = $1 AND revision = $11",
    BY_ID = concat!(columns!(), "WHERE e.id = $1"),
    BY_REMOTE = concat!(columns!(), "JOIN replica r ON r.entity_id = e.id
        WHERE r.system = $1 AND r.kind = $2 AND r.remote_id = $3"),
    BY_REMOTES = concat!(columns!(), "JOIN replica r ON r.entity_id = e.id
        WHERE r.remote_id IN (", fifty!(), ") AND r.system = $51 AND r.kind = $52"),
    THREAD = concat!(columns!(), "WHERE e.id = $1 OR e.container_id = $1"),
    PAGE = concat!(columns!(), "WHERE e.id > $1 AND (CAST($2 AS TEXT) IS NULL OR e.kind = $2)
        ORDER BY e.id LIMIT $3"),
    PAGE_OF_COURSE = concat!(columns!(), "WHERE e.id > $1 AND (CAST($2 AS TEXT) IS NULL OR e.kind = $2)
        AND (CAST($4 AS TEXT) IS NULL OR e.status = $4) AND e.course_id = $5 ORDER BY e.id LIMIT $3"),
    PAGE_OF_STATUS = concat!(columns!(), "WHERE e.id > $1 AND (CAST($2 AS TEXT) IS NULL OR e.kind = $2)
        AND e.status = $4 ORDER BY e.id LIMIT $3"),
    COUNT_BY_STATUS = "SELECT kind, status, count(*) FROM entity GROUP BY status, kind ORDER BY kind, status",
    COUNT_ITEMS = "SELECT count(*) FROM entity WHERE course_id = $1 AND kind IN ('topic', 'post')",
    COUNT_CHILDREN = "SELECT count(*) FROM entity WHERE container_id = $1",
}

/// Stores an entity and its replicas, guarded by its revision.
pub(crate) async fn save(session: &mut Session, entity: &Entity) -> Result<()> {
    let mut values = vec![
        Value::from(&entity.id),
        Value::from(entity.kind.as_str()),
        Value::from(&entity.course),
        Value::from(entity.container.as_ref()),
        Value::from(entity.parent.as_ref()),
        json_or_null(entity.shadow.as_ref())?,
        Value::from(entity.status.as_str()),
        json_or_null(entity.reason.as_ref())?,
        Value::from(entity.created_at),
        Value::from(entity.updated_at),
    ];
    if entity.revision == 0 {
        session.guarded(&INSERT, &values).await?;
    } else {
        values.push(Value::from(entity.revision));
        session.guarded(&UPDATE, &values).await?;
    }
    replica::save(session, entity).await?;
    operation::release_blocked(session, entity).await
}

pub(crate) async fn by_id(session: &mut Session, id: &EntityId) -> Result<Option<Entity>> {
    one(session, &BY_ID, &[Value::from(id)]).await
}

pub(crate) async fn by_remote(
    session: &mut Session,
    system: System,
    kind: Kind,
    remote: &RemoteId,
) -> Result<Option<Entity>> {
    let values = [
        Value::from(system.as_str()),
        Value::from(kind.as_str()),
        Value::from(remote),
    ];
    one(session, &BY_REMOTE, &values).await
}

async fn one(session: &mut Session, sql: &'static Sql, values: &[Value]) -> Result<Option<Entity>> {
    let Some(row) = session.first(sql, values).await? else {
        return Ok(None);
    };
    let mut entity = read(row)?;
    entity.replicas = replica::of_entity(session, &entity.id).await?;
    Ok(Some(entity))
}

/// The entities that have these ids in a system, in the order of their own ids.
pub(crate) async fn by_remotes(
    session: &mut Session,
    system: System,
    kind: Kind,
    remotes: &[RemoteId],
) -> Result<Vec<Entity>> {
    let mut entities = BTreeMap::new();
    for mut values in lists(remotes.iter().map(RemoteId::as_str)) {
        values.push(Value::from(system.as_str()));
        values.push(Value::from(kind.as_str()));
        collect(session.query(&BY_REMOTES, &values).await?, &mut entities)?;
    }
    replica::add_listed(session, &mut entities).await?;
    Ok(entities.into_values().collect())
}

/// A topic, then its posts by age.
pub(crate) async fn thread(session: &mut Session, topic: &EntityId) -> Result<Vec<Entity>> {
    let mut entities = BTreeMap::new();
    let values = [Value::from(topic)];
    collect(session.query(&THREAD, &values).await?, &mut entities)?;
    replica::add_thread(session, topic, &mut entities).await?;
    let mut thread: Vec<Entity> = entities.into_values().collect();
    thread.sort_by(|a, b| {
        let key = |entity: &Entity| (entity.id != *topic, entity.created_at);
        key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
    });
    Ok(thread)
}

pub(crate) async fn page(session: &mut Session, filter: &EntityFilter) -> Result<Vec<Entity>> {
    let mut values = vec![
        Value::from(filter.after.as_ref().map_or("", EntityId::as_str)),
        Value::from(filter.kind.map(Kind::as_str)),
        count(filter.limit),
    ];
    let status = Value::from(filter.status.map(Status::as_str));
    let sql = match (&filter.course, filter.status) {
        (Some(course), _) => {
            values.push(status);
            values.push(Value::from(course));
            &PAGE_OF_COURSE
        }
        (None, Some(_)) => {
            values.push(status);
            &PAGE_OF_STATUS
        }
        (None, None) => &PAGE,
    };
    let mut entities = BTreeMap::new();
    collect(session.query(sql, &values).await?, &mut entities)?;
    replica::add_listed(session, &mut entities).await?;
    Ok(entities.into_values().collect())
}

pub(crate) async fn status_counts(session: &mut Session) -> Result<Vec<StatusCount>> {
    let rows = session.query(&COUNT_BY_STATUS, &[]).await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(StatusCount {
                kind: row.name("kind", Kind::parse)?,
                status: row.name("status", Status::parse)?,
                count: row.number("count")?,
            })
        })
        .collect()
}

/// How many topics and posts a course has.
pub(crate) async fn items(session: &mut Session, course: &EntityId) -> Result<u64> {
    single_count(session, &COUNT_ITEMS, &[Value::from(course)]).await
}

/// How many entities something holds.
pub(crate) async fn children(session: &mut Session, container: &EntityId) -> Result<u64> {
    single_count(session, &COUNT_CHILDREN, &[Value::from(container)]).await
}

/// The number that a counting statement returns.
pub(crate) async fn single_count(
    session: &mut Session,
    sql: &'static Sql,
    values: &[Value],
) -> Result<u64> {
    match session.first(sql, values).await? {
        Some(mut row) => row.number("count"),
        None => Ok(0),
    }
}

fn collect(rows: Vec<Row>, entities: &mut BTreeMap<EntityId, Entity>) -> Result<()> {
    for row in rows {
        let entity = read(row)?;
        entities.insert(entity.id.clone(), entity);
    }
    Ok(())
}

/// An entity's own row; the replicas are added by the caller.
fn read(mut row: Row) -> Result<Entity> {
    Ok(Entity {
        id: EntityId(row.text("id")?),
        kind: row.name("kind", Kind::parse)?,
        course: EntityId(row.text("course_id")?),
        container: row.optional_text("container_id")?.map(EntityId),
        parent: row.optional_text("parent_id")?.map(EntityId),
        shadow: row.optional_json("shadow")?,
        status: row.name("status", Status::parse)?,
        reason: row.optional_json("reason")?,
        revision: row.integer("revision")?,
        created_at: row.time("created_ms")?,
        updated_at: row.time("updated_ms")?,
        replicas: BTreeMap::new(),
    })
}
