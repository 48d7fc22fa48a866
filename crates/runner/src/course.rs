//! The configured courses as entities: found once on both sides, then known by their ids.

use std::collections::BTreeSet;

use engine::matching::Mode;
use model::{
    Class, Entity, EntityId, Existence, Failure, Kind, Record, RemoteId, RemoteItem, Replica,
    Sighting, Status, System, VersionVector,
};
use store::{Change, EntityFilter, Pairing};

use crate::audience;
use crate::world::{CourseSettings, World};

/// How many entities are read from the database at once.
const PAGE: usize = 1_000;

/// Why a configured course cannot be kept in step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A remote or the configuration.
    #[error("{0}")]
    Remote(Failure),
    /// The database.
    #[error("{0}")]
    Store(String),
}

impl Error {
    /// An error of the database.
    #[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
    pub(crate) fn store(error: store::Error) -> Self {
        Self::Store(error.to_string())
    }
}

/// Finds every configured course on both sides and makes its entity; courses that are known already cost no call.
///
/// Fails on the first course that one side does not have, naming the side and the name that was looked for.
pub async fn ensure(world: &World) -> Result<Vec<Entity>, Error> {
    let known = world.store.courses().await.map_err(Error::store)?;
    let mut courses = Vec::new();
    for settings in &world.settings.courses {
        let is_it = |entity: &&Entity| {
            let mark = |system| {
                entity
                    .replica(system)
                    .and_then(|replica| replica.mark.as_deref())
            };
            mark(System::Canvas) == Some(&settings.canvas)
                && mark(System::Discourse) == Some(&settings.discourse)
        };
        match known.iter().find(is_it) {
            Some(entity) => courses.push(entity.clone()),
            None => courses.push(make(world, settings).await?),
        }
    }
    Ok(courses)
}

/// The topics and posts of a course.
pub(crate) async fn items(world: &World, course: &EntityId) -> Result<Vec<Entity>, Error> {
    let mut items = Vec::new();
    for kind in [Kind::Topic, Kind::Post] {
        let mut after = None;
        loop {
            let filter = EntityFilter {
                kind: Some(kind),
                course: Some(course.clone()),
                limit: PAGE,
                after: after.take(),
                ..EntityFilter::default()
            };
            let page = world.store.entities(&filter).await.map_err(Error::store)?;
            after = page
                .last()
                .filter(|_| page.len() == PAGE)
                .map(|entity| entity.id.clone());
            items.extend(page);
            if after.is_none() {
                break;
            }
        }
    }
    Ok(items)
}

async fn make(world: &World, settings: &CourseSettings) -> Result<Entity, Error> {
    let canvas = find(world, System::Canvas, &settings.canvas).await?;
    let discourse = find(world, System::Discourse, &settings.discourse).await?;
    for (system, item) in [(System::Canvas, &canvas), (System::Discourse, &discourse)] {
        let taken = world
            .store
            .entity_by_remote(system, Kind::Course, &item.remote)
            .await
            .map_err(Error::store)?;
        if taken.is_some() {
            return Err(Error::Remote(Failure::new(
                "SYNC-1004",
                Class::Configuration,
                format!(
                    "{} course {} is mapped already.",
                    system.title(),
                    item.remote
                ),
                "Map each course and each category once; reset the old mapping first.",
            )));
        }
    }
    let entity = entity(world, settings, &canvas, &discourse);
    let mut changes = vec![Change::SaveEntity(entity.clone())];
    if !(world.settings.accept_plan && settings.matching == Mode::CreateOnly) {
        changes.extend(Pairing::begin(&entity.id));
    }
    changes.extend(audience::check_mapping(world, settings, &entity).await?);
    world.store.commit(changes).await.map_err(Error::store)?;
    Ok(Entity {
        revision: 1,
        ..entity
    })
}

async fn find(world: &World, system: System, name: &str) -> Result<RemoteItem, Error> {
    let missing = || {
        Error::Remote(Failure::new(
            "SYNC-1003",
            Class::Configuration,
            format!(
                "{} has no course or category \"{name}\", or our account may not see it.",
                system.title()
            ),
            "Check the name in the configuration's [[course]] and the account's rights.",
        ))
    };
    let connector = world.connector(system).ok_or_else(missing)?;
    let found = connector
        .course(name)
        .await
        .map_err(|error| Error::Remote(error.0))?;
    found.ok_or_else(missing)
}

fn entity(
    world: &World,
    settings: &CourseSettings,
    canvas: &RemoteItem,
    discourse: &RemoteItem,
) -> Entity {
    let now = world.now();
    let id = EntityId(world.id());
    let vector = VersionVector::new()
        .incremented(System::Canvas)
        .incremented(System::Discourse);
    let record = |item: &RemoteItem| match &item.sighting {
        Sighting::Present(record) => record.clone(),
        _ => Record::default(),
    };
    let replica = |remote: RemoteId, record: Record, mark: Option<String>| Replica {
        remote,
        vector: vector.clone(),
        record,
        existence: Existence::Present,
        mark,
        seen_at: now,
        generation: 1,
        base: None,
        owed: BTreeSet::new(),
    };
    let local = replica(RemoteId(id.0.clone()), record(canvas), None);
    Entity {
        course: id.clone(),
        kind: Kind::Course,
        container: None,
        parent: None,
        shadow: Some(record(canvas)),
        replicas: [
            (
                System::Canvas,
                replica(
                    canvas.remote.clone(),
                    record(canvas),
                    Some(settings.canvas.clone()),
                ),
            ),
            (
                System::Discourse,
                replica(
                    discourse.remote.clone(),
                    record(discourse),
                    Some(settings.discourse.clone()),
                ),
            ),
            (System::Local, local),
        ]
        .into(),
        status: Status::InSync,
        reason: None,
        revision: 0,
        created_at: now,
        updated_at: now,
        id,
    }
}
