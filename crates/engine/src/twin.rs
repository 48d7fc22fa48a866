//! Two entities that are one item: each has a copy in one remote, and both copies say the same.
//!
//! That happens when the database was lost and an older one took its place: what was mirrored in between stands on
//! both sides, and we know it as two.

use model::{Entity, Existence, Replica, Status, System, Timestamp, VersionVector};

use crate::reconcile::owe;

/// The only remote copy of an entity that is there in one remote alone.
pub fn only_copy(entity: &Entity) -> Option<(System, &Replica)> {
    let mut copies = System::REMOTE
        .into_iter()
        .filter_map(|system| Some((system, entity.replica(system)?)));
    let (system, replica) = copies.next()?;
    let is_alone = copies.next().is_none();
    (is_alone && replica.existence == Existence::Present && entity.status != Status::Skipped)
        .then_some((system, replica))
}

/// Whether two entities may be one item: of one kind, course and place, each alone in another remote, with the same
/// words.
pub fn is_twin(one: &Entity, other: &Entity) -> bool {
    let (Some((here, mine)), Some((there, theirs))) = (only_copy(one), only_copy(other)) else {
        return false;
    };
    let words = |replica: &Replica| {
        let body = replica.record.body();
        body.map(|body| body.canonical.trim().to_owned())
    };
    here != there
        && one.kind == other.kind
        && one.course == other.course
        && one.container == other.container
        && words(mine).is_some_and(|words| !words.is_empty())
        && words(mine) == words(theirs)
}

/// The first entity with the copy of the second as its own; what both can say and does not agree is owed to the second.
pub fn join(mut kept: Entity, gone: &Entity, now: Timestamp) -> Entity {
    let Some((system, replica)) = only_copy(gone) else {
        return kept;
    };
    let vector = kept
        .replicas
        .values()
        .chain(gone.replicas.values())
        .fold(VersionVector::new(), |vector, replica| {
            vector.join(&replica.vector)
        });
    let replica = replica.clone();
    let changed = kept
        .replica(System::Local)
        .map(|local| local.record.differing_fields(&replica.record))
        .unwrap_or_default();
    kept.replicas.insert(system, replica);
    for replica in kept.replicas.values_mut() {
        replica.vector = vector.clone();
        replica.base = None;
        replica.owed.clear();
    }
    kept.shadow = kept
        .replica(System::Local)
        .map(|local| local.record.clone());
    kept.status = if changed.is_empty() {
        Status::InSync
    } else {
        Status::Pending
    };
    kept.reason = None;
    kept.updated_at = now;
    owe(kept, &changed)
}
