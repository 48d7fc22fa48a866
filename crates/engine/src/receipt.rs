//! What a receipt, a found create or a new remote item makes of an entity.

use std::collections::BTreeSet;

use model::{
    Action, Entity, EntityId, Existence, Intent, Kind, Record, RemoteId, RemoteItem, Replica,
    Sighting, Status, System, Timestamp, VersionVector, WriteResult,
};

use crate::plan::{PlannedWrite, owed_writes};
use crate::recover::is_held_by_hand;

/// The entity after a write came back.
pub fn complete(
    mut entity: Entity,
    write: &PlannedWrite,
    result: &WriteResult,
    now: Timestamp,
) -> Entity {
    let before = entity.replica(write.system).cloned();
    let is_deleted = write.action == Action::Delete;
    // A tombstone keeps what we knew: what a person changed just before is news when it is restored.
    let known = before.as_ref().filter(|_| is_deleted);
    let mut record = known.map_or_else(|| result.record.clone(), |known| known.record.clone());
    record.deleted = is_deleted;
    let owed = match (&before, write.action) {
        // What a create could not store at once is still owed.
        (_, Action::Create) => write.record.differing_fields(&record),
        (Some(replica), Action::Edit) => replica.owed.difference(&write.fields).copied().collect(),
        (Some(replica), Action::Delete | Action::Restore) => replica.owed.clone(),
        (None, _) => BTreeSet::new(),
    };
    let owed = if write.action == Action::Create {
        creatable(write, owed)
    } else {
        owed
    };
    let vector = before
        .as_ref()
        .map(|replica| replica.vector.clone())
        .unwrap_or_default();
    let vector = if owed.is_empty() || is_deleted {
        vector.join(&write.vector)
    } else {
        vector
    };
    let generation = match (&before, write.action) {
        (Some(replica), Action::Create) => replica.generation.saturating_add(1),
        (Some(replica), _) => replica.generation,
        (None, _) => 1,
    };
    let mut replica = Replica {
        remote: result.remote.clone(),
        vector,
        record,
        existence: if is_deleted {
            Existence::Deleted
        } else {
            Existence::Present
        },
        mark: result.mark.clone(),
        seen_at: now,
        generation,
        // What was written came from everybody: a later change there starts from it.
        base: None,
        owed,
    };
    if let Some(before) = &before {
        let number = entity.next_change(write.system);
        replica = with_unseen_change(replica, (before, number), write);
    }
    entity.replicas.insert(write.system, replica);
    settle(entity)
}

/// Whether a remote showed a change, in the answer to a write, that was not decided on yet: look again.
pub fn has_unseen_change(entity: &Entity) -> bool {
    let local = entity.replica(System::Local);
    entity.status != Status::Conflict
        && local.is_some_and(|local| {
            let mut replicas = entity.replicas.values();
            replicas.any(|replica| has_news(local, replica))
        })
}

/// What came back changed although we did not write it was changed by a person: just before a deletion whose
/// tombstone hid it, or between our look and our write where the remote has no guard.
fn with_unseen_change(
    mut replica: Replica,
    (before, number): (&Replica, u64),
    write: &PlannedWrite,
) -> Replica {
    let mut known = Record {
        deleted: false,
        ..before.record.clone()
    };
    match write.action {
        Action::Restore => {}
        Action::Edit => {
            for field in &write.fields {
                if let Some(value) = replica.record.fields.get(field) {
                    known.fields.insert(*field, value.clone());
                }
            }
        }
        Action::Create | Action::Delete => return replica,
    }
    if !known.same_content(&replica.record) {
        let seen = if write.action == Action::Edit {
            replica.vector.join(&write.vector)
        } else {
            before.vector.clone()
        };
        replica.vector = seen.reached(write.system, number);
        replica.base = Some(known);
    }
    replica
}

/// Whether the remote has a change that the local database has not taken up: it is compared before it is written to.
pub(crate) fn has_news(local: &Replica, replica: &Replica) -> bool {
    replica.base.is_some() && !local.vector.includes(&replica.vector)
}

/// After a create only yes-or-no fields can still be owed: a text that came back changed was rewritten by the
/// remote and
/// would be rewritten again.
fn creatable(write: &PlannedWrite, owed: BTreeSet<model::Field>) -> BTreeSet<model::Field> {
    owed.into_iter()
        .filter(|field| write.record.flag(*field).is_some())
        .collect()
}

/// Takes over an item that an earlier create of ours left behind without a receipt.
///
/// A title or text that is not the one we sent counts as changed by a person there: the worst that can come of it is that a
/// remote's own rewriting travels back once. What was changed locally since the create is still owed.
pub fn adopt(mut entity: Entity, intent: &Intent, item: &RemoteItem, now: Timestamp) -> Entity {
    let (record, existence) = match &item.sighting {
        Sighting::Present(record) => (record.clone(), Existence::Present),
        Sighting::Deleted => {
            let record = Record {
                deleted: true,
                ..intent.record.clone()
            };
            (record, Existence::Deleted)
        }
        Sighting::Missing | Sighting::Withheld(_) => return entity,
    };
    let differing = intent.record.differing_fields(&record);
    let (flags, texts): (BTreeSet<_>, BTreeSet<_>) = differing
        .into_iter()
        .partition(|field| intent.record.flag(*field).is_some());
    let is_changed = existence == Existence::Deleted || !texts.is_empty();
    let vector = if is_changed {
        let number = entity.next_change(intent.system);
        intent
            .vector
            .clone()
            .incremented(intent.system)
            .reached(intent.system, number)
    } else {
        intent.vector.clone()
    };
    // Flags that the create could not set are not a person's change.
    let mut sent = intent.record.clone();
    for field in &flags {
        if let Some(value) = record.fields.get(field) {
            sent.fields.insert(*field, value.clone());
        }
    }
    let mut owed = flags;
    if let Some(local) = entity.replica(System::Local) {
        owed.extend(intent.record.differing_fields(&local.record));
    }
    let generation = entity
        .replica(intent.system)
        .map_or(1, |old| old.generation.saturating_add(1));
    let replica = Replica {
        remote: item.remote.clone(),
        vector,
        record,
        existence,
        mark: item.mark.clone(),
        seen_at: now,
        generation,
        base: is_changed.then_some(sent),
        owed,
    };
    entity.replicas.insert(intent.system, replica);
    settle(entity)
}

/// Where a newly seen item belongs.
pub struct Place {
    /// The course.
    pub course: EntityId,
    /// The topic of a post, the course of a topic.
    pub container: EntityId,
    /// The post it answers.
    pub parent: Option<EntityId>,
}

/// The entity of an item that nobody knew; `None` for an item that is not there or must not be mirrored.
pub fn discover(
    id: EntityId,
    system: System,
    item: &RemoteItem,
    place: Place,
    now: Timestamp,
) -> Option<Entity> {
    let Sighting::Present(record) = &item.sighting else {
        return None;
    };
    let replica = Replica {
        remote: item.remote.clone(),
        vector: VersionVector::new().incremented(system),
        record: record.clone(),
        existence: Existence::Present,
        mark: item.mark.clone(),
        seen_at: now,
        generation: 1,
        base: None,
        owed: BTreeSet::new(),
    };
    let local = Replica {
        remote: RemoteId(id.0.clone()),
        mark: None,
        ..replica.clone()
    };
    Some(Entity {
        id,
        kind: item.kind,
        course: place.course,
        container: (item.kind != Kind::Course).then_some(place.container),
        parent: place.parent,
        shadow: None,
        replicas: [(system, replica), (System::Local, local)].into(),
        status: Status::Pending,
        reason: None,
        revision: 0,
        created_at: record.created_at.unwrap_or(now),
        updated_at: now,
    })
}

/// Sets the status after a step, and the shadow when all agree.
pub(crate) fn settle(mut entity: Entity) -> Entity {
    if matches!(entity.status, Status::Skipped | Status::Conflict) || is_held_by_hand(&entity) {
        return entity;
    }
    let local = entity.replica(System::Local);
    let waits = entity.replicas.values().any(|replica| {
        matches!(replica.existence, Existence::Missing { .. })
            || local.is_some_and(|local| has_news(local, replica))
    });
    if owed_writes(&entity).is_empty() && !waits {
        entity.status = Status::InSync;
        entity.reason = None;
        entity.shadow = entity
            .replica(System::Local)
            .map(|local| local.record.clone());
    } else if entity.status == Status::InSync {
        entity.status = Status::Pending;
    }
    entity
}
