//! Posts, their likes and their revisions.

use serde::Serialize;

/// The kinds of posts (contract section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum PostKind {
    /// 1: what people write.
    Regular,
    /// 2: a post in a staff style.
    ModeratorAction,
    /// 3: a note of a closing, pinning, move, ….
    SmallAction,
    /// 4: seen by staff only.
    Whisper,
}

impl PostKind {
    /// The number in the JSON.
    pub fn number(self) -> i64 {
        match self {
            Self::Regular => 1,
            Self::ModeratorAction => 2,
            Self::SmallAction => 3,
            Self::Whisper => 4,
        }
    }

    /// The kind of a number.
    pub fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Regular),
            2 => Some(Self::ModeratorAction),
            3 => Some(Self::SmallAction),
            4 => Some(Self::Whisper),
            _ => None,
        }
    }
}

/// One like.
#[derive(Debug, Clone, Serialize)]
pub struct Like {
    /// Who.
    pub user_id: i64,
    /// When, Unix milliseconds.
    pub at: i64,
}

/// What changed with one version; `before` values make old versions readable.
#[derive(Debug, Clone, Serialize)]
pub struct Revision {
    /// The version that this revision led to; starts at 2.
    pub number: i64,
    /// The editor.
    pub user_id: i64,
    /// Unix milliseconds.
    pub created_at: i64,
    /// The reason given.
    pub edit_reason: Option<String>,
    /// Text before and after.
    pub raw: (String, String),
    /// Rendered text before and after.
    pub cooked: (String, String),
    /// Title before and after, when it changed.
    pub title: Option<(String, String)>,
    /// Owner before and after, when it changed.
    pub owner: Option<(i64, i64)>,
    /// Category before and after, when it changed.
    pub category: Option<(Option<i64>, Option<i64>)>,
    /// Tag names before and after, when they changed.
    pub tags: Option<(Vec<String>, Vec<String>)>,
}

/// One post.
#[derive(Debug, Clone, Serialize)]
pub struct Post {
    /// Stable, except for first posts that are moved.
    pub id: i64,
    /// The topic it is in now.
    pub topic_id: i64,
    /// Its number there.
    pub number: i64,
    /// What kind of post.
    pub kind: PostKind,
    /// The author.
    pub user_id: i64,
    /// The text.
    pub raw: String,
    /// The text as HTML.
    pub cooked: String,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
    /// Real version.
    pub version: i64,
    /// Version without hidden revisions.
    pub public_version: i64,
    /// When the version last rose, Unix milliseconds.
    pub last_version_at: i64,
    /// Who wrote the present text.
    pub last_editor_id: i64,
    /// The reason of the last edit.
    pub edit_reason: Option<String>,
    /// The number of the post answered.
    pub reply_to: Option<i64>,
    /// Direct live replies.
    pub reply_count: i64,
    /// Likes.
    pub likes: Vec<Like>,
    /// Likes taken away by a delete, given back by a recovery.
    pub shelved_likes: Vec<Like>,
    /// Hidden by flags.
    pub hidden: bool,
    /// Why hidden.
    pub hidden_reason_id: Option<i64>,
    /// Deleted by its author.
    pub user_deleted: bool,
    /// When its author did so, Unix milliseconds.
    pub user_deleted_at: Option<i64>,
    /// The text that the author's delete replaced.
    pub before_stub: Option<String>,
    /// Unix milliseconds.
    pub deleted_at: Option<i64>,
    /// Who deleted it.
    pub deleted_by: Option<i64>,
    /// Editable by all.
    pub wiki: bool,
    /// Locked by staff.
    pub locked_by: Option<i64>,
    /// What a small action tells.
    pub action_code: Option<String>,
    /// Versions after the first.
    pub revisions: Vec<Revision>,
    /// The very first text and its HTML, kept when a grace edit replaces them before there is a
    /// version (recording 481: the old version is the text before the grace edit).
    pub original: Option<(String, String)>,
    /// Reads by others, as shown; grows when other people fetch the topic.
    pub reads: i64,
}

impl Post {
    /// Whether this is the first post of its topic.
    pub fn is_first(&self) -> bool {
        self.number == 1
    }

    /// Whether the post can be seen by people in general.
    pub fn is_live(&self) -> bool {
        self.deleted_at.is_none()
    }

    /// How many quote blocks the text has.
    pub fn quote_count(&self) -> usize {
        self.raw.matches("[quote=").count()
    }

    /// Whether the first quote is of the post answered.
    pub fn quotes_parent(&self) -> bool {
        let Some(number) = self.reply_to else {
            return false;
        };
        let Some((_, rest)) = self.raw.split_once("[quote=") else {
            return false;
        };
        let head = rest.split(']').next().unwrap_or("");
        head.split(',')
            .any(|part| part.trim().trim_matches('"') == format!("post:{number}"))
    }

    /// The raw text and HTML of an earlier version, `None` when there was none.
    pub fn at_version(&self, version: i64) -> Option<(&str, &str)> {
        if version == self.version {
            return Some((&self.raw, &self.cooked));
        }
        let next = self
            .revisions
            .iter()
            .find(|revision| revision.number == version + 1)?;
        Some((&next.raw.0, &next.cooked.0))
    }
}

#[cfg(test)]
mod tests {
    use super::PostKind;

    #[test]
    fn kinds_have_numbers() {
        for number in 1..=4 {
            assert_eq!(PostKind::from_number(number).unwrap().number(), number);
        }
        assert_eq!(PostKind::from_number(5), None);
    }
}
