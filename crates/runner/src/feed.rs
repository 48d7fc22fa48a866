//! Reads what changed in a course and queues the threads to look at. The cursor moves last, in the same transaction.

use model::{Entity, EntityId, Kind, OperationId, RemoteId, System};
use store::{Change, EntityFilter, NewOperation, OperationKind, Priority};

use crate::course::Error;
use crate::world::World;
use engine::thread_key;

/// How many entities are read from the database at once.
const PAGE: usize = 1_000;

/// Reads one course's feed on one side; returns how many threads were queued.
///
/// With `is_sweep` every thread of the course is queued, those that only we know included.
pub async fn poll(
    world: &World,
    course: &Entity,
    system: System,
    is_sweep: bool,
) -> Result<usize, Error> {
    let (Some(connector), Some(replica)) = (world.connector(system), course.replica(system)) else {
        return Ok(0);
    };
    let name = format!("feed:{system}:{}", course.id);
    let stored = world.store.cursor(&name).await.map_err(Error::store)?;
    let is_first = stored.is_none();
    let cursor = if is_sweep { None } else { stored };
    let changes = connector
        .changes(&replica.remote, cursor.as_deref())
        .await
        .map_err(|error| Error::Remote(error.0))?;
    let (reason, priority) = match (is_first, is_sweep) {
        (true, _) => ("backfill", Priority::Bulk),
        (false, true) => ("sweep", Priority::Background),
        (false, false) => ("feed", Priority::Interactive),
    };
    let mut commit = Vec::new();
    let known = world
        .store
        .entities_by_remotes(system, Kind::Topic, &changes.topics)
        .await
        .map_err(Error::store)?;
    for topic in &changes.topics {
        let entity = known.iter().find(|entity| {
            entity
                .replica(system)
                .is_some_and(|replica| replica.remote == *topic)
        });
        commit.push(look_at(
            world,
            &course.id,
            (system, topic),
            entity,
            (reason, priority),
        ));
    }
    if is_sweep {
        unlisted(world, course, (system, &changes.topics), &mut commit).await?;
    }
    commit.push(Change::SetCursor {
        name,
        value: changes.cursor,
        at: world.now(),
    });
    let queued = commit.len().saturating_sub(1);
    world.store.commit(commit).await.map_err(Error::store)?;
    Ok(queued)
}

/// Queues the threads that we know and the system does not list any more: deleted, hidden, or moved away.
async fn unlisted(
    world: &World,
    course: &Entity,
    (system, listed): (System, &[RemoteId]),
    commit: &mut Vec<Change>,
) -> Result<(), Error> {
    let mut after = None;
    loop {
        let filter = EntityFilter {
            kind: Some(Kind::Topic),
            course: Some(course.id.clone()),
            limit: PAGE,
            after,
            ..EntityFilter::default()
        };
        let page = world.store.entities(&filter).await.map_err(Error::store)?;
        for topic in &page {
            let Some(replica) = topic.replica(system) else {
                continue;
            };
            if !listed.contains(&replica.remote) {
                let at = (system, &replica.remote);
                let why = ("sweep", Priority::Background);
                commit.push(look_at(world, &course.id, at, Some(topic), why));
            }
        }
        if page.len() < PAGE {
            return Ok(());
        }
        after = page.last().map(|topic| topic.id.clone());
    }
}

/// The operation that looks at a thread, known or not.
pub(crate) fn look_at(
    world: &World,
    course: &EntityId,
    (system, topic): (System, &RemoteId),
    entity: Option<&Entity>,
    (reason, priority): (&str, Priority),
) -> Change {
    let subject = entity.map_or_else(
        || format!("remote:{system}:topic:{topic}"),
        |entity| thread_key(&entity.id),
    );
    let id = OperationId(world.id());
    Change::Enqueue(NewOperation {
        entity: entity.map(|entity| entity.id.clone()),
        course: Some(course.clone()),
        system: Some(system),
        remote: Some(topic.clone()),
        reason: reason.to_owned(),
        priority,
        ..NewOperation::due(id, OperationKind::Thread, subject, world.now())
    })
}
