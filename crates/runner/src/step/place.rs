//! Finds the thread that the operations are about, and makes the entity of a topic that nobody knew.

use connector::Thread;
use engine::Place;
use model::{
    Entity, EntityId, Failure, Kind, RemoteId, RemoteItem, Sighting, Status, System, Timestamp,
};
use store::{Change, HistoryEntry, Operation, Outcome};

use super::{Batch, alone, finish, outcome};
use crate::world::World;
use engine::thread_key;

/// Why a newly connected course is left alone.
const RESTS: &str = "the course, or the topic, is matched first, and its plan is not accepted yet";

/// Where the operations lead.
pub(crate) enum Located<'a> {
    /// To a thread, with the side that was read on the way.
    Thread {
        /// The thread, loaded.
        batch: Box<Batch<'a>>,
        /// What was read on the way.
        thread: Box<Option<(System, Thread)>>,
    },
    /// Nowhere: they are finished already.
    Done,
}

/// Loads the thread of a known entity, or discovers it from a remote item.
pub(crate) async fn locate<'a>(
    world: &'a World,
    owner: &'a str,
    operations: Vec<Operation>,
) -> Result<Located<'a>, store::Error> {
    let Some(first) = operations.first().cloned() else {
        return Ok(Located::Done);
    };
    if let Some(entity) = &first.entity {
        return load(world, owner, operations, entity, None).await;
    }
    let (Some(system), Some(remote)) = (first.system, first.remote.clone()) else {
        return finish_all(world, owner, &operations, "names nothing to look at").await;
    };
    if let Some(entity) = world
        .store
        .entity_by_remote(system, Kind::Topic, &remote)
        .await?
    {
        return retarget(world, owner, operations, &entity, None).await;
    }
    discover(world, owner, operations, (system, remote)).await
}

async fn load<'a>(
    world: &'a World,
    owner: &'a str,
    operations: Vec<Operation>,
    entity: &EntityId,
    thread: Option<(System, Thread)>,
) -> Result<Located<'a>, store::Error> {
    let Some(found) = world.store.entity(entity).await? else {
        return finish_all(world, owner, &operations, "the entity is gone").await;
    };
    let topic = match found.kind {
        Kind::Post => found.container.clone().unwrap_or_else(|| found.id.clone()),
        _ => found.id.clone(),
    };
    let Some(course) = world.store.entity(&found.course).await? else {
        return finish_all(world, owner, &operations, "its course is gone").await;
    };
    let pairing = world.store.pairing(&course.id).await?;
    if pairing.rests(&topic) {
        return finish_all(world, owner, &operations, RESTS).await;
    }
    let mut entities: std::collections::BTreeMap<EntityId, Entity> = world
        .store
        .thread(&topic)
        .await?
        .into_iter()
        .map(|entity| (entity.id.clone(), entity))
        .collect();
    world.learn_mirrors_of(entities.values());
    let mut tried = std::collections::BTreeSet::new();
    world.learn_links(&texts(&entities), &mut tried).await?;
    let ids: Vec<EntityId> = entities.keys().cloned().collect();
    let intents = world.store.open_intents(&ids).await?;
    let transactions = world.store.prepared(&ids).await?;
    let canvas_name = course
        .replica(System::Canvas)
        .and_then(|replica| replica.mark.clone());
    let settings = world.course_settings(canvas_name.as_deref());
    let touched = alone::revive(settings, &mut entities);
    let claimed_at = claimed_at(world, &operations);
    let batch = Batch {
        world,
        owner,
        operations,
        course,
        settings,
        topic,
        entities,
        intents,
        transactions: transactions
            .into_iter()
            .map(|prepared| (prepared.transaction.entity.clone(), prepared))
            .collect(),
        pairing,
        before: std::collections::BTreeMap::new(),
        touched,
        receipts: Vec::new(),
        renewed_at: claimed_at,
        looked_at: claimed_at,
        tried,
    };
    Ok(Located::Thread {
        batch: Box::new(batch),
        thread: Box::new(thread),
    })
}

/// When the operations were claimed. Not when this is asked: the worker may have stood still since.
fn claimed_at(world: &World, operations: &[Operation]) -> Timestamp {
    let until = operations
        .iter()
        .filter_map(|operation| operation.lease_until)
        .min();
    until.map_or(world.now(), |until| {
        until.plus_ms(world.settings.lease_ms.saturating_neg())
    })
}

/// The bodies that were seen last, on both sides.
fn texts(entities: &std::collections::BTreeMap<EntityId, Entity>) -> Vec<&str> {
    entities
        .values()
        .flat_map(|entity| entity.replicas.values())
        .filter_map(|replica| replica.record.body())
        .map(|body| body.source.as_str())
        .collect()
}

/// Makes the running operations those of a known thread, so that nobody else works on it.
async fn retarget<'a>(
    world: &'a World,
    owner: &'a str,
    operations: Vec<Operation>,
    topic: &Entity,
    thread: Option<(System, Thread)>,
) -> Result<Located<'a>, store::Error> {
    let key = thread_key(&topic.id);
    let changes = operations
        .iter()
        .map(|operation| Change::Retarget {
            operation: operation.id.clone(),
            owner: owner.to_owned(),
            subject: key.clone(),
            entity: topic.id.clone(),
            batch_key: key.clone(),
        })
        .collect();
    match world.store.commit(changes).await {
        Ok(()) => load(world, owner, operations, &topic.id, thread).await,
        // Someone works on that thread right now: look again when they are done.
        Err(store::Error::Stale { .. }) => {
            let changes = operations
                .iter()
                .map(|operation| {
                    let failure = Failure::new(
                        "SYNC-3002",
                        model::Class::Conflict,
                        "The thread is being synchronised already.".to_owned(),
                        "It is looked at again by itself.",
                    );
                    let not_before = world.now().plus_ms(500);
                    finish(
                        world,
                        owner,
                        &operation.id,
                        Outcome::Retry {
                            not_before,
                            failure,
                        },
                    )
                })
                .collect();
            world.store.commit(changes).await?;
            Ok(Located::Done)
        }
        Err(error) => Err(error),
    }
}

async fn discover<'a>(
    world: &'a World,
    owner: &'a str,
    operations: Vec<Operation>,
    (system, remote): (System, RemoteId),
) -> Result<Located<'a>, store::Error> {
    let Some(connector) = world.connector(system) else {
        return finish_all(
            world,
            owner,
            &operations,
            "the local database has no remote items",
        )
        .await;
    };
    let course = operations
        .iter()
        .find_map(|operation| operation.course.as_ref());
    if let Some(course) = course {
        let pairing = world.store.pairing(course).await?;
        if pairing.is_unaccepted || pairing.is_unmatched {
            return finish_all(world, owner, &operations, RESTS).await;
        }
    }
    let thread = match connector.thread(&remote).await {
        Ok(thread) => thread,
        Err(error) => {
            let mut changes: Vec<Change> = operations
                .iter()
                .map(|operation| {
                    let outcome = outcome::after(world, operation.attempt_count, &error.0);
                    finish(world, owner, &operation.id, outcome)
                })
                .collect();
            let line = super::log_of_system(world, "failed", &error.0);
            changes.push(Change::Log(line));
            world.store.commit(changes).await?;
            return Ok(Located::Done);
        }
    };
    if let Some(entity) = ours(world, system, &thread.topic).await? {
        return retarget(world, owner, operations, &entity, Some((system, thread))).await;
    }
    match make(world, system, &thread.topic).await? {
        Ok(topic) => retarget(world, owner, operations, &topic, Some((system, thread))).await,
        Err(why) => finish_all(world, owner, &operations, &why).await,
    }
}

/// Makes and stores the entity of an unknown topic; the inner error says why there is nothing to make.
async fn make(
    world: &World,
    system: System,
    item: &RemoteItem,
) -> Result<Result<Entity, String>, store::Error> {
    let store = &world.store;
    let course = match &item.container {
        Some(container) => {
            store
                .entity_by_remote(system, Kind::Course, container)
                .await?
        }
        None => None,
    };
    let Some(course) = course else {
        return Ok(Err("it is in no configured course".to_owned()));
    };
    let pairing = store.pairing(&course.id).await?;
    if pairing.is_unaccepted || pairing.is_unmatched {
        return Ok(Err(RESTS.to_owned()));
    }
    if let Sighting::Withheld(reason) = &item.sighting {
        let title = system.title();
        return Ok(Err(format!(
            "{title} topic {} is not mirrored: {reason}",
            item.remote
        )));
    }
    let place = Place {
        course: course.id.clone(),
        container: course.id.clone(),
        parent: None,
    };
    let id = EntityId(world.id());
    let Some(topic) = engine::discover(id, system, item, place, world.now()) else {
        return Ok(Err("it is not there any more".to_owned()));
    };
    match store.commit(vec![Change::SaveEntity(topic)]).await {
        // Somebody else was faster with the same item: its entity is known now.
        Err(store::Error::Stale { .. }) | Ok(()) => {}
        Err(error) => return Err(error),
    }
    let stored = store
        .entity_by_remote(system, Kind::Topic, &item.remote)
        .await?;
    Ok(stored.ok_or_else(|| "it could not be stored".to_owned()))
}

/// The entity whose create left this topic behind, if its key says so and the entity still waits for it.
async fn ours(
    world: &World,
    system: System,
    item: &RemoteItem,
) -> Result<Option<Entity>, store::Error> {
    let Some(id) = item.key.as_ref().and_then(super::find::entity_of) else {
        return Ok(None);
    };
    let entity = world.store.entity(&id).await?;
    // A copied key must not attach a second item to an entity that has its own.
    Ok(entity.filter(|entity| entity.kind == Kind::Topic && entity.replica(system).is_none()))
}

async fn finish_all<'a>(
    world: &World,
    owner: &str,
    operations: &[Operation],
    why: &str,
) -> Result<Located<'a>, store::Error> {
    let mut changes: Vec<Change> = operations
        .iter()
        .map(|operation| finish(world, owner, &operation.id, Outcome::Completed))
        .collect();
    changes.extend(operations.iter().map(|operation| {
        Change::Log(HistoryEntry {
            id: world.id(),
            at: world.now(),
            entity: operation.entity.clone(),
            course: operation.course.clone(),
            system: operation.system,
            action: "ignored".to_owned(),
            operation: Some(operation.id.clone()),
            text: format!("Nothing to do: {why}."),
            failure: None,
        })
    }));
    world.store.commit(changes).await?;
    Ok(Located::Done)
}

/// Whether an entity may be worked on at all.
pub(crate) fn is_workable(entity: &Entity) -> bool {
    entity.status != Status::Skipped
}
