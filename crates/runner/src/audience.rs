//! Who can read the two sides of a course, asked rarely and kept in the database with its age.
//!
//! One row per course, shared by all processes: a write asks the row, not the remotes. The verdict is the engine's.

use std::collections::BTreeSet;

use engine::audience;
use model::{Audience, Class, Entity, Failure, System, Timestamp};
use serde::{Deserialize, Serialize};
use store::Change;

use crate::course::Error;
use crate::world::{CourseSettings, World};

/// The code of a refusal because of the readers.
const WIDER: &str = "SYNC-5006";
/// A refusal is looked at again after this long, in milliseconds: somebody may have mended it.
const REFUSED_MS: i64 = 60_000;

/// What the last comparison of the readers said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verdict {
    /// When it was made, in Unix milliseconds.
    at_ms: i64,
    to_canvas: Option<Failure>,
    to_discourse: Option<Failure>,
}

impl Verdict {
    /// Why nothing may be written there.
    pub(crate) fn refusal(&self, target: System) -> Option<&Failure> {
        match target {
            System::Canvas => self.to_canvas.as_ref(),
            System::Discourse => self.to_discourse.as_ref(),
            System::Local => None,
        }
    }

    fn is_fresh(&self, now: Timestamp, interval_ms: i64) -> bool {
        let is_refused = self.to_canvas.is_some() || self.to_discourse.is_some();
        let lasts_ms = if is_refused {
            interval_ms.min(REFUSED_MS)
        } else {
            interval_ms
        };
        let age_ms = now.since_ms(Timestamp(self.at_ms));
        (0..lasts_ms).contains(&age_ms)
    }
}

fn name(course: &Entity) -> String {
    format!("audience:{}", course.id)
}

/// Forgets the verdict on a course: its readers were changed by us, and both sides are asked before the next write.
pub(crate) fn forget(world: &World, course: &Entity) -> Change {
    Change::SetCursor {
        name: name(course),
        value: String::new(),
        at: world.now(),
    }
}

/// The verdict on a course, from the database while it is fresh. The inner error is a side that does not say.
pub(crate) async fn of_course(
    world: &World,
    course: &Entity,
) -> Result<Result<Verdict, Failure>, store::Error> {
    let stored = world.store.cursor(&name(course)).await?;
    let known: Option<Verdict> = stored.and_then(|text| serde_json::from_str(&text).ok());
    let now = world.now();
    if let Some(known) =
        known.filter(|known| known.is_fresh(now, world.settings.audience_interval_ms))
    {
        return Ok(Ok(known));
    }
    match compare(world, course).await {
        Ok(verdict) => {
            world.store.commit(keep(world, course, &verdict)).await?;
            Ok(Ok(verdict))
        }
        Err(failure) => Ok(Err(failure)),
    }
}

fn keep(world: &World, course: &Entity, verdict: &Verdict) -> Vec<Change> {
    let Ok(value) = serde_json::to_string(verdict) else {
        return Vec::new();
    };
    vec![Change::SetCursor {
        name: name(course),
        value,
        at: world.now(),
    }]
}

/// Asks both sides: Canvas for its roster, then Discourse for its readers and for what it knows of that roster.
async fn compare(world: &World, course: &Entity) -> Result<Verdict, Failure> {
    let container = |system: System| {
        course
            .replica(system)
            .map(|replica| &replica.remote)
            .ok_or_else(|| {
                audience::unknown(
                    system,
                    Failure::new(
                        "SYNC-5007",
                        Class::Bug,
                        "the course is not mapped.".to_owned(),
                        "",
                    ),
                )
            })
    };
    let nobody = BTreeSet::new();
    let mut canvas = world
        .canvas
        .audience(container(System::Canvas)?, &nobody)
        .await
        .map_err(|error| audience::unknown(System::Canvas, error.0))?;
    let discourse = world
        .discourse
        .audience(container(System::Discourse)?, &canvas.members)
        .await
        .map_err(|error| audience::unknown(System::Discourse, error.0))?;
    grace(world, course, (&mut canvas, &discourse)).await;
    let over = audience::check_term(System::Canvas, &canvas)
        .and_then(|()| audience::check_term(System::Discourse, &discourse))
        .err();
    let check = |target, here, there| {
        audience::check(target, here, there)
            .err()
            .or_else(|| over.clone())
    };
    Ok(Verdict {
        at_ms: world.now().0,
        to_canvas: check(System::Canvas, &discourse, &canvas),
        to_discourse: check(System::Discourse, &canvas, &discourse),
    })
}

/// Whoever left the course lately still reads both sides for the grace period that the configuration gives.
async fn grace(world: &World, course: &Entity, (canvas, discourse): (&mut Audience, &Audience)) {
    if let Ok(state) = crate::roster::load(world, course).await {
        let leaving = engine::roster::leaving(&state);
        let reading = leaving.intersection(&discourse.members).cloned();
        canvas.observers.extend(reading);
    }
}

/// Whether more people can read one side of a course than the other; fails when the readers are not known.
pub async fn is_wider(world: &World, course: &Entity) -> Result<bool, Failure> {
    let verdict = compare(world, course).await?;
    let mut refusals = [&verdict.to_discourse, &verdict.to_canvas]
        .into_iter()
        .flatten();
    Ok(refusals.any(|failure| failure.code == WIDER))
}

/// Refuses a new pair whose sides have different readers, unless somebody wrote down why that is right; otherwise what
/// to store with the pair.
pub(crate) async fn check_mapping(
    world: &World,
    settings: &CourseSettings,
    course: &Entity,
) -> Result<Vec<Change>, Error> {
    if settings.accepted_audience.is_some() || settings.is_read_only {
        return Ok(Vec::new());
    }
    let verdict = compare(world, course).await.map_err(Error::Remote)?;
    // Where we put the course's people into their group ourselves, they are still kept out now; until they are in,
    // nothing is written to Canvas.
    let is_filled = !world.settings.people.groups.is_empty();
    let to_canvas = if is_filled { &None } else { &verdict.to_canvas };
    let refusals: Vec<String> = [&verdict.to_discourse, to_canvas]
        .into_iter()
        .flatten()
        // A course that is over may be mapped, and is read only.
        .filter(|failure| failure.code == WIDER)
        .map(|failure| failure.message.clone())
        .collect();
    if refusals.is_empty() {
        return Ok(keep(world, course, &verdict));
    }
    Err(Error::Remote(Failure::new(
        "SYNC-1005",
        Class::Configuration,
        format!(
            "Canvas course {} and Discourse category {} have different readers. {}",
            settings.canvas,
            settings.discourse,
            refusals.join(" ")
        ),
        "Restrict the category to a group of the course's people, or write the reason into the course's \
         `accept_wider_audience`.",
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_asked_again_sooner() {
        let fine = Verdict {
            at_ms: 1_000,
            to_canvas: None,
            to_discourse: None,
        };
        let refused = Verdict {
            to_discourse: Some(Failure::new("SYNC-5006", Class::Guard, String::new(), "")),
            ..fine.clone()
        };
        let fresh = |verdict: &Verdict, at| verdict.is_fresh(Timestamp(at), 900_000);
        assert!(fresh(&fine, 1_000) && fresh(&fine, 900_999) && !fresh(&fine, 901_000));
        assert!(fresh(&refused, 60_999) && !fresh(&refused, 61_000));
        assert!(!fresh(&fine, 999), "a clock that was set back ends it");
        assert!(refused.refusal(System::Discourse).is_some());
        assert!(refused.refusal(System::Canvas).is_none());
    }
}
