//! The promises that hold after every event.

use std::collections::{BTreeMap, BTreeSet};

use model::{Entity, System};
use store::{OperationFilter, OperationState, SyncTransaction, TransactionResult};

use crate::finding::Finding;
use crate::remote::unmarked;
use crate::sim::Sim;

/// Writes that one act of a person, one fault or one crash may cause, on average over a run: two sides, a change
/// and its merge.
const WRITES_PER_CAUSE: u64 = 2;

impl Sim {
    /// What the writes did: told, bounded, without duplicates.
    pub fn check_writes(&mut self) -> Result<(), Finding> {
        for system in System::REMOTE {
            let remote = self.remote(system);
            let changed = remote.take_changed();
            let is_news = !changed.is_empty();
            for what in changed {
                self.tell(format!("{system}: written: {what}"));
            }
            let overwritten = remote.take_overwritten();
            if !overwritten.is_empty() {
                self.tell(format!("{system}: overwritten unseen: {overwritten:?}"));
            }
            for id in remote.take_deleted() {
                self.check_deletion(system, &id)?;
            }
            let unguarded = remote.take_unguarded();
            if !unguarded.is_empty() {
                let what = format!("a guard is missing: {system}, {unguarded:?}");
                return Err(self.finding(what));
            }
            if !overwritten.is_empty() {
                self.count("overwritten unseen");
            }
            self.words.superseded(&overwritten);
            if is_news {
                self.check_duplicates(system)?;
            }
        }
        let summary = self.summary();
        let causes = summary.acts + summary.faults + summary.crashes + 10;
        if summary.writes > causes * WRITES_PER_CAUSE {
            return Err(self.finding(format!("echo: {} writes", summary.writes)));
        }
        Ok(())
    }

    /// Nothing is deleted that no person ever deleted.
    fn check_deletion(&self, system: System, id: &model::RemoteId) -> Result<(), Finding> {
        let items = self.items()?;
        let entity = items.iter().find(|entity| {
            let replica = entity.replica(system);
            replica.is_some_and(|replica| replica.remote == *id)
        });
        let is_condemned = entity.is_none_or(|entity| {
            let mut replicas = entity.replicas.iter();
            replicas.any(|(system, replica)| {
                self.condemned.contains(&(*system, replica.remote.clone()))
            })
        });
        if is_condemned || self.is_taken_back(entity)? {
            return Ok(());
        }
        Err(self.finding(format!(
            "{system} item {id} is deleted, and nobody asked for that"
        )))
    }

    /// Whether a transaction that failed is taking back what it created.
    fn is_taken_back(&self, entity: Option<&Entity>) -> Result<bool, Finding> {
        let ids: Vec<model::EntityId> = entity.iter().map(|entity| entity.id.clone()).collect();
        let prepared = self.call(self.world.store.prepared(&ids))?;
        Ok(prepared.iter().any(|one| one.cause.is_some()))
    }

    /// No two live items that we created stand for one entity.
    fn check_duplicates(&self, system: System) -> Result<(), Finding> {
        let remote = self.remote(system);
        let mut live = BTreeMap::new();
        for (id, key) in remote.created() {
            if remote.record(&id).is_none_or(|record| record.deleted) {
                continue;
            }
            // `ap-` and 26 characters are the entity, the rest is the generation.
            let entity: String = key.as_str().chars().take(29).collect();
            if let Some(other) = live.insert(entity.clone(), id.clone()) {
                return Err(self.finding(format!(
                    "duplicate: {system} has {other} and {id} for {entity}"
                )));
            }
        }
        Ok(())
    }

    /// What the database says: vectors grow, nothing runs twice.
    pub fn check_store(&mut self) -> Result<(), Finding> {
        let items = self.items()?;
        let mut remotes = BTreeSet::new();
        for entity in items {
            for (system, replica) in &entity.replicas {
                if *system != System::Local && !remotes.insert((*system, replica.remote.clone())) {
                    let what = format!("{system} item {} has two entities", replica.remote);
                    return Err(self.finding(what));
                }
            }
            let rollbacks = self.rollbacks(&entity)?;
            let is_as_before = self.rolled_back.insert(entity.id.clone(), rollbacks);
            // A rollback gives back what each system had seen before.
            let is_forward = is_as_before.unwrap_or(0) == rollbacks;
            if !is_forward {
                self.check_rollback(&entity)?;
            }
            if let Some(before) = self.known.get(&entity.id).filter(|_| is_forward) {
                self.check_growth(before, &entity)?;
            }
            let is_news = self
                .known
                .get(&entity.id)
                .is_none_or(|before| before.revision != entity.revision);
            if entity
                .replicas
                .values()
                .any(|replica| replica.record.deleted)
            {
                self.buried.insert(entity.id.clone());
            }
            if self.options.is_detailed && is_news {
                self.tell(state(&entity));
            }
            self.known.insert(entity.id.clone(), entity);
        }
        let running = OperationFilter {
            state: Some(OperationState::InProgress),
            limit: 1_000,
            ..OperationFilter::default()
        };
        let mut subjects = BTreeSet::new();
        for operation in self.call(self.world.store.operations(&running))? {
            if !subjects.insert(operation.subject.clone()) {
                let what = format!("{} runs twice", operation.subject);
                return Err(self.finding(what));
            }
        }
        Ok(())
    }

    /// How often the transactions of an entity were rolled back.
    fn rollbacks(&self, entity: &Entity) -> Result<usize, Finding> {
        let all = self.call(self.world.store.transactions(&entity.id))?;
        let back =
            |one: &&SyncTransaction| matches!(one.ended, Some((_, TransactionResult::RolledBack)));
        Ok(all.iter().filter(back).count())
    }

    /// Every step that a rolled back transaction had done is undone or left to a person.
    fn check_rollback(&self, entity: &Entity) -> Result<(), Finding> {
        for back in self.call(self.world.store.transactions(&entity.id))? {
            let is_back = matches!(back.ended, Some((_, TransactionResult::RolledBack)));
            let left = engine::undos(&back.steps);
            if is_back && !left.is_empty() {
                return Err(self.finding(format!("rolled back with {left:?} done")));
            }
        }
        Ok(())
    }

    /// What was given up says the same everywhere, or shows what is still to be done: otherwise a retry would find nothing.
    pub fn check_given_up(&self, entity: &Entity) -> Result<(), Finding> {
        let Some(local) = entity.replica(System::Local) else {
            return Ok(());
        };
        // What is stuck rests, and a deletion is never forgotten.
        let ids = std::slice::from_ref(&entity.id);
        if local.record.deleted || !self.call(self.world.store.prepared(ids))?.is_empty() {
            return Ok(());
        }
        for (system, replica) in &entity.replicas {
            let is_behind = !replica.owed.is_empty() || !local.vector.includes(&replica.vector);
            if *system == System::Local || is_behind {
                continue;
            }
            let actual = self.remote(*system).record(&replica.remote);
            let agrees = actual.is_none_or(|record| {
                record.deleted || unmarked(&record).same_content(&unmarked(&local.record))
            });
            if !agrees {
                let what = format!(
                    "{} is given up and {system} is forgotten: {entity:#?}",
                    entity.id
                );
                return Err(self.finding(what));
            }
        }
        Ok(())
    }

    fn check_growth(&self, before: &Entity, after: &Entity) -> Result<(), Finding> {
        for (system, old) in &before.replicas {
            let Some(new) = after.replica(*system) else {
                return Err(self.finding(format!("{} lost its copy in {system}", after.id)));
            };
            if !new.vector.includes(&old.vector) {
                return Err(self.finding(format!(
                    "the vector of {} in {system} went back: {:?} to {:?}",
                    after.id, old.vector, new.vector
                )));
            }
        }
        Ok(())
    }
}

/// One line about an entity, as a reader of a trace wants it.
fn state(entity: &Entity) -> String {
    let mut text = format!(
        "    {} {} {}",
        entity.kind,
        entity.id,
        entity.status.as_str()
    );
    for (system, replica) in &entity.replicas {
        let fields: Vec<String> = replica.record.fields.iter().map(value).collect();
        let base = replica.base.as_ref().map(|base| {
            let fields: Vec<String> = base.fields.iter().map(value).collect();
            format!(" base[{} deleted={}]", fields.join(" "), base.deleted)
        });
        let line = format!(
            "\n      {system} {} {} {:?} [{} deleted={}]{} owed={:?}",
            replica.remote,
            replica.existence.as_str(),
            replica.vector,
            fields.join(" "),
            replica.record.deleted,
            base.unwrap_or_default(),
            replica.owed
        );
        text.push_str(&line);
    }
    text
}

fn value((field, value): (&model::Field, &model::Value)) -> String {
    match value {
        model::Value::Body(body) => format!("body={:?}", body.source),
        model::Value::Text(text) => format!("{}={text}", field.as_str()),
        model::Value::Flag(flag) => format!("{}={flag}", field.as_str()),
        model::Value::Set(names) => format!("{}={names:?}", field.as_str()),
    }
}
