//! Edits of the local database, and a person's decisions about conflicts: both are changes at `local`.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Conflict, ConflictState, Entity, Existence, Field, Record, Status, System, Timestamp, Value,
    VersionVector,
};

use crate::receipt::{has_news, settle};
use crate::reconcile::owe;

/// Why a local edit was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditRefused {
    /// There is no local copy yet.
    NotThere,
    /// The item has no such field.
    NoSuchField(Field),
    /// The item is deleted; restore it first.
    Deleted,
}

/// Changes fields or existence in the local database.
pub fn edit(
    mut entity: Entity,
    values: BTreeMap<Field, Value>,
    is_deleted: Option<bool>,
    now: Timestamp,
) -> Result<Entity, EditRefused> {
    let number = entity.next_change(System::Local);
    let Some(local) = entity.replicas.get_mut(&System::Local) else {
        return Err(EditRefused::NotThere);
    };
    let before = local.record.clone();
    let mut record = before.clone();
    record.deleted = is_deleted.unwrap_or(record.deleted);
    if record.deleted && !values.is_empty() {
        return Err(EditRefused::Deleted);
    }
    for (field, value) in values {
        if !record.fields.contains_key(&field) {
            return Err(EditRefused::NoSuchField(field));
        }
        record.fields.insert(field, value);
    }
    if record.same_content(&before) {
        return Ok(entity);
    }
    record.edited_at = Some(now);
    local.base.get_or_insert(before.clone());
    local.existence = if record.deleted {
        Existence::Deleted
    } else {
        Existence::Present
    };
    let changed = before.differing_fields(&record);
    local.record = record;
    local.vector = local.vector.clone().reached(System::Local, number);
    local.seen_at = now;
    entity.updated_at = now;
    if entity.status == Status::InSync {
        entity.status = Status::Pending;
    }
    // A remote that has changed meanwhile still waits for its own comparison: only the owed fields are noted.
    for (system, replica) in &mut entity.replicas {
        if *system != System::Local {
            replica.owed.extend(changed.iter().copied());
        }
    }
    Ok(entity)
}

/// Applies a person's decision: `chosen` becomes the content of all systems, after everything that the person could see.
pub fn decide(
    mut entity: Entity,
    mut conflict: Conflict,
    chosen: &Record,
    who: &str,
    now: Timestamp,
) -> (Entity, Conflict) {
    let unseen = unseen(&entity, &conflict);
    let seen = || {
        let replicas = entity.replicas.iter();
        replicas.filter(|(system, _)| !unseen.contains(system))
    };
    let joined = seen()
        .fold(VersionVector::new(), |vector, (_, replica)| {
            vector.join(&replica.vector)
        })
        .reached(System::Local, entity.next_change(System::Local));
    let mut changed: BTreeSet<Field> = conflict.fields.clone();
    for (_, replica) in seen() {
        let base = replica.base.as_ref().unwrap_or(&replica.record);
        changed.extend(base.differing_fields(&replica.record));
    }
    if let Some(local) = entity.replicas.get_mut(&System::Local) {
        let agreed = local.base.get_or_insert_with(|| local.record.clone());
        let mut record = agreed.clone();
        for (field, value) in &chosen.fields {
            if record.fields.contains_key(field) {
                record.fields.insert(*field, value.clone());
            }
        }
        record.deleted = chosen.deleted;
        record.edited_at = Some(now);
        changed.extend(local.record.differing_fields(&record));
        local.existence = if record.deleted {
            Existence::Deleted
        } else {
            Existence::Present
        };
        local.record = record;
        local.vector = joined;
    }
    conflict.state = ConflictState::Resolved;
    who.clone_into(&mut conflict.decided_by);
    conflict.result = entity
        .replica(System::Local)
        .map(|local| local.record.clone());
    conflict.resolved_at = Some(now);
    entity.status = Status::Pending;
    entity.reason = None;
    entity.updated_at = now;
    (settle(owe(entity, &changed)), conflict)
}

/// The remotes whose present change is not the one that the conflict shows: whoever decides has not seen it, and it is
/// compared with the decision afterwards.
fn unseen(entity: &Entity, conflict: &Conflict) -> BTreeSet<System> {
    let Some(local) = entity.replica(System::Local) else {
        return BTreeSet::new();
    };
    entity
        .replicas
        .iter()
        .filter(|(system, replica)| {
            let side = conflict.sides.get(system);
            **system != System::Local
                && has_news(local, replica)
                && side.is_none_or(|side| !side.same_content(&replica.record))
        })
        .map(|(system, _)| *system)
        .collect()
}

/// Opens a decided conflict again; the content stays until somebody decides differently.
pub fn reopen(mut conflict: Conflict) -> Conflict {
    conflict.state = ConflictState::Open;
    conflict.decided_by = String::new();
    conflict.resolved_at = None;
    conflict
}
