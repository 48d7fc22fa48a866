//! What is known of a newly connected pair: whether its plan was accepted, and which of its items may be the same.
//!
//! Kept as facts about the database, because most courses have none: what stood before this was known counts as matched
//! and accepted. Nothing here decides.

use model::{EntityId, Kind};
use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::error::{Error, Result};
use crate::operation::names;
use crate::store::Store;

names! {
    /// Where a match stands.
    MatchState {
        /// Sure: linked without asking.
        Linked = "linked",
        /// Two items that are probably one; waits for a person.
        Likely = "likely",
        /// Items of which some may be the same; waits for a person.
        Unclear = "unclear",
        /// A person linked it.
        Accepted = "accepted",
        /// A person said that they are different.
        Rejected = "rejected",
    }
}

/// Items that are one, or may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// Our id of it.
    pub id: String,
    /// The course.
    pub course: EntityId,
    /// Topics or posts.
    pub kind: Kind,
    /// The name of its [`MatchState`].
    pub state: String,
    /// What they have in common.
    pub evidence: Vec<String>,
    /// The entities in Canvas. A linked item is one entity, named on both sides.
    pub canvas: Vec<EntityId>,
    /// The entities in Discourse.
    pub discourse: Vec<EntityId>,
    /// The title of the topic, or of the posts' topic.
    pub title: String,
    /// How many posts of a linked topic were linked with it.
    pub posts: u64,
}

impl Match {
    /// Whether it waits for a person: nothing is written for its items before.
    pub fn is_open(&self) -> bool {
        matches!(
            MatchState::parse(&self.state),
            Some(MatchState::Likely | MatchState::Unclear)
        )
    }

    fn open_fact(&self) -> String {
        format!("pair:{}:open:{}", self.course, self.id)
    }

    fn done_fact(&self) -> String {
        format!("match:{}:{}", self.course, self.id)
    }

    /// The changes that store it.
    pub fn save(&self) -> Result<Vec<Change>> {
        let text = serde_json::to_string(self).map_err(|error| Error::Bug(error.to_string()))?;
        let (open, done) = if self.is_open() {
            (Some(text), None)
        } else {
            (None, Some(text))
        };
        Ok(vec![
            set(self.open_fact(), open),
            set(self.done_fact(), done),
        ])
    }

    /// The changes that remove it.
    pub fn remove(&self) -> Vec<Change> {
        vec![set(self.open_fact(), None), set(self.done_fact(), None)]
    }
}

fn set(name: String, value: Option<String>) -> Change {
    Change::SetFact { name, value }
}

/// What is left to do before a course is an ordinary one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairing {
    /// Nobody has accepted a plan: nothing is written.
    pub is_unaccepted: bool,
    /// What stands on both sides was not compared yet.
    pub is_unmatched: bool,
    /// Topics that were linked by a person and whose posts are to be compared.
    pub topics: Vec<EntityId>,
    /// What waits for a person.
    pub open: Vec<Match>,
}

impl Pairing {
    /// Whether the items of a topic must be left alone for now.
    pub fn rests(&self, topic: &EntityId) -> bool {
        self.is_unaccepted || self.is_unmatched || self.topics.contains(topic)
    }

    /// Whether an entity waits for a person to say what it is the same as.
    pub fn asks_about(&self, entity: &EntityId) -> bool {
        let mut sides = self
            .open
            .iter()
            .flat_map(|one| [&one.canvas, &one.discourse]);
        sides.any(|side| side.contains(entity))
    }

    /// The changes that say that a course is new.
    pub fn begin(course: &EntityId) -> Vec<Change> {
        vec![unmatched(course, true), unaccepted(course, true)]
    }

    /// The change that says that what stands on both sides was compared, or is to be.
    pub fn matched(course: &EntityId, is_done: bool) -> Change {
        unmatched(course, !is_done)
    }

    /// The change that says that a plan was accepted, or that it was not.
    pub fn accepted(course: &EntityId, is_done: bool) -> Change {
        unaccepted(course, !is_done)
    }

    /// The change that says whether a topic's posts are to be compared.
    pub fn compare_posts(course: &EntityId, topic: &EntityId, is_wanted: bool) -> Change {
        let value = is_wanted.then(|| "yes".to_owned());
        set(format!("pair:{course}:topic:{topic}"), value)
    }
}

fn unmatched(course: &EntityId, is_so: bool) -> Change {
    set(
        format!("pair:{course}:unmatched"),
        is_so.then(|| "yes".to_owned()),
    )
}

fn unaccepted(course: &EntityId, is_so: bool) -> Change {
    set(
        format!("pair:{course}:unaccepted"),
        is_so.then(|| "yes".to_owned()),
    )
}

impl Store {
    /// What is left to do before a course is an ordinary one.
    pub async fn pairing(&self, course: &EntityId) -> Result<Pairing> {
        let prefix = format!("pair:{course}:");
        let mut pairing = Pairing::default();
        for (name, value) in self.facts(&prefix).await? {
            let name = name.strip_prefix(&prefix).unwrap_or_default();
            match name.split_once(':') {
                None if name == "unaccepted" => pairing.is_unaccepted = true,
                None if name == "unmatched" => pairing.is_unmatched = true,
                Some(("topic", topic)) => pairing.topics.push(EntityId::from(topic)),
                Some(("open", _)) => pairing.open.push(read(&value)?),
                _ => {}
            }
        }
        Ok(pairing)
    }

    /// All matches of a course: what waits for a person first.
    pub async fn matches(&self, course: &EntityId) -> Result<Vec<Match>> {
        let mut found = self.pairing(course).await?.open;
        for (_, value) in self.facts(&format!("match:{course}:")).await? {
            found.push(read(&value)?);
        }
        Ok(found)
    }

    /// Whether anything of a course was written to a remote, or is about to be.
    pub async fn is_written(&self, course: &EntityId) -> Result<bool> {
        crate::table::upkeep::is_written(&mut self.reader().await?, course).await
    }
}

fn read(text: &str) -> Result<Match> {
    serde_json::from_str(text).map_err(|error| Error::Bug(error.to_string()))
}
