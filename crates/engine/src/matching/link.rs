//! Makes one entity of two items that are the same. Must not know how that was found out.

use model::{
    Entity, EntityId, Field, Kind, Record, RemoteItem, Replica, Status, System, Timestamp,
};

use crate::receipt::{Place, discover};
use crate::twin;

/// One entity of two that are the same item. Where both say the same it is in step, and the first one's flags are owed to
/// the second; where title or text differ, both count as changes that were made at once, and the course's strategy
/// decides about them as about any conflict.
pub fn link(kept: Entity, other: &Entity, now: Timestamp) -> Entity {
    let Some((system, replica)) = twin::only_copy(other) else {
        return kept;
    };
    let differing = kept
        .replica(System::Local)
        .map(|local| local.record.differing_fields(&replica.record))
        .unwrap_or_default();
    let mut linked = if differing.contains(&Field::Title) || differing.contains(&Field::Body) {
        at_once(kept, (system, replica), now)
    } else {
        twin::join(kept, other, now)
    };
    linked.parent = linked.parent.or_else(|| other.parent.clone());
    linked
}

/// The entity with a second copy that says something else: two changes of what nobody knows any more.
fn at_once(mut kept: Entity, (system, copy): (System, &Replica), now: Timestamp) -> Entity {
    kept.replicas.insert(system, copy.clone());
    let records: Vec<Record> = kept
        .replicas
        .values()
        .map(|replica| replica.record.clone())
        .collect();
    for replica in kept.replicas.values_mut() {
        let mut before = replica.record.clone();
        for other in &records {
            for field in replica.record.differing_fields(other) {
                before.fields.remove(&field);
            }
        }
        replica.base = Some(before);
    }
    kept.status = Status::Pending;
    kept.reason = None;
    kept.updated_at = now;
    kept
}

/// The entity of an item that stands on both sides.
pub fn linked(
    id: EntityId,
    (canvas, discourse): (&RemoteItem, &RemoteItem),
    place: Place,
    now: Timestamp,
) -> Option<Entity> {
    let other = Place {
        course: place.course.clone(),
        container: place.container.clone(),
        parent: None,
    };
    let kept = discover(id.clone(), System::Canvas, canvas, place, now)?;
    let gone = discover(id, System::Discourse, discourse, other, now)?;
    debug_assert!(matches!(kept.kind, Kind::Topic | Kind::Post));
    Some(link(kept, &gone, now))
}
