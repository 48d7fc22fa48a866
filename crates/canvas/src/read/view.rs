//! The thread where GraphQL has no entries: the built view, confirmed by live rows where it may be old, or page by page
//! while there is none.
//!
//! Must not judge what may be mirrored.

use std::collections::BTreeMap;

use model::Timestamp;

use super::Posts;
use crate::address::TopicId;
use crate::api::IDS_PER_CALL;
use crate::failure::{Reason, Trouble};
use crate::graphql::{Schema, TopicFacts};
use crate::port::Canvas;
use crate::time;
use crate::translate::Post;
use crate::wire::{Entry, Id, Topic, User};

/// How long after a topic's last change a built view that shows that change may be believed, in milliseconds.
const SETTLED_MS: i64 = 600_000;

impl Canvas {
    /// The built view, with its entries confirmed where it may be old.
    pub(super) async fn viewed_posts(
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
