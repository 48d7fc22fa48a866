//! What is left alone because of how the two sides of a course were matched.

use std::collections::{BTreeMap, BTreeSet};

use engine::matching::Mode;
use model::{Entity, EntityId, Status, System};

use super::Batch;
use crate::pairing;
use crate::world::CourseSettings;

/// Whether nothing may be written for an entity because of how the two sides of its course were matched; the entity then
/// says so.
pub(crate) fn is_left_alone(batch: &mut Batch<'_>, entity: &Entity) -> bool {
    let mode = batch
        .settings
        .map_or(Mode::default(), |settings| settings.matching);
    let is_alone = System::REMOTE
        .into_iter()
        .any(|system| entity.replica(system).is_none());
    let (status, reason) = if batch.pairing.asks_about(&entity.id) {
        (Status::Held, pairing::unclear())
    } else if mode == Mode::MatchOnly && is_alone && entity.status != Status::Skipped {
        (Status::Skipped, pairing::match_only())
    } else {
        return false;
    };
    if entity.status != status || entity.reason.as_ref() != Some(&reason) {
        batch.touch(Entity {
            status,
            reason: Some(reason),
            ..entity.clone()
        });
    }
    true
}

/// Takes up again what was left alone while the course only matched, if it does more now.
pub(crate) fn revive(
    settings: Option<&CourseSettings>,
    entities: &mut BTreeMap<EntityId, Entity>,
) -> BTreeSet<EntityId> {
    let mode = settings.map_or(Mode::default(), |settings| settings.matching);
    let mut revived = BTreeSet::new();
    for entity in entities.values_mut() {
        let reason = entity.reason.as_ref();
        let is_left = reason.is_some_and(|reason| reason.code == pairing::MATCH_ONLY_CODE);
        if mode != Mode::MatchOnly && entity.status == Status::Skipped && is_left {
            entity.status = Status::Pending;
            entity.reason = None;
            revived.insert(entity.id.clone());
        }
    }
    revived
}
