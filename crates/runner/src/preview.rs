//! What would be written, found out by doing the sync in a copy of the database against systems that only pretend to
//! take it.
//!
//! The same step decides that decides in earnest. Nothing is written to a remote, and nothing to the real database.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::{Connector, Rehearsal};
use model::{Digest, Entity, EntityId, Kind, RemoteId, Status, System, Write};
use store::{Change, Match, Store};

use crate::course::{self, Error};
use crate::world::World;
use crate::{feed, worker};

/// The threads of one side by topic, each as a digest of what stands in it.
pub type Threads = BTreeMap<RemoteId, Digest>;

/// A write that would be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Where.
    pub system: System,
    /// What.
    pub write: Write,
    /// The title of its topic.
    pub title: String,
}

/// What would happen to a course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The writes, side by side in their order.
    pub writes: Vec<Planned>,
    /// The items that would be left alone: with their status and the code of the reason.
    pub skipped: Vec<(EntityId, Status, String)>,
    /// Both sides as they are.
    pub threads: BTreeMap<System, Threads>,
    /// The course's items in the local database as they are.
    pub local: Digest,
    /// The calls that looking took, by system.
    pub calls: BTreeMap<System, u64>,
}

/// Finds out what would be written for a course, as if its plan were accepted.
pub async fn preview(world: &World, course: &Entity) -> Result<Preview, Error> {
    let before = calls(world);
    let local = local(world, course).await?;
    let scratch = Store::open("sqlite::memory:").await.map_err(Error::store)?;
    copy(world, course, &scratch).await?;
    let canvas = Arc::new(Rehearsal::new(Arc::clone(&world.canvas)));
    let discourse = Arc::new(Rehearsal::new(Arc::clone(&world.discourse)));
    let stage = World {
        store: scratch,
        canvas: Arc::<Rehearsal>::clone(&canvas),
        discourse: Arc::<Rehearsal>::clone(&discourse),
        ..world.clone()
    };
    let course = stage.store.entity(&course.id).await.map_err(Error::store)?;
    let Some(course) = course else {
        return Err(Error::Store("The course could not be copied.".to_owned()));
    };
    for system in System::REMOTE {
        feed::poll(&stage, &course, system, true).await?;
    }
    let owner = stage.id();
    while worker::turn(&stage, &owner).await.map_err(Error::store)? {}
    let mut writes = Vec::new();
    let mut threads = BTreeMap::new();
    for (system, rehearsal) in [(System::Canvas, canvas), (System::Discourse, discourse)] {
        threads.insert(system, rehearsal.seen());
        for write in rehearsal.writes() {
            let title = title(&stage, system, &write).await?;
            writes.push(Planned {
                system,
                write,
                title,
            });
        }
    }
    let after = calls(world);
    Ok(Preview {
        writes,
        skipped: skipped(&stage, &course).await?,
        threads,
        local,
        calls: after
            .iter()
            .map(|(system, count)| (*system, count - before.get(system).unwrap_or(&0)))
            .collect(),
    })
}

fn calls(world: &World) -> BTreeMap<System, u64> {
    let sum =
        |connector: &Arc<dyn Connector>| connector.calls().iter().map(|(_, count)| count).sum();
    BTreeMap::from([
        (System::Canvas, sum(&world.canvas)),
        (System::Discourse, sum(&world.discourse)),
    ])
}

async fn title(stage: &World, system: System, write: &Write) -> Result<String, Error> {
    if let Some(title) = write.record.text(model::Field::Title) {
        return Ok(title.to_owned());
    }
    let topic = match (write.kind, &write.remote) {
        (Kind::Topic, Some(remote)) => remote,
        _ => &write.container,
    };
    let topic = stage
        .store
        .entity_by_remote(system, Kind::Topic, topic)
        .await
        .map_err(Error::store)?;
    Ok(topic
        .and_then(|topic| topic.title().map(str::to_owned))
        .unwrap_or_default())
}

async fn copy(world: &World, course: &Entity, scratch: &Store) -> Result<(), Error> {
    let items = course::items(world, &course.id).await?;
    let fresh = |entity: &Entity| {
        Change::SaveEntity(Entity {
            revision: 0,
            ..entity.clone()
        })
    };
    // The copy is matched and accepted: only what waits for a person comes along.
    let pairing = world
        .store
        .pairing(&course.id)
        .await
        .map_err(Error::store)?;
    let open: store::Result<Vec<Vec<Change>>> = pairing.open.iter().map(Match::save).collect();
    let mut changes = vec![fresh(course)];
    changes.extend(open.map_err(Error::store)?.into_iter().flatten());
    changes.extend(items.iter().map(fresh));
    for entity in items
        .iter()
        .filter(|entity| entity.status == Status::Conflict)
    {
        let conflict = world
            .store
            .open_conflict(&entity.id)
            .await
            .map_err(Error::store)?;
        changes.extend(conflict.map(Change::SaveConflict));
    }
    let ids: Vec<EntityId> = items.into_iter().map(|entity| entity.id).collect();
    let intents = world.store.open_intents(&ids).await.map_err(Error::store)?;
    changes.extend(intents.into_iter().map(Change::OpenIntent));
    scratch.commit(changes).await.map_err(Error::store)
}

async fn skipped(stage: &World, course: &Entity) -> Result<Vec<(EntityId, Status, String)>, Error> {
    let items = course::items(stage, &course.id).await?;
    let left = items.into_iter().filter(|entity| {
        matches!(
            entity.status,
            Status::Held | Status::Failed | Status::Conflict | Status::Skipped
        )
    });
    Ok(left
        .map(|entity| {
            let code = entity.reason.map(|reason| reason.code).unwrap_or_default();
            (entity.id, entity.status, code)
        })
        .collect())
}

/// The digest of a course's items in the local database: what is known of them, without times of looks.
pub async fn local(world: &World, course: &Entity) -> Result<Digest, Error> {
    let mut lines = Vec::new();
    for entity in course::items(world, &course.id).await? {
        let code = entity
            .reason
            .as_ref()
            .map_or("", |reason| reason.code.as_str());
        let replicas = entity.replicas.iter();
        let copies: Vec<String> = replicas
            .map(|(system, replica)| {
                format!("{system} {} {}", replica.remote, replica.record.digest())
            })
            .collect();
        let status = entity.status.as_str();
        lines.push(format!(
            "{} {status} {code} {}",
            entity.id,
            copies.join(" ")
        ));
    }
    Ok(Digest::of(lines.join("\n").as_bytes()))
}

/// Reads one side of a course as it is now: the topics that it lists, and those of `known` that it does not list any more.
pub async fn threads(
    world: &World,
    course: &Entity,
    system: System,
    known: &Threads,
) -> Result<Threads, Error> {
    let (Some(connector), Some(replica)) = (world.connector(system), course.replica(system)) else {
        return Ok(Threads::new());
    };
    let remote = |error: connector::Error| Error::Remote(error.0);
    let mut topics = connector
        .changes(&replica.remote, None)
        .await
        .map_err(remote)?
        .topics;
    topics.extend(
        known
            .keys()
            .filter(|topic| !topics.contains(topic))
            .cloned()
            .collect::<Vec<_>>(),
    );
    let mut threads = Threads::new();
    for topic in topics {
        let thread = connector.thread(&topic).await.map_err(remote)?;
        threads.insert(topic, thread.digest());
    }
    Ok(threads)
}
