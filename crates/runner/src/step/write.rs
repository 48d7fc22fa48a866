//! Does the decided writes one after the other: intent before, receipt after.

use engine::PlannedWrite;
use model::{
    Action, Class, Entity, EntityId, Existence, Failure, Field, IntentState, Kind, Phase, RemoteId,
    System, Write, WriteResult,
};
use store::{Change, HistoryFilter, Outcome};

use super::decide::{Job, Plan, intent_of, waits_for};
use super::undo::{self, Runner};
use super::{Batch, bug, finish, outcome};
use crate::mutation::{Mutation, is_on};

/// A create and what it could not store at once: more writes of one entity in one step would be a loop.
const WRITES_MAX: usize = 4;
/// So many changes of receipts share one commit: about eight writes. More would save little and cost more looks
/// after a crash.
const RECEIPTS_MAX: usize = 32;

/// Does the writes and ends every operation of the batch.
pub(crate) async fn write(batch: &mut Batch<'_>, mut plan: Plan) -> Result<(), store::Error> {
    close_last(&mut plan.jobs, &batch.topic);
    let mut down: Vec<(System, Failure)> = Vec::new();
    let mut failed: Vec<EntityId> = Vec::new();
    let mut jobs = plan.jobs.into_iter().peekable();
    while let Some(job) = jobs.next() {
        let is_last = jobs.peek().is_none_or(|next| next.entity != job.entity);
        if failed.contains(&job.entity) {
            abandon(batch, &job).await?;
            continue;
        }
        match attempt(batch, &job, &down).await? {
            Ok(()) if is_last => complete(batch, &job).await?,
            Ok(()) => {}
            Err(refused) => {
                if outcome::is_systemwide(&refused.failure) {
                    down.push((job.planned.system, refused.failure.clone()));
                }
                fail(batch, &job, &refused).await?;
                failed.push(job.entity.clone());
            }
        }
    }
    let rest: Vec<Change> = batch
        .operations
        .iter()
        .map(|operation| finish(batch.world, batch.owner, &operation.id, Outcome::Completed))
        .collect();
    batch.flush(rest).await
}

/// Puts the topic's jobs, which come first, behind those of its posts when one of them closes it: into a closed topic
/// nobody but the service may write, and the posts would stand there under its name. A topic that is made elsewhere in
/// this very step stays first: its posts need it.
fn close_last(jobs: &mut [Job], topic: &EntityId) {
    let own = jobs.iter().take_while(|job| job.entity == *topic);
    let (mut count, mut closes, mut creates) = (0, false, false);
    for job in own {
        count += 1;
        creates |= job.planned.action == Action::Create;
        closes |= job.planned.action == Action::Edit
            && job.planned.fields.contains(&Field::Locked)
            && job.planned.record.flag(Field::Locked) == Some(true);
    }
    if closes && !creates {
        jobs.rotate_left(count);
    }
}

/// A write that failed.
struct Refused {
    failure: Failure,
    /// It was only to add what a create could not store at once: what was created stays.
    is_extra: bool,
}

/// One job and what is still owed to the same system after it.
async fn attempt(
    batch: &mut Batch<'_>,
    job: &Job,
    down: &[(System, Failure)],
) -> Result<Result<(), Refused>, store::Error> {
    let system = job.planned.system;
    let refused = |failure: Failure, is_extra: bool| Ok(Err(Refused { failure, is_extra }));
    if let Some((_, failure)) = down.iter().find(|(is_down, _)| *is_down == system) {
        return refused(failure.clone(), false);
    }
    let mut planned = job.planned.clone();
    let mut intent = job.intent.clone();
    for turn in 0..WRITES_MAX {
        batch.renew().await?;
        let written = match send(batch, &job.entity, &planned, &intent).await {
            Ok(result) => result,
            Err(failure) => {
                return refused(failure, turn > 0 && job.planned.action == Action::Create);
            }
        };
        receipt(batch, &job.entity, &planned, (&intent, &written));
        let Some(entity) = batch.entities.get(&job.entity) else {
            return Ok(Ok(()));
        };
        let next = engine::owed_writes(entity)
            .into_iter()
            .find(|next| next.system == system);
        let Some(next) = next.filter(|next| *next != planned) else {
            return Ok(Ok(()));
        };
        let opened = intent_of(batch, &job.entity, &job.operation, &next);
        let mut changes = vec![Change::OpenIntent(opened.clone())];
        changes.extend(batch.prepare(&job.entity, &job.operation, &next));
        batch.flush(changes).await?;
        intent = opened.id;
        planned = next;
    }
    Ok(Ok(()))
}

pub(super) async fn send(
    batch: &Batch<'_>,
    id: &EntityId,
    planned: &PlannedWrite,
    intent: &model::IntentId,
) -> Result<WriteResult, Failure> {
    let system = planned.system;
    let (Some(entity), Some(connector)) = (batch.entities.get(id), batch.world.connector(system))
    else {
        return Err(waits_for("The entity"));
    };
    let mut write = address(batch, entity, planned, intent)?;
    bug::spoil(&mut write);
    if is_on(Mutation::DoubleCreate) && write.action == Action::Create {
        let _first = connector.write(&write).await;
    }
    connector.write(&write).await.map_err(|error| error.0)
}

/// Puts the target's ids to a planned write.
fn address(
    batch: &Batch<'_>,
    entity: &Entity,
    planned: &PlannedWrite,
    intent: &model::IntentId,
) -> Result<Write, Failure> {
    let system = planned.system;
    let container = match entity.kind {
        Kind::Topic => batch.course.replica(system),
        _ => batch
            .remote(&batch.topic, system)
            .filter(|topic| topic.existence == Existence::Present),
    };
    let Some(container) = container else {
        return Err(waits_for(&format!("What holds it in {}", system.title())));
    };
    let replica = entity.replica(system);
    let is_create = planned.action == Action::Create;
    Ok(Write {
        action: planned.action,
        kind: entity.kind,
        remote: replica
            .filter(|_| !is_create)
            .map(|replica| replica.remote.clone()),
        container: container.remote.clone(),
        parent: parent(batch, entity, system)?,
        key: planned.key.clone(),
        record: planned.record.clone(),
        fields: planned.fields.clone(),
        expected: planned.expected.clone(),
        mark: replica.and_then(|replica| replica.mark.clone()),
        reason: format!("antiphon {intent}"),
    })
}

/// The nearest post it answers that is, or should be, live in the target; `None` for an answer to the topic itself.
pub(crate) fn parent_entity(
    batch: &Batch<'_>,
    entity: &Entity,
    system: System,
) -> Option<EntityId> {
    let mut next = entity.parent.as_ref();
    while let Some(parent) = next.and_then(|id| batch.entities.get(id)) {
        let stands = match parent.replica(system) {
            Some(replica) => replica.existence != Existence::Deleted,
            None => parent
                .replica(System::Local)
                .is_none_or(|local| !local.record.deleted),
        };
        if stands {
            return Some(parent.id.clone());
        }
        // Nothing can answer a tombstone: the answer moves up.
        next = parent.parent.as_ref();
    }
    None
}

fn parent(batch: &Batch<'_>, entity: &Entity, system: System) -> Result<Option<RemoteId>, Failure> {
    let Some(id) = parent_entity(batch, entity, system) else {
        return Ok(None);
    };
    match batch.remote(&id, system) {
        Some(replica) if replica.existence == Existence::Present => {
            Ok(Some(replica.remote.clone()))
        }
        _ => Err(waits_for(&format!(
            "The post it answers in {}",
            system.title()
        ))),
    }
}

fn receipt(
    batch: &mut Batch<'_>,
    id: &EntityId,
    planned: &PlannedWrite,
    (intent, result): (&model::IntentId, &WriteResult),
) {
    let Some(entity) = batch.entities.get(id).cloned() else {
        return;
    };
    let now = batch.world.now();
    let result = &bug::reread(planned, result);
    let mut entity = engine::complete(entity, planned, result, now);
    bug::forget(&mut entity, planned.system);
    let how = if result.is_attributed {
        " under the service's name, with an attribution"
    } else {
        ""
    };
    let fields: Vec<&str> = planned.fields.iter().map(|field| field.as_str()).collect();
    let what = if planned.action == Action::Edit {
        format!(": {}", fields.join(", "))
    } else {
        String::new()
    };
    let text = format!(
        "{} in {}{how}{what}.",
        match planned.action {
            Action::Create => "Created",
            Action::Edit => "Edited",
            Action::Delete => "Deleted",
            Action::Restore => "Restored",
        },
        planned.system.title()
    );
    let changes = [
        Change::CloseIntent {
            id: intent.clone(),
            state: IntentState::Applied,
            receipt: Some(result.record.digest()),
            at: now,
        },
        batch.log(&entity, Some(planned.system), planned.action.as_str(), text),
        Change::SaveEntity(entity.clone()),
    ];
    if is_on(Mutation::SkipReceipt) {
        return;
    }
    batch.receipts.extend(changes);
    let written = entity
        .replica(planned.system)
        .map(|replica| replica.record.clone());
    if let Some(record) = written {
        let noted = batch.tried(id, planned.system, Ok(record));
        batch.receipts.extend(noted);
    }
    if engine::has_unseen_change(&entity) {
        let again = super::decide::look_again(batch, now, "changed under a write");
        batch.receipts.push(again);
    }
    batch.keep(entity);
}

/// All writes of the entity are done: its operation is.
async fn complete(batch: &mut Batch<'_>, job: &Job) -> Result<(), store::Error> {
    batch
        .operations
        .retain(|claimed| claimed.id != job.operation);
    let committed = batch.commit_transaction(&job.entity);
    batch.receipts.extend(committed);
    let done = finish(batch.world, batch.owner, &job.operation, Outcome::Completed);
    batch.receipts.push(done);
    if batch.receipts.len() < RECEIPTS_MAX {
        Ok(())
    } else {
        batch.flush(Vec::new()).await
    }
}

/// Leaves a write undone because another of the same entity failed.
async fn abandon(batch: &mut Batch<'_>, job: &Job) -> Result<(), store::Error> {
    // Where the transaction was rolled back, the intent is closed already.
    let closed = batch
        .abandoned(&job.entity, |intent| intent.id == job.intent)
        .await?;
    batch.flush(closed).await
}

async fn fail(batch: &mut Batch<'_>, job: &Job, refused: &Refused) -> Result<(), store::Error> {
    let failure = &refused.failure;
    // What was written before is stored first: the open intents below must be only those of this failure.
    batch.flush(Vec::new()).await?;
    let outcome = outcome::after(batch.world, job.attempt, failure);
    let mut changes = Vec::new();
    // Whether it was written is not known: the intent stays open, and the next step looks before it repeats.
    let is_known = failure.class != Class::UnknownOutcome;
    if is_known {
        let system = job.planned.system;
        let closed = batch.abandoned(&job.entity, |intent| intent.system == system);
        changes.extend(closed.await?);
    }
    let tried = Err((Phase::Apply, failure.clone()));
    changes.extend(batch.tried(&job.entity, job.planned.system, tried));
    let is_transaction = batch.transactions.contains_key(&job.entity);
    if matches!(outcome, Outcome::Failed(_)) && is_known && !refused.is_extra && is_transaction {
        let runner = Runner {
            operation: job.operation.clone(),
            attempt: job.attempt,
        };
        changes.extend(log_failure(batch, job, (&outcome, failure)));
        return undo::turn_back(batch, &job.entity, &runner, (failure, changes)).await;
    }
    if refused.is_extra && matches!(outcome, Outcome::Failed(_)) {
        changes.extend(batch.commit_transaction(&job.entity));
    }
    changes.extend(log_failure(batch, job, (&outcome, failure)));
    if let Some(entity) = batch.entities.get(&job.entity).cloned() {
        let entity = outcome::mark(entity, &outcome, failure);
        changes.push(Change::SaveEntity(entity.clone()));
        batch.keep(entity);
    }
    changes.push(finish(batch.world, batch.owner, &job.operation, outcome));
    batch
        .operations
        .retain(|claimed| claimed.id != job.operation);
    batch.flush(changes).await
}

fn log_failure(batch: &Batch<'_>, job: &Job, ended: (&Outcome, &Failure)) -> Option<Change> {
    let entity = batch.entities.get(&job.entity)?;
    Some(batch.log_failure(entity, Some(job.planned.system), ended))
}

/// Asks the guards before anything is planned; a released operation passes once.
pub(crate) async fn guard(
    batch: &Batch<'_>,
    entity: &Entity,
    writes: &[PlannedWrite],
) -> Result<Option<Failure>, store::Error> {
    if batch.world.settings.policy.is_read_only {
        return Ok(Some(Failure::new(
            super::RESTORED_CODE,
            Class::Guard,
            "The database was restored, and that is not accepted yet.".to_owned(),
            "Look at `antiphon backup accept-restore --dry-run`, then accept.",
        )));
    }
    if batch.world.policy(batch.settings, entity.kind).is_read_only {
        return Ok(Some(Failure::new(
            "SYNC-5005",
            Class::Guard,
            "This course is read only.".to_owned(),
            "Change `read_only` of the course, then retry.",
        )));
    }
    let is_released = batch
        .operation_of(&entity.id)
        .is_some_and(|operation| operation.reason.contains("released"));
    if is_released {
        return Ok(None);
    }
    let limits = batch
        .settings
        .map(|settings| settings.limits.clone())
        .unwrap_or_default();
    let now = batch.world.now();
    let store = &batch.world.store;
    if writes.iter().any(|write| write.action == Action::Delete) {
        if entity.kind == Kind::Post {
            let (going, left) = emptied(batch, writes);
            if let Err(trip) = engine::check_empty(&limits, going, left) {
                return Ok(Some(trip));
            }
        }
        let deleted = store
            .deletes_since(&batch.course.id, now.plus_ms(-3_600_000))
            .await?;
        let items = store.items_in_course(&batch.course.id).await?;
        return Ok(engine::check_deletes(&limits, deleted, items).err());
    }
    if writes.iter().any(|write| write.action == Action::Edit) {
        let since = now.plus_ms(limits.edits_window_ms.saturating_neg());
        let history = store
            .history(&HistoryFilter {
                entity: Some(entity.id.clone()),
                limit: 50,
                ..HistoryFilter::default()
            })
            .await?;
        let edits = history
            .iter()
            .filter(|entry| entry.action == "edit" && entry.at >= since)
            .count();
        return Ok(engine::check_edits(&limits, u64::try_from(edits).unwrap_or(u64::MAX)).err());
    }
    Ok(None)
}

/// How many posts of the thread are about to be deleted where the first of `writes` deletes, and how many are still
/// there on the other side.
fn emptied(batch: &Batch<'_>, writes: &[PlannedWrite]) -> (u64, u64) {
    let is_delete = |write: &&PlannedWrite| write.action == Action::Delete;
    let Some(target) = writes.iter().find(is_delete).map(|write| write.system) else {
        return (0, 0);
    };
    let (mut going, mut left) = (0, 0);
    for post in batch
        .entities
        .values()
        .filter(|post| post.kind == Kind::Post)
    {
        let owed = engine::owed_writes(post);
        if owed
            .iter()
            .any(|write| write.system == target && write.action == Action::Delete)
        {
            going += 1;
        }
        let is_there = System::REMOTE
            .into_iter()
            .filter(|system| *system != target)
            .any(|system| {
                post.replica(system)
                    .is_some_and(|replica| replica.existence == Existence::Present)
            });
        left += u64::from(is_there);
    }
    (going, left)
}
