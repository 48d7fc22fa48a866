//! Topics, entries and what hangs on them.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Where a topic lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Home {
    Course(u64),
    Group(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TopicState {
    Active,
    Unpublished,
    PostDelayed,
    Deleted,
}

impl TopicState {
    /// The name in `workflow_state`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Unpublished => "unpublished",
            Self::PostDelayed => "post_delayed",
            Self::Deleted => "deleted",
        }
    }
}

/// What `/view` still shows: the entries as they were before the first change since it was built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StaleView {
    pub since_ms: i64,
    pub entries: BTreeMap<u64, Entry>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "database columns")]
pub(crate) struct Topic {
    pub id: u64,
    pub home: Home,
    /// The course, also of a group topic.
    pub course_id: u64,
    pub title: String,
    pub message: Option<String>,
    pub user_id: Option<u64>,
    pub editor_id: Option<u64>,
    pub state: TopicState,
    pub is_announcement: bool,
    pub discussion_type: String,
    pub locked: bool,
    pub pinned: bool,
    pub position: Option<u64>,
    pub created_at: i64,
    pub updated_at: i64,
    pub edited_at: Option<i64>,
    pub posted_at: Option<i64>,
    pub last_reply_at: Option<i64>,
    pub delayed_post_at: Option<i64>,
    pub lock_at: Option<i64>,
    pub todo_date: Option<i64>,
    pub deleted_at: Option<i64>,
    pub assignment_id: Option<u64>,
    pub root_topic_id: Option<u64>,
    pub child_ids: Vec<u64>,
    pub group_category_id: Option<u64>,
    pub section_ids: Vec<u64>,
    pub is_section_specific: bool,
    pub anonymous_state: Option<String>,
    pub is_anonymous_author: bool,
    pub require_initial_post: bool,
    pub allow_rating: bool,
    pub only_graders_can_rate: bool,
    pub sort_by_rating: bool,
    pub podcast_enabled: bool,
    pub podcast_has_student_posts: bool,
    pub attachment_id: Option<u64>,
    pub sort_order: String,
    pub sort_order_locked: bool,
    pub expanded: bool,
    pub expanded_locked: bool,
    /// Index: entries in id order, deleted ones included.
    pub entry_ids: Vec<u64>,
    /// Active entries, all levels.
    pub active_count: u64,
    pub read_by: BTreeSet<u64>,
    pub subscriber_ids: BTreeSet<u64>,
    pub stale_view: Option<StaleView>,
}

impl Topic {
    pub(crate) fn is_deleted(&self) -> bool {
        self.state == TopicState::Deleted
    }

    /// Closed for comments, by hand or by date.
    pub(crate) fn is_locked(&self, now_ms: i64) -> bool {
        self.locked || self.lock_at.is_some_and(|at| at <= now_ms)
    }
}

/// An earlier wording of an entry (GraphQL `discussionEntryVersions`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub number: u64,
    pub message: Option<String>,
    pub created_at: i64,
    pub user_id: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub id: u64,
    pub topic_id: u64,
    pub user_id: u64,
    pub editor_id: Option<u64>,
    pub parent_id: Option<u64>,
    pub root_entry_id: Option<u64>,
    pub depth: u64,
    pub message: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
    pub edited_at: Option<i64>,
    pub deleted_at: Option<i64>,
    /// Deletes after the first; each lowers the unread counters once more (seen live, 045, 555).
    pub extra_deletes: u64,
    pub attachment_id: Option<u64>,
    pub quoted_entry_id: Option<u64>,
    pub pin_type: Option<String>,
    pub is_anonymous_author: bool,
    pub versions: Vec<Version>,
    /// Rating per user who ever rated: 0 or 1.
    pub ratings: BTreeMap<u64, u64>,
    pub read_by: BTreeSet<u64>,
    pub forced_read: BTreeSet<u64>,
}

impl Entry {
    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// Number of people who ever rated; `None` before the first (contract canvas §8.13).
    pub(crate) fn rating_count(&self) -> Option<u64> {
        (!self.ratings.is_empty()).then(|| u64::try_from(self.ratings.len()).unwrap_or(u64::MAX))
    }

    /// Likes; `None` before the first rating.
    pub(crate) fn rating_sum(&self) -> Option<u64> {
        (!self.ratings.is_empty()).then(|| self.ratings.values().sum())
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Assignment {
    pub id: u64,
    pub topic_id: u64,
    pub course_id: u64,
    pub name: String,
    pub points_possible: Option<f64>,
    pub grading_type: String,
    pub due_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Submission {
    pub id: u64,
    pub assignment_id: u64,
    pub user_id: u64,
    pub submitted_at: Option<i64>,
    pub attempt: Option<u64>,
}
