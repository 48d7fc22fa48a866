//! Decides for every entity of the thread, stores the decisions with the intents of the first writes.

use std::collections::BTreeSet;

use engine::{Decision, Input, PlannedWrite};
use model::{
    Action, Class, Entity, EntityId, Existence, Failure, Intent, IntentId, IntentState, Kind,
    OperationId, Status, System,
};
use store::{Change, NewOperation, OperationKind, Priority};

use super::look::Look;
use super::readers::Readers;
use super::words::{conflict_log, words};
use super::{Batch, alone, bug, outcome, place, transaction, unknown, write};
use crate::mutation::{Mutation, is_on};
use engine::thread_key;

/// A write that is decided, with its stored intent.
pub(crate) struct Job {
    pub(crate) entity: EntityId,
    pub(crate) operation: OperationId,
    pub(crate) attempt: u32,
    pub(crate) planned: PlannedWrite,
    pub(crate) intent: IntentId,
}

/// The writes of a step, parents before their answers.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) jobs: Vec<Job>,
}

/// Reconciles the topic, then its posts, and commits all of it at once.
pub(crate) async fn decide(batch: &mut Batch<'_>, look: &Look) -> Result<Plan, store::Error> {
    let mut changes = Vec::new();
    let topic = batch.topic.clone();
    reconcile(batch, look, &topic, &mut changes).await?;
    let is_topic_live = batch
        .remote(&topic, System::Local)
        .is_some_and(|local| !local.record.deleted);
    let is_held = batch
        .entities
        .get(&topic)
        .is_some_and(|topic| engine::holds_thread(topic) || topic.status == Status::Skipped);
    if is_topic_live && !is_held {
        unknown::discover(batch, look);
        let posts: Vec<EntityId> = batch
            .entities
            .keys()
            .filter(|id| **id != topic)
            .cloned()
            .collect();
        for post in posts {
            reconcile(batch, look, &post, &mut changes).await?;
        }
    }
    // Whoever holds a topic holds its thread.
    let is_stopped = batch
        .entities
        .get(&topic)
        .is_some_and(engine::is_held_by_hand);
    let plan = plan(batch, look, is_topic_live && !is_stopped, &mut changes).await?;
    // New entities first: everything else refers to them.
    let mut all = batch.saves();
    all.extend(changes);
    bug::lose_intents(&mut all);
    if is_on(Mutation::UnguardedSave) {
        bug::overwrite(batch, &mut all).await?;
    }
    if !all.is_empty() {
        batch.commit(all).await?;
    }
    Ok(plan)
}

async fn reconcile(
    batch: &mut Batch<'_>,
    look: &Look,
    id: &EntityId,
    changes: &mut Vec<Change>,
) -> Result<(), store::Error> {
    let Some(entity) = batch.entities.get(id).cloned() else {
        return Ok(());
    };
    if !place::is_workable(&entity) || batch.turns_back(id) {
        return Ok(());
    }
    let now = batch.world.now();
    let mut observations = look.observations(&entity);
    bug::date(&mut observations, now);
    let intents: Vec<Intent> = batch
        .intents
        .iter()
        .filter(|intent| intent.entity == *id)
        .cloned()
        .collect();
    let mut policy = batch.world.policy(batch.settings, entity.kind);
    if is_on(Mutation::TrustAbsence) {
        policy.two_looks_ms = 0;
    }
    let open_conflict = match entity.status {
        Status::Conflict => batch.world.store.open_conflict(id).await?,
        _ => None,
    };
    let mut decision = engine::reconcile(&Input {
        entity: &entity,
        intents: &intents,
        observations: &observations,
        policy: &policy,
        open_conflict: open_conflict.as_ref(),
        is_asked: batch.operation_of(id).is_some(),
        now,
    });
    bug::bend(&entity, &mut decision);
    apply(batch, &entity, decision, changes);
    Ok(())
}

fn apply(batch: &mut Batch<'_>, before: &Entity, decision: Decision, changes: &mut Vec<Change>) {
    let now = batch.world.now();
    for (id, state) in &decision.intents {
        changes.push(Change::CloseIntent {
            id: id.clone(),
            state: *state,
            receipt: None,
            at: now,
        });
    }
    let done: Vec<Intent> = transaction::done(&batch.intents, &decision.intents)
        .cloned()
        .collect();
    for intent in &done {
        changes.extend(batch.seen_done(intent, &decision.before));
    }
    batch
        .before
        .insert(decision.before.id.clone(), decision.before.clone());
    let closed: BTreeSet<&IntentId> = decision.intents.iter().map(|(id, _)| id).collect();
    batch.intents.retain(|intent| !closed.contains(&intent.id));
    if let Some(mut conflict) = decision.conflict {
        if conflict.id.is_empty() {
            conflict.id = batch.world.id();
        }
        changes.push(conflict_log(batch, &decision.entity, &conflict));
        changes.push(Change::SaveConflict(conflict));
    }
    for note in &decision.notes {
        if let Some((system, action, text)) = words(note) {
            changes.push(batch.log(&decision.entity, system, action, text));
        }
    }
    if let Some(at) = decision.look_again_at {
        changes.push(look_again(batch, at, "second look"));
    }
    if is_news(before, &decision.entity) {
        batch.touch(decision.entity);
    }
}

/// Whether a save is worth it: a new time of the last look alone is not.
fn is_news(before: &Entity, after: &Entity) -> bool {
    let mut quiet = after.clone();
    for (system, replica) in &mut quiet.replicas {
        if let Some(old) = before.replica(*system) {
            replica.seen_at = old.seen_at;
        }
    }
    quiet != *before
}

pub(crate) fn look_again(batch: &Batch<'_>, at: model::Timestamp, why: &str) -> Change {
    let (id, key) = (OperationId(batch.world.id()), thread_key(&batch.topic));
    Change::Enqueue(NewOperation {
        entity: Some(batch.topic.clone()),
        course: Some(batch.course.id.clone()),
        reason: why.to_owned(),
        not_before: at,
        ..NewOperation::due(id, OperationKind::Thread, key, batch.world.now())
    })
}

/// Plans the first write of each entity to each system and stores its intent, as a running operation of that entity.
async fn plan(
    batch: &mut Batch<'_>,
    look: &Look,
    is_topic_live: bool,
    changes: &mut Vec<Change>,
) -> Result<Plan, store::Error> {
    let mut plan = Plan::default();
    let mut readers = Readers::default();
    let waiting = batch
        .world
        .store
        .waiting_subjects(&thread_key(&batch.topic))
        .await?;
    let now = batch.world.now();
    for id in batch.ordered() {
        let Some(entity) = batch.entities.get(&id).cloned() else {
            continue;
        };
        if alone::is_left_alone(batch, &entity) {
            continue;
        }
        let is_post = entity.kind == Kind::Post;
        let subject = engine::entity_key(&id);
        let is_asked = batch.operation_of(&id).is_some();
        let rests = waiting
            .iter()
            .any(|(known, not_before)| *known == subject && *not_before > now);
        let is_stopped = batch.turns_back(&id) || !may_write(&entity, is_asked);
        if (is_post && !is_topic_live) || is_stopped || (rests && !is_asked) {
            continue;
        }
        let writes = within_reach(batch, &plan, entity.clone());
        if writes.is_empty() {
            // An earlier attempt's last write was seen without its receipt.
            if entity.status == Status::InSync {
                changes.extend(batch.commit_transaction(&id));
            }
            continue;
        }
        if let Some(refusal) = readers.obstacle(batch, look, (&entity, &writes)).await? {
            stop(batch, entity, &refusal, changes);
            continue;
        }
        if let Some(trip) = write::guard(batch, &entity, &writes).await? {
            stop(batch, entity, &trip, changes);
            continue;
        }
        let (operation, attempt) = start(batch, &entity, subject, changes);
        for planned in writes {
            let planned = possible(batch, &entity, planned);
            let intent = intent_of(batch, &id, &operation, &planned);
            changes.push(Change::OpenIntent(intent.clone()));
            changes.extend(batch.prepare(&id, &operation, &planned));
            plan.jobs.push(Job {
                entity: id.clone(),
                operation: operation.clone(),
                attempt,
                planned,
                intent: intent.id,
            });
        }
    }
    Ok(plan)
}

/// The writes that are owed, without the creates whose place will not be there after this step: these are not tried,
/// and the entity says what it waits for.
fn within_reach(batch: &mut Batch<'_>, plan: &Plan, mut entity: Entity) -> Vec<PlannedWrite> {
    let mut writes = engine::owed_writes(&entity);
    let mut wait = None;
    writes.retain(|write| {
        let is_create = write.action == Action::Create && entity.kind == Kind::Post;
        let blocker = is_create.then(|| blocker(batch, plan, &entity, write.system));
        match blocker.flatten() {
            Some(blocker) => {
                wait = Some(blocked(batch, &blocker, write.system));
                false
            }
            None => true,
        }
    });
    if let Some(failure) = wait.filter(|failure| entity.reason.as_ref() != Some(failure)) {
        entity.reason = Some(failure);
        if entity.status == Status::InSync {
            entity.status = Status::Pending;
        }
        batch.touch(entity);
    }
    writes
}

/// What must be in `system` before the post can be there, and is neither there nor about to be written.
fn blocker(batch: &Batch<'_>, plan: &Plan, post: &Entity, system: System) -> Option<EntityId> {
    let is_coming = |id: &EntityId| {
        plan.jobs
            .iter()
            .any(|job| job.entity == *id && job.planned.system == system)
    };
    let is_there = batch
        .remote(&batch.topic, system)
        .is_some_and(|topic| topic.existence == Existence::Present);
    if !is_there && !is_coming(&batch.topic) {
        return Some(batch.topic.clone());
    }
    let parent = write::parent_entity(batch, post, system)?;
    let is_there = batch
        .remote(&parent, system)
        .is_some_and(|parent| parent.existence == Existence::Present);
    (!is_there && !is_coming(&parent)).then_some(parent)
}

fn blocked(batch: &Batch<'_>, blocker: &EntityId, system: System) -> Failure {
    let status = batch
        .entities
        .get(blocker)
        .map_or("unknown", |entity| entity.status.as_str());
    let title = system.title();
    waits_for(&format!(
        "{blocker} ({status}), which must be in {title} first,"
    ))
}

/// A restore that the target cannot do is a create under a new key.
pub(crate) fn possible(
    batch: &Batch<'_>,
    entity: &Entity,
    mut planned: PlannedWrite,
) -> PlannedWrite {
    let restores = batch
        .world
        .connector(planned.system)
        .is_none_or(|connector| {
            let capabilities = connector.capabilities();
            if entity.kind == Kind::Post {
                capabilities.restores_posts
            } else {
                true
            }
        });
    if planned.action == Action::Restore && !restores {
        let generation = entity
            .replica(planned.system)
            .map_or(1, |replica| replica.generation.saturating_add(1));
        planned.action = Action::Create;
        planned.key = engine::create_key(entity, generation);
        planned.fields = planned.record.fields.keys().copied().collect();
        planned.expected = None;
    }
    planned
}

pub(crate) fn intent_of(
    batch: &Batch<'_>,
    entity: &EntityId,
    operation: &OperationId,
    planned: &PlannedWrite,
) -> Intent {
    Intent {
        id: IntentId(batch.world.id()),
        entity: entity.clone(),
        system: planned.system,
        action: planned.action,
        key: planned.key.clone(),
        record: planned.record.clone(),
        fields: planned.fields.clone(),
        expected: planned.expected.as_ref().map(model::Record::digest),
        vector: planned.vector.clone(),
        operation: operation.clone(),
        state: IntentState::Open,
        created_at: batch.world.now(),
    }
}

/// What failed or is held stays so until something new is seen or somebody asks for it.
fn may_write(entity: &Entity, is_asked: bool) -> bool {
    if engine::is_held_by_hand(entity) {
        return false;
    }
    match entity.status {
        Status::Pending | Status::InSync => true,
        Status::Failed | Status::Held => is_asked,
        Status::Conflict | Status::Skipped => false,
    }
}

/// The running operation of this entity: the claimed one, or a new one that starts at once.
fn start(
    batch: &Batch<'_>,
    entity: &Entity,
    subject: String,
    changes: &mut Vec<Change>,
) -> (OperationId, u32) {
    if let Some(operation) = batch.operation_of(&entity.id) {
        return (operation.id.clone(), operation.attempt_count);
    }
    let id = OperationId(batch.world.id());
    let now = batch.world.now();
    let reason = batch
        .operations
        .first()
        .map_or("look", |operation| operation.reason.as_str());
    let priority = batch
        .operations
        .first()
        .map_or(Priority::Normal, |operation| operation.priority);
    changes.push(Change::Start {
        operation: NewOperation {
            entity: Some(entity.id.clone()),
            course: Some(entity.course.clone()),
            batch_key: thread_key(&batch.topic),
            reason: reason.to_owned(),
            priority,
            ..NewOperation::due(id.clone(), OperationKind::Entity, subject, now)
        },
        owner: batch.owner.to_owned(),
        lease_until: now.plus_ms(batch.world.settings.lease_ms),
    });
    (id, 1)
}

/// A guard stopped the entity, or its readers are not known: its operation is held or tried again, the entity says why.
fn stop(batch: &mut Batch<'_>, mut entity: Entity, trip: &Failure, changes: &mut Vec<Change>) {
    let subject = engine::entity_key(&entity.id);
    let (operation, attempt) = start(batch, &entity, subject, changes);
    let outcome = outcome::after(batch.world, attempt, trip);
    entity = outcome::mark(entity, &outcome, trip);
    changes.push(batch.log_failure(&entity, None, (&outcome, trip)));
    changes.push(super::finish(batch.world, batch.owner, &operation, outcome));
    batch.operations.retain(|claimed| claimed.id != operation);
    batch.touch(entity);
}

/// The failure of a write into a container that is not there yet.
pub(crate) fn waits_for(what: &str) -> Failure {
    Failure::new(
        "SYNC-3003",
        Class::Transient,
        format!("{what} is not there yet."),
        "It is written by itself once that is there.",
    )
}
