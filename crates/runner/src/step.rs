//! One sync step (design section 4): look at a thread on both sides, decide for each entity, write, store what
//! came back.
//!
//! The operations of a thread are claimed together and share the reads. Killed anywhere, the leases run out and
//! the step
//! runs again: intents tell what may have been written, keys find it, digests recognise it.
//! This module spawns nothing, sleeps nowhere and selects on nothing.

mod alone;
mod bug;
mod decide;
mod find;
mod look;
mod outcome;
mod place;
mod readers;
mod transaction;
mod undo;
mod unknown;
mod words;
mod write;

pub(crate) use outcome::after;
pub(crate) use words::log_of_system;

use std::collections::{BTreeMap, BTreeSet};

use model::{Entity, EntityId, Failure, Intent, IntentState, Kind, System};
use store::{Change, Operation, Outcome};

use crate::mutation::{Mutation, is_on};
use crate::world::{CourseSettings, World};

/// A thread under work: its entities as stored, the operations that asked for it.
pub(crate) struct Batch<'a> {
    pub(crate) world: &'a World,
    pub(crate) owner: &'a str,
    pub(crate) operations: Vec<Operation>,
    pub(crate) course: Entity,
    pub(crate) settings: Option<&'a CourseSettings>,
    pub(crate) topic: EntityId,
    /// All entities of the thread by id; the stored state until a decision is committed.
    pub(crate) entities: BTreeMap<EntityId, Entity>,
    pub(crate) intents: Vec<Intent>,
    /// The sync transactions that have not ended.
    pub(crate) transactions: BTreeMap<EntityId, store::Prepared>,
    /// What of the course is left to be matched.
    pub(crate) pairing: store::Pairing,
    /// Entities as they were seen, before this step decided about them.
    pub(crate) before: BTreeMap<EntityId, Entity>,
    /// Entities whose new state is not stored yet.
    pub(crate) touched: BTreeSet<EntityId>,
    /// Receipts that share the next commit. A crash before it costs a look, not a word: their intents are open.
    pub(crate) receipts: Vec<Change>,
    /// When the leases were last known to hold.
    pub(crate) renewed_at: model::Timestamp,
    /// Before anything of it was read.
    pub(crate) looked_at: model::Timestamp,
    /// The linked items that were looked for already.
    pub(crate) tried: BTreeSet<crate::world::LinkedItem>,
}

impl Batch<'_> {
    /// The claimed operation about this entity, if there is one.
    pub(crate) fn operation_of(&self, entity: &EntityId) -> Option<&Operation> {
        let subject = engine::entity_key(entity);
        self.operations
            .iter()
            .find(|operation| operation.subject == subject)
    }

    /// Stores the receipts gathered so far, with `more` in the same transaction.
    pub(crate) async fn flush(&mut self, more: Vec<Change>) -> Result<(), store::Error> {
        let mut changes = std::mem::take(&mut self.receipts);
        changes.extend(more);
        bug::lose_intents(&mut changes);
        if changes.is_empty() {
            Ok(())
        } else {
            self.commit(changes).await
        }
    }

    /// Stores changes with the isolation that this kind of operation asks for.
    pub(crate) async fn commit(&self, changes: Vec<Change>) -> Result<(), store::Error> {
        self.world.store.commit_at(self.isolation(), changes).await
    }

    /// The isolation that the first operation's kind asks for.
    pub(crate) fn isolation(&self) -> store::Isolation {
        let kind = self.operations.first().map(|operation| operation.kind);
        self.world.settings.isolation(kind)
    }

    /// What closes those open intents of an entity that fit: it is known that they were not done, or they count no more.
    pub(crate) async fn abandoned(
        &self,
        entity: &EntityId,
        fits: impl Fn(&Intent) -> bool,
    ) -> Result<Vec<Change>, store::Error> {
        let open = self
            .world
            .store
            .open_intents(std::slice::from_ref(entity))
            .await?;
        let at = self.world.now();
        let closed = open
            .into_iter()
            .filter(fits)
            .map(|intent| Change::CloseIntent {
                id: intent.id,
                state: IntentState::Abandoned,
                receipt: None,
                at,
            });
        Ok(closed.collect())
    }

    /// Makes sure that the leases still hold before something leaves the process: a worker that was stopped for long
    /// must not write beside the one that took over.
    pub(crate) async fn renew(&mut self) -> Result<(), store::Error> {
        let now = self.world.now();
        let lease_ms = self.world.settings.lease_ms;
        if now.since_ms(self.renewed_at) < lease_ms / 3 || is_on(Mutation::SkipRenew) {
            return Ok(());
        }
        let held = self
            .world
            .store
            .heartbeat(self.owner, now, lease_ms)
            .await?;
        if held == 0 {
            return Err(store::Error::Stale { what: "a lease" });
        }
        self.renewed_at = now;
        Ok(())
    }

    /// Takes over a decided state that is still to be stored.
    pub(crate) fn touch(&mut self, entity: Entity) {
        self.touched.insert(entity.id.clone());
        self.entities.insert(entity.id.clone(), entity);
    }

    /// Takes over a state that the same commit stores.
    pub(crate) fn keep(&mut self, mut entity: Entity) {
        self.world.learn_mirrors_of([&entity]);
        entity.revision += 1;
        self.entities.insert(entity.id.clone(), entity);
    }

    /// The saves of all touched entities; the caller commits them.
    pub(crate) fn saves(&mut self) -> Vec<Change> {
        let touched = std::mem::take(&mut self.touched);
        let mut saves = Vec::new();
        for id in touched {
            if let Some(entity) = self.entities.get_mut(&id) {
                saves.push(Change::SaveEntity(entity.clone()));
                entity.revision += 1;
            }
        }
        saves
    }

    /// The ids of the thread's entities: the topic, then its posts by age, each after the post it answers.
    pub(crate) fn ordered(&self) -> Vec<EntityId> {
        let mut by_age: Vec<&Entity> = self.entities.values().collect();
        by_age.sort_by_key(|entity| {
            (
                entity.kind == Kind::Post,
                entity.created_at,
                entity.id.clone(),
            )
        });
        let mut order: Vec<EntityId> = Vec::with_capacity(by_age.len());
        let mut placed = BTreeSet::new();
        for entity in by_age {
            self.place(entity, &mut placed, &mut order);
        }
        order
    }

    /// Places an entity after its ancestors; a loop in the data ends at what is already on the way.
    fn place<'b>(
        &'b self,
        entity: &'b Entity,
        placed: &mut BTreeSet<&'b EntityId>,
        order: &mut Vec<EntityId>,
    ) {
        let mut chain = Vec::new();
        let mut next = Some(entity);
        while let Some(current) = next.filter(|current| placed.insert(&current.id)) {
            chain.push(current.id.clone());
            next = current
                .parent
                .as_ref()
                .and_then(|parent| self.entities.get(parent));
        }
        order.extend(chain.into_iter().rev());
    }

    /// The entity's id in a remote system.
    pub(crate) fn remote(&self, entity: &EntityId, system: System) -> Option<&model::Replica> {
        self.entities
            .get(entity)
            .and_then(|entity| entity.replica(system))
    }
}

/// The code of what is held because the database was restored.
pub const RESTORED_CODE: &str = "SYNC-5020";

/// Runs the claimed operations of one batch key to their end; every one of them is finished or given back.
///
/// Fails only when the database does; the leases then run out and another step takes over.
pub async fn run(
    world: &World,
    owner: &str,
    operations: Vec<Operation>,
) -> Result<(), store::Error> {
    let located = place::locate(world, owner, operations).await?;
    let (mut batch, known) = match located {
        place::Located::Thread { batch, thread } => (batch, *thread),
        place::Located::Done => return Ok(()),
    };
    // What an old database has begun to undo is not undone before somebody has looked at it.
    if !world.settings.policy.is_read_only {
        undo::resume(&mut batch).await?;
    }
    let look = match look::look_with_links(&mut batch, known).await? {
        Ok(look) => look,
        Err(error) => return give_back(&batch, &error.0).await,
    };
    match find::adopt_created(&mut batch, &look).await? {
        Ok(()) => {}
        Err(failure) => return give_back(&batch, &failure).await,
    }
    let plan = decide::decide(&mut batch, &look).await?;
    write::write(&mut batch, plan).await
}

/// Ends all operations of the batch with the failure of a shared read.
async fn give_back(batch: &Batch<'_>, failure: &Failure) -> Result<(), store::Error> {
    let mut changes: Vec<Change> = batch
        .operations
        .iter()
        .map(|operation| outcome::failed(batch, operation, failure))
        .collect();
    // One look failed, whatever asked for it: one line.
    if let (Some(topic), Some(Change::Finish { outcome, .. })) =
        (batch.entities.get(&batch.topic), changes.first())
    {
        let system = model::system_of_code(&failure.code);
        changes.push(batch.log_failure(topic, system, (outcome, failure)));
    }
    batch.world.store.commit(changes).await
}

/// The change that ends an operation.
pub(crate) fn finish(
    world: &World,
    owner: &str,
    id: &model::OperationId,
    outcome: Outcome,
) -> Change {
    Change::Finish {
        operation: id.clone(),
        owner: owner.to_owned(),
        outcome,
        at: world.now(),
    }
}
