//! What maintenance finds, counts and removes, over several tables; and the facts about the database in `meta`.
//!
//! Every removal takes a limit, so that none holds a lock for long.

use model::{Entity, EntityId, IdSource, OperationId, System, Timestamp};
use serde_json::{Map, Value as Json};

use crate::error::{Error, Result};
use crate::operation::{OperationState, Priority};
use crate::session::Session;
use crate::sql::{fifty, statements};
use crate::table::cursor;
use crate::upkeep::{Ended, Left, Outworn};
use crate::value::{Row, Value, count, lists};

/// The columns of an archived operation, in the order of the statements.
const OPERATION: [&str; 17] = [
    "id",
    "kind",
    "subject",
    "entity_id",
    "course_id",
    "system",
    "remote_id",
    "batch_key",
    "reason",
    "priority",
    "state",
    "attempt_count",
    "run_count",
    "failure",
    "note",
    "created_ms",
    "ended_ms",
];
/// The columns of an archived attempt.
const ATTEMPT: [&str; 7] = [
    "operation_id",
    "number",
    "owner",
    "started_ms",
    "ended_ms",
    "result",
    "failure",
];
/// One day in milliseconds.
const DAY_MS: i64 = 86_400_000;

macro_rules! due {
    () => {
        " FROM operation_history WHERE state = $1 AND kind = $2 AND ended_ms < $3 AND id < $4 "
    };
}

statements! { "upkeep";
    FACT = "SELECT value FROM meta WHERE name = $1",
    FACTS = "SELECT name, value FROM meta WHERE name >= $1 AND name < $2 ORDER BY name",
    SET_FACT = "INSERT INTO meta (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    DROP_FACT = "DELETE FROM meta WHERE name = $1",
    TAKE_FACT = "DELETE FROM meta WHERE name = $1 AND value = $2",
    COUNT_ENDED = concat!("SELECT count(*)", due!()),
    ENDED = concat!("SELECT id, kind, subject, entity_id, course_id, system, remote_id, batch_key, reason, priority,
        state, attempt_count, run_count, failure, note, created_ms, ended_ms", due!(), "ORDER BY id LIMIT $5"),
    RUNS = concat!("SELECT operation_id, number, owner, started_ms, ended_ms, result, failure FROM attempt
        WHERE operation_id IN (", fifty!(), ") ORDER BY operation_id, number"),
    REMOVE_RUNS = concat!("DELETE FROM attempt WHERE operation_id IN (", fifty!(), ")
        AND NOT EXISTS (SELECT 1 FROM operation o WHERE o.id = attempt.operation_id)"),
    REMOVE_ENDED = concat!("DELETE FROM operation_history WHERE id IN (", fifty!(), ")
        RETURNING id, state, priority"),
    IMPORT_ENDED = "INSERT INTO operation_history (id, kind, subject, entity_id, course_id, system, remote_id,
        batch_key, reason, priority, state, attempt_count, run_count, failure, note, created_ms, ended_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
        ON CONFLICT (id) DO NOTHING",
    IMPORT_RUN = "INSERT INTO attempt (operation_id, number, owner, started_ms, ended_ms, result, failure)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (operation_id, number) DO NOTHING",
    IS_QUEUED = "SELECT id FROM operation WHERE id = $1",
    COUNT_EVENTS = "SELECT count(*) FROM webhook_event WHERE processed_ms < $1",
    COUNT_JOURNAL = "SELECT count(*) FROM history WHERE at_ms < $1 AND id <= $2",
    REMOVE_JOURNAL = "DELETE FROM history WHERE id IN (SELECT id FROM history WHERE at_ms < $1 AND id <= $3
        ORDER BY at_ms LIMIT $2)",
    COUNT_TRANSACTIONS = "SELECT count(*) FROM sync_transaction WHERE ended_ms < $1",
    COUNT_INTENTS = "SELECT count(*) FROM intent WHERE state <> 'open' AND closed_ms < $1 AND id < $2",
    REMOVE_INTENTS = "DELETE FROM intent WHERE id IN (SELECT id FROM intent WHERE state <> 'open' AND closed_ms < $1
        AND id < $3 ORDER BY id LIMIT $2)",
    COUNT_RUNS = "SELECT count(*) FROM attempt a WHERE a.operation_id < $2 AND a.ended_ms < $1
        AND NOT EXISTS (SELECT 1 FROM operation o WHERE o.id = a.operation_id)
        AND NOT EXISTS (SELECT 1 FROM operation_history h WHERE h.id = a.operation_id)",
    COUNT_HOURS = "SELECT count(*) FROM tally WHERE hour_ms < $1 AND hour_ms % 86400000 <> 0",
    TAKE_HOURS = "SELECT hour_ms, course_id, name, entries FROM tally WHERE hour_ms < $1 AND hour_ms % 86400000 <> 0
        ORDER BY hour_ms LIMIT $2",
    REMOVE_HOUR = "DELETE FROM tally WHERE hour_ms = $1 AND course_id = $2 AND name = $3 AND entries = $4",
    ADD_DAY = "INSERT INTO tally (hour_ms, course_id, name, entries) VALUES ($1, $2, $3, $4)
        ON CONFLICT (hour_ms, course_id, name) DO UPDATE SET entries = tally.entries + excluded.entries",
    MOVE_CHILDREN = "UPDATE entity SET container_id = $2, revision = revision + 1 WHERE container_id = $1",
    MOVE_ANSWERS = "UPDATE entity SET parent_id = $2, revision = revision + 1 WHERE parent_id = $1",
    MOVE_CONFLICTS = "UPDATE conflict SET entity_id = $2 WHERE entity_id = $1",
    MOVE_INTENTS = "UPDATE intent SET entity_id = $2 WHERE entity_id = $1",
    HELD_OF = "SELECT id FROM operation WHERE entity_id = $1 AND state <> 'in_progress'",
    DROP_REPLICAS = "DELETE FROM replica WHERE entity_id = $1",
    DROP_ENTITY = "DELETE FROM entity WHERE id = $1",
    FORGET_CONFLICTS = "DELETE FROM conflict WHERE entity_id IN
        (SELECT id FROM entity WHERE course_id = $1 AND kind IN ('topic', 'post'))",
    FORGET_INTENTS = "DELETE FROM intent WHERE entity_id IN
        (SELECT id FROM entity WHERE course_id = $1 AND kind IN ('topic', 'post'))",
    FORGET_REPLICAS = "DELETE FROM replica WHERE entity_id IN
        (SELECT id FROM entity WHERE course_id = $1 AND kind IN ('topic', 'post'))",
    FORGET_ENTITIES = "DELETE FROM entity WHERE course_id = $1 AND kind IN ('topic', 'post')",
    WORK_OF = "SELECT id FROM operation WHERE course_id = $1 AND state <> 'in_progress'",
    FORGET_CURSORS = "DELETE FROM cursor WHERE name IN ($1, $2)",
    INTENT_OF = "SELECT i.id FROM intent i JOIN entity e ON e.id = i.entity_id WHERE e.course_id = $1
        AND i.state <> 'abandoned' LIMIT 1",
    LEFT_PENDING = "SELECT e.id, e.course_id, COALESCE(e.container_id, e.id) FROM entity e
        WHERE e.status = 'pending' AND e.kind IN ('topic', 'post') AND e.updated_ms < $1
        AND NOT EXISTS (SELECT 1 FROM operation o WHERE o.entity_id = e.id)
        AND NOT EXISTS (SELECT 1 FROM operation o WHERE o.entity_id = e.container_id)
        ORDER BY e.id LIMIT $2",
    LEFT_OPEN = "SELECT e.id, e.course_id, COALESCE(e.container_id, e.id) FROM intent i JOIN entity e ON e.id = i.entity_id
        WHERE i.state = 'open' AND i.created_ms < $1 AND e.kind IN ('topic', 'post')
        AND NOT EXISTS (SELECT 1 FROM operation o WHERE o.entity_id = e.id)
        AND NOT EXISTS (SELECT 1 FROM operation o WHERE o.entity_id = e.container_id)
        ORDER BY i.id LIMIT $2",
}

pub(crate) async fn fact(session: &mut Session, name: &str) -> Result<Option<String>> {
    match session.first(&FACT, &[Value::from(name)]).await? {
        Some(mut row) => row.text("value").map(Some),
        None => Ok(None),
    }
}

/// The facts whose name begins with a prefix.
pub(crate) async fn facts(session: &mut Session, prefix: &str) -> Result<Vec<(String, String)>> {
    let values = [Value::from(prefix), Value::from(&format!("{prefix}~"))];
    let rows = session.query(&FACTS, &values).await?;
    rows.into_iter()
        .map(|mut row| Ok((row.text("name")?, row.text("value")?)))
        .collect()
}

pub(crate) async fn set_fact(session: &mut Session, name: &str, value: Option<&str>) -> Result<()> {
    match value {
        Some(value) => {
            let values = [Value::from(name), Value::from(value)];
            session.guarded(&SET_FACT, &values).await
        }
        None => session
            .execute(&DROP_FACT, &[Value::from(name)])
            .await
            .map(|_| ()),
    }
}

/// Removes a fact that still says what was read; `false` when it does not.
pub(crate) async fn take_fact(session: &mut Session, name: &str, value: &str) -> Result<bool> {
    let values = [Value::from(name), Value::from(value)];
    Ok(session.execute(&TAKE_FACT, &values).await? > 0)
}

fn due(ended: &Ended) -> Vec<Value> {
    // What ended before a time was made before it, and ids begin with the time.
    let bound = IdSource::text(ended.before, 0);
    vec![
        Value::from(ended.state.as_str()),
        Value::from(ended.kind.as_str()),
        Value::from(ended.before),
        Value::from(bound.as_str()),
    ]
}

pub(crate) async fn count_ended(session: &mut Session, ended: &Ended) -> Result<u64> {
    super::entity::single_count(session, &COUNT_ENDED, &due(ended)).await
}

/// Ended operations with their attempts, each as one JSON object.
pub(crate) async fn ended(session: &mut Session, ended: &Ended, limit: usize) -> Result<Vec<Json>> {
    let mut values = due(ended);
    values.push(count(limit));
    let rows = session.query(&ENDED, &values).await?;
    let mut operations: Vec<Map<String, Json>> = rows
        .into_iter()
        .map(|row| object(row, &OPERATION))
        .collect();
    let ids: Vec<String> = operations.iter().filter_map(id).collect();
    let mut runs = Vec::new();
    for list in lists(ids.iter().map(String::as_str)) {
        runs.extend(session.query(&RUNS, &list).await?);
    }
    let mut runs: Vec<Map<String, Json>> =
        runs.into_iter().map(|row| object(row, &ATTEMPT)).collect();
    for operation in &mut operations {
        let name = operation.get("id").cloned();
        let (own, others) = runs
            .into_iter()
            .partition::<Vec<_>, _>(|run| run.get("operation_id") == name.as_ref());
        runs = others;
        let own = own.into_iter().map(Json::Object).collect();
        operation.insert("attempts".to_owned(), Json::Array(own));
    }
    Ok(operations.into_iter().map(Json::Object).collect())
}

fn id(operation: &Map<String, Json>) -> Option<String> {
    operation
        .get("id")
        .and_then(Json::as_str)
        .map(str::to_owned)
}

fn object(row: Row, columns: &[&str]) -> Map<String, Json> {
    let json = |value| match value {
        Value::Null => Json::Null,
        Value::Integer(number) => Json::from(number),
        Value::Text(text) => Json::from(text),
    };
    let names = columns.iter().map(|name| (*name).to_owned());
    names.zip(row.into_values().into_iter().map(json)).collect()
}

/// Removes ended operations and their attempts; returns how many there still were.
pub(crate) async fn remove_ended(session: &mut Session, ids: &[OperationId]) -> Result<u64> {
    let mut gone = 0;
    for list in lists(ids.iter().map(OperationId::as_str)) {
        for mut row in session.query(&REMOVE_ENDED, &list).await? {
            row.text("id")?;
            let state = row.name("state", OperationState::parse)?;
            let level = row.integer("priority")?;
            let priority = Priority::from_level(level).ok_or_else(|| row.corrupt("priority"))?;
            if state == OperationState::Failed {
                session.count(OperationState::Failed, priority, -1);
            }
            gone += 1;
        }
        session.execute(&REMOVE_RUNS, &list).await?;
    }
    Ok(gone)
}

/// Puts archived operations back; those that are there already stay as they are. Returns how many were put back.
pub(crate) async fn import_ended(session: &mut Session, operations: &[Json]) -> Result<u64> {
    let mut done = 0;
    for operation in operations {
        let values = columns(operation, &OPERATION)?;
        let name = operation
            .get("id")
            .and_then(Json::as_str)
            .unwrap_or_default();
        let is_queued = session
            .first(&IS_QUEUED, &[Value::from(name)])
            .await?
            .is_some();
        if is_queued || session.execute(&IMPORT_ENDED, &values).await? == 0 {
            continue;
        }
        done += 1;
        let state = operation.get("state").and_then(Json::as_str);
        let level = operation.get("priority").and_then(Json::as_i64);
        if state == Some(OperationState::Failed.as_str())
            && let Some(priority) = level.and_then(Priority::from_level)
        {
            session.count(OperationState::Failed, priority, 1);
        }
        let runs = operation.get("attempts").and_then(Json::as_array);
        for run in runs.into_iter().flatten() {
            session
                .execute(&IMPORT_RUN, &columns(run, &ATTEMPT)?)
                .await?;
        }
    }
    Ok(done)
}

fn columns(object: &Json, names: &[&str]) -> Result<Vec<Value>> {
    let strange = |name: &str| Error::Bug(format!("an archived line has no readable `{name}`"));
    let value = |name: &&str| match object.get(*name) {
        Some(Json::Null) => Ok(Value::Null),
        Some(Json::String(text)) => Ok(Value::from(text)),
        Some(Json::Number(number)) => number
            .as_i64()
            .map(Value::from)
            .ok_or_else(|| strange(name)),
        _ => Err(strange(name)),
    };
    names.iter().map(value).collect()
}

/// How many rows of a sort are due.
pub(crate) async fn count_outworn(
    session: &mut Session,
    sort: Outworn,
    before: Timestamp,
) -> Result<u64> {
    let bound = IdSource::text(before, 0);
    let mut values = vec![Value::from(before)];
    let sql = match sort {
        Outworn::Deliveries => &COUNT_EVENTS,
        Outworn::Journal => {
            values.push(counted(session).await?);
            &COUNT_JOURNAL
        }
        Outworn::Transactions => &COUNT_TRANSACTIONS,
        Outworn::Intents => {
            values.push(Value::from(&bound));
            &COUNT_INTENTS
        }
        Outworn::Attempts => {
            values.push(Value::from(&bound));
            &COUNT_RUNS
        }
        Outworn::Hours => &COUNT_HOURS,
    };
    super::entity::single_count(session, sql, &values).await
}

/// Up to which entry the journal is counted into the hours: no entry goes before it is.
async fn counted(session: &mut Session) -> Result<Value> {
    let position = cursor::get(session, "tally").await?.unwrap_or_default();
    Ok(Value::from(&position))
}

/// Removes what is due of a sort, at most `limit` rows; returns how many went.
pub(crate) async fn remove_outworn(
    session: &mut Session,
    sort: Outworn,
    before: Timestamp,
    limit: usize,
) -> Result<u64> {
    let mut values = vec![Value::from(before), count(limit)];
    match sort {
        Outworn::Deliveries => super::webhook_event::prune(session, before, limit).await,
        Outworn::Journal => {
            values.push(counted(session).await?);
            session.execute(&REMOVE_JOURNAL, &values).await
        }
        Outworn::Transactions => super::sync_transaction::prune(session, before, limit).await,
        Outworn::Intents => {
            values.push(Value::from(&IdSource::text(before, 0)));
            session.execute(&REMOVE_INTENTS, &values).await
        }
        Outworn::Attempts => super::attempt::prune(session, before, limit).await,
        Outworn::Hours => fold_hours(session, &values).await,
    }
}

/// Adds hours to their day, which then stands at its first hour.
async fn fold_hours(session: &mut Session, values: &[Value]) -> Result<u64> {
    let mut folded = 0;
    for mut row in session.query(&TAKE_HOURS, values).await? {
        let hour = row.integer("hour_ms")?;
        let course = row.text("course_id")?;
        let name = row.text("name")?;
        let entries = row.integer("entries")?;
        let mut key = [
            Value::from(hour),
            Value::from(&course),
            Value::from(&name),
            Value::from(entries),
        ];
        session.guarded(&REMOVE_HOUR, &key).await?;
        if let Some(first) = key.first_mut() {
            *first = Value::from(hour - hour.rem_euclid(DAY_MS));
        }
        session.guarded(&ADD_DAY, &key).await?;
        folded += 1;
    }
    Ok(folded)
}

/// What waits for nobody: entities that are pending or have an open intent, and no operation that would go on.
pub(crate) async fn left_behind(
    session: &mut Session,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<Left>> {
    let values = [Value::from(before), count(limit)];
    let mut left = Vec::new();
    for (sql, has_intent) in [(&LEFT_PENDING, false), (&LEFT_OPEN, true)] {
        for mut row in session.query(sql, &values).await? {
            left.push(Left {
                entity: EntityId(row.text("id")?),
                course: EntityId(row.text("course_id")?),
                topic: EntityId(row.text("container_id")?),
                has_intent,
            });
        }
    }
    Ok(left)
}

/// Makes one entity of two that are the same item: `kept` is stored as given, with the copies of both; what belongs to
/// the other belongs to it from here on, and its held work ends.
pub(crate) async fn join(
    session: &mut Session,
    kept: &Entity,
    gone: &EntityId,
    at: Timestamp,
) -> Result<()> {
    let pair = [Value::from(gone), Value::from(&kept.id)];
    let lone = [Value::from(gone)];
    for sql in [
        &MOVE_CHILDREN,
        &MOVE_ANSWERS,
        &MOVE_CONFLICTS,
        &MOVE_INTENTS,
    ] {
        session.execute(sql, &pair).await?;
    }
    for mut row in session.query(&HELD_OF, &lone).await? {
        let operation = OperationId(row.text("id")?);
        let who = ("restore", "It stands on both sides already.");
        super::operation::manual::cancel(session, &operation, who, at).await?;
    }
    session.execute(&DROP_REPLICAS, &lone).await?;
    session.guarded(&DROP_ENTITY, &lone).await?;
    super::entity::save(session, kept).await
}

/// Forgets the topics and posts of a course, with their conflicts and what waits for them.
pub(crate) async fn forget_items(
    session: &mut Session,
    course: &EntityId,
    at: Timestamp,
) -> Result<()> {
    let values = [Value::from(course)];
    for mut row in session.query(&WORK_OF, &values).await? {
        let operation = OperationId(row.text("id")?);
        let who = ("match undo", "Matching starts again.");
        super::operation::manual::cancel(session, &operation, who, at).await?;
    }
    for sql in [
        &FORGET_CONFLICTS,
        &FORGET_INTENTS,
        &FORGET_REPLICAS,
        &FORGET_ENTITIES,
    ] {
        session.execute(sql, &values).await?;
    }
    let feed = |system: System| Value::from(&format!("feed:{system}:{course}"));
    let feeds = [feed(System::Canvas), feed(System::Discourse)];
    session.execute(&FORGET_CURSORS, &feeds).await?;
    Ok(())
}

/// Whether an intent of a course was done or may have been.
pub(crate) async fn is_written(session: &mut Session, course: &EntityId) -> Result<bool> {
    let found = session.first(&INTENT_OF, &[Value::from(course)]).await?;
    Ok(found.is_some())
}
