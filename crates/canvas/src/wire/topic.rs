//! Topics and announcements over REST (contract canvas §6.1).

use serde::Deserialize;
use serde_json::Value;

use super::{Id, User};

/// A topic; the same keys in lists, alone, and as the answer of a write.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Topic {
    pub id: Option<Id>,
    pub title: Option<String>,
    pub message: Option<String>,
    pub created_at: Option<String>,
    pub posted_at: Option<String>,
    pub last_reply_at: Option<String>,
    pub delayed_post_at: Option<String>,
    pub lock_at: Option<String>,
    pub root_topic_id: Option<Id>,
    pub group_category_id: Option<Id>,
    pub group_topic_children: Option<Vec<Value>>,
    pub discussion_subentry_count: Option<u64>,
    pub require_initial_post: Option<bool>,
    pub is_section_specific: Option<bool>,
    pub anonymous_state: Option<String>,
    pub author: Option<User>,
    pub user_name: Option<String>,
    pub published: Option<bool>,
    pub locked: Option<bool>,
    pub locked_for_user: Option<bool>,
    pub lock_info: Option<Value>,
    pub pinned: Option<bool>,
    pub is_announcement: Option<bool>,
    pub subscription_hold: Option<String>,
    pub ungraded_discussion_overrides: Option<Vec<Value>>,
    pub assignment: Option<Assignment>,
    pub permissions: Option<Permissions>,
}

/// What matters of a graded topic's assignment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Assignment {
    pub only_visible_to_overrides: Option<bool>,
}

/// What the reader may do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Permissions {
    pub update: Option<bool>,
}

impl Topic {
    /// Whether it is an announcement; older servers say it only by the reason why nobody can subscribe.
    pub(crate) fn is_announcement(&self) -> bool {
        self.is_announcement
            .unwrap_or_else(|| self.subscription_hold.as_deref() == Some("topic_is_announcement"))
    }
}
