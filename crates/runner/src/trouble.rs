//! What feeds fail with, told to the history in measure: an outage is asked about every half minute, but is one cause.

use std::collections::{HashMap, HashSet};

use model::{Entity, EntityId, Failure, System, Timestamp};
use store::Change;

use crate::step::log_of_system;
use crate::world::World;

/// After this long a failure that goes on is told again, so that it is seen to go on, in milliseconds.
const AGAIN_MS: i64 = 300_000;

/// What was told last of each feed, and of which courses it was said that they wait.
#[derive(Debug, Default)]
pub(crate) struct Trouble(
    HashMap<(EntityId, System), (String, Timestamp)>,
    HashSet<EntityId>,
);

impl Trouble {
    /// Whether this failure of a feed is to be told now.
    fn is_news(&mut self, feed: (EntityId, System), failure: &Failure, now: Timestamp) -> bool {
        let known = self.0.get(&feed);
        let is_news =
            known.is_none_or(|(code, at)| *code != failure.code || now.since_ms(*at) >= AGAIN_MS);
        if is_news {
            self.0.insert(feed, (failure.code.clone(), now));
        }
        is_news
    }

    /// A course may not be written to yet; said once.
    pub(crate) fn waits(&mut self, course: &Entity) {
        if self.1.insert(course.id.clone()) {
            tracing::warn!(course = %course.id, "nothing is written for a course until its plan is accepted: `antiphon plan`");
        }
    }

    /// A course may be written to.
    pub(crate) fn accepted(&mut self, course: &Entity) {
        self.1.remove(&course.id);
    }

    /// A feed was read: what fails next is news.
    pub(crate) fn over(&mut self, course: &EntityId, system: System) {
        self.0.remove(&(course.clone(), system));
    }

    /// Tells the history that a feed could not be read, if that is news.
    pub(crate) async fn tell(
        &mut self,
        world: &World,
        (course, system): (&EntityId, System),
        failure: &Failure,
    ) {
        if !self.is_news((course.clone(), system), failure, world.now()) {
            return;
        }
        let mut line = log_of_system(world, "feed failed", failure);
        line.course = Some(course.clone());
        line.system = Some(system);
        if let Err(error) = world.store.commit(vec![Change::Log(line)]).await {
            tracing::warn!(%error, "the failure of a feed could not be stored");
            self.over(course, system);
        }
    }
}

#[cfg(test)]
mod tests {
    use model::Class;

    use super::*;

    #[test]
    fn a_failure_that_goes_on_is_told_in_measure() {
        let mut trouble = Trouble::default();
        let feed = || (EntityId("c".to_owned()), System::Canvas);
        let failure = |code: &str| Failure::new(code, Class::Transient, String::new(), "");
        let mut told = |ms, code| trouble.is_news(feed(), &failure(code), Timestamp(ms));
        assert!(told(0, "SYNC-2109"));
        assert!(!told(30_000, "SYNC-2109"));
        assert!(told(60_000, "SYNC-2107"), "another one");
        assert!(!told(90_000, "SYNC-2107"));
        assert!(told(60_000 + AGAIN_MS, "SYNC-2107"), "it goes on");
        trouble.over(&feed().0, System::Canvas);
        assert!(trouble.is_news(feed(), &failure("SYNC-2107"), Timestamp(400_000)));
    }
}
