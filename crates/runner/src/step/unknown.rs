//! Posts that nobody knows yet become entities.

use std::collections::{BTreeMap, BTreeSet};

use engine::Place;
use model::{EntityId, Intent, RemoteId, Sighting, System};

use super::look::Look;
use super::{Batch, find};
use crate::mutation::{Mutation, is_on};

/// Makes entities of the posts that nobody knows, parents first.
pub(crate) fn discover(batch: &mut Batch<'_>, look: &Look) {
    let mut known: BTreeMap<(System, RemoteId), EntityId> = batch
        .entities
        .values()
        .flat_map(|entity| {
            entity
                .replicas
                .iter()
                .map(|(system, replica)| ((*system, replica.remote.clone()), entity.id.clone()))
        })
        .collect();
    let now = batch.world.now();
    let mut ids = fresh_ids(batch, look, &known);
    for post in &look.posts {
        if known.contains_key(post) {
            continue;
        }
        let (system, remote) = post;
        let Some(item) = look.item(*system, remote) else {
            continue;
        };
        if !matches!(item.sighting, Sighting::Present(_)) {
            continue;
        }
        let entity = if let Some(intent) = adoptable(batch, *system, item.key.as_ref()) {
            batch
                .entities
                .get(&intent.entity)
                .map(|entity| engine::adopt(entity.clone(), &intent, item, now))
        } else {
            let parent = item
                .parent
                .as_ref()
                .and_then(|id| known.get(&(*system, id.clone())).cloned());
            let place = Place {
                course: batch.course.id.clone(),
                container: batch.topic.clone(),
                parent,
            };
            ids.pop_first()
                .and_then(|id| engine::discover(id, *system, item, place, now))
        };
        if let Some(entity) = entity {
            known.insert(post.clone(), entity.id.clone());
            batch.touch(entity);
        }
    }
}

/// Ids for the posts that nobody knows. They are taken in their own order, because that is the order in which the posts
/// are written to the other side: the one in which this side shows them.
fn fresh_ids(
    batch: &Batch<'_>,
    look: &Look,
    known: &BTreeMap<(System, RemoteId), EntityId>,
) -> BTreeSet<EntityId> {
    let unknown = look.posts.iter().filter(|post| !known.contains_key(post));
    unknown.map(|_| EntityId(batch.world.id())).collect()
}

/// The create that left an item with this key behind, when its entity still has no copy there.
fn adoptable(batch: &Batch<'_>, system: System, key: Option<&model::CreateKey>) -> Option<Intent> {
    let id = find::entity_of(key?).filter(|_| !is_on(Mutation::SkipFind))?;
    let entity = batch.entities.get(&id)?;
    if entity.replica(system).is_some() {
        return None;
    }
    find::lost_intent(batch, &id, system)
}
