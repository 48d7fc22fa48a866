//! What changed in a course (contract canvas §13), by comparing every topic's version with the one in the cursor.
//!
//! A version is GraphQL's `updatedAt`, which every change but likes moves; where GraphQL does not tell it, a
//! digest of
//! what the list shows. A topic that is no longer listed is reported once.

use std::collections::BTreeMap;

use ::connector::Changes;
use model::{Digest, RemoteId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::address::{self, TopicId};
use crate::api::GraphqlCall;
use crate::failure::{Reason, Trouble};
use crate::graphql::{ALIASES, FEED, FeedData, Schema, TopicFacts, TopicsData};
use crate::port::Canvas;
use crate::time;
use crate::wire::{Id, Topic};

/// Times have whole seconds: a topic that changed this recently can change again unseen, in milliseconds.
const UNSETTLED_MS: i64 = 3_000;
/// A course with more pages of 100 topics is not read to its end.
const PAGES_MAX: usize = 1_000;

/// The versions of a course's topics, by topic id.
type Versions = BTreeMap<String, String>;

/// The cursor as it is stored.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    #[serde(rename = "t")]
    topics: Versions,
}

impl Canvas {
    /// The topics whose version is not the cursor's, those that are gone too; all without a cursor.
    pub(crate) async fn changed_topics(
        &self,
        course: &RemoteId,
        cursor: Option<&str>,
    ) -> Result<Changes, Trouble> {
        let course = address::course(course)?;
        let schema = &self.probed().await?.schema;
        let fed = if schema.has_feed() {
            self.fed_versions(&course).await?
        } else {
            None
        };
        let now = match fed {
            Some(versions) => versions,
            None => self.listed_versions(&course, schema).await?,
        };
        // A cursor of another version counts as none.
        let old: Option<Cursor> = cursor.and_then(|text| serde_json::from_str(text).ok());
        let topics = changed(&old.unwrap_or_default().topics, &now);
        let topics = topics
            .into_iter()
            .map(|topic| {
                let course = course.clone();
                TopicId { course, topic }.remote()
            })
            .collect();
        let cursor = Cursor { topics: now };
        Ok(Changes {
            topics,
            cursor: serde_json::to_string(&cursor).unwrap_or_default(),
        })
    }

    /// One call per 100 topics; `None` when GraphQL does not show the course.
    async fn fed_versions(&self, course: &str) -> Result<Option<Versions>, Trouble> {
        let mut versions = Versions::new();
        let mut after = None;
        for _ in 0..PAGES_MAX {
            let answer = self
                .api
                .graphql::<FeedData>(GraphqlCall {
                    name: "graphql.feed",
                    document: FEED,
                    variables: json!({"id": course, "after": after}),
                    is_write: false,
                })
                .await?;
            let connection = answer
                .value
                .course
                .and_then(|course| course.discussions_connection);
            let Some(page) = connection else {
                return Ok(None);
            };
            after = page.next();
            for node in page.into_nodes() {
                add_version(&mut versions, &node, answer.now);
            }
            if after.is_none() {
                return Ok(Some(versions));
            }
        }
        Err(Trouble::new(
            Reason::Unexpected,
            "Canvas's list of a course's topics does not end.".to_owned(),
        ))
    }

    /// The topic lists, with the times of GraphQL where it has them.
    async fn listed_versions(&self, course: &str, schema: &Schema) -> Result<Versions, Trouble> {
        let listed = self.api.topics(course).await?;
        let mut versions = Versions::new();
        for topic in &listed {
            if let Some(id) = &topic.id {
                versions.insert(id.0.clone(), self.shown_version(topic));
            }
        }
        if !schema.has_topics() {
            return Ok(versions);
        }
        let ids: Vec<String> = versions
            .keys()
            .filter(|id| address::is_id(id))
            .cloned()
            .collect();
        for chunk in ids.chunks(ALIASES) {
            let document = schema.topics(chunk);
            let answer = self
                .api
                .graphql::<TopicsData>(GraphqlCall {
                    name: "graphql.topics",
                    document: &document,
                    variables: json!({}),
                    is_write: false,
                })
                .await?;
            for facts in answer.value.into_values().flatten() {
                add_version(&mut versions, &facts, answer.now);
            }
        }
        Ok(versions)
    }

    /// A digest of what the list shows of a topic and its thread.
    fn shown_version(&self, topic: &Topic) -> String {
        let clean = crate::noise::strip(topic.message.as_deref().unwrap_or_default(), &self.hosts);
        let seen = format!(
            "{:?}",
            (
                &topic.title,
                markup::canonical_html(&clean, &self.markup.get()),
                (topic.locked, topic.pinned, topic.published),
                (&topic.last_reply_at, topic.discussion_subentry_count),
                (&topic.delayed_post_at, &topic.lock_at, &topic.posted_at),
                (topic.is_section_specific, topic.require_initial_post),
            )
        );
        format!("h{}", Digest::of(seen.as_bytes()))
    }
}

/// A change in the same second as the last look would have the same time: such a topic is looked at once more.
fn add_version(versions: &mut Versions, facts: &TopicFacts, now: Option<Timestamp>) {
    let (Some(id), Some(text)) = (&facts.id, &facts.updated_at) else {
        return;
    };
    let age_ms = time::read(Some(text))
        .zip(now)
        .map(|(at, now)| now.since_ms(at));
    let is_settled = age_ms.is_none_or(|age_ms| age_ms.abs() >= UNSETTLED_MS);
    let sign = if is_settled { "" } else { "?" };
    versions.insert(id.0.clone(), format!("{text}{sign}"));
}

/// Topics with another version, in the order of their ids.
fn changed(old: &Versions, now: &Versions) -> Vec<String> {
    let other = now
        .iter()
        .filter(|(id, version)| old.get(*id) != Some(version))
        .map(|(id, _)| id);
    let gone = old.keys().filter(|id| !now.contains_key(*id));
    let mut ids: Vec<Id> = other.chain(gone).map(|id| Id(id.clone())).collect();
    ids.sort();
    ids.into_iter().map(|id| id.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(pairs: &[(&str, &str)]) -> Versions {
        pairs
            .iter()
            .map(|(id, version)| ((*id).to_owned(), (*version).to_owned()))
            .collect()
    }

    #[test]
    fn new_changed_and_gone_topics_are_reported_once() {
        let old = versions(&[("1", "a"), ("2", "a"), ("9", "a")]);
        let now = versions(&[("1", "a"), ("2", "b"), ("10", "a")]);
        assert_eq!(changed(&old, &now), ["2", "9", "10"]);
        assert!(changed(&now, &now).is_empty());
        assert_eq!(changed(&Versions::new(), &now).len(), 3);
    }

    #[test]
    fn a_change_of_the_last_seconds_is_looked_at_again() {
        let facts = TopicFacts {
            id: Some(Id("1".to_owned())),
            updated_at: Some("2026-01-01T00:00:00Z".to_owned()),
            ..TopicFacts::default()
        };
        let at = time::read(facts.updated_at.as_deref()).unwrap();
        let version = |now| {
            let mut versions = Versions::new();
            add_version(&mut versions, &facts, now);
            versions.remove("1").unwrap()
        };
        let settled = version(Some(at.plus_ms(3_000)));
        assert_eq!(settled, "2026-01-01T00:00:00Z");
        assert_ne!(version(Some(at.plus_ms(900))), settled);
        assert_eq!(version(None), settled);
        // Clocks that differ by more say nothing.
        assert_eq!(version(Some(at.plus_ms(-60_000))), settled);
    }
}
