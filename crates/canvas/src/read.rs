//! Reads courses and threads.
//!
//! A thread costs two calls where GraphQL has discussions: the topic over REST, because only REST says that it is
//! deleted, pinned, or why it is hidden, and then a hundred live entries per call. Entries of a withheld topic are
//! not
//! read at all. Without GraphQL's entries the built view is read and confirmed (see [`view`]).

mod absent;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use ::connector::Thread;
use model::Sighting;
use serde_json::json;

use crate::address::TopicId;
use crate::api::GraphqlCall;
use crate::failure::{Reason, Trouble};
use crate::graphql::{EntryNode, Schema, ThreadData, TopicFacts, TopicsData};
use crate::port::Canvas;
use crate::privacy;
use crate::probe::Probed;
use crate::time;
use crate::translate::{Post, topic_item};
use crate::wire::{Id, Topic};

pub(crate) use view::all_posts;

/// A thread with more pages of 100 entries is not read to its end.
const PAGES_MAX: usize = 500;

/// A thread's entries.
pub(crate) struct Posts {
    pub list: Vec<Post>,
    pub is_complete: bool,
    /// What GraphQL tells of the topic, where it was asked.
    pub facts: TopicFacts,
}

impl Canvas {
    /// A topic and all its entries.
    pub(crate) async fn read_thread(&self, place: &TopicId) -> Result<Thread, Trouble> {
        let probed = self.probed().await?;
        let answer = match self.api.topic(place).await {
            Ok(answer) => answer,
            Err(trouble) if trouble.reason == Reason::NotFound => {
                return Ok(bare(place, self.absent(place, &probed.schema).await?));
            }
            Err(trouble) => return Err(trouble),
        };
        let topic = answer.value;
        if let Some(why) = privacy::obstacle(&topic, answer.now) {
            return Ok(bare(place, Sighting::Withheld(why.to_owned())));
        }
        let posts = match self.posts(place, &topic, &probed).await {
            Ok(posts) => posts,
            Err(trouble) if trouble.reason == Reason::InitialPost => {
                let why = "Canvas shows its replies only to those who have posted.".to_owned();
                return Ok(bare(place, Sighting::Withheld(why)));
            }
            Err(trouble) => return Err(trouble),
        };
        if let Some(why) = privacy::hidden_obstacle(&posts.facts) {
            return Ok(bare(place, Sighting::Withheld(why.to_owned())));
        }
        self.translate(place, &topic, posts, &probed).await
    }

    async fn translate(
        &self,
        place: &TopicId,
        topic: &Topic,
        posts: Posts,
        probed: &Probed,
    ) -> Result<Thread, Trouble> {
        let mut users: BTreeSet<String> = posts
            .list
            .iter()
            .filter_map(|post| post.author.clone())
            .collect();
        let author = topic.author.as_ref().and_then(|author| author.id.clone());
        users.extend(author.map(|id| id.0));
        // REST marks the Test Student itself.
        let needs_tests = probed.schema.has_entries();
        let members = self
            .people
            .members(&self.api, &place.course, &users, needs_tests)
            .await?;
        let reader = self.reader(probed, &members);
        let edited_at = time::read(posts.facts.edited_at.as_deref());
        Ok(Thread {
            topic: reader.topic(place, topic, edited_at),
            posts: posts
                .list
                .iter()
                .map(|post| reader.post(place, post))
                .collect(),
            is_complete: posts.is_complete,
        })
    }

    async fn posts(
        &self,
        place: &TopicId,
        topic: &Topic,
        probed: &Probed,
    ) -> Result<Posts, Trouble> {
        if probed.schema.has_entries()
            && let Some(posts) = self.live_posts(place, &probed.schema, None).await?
        {
            return Ok(posts);
        }
        match self.viewed_posts(place, topic, &probed.schema).await {
            Err(trouble) if trouble.reason == Reason::NotReady => self.paged_posts(place).await,
            result => result,
        }
    }

    /// All entries by GraphQL, or those that a search finds; `None` when GraphQL does not show the topic.
    pub(crate) async fn live_posts(
        &self,
        place: &TopicId,
        schema: &Schema,
        term: Option<&str>,
    ) -> Result<Option<Posts>, Trouble> {
        let document = schema.thread(term.is_some());
        let mut after = None;
        let mut facts = None;
        let mut found: BTreeMap<Id, Post> = BTreeMap::new();
        for _ in 0..PAGES_MAX {
            let answer = self
                .api
                .graphql::<ThreadData>(GraphqlCall {
                    name: "graphql.thread",
                    document: &document,
                    variables: json!({"id": place.topic, "after": after, "term": term}),
                    is_write: false,
                })
                .await?;
            let Some(mut node) = answer.value.legacy_node else {
                return Ok(None);
            };
            let Some(page) = node.discussion_entries_connection.take() else {
                return Ok(None);
            };
            facts.get_or_insert(node);
            after = page.next();
            // Pages shift when somebody writes meanwhile: an entry can come twice (contract canvas §17).
            found.extend(page.into_nodes().filter_map(identified));
            if after.is_none() {
                break;
            }
        }
        Ok(Some(Posts {
            list: found.into_values().collect(),
            is_complete: after.is_none(),
            facts: facts.unwrap_or_default(),
        }))
    }

    /// What GraphQL tells of one topic; `None` when it shows none.
    async fn facts(&self, place: &TopicId, schema: &Schema) -> Result<Option<TopicFacts>, Trouble> {
        let document = schema.topics(std::slice::from_ref(&place.topic));
        let call = GraphqlCall {
            name: "graphql.topics",
            document: &document,
            variables: json!({}),
            is_write: false,
        };
        let mut answer = self.api.graphql::<TopicsData>(call).await?;
        Ok(answer.value.remove("t0").flatten())
    }
}

fn identified(node: EntryNode) -> Option<(Id, Post)> {
    let post = Post::of_node(node)?;
    Some((Id(post.id.clone()), post))
}

/// A topic whose entries were not read.
fn bare(place: &TopicId, sighting: Sighting) -> Thread {
    Thread {
        topic: topic_item(place, sighting),
        posts: Vec::new(),
        is_complete: false,
    }
}
