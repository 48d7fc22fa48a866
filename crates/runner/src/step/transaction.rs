//! The sync transactions of a thread's entities (design section 7): begun with the first intent, a line of the log with
//! every phase of a step, committed with the last receipt. Undoing them is `undo`'s.

use model::{
    Action, Entity, EntityId, Failure, Intent, IntentState, Kind, OperationId, Phase, Record, Step,
    System,
};
use store::{Change, Prepared, SyncTransaction, TransactionResult};

use super::Batch;
use engine::PlannedWrite;

impl Batch<'_> {
    /// Begins the transaction of an entity, or goes on with the one that an earlier attempt left, and logs the step that is
    /// about to be written.
    pub(super) fn prepare(
        &mut self,
        id: &EntityId,
        operation: &OperationId,
        planned: &PlannedWrite,
    ) -> Vec<Change> {
        let mut changes = self.take_over(id);
        if !self.transactions.contains_key(id) {
            let Some(begun) = self.begin(id, operation) else {
                return changes;
            };
            changes.push(begun);
        }
        let Some(prepared) = self.transactions.get(id) else {
            return changes;
        };
        let log = &prepared.transaction.steps;
        let gone = Record {
            deleted: true,
            ..Record::default()
        };
        let step = Step {
            number: engine::step_number(log, planned.system, planned.action),
            system: planned.system,
            action: planned.action,
            phase: Phase::Prepare,
            before: Some(planned.expected.clone().unwrap_or(gone)),
            after: wanted(planned),
            failure: None,
            at: self.world.now(),
        };
        changes.extend(self.note(id, step));
        changes
    }

    /// Ends a transaction whose decision is not the present one any more: somebody has changed the entity since. What
    /// it did stays, and the new decision is a transaction of its own.
    fn take_over(&mut self, id: &EntityId) -> Vec<Change> {
        let local = self.remote(id, System::Local).map(|local| &local.vector);
        let Some(prepared) = self.transactions.get(id) else {
            return Vec::new();
        };
        if prepared.cause.is_some() || local.is_none_or(|local| *local == prepared.vector) {
            return Vec::new();
        }
        let at = self.world.now();
        let left = engine::left_steps(&prepared.transaction.steps);
        let mut changes: Vec<Change> = left
            .into_iter()
            .filter_map(|step| {
                let skipped = Step {
                    phase: Phase::Skip,
                    before: None,
                    at,
                    ..step
                };
                self.note(id, skipped)
            })
            .collect();
        changes.extend(self.commit_transaction(id));
        changes
    }

    fn begin(&mut self, id: &EntityId, operation: &OperationId) -> Option<Change> {
        let entity = self.entities.get(id)?;
        let before = self.before.get(id).unwrap_or(entity).clone();
        let vector = entity.replica(System::Local)?.vector.clone();
        let parent = self.parent_of(entity);
        let transaction = SyncTransaction {
            id: self.world.id(),
            operation: operation.clone(),
            entity: id.clone(),
            parent,
            isolation: self.isolation(),
            began_at: self.world.now(),
            ended: None,
            steps: Vec::new(),
        };
        let begun = Change::BeginTransaction {
            id: transaction.id.clone(),
            operation: operation.clone(),
            entity: id.clone(),
            isolation: transaction.isolation,
            at: transaction.began_at,
            parent: transaction.parent.clone(),
            before: Box::new(before.clone()),
            vector: vector.clone(),
        };
        let prepared = Prepared {
            transaction,
            before,
            vector,
            cause: None,
            stuck: None,
        };
        self.transactions.insert(id.clone(), prepared);
        Some(begun)
    }

    /// A post that is written with its topic is part of the topic's transaction.
    fn parent_of(&self, entity: &Entity) -> Option<String> {
        let topic = self.transactions.get(&self.topic)?;
        let is_part = entity.kind == Kind::Post && topic.cause.is_none();
        is_part.then(|| topic.transaction.id.clone())
    }

    /// Adds a line to the log of an entity's open transaction.
    pub(super) fn note(&mut self, id: &EntityId, step: Step) -> Option<Change> {
        let prepared = self.transactions.get_mut(id)?;
        prepared.transaction.steps.push(step.clone());
        Some(Change::TransactionStep {
            transaction: prepared.transaction.id.clone(),
            step,
        })
    }

    /// Logs what became of the step that was last prepared in a system.
    pub(super) fn tried(
        &mut self,
        id: &EntityId,
        system: System,
        result: Result<Record, (Phase, Failure)>,
    ) -> Option<Change> {
        let log = &self.transactions.get(id)?.transaction.steps;
        let prepared = engine::prepared_step(log, system)?;
        let (phase, after, failure) = match result {
            Ok(record) => (Phase::Apply, Some(record), None),
            Err((phase, failure)) => (phase, None, Some(failure)),
        };
        let step = Step {
            number: prepared.number,
            system,
            action: prepared.action,
            phase,
            before: None,
            after,
            failure,
            at: self.world.now(),
        };
        self.note(id, step)
    }

    /// Logs a step whose answer was lost and that is now seen to be done.
    pub(super) fn seen_done(&mut self, intent: &Intent, entity: &Entity) -> Option<Change> {
        let record = entity.replica(intent.system)?.record.clone();
        let log = &self.transactions.get(&intent.entity)?.transaction.steps;
        let is_it = engine::prepared_step(log, intent.system)
            .is_some_and(|prepared| prepared.action == intent.action);
        if !is_it {
            return None;
        }
        let record = Record {
            deleted: intent.action == Action::Delete,
            ..record
        };
        self.tried(&intent.entity, intent.system, Ok(record))
    }

    /// Ends an entity's transaction when all of it is done.
    pub(super) fn commit_transaction(&mut self, id: &EntityId) -> Option<Change> {
        let is_forward = self.transactions.get(id)?.cause.is_none();
        if !is_forward {
            return None;
        }
        let prepared = self.transactions.remove(id)?;
        Some(Change::EndTransaction {
            id: prepared.transaction.id,
            result: TransactionResult::Committed,
            at: self.world.now(),
        })
    }

    /// Whether an entity's transaction is being undone: until that is over nothing else is decided about it.
    pub(super) fn turns_back(&self, id: &EntityId) -> bool {
        self.transactions
            .get(id)
            .is_some_and(|prepared| prepared.cause.is_some())
    }
}

/// What an edit is to write, without what it leaves alone.
fn wanted(planned: &PlannedWrite) -> Option<Record> {
    let mut record = planned.record.clone();
    record
        .fields
        .retain(|field, _| planned.fields.contains(field));
    (planned.action == Action::Edit).then_some(record)
}

/// The intents among these that a look has shown to be done.
pub(super) fn done<'a>(
    intents: &'a [Intent],
    states: &'a [(model::IntentId, IntentState)],
) -> impl Iterator<Item = &'a Intent> {
    intents.iter().filter(|intent| {
        states
            .iter()
            .any(|(id, state)| *id == intent.id && *state == IntentState::Applied)
    })
}
