//! The review queue: posts that wait for approval (contract section 6.1).

use serde::Serialize;

/// What became of a queued post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ReviewStatus {
    /// 0: waits.
    Pending,
    /// 1: became a post.
    Approved,
    /// 2: refused.
    Rejected,
    /// 4: deleted together with its author's wish.
    Deleted,
}

impl ReviewStatus {
    /// The number in the JSON.
    pub fn number(self) -> i64 {
        match self {
            Self::Pending => 0,
            Self::Approved => 1,
            Self::Rejected => 2,
            Self::Deleted => 4,
        }
    }

    /// The word in the JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Deleted => "deleted",
        }
    }
}

/// A post that is no post yet.
#[derive(Debug, Clone, Serialize)]
pub struct QueuedPost {
    /// The reviewable's id.
    pub id: i64,
    /// The author.
    pub user_id: i64,
    /// The text.
    pub raw: String,
    /// For topics.
    pub title: Option<String>,
    /// For replies.
    pub topic_id: Option<i64>,
    /// For replies to a post.
    pub reply_to: Option<i64>,
    /// For topics.
    pub category_id: Option<i64>,
    /// Tag names.
    pub tags: Vec<String>,
    /// The key asked for, dropped on approval unless the switch keeps it.
    pub external_id: Option<String>,
    /// The key asked for, dropped on approval unless the switch keeps it.
    pub embed_url: Option<String>,
    /// The time asked for, dropped on approval unless the switch keeps it.
    pub created_at_asked: Option<i64>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Rises with each decision; decisions must name it.
    pub version: i64,
    /// What became of it.
    pub status: ReviewStatus,
}
