//! From a decided entity to the writes that each remote is owed.

use std::collections::BTreeSet;

use crate::receipt::has_news;
use model::{
    Action, CreateKey, Entity, EntityId, Existence, Field, Record, Replica, System, VersionVector,
};

/// One write that a remote is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedWrite {
    /// Where to write.
    pub system: System,
    /// What to do.
    pub action: Action,
    /// The content wanted there.
    pub record: Record,
    /// The fields to write.
    pub fields: BTreeSet<Field>,
    /// What the target had when this was decided; `None` for a create.
    pub expected: Option<Record>,
    /// The vector the target has once it is owed nothing more.
    pub vector: VersionVector,
    /// The key of a create.
    pub key: CreateKey,
}

/// The key of the `generation`-th creation of an entity in a system: our prefix, the entity's id, and the generation
/// from the second on. Fits Discourse's `external_id` (contract discourse §10).
pub fn create_key(entity: &Entity, generation: u32) -> CreateKey {
    if generation <= 1 {
        CreateKey(format!("ap-{}", entity.id))
    } else {
        CreateKey(format!("ap-{}-{generation}", entity.id))
    }
}

/// The subject and batch key of everything about one thread: its operations run together and never twice at once.
pub fn thread_key(topic: &EntityId) -> String {
    format!("thread:{topic}")
}

/// The subject of the operation about one entity.
pub fn entity_key(entity: &EntityId) -> String {
    format!("entity:{entity}")
}

/// The next write for each remote system; empty when all that can be said is said. At most one per system.
///
/// The local replica is the wanted state: a decision has put the result there before anything is written.
pub fn owed_writes(entity: &Entity) -> Vec<PlannedWrite> {
    let Some(local) = entity.replica(System::Local) else {
        return Vec::new();
    };
    System::REMOTE
        .into_iter()
        .filter_map(|system| owed_write(entity, local, system))
        .collect()
}

fn owed_write(entity: &Entity, local: &Replica, system: System) -> Option<PlannedWrite> {
    let wanted = &local.record;
    let Some(replica) = entity.replica(system) else {
        return (!wanted.deleted).then(|| create(entity, local, system));
    };
    if has_news(local, replica) {
        return None;
    }
    let action = match (wanted.deleted, replica.existence) {
        // Whether it is there is not known: the second look tells.
        (_, Existence::Missing { .. }) | (true, Existence::Deleted) => return None,
        (true, Existence::Present) => Action::Delete,
        (false, Existence::Deleted) => Action::Restore,
        (false, Existence::Present) => Action::Edit,
    };
    let fields = if action == Action::Edit {
        owed_fields(wanted, replica)
    } else {
        BTreeSet::new()
    };
    if action == Action::Edit && fields.is_empty() {
        return None;
    }
    Some(PlannedWrite {
        system,
        action,
        record: wanted.clone(),
        fields,
        expected: Some(replica.record.clone()),
        vector: local.vector.clone(),
        key: create_key(entity, replica.generation),
    })
}

fn owed_fields(wanted: &Record, replica: &Replica) -> BTreeSet<Field> {
    replica
        .owed
        .iter()
        .filter(|field| {
            wanted.fields.contains_key(field)
                && wanted.fields.get(field) != replica.record.fields.get(field)
        })
        .copied()
        .collect()
}

fn create(entity: &Entity, local: &Replica, system: System) -> PlannedWrite {
    PlannedWrite {
        system,
        action: Action::Create,
        record: local.record.clone(),
        fields: local.record.fields.keys().copied().collect(),
        expected: None,
        vector: local.vector.clone(),
        key: create_key(entity, 1),
    }
}
