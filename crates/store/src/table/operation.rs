//! Table `operation`: the hot part of the queue. What ends moves to `operation_history`.
//!
//! A change of state takes the row out and puts it in again, so that one statement is the only way into each state and
//! meets the rules of that state: a second waiting operation of a subject is folded into the first. Who takes a row out
//! says so with `left`.
// tidy: long because the row, the one way in and the rules of folding belong together

pub(crate) mod claim;
pub(crate) mod end;
pub(crate) mod list;
pub(crate) mod manual;
pub(crate) mod recover;
pub(crate) mod run;
pub(crate) mod turn;

use std::collections::{BTreeMap, BTreeSet};

use model::{Entity, EntityId, Failure, OperationId, RemoteId, System, Timestamp};

use crate::error::{Error, Result};
use crate::operation::{NewOperation, Operation, OperationKind, OperationState, Priority};
use crate::session::Session;
use crate::sql::statements;
use crate::table::operation_history::{self, Ended};
use crate::table::{course_share, replica, worker};
use crate::value::{Row, Value, json_or_null};

/// The columns in the order in which [`read`] takes them.
macro_rules! columns {
    () => {
        "id, kind, subject, entity_id, course_id, system, remote_id, batch_key, reason, priority, rank_ms, \
         not_before_ms, blocked_on, state, attempt_count, run_count, lost_count, returned_count, lease_owner, \
         started_ms, failure, created_ms, updated_ms, turn"
    };
}
pub(crate) use columns;

macro_rules! insert {
    () => {
        concat!(
            "INSERT INTO operation (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, \
             $21, $22, $23, $24)"
        )
    };
}

macro_rules! insert_all {
    () => {
        concat!(
            "INSERT INTO operation (",
            columns!(),
            ") SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], \
             $7::text[], $8::text[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::text[], \
             $14::text[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::text[], $20::bigint[], \
             $21::text[], $22::bigint[], $23::bigint[], $24::bigint[])"
        )
    };
}

// The earliest time, the highest priority and every reason stay; it is blocked only when both are; whose system it is
// stays only when both say the same.
macro_rules! fold {
    () => {
        " ON CONFLICT (subject, state) DO UPDATE SET
        entity_id = COALESCE(operation.entity_id, excluded.entity_id),
        course_id = COALESCE(operation.course_id, excluded.course_id),
        system = CASE WHEN operation.system = excluded.system THEN operation.system ELSE NULL END,
        remote_id = CASE WHEN operation.system = excluded.system AND operation.remote_id = excluded.remote_id
            THEN operation.remote_id ELSE NULL END,
        reason = CASE WHEN replace(', ' || operation.reason || ', ', ', ' || excluded.reason || ', ', '')
                <> ', ' || operation.reason || ', ' THEN operation.reason
            WHEN length(operation.reason) > 1000 THEN operation.reason
            ELSE operation.reason || ', ' || excluded.reason END,
        priority = CASE WHEN excluded.priority < operation.priority THEN excluded.priority ELSE operation.priority END,
        rank_ms = CASE WHEN excluded.rank_ms < operation.rank_ms THEN excluded.rank_ms ELSE operation.rank_ms END,
        not_before_ms = CASE WHEN excluded.not_before_ms < operation.not_before_ms THEN excluded.not_before_ms
            ELSE operation.not_before_ms END,
        turn = CASE WHEN excluded.batch_key = operation.batch_key AND excluded.turn > operation.turn
            THEN excluded.turn ELSE operation.turn END,
        folded_priority = operation.priority,
        blocked_on = CASE WHEN excluded.blocked_on IS NULL THEN NULL ELSE operation.blocked_on END,
        attempt_count = CASE WHEN excluded.attempt_count > operation.attempt_count THEN excluded.attempt_count
            ELSE operation.attempt_count END,
        lost_count = CASE WHEN excluded.lost_count > operation.lost_count THEN excluded.lost_count
            ELSE operation.lost_count END,
        returned_count = CASE WHEN excluded.returned_count > operation.returned_count THEN excluded.returned_count
            ELSE operation.returned_count END,
        failure = COALESCE(excluded.failure, operation.failure),
        updated_ms = excluded.updated_ms
        RETURNING id, subject, batch_key, priority, folded_priority, turn"
    };
}

statements! { "operation";
    INSERT = insert!(),
    INSERT_PENDING = concat!("INSERT INTO operation (", columns!(), ") SELECT * FROM temp.given WHERE true", fold!());
        postgres concat!(insert_all!(), fold!()),
    BLOCKER_OF = "SELECT blocked_on FROM operation WHERE entity_id = $1 AND blocked_on IS NOT NULL
        ORDER BY id LIMIT 1",
    RELEASE_BLOCKED = "UPDATE operation SET blocked_on = NULL, updated_ms = $5 WHERE blocked_on IN ($1, $2, $3, $4)",
    TAKE_HELD_OF_SUBJECT = concat!("DELETE FROM operation WHERE subject = $1 AND state = 'held'
        RETURNING ", columns!()),
}

/// Chains of waiting operations longer than this are refused like cycles.
const CHAIN_MAX: usize = 100;

/// An operation with what only the queue itself needs.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) operation: Operation,
    pub(crate) rank_ms: i64,
    pub(crate) lost_count: i64,
    pub(crate) returned_count: i64,
    pub(crate) started_at: Option<Timestamp>,
    /// 2: its key's turn; 1: due, and waits for it; 0: neither.
    pub(crate) turn: i64,
}

impl Stored {
    fn new(new: &NewOperation, state: OperationState) -> Self {
        Self {
            operation: Operation {
                id: new.id.clone(),
                kind: new.kind,
                subject: new.subject.clone(),
                entity: new.entity.clone(),
                course: new.course.clone(),
                system: new.system,
                remote: new.remote.clone(),
                batch_key: new.batch_key.clone(),
                reason: new.reason.clone(),
                priority: new.priority,
                not_before: new.not_before,
                blocked_on: new.blocked_on.clone(),
                state,
                attempt_count: 0,
                run_count: 0,
                lease_owner: None,
                lease_until: None,
                failure: None,
                note: None,
                created_at: new.at,
                updated_at: new.at,
            },
            rank_ms: rank(new.priority, new.not_before, new.at),
            lost_count: 0,
            returned_count: 0,
            started_at: None,
            turn: 0,
        }
    }

    /// Whether it could be claimed if nothing of its key came first.
    pub(crate) fn is_due(&self) -> bool {
        let operation = &self.operation;
        operation.state == OperationState::Pending
            && operation.blocked_on.is_none()
            && operation.not_before <= operation.updated_at
    }

    /// Whether it stands before another in the order of claims.
    pub(crate) fn is_before(&self, other: &Self) -> bool {
        (self.rank_ms, &self.operation.id) < (other.rank_ms, &other.operation.id)
    }

    /// Makes it wait until `not_before`.
    pub(crate) fn wait_until(&mut self, not_before: Timestamp, at: Timestamp) {
        self.operation.state = OperationState::Pending;
        self.operation.not_before = not_before;
        self.operation.updated_at = at;
        self.operation.lease_owner = None;
        self.operation.lease_until = None;
        self.started_at = None;
        self.turn = 0;
        self.rank_ms = rank(self.operation.priority, not_before, at);
    }

    /// Adds a word to the reason, once.
    pub(crate) fn add_reason(&mut self, word: &str) {
        let reason = &mut self.operation.reason;
        if !reason.split(", ").any(|known| known == word) {
            if !reason.is_empty() {
                reason.push_str(", ");
            }
            reason.push_str(word);
        }
    }

    fn values(&self) -> Result<Vec<Value>> {
        let operation = &self.operation;
        Ok(vec![
            Value::from(&operation.id),
            Value::from(operation.kind.as_str()),
            Value::from(&operation.subject),
            Value::from(operation.entity.as_ref()),
            Value::from(operation.course.as_ref()),
            Value::from(operation.system.map(System::as_str)),
            Value::from(operation.remote.as_ref()),
            Value::from(&operation.batch_key),
            Value::from(&operation.reason),
            Value::from(operation.priority.level()),
            Value::from(self.rank_ms),
            Value::from(operation.not_before),
            Value::from(operation.blocked_on.as_ref()),
            Value::from(operation.state.as_str()),
            Value::from(operation.attempt_count),
            Value::from(operation.run_count),
            Value::from(self.lost_count),
            Value::from(self.returned_count),
            Value::from(operation.lease_owner.as_ref()),
            Value::from(self.started_at),
            json_or_null(operation.failure.as_ref())?,
            Value::from(operation.created_at),
            Value::from(operation.updated_at),
            Value::from(self.turn),
        ])
    }
}

/// The place in the order of claims: when it is due, plus what its priority lets pass.
fn rank(priority: Priority, not_before: Timestamp, at: Timestamp) -> i64 {
    not_before.max(at).plus_ms(priority.patience_ms()).0
}

/// Queues an operation or folds it into the waiting one of the same subject.
pub(crate) async fn enqueue(session: &mut Session, new: &NewOperation) -> Result<()> {
    let mut stored = Stored::new(new, OperationState::Pending);
    (stored.rank_ms, _) = course_share::take(session, new, stored.rank_ms, 1).await?;
    if let Some(blocker) = &new.blocked_on {
        if replica::is_there(session, blocker).await? {
            stored.operation.blocked_on = None;
        } else {
            refuse_cycle(session, new, blocker).await?;
        }
    }
    insert_pending(session, &mut [stored]).await.map(|_| ())
}

/// Queues operations of different subjects that wait for nothing, in their order.
pub(crate) async fn enqueue_all(session: &mut Session, new: &[&NewOperation]) -> Result<()> {
    let mut stored: Vec<Stored> = new
        .iter()
        .map(|one| Stored::new(one, OperationState::Pending))
        .collect();
    let mut groups: BTreeMap<(&EntityId, Priority), Vec<usize>> = BTreeMap::new();
    for (index, one) in new.iter().enumerate() {
        if let Some(course) = &one.course {
            let group = groups.entry((course, one.priority)).or_default();
            group.push(index);
        }
    }
    for indexes in groups.into_values() {
        let members = indexes.iter().filter_map(|index| stored.get(*index));
        let Some(rank_ms) = members.map(|one| one.rank_ms).max() else {
            continue;
        };
        let Some(first) = indexes.first().and_then(|index| new.get(*index)) else {
            continue;
        };
        let (mut place, step) = course_share::take(session, first, rank_ms, indexes.len()).await?;
        for index in indexes {
            if let Some(one) = stored.get_mut(index) {
                one.rank_ms = one.rank_ms.max(place);
            }
            place = place.saturating_add(step);
        }
    }
    insert_pending(session, &mut stored).await.map(|_| ())
}

/// Puts waiting operations of different subjects in; returns the id under which the last one goes on: its own, or
/// that of the one it was folded into.
async fn insert_pending(
    session: &mut Session,
    stored: &mut [Stored],
) -> Result<Option<OperationId>> {
    turn::assign(session, stored).await?;
    let values = stored
        .iter()
        .map(Stored::values)
        .collect::<Result<Vec<_>>>()?;
    let rows = session.many(&INSERT_PENDING, &[], &values).await?;
    if rows.len() != stored.len() {
        return Err(Error::Stale { what: "operation" });
    }
    let subjects: BTreeMap<&str, &Operation> = stored
        .iter()
        .map(|one| (one.operation.subject.as_str(), &one.operation))
        .collect();
    let last = stored.last().map(|one| one.operation.subject.as_str());
    let mut goes_on = None;
    let mut unsettled = BTreeSet::new();
    for mut row in rows {
        let id = row.text("id")?;
        let subject = row.text("subject")?;
        let batch_key = row.text("batch_key")?;
        let priority = read_priority(&mut row)?;
        let folded = row.optional_integer("folded_priority")?;
        if row.integer("turn")? == 2 {
            session.made_ready();
        }
        let Some(wish) = subjects.get(subject.as_str()) else {
            return Err(Error::Bug(format!("{subject} was not to be queued")));
        };
        if wish.id.as_str() == id {
            session.count(OperationState::Pending, priority, 1);
        } else {
            let before = folded.and_then(Priority::from_level).unwrap_or(priority);
            session.count(OperationState::Pending, before, -1);
            session.count(OperationState::Pending, priority, 1);
            unsettled.insert(wish.batch_key.clone());
            unsettled.insert(batch_key);
        }
        if Some(subject.as_str()) == last {
            goes_on = Some(OperationId(id));
        }
    }
    if !unsettled.is_empty() {
        let keys: Vec<&str> = unsettled.iter().map(String::as_str).collect();
        turn::settle(session, &keys).await?;
    }
    Ok(goes_on)
}

/// What must happen after an operation was taken out of the table: its count, and its key's turn.
async fn left(session: &mut Session, gone: &Stored) -> Result<()> {
    session.count(gone.operation.state, gone.operation.priority, -1);
    if gone.turn == 2 {
        turn::pass_on(session, &[&gone.operation.batch_key]).await?;
    }
    Ok(())
}

/// Puts an operation that was taken out back among the waiting ones. One that is folded into another ends as
/// cancelled.
async fn requeue(session: &mut Session, mut stored: Stored) -> Result<()> {
    let id = insert_pending(session, std::slice::from_mut(&mut stored))
        .await?
        .ok_or(Error::Stale { what: "operation" })?;
    if id == stored.operation.id {
        return Ok(());
    }
    let ended = Ended {
        state: OperationState::Cancelled,
        failure: stored.operation.failure.as_ref(),
        note: Some(format!("merged into operation {id}")),
        at: stored.operation.updated_at,
    };
    operation_history::add(session, &stored.operation, ended).await
}

/// Puts an operation that was taken out among the held ones; an older held one of the same subject is replaced.
async fn put_on_hold(
    session: &mut Session,
    mut stored: Stored,
    failure: &Failure,
    at: Timestamp,
) -> Result<()> {
    stored.wait_until(at, at);
    stored.operation.state = OperationState::Held;
    stored.operation.failure = Some(failure.clone());
    let values = [Value::from(&stored.operation.subject)];
    for row in session.query(&TAKE_HELD_OF_SUBJECT, &values).await? {
        let older = read(row)?;
        left(session, &older).await?;
        let ended = Ended {
            state: OperationState::Cancelled,
            failure: older.operation.failure.as_ref(),
            note: Some(format!("replaced by operation {}", stored.operation.id)),
            at,
        };
        operation_history::add(session, &older.operation, ended).await?;
    }
    session.count(OperationState::Held, stored.operation.priority, 1);
    session.guarded(&INSERT, &stored.values()?).await
}

/// Queues an operation that runs at once, beside the one of its batch key that the owner runs.
pub(crate) async fn start(
    session: &mut Session,
    new: &NewOperation,
    owner: &str,
    lease_until: Timestamp,
) -> Result<()> {
    worker::keep(session, owner, lease_until).await?;
    let holders = turn::holders(session, &[&new.batch_key]).await?;
    let holder = holders
        .get(&new.batch_key)
        .and_then(|one| one.runner.as_deref());
    if holder != Some(owner) {
        return Err(Error::Stale { what: "lease" });
    }
    let mut stored = Stored::new(new, OperationState::InProgress);
    stored.operation.blocked_on = None;
    stored.operation.attempt_count = 1;
    stored.operation.run_count = 1;
    stored.operation.lease_owner = Some(owner.to_owned());
    stored.operation.lease_until = Some(lease_until);
    stored.started_at = Some(new.at);
    session.count(OperationState::InProgress, new.priority, 1);
    session.guarded(&INSERT, &stored.values()?).await
}

/// Lets go what waited for this entity or for one of its replicas; the next claim finds it due.
pub(crate) async fn release_blocked(session: &mut Session, entity: &Entity) -> Result<()> {
    let mut values = vec![Value::from(&entity.id)];
    values.extend(System::ALL.iter().map(|system| {
        let there = entity.replicas.contains_key(system);
        there
            .then(|| format!("{}@{system}", entity.id))
            .as_ref()
            .into()
    }));
    values.push(Value::from(entity.updated_at));
    session.execute(&RELEASE_BLOCKED, &values).await.map(|_| ())
}

/// Follows what the blocker waits for; it must not lead back.
async fn refuse_cycle(session: &mut Session, new: &NewOperation, blocker: &str) -> Result<()> {
    let mut next = entity_of(blocker).to_owned();
    for _ in 0..CHAIN_MAX {
        if new.entity.as_ref().map(EntityId::as_str) == Some(next.as_str()) {
            break;
        }
        match session
            .first(&BLOCKER_OF, &[Value::from(next.as_str())])
            .await?
        {
            Some(mut row) => entity_of(&row.text("blocked_on")?).clone_into(&mut next),
            None => return Ok(()),
        }
    }
    Err(Error::Cycle {
        subject: new.subject.clone(),
    })
}

/// The entity's id in what an operation waits for: `ID` or `ID@system`.
fn entity_of(blocker: &str) -> &str {
    blocker.split_once('@').map_or(blocker, |(id, _)| id)
}

/// Reads the columns of `columns!`.
pub(crate) fn read(row: Row) -> Result<Stored> {
    read_with_rest(row).map(|(stored, _)| stored)
}

/// Reads the columns of `columns!`, and leaves what comes after them.
fn read_with_rest(mut row: Row) -> Result<(Stored, Row)> {
    let id = OperationId(row.text("id")?);
    let kind = row.name("kind", OperationKind::parse)?;
    let subject = row.text("subject")?;
    let entity = row.optional_text("entity_id")?.map(EntityId);
    let course = row.optional_text("course_id")?.map(EntityId);
    let system = row.optional_name("system", System::parse)?;
    let remote = row.optional_text("remote_id")?.map(RemoteId);
    let batch_key = row.text("batch_key")?;
    let reason = row.text("reason")?;
    let priority = read_priority(&mut row)?;
    let rank_ms = row.integer("rank_ms")?;
    let not_before = row.time("not_before_ms")?;
    let blocked_on = row.optional_text("blocked_on")?;
    let state = row.name("state", OperationState::parse)?;
    let attempt_count = row.number("attempt_count")?;
    let run_count = row.number("run_count")?;
    let lost_count = row.integer("lost_count")?;
    let returned_count = row.integer("returned_count")?;
    let lease_owner = row.optional_text("lease_owner")?;
    let started_at = row.optional_time("started_ms")?;
    let operation = Operation {
        id,
        kind,
        subject,
        entity,
        course,
        system,
        remote,
        batch_key,
        reason,
        priority,
        not_before,
        blocked_on,
        state,
        attempt_count,
        run_count,
        lease_owner,
        lease_until: None,
        failure: row.failure()?,
        note: None,
        created_at: row.time("created_ms")?,
        updated_at: row.time("updated_ms")?,
    };
    let turn = row.integer("turn")?;
    let stored = Stored {
        operation,
        rank_ms,
        lost_count,
        returned_count,
        started_at,
        turn,
    };
    Ok((stored, row))
}

pub(crate) fn read_priority(row: &mut Row) -> Result<Priority> {
    let level = row.integer("priority")?;
    Priority::from_level(level).ok_or_else(|| row.corrupt("priority"))
}
