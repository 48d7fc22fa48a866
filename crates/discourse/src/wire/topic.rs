//! Topics with their posts, and lists of topics (contract discourse §5.2, §7).

use serde::{Deserialize, Deserializer};

use super::post::Post;
use super::{or_default, text, whole};

fn yes() -> bool {
    true
}

fn or_yes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Option::<bool>::deserialize(deserializer).map(|flag| flag.unwrap_or(true))
}

/// A topic; its posts only where the call shows them.
#[derive(Debug, Clone, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the wire format has them")]
pub(crate) struct Topic {
    pub id: i64,
    #[serde(default, deserialize_with = "or_default")]
    pub title: String,
    #[serde(default, deserialize_with = "whole")]
    pub category_id: Option<i64>,
    #[serde(default, deserialize_with = "text")]
    pub archetype: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub closed: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub archived: bool,
    #[serde(default = "yes", deserialize_with = "or_yes")]
    pub visible: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub pinned: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub pinned_globally: bool,
    #[serde(default, deserialize_with = "text")]
    pub deleted_at: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub external_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub created_at: Option<String>,
    #[serde(default, deserialize_with = "whole")]
    pub chunk_size: Option<i64>,
    #[serde(default, deserialize_with = "or_default")]
    pub post_stream: PostStream,
}

impl Topic {
    /// Whether it is a private message.
    pub(crate) fn is_private(&self) -> bool {
        self.archetype.as_deref() == Some("private_message")
    }

    /// Its first post, where it is shown.
    pub(crate) fn first_post(&self) -> Option<&Post> {
        self.post_stream.posts.iter().find(|post| post.is_first())
    }
}

/// The posts of a topic, a page of them, and all ids.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct PostStream {
    #[serde(default, deserialize_with = "or_default")]
    pub posts: Vec<Post>,
    /// All ids in order; left out of topics with 10,000 posts and more.
    #[serde(default)]
    pub stream: Option<Vec<i64>>,
}

/// Posts by their ids.
#[derive(Debug, Deserialize)]
pub(crate) struct PostsById {
    #[serde(default, deserialize_with = "or_default")]
    pub post_stream: PostStream,
}

/// A page of a category's topics.
#[derive(Debug, Deserialize)]
pub(crate) struct Listing {
    pub topic_list: TopicList,
}

/// The topics of a page.
#[derive(Debug, Deserialize)]
pub(crate) struct TopicList {
    #[serde(default, deserialize_with = "or_default")]
    pub topics: Vec<Listed>,
    #[serde(default, deserialize_with = "text")]
    pub more_topics_url: Option<String>,
}

/// A topic in a list.
#[derive(Debug, Clone, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the wire format has them")]
pub(crate) struct Listed {
    pub id: i64,
    #[serde(default, deserialize_with = "or_default")]
    pub title: String,
    #[serde(default, deserialize_with = "whole")]
    pub category_id: Option<i64>,
    #[serde(default, deserialize_with = "text")]
    pub bumped_at: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub last_posted_at: Option<String>,
    #[serde(default, deserialize_with = "whole")]
    pub posts_count: Option<i64>,
    #[serde(default, deserialize_with = "whole")]
    pub highest_post_number: Option<i64>,
    #[serde(default, deserialize_with = "whole")]
    pub like_count: Option<i64>,
    #[serde(default, deserialize_with = "or_default")]
    pub closed: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub pinned: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub pinned_globally: bool,
    #[serde(default = "yes", deserialize_with = "or_yes")]
    pub visible: bool,
}

/// The answer to a change of a topic.
#[derive(Debug, Deserialize)]
pub(crate) struct Changed {
    pub basic_topic: BasicTopic,
}

/// What the answer to a change shows of a topic.
#[derive(Debug, Deserialize)]
pub(crate) struct BasicTopic {
    pub title: String,
}
