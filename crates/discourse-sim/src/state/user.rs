//! Users and their DiscourseConnect records.

use serde::Serialize;

/// A link to the outside identity (contract section 8.3).
#[derive(Debug, Clone, Serialize)]
pub struct SsoRecord {
    /// The stable id outside.
    pub external_id: String,
    /// The name asked for there.
    pub external_username: String,
    /// The person's name there.
    pub external_name: String,
    /// When the record was made, Unix milliseconds.
    pub created_at: i64,
    /// When it was last written, Unix milliseconds.
    pub updated_at: i64,
}

/// One user.
#[expect(
    clippy::struct_excessive_bools,
    reason = "the flags of the forum's own row"
)]
#[derive(Debug, Clone, Serialize)]
pub struct User {
    /// The id; `system` is -1.
    pub id: i64,
    /// The handle.
    pub username: String,
    /// The person's name.
    pub name: Option<String>,
    /// The address, shown to staff only.
    pub email: String,
    /// Administrator.
    pub admin: bool,
    /// Moderator.
    pub moderator: bool,
    /// 0 to 4.
    pub trust_level: i64,
    /// May log in.
    pub active: bool,
    /// Made by mail or import, never logged in.
    pub staged: bool,
    /// Until when the user is suspended, Unix milliseconds.
    pub suspended_till: Option<i64>,
    /// Since when, Unix milliseconds.
    pub suspended_at: Option<i64>,
    /// Why.
    pub suspend_reason: Option<String>,
    /// The outside identity.
    pub sso: Option<SsoRecord>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub last_posted_at: Option<i64>,
    /// Live posts made.
    pub post_count: i64,
    /// Topics made.
    pub topic_count: i64,
    /// The title next to the name.
    pub title: Option<String>,
    /// The text about the person.
    pub bio: Option<String>,
}

impl User {
    /// A plain active user of trust level 1.
    pub fn new(id: i64, username: &str, name: &str, now_ms: i64) -> Self {
        Self {
            id,
            username: username.to_owned(),
            name: (!name.is_empty()).then(|| name.to_owned()),
            email: format!("{}@example.com", username.to_lowercase()),
            admin: false,
            moderator: false,
            trust_level: 1,
            active: true,
            staged: false,
            suspended_till: None,
            suspended_at: None,
            suspend_reason: None,
            sso: None,
            created_at: now_ms,
            last_posted_at: None,
            post_count: 0,
            topic_count: 0,
            title: None,
            bio: None,
        }
    }

    /// Administrator or moderator.
    pub fn is_staff(&self) -> bool {
        self.admin || self.moderator
    }

    /// Whether the user is suspended at a moment.
    pub fn is_suspended(&self, now_ms: i64) -> bool {
        self.suspended_till.is_some_and(|till| till > now_ms)
    }

    /// The path of the letter picture, with `{size}` in it.
    pub fn avatar_template(&self) -> String {
        if self.id == super::SYSTEM {
            return "/images/discourse-logo-sketch-small.png".to_owned();
        }
        let letter = self
            .username
            .chars()
            .next()
            .unwrap_or('x')
            .to_lowercase()
            .to_string();
        let hash = self.username.bytes().fold(0x00b2_5ac8_u32, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(u32::from(byte))
        });
        format!(
            "/letter_avatar_proxy/v4/letter/{letter}/{:06x}/{{size}}.png",
            hash & 0x00ff_ffff
        )
    }
}
