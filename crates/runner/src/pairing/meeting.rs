//! Reads both sides of a course and links what stands on both; everything it finds is stored at once.

use std::collections::{BTreeMap, BTreeSet};

use connector::Thread;
use engine::Place;
use engine::matching::{self, Evidence, Group, Mode, Pair};
use model::{
    Entity, EntityId, Field, Kind, Record, RemoteId, RemoteItem, Sighting, Status, System,
};
use store::{Change, Match, MatchState, Pairing, Priority};

use super::{log, unclear};
use crate::course::{self, Error};
use crate::feed::look_at;
use crate::world::World;

/// Posts that we know on one side alone.
type Alone = BTreeSet<(System, RemoteId)>;

/// One meeting of the two sides.
struct Meeting<'a> {
    world: &'a World,
    course: &'a Entity,
    links_likely: bool,
    /// What we know already, by system and id there.
    known: BTreeMap<(System, RemoteId), EntityId>,
    /// The entities of the course that are there already.
    entities: BTreeMap<EntityId, Entity>,
    changes: Vec<Change>,
    saves: Vec<Entity>,
}

pub(super) async fn meet(world: &World, course: &Entity, pairing: &Pairing) -> Result<(), Error> {
    let mark = course
        .replica(System::Canvas)
        .and_then(|replica| replica.mark.as_deref());
    let settings = world.course_settings(mark);
    let mode = settings.map_or(Mode::default(), |settings| settings.matching);
    let mut meeting = Meeting {
        world,
        course,
        links_likely: settings.is_some_and(|settings| settings.links_likely),
        known: BTreeMap::new(),
        entities: BTreeMap::new(),
        changes: Vec::new(),
        saves: Vec::new(),
    };
    if mode != Mode::CreateOnly {
        meeting.load().await?;
        let is_new = pairing.is_unmatched || pairing.is_unaccepted;
        meeting.old_topics(is_new, pairing).await?;
        if is_new {
            meeting.new_topics().await?;
        }
    }
    meeting.changes.push(Pairing::matched(&course.id, true));
    for topic in &pairing.topics {
        meeting
            .changes
            .push(Pairing::compare_posts(&course.id, topic, false));
    }
    let mut commit: Vec<Change> = meeting.saves.drain(..).map(Change::SaveEntity).collect();
    commit.append(&mut meeting.changes);
    world.store.commit(commit).await.map_err(Error::store)
}

/// Whether an item is there to be mirrored.
fn is_there(item: &RemoteItem) -> bool {
    matches!(item.sighting, Sighting::Present(_))
}

fn title(item: &RemoteItem) -> String {
    let Sighting::Present(record) = &item.sighting else {
        return String::new();
    };
    Record::text(record, Field::Title)
        .unwrap_or_default()
        .to_owned()
}

impl Meeting<'_> {
    async fn load(&mut self) -> Result<(), Error> {
        for entity in course::items(self.world, &self.course.id).await? {
            self.remember(&entity);
            self.entities.insert(entity.id.clone(), entity);
        }
        Ok(())
    }

    fn remember(&mut self, entity: &Entity) {
        for (system, replica) in &entity.replicas {
            self.known
                .insert((*system, replica.remote.clone()), entity.id.clone());
        }
    }

    async fn thread(&self, system: System, topic: &RemoteId) -> Result<Option<Thread>, Error> {
        let Some(connector) = self.world.connector(system) else {
            return Ok(None);
        };
        let thread = connector.thread(topic).await;
        thread.map(Some).map_err(|error| Error::Remote(error.0))
    }

    /// The topics of one side that nobody knows, with their posts.
    async fn unknown(&self, system: System) -> Result<Vec<RemoteId>, Error> {
        let (Some(connector), Some(replica)) =
            (self.world.connector(system), self.course.replica(system))
        else {
            return Ok(Vec::new());
        };
        let listed = connector.changes(&replica.remote, None).await;
        let mut topics = listed.map_err(|error| Error::Remote(error.0))?.topics;
        topics.retain(|topic| !self.known.contains_key(&(system, topic.clone())));
        Ok(topics)
    }

    async fn threads(
        &self,
        system: System,
        topics: &[RemoteId],
    ) -> Result<BTreeMap<RemoteId, Thread>, Error> {
        let mut threads = BTreeMap::new();
        for topic in topics {
            if let Some(thread) = self.thread(system, topic).await? {
                threads.insert(topic.clone(), thread);
            }
        }
        Ok(threads)
    }

    /// Compares the posts of topics that are linked already: all of a course that is not written to yet, otherwise
    /// those that a person has linked.
    async fn old_topics(&mut self, is_new: bool, pairing: &Pairing) -> Result<(), Error> {
        let topics: Vec<Entity> = self
            .entities
            .values()
            .filter(|entity| entity.kind == Kind::Topic)
            .cloned()
            .collect();
        for topic in topics {
            let is_wanted = pairing.topics.contains(&topic.id);
            let (Some(canvas), Some(discourse)) = (
                topic.replica(System::Canvas),
                topic.replica(System::Discourse),
            ) else {
                continue;
            };
            if !is_new && !is_wanted {
                continue;
            }
            let one = self.thread(System::Canvas, &canvas.remote).await?;
            let other = self.thread(System::Discourse, &discourse.remote).await?;
            if let (Some(one), Some(other)) = (one, other) {
                let title = topic.title().unwrap_or_default().to_owned();
                self.posts((&topic.id, &title), &one, &other)?;
            }
            if is_wanted {
                let at = (System::Canvas, &canvas.remote);
                let why = ("matched", Priority::Normal);
                self.changes
                    .push(look_at(self.world, &self.course.id, at, Some(&topic), why));
            }
        }
        Ok(())
    }

    async fn new_topics(&mut self) -> Result<(), Error> {
        let (canvas, discourse) = (
            self.unknown(System::Canvas).await?,
            self.unknown(System::Discourse).await?,
        );
        // Where one side has nothing, there is nothing to compare.
        if canvas.is_empty() || discourse.is_empty() {
            return Ok(());
        }
        let canvas = self.threads(System::Canvas, &canvas).await?;
        let discourse = self.threads(System::Discourse, &discourse).await?;
        let topics = |threads: &BTreeMap<RemoteId, Thread>| -> Vec<RemoteItem> {
            threads
                .values()
                .map(|thread| thread.topic.clone())
                .collect()
        };
        let matching = matching::match_topics(&topics(&canvas), &topics(&discourse));
        for pair in &matching.pairs {
            let (Some(one), Some(other)) =
                (canvas.get(&pair.canvas), discourse.get(&pair.discourse))
            else {
                continue;
            };
            let sides = (vec![&one.topic], vec![&other.topic]);
            if pair.is_sure || self.links_likely {
                self.link_topic(pair, one, other)?;
            } else {
                self.ask(MatchState::Likely, &pair.evidence, sides, None)?;
            }
        }
        for group in &matching.unclear {
            let sides = named(group, &topics_of(&canvas), &topics_of(&discourse));
            self.ask(MatchState::Unclear, &group.evidence, sides, None)?;
        }
        Ok(())
    }

    fn link_topic(&mut self, pair: &Pair, one: &Thread, other: &Thread) -> Result<(), Error> {
        let id = EntityId(self.world.id());
        let place = self.place(&self.course.id.clone(), None);
        let linked = matching::linked(
            id.clone(),
            (&one.topic, &other.topic),
            place,
            self.world.now(),
        );
        let Some(entity) = linked else {
            return Ok(());
        };
        self.remember(&entity);
        self.saves.push(entity);
        let title = title(&one.topic);
        let posts = self.posts((&id, &title), one, other)?;
        let found = Match {
            id: self.world.id(),
            course: self.course.id.clone(),
            kind: Kind::Topic,
            state: MatchState::Linked.as_str().to_owned(),
            evidence: names(&pair.evidence),
            canvas: vec![id.clone()],
            discourse: vec![id.clone()],
            title,
            posts,
        };
        let text =
            format!("Linked with what stood on the other side already, and {posts} posts with it.");
        self.changes.push(Change::Log(log(
            self.world,
            (&id, &self.course.id),
            "matched",
            text,
        )));
        self.changes.extend(found.save().map_err(Error::store)?);
        Ok(())
    }

    fn place(&self, container: &EntityId, parent: Option<EntityId>) -> Place {
        Place {
            course: self.course.id.clone(),
            container: container.clone(),
            parent,
        }
    }

    /// The posts of a topic that are pairs already, and those that we know on one side alone.
    fn known_posts(&self, topic: &EntityId) -> (Vec<(RemoteId, RemoteId)>, Alone) {
        let mut pairs = Vec::new();
        let mut alone = BTreeSet::new();
        for entity in self
            .entities
            .values()
            .filter(|entity| entity.container.as_ref() == Some(topic))
        {
            match (
                entity.replica(System::Canvas),
                entity.replica(System::Discourse),
            ) {
                (Some(canvas), Some(discourse)) => {
                    pairs.push((canvas.remote.clone(), discourse.remote.clone()));
                }
                (Some(there), None) => {
                    alone.insert((System::Canvas, there.remote.clone()));
                }
                (None, Some(there)) => {
                    alone.insert((System::Discourse, there.remote.clone()));
                }
                (None, None) => {}
            }
        }
        (pairs, alone)
    }

    /// Links the posts of a topic that is on both sides; returns how many.
    fn posts(
        &mut self,
        (topic, title): (&EntityId, &str),
        one: &Thread,
        other: &Thread,
    ) -> Result<u64, Error> {
        let (pairs, alone) = self.known_posts(topic);
        let side = |system: System, thread: &Thread| -> Vec<RemoteItem> {
            let posts = thread.posts.iter().filter(|post| is_there(post));
            posts
                .filter(|post| !alone.contains(&(system, post.remote.clone())))
                .cloned()
                .collect()
        };
        let (canvas, discourse) = (side(System::Canvas, one), side(System::Discourse, other));
        let matching = matching::match_posts(&canvas, &discourse, &pairs);
        let (canvas, discourse) = (by_id(&canvas), by_id(&discourse));
        let mut linked = Vec::new();
        for pair in &matching.pairs {
            let (Some(one), Some(other)) =
                (canvas.get(&pair.canvas), discourse.get(&pair.discourse))
            else {
                continue;
            };
            if pair.is_sure || self.links_likely {
                let id = EntityId(self.world.id());
                self.known
                    .insert((System::Canvas, one.remote.clone()), id.clone());
                self.known
                    .insert((System::Discourse, other.remote.clone()), id.clone());
                linked.push((id, *one, *other));
            } else {
                self.ask(
                    MatchState::Likely,
                    &pair.evidence,
                    (vec![*one], vec![*other]),
                    Some((topic, title)),
                )?;
            }
        }
        for group in &matching.unclear {
            let sides = named(group, &canvas, &discourse);
            self.ask(
                MatchState::Unclear,
                &group.evidence,
                sides,
                Some((topic, title)),
            )?;
        }
        let count = u64::try_from(linked.len()).unwrap_or(u64::MAX);
        for (id, one, other) in linked {
            self.ancestors(topic, (System::Canvas, &canvas), one);
            let parent = self.parent(System::Canvas, one);
            let place = self.place(topic, parent);
            self.saves
                .extend(matching::linked(id, (one, other), place, self.world.now()));
        }
        Ok(count)
    }

    fn parent(&self, system: System, post: &RemoteItem) -> Option<EntityId> {
        let parent = post.parent.clone()?;
        self.known.get(&(system, parent)).cloned()
    }

    /// Makes the entities of what a post answers, as far as nobody knows it: the post must stand under it.
    fn ancestors(
        &mut self,
        topic: &EntityId,
        (system, posts): (System, &BTreeMap<RemoteId, &RemoteItem>),
        post: &RemoteItem,
    ) {
        let mut chain: Vec<&RemoteItem> = Vec::new();
        let mut next = post.parent.as_ref();
        while let Some(item) = next.and_then(|id| posts.get(id)) {
            let is_known = self.known.contains_key(&(system, item.remote.clone()));
            if is_known || chain.len() > posts.len() {
                break;
            }
            chain.push(item);
            next = item.parent.as_ref();
        }
        for item in chain.into_iter().rev() {
            let place = self.place(topic, self.parent(system, item));
            let made = engine::discover(
                EntityId(self.world.id()),
                system,
                item,
                place,
                self.world.now(),
            );
            if let Some(entity) = made {
                self.remember(&entity);
                self.saves.push(entity);
            }
        }
    }

    /// Makes the entities of items that may be the same, held, and the match that a person looks at.
    fn ask(
        &mut self,
        state: MatchState,
        evidence: &BTreeSet<Evidence>,
        (canvas, discourse): (Vec<&RemoteItem>, Vec<&RemoteItem>),
        topic: Option<(&EntityId, &str)>,
    ) -> Result<(), Error> {
        let first = canvas.first().copied();
        let container = topic.map_or(&self.course.id, |(topic, _)| topic).clone();
        let mut sides = [Vec::new(), Vec::new()];
        let items = [(System::Canvas, canvas), (System::Discourse, discourse)];
        for (side, (system, items)) in sides.iter_mut().zip(items) {
            for item in items {
                let place = self.place(&container, self.parent(system, item));
                let id = EntityId(self.world.id());
                let made = engine::discover(id.clone(), system, item, place, self.world.now());
                if let Some(mut entity) = made {
                    entity.status = Status::Held;
                    entity.reason = Some(unclear());
                    self.remember(&entity);
                    self.saves.push(entity);
                    side.push(id);
                }
            }
        }
        let [canvas, discourse] = sides;
        let found = Match {
            id: self.world.id(),
            course: self.course.id.clone(),
            kind: first.map_or(Kind::Topic, |item| item.kind),
            state: state.as_str().to_owned(),
            evidence: names(evidence),
            canvas,
            discourse,
            title: topic.map_or_else(
                || first.map(title).unwrap_or_default(),
                |(_, title)| title.to_owned(),
            ),
            posts: 0,
        };
        self.changes.extend(found.save().map_err(Error::store)?);
        Ok(())
    }
}

fn names(evidence: &BTreeSet<Evidence>) -> Vec<String> {
    evidence.iter().map(|one| one.as_str().to_owned()).collect()
}

fn by_id(items: &[RemoteItem]) -> BTreeMap<RemoteId, &RemoteItem> {
    items
        .iter()
        .map(|item| (item.remote.clone(), item))
        .collect()
}

fn topics_of(threads: &BTreeMap<RemoteId, Thread>) -> BTreeMap<RemoteId, &RemoteItem> {
    threads
        .iter()
        .map(|(id, thread)| (id.clone(), &thread.topic))
        .collect()
}

type Items<'a> = BTreeMap<RemoteId, &'a RemoteItem>;

/// The items that a group names.
fn named<'a>(
    group: &Group,
    canvas: &Items<'a>,
    discourse: &Items<'a>,
) -> (Vec<&'a RemoteItem>, Vec<&'a RemoteItem>) {
    let find = |ids: &[RemoteId], items: &Items<'a>| {
        ids.iter().filter_map(|id| items.get(id).copied()).collect()
    };
    (
        find(&group.canvas, canvas),
        find(&group.discourse, discourse),
    )
}
