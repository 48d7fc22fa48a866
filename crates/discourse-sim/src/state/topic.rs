//! Topics, tags and timers.

use serde::Serialize;

/// A tag.
#[derive(Debug, Clone, Serialize)]
pub struct Tag {
    /// The id.
    pub id: i64,
    /// The name, which is its slug too.
    pub name: String,
}

/// Tag names as the forum stores them: lower case, blanks as dashes.
pub fn clean_tag(name: &str) -> String {
    let lower = name.trim().to_lowercase();
    let dashed: String = lower
        .chars()
        .map(|c| if c.is_whitespace() { '-' } else { c })
        .collect();
    dashed
        .chars()
        .filter(|c| !matches!(c, '/' | '?' | '#' | ',' | '\'' | '"' | '<' | '>'))
        .collect()
}

/// A timed change of a topic.
#[derive(Debug, Clone, Serialize)]
pub struct Timer {
    /// The id.
    pub id: i64,
    /// `close`, `open` or `delete`.
    pub status_type: String,
    /// When, Unix milliseconds.
    pub execute_at: i64,
    /// Who set it.
    pub user_id: i64,
}

/// One topic.
#[expect(
    clippy::struct_excessive_bools,
    reason = "the flags of the forum's own row"
)]
#[derive(Debug, Clone, Serialize)]
pub struct Topic {
    /// The id.
    pub id: i64,
    /// The cleaned title.
    pub title: String,
    /// From the title; changes with it.
    pub slug: String,
    /// `None` for private messages.
    pub category_id: Option<i64>,
    /// The author.
    pub user_id: i64,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
    /// What activity lists are ordered by, Unix milliseconds.
    pub bumped_at: i64,
    /// Unix milliseconds; `None` for About topics.
    pub last_posted_at: Option<i64>,
    /// Who posted last.
    pub last_post_user_id: i64,
    /// Post ids in number order, deleted ones included.
    pub posts: Vec<i64>,
    /// The highest number ever given; never reused.
    pub last_number: i64,
    /// Live posts without whispers.
    pub posts_count: i64,
    /// Live posts that answer another.
    pub reply_count: i64,
    /// Closed for new posts.
    pub closed: bool,
    /// Read only.
    pub archived: bool,
    /// Listed.
    pub visible: bool,
    /// Unix milliseconds.
    pub pinned_at: Option<i64>,
    /// Unix milliseconds.
    pub pinned_until: Option<i64>,
    /// On top of all lists.
    pub pinned_globally: bool,
    /// A private message.
    pub is_private: bool,
    /// Users who may read a private message.
    pub allowed_users: Vec<i64>,
    /// Groups that may read a private message.
    pub allowed_groups: Vec<i64>,
    /// Tag ids.
    pub tags: Vec<i64>,
    /// The creator's durable key.
    pub external_id: Option<String>,
    /// Whether a post here was made with `embed_url`.
    pub is_embedded: bool,
    /// The "About the … category" topic.
    pub is_about: bool,
    /// Unix milliseconds.
    pub deleted_at: Option<i64>,
    /// Who deleted it.
    pub deleted_by: Option<i64>,
    /// A timed change.
    pub timer: Option<Timer>,
    /// Visits counted.
    pub views: i64,
    /// A link shown with the title.
    pub featured_link: Option<String>,
}

impl Topic {
    /// An empty visible topic; the caller adds the first post.
    pub fn new(id: i64, title: &str, user_id: i64, now_ms: i64) -> Self {
        Self {
            id,
            title: title.to_owned(),
            slug: crate::text::title::slug(title),
            category_id: None,
            user_id,
            created_at: now_ms,
            updated_at: now_ms,
            bumped_at: now_ms,
            last_posted_at: None,
            last_post_user_id: user_id,
            posts: Vec::new(),
            last_number: 0,
            posts_count: 0,
            reply_count: 0,
            closed: false,
            archived: false,
            visible: true,
            pinned_at: None,
            pinned_until: None,
            pinned_globally: false,
            is_private: false,
            allowed_users: Vec::new(),
            allowed_groups: Vec::new(),
            tags: Vec::new(),
            external_id: None,
            is_embedded: false,
            is_about: false,
            deleted_at: None,
            deleted_by: None,
            timer: None,
            views: 0,
            featured_link: None,
        }
    }

    /// The path of the topic's page.
    pub fn path(&self) -> String {
        format!("/t/{}/{}", self.slug, self.id)
    }

    /// Whether the topic is pinned at a moment.
    pub fn is_pinned(&self, now_ms: i64) -> bool {
        self.pinned_at.is_some() && self.pinned_until.is_none_or(|until| until > now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::clean_tag;

    #[test]
    fn tags_are_cleaned() {
        assert_eq!(clean_tag(" Week 1 "), "week-1");
        assert_eq!(clean_tag("a/b?"), "ab");
    }
}
