//! A small forum with a clock that stands still, for unit tests of rules.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::act::insert::{self, PostRow, TopicRow};
use crate::auth::Actor;
use crate::clock::SECOND;
use crate::option::{Content, Options, Profile};
use crate::seed;
use crate::state::World;
use crate::state::topic::Topic;

/// The forum of a test.
pub struct Forum {
    /// The state.
    pub world: World,
    /// A topic by alice.
    pub topic: i64,
    /// A reply that the test cares about.
    pub reply: i64,
    base: Arc<AtomicI64>,
}

/// A forum with one topic by alice in `intro-bio`.
pub fn forum(profile: Profile) -> Forum {
    let base = Arc::new(AtomicI64::new(1_800_000_000_000));
    let source = Arc::clone(&base);
    let options = Options {
        profile,
        content: Content::Empty,
        time_source: Some(Arc::new(move || source.load(Ordering::Relaxed))),
        ..Options::default()
    };
    let mut world = World::new(&options);
    seed::fill(&mut world, &options);
    let mut forum = Forum {
        world,
        topic: 0,
        reply: 0,
        base,
    };
    forum.topic = forum.topic_by("alice", "A topic that tests work on");
    forum
}

impl Forum {
    /// Lets time pass.
    pub fn pass(&self, seconds: i64) {
        self.base.fetch_add(seconds * SECOND, Ordering::Relaxed);
    }

    /// A user acting by API key.
    pub fn actor(&self, name: &str) -> Actor {
        Actor::of(self.world.user_by_name(name).unwrap(), true)
    }

    /// The topic of the test.
    pub fn topic(&self) -> &Topic {
        &self.world.topics[&self.topic]
    }

    /// A new topic.
    pub fn topic_by(&mut self, name: &str, title: &str) -> i64 {
        let user_id = self.actor(name).id.unwrap();
        let category = self.world.categories.values().next().unwrap().id;
        let row = TopicRow {
            title: title.to_owned(),
            category_id: Some(category),
            tags: Vec::new(),
            external_id: None,
            visible: true,
            allowed_users: Vec::new(),
            allowed_groups: Vec::new(),
            first: PostRow::new(0, user_id, "The first post of this topic"),
        };
        let post = insert::topic(&mut self.world, row);
        self.world.posts[&post].topic_id
    }

    /// A reply to the topic of the test.
    pub fn reply_by(&mut self, name: &str, raw: &str) -> i64 {
        let user_id = self.actor(name).id.unwrap();
        insert::post(&mut self.world, &PostRow::new(self.topic, user_id, raw))
    }

    /// A reply to a post of the topic of the test.
    pub fn answer_by(&mut self, name: &str, raw: &str, number: i64) -> i64 {
        let user_id = self.actor(name).id.unwrap();
        let row = PostRow {
            reply_to: Some(number),
            ..PostRow::new(self.topic, user_id, raw)
        };
        insert::post(&mut self.world, &row)
    }
}
