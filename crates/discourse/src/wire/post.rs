//! Posts, as the REST API, lists and webhooks show them (contract discourse §5.1, §14.3).

use serde::Deserialize;
use serde_json::Value;

use super::{or_default, text, verbatim, whole};

/// What a post is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PostType {
    /// Somebody's words, staff notices included.
    Words,
    /// A line that the server wrote: closed, pinned, split, …
    SmallAction,
    /// Staff only.
    Whisper,
}

/// A post.
#[derive(Debug, Clone, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the wire format has them")]
pub(crate) struct Post {
    pub id: i64,
    #[serde(default, deserialize_with = "whole")]
    pub topic_id: Option<i64>,
    #[serde(default, deserialize_with = "whole")]
    pub post_number: Option<i64>,
    #[serde(default, deserialize_with = "whole")]
    post_type: Option<i64>,
    #[serde(default, deserialize_with = "or_default")]
    pub username: String,
    #[serde(default, deserialize_with = "text")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "whole")]
    pub user_id: Option<i64>,
    #[serde(default, deserialize_with = "verbatim")]
    pub raw: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub created_at: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub updated_at: Option<String>,
    #[serde(default, deserialize_with = "whole")]
    pub reply_to_post_number: Option<i64>,
    #[serde(default, deserialize_with = "or_default")]
    pub hidden: bool,
    #[serde(default, deserialize_with = "text")]
    pub deleted_at: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub user_deleted: bool,
    /// In lists and webhooks only.
    #[serde(default, deserialize_with = "whole")]
    pub category_id: Option<i64>,
    /// In webhooks only.
    #[serde(default, deserialize_with = "text")]
    pub topic_archetype: Option<String>,
}

impl Post {
    /// What the post is for; an unknown type is treated as staff only.
    pub(crate) fn kind(&self) -> PostType {
        match self.post_type {
            None | Some(1 | 2) => PostType::Words,
            Some(3) => PostType::SmallAction,
            Some(_) => PostType::Whisper,
        }
    }

    /// Whether it is the first of its topic.
    pub(crate) fn is_first(&self) -> bool {
        self.post_number == Some(1)
    }

    /// Deleted by staff, or turned into the stub that an author's own delete leaves (contract discourse §13).
    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted_at.is_some() || self.user_deleted
    }
}

/// The answer to an edit.
#[derive(Debug, Deserialize)]
pub(crate) struct Updated {
    pub post: Post,
}

/// The newest posts of the site.
#[derive(Debug, Deserialize)]
pub(crate) struct Latest {
    #[serde(default, deserialize_with = "or_default")]
    pub latest_posts: Vec<Post>,
}

/// Which post a key stands for.
#[derive(Debug, Deserialize)]
pub(crate) struct EmbedInfo {
    #[serde(default, deserialize_with = "whole")]
    pub post_id: Option<i64>,
}

/// The answer to a create.
#[derive(Debug)]
pub(crate) enum Created {
    /// The post is there.
    Post(Box<Post>),
    /// It waits for a moderator and has no id (contract discourse §1.18).
    Queued,
}

impl Created {
    /// Reads the answer; `None` when it is neither form.
    pub(crate) fn parse(value: Value) -> Option<Self> {
        if value.get("action").and_then(Value::as_str) == Some("enqueued") {
            return Some(Self::Queued);
        }
        let post = match value.get("post") {
            Some(post) => post.clone(),
            None => value,
        };
        serde_json::from_value::<Post>(post)
            .ok()
            .map(|post| Self::Post(Box::new(post)))
    }
}
