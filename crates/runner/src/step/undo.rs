//! Undoes a sync transaction that failed for good: the steps that were done, in reverse order, then the entity as it was
//! before (design section 7).
//!
//! It can be killed anywhere: the log says what is still to be undone, and every undoing write looks before it writes.

use std::collections::{BTreeMap, BTreeSet};

use engine::{PlannedWrite, Standing, Undo, Undone};
use model::{
    Action, Class, EntityId, Existence, Failure, IntentState, OperationId, Phase, Record,
    RemoteItem, Sighting, Status, Step, System, VersionVector, WriteResult,
};
use store::{Change, ConflictFilter, Outcome, TransactionResult};

use super::{Batch, bug, decide, finish, outcome, write};
use crate::mutation::{Mutation, is_on};

/// The operation that undoes.
#[derive(Debug, Clone)]
pub(super) struct Runner {
    pub(super) operation: OperationId,
    pub(super) attempt: u32,
}

/// Goes on with what an earlier attempt began to undo.
pub(crate) async fn resume(batch: &mut Batch<'_>) -> Result<(), store::Error> {
    let turned: Vec<EntityId> = batch
        .transactions
        .keys()
        .filter(|id| batch.turns_back(id))
        .cloned()
        .collect();
    for id in turned {
        let runner = batch.operation_of(&id).map(|operation| Runner {
            operation: operation.id.clone(),
            attempt: operation.attempt_count,
        });
        if let Some(runner) = runner {
            undo(batch, &id, &runner).await?;
        }
    }
    Ok(())
}

/// Turns an entity's transaction back because of `cause` and undoes it.
pub(super) async fn turn_back(
    batch: &mut Batch<'_>,
    id: &EntityId,
    runner: &Runner,
    (cause, mut changes): (&Failure, Vec<Change>),
) -> Result<(), store::Error> {
    if let Some(prepared) = batch.transactions.get_mut(id) {
        prepared.cause = Some(cause.clone());
        changes.push(Change::TurnBack {
            id: prepared.transaction.id.clone(),
            cause: cause.clone(),
        });
    }
    batch.flush(changes).await?;
    undo(batch, id, runner).await
}

async fn undo(batch: &mut Batch<'_>, id: &EntityId, runner: &Runner) -> Result<(), store::Error> {
    batch
        .operations
        .retain(|claimed| claimed.id != runner.operation);
    let undos = batch
        .transactions
        .get(id)
        .map(|prepared| engine::undos(&prepared.transaction.steps))
        .filter(|_| !is_on(Mutation::SkipUndo))
        .unwrap_or_default();
    let mut shown = match read(batch, id, &undos).await {
        Ok(shown) => shown,
        Err(failure) => return stop(batch, id, runner, &failure).await,
    };
    let mut changed: BTreeSet<System> = BTreeSet::new();
    for undo in &undos {
        let item = shown.get(&undo.system);
        let standing = engine::standing(undo, item);
        let present = item.cloned().unwrap_or_else(deleted);
        if standing == Standing::Changed {
            changed.insert(undo.system);
        }
        let is_changed = changed.contains(&undo.system);
        if is_changed || standing == Standing::AsBefore {
            let line = if is_changed && !is_tried(batch, id, undo.system) {
                line(batch, undo, Phase::Skip, Ok(Record::default()))
            } else {
                line(batch, undo, Phase::Compensate, Ok(present))
            };
            let noted = batch.note(id, line);
            batch.flush(noted.into_iter().collect()).await?;
            continue;
        }
        match give_back(batch, id, runner, (undo, present)).await? {
            Ok(record) => shown.insert(undo.system, record),
            Err(failure) => return stop(batch, id, runner, &failure).await,
        };
    }
    end(batch, id, runner).await
}

/// Whether an undoing write was sent and its answer lost. A change that a person made since may then have been made on top
/// of what was there before: it is taken for one, so that it does not outweigh the words that they may not have seen.
fn is_tried(batch: &Batch<'_>, id: &EntityId, system: System) -> bool {
    batch
        .intents
        .iter()
        .any(|intent| intent.entity == *id && intent.system == system)
}

fn deleted() -> Record {
    Record {
        deleted: true,
        ..Record::default()
    }
}

/// What the systems whose steps are to be undone show now.
async fn read(
    batch: &Batch<'_>,
    id: &EntityId,
    undos: &[Undo],
) -> Result<BTreeMap<System, Record>, Failure> {
    let mut shown = BTreeMap::new();
    let systems: BTreeSet<System> = undos.iter().map(|undo| undo.system).collect();
    for system in systems {
        let (Some(connector), Some(topic), Some(replica)) = (
            batch.world.connector(system),
            batch.remote(&batch.topic, system),
            batch.remote(id, system),
        ) else {
            continue;
        };
        let thread = connector
            .thread(&topic.remote)
            .await
            .map_err(|error| error.0)?;
        let items: Vec<RemoteItem> = std::iter::once(thread.topic).chain(thread.posts).collect();
        let item = items.into_iter().find(|item| item.remote == replica.remote);
        if let Some(Sighting::Present(record)) = item.map(|item| item.sighting) {
            shown.insert(system, record);
        }
    }
    Ok(shown)
}

fn line(batch: &Batch<'_>, undo: &Undo, phase: Phase, result: Result<Record, Failure>) -> Step {
    let (after, failure) = match result {
        Ok(record) => (Some(record), None),
        Err(failure) => (None, Some(failure)),
    };
    Step {
        number: undo.number,
        system: undo.system,
        action: undo.action,
        phase,
        before: Some(undo.after.clone()),
        after,
        failure,
        at: batch.world.now(),
    }
}

/// Writes what a system had before, guarded by what it shows now; returns what it has then.
async fn give_back(
    batch: &mut Batch<'_>,
    id: &EntityId,
    runner: &Runner,
    (undo, present): (&Undo, Record),
) -> Result<Result<Record, Failure>, store::Error> {
    let Some(entity) = batch.entities.get(id).cloned() else {
        return Ok(Ok(present));
    };
    let generation = entity
        .replica(undo.system)
        .map_or(1, |replica| replica.generation);
    let mut fields = present.differing_fields(&undo.before);
    fields.retain(|field| undo.fields.contains(field));
    let planned = PlannedWrite {
        system: undo.system,
        action: undo.action,
        record: undo.before.clone(),
        fields,
        expected: Some(present),
        vector: VersionVector::new(),
        key: engine::create_key(&entity, generation),
    };
    let planned = decide::possible(batch, &entity, planned);
    let intent = decide::intent_of(batch, id, &runner.operation, &planned);
    batch
        .flush(vec![Change::OpenIntent(intent.clone())])
        .await?;
    batch.renew().await?;
    let result = match write::send(batch, id, &planned, &intent.id).await {
        Ok(result) => result,
        Err(failure) => {
            let mut changes = Vec::new();
            if failure.class != Class::UnknownOutcome {
                changes.push(close(batch, &intent.id, IntentState::Abandoned));
            }
            let line = line(batch, undo, Phase::Compensate, Err(failure.clone()));
            changes.extend(batch.note(id, line));
            batch.flush(changes).await?;
            return Ok(Err(failure));
        }
    };
    let record = Record {
        deleted: planned.action == Action::Delete,
        ..result.record.clone()
    };
    take_over(batch, id, &planned, &result);
    let mut changes = vec![close(batch, &intent.id, IntentState::Applied)];
    let line = line(batch, undo, Phase::Compensate, Ok(record.clone()));
    changes.extend(batch.note(id, line));
    let how = format!("Taken back in {}.", undo.system.title());
    changes.push(batch.log(&entity, Some(undo.system), "taken_back", how));
    batch.flush(changes).await?;
    Ok(Ok(record))
}

fn close(batch: &Batch<'_>, id: &model::IntentId, state: IntentState) -> Change {
    Change::CloseIntent {
        id: id.clone(),
        state,
        receipt: None,
        at: batch.world.now(),
    }
}

/// The ids and notes that a write gave, for the state that is stored at the end.
fn take_over(batch: &mut Batch<'_>, id: &EntityId, planned: &PlannedWrite, result: &WriteResult) {
    let replica = batch
        .entities
        .get_mut(id)
        .and_then(|entity| entity.replicas.get_mut(&planned.system));
    if let Some(replica) = replica {
        replica.remote = result.remote.clone();
        replica.mark.clone_from(&result.mark);
        if planned.action == Action::Create {
            replica.generation = replica.generation.saturating_add(1);
            replica.existence = Existence::Present;
        }
    }
}

/// Undoing failed: it is tried again, or it is stuck and a person must look.
async fn stop(
    batch: &mut Batch<'_>,
    id: &EntityId,
    runner: &Runner,
    failure: &Failure,
) -> Result<(), store::Error> {
    let mut outcome = outcome::after(batch.world, runner.attempt, failure);
    let mut reason = failure.clone();
    let mut changes = Vec::new();
    if !matches!(outcome, Outcome::Retry { .. }) {
        reason = stuck(failure);
        outcome = Outcome::Failed(reason.clone());
        if let Some(prepared) = batch.transactions.get_mut(id) {
            prepared.stuck = Some(reason.clone());
            changes.push(Change::Stick {
                id: prepared.transaction.id.clone(),
                why: reason.clone(),
            });
        }
    }
    if let Some(entity) = batch.entities.get(id).cloned() {
        let entity = outcome::mark(entity, &outcome, &reason);
        changes.push(batch.log_failure(&entity, None, (&outcome, &reason)));
        changes.push(Change::SaveEntity(entity.clone()));
        batch.keep(entity);
    }
    changes.push(finish(batch.world, batch.owner, &runner.operation, outcome));
    batch.flush(changes).await
}

fn stuck(failure: &Failure) -> Failure {
    Failure::new(
        "SYNC-3011",
        failure.class,
        format!("A change that failed elsewhere could not be taken back: {failure}"),
        "Compare the systems, mend one of them by hand or retry; the log of the transaction has all texts.",
    )
}

/// All is undone: the entity is as before and says why, and so do conflicts that the transaction had decided.
async fn end(batch: &mut Batch<'_>, id: &EntityId, runner: &Runner) -> Result<(), store::Error> {
    let (Some(prepared), Some(entity)) = (
        batch.transactions.remove(id),
        batch.entities.get(id).cloned(),
    ) else {
        return Ok(());
    };
    let now = batch.world.now();
    let cause = prepared
        .cause
        .clone()
        .or_else(|| entity.reason.clone())
        .unwrap_or_else(|| decide::waits_for("The cause"));
    let undone = engine::undone(&prepared.transaction.steps);
    let origin = engine::Origin {
        before: &prepared.before,
        vector: &prepared.vector,
    };
    let mut restored = engine::restore(origin, &entity, &undone, &cause);
    bug::keep_local(&entity, &mut restored);
    let mut changes = vec![Change::EndTransaction {
        id: prepared.transaction.id.clone(),
        result: TransactionResult::RolledBack,
        at: now,
    }];
    changes.extend(batch.abandoned(id, |_| true).await?);
    batch.intents.retain(|intent| intent.entity != *id);
    changes.extend(withdrawn(batch, id, prepared.transaction.began_at).await?);
    changes.push(batch.log(
        &restored,
        None,
        "rolled_back",
        format!("Rolled back: {cause}"),
    ));
    let is_left = undone.values().any(|end| *end == Undone::LeftAlone);
    if is_left || restored.status == Status::Pending {
        changes.push(decide::look_again(
            batch,
            now,
            "changed while it was undone",
        ));
    }
    changes.push(Change::SaveEntity(restored.clone()));
    changes.push(finish(
        batch.world,
        batch.owner,
        &runner.operation,
        Outcome::Failed(cause),
    ));
    batch.keep(restored);
    batch.flush(changes).await
}

/// The conflicts that were decided by a strategy in a transaction that did not come about. They keep what they have: a later
/// attempt decides anew.
async fn withdrawn(
    batch: &Batch<'_>,
    id: &EntityId,
    since: model::Timestamp,
) -> Result<Vec<Change>, store::Error> {
    let filter = ConflictFilter {
        entity: Some(id.clone()),
        limit: 10,
        ..ConflictFilter::default()
    };
    let conflicts = batch.world.store.conflicts(&filter).await?;
    Ok(conflicts
        .into_iter()
        .filter(|conflict| {
            conflict.decided_by == "strategy" && conflict.resolved_at.is_some_and(|at| at >= since)
        })
        .map(|mut conflict| {
            conflict.decided_by.push_str(", rolled back");
            Change::SaveConflict(conflict)
        })
        .collect())
}
