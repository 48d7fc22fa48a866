//! The ends of many runs at once: each fenced by its attempt and recorded one by one, in few statements.

use std::collections::BTreeSet;

use model::OperationId;

use super::{read_priority, run, turn};
use crate::error::{Error, Result};
use crate::operation::{Finished, OperationState, Outcome};
use crate::session::Session;
use crate::sql::statements;
use crate::value::{Row, Value, json_or_null};

/// What an ended operation keeps of itself.
macro_rules! kept {
    () => {
        "id, kind, subject, entity_id, course_id, system, remote_id, batch_key, reason, priority, attempt_count, \
         run_count, created_ms"
    };
}

// SQLite reads the ends from `given`: id, run, time, state, failure and note; a cross join is not turned round.
macro_rules! fenced {
    () => {
        " FROM temp.given AS e CROSS JOIN operation AS o WHERE o.id = e.a AND o.run_count = e.b AND o.lease_owner = $1 \
         AND o.state = 'in_progress'"
    };
}

statements! { "operation";
    KEEP_OPERATION = concat!("INSERT INTO operation_history (", kept!(), ", ended_ms, state, failure, note) SELECT ",
        kept!(), ", e.c, e.d, e.e, e.f", fenced!()); only Sqlite,
    KEEP_ATTEMPT = concat!("INSERT INTO attempt (operation_id, number, owner, started_ms, ended_ms, result, failure)
        SELECT id, run_count, lease_owner, started_ms, e.c, e.d, e.e", fenced!()); only Sqlite,
    TAKE_OUT = concat!("DELETE FROM operation WHERE rowid IN (SELECT o.rowid", fenced!(), ")"); only Sqlite,
    // PostgreSQL's text does the work of the others too.
    LOOK = concat!("SELECT id, batch_key, priority, turn", fenced!());
        postgres concat!("WITH gone AS (DELETE FROM operation o USING unnest($2::text[], $3::bigint[], $4::bigint[],
            $5::text[], $6::text[], $7::text[]) AS e (ended_id, ended_run, ended_ms, result, ended_failure, note)
            WHERE o.id = e.ended_id AND o.run_count = e.ended_run AND o.lease_owner || '' = $1
            AND o.state || '' = 'in_progress'
            RETURNING o.*, e.*),
        kept AS (INSERT INTO operation_history (", kept!(), ", ended_ms, state, failure, note)
            SELECT ", kept!(), ", ended_ms, result, ended_failure, note FROM gone),
        tried AS (INSERT INTO attempt (operation_id, number, owner, started_ms, ended_ms, result, failure)
            SELECT id, run_count, lease_owner, started_ms, ended_ms, result, ended_failure FROM gone)
        SELECT id, batch_key, priority, turn FROM gone"),
}

/// Ends runs of an owner; returns the operations whose run is not the owner's any more: nothing is stored for them.
pub(crate) async fn end_all(
    session: &mut Session,
    owner: &str,
    finished: &[Finished],
) -> Result<Vec<OperationId>> {
    let mut rows = Vec::with_capacity(finished.len());
    let mut others = Vec::new();
    let mut failed = BTreeSet::new();
    for one in finished {
        match row(one)? {
            Some(row) => rows.push(row),
            None => others.push(one),
        }
        if matches!(one.outcome, Outcome::Failed(_)) {
            failed.insert(one.operation.as_str());
        }
    }
    let mut ended = BTreeSet::new();
    let mut keys = BTreeSet::new();
    for mut row in take_out(session, owner, &rows).await? {
        let id = row.text("id")?;
        let batch_key = row.text("batch_key")?;
        let priority = read_priority(&mut row)?;
        if row.integer("turn")? == 2 {
            keys.insert(batch_key);
        }
        session.count(OperationState::InProgress, priority, -1);
        if failed.contains(id.as_str()) {
            session.count(OperationState::Failed, priority, 1);
        }
        ended.insert(id);
    }
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    turn::pass_on(session, &keys).await?;
    for one in others {
        let which = (&one.operation, Some(one.attempt));
        match run::finish(session, which, owner, &one.outcome, one.at).await {
            Ok(()) => {
                ended.insert(one.operation.as_str().to_owned());
            }
            // The first statement of it missed: nothing was changed.
            Err(Error::Stale { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let refused = finished.iter().map(|one| &one.operation);
    let refused = refused.filter(|id| !ended.contains(id.as_str()));
    Ok(refused.cloned().collect())
}

/// The parameters of an end that takes the operation out of the queue; `None` when it stays in.
fn row(one: &Finished) -> Result<Option<Vec<Value>>> {
    let (state, failure, note) = match &one.outcome {
        Outcome::Completed => (OperationState::Completed, None, None),
        Outcome::Failed(failure) => (OperationState::Failed, Some(failure), None),
        Outcome::Cancelled { reason } => (OperationState::Cancelled, None, Some(reason)),
        Outcome::Retry { .. } | Outcome::Held(_) => return Ok(None),
    };
    // An attempt's result and an ended operation's state have the same names.
    Ok(Some(vec![
        Value::from(&one.operation),
        Value::from(one.attempt),
        Value::from(one.at),
        Value::from(state.as_str()),
        json_or_null(failure)?,
        Value::from(note),
    ]))
}

async fn take_out(session: &mut Session, owner: &str, rows: &[Vec<Value>]) -> Result<Vec<Row>> {
    let owner = Value::from(owner);
    if !session.is_sqlite() {
        return session.many(&LOOK, &[owner], rows).await;
    }
    // Nothing comes between: all see the same rows, and the same ends.
    let shared = [owner];
    let gone = session.many(&LOOK, &shared, rows).await?;
    for sql in [&KEEP_OPERATION, &KEEP_ATTEMPT, &TAKE_OUT] {
        session.execute(sql, &shared).await?;
    }
    Ok(gone)
}
