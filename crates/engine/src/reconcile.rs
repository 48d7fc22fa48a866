//! The one decision of a sync step (design section 4): pure and total.
//!
//! The local replica is the hub: a decision puts its result there with the vector that includes everything it has
//! seen, and
//! every remote that has seen less is owed what changed.

// tidy: long because it is one decision, read from top to bottom.

use std::collections::BTreeSet;

use model::{
    Class, Conflict, Entity, Existence, Failure, Field, Intent, IntentId, IntentState, Observation,
    Policy, Record, Relation, RemoteId, Replica, Status, System, Timestamp, VersionVector,
};

use crate::detect::{News, Setting, detect, intents_for};
use crate::merge::{Head, Merged, merge};
use crate::receipt::settle;
use crate::recover::is_held_by_hand;

/// The code of an item that a system has but that must not be mirrored.
const WITHHELD: &str = "SYNC-5002";

/// Everything the decision depends on.
pub struct Input<'a> {
    /// The entity as stored.
    pub entity: &'a Entity,
    /// Its open intents.
    pub intents: &'a [Intent],
    /// What the remotes that were looked at said; at most one each.
    pub observations: &'a [Observation],
    /// How conflicts are decided here.
    pub policy: &'a Policy,
    /// The conflict that waits for a person, if any.
    pub open_conflict: Option<&'a Conflict>,
    /// Somebody, or a retry, asks for this entity by name.
    pub is_asked: bool,
    /// Our time.
    pub now: Timestamp,
}

/// One sentence for the history of an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A person changed it there.
    Changed(System, BTreeSet<Field>),
    /// A person deleted it there.
    Deleted(System),
    /// Our own write was seen again.
    Echo(System),
    /// Not found there; a second look decides.
    Missing(System),
    /// Concurrent changes that did not overlap were put together.
    Merged(Vec<System>),
    /// Concurrent changes with equal content: nothing to decide.
    Agreed(Vec<System>),
    /// A strategy decided an overlap.
    Decided(System),
    /// An overlap waits for a person.
    Undecided,
    /// It must not be mirrored now.
    Withheld(System, String),
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The entity's next state; equal to the stored one when there is nothing new.
    pub entity: Entity,
    /// The entity with what was seen, before anything was decided: what a rolled back transaction leaves.
    pub before: Entity,
    /// A conflict to store: open, or already decided by the strategy. Without an id yet: the caller gives one.
    pub conflict: Option<Conflict>,
    /// Intents that are now known to be done or never to have happened.
    pub intents: Vec<(IntentId, IntentState)>,
    /// What to tell the operator.
    pub notes: Vec<Note>,
    /// When the second look is due.
    pub look_again_at: Option<Timestamp>,
}

/// Decides. Running it again on its own result changes nothing; the order of the observations does not matter.
pub fn reconcile(input: &Input<'_>) -> Decision {
    let mut decision = observe(input);
    if is_held_by_hand(input.entity) {
        return decision;
    }
    if let Some((system, reason)) = withheld(&decision) {
        return hold(decision, system, &reason);
    }
    release(&mut decision.entity);
    decision.before = decision.entity.clone();
    if is_given_up(input, &decision) {
        return decision;
    }
    let heads = heads(&decision.entity);
    if is_settled(&decision.entity, &heads) {
        decision.entity = settle(owe(decision.entity, &BTreeSet::new()));
        return decision;
    }
    combine(input, decision, &heads)
}

fn observe(input: &Input<'_>) -> Decision {
    let mut decision = Decision {
        entity: input.entity.clone(),
        before: input.entity.clone(),
        conflict: None,
        intents: Vec::new(),
        notes: Vec::new(),
        look_again_at: None,
    };
    let mut observations: Vec<&Observation> = input.observations.iter().collect();
    observations.sort_by_key(|observation| observation.system);
    for observation in observations {
        let system = observation.system;
        let Some(replica) = decision.entity.replica(system).cloned() else {
            continue;
        };
        let intents = intents_for(input.intents, system);
        let local = input
            .entity
            .replica(System::Local)
            .map(|local| local.record.clone());
        let setting = Setting {
            local: local.as_ref(),
            two_looks_ms: input.policy.two_looks_ms,
            now: input.now,
        };
        let mut detected = detect(&replica, observation, &intents, &setting);
        if detected.news == News::Changed {
            let number = decision.entity.next_change(system);
            let vector = std::mem::take(&mut detected.replica.vector);
            detected.replica.vector = vector.reached(system, number);
        }
        let note = match &detected.news {
            News::Nothing => None,
            News::Echo => Some(Note::Echo(system)),
            News::Changed if detected.replica.record.deleted => Some(Note::Deleted(system)),
            News::Changed => Some(Note::Changed(
                system,
                replica.record.differing_fields(&detected.replica.record),
            )),
            News::Older { look_again_at } => {
                let earlier = decision.look_again_at.map(|at| at.min(*look_again_at));
                decision.look_again_at = earlier.or(Some(*look_again_at));
                None
            }
            News::Missing { look_again_at } => {
                decision.look_again_at = Some(
                    decision
                        .look_again_at
                        .map_or(*look_again_at, |at| at.min(*look_again_at)),
                );
                matches!(replica.existence, Existence::Present).then_some(Note::Missing(system))
            }
            News::Withheld(reason) => Some(Note::Withheld(system, reason.clone())),
        };
        decision.notes.extend(note);
        decision.intents.extend(detected.intents);
        decision.entity.replicas.insert(system, detected.replica);
    }
    decision
}

/// A change that could not be written everywhere was taken back: it is not tried again until somebody changes
/// something or asks.
fn is_given_up(input: &Input<'_>, decision: &Decision) -> bool {
    let is_news = |note: &Note| {
        matches!(
            note,
            Note::Changed(..) | Note::Deleted(_) | Note::Echo(_) | Note::Missing(_)
        )
    };
    input.entity.status == Status::Failed && !input.is_asked && !decision.notes.iter().any(is_news)
}

/// An item that was withheld and is visible again goes on by itself.
fn release(entity: &mut Entity) {
    let is_withheld = entity
        .reason
        .as_ref()
        .is_some_and(|reason| reason.code == WITHHELD);
    if entity.status == Status::Held && is_withheld {
        entity.status = Status::Pending;
        entity.reason = None;
    }
}

/// Whether the local database has everything that any system has.
fn is_settled(entity: &Entity, heads: &[System]) -> bool {
    match (heads, entity.replica(System::Local)) {
        ([], _) => true,
        ([head], Some(local)) => entity
            .replica(*head)
            .is_some_and(|replica| local.vector.includes(&replica.vector)),
        _ => false,
    }
}

fn withheld(decision: &Decision) -> Option<(System, String)> {
    decision.notes.iter().find_map(|note| match note {
        Note::Withheld(system, reason) => Some((*system, reason.clone())),
        _ => None,
    })
}

fn hold(mut decision: Decision, system: System, reason: &str) -> Decision {
    if decision.entity.status == Status::Held {
        decision.notes.clear();
    }
    if decision.entity.status != Status::Skipped {
        decision.entity.status = Status::Held;
        decision.entity.reason = Some(Failure::new(
            WITHHELD,
            Class::Guard,
            format!(
                "{} has it, but it is not mirrored: {reason}.",
                system.title()
            ),
            "It is mirrored again by itself when this changes.",
        ));
    }
    decision
}

/// The systems whose replicas have seen something that no other replica includes; of equals one stands for all, a
/// remote
/// before the local database, so that a conflict names the product and not us.
fn heads(entity: &Entity) -> Vec<System> {
    let mut heads: Vec<System> = Vec::new();
    for (system, replica) in &entity.replicas {
        let is_included = entity.replicas.iter().any(|(other, theirs)| {
            match replica.vector.compare(&theirs.vector) {
                Relation::HappensBefore => true,
                Relation::Identical => heads.contains(other),
                Relation::HappensAfter | Relation::Concurrent => false,
            }
        });
        if !is_included {
            heads.push(*system);
        }
    }
    heads
}

/// Puts what the heads have into the local replica, or leaves a conflict.
fn combine(input: &Input<'_>, mut decision: Decision, systems: &[System]) -> Decision {
    let entity = &decision.entity;
    let is_concurrent = systems.len() > 1;
    let agreed = agreed(entity, systems, is_concurrent);
    let heads: Vec<Head> = systems
        .iter()
        .filter_map(|system| head(entity, *system, is_concurrent))
        .collect();
    let heads = newest_by_field(heads);
    let joined = entity
        .replicas
        .values()
        .fold(VersionVector::new(), |vector, replica| {
            vector.join(&replica.vector)
        });
    if is_concurrent && all_agree(&heads) {
        decision.notes.push(Note::Agreed(systems.to_vec()));
        close_conflict(input, &mut decision, &heads);
        return finish(decision, &heads, overlaid(&agreed, &heads), joined);
    }
    let merged = merge(&agreed, &heads, input.policy);
    if merged.is_conflict() {
        record_conflict(input, &mut decision, &heads, &merged, &agreed);
    } else {
        close_conflict(input, &mut decision, &heads);
        if is_concurrent {
            decision.notes.push(Note::Merged(systems.to_vec()));
        }
    }
    let vector = if is_concurrent {
        joined.incremented(System::Local)
    } else {
        joined
    };
    if let Some(record) = merged.record {
        return finish(decision, &heads, record, vector);
    }
    decision.entity.status = Status::Conflict;
    decision
}

fn all_agree(heads: &[Head]) -> bool {
    heads.windows(2).all(|pair| match pair {
        [left, right] => left.record.same_content(&right.record),
        _ => true,
    })
}

fn overlaid(agreed: &Record, heads: &[Head]) -> Record {
    let mut record = agreed.clone();
    for head in heads {
        crate::merge::apply(&mut record, head);
    }
    record
}

/// The record the heads' changes are laid over.
///
/// A single head has seen all: the local record itself. Concurrent heads are compared from the last agreement on.
fn agreed(entity: &Entity, heads: &[System], is_concurrent: bool) -> Record {
    let local = entity.replica(System::Local);
    let base = local
        .filter(|_| is_concurrent)
        .and_then(|local| local.base.clone());
    base.or_else(|| local.map(|local| local.record.clone()))
        .or_else(|| {
            heads
                .first()
                .and_then(|system| entity.replica(*system))
                .map(|r| r.record.clone())
        })
        .unwrap_or_default()
}

/// One side of the comparison. A remote that was already given a pending change of the local database carries that
/// change too: for the others it is as new as its own.
fn head(entity: &Entity, system: System, is_concurrent: bool) -> Option<Head> {
    let replica = entity.replica(system)?;
    let mut head = Head {
        system,
        record: replica.record.clone(),
        base: replica.base.clone(),
    };
    let Some((local, base)) = entity
        .replica(System::Local)
        .filter(|local| {
            is_concurrent && system != System::Local && replica.vector.includes(&local.vector)
        })
        .and_then(|local| local.base.as_ref().map(|base| (local, base)))
    else {
        return Some(head);
    };
    let own = head.changed();
    let mut adjusted = head.base.take().unwrap_or_else(|| head.record.clone());
    for field in base.differing_fields(&local.record) {
        if let Some(value) = base.fields.get(&field) {
            adjusted.fields.insert(field, value.clone());
        }
        // Its own change stands; otherwise the local form, which no remote has rewritten.
        if let Some(value) = local
            .record
            .fields
            .get(&field)
            .filter(|_| !own.contains(&field))
        {
            head.record.fields.insert(field, value.clone());
        }
    }
    if base.deleted != local.record.deleted {
        adjusted.deleted = base.deleted;
    }
    head.base = Some(adjusted);
    Some(head)
}

/// A change that was made on top of another head's value has seen that value: in that field the other head is older.
fn newest_by_field(mut heads: Vec<Head>) -> Vec<Head> {
    let seen: Vec<(System, Field, model::Value)> = heads
        .iter()
        .flat_map(|head| head.changed().into_iter().map(move |field| (head, field)))
        .filter_map(|(head, field)| {
            let before = head.base.as_ref()?.fields.get(&field)?;
            Some((head.system, field, before.clone()))
        })
        .collect();
    for head in &mut heads {
        for (system, field, before) in &seen {
            let is_older = *system != head.system && head.record.fields.get(field) == Some(before);
            if let Some(base) = head.base.as_mut().filter(|_| is_older) {
                base.fields.insert(*field, before.clone());
            }
        }
    }
    heads
}

/// An open conflict that nobody has to decide any more is closed with what all agree on.
fn close_conflict(input: &Input<'_>, decision: &mut Decision, heads: &[Head]) {
    if let Some(open) = input.open_conflict {
        decision.conflict = Some(Conflict {
            state: model::ConflictState::Resolved,
            decided_by: "agreement".to_owned(),
            result: heads.first().map(|head| head.record.clone()),
            resolved_at: Some(input.now),
            ..open.clone()
        });
    }
}

fn record_conflict(
    input: &Input<'_>,
    decision: &mut Decision,
    heads: &[Head],
    merged: &Merged,
    agreed: &Record,
) {
    let is_decided = merged.record.is_some();
    let sides = heads
        .iter()
        .map(|head| (head.system, head.record.clone()))
        .collect();
    let (id, opened_at) = input.open_conflict.map_or_else(
        || (String::new(), input.now),
        |open| (open.id.clone(), open.opened_at),
    );
    let conflict = Conflict {
        id,
        entity: decision.entity.id.clone(),
        state: if is_decided {
            model::ConflictState::Resolved
        } else {
            model::ConflictState::Open
        },
        strategy: input.policy.strategy,
        decided_by: if is_decided {
            "strategy".to_owned()
        } else {
            String::new()
        },
        base: Some(agreed.clone()),
        sides,
        result: merged.record.clone(),
        fields: merged.overlaps.clone(),
        opened_at,
        resolved_at: is_decided.then_some(input.now),
    };
    let is_news = input.open_conflict != Some(&conflict);
    if is_news {
        decision.notes.push(if is_decided {
            Note::Decided(winner(heads, merged))
        } else {
            Note::Undecided
        });
        decision.conflict = Some(conflict);
    }
}

/// The head whose values stand in the result; the local database when the result is nobody's alone.
fn winner(heads: &[Head], merged: &Merged) -> System {
    let Some(record) = &merged.record else {
        return System::Local;
    };
    heads
        .iter()
        .find(|head| {
            head.record.deleted == record.deleted
                && merged
                    .overlaps
                    .iter()
                    .all(|field| head.record.fields.get(field) == record.fields.get(field))
        })
        .map_or(System::Local, |head| head.system)
}

/// Makes `record` the local database's content and notes what each remote is owed.
fn finish(
    mut decision: Decision,
    heads: &[Head],
    record: Record,
    vector: VersionVector,
) -> Decision {
    let mut changed: BTreeSet<Field> = heads.iter().flat_map(Head::changed).collect();
    let entity = &mut decision.entity;
    let previous = entity.replica(System::Local).cloned();
    let base = previous
        .as_ref()
        .map(|local| local.base.as_ref().unwrap_or(&local.record).clone());
    if let Some(local) = &previous {
        changed.extend(local.record.differing_fields(&record));
    }
    let template = previous.or_else(|| {
        heads
            .first()
            .and_then(|h| entity.replica(h.system))
            .cloned()
    });
    if let Some(template) = template {
        entity.replicas.insert(
            System::Local,
            Replica {
                remote: RemoteId(entity.id.0.clone()),
                existence: if record.deleted {
                    Existence::Deleted
                } else {
                    Existence::Present
                },
                record,
                vector,
                base,
                mark: None,
                owed: BTreeSet::new(),
                ..template
            },
        );
    }
    if matches!(
        entity.status,
        Status::Conflict | Status::Held | Status::Failed | Status::InSync
    ) {
        entity.status = Status::Pending;
        entity.reason = None;
    }
    // What the remotes had is in the local record now, or was seen by who outweighs it: their next change starts here.
    for (system, replica) in &mut decision.entity.replicas {
        if *system != System::Local
            && let Some(base) = replica.base.take()
        {
            changed.extend(base.differing_fields(&replica.record));
        }
    }
    decision.entity = settle(owe(decision.entity, &changed));
    decision
}

/// Gives every remote that has not seen all that the local database has the changed fields to owe; a remote that
/// is owed
/// nothing has seen all.
pub(crate) fn owe(mut entity: Entity, changed: &BTreeSet<Field>) -> Entity {
    let Some(local) = entity.replica(System::Local).cloned() else {
        return entity;
    };
    for (system, replica) in &mut entity.replicas {
        if *system == System::Local {
            continue;
        }
        replica.owed.extend(changed.iter().copied());
        replica.owed.retain(|field| {
            local.record.fields.contains_key(field)
                && replica.record.fields.contains_key(field)
                && local.record.fields.get(field) != replica.record.fields.get(field)
        });
        let is_as_wanted = local.record.deleted == replica.record.deleted
            && !matches!(replica.existence, Existence::Missing { .. });
        if is_as_wanted && (replica.owed.is_empty() || local.record.deleted) {
            replica.vector = replica.vector.clone().join(&local.vector);
        }
    }
    entity
}

#[cfg(test)]
mod tests;
