//! Reads courses and threads.
//!
//! A thread costs two calls where GraphQL has discussions: the topic over REST, because only REST says that it is
//! deleted, pinned, or why it is hidden, and then a hundred live entries per call. Entries of a withheld topic are not
//! read at all. Without GraphQL's entries the built view is read and confirmed (see [`is_trusted`]).

use std::collections::{BTreeMap, BTreeSet};

use ::connector::Thread;
use api_client::Request;
use model::{Field, Kind, Record, RemoteId, RemoteItem, Sighting, Timestamp, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::address::TopicId;
use crate::api::{GraphqlCall, IDS_PER_CALL};
use crate::failure::{Reason, Trouble};
use crate::graphql::{EntryNode, Schema, ThreadData, TopicFacts, TopicsData};
use crate::port::Canvas;
use crate::privacy;
use crate::probe::Probed;
use crate::time;
use crate::translate::{Post, topic_item};
use crate::wire::{Course, Entry, Id, Topic, User};

/// What stays readable in a course's name, such as `sis_course_id:BIO-101.A`.
const NAME: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b':')
    .remove(b'_')
    .remove(b'-')
    .remove(b'.')
    .remove(b'~');
/// How long after a topic's last change a built view that shows that change may be believed, in milliseconds.
const SETTLED_MS: i64 = 600_000;
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
    /// The course by its id or a SIS name such as `sis_course_id:BIO101`.
    pub(crate) async fn find_course(&self, name: &str) -> Result<Option<RemoteItem>, Trouble> {
        let name = name.trim();
        if name.is_empty() {
            return Ok(None);
        }
        let path = utf8_percent_encode(name, NAME).to_string();
        let request = Request::get("course.show", format!("/api/v1/courses/{path}"));
        let course: Course = match self.api.ask(request).await {
            Ok(answer) => answer.value,
            Err(trouble) if trouble.reason == Reason::NotFound => return Ok(None),
            Err(trouble) => return Err(trouble),
        };
        let Some(id) = course.id else {
            return Err(Trouble::new(
                Reason::Unexpected,
                "Canvas answered course.show without a course.".to_owned(),
            ));
        };
        let title = course.original_name.or(course.name).unwrap_or_default();
        let record = Record::default().with(Field::Title, Value::Text(title));
        Ok(Some(RemoteItem {
            kind: Kind::Course,
            remote: RemoteId(id.0),
            container: None,
            parent: None,
            key: None,
            mark: None,
            sighting: Sighting::Present(record),
        }))
    }

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

    /// The built view, with its entries confirmed where it may be old.
    async fn viewed_posts(
        &self,
        place: &TopicId,
        topic: &Topic,
        schema: &Schema,
    ) -> Result<Posts, Trouble> {
        let answer = self.api.view(place).await?;
        let people = answer.value.participants.unwrap_or_default();
        let mut built = BTreeMap::new();
        flatten(answer.value.built.unwrap_or_default(), &people, &mut built);
        // These are read live (contract canvas §13).
        let mut new = BTreeMap::new();
        flatten(
            answer.value.new_entries.unwrap_or_default(),
            &people,
            &mut new,
        );
        let mut facts = TopicFacts::default();
        // For a short thread the confirmation is as cheap as the question whether it is needed.
        if built.len() > IDS_PER_CALL && schema.has_topics() {
            facts = self.facts(place, schema).await?.unwrap_or_default();
        }
        let changed_at = time::read(facts.updated_at.as_deref());
        let all = || built.values().chain(new.values());
        if !is_trusted(all(), topic, changed_at, answer.now) {
            self.confirm(place, &mut built).await?;
        }
        built.extend(new);
        let active = built.values().filter(|post| !post.is_deleted).count();
        let told = topic.discussion_subentry_count.unwrap_or(0);
        Ok(Posts {
            list: built.into_values().collect(),
            is_complete: u64::try_from(active).unwrap_or(u64::MAX) >= told,
            facts,
        })
    }

    /// Replaces entries by their live rows.
    async fn confirm(
        &self,
        place: &TopicId,
        posts: &mut BTreeMap<Id, Post>,
    ) -> Result<(), Trouble> {
        let ids: Vec<String> = posts.keys().map(|id| id.0.clone()).collect();
        for chunk in ids.chunks(IDS_PER_CALL) {
            let rows = match self.api.entries(place, chunk).await {
                Ok(rows) => rows,
                // One unknown id fails all: the thread changed while we read it.
                Err(trouble) if trouble.reason == Reason::NotFound => {
                    return Err(Trouble::new(
                        Reason::Unexpected,
                        "A Canvas thread changed while it was read.".to_owned(),
                    ));
                }
                Err(trouble) => return Err(trouble),
            };
            flatten(rows, &[], posts);
        }
        Ok(())
    }

    /// Page by page, while no view is built: without tombstones and what is below them, so never complete.
    pub(crate) async fn paged_posts(&self, place: &TopicId) -> Result<Posts, Trouble> {
        let path = format!("{}/entries", place.path());
        let query = [("no_verifiers", "1")];
        let roots: Vec<Entry> = self.api.list("entry.roots", &path, &query).await?;
        let mut found = BTreeMap::new();
        for root in roots {
            if root.has_more_replies == Some(true)
                && let Some(id) = &root.id
            {
                let path = format!("{path}/{}/replies", id.as_str());
                let replies = self.api.list("entry.replies", &path, &query).await?;
                flatten(replies, &[], &mut found);
            }
            flatten(vec![root], &[], &mut found);
        }
        Ok(Posts {
            list: found.into_values().collect(),
            is_complete: false,
            facts: TopicFacts::default(),
        })
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

    /// What a 404 means (contract canvas §14): anonymous topics are listed all the same, and absence proves a deletion
    /// only to a reader who sees everything.
    async fn absent(&self, place: &TopicId, schema: &Schema) -> Result<Sighting, Trouble> {
        let facts = if schema.has_topics() {
            self.facts(place, schema).await?
        } else {
            None
        };
        let anonymous = || Sighting::Withheld(privacy::ANONYMOUS.to_owned());
        if facts
            .as_ref()
            .is_some_and(|facts| facts.anonymous_state.is_some())
        {
            return Ok(anonymous());
        }
        let listed = self.api.topics(&place.course).await?;
        let is_it = |topic: &&Topic| topic.id.as_ref().map(Id::as_str) == Some(&place.topic);
        if let Some(topic) = listed.iter().find(is_it) {
            return Ok(if topic.anonymous_state.is_some() {
                anonymous()
            } else {
                Sighting::Missing
            });
        }
        // GraphQL still shows deleted topics to those who could see them, and hides invisible ones (contract canvas §13).
        let is_proved = facts.is_some() || self.sees_everything(&place.course, &listed).await?;
        Ok(if is_proved {
            Sighting::Deleted
        } else {
            Sighting::Missing
        })
    }

    /// Whether the service account sees every topic of the course: staff without a limit to a section, or an admin.
    async fn sees_everything(&self, course: &str, listed: &[Topic]) -> Result<bool, Trouble> {
        let request = Request::get("course.show", format!("/api/v1/courses/{course}"));
        let course: Course = self.api.ask(request).await?.value;
        let own = course.enrollments.unwrap_or_default();
        if own.is_empty() {
            return Ok(listed.iter().any(|topic| {
                topic
                    .permissions
                    .as_ref()
                    .is_some_and(|permissions| permissions.update == Some(true))
            }));
        }
        Ok(own.iter().any(|enrollment| {
            let kind = enrollment.kind.as_deref().unwrap_or_default();
            matches!(kind, "teacher" | "ta" | "designer")
                && enrollment.limit_privileges_to_course_section == Some(false)
        }))
    }
}

/// Whether a built view may be believed as it is.
///
/// The view has no time of its own and shows neither edits nor deletions made after it was built (contract canvas
/// §7.5). It is believed only when the topic's own `updatedAt`, which every change moves, is exactly the time of the
/// newest entry shown, the count of live entries is right, and that was at least ten minutes ago: two changes in one
/// second cannot be told apart, but ten minutes are enough for the builder to follow. Everything else is confirmed by
/// live rows, so an edit is never missed and an old text never looks like a new one.
fn is_trusted<'a>(
    posts: impl Iterator<Item = &'a Post>,
    topic: &Topic,
    changed_at: Option<Timestamp>,
    now: Option<Timestamp>,
) -> bool {
    let (Some(changed_at), Some(now)) = (changed_at, now) else {
        return false;
    };
    let mut newest = None;
    let mut active: u64 = 0;
    for post in posts {
        newest = newest.max(post.updated_at);
        active += u64::from(!post.is_deleted);
    }
    newest == Some(changed_at)
        && topic.discussion_subentry_count == Some(active)
        && now.since_ms(changed_at) >= SETTLED_MS
}

/// Adds entries and everything below them.
fn flatten(entries: Vec<Entry>, people: &[User], into: &mut BTreeMap<Id, Post>) {
    let mut waiting = entries;
    while let Some(mut entry) = waiting.pop() {
        waiting.append(&mut entry.replies.take().unwrap_or_default());
        waiting.append(&mut entry.recent_replies.take().unwrap_or_default());
        if let Some(post) = Post::of_entry(entry, people) {
            into.insert(Id(post.id.clone()), post);
        }
    }
}

/// The entries of several trees as one list, parents first.
pub(crate) fn all_posts(trees: [Vec<Entry>; 2], people: &[User]) -> Vec<Post> {
    let mut found = BTreeMap::new();
    for tree in trees {
        flatten(tree, people, &mut found);
    }
    found.into_values().collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn post(id: &str, second: i64, is_deleted: bool) -> Post {
        Post {
            id: id.to_owned(),
            updated_at: Some(Timestamp(second * 1_000)),
            is_deleted,
            ..Post::default()
        }
    }

    #[test]
    fn a_view_is_believed_only_when_nothing_can_be_missing() {
        let posts = [post("1", 10, false), post("2", 30, true)];
        let topic = |count| Topic {
            discussion_subentry_count: Some(count),
            ..Topic::default()
        };
        let at = |second: i64| Some(Timestamp(second * 1_000));
        let check = |count, changed, now| is_trusted(posts.iter(), &topic(count), changed, now);
        assert!(check(1, at(30), at(630)));
        // Changed after what the view shows, or a creation or deletion that it does not show.
        assert!(!check(1, at(31), at(700)));
        assert!(!check(2, at(30), at(700)));
        // Too fresh, or nothing known.
        assert!(!check(1, at(30), at(629)));
        assert!(!check(1, None, at(700)));
        assert!(!check(1, at(30), None));
        assert!(!is_trusted([].iter(), &topic(0), at(30), at(700)));
    }

    #[test]
    fn a_tree_becomes_a_list_with_parents_first() {
        let tree = r#"[{"id":"9","replies":[{"id":10,"parent_id":9,"replies":[{"id":"11","parent_id":10}]}]},{"id":2},{}]"#;
        let mut found = BTreeMap::new();
        flatten(serde_json::from_str(tree).unwrap(), &[], &mut found);
        let ids: Vec<&str> = found.values().map(|post| post.id.as_str()).collect();
        assert_eq!(ids, ["2", "9", "10", "11"]);
    }
}
