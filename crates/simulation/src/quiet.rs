//! The end of a run: faults stop, all is looked at, and then everything must agree or say why it does not.

use std::collections::{BTreeMap, BTreeSet};

use model::{Conflict, Entity, EntityId, Kind, Record, Status, System};
use store::{ConflictFilter, HistoryFilter};

use crate::finding::Finding;
use crate::remote::unmarked;
use crate::sim::Sim;
use crate::word::{Place, words_of_record};

/// Looks at everything after which nothing may be open any more.
const ROUNDS: usize = 12;
/// So many rounds in which nothing happened end the wait: the second look comes within one.
const ROUNDS_CALM: usize = 2;
/// Further looks, which must not write.
const ROUNDS_QUIET: usize = 2;
/// Between two looks: beyond every wait of the schedule, in milliseconds.
const ROUND_MS: i64 = 3_700_000;
/// Polls after which a round is known not to end.
const TURNS_MAX: usize = 20_000;

impl Sim {
    /// Stops the faults, works everything off, checks the outcome.
    pub fn settle(&mut self) -> Result<(), Finding> {
        self.tell("the faults stop".to_owned());
        self.is_settling = true;
        self.canvas.memory.heal();
        self.discourse.memory.heal();
        let mut calm = 0;
        for _ in 0..ROUNDS {
            let before = self.progress();
            self.round()?;
            calm = if self.progress() == before {
                calm + 1
            } else {
                0
            };
            if calm == ROUNDS_CALM {
                break;
            }
        }
        let writes = self.summary().writes;
        for _ in 0..ROUNDS_QUIET {
            self.round()?;
        }
        if self.summary().writes != writes {
            return Err(self.finding("echo: a quiet world is written to"));
        }
        self.check_outcome()
    }

    /// What grows while anything still happens.
    fn progress(&self) -> (u64, i64) {
        let revisions = self.known.values().map(|entity| entity.revision).sum();
        (self.summary().writes, revisions)
    }

    fn round(&mut self) -> Result<(), Finding> {
        self.pass(ROUND_MS)?;
        self.call(self.world.store.recover_expired(self.world.now()))?;
        for system in System::REMOTE {
            self.poll(system, true)?;
        }
        for _ in 0..TURNS_MAX {
            let first = self.turn(0)?;
            let second = self.turn(1)?;
            if !first && !second {
                return Ok(());
            }
            self.pass(1)?;
        }
        Err(self.finding("the queue does not empty"))
    }

    fn check_outcome(&mut self) -> Result<(), Finding> {
        let items = self.items()?;
        let by_id: BTreeMap<&EntityId, &Entity> =
            items.iter().map(|entity| (&entity.id, entity)).collect();
        for entity in &items {
            self.summary.entities += 1;
            let topic = entity.container.as_ref().and_then(|id| by_id.get(id));
            let rests = entity.kind == Kind::Post
                && topic.is_some_and(|topic| !is_alive(topic) || topic.status != Status::InSync);
            if !rests {
                self.check_entity(entity, &by_id)?;
            }
            self.summary.in_sync += u64::from(entity.status == Status::InSync);
        }
        self.check_items(&items)?;
        self.check_places(&items, &by_id)?;
        self.check_single()?;
        self.count_paths(&items)?;
        self.check_words(&items, &by_id)
    }

    fn check_entity(
        &self,
        entity: &Entity,
        by_id: &BTreeMap<&EntityId, &Entity>,
    ) -> Result<(), Finding> {
        let has_reason = entity.reason.is_some();
        match entity.status {
            Status::InSync => self.check_agreement(entity),
            Status::Failed if has_reason => self.check_given_up(entity),
            Status::Held if has_reason => Ok(()),
            Status::Pending if waits_for_a_person(entity, by_id) => Ok(()),
            Status::Conflict => match self.call(self.world.store.open_conflict(&entity.id))? {
                Some(_) => Ok(()),
                None => Err(self.finding(format!("{} has no open conflict", entity.id))),
            },
            _ => Err(self.finding(format!(
                "{} {} stays {}: {:?}; replicas {:#?}",
                entity.kind,
                entity.id,
                entity.status.as_str(),
                entity.reason,
                entity.replicas
            ))),
        }
    }

    fn check_agreement(&self, entity: &Entity) -> Result<(), Finding> {
        let Some(local) = entity.replica(System::Local) else {
            return Err(self.finding(format!("{} is in sync without a local copy", entity.id)));
        };
        for system in System::REMOTE {
            let actual = entity
                .replica(system)
                .and_then(|replica| self.remote(system).record(&replica.remote));
            let agrees = match &actual {
                Some(actual) => unmarked(actual).same_content(&unmarked(&local.record)),
                None => local.record.deleted,
            };
            if !agrees {
                return Err(self.finding(format!(
                    "{} {} is in sync, but {system} has {actual:?} instead of {:#?}",
                    entity.kind, entity.id, entity.replicas
                )));
            }
        }
        Ok(())
    }

    /// Every live item of a thread in step belongs to an entity.
    fn check_items(&self, items: &[Entity]) -> Result<(), Finding> {
        for system in System::REMOTE {
            let remote = self.remote(system);
            let known: BTreeSet<_> = items
                .iter()
                .filter_map(|entity| entity.replica(system))
                .map(|replica| replica.remote.clone())
                .collect();
            for topic in items.iter().filter(|topic| {
                topic.kind == Kind::Topic && topic.status == Status::InSync && is_alive(topic)
            }) {
                let Some(replica) = topic.replica(system) else {
                    continue;
                };
                for post in remote.members(&replica.remote) {
                    let is_live = remote.record(&post).is_some_and(|record| !record.deleted);
                    if is_live && !known.contains(&post) {
                        let what = format!("{system} post {post} belongs to no entity");
                        return Err(self.finding(what));
                    }
                }
            }
        }
        Ok(())
    }

    /// A post stands under a post that it answers here, or under the topic when it does here or when something it
    /// answers was deleted once.
    fn check_places(
        &self,
        items: &[Entity],
        by_id: &BTreeMap<&EntityId, &Entity>,
    ) -> Result<(), Finding> {
        for system in System::REMOTE {
            // What people made stands where they put it.
            let remote = self.remote(system);
            let ours: BTreeSet<_> = remote.created().into_iter().map(|(id, _)| id).collect();
            let parents: BTreeMap<_, _> = remote
                .memory
                .dump()
                .into_iter()
                .filter(|(id, ..)| ours.contains(id))
                .map(|(id, _, parent, _)| (id, parent))
                .collect();
            for post in items.iter().filter(|entity| entity.kind == Kind::Post) {
                let Some(replica) = post.replica(system) else {
                    continue;
                };
                let mut above = Vec::new();
                let mut next = post.parent.as_ref();
                while let Some(parent) = next.and_then(|id| by_id.get(id)) {
                    above.push(*parent);
                    next = parent.parent.as_ref();
                }
                let Some(parent) = parents.get(&replica.remote) else {
                    continue;
                };
                let is_right = match parent {
                    None => above.is_empty() || above.iter().any(|up| self.buried.contains(&up.id)),
                    Some(shown) => above.iter().any(|up| {
                        up.replica(system)
                            .is_some_and(|replica| replica.remote == *shown)
                    }),
                };
                if !is_right {
                    let what =
                        format!("{system} post {} stands in the wrong place", replica.remote);
                    return Err(self.finding(what));
                }
            }
        }
        Ok(())
    }

    /// No word stands in two live items of one system: each was written once.
    fn check_single(&self) -> Result<(), Finding> {
        for system in System::REMOTE {
            let mut seen: BTreeMap<String, model::RemoteId> = BTreeMap::new();
            for (id, _, _, record) in self.remote(system).memory.dump() {
                if record.deleted {
                    continue;
                }
                for word in words_of_record(&record) {
                    if let Some(other) = seen
                        .insert(word.clone(), id.clone())
                        .filter(|other| *other != id)
                    {
                        let what =
                            format!("duplicate: {word} is in {system} items {other} and {id}");
                        return Err(self.finding(what));
                    }
                }
            }
        }
        Ok(())
    }

    /// Counts the ways that the product went, by its own history.
    fn count_paths(&mut self, items: &[Entity]) -> Result<(), Finding> {
        for entity in items {
            let filter = HistoryFilter {
                entity: Some(entity.id.clone()),
                limit: 1_000,
                ..HistoryFilter::default()
            };
            for entry in self.call(self.world.store.history(&filter))? {
                self.count(format!("path: {}", entry.action));
            }
            for conflict in self.conflicts_of(entity)? {
                let by = if conflict.decided_by.is_empty() {
                    "nobody yet"
                } else {
                    &conflict.decided_by
                };
                self.count(format!("conflict: {} by {by}", conflict.strategy.as_str()));
            }
        }
        for system in System::REMOTE {
            for (what, count) in self.remote(system).counts() {
                *self.counters.entry(what).or_insert(0) += count;
            }
        }
        Ok(())
    }

    fn check_words(
        &self,
        items: &[Entity],
        by_id: &BTreeMap<&EntityId, &Entity>,
    ) -> Result<(), Finding> {
        let kept = self.kept_words(items)?;
        for (word, place) in self.words.expected() {
            let entity = items.iter().find(|entity| is_place(entity, place));
            let is_settled = entity.is_some_and(|entity| {
                let topic = entity.container.as_ref().and_then(|id| by_id.get(id));
                let is_under_way = entity.kind == Kind::Post
                    && topic
                        .is_some_and(|topic| topic.status != Status::InSync || !is_alive(topic));
                entity.status == Status::InSync && !is_under_way
            });
            let is_there = match entity.filter(|_| is_settled) {
                Some(entity) => self.is_on_both_sides(entity, word),
                None => self.is_anywhere(items, word),
            };
            if !is_there && !kept.contains(word) {
                let what = format!(
                    "words are lost: {word}, written at {place:?}; entity {:#?}",
                    entity.map(|entity| (&entity.id, entity.status, &entity.replicas))
                );
                return Err(self.finding(what));
            }
        }
        Ok(())
    }

    /// Every conflict that an entity had.
    fn conflicts_of(&self, entity: &Entity) -> Result<Vec<Conflict>, Finding> {
        self.call(self.world.store.conflicts(&ConflictFilter {
            state: None,
            entity: Some(entity.id.clone()),
            before: None,
            limit: 1_000,
        }))
    }

    /// The words that conflicts keep.
    fn kept_words(&self, items: &[Entity]) -> Result<BTreeSet<String>, Finding> {
        let mut kept = BTreeSet::new();
        for entity in items {
            for conflict in self.conflicts_of(entity)? {
                kept.extend(conflict.sides.values().flat_map(words_of_record));
            }
        }
        Ok(kept)
    }

    fn is_on_both_sides(&self, entity: &Entity, word: &str) -> bool {
        System::REMOTE.into_iter().all(|system| {
            entity
                .replica(system)
                .and_then(|replica| self.remote(system).record(&replica.remote))
                .is_some_and(|record| !record.deleted && has(&record, word))
        })
    }

    fn is_anywhere(&self, items: &[Entity], word: &str) -> bool {
        let in_remotes = System::REMOTE.into_iter().any(|system| {
            let dump = self.remote(system).memory.dump();
            dump.iter().any(|(_, _, _, record)| has(record, word))
        });
        let in_database = items.iter().any(|entity| {
            let replicas = entity.replicas.values();
            replicas
                .into_iter()
                .any(|replica| has(&replica.record, word))
        });
        in_remotes || in_database
    }
}

/// Whether the item says that it waits for one that it answers, and that one waits for a person.
fn waits_for_a_person(entity: &Entity, by_id: &BTreeMap<&EntityId, &Entity>) -> bool {
    let is_waiting = |entity: &Entity| {
        let reason = entity.reason.as_ref();
        entity.status == Status::Pending && reason.is_some_and(|reason| reason.code == "SYNC-3003")
    };
    let mut next = Some(entity);
    while let Some(current) = next.filter(|current| is_waiting(current)) {
        next = current
            .parent
            .as_ref()
            .and_then(|id| by_id.get(id))
            .copied();
    }
    next.is_some_and(|blocker| {
        matches!(
            blocker.status,
            Status::Conflict | Status::Held | Status::Failed
        )
    })
}

fn has(record: &Record, word: &str) -> bool {
    words_of_record(record).contains(word)
}

fn is_alive(entity: &Entity) -> bool {
    entity
        .replica(System::Local)
        .is_some_and(|local| !local.record.deleted)
}

fn is_place(entity: &Entity, place: &Place) -> bool {
    match place {
        Place::Local(id) => entity.id == *id,
        Place::Remote(system, remote) => entity
            .replica(*system)
            .is_some_and(|replica| replica.remote == *remote),
    }
}
