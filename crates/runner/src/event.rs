//! Turns stored deliveries into operations. A delivery is a hint: one that shows what we know already is our own
//! echo.

use connector::{Hint, RawEvent};
use model::{Entity, Existence, Kind, RemoteItem, Sighting, System};
use store::{Change, Event, Priority};

use crate::feed::look_at;
use crate::world::World;

/// How many deliveries are handled in one go.
const BATCH_MAX: usize = 200;

/// Handles the waiting deliveries; returns how many there were.
pub async fn drain(world: &World) -> Result<usize, store::Error> {
    let events = world.store.events(BATCH_MAX).await?;
    let mut changes = Vec::new();
    for event in &events {
        let (result, change) = handle(world, event).await?;
        changes.extend(change);
        changes.push(Change::EventDone {
            id: event.id.clone(),
            result: result.to_owned(),
            at: world.now(),
        });
    }
    if !changes.is_empty() {
        world.store.commit(changes).await?;
    }
    Ok(events.len())
}

async fn handle(
    world: &World,
    event: &Event,
) -> Result<(&'static str, Option<Change>), store::Error> {
    let Some(connector) = world.connector(event.system) else {
        return Ok(("ignored", None));
    };
    let raw = RawEvent {
        name: &event.name,
        body: event.body.as_bytes(),
    };
    let hint = match connector.interpret(raw) {
        Ok(Some(hint)) => hint,
        Ok(None) => return Ok(("ignored", None)),
        Err(_) => return Ok(("malformed", None)),
    };
    if is_echo(world, event.system, &hint).await? {
        return Ok(("echo", None));
    }
    let topic = world
        .store
        .entity_by_remote(event.system, Kind::Topic, &hint.topic)
        .await?;
    let course = match (&topic, &hint.course) {
        (Some(topic), _) => Some(topic.course.clone()),
        (None, Some(course)) => world
            .store
            .entity_by_remote(event.system, Kind::Course, course)
            .await?
            .map(|course| course.id),
        (None, None) => None,
    };
    let Some(course) = course else {
        return Ok(("not ours", None));
    };
    let change = look_at(
        world,
        &course,
        (event.system, &hint.topic),
        topic.as_ref(),
        ("event", Priority::Interactive),
    );
    Ok(("queued", Some(change)))
}

async fn is_echo(world: &World, system: System, hint: &Hint) -> Result<bool, store::Error> {
    let Some(item) = &hint.item else {
        return Ok(false);
    };
    let entity = world
        .store
        .entity_by_remote(system, item.kind, &item.remote)
        .await?;
    Ok(entity.is_some_and(|entity| is_known(&entity, system, item)))
}

fn is_known(entity: &Entity, system: System, item: &RemoteItem) -> bool {
    let Some(replica) = entity.replica(system) else {
        return false;
    };
    match &item.sighting {
        Sighting::Present(record) => {
            replica.existence == Existence::Present && replica.record.same_content(record)
        }
        Sighting::Deleted => replica.existence == Existence::Deleted,
        Sighting::Missing | Sighting::Withheld(_) => false,
    }
}
