//! The first meeting of a course's two sides: what stands on both is linked before anything is written, and nothing is
//! written before a plan was accepted.
//!
//! Reads remotes and writes the database only. Run again after a crash it finds what is linked already and goes on.

mod meeting;

use model::{Class, Entity, EntityId, Failure};
use store::{Change, HistoryEntry, Pairing};

use crate::course::Error;
use crate::world::World;
use meeting::meet;

/// The code of an item that may be the same as another.
pub const UNCLEAR_CODE: &str = "SYNC-5011";
/// The code of an item that is left alone because its course only matches.
pub const MATCH_ONLY_CODE: &str = "SYNC-5012";

/// Compares both sides if that was not done yet; whether the course may be written to.
pub async fn prepare(world: &World, course: &Entity) -> Result<bool, Error> {
    let pairing = world
        .store
        .pairing(&course.id)
        .await
        .map_err(Error::store)?;
    if pairing.is_unmatched || !pairing.topics.is_empty() {
        meet(world, course, &pairing).await?;
    }
    if pairing.is_unaccepted && world.settings.accept_plan {
        let changes = accept(world, course, "the configuration");
        world.store.commit(changes).await.map_err(Error::store)?;
        return Ok(true);
    }
    Ok(!pairing.is_unaccepted)
}

/// Compares both sides of a course that is not written to yet once more: people may have gone on meanwhile.
pub async fn again(world: &World, course: &Entity) -> Result<Pairing, Error> {
    let pairing = world
        .store
        .pairing(&course.id)
        .await
        .map_err(Error::store)?;
    if pairing.is_unmatched || pairing.is_unaccepted || !pairing.topics.is_empty() {
        meet(world, course, &pairing).await?;
    }
    world.store.pairing(&course.id).await.map_err(Error::store)
}

/// The changes by which a course may be written to from now on.
pub fn accept(world: &World, course: &Entity, who: &str) -> Vec<Change> {
    let text = format!("The plan of this course was accepted by {who}.");
    vec![
        Pairing::accepted(&course.id, true),
        Change::Log(log(world, (&course.id, &course.id), "accepted", text)),
    ]
}

fn log(
    world: &World,
    (entity, course): (&EntityId, &EntityId),
    action: &str,
    text: String,
) -> HistoryEntry {
    HistoryEntry {
        id: world.id(),
        at: world.now(),
        entity: Some(entity.clone()),
        course: Some(course.clone()),
        system: None,
        action: action.to_owned(),
        operation: None,
        text,
        failure: None,
    }
}

/// Why an item waits that may be the same as another.
pub(crate) fn unclear() -> Failure {
    Failure::new(
        UNCLEAR_CODE,
        Class::Guard,
        "It may be the same as something that stands on the other side already.".to_owned(),
        "Look at `antiphon match list`, then accept or reject the match.",
    )
}

/// Why an item is left alone in a course that only matches.
pub(crate) fn match_only() -> Failure {
    Failure::new(
        MATCH_ONLY_CODE,
        Class::Guard,
        "It stands on one side alone, and this course only matches.".to_owned(),
        "Set `match = \"match_then_create\"` for the course to create it on the other side.",
    )
}
