//! What changed in a category, found by its list of topics.
//!
//! Lists show new posts, most deletions, titles and states, but no edits: those are found by webhooks and the sweep
//! (contract discourse §16). A look ends at the first page on which nothing is new; every [`FULL_LOOK`]th look goes
//! through all pages, so that a topic that was renamed or vanished far down is found too.

use std::collections::BTreeMap;

use connector::Changes;
use model::Digest;
use serde::{Deserialize, Serialize};

use crate::connector::Discourse;
use crate::failure::{self, Trouble};
use crate::translate::id;
use crate::wire::course::Category;
use crate::wire::topic::{Listed, TopicList};

/// How many looks share one that goes through all pages.
const FULL_LOOK: u32 = 10;
/// The most pages of a list that are read.
const PAGES: u32 = 500;
/// The most pages of new posts that are read.
const POST_PAGES: u32 = 20;

/// The position in the feed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// How many looks there were.
    #[serde(rename = "n")]
    looks: u32,
    /// The newest post of the site that was seen.
    #[serde(rename = "p", default)]
    newest_post: Option<i64>,
    /// A fingerprint of each topic's line in the list.
    #[serde(rename = "t")]
    topics: BTreeMap<i64, String>,
}

impl Cursor {
    /// Reads a position; one that cannot be read is the beginning, which only costs calls.
    pub(crate) fn read(text: Option<&str>) -> Option<Self> {
        serde_json::from_str(text?).ok()
    }
}

/// What one look through a list found.
#[derive(Debug, Default)]
struct Look {
    changed: Vec<i64>,
    seen: BTreeMap<i64, String>,
    is_whole: bool,
}

impl Discourse {
    /// The topics of a category that changed since a position.
    pub(crate) async fn read_changes(
        &self,
        course: i64,
        cursor: Option<&str>,
    ) -> Result<Changes, Trouble> {
        let known = Cursor::read(cursor);
        let old = known.clone().unwrap_or_default();
        let is_full = known.is_none() || old.looks.is_multiple_of(FULL_LOOK);
        let newest_post = match known {
            Some(_) => old.newest_post,
            // Taken before the list is read, so that nothing falls between the two.
            None => self.newest_post().await?,
        };
        let mut look = self.look_through(course, &old, is_full).await?;
        let mut new = Cursor {
            looks: old.looks.wrapping_add(1),
            newest_post,
            topics: BTreeMap::new(),
        };
        if look.is_whole {
            let gone = old
                .topics
                .keys()
                .filter(|topic| !look.seen.contains_key(topic));
            look.changed.extend(gone);
            new.topics = look.seen;
        } else {
            new.newest_post = self
                .look_for_posts(course, newest_post, &mut look.changed)
                .await?;
            new.topics = old.topics;
            new.topics.append(&mut look.seen);
        }
        let cursor = serde_json::to_string(&new)
            .map_err(|error| failure::bug(&format!("the cursor cannot be written: {error}")))?;
        Ok(Changes {
            topics: look.changed.into_iter().map(id).collect(),
            cursor,
        })
    }

    /// Goes through the list, to its end or to the first page without news.
    async fn look_through(
        &self,
        course: i64,
        old: &Cursor,
        is_full: bool,
    ) -> Result<Look, Trouble> {
        let mut look = Look::default();
        for page in 0..PAGES {
            let (category, list) = self.list_page(course, page).await?;
            let mut has_news = false;
            let is_empty = list.topics.is_empty();
            for topic in mirrored(list.topics, &category) {
                let print = fingerprint(&topic);
                let is_new = old.topics.get(&topic.id) != Some(&print);
                if look.seen.insert(topic.id, print).is_none() && is_new {
                    look.changed.push(topic.id);
                    has_news = true;
                }
            }
            if list.more_topics_url.is_none() || is_empty {
                look.is_whole = true;
                break;
            }
            if !has_news && !is_full {
                break;
            }
        }
        Ok(look)
    }

    /// A page of the list. When the category is not where it used to be (its slug changed), it is asked for again.
    async fn list_page(&self, course: i64, page: u32) -> Result<(Category, TopicList), Trouble> {
        for _ in 0..2 {
            let Some(category) = self.category(course).await? else {
                break;
            };
            if let Some(list) = self.site.listing(&category, page).await? {
                return Ok((category, list));
            }
            self.categories.forget(course);
        }
        Err(failure::not_found(&format!("Discourse has no category {course}.")).into())
    }

    /// The id of the newest post of the site.
    async fn newest_post(&self) -> Result<Option<i64>, Trouble> {
        let posts = self.site.latest_posts(None).await?;
        Ok(posts.iter().map(|post| post.id).max())
    }

    /// Adds the topics with new posts that stand too far down in the list (backdated ones move their topic down,
    /// contract discourse §1.4), and answers the newest post's id.
    async fn look_for_posts(
        &self,
        course: i64,
        known: Option<i64>,
        changed: &mut Vec<i64>,
    ) -> Result<Option<i64>, Trouble> {
        let mut newest = known;
        let mut before = None;
        for _ in 0..POST_PAGES {
            let posts = self.site.latest_posts(before).await?;
            let Some(lowest) = posts.iter().map(|post| post.id).min() else {
                break;
            };
            for post in posts {
                newest = newest.max(Some(post.id));
                let is_new = known.is_none_or(|known| post.id > known);
                if let (true, Some(topic)) =
                    (is_new && post.category_id == Some(course), post.topic_id)
                    && !changed.contains(&topic)
                {
                    changed.push(topic);
                }
            }
            if known.is_none_or(|known| lowest <= known)
                || before.is_some_and(|last| lowest >= last)
            {
                break;
            }
            before = Some(lowest);
        }
        Ok(newest)
    }
}

/// The topics of the category itself, without its description and without those of its subcategories.
fn mirrored(topics: Vec<Listed>, category: &Category) -> impl Iterator<Item = Listed> {
    let (number, about) = (category.id, category.about_topic());
    topics.into_iter().filter(move |topic| {
        Some(topic.id) != about && topic.category_id.is_none_or(|category| category == number)
    })
}

/// What of a topic's line shows a change of what is mirrored.
fn fingerprint(topic: &Listed) -> String {
    let parts = (
        (
            &topic.bumped_at,
            &topic.last_posted_at,
            topic.posts_count,
            topic.highest_post_number,
        ),
        (
            &topic.title,
            topic.closed,
            topic.pinned,
            topic.pinned_globally,
            topic.visible,
        ),
        topic.like_count,
    );
    let digest = Digest::of(format!("{parts:?}").as_bytes());
    digest.as_str().chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(id: i64, category: i64) -> Listed {
        serde_json::from_value(serde_json::json!({
            "id": id, "title": "t", "category_id": category, "posts_count": 1, "last_posted_at": null,
        }))
        .unwrap()
    }

    #[test]
    fn the_description_and_subcategories_are_left_out() {
        let category: Category = serde_json::from_value(serde_json::json!({
            "id": 10, "name": "Bio", "slug": "bio", "topic_url": "/t/about-the-bio-category/20",
        }))
        .unwrap();
        let topics = vec![listed(20, 10), listed(21, 10), listed(22, 11)];
        let kept: Vec<i64> = mirrored(topics, &category).map(|topic| topic.id).collect();
        assert_eq!(kept, [21]);
    }

    #[test]
    fn each_sign_of_a_change_changes_the_fingerprint() {
        let old = listed(1, 10);
        let changed = [
            Listed {
                bumped_at: Some("x".to_owned()),
                ..old.clone()
            },
            Listed {
                last_posted_at: Some("x".to_owned()),
                ..old.clone()
            },
            Listed {
                posts_count: Some(2),
                ..old.clone()
            },
            Listed {
                highest_post_number: Some(2),
                ..old.clone()
            },
            Listed {
                title: "u".to_owned(),
                ..old.clone()
            },
            Listed {
                closed: true,
                ..old.clone()
            },
            Listed {
                pinned: true,
                ..old.clone()
            },
            Listed {
                visible: false,
                ..old.clone()
            },
            Listed {
                like_count: Some(1),
                ..old.clone()
            },
        ];
        for other in &changed {
            assert_ne!(fingerprint(other), fingerprint(&old), "{other:?}");
        }
        assert_eq!(fingerprint(&old.clone()), fingerprint(&old));
    }

    #[test]
    fn a_position_reads_back_and_a_broken_one_is_the_beginning() {
        let cursor = Cursor {
            looks: 3,
            newest_post: Some(9),
            topics: BTreeMap::from([(22, "abc".to_owned())]),
        };
        let text = serde_json::to_string(&cursor).unwrap();
        assert_eq!(Cursor::read(Some(&text)), Some(cursor));
        assert_eq!(Cursor::read(Some("{}")), None);
        assert_eq!(Cursor::read(None), None);
    }
}
