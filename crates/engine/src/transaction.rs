//! Undoing a sync transaction (design section 7): which of its steps to undo, how, and what the entity is afterwards.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Action, Entity, Existence, Failure, Field, Phase, Record, Replica, Status, Step, System,
    VersionVector,
};

/// A step that was done and is to be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    /// Which step.
    pub number: u32,
    /// Where.
    pub system: System,
    /// The write that undoes it.
    pub action: Action,
    /// What the system had before, and shall have again.
    pub before: Record,
    /// What the step left there: the guard of the write that undoes it.
    pub after: Record,
    /// The fields that the step wrote; all, when it was no edit.
    pub fields: BTreeSet<Field>,
}

/// The steps that are still to be undone, the last one first: done, and neither undone nor left alone since.
pub fn undos(log: &[Step]) -> Vec<Undo> {
    let mut prepared: BTreeMap<u32, &Step> = BTreeMap::new();
    let mut open: BTreeMap<u32, Undo> = BTreeMap::new();
    for line in log.iter().filter(|line| line.failure.is_none()) {
        match line.phase {
            Phase::Prepare => {
                prepared.insert(line.number, line);
            }
            Phase::Apply => {
                let wish = prepared.get(&line.number);
                let before = wish
                    .and_then(|wish| wish.before.clone())
                    .unwrap_or_default();
                let wrote = wish.and_then(|wish| wish.after.as_ref());
                let undo = Undo {
                    number: line.number,
                    system: line.system,
                    action: inverse(line.action),
                    fields: wrote.unwrap_or(&before).fields.keys().copied().collect(),
                    before,
                    after: line.after.clone().unwrap_or_default(),
                };
                open.insert(line.number, undo);
            }
            Phase::Compensate | Phase::Skip => {
                open.remove(&line.number);
            }
        }
    }
    open.into_values().rev().collect()
}

fn inverse(action: Action) -> Action {
    match action {
        Action::Create | Action::Restore => Action::Delete,
        Action::Edit => Action::Edit,
        Action::Delete => Action::Restore,
    }
}

/// The number of the next step: that of the same write when it was prepared and not done, else a new one.
pub fn step_number(log: &[Step], system: System, action: Action) -> u32 {
    match prepared_step(log, system) {
        Some(line) if line.action == action && !is_over(log, line.number) => line.number,
        _ => log
            .iter()
            .map(|line| line.number)
            .max()
            .unwrap_or(0)
            .saturating_add(1),
    }
}

/// Whether a step was done, undone or left alone.
fn is_over(log: &[Step], number: u32) -> bool {
    log.iter()
        .any(|line| line.number == number && line.phase != Phase::Prepare && line.failure.is_none())
}

/// The step that was last prepared in a system.
pub fn prepared_step(log: &[Step], system: System) -> Option<&Step> {
    log.iter()
        .rev()
        .find(|line| line.phase == Phase::Prepare && line.system == system)
}

/// The prepared steps that came to nothing: neither done nor left alone.
pub fn left_steps(log: &[Step]) -> Vec<Step> {
    let mut left: BTreeMap<u32, Step> = BTreeMap::new();
    for line in log.iter().filter(|line| line.phase == Phase::Prepare) {
        if !is_over(log, line.number) {
            left.insert(line.number, line.clone());
        }
    }
    left.into_values().collect()
}

/// How the undoing of a system's steps ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undone {
    /// It is as before: this is what it has now.
    Restored(Record),
    /// A person has changed it since: it stays, and is looked at again.
    LeftAlone,
}

/// What became of each system whose steps were done, by the log.
pub fn undone(log: &[Step]) -> BTreeMap<System, Undone> {
    let mut done: BTreeSet<u32> = BTreeSet::new();
    let mut ends = BTreeMap::new();
    for line in log.iter().filter(|line| line.failure.is_none()) {
        match line.phase {
            Phase::Apply => {
                done.insert(line.number);
            }
            Phase::Skip if done.contains(&line.number) => {
                ends.insert(line.system, Undone::LeftAlone);
            }
            Phase::Prepare | Phase::Skip => {}
            Phase::Compensate => {
                let mut record = line.after.clone().unwrap_or_default();
                if record.deleted {
                    // What a tombstone hides is what the step undone before it had put back.
                    record.fields = match ends.get(&line.system) {
                        Some(Undone::Restored(content)) => content.fields.clone(),
                        Some(Undone::LeftAlone) | None => BTreeMap::new(),
                    };
                }
                ends.insert(line.system, Undone::Restored(record));
            }
        }
    }
    ends
}

/// What a system shows of an item whose step is to be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As the step left it.
    AsLeft,
    /// As before the step: it was undone already.
    AsBefore,
    /// A person has changed it.
    Changed,
}

/// Whether an item came back with other content than it went with: a person restored and edited it before we did.
fn came_back_changed(undo: &Undo) -> bool {
    let was_there = !undo.before.fields.is_empty();
    let is_restore = undo.action == Action::Delete && was_there;
    is_restore && undo.before.fields != undo.after.fields
}

/// Compares what a system shows with what the step left and found; a `None` is an item that is not there.
pub fn standing(undo: &Undo, shown: Option<&Record>) -> Standing {
    let is_there = shown.is_some_and(|record| !record.deleted);
    match undo.action {
        _ if came_back_changed(undo) => Standing::Changed,
        Action::Delete if !is_there => Standing::AsBefore,
        Action::Restore if !is_there => Standing::AsLeft,
        _ => match shown {
            Some(record) if is_there && record.same_content(&undo.before) => Standing::AsBefore,
            Some(record) if is_there && record.same_content(&undo.after) => Standing::AsLeft,
            _ => Standing::Changed,
        },
    }
}

/// What an entity was before a transaction, and what the transaction was to write.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The entity before.
    pub before: &'a Entity,
    /// What the local database had seen when the transaction began.
    pub vector: &'a VersionVector,
}

/// The entity after its transaction was rolled back: as before, except for what cannot be taken back.
///
/// What each system has seen is what it had seen before, so that a later attempt decides the same again; nothing is
/// attempted until something new is seen or a person asks. A copy that a person has changed meanwhile keeps what it
/// knows, because its change was made on top of what was undone elsewhere; when that is the local copy, what was undone
/// in the others is owed to them again.
pub fn restore(
    origin: Origin<'_>,
    present: &Entity,
    undone: &BTreeMap<System, Undone>,
    cause: &Failure,
) -> Entity {
    let before = origin.before;
    let local = present.replica(System::Local);
    let is_local_newer = local.is_some_and(|local| local.vector != *origin.vector);
    let kept = if is_local_newer {
        local
    } else {
        before.replica(System::Local)
    };
    let mut replicas = before.replicas.clone();
    for (system, now) in &present.replicas {
        let old = before.replica(*system);
        let number = present.next_change(*system);
        let replica = match (undone.get(system), old) {
            (Some(Undone::Restored(record)), _) => {
                let replica = if is_local_newer {
                    owed_again(now, record)
                } else {
                    given_back(now, old, record)
                };
                match old {
                    Some(old) => with_news((*system, number), replica, old),
                    None => owing_all(replica, kept),
                }
            }
            (None, None) => now.clone(),
            (Some(Undone::LeftAlone) | None, _) if is_local_newer => now.clone(),
            (Some(Undone::LeftAlone), old) => ahead(now, old, before),
            (None, Some(old)) => old.clone(),
        };
        replicas.insert(*system, replica);
    }
    let is_news = undone.iter().any(|(system, end)| {
        let old = before
            .replica(*system)
            .filter(|_| *end != Undone::LeftAlone);
        old.zip(replicas.get(system))
            .is_some_and(|(old, new)| !new.record.same_content(&old.record))
    });
    Entity {
        replicas,
        shadow: before.shadow.clone(),
        status: if is_news {
            Status::Pending
        } else {
            Status::Failed
        },
        reason: Some(cause.clone()),
        ..present.clone()
    }
}

fn with_record(now: &Replica, record: &Record) -> Replica {
    // A tombstone keeps what was there last: a restore starts from it.
    let mut shown = if record.deleted && record.fields.is_empty() {
        now.record.clone()
    } else {
        record.clone()
    };
    shown.deleted = record.deleted;
    Replica {
        record: shown,
        existence: if record.deleted {
            Existence::Deleted
        } else {
            Existence::Present
        },
        ..now.clone()
    }
}

/// A copy that stays as it is now: all that it has and the others do not is its own change.
fn ahead(now: &Replica, old: Option<&Replica>, before: &Entity) -> Replica {
    let agreed = old.or_else(|| before.replica(System::Local));
    Replica {
        base: agreed.map(|old| old.base.as_ref().unwrap_or(&old.record).clone()),
        ..now.clone()
    }
}

fn owed_again(now: &Replica, record: &Record) -> Replica {
    let mut replica = with_record(now, record);
    replica.owed.extend(record.differing_fields(&now.record));
    replica
}

fn given_back(now: &Replica, old: Option<&Replica>, record: &Record) -> Replica {
    // What was not there before leaves a tombstone that knows of nothing and outweighs nothing.
    let (vector, base, owed) = old.map_or_else(Default::default, |old| {
        (old.vector.clone(), old.base.clone(), old.owed.clone())
    });
    Replica {
        vector,
        base,
        owed,
        ..with_record(now, record)
    }
}

/// A tombstone of what the transaction had made: when it is restored, it shows its old content, and what the local copy
/// has beside that is still to be written.
fn owing_all(mut replica: Replica, local: Option<&Replica>) -> Replica {
    if let Some(local) = local {
        let differing = replica.record.differing_fields(&local.record);
        replica.owed.extend(differing);
    }
    replica
}

/// What somebody changed between a look and a write of ours came back with the write: that is a change seen there.
fn with_news((system, number): (System, u64), mut replica: Replica, old: &Replica) -> Replica {
    if !old.record.same_content(&replica.record) && replica.base.is_none() {
        replica.base = Some(old.record.clone());
        replica.vector = replica.vector.reached(system, number);
    }
    replica
}

#[cfg(test)]
mod tests;
