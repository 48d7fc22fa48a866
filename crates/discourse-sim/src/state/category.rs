//! Categories and who may do what in them.

use serde::Serialize;

/// The automatic group that everybody is in.
pub const EVERYONE: i64 = 0;

/// What a group may do (contract section 8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Permission {
    /// 1: create, reply and see.
    Full,
    /// 2: reply and see.
    Reply,
    /// 3: see.
    See,
}

impl Permission {
    /// The number in the JSON.
    pub fn number(self) -> i64 {
        match self {
            Self::Full => 1,
            Self::Reply => 2,
            Self::See => 3,
        }
    }

    /// The permission of a number.
    pub fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Full),
            2 => Some(Self::Reply),
            3 => Some(Self::See),
            _ => None,
        }
    }
}

/// One category.
#[expect(
    clippy::struct_excessive_bools,
    reason = "the flags of the forum's own row"
)]
#[derive(Debug, Clone, Serialize)]
pub struct Category {
    /// The id.
    pub id: i64,
    /// The name.
    pub name: String,
    /// The slug, from the first name.
    pub slug: String,
    /// Six hex digits, not checked (contract: LIVE 253).
    pub color: String,
    /// Six hex digits, not checked.
    pub text_color: String,
    /// The category above.
    pub parent_id: Option<i64>,
    /// The order among categories.
    pub position: i64,
    /// What the About topic says, as HTML; `None` until it is edited.
    pub description: Option<String>,
    /// The About topic.
    pub about_topic_id: Option<i64>,
    /// Groups and what they may do; empty means public.
    pub permissions: Vec<(i64, Permission)>,
    /// Custom fields as sent.
    pub custom_fields: serde_json::Map<String, serde_json::Value>,
    /// New topics wait for approval.
    pub require_topic_approval: bool,
    /// Replies wait for approval.
    pub require_reply_approval: bool,
    /// Whether the approval settings were ever written; shown as null before that.
    pub approval_set: bool,
    /// Tag names allowed here.
    pub allowed_tags: Vec<String>,
    /// Live topics, the About topic apart.
    pub topic_count: i64,
    /// Live posts in them.
    pub post_count: i64,
    /// New topics are wikis.
    pub all_topics_wiki: bool,
}

impl Category {
    /// Whether only some groups may see it.
    pub fn is_restricted(&self) -> bool {
        !self.permissions.is_empty()
            && !self.permissions.iter().any(|(group, _)| *group == EVERYONE)
    }
}
