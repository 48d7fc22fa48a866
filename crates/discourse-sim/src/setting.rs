//! Site settings: names, defaults, reading and changing (contract section 12).
//!
//! Knows no rule that uses a setting.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::option::Profile;

/// The largest number a setting takes: times in any unit still fit 64 bits.
const LARGEST: i64 = 1_000_000_000;

/// The settings of one forum.
#[derive(Debug, Clone)]
pub struct Settings {
    values: BTreeMap<String, Value>,
}

/// A refused change of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingError {
    /// No setting of this name.
    Unknown,
    /// The value is of the wrong type; holds the wanted type.
    WrongType(&'static str),
}

impl Settings {
    /// The defaults of a profile.
    pub fn new(profile: Profile) -> Self {
        let mut values: BTreeMap<String, Value> = numbers()
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        values.extend(
            flags()
                .iter()
                .map(|(name, value)| ((*name).to_owned(), json!(value))),
        );
        values.extend(
            texts()
                .iter()
                .map(|(name, value)| ((*name).to_owned(), json!(value))),
        );
        if profile == Profile::V3_1 {
            values.insert("embed_unlisted".to_owned(), json!(false));
            values.insert("title".to_owned(), json!("Sandbox 3.1"));
        }
        Self { values }
    }

    /// A whole number; 0 for a name that is no number.
    pub fn int(&self, name: &str) -> i64 {
        self.values.get(name).and_then(Value::as_i64).unwrap_or(0)
    }

    /// A whole number as a length.
    pub fn len(&self, name: &str) -> usize {
        usize::try_from(self.int(name)).unwrap_or(0)
    }

    /// A yes or no.
    pub fn flag(&self, name: &str) -> bool {
        self.values
            .get(name)
            .and_then(Value::as_bool)
            .unwrap_or(false)
    }

    /// A text.
    pub fn text(&self, name: &str) -> &str {
        self.values.get(name).and_then(Value::as_str).unwrap_or("")
    }

    /// All settings by name.
    pub fn all(&self) -> &BTreeMap<String, Value> {
        &self.values
    }

    /// Changes one setting; texts such as `"5"` and `"true"` are read as the setting's type, the
    /// way a form sends them.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), SettingError> {
        let old = self.values.get_mut(name).ok_or(SettingError::Unknown)?;
        let text = value.as_str().map(str::trim);
        *old = match old {
            Value::Bool(_) => match (value.as_bool(), text) {
                (Some(flag), _) => json!(flag),
                (None, Some("true" | "t" | "1")) => json!(true),
                (None, Some("false" | "f" | "0" | "")) => json!(false),
                _ => return Err(SettingError::WrongType("true or false")),
            },
            Value::Number(_) => match (value.as_i64(), text.map(str::parse::<i64>)) {
                (Some(number), _) | (None, Some(Ok(number))) if number.abs() <= LARGEST => {
                    json!(number)
                }
                _ => return Err(SettingError::WrongType("a whole number")),
            },
            _ => match value {
                Value::String(text) => json!(text),
                Value::Number(_) | Value::Bool(_) => json!(value.to_string()),
                _ => return Err(SettingError::WrongType("a text")),
            },
        };
        Ok(())
    }
}

fn numbers() -> &'static [(&'static str, i64)] {
    &[
        ("min_post_length", 20),
        ("min_first_post_length", 20),
        ("min_personal_message_post_length", 10),
        ("max_post_length", 32_000),
        ("body_min_entropy", 7),
        ("min_topic_title_length", 15),
        ("max_topic_title_length", 255),
        ("min_personal_message_title_length", 2),
        ("title_min_entropy", 10),
        ("title_max_word_length", 30),
        ("max_emojis_in_title", 1),
        ("unique_posts_mins", 5),
        ("rate_limit_create_topic", 15),
        ("rate_limit_create_post", 5),
        ("rate_limit_new_user_create_post", 30),
        ("max_topics_per_day", 20),
        ("max_topics_in_first_day", 3),
        ("max_replies_in_first_day", 10),
        ("newuser_max_replies_per_topic", 3),
        ("newuser_max_links", 2),
        ("newuser_max_mentions_per_post", 2),
        ("max_mentions_per_post", 10),
        ("max_consecutive_replies", 3),
        ("max_edits_per_day", 30),
        ("tl2_additional_edits_per_day_percent", 150),
        ("post_edit_time_limit", 1_440),
        ("tl2_post_edit_time_limit", 43_200),
        ("max_post_deletions_per_minute", 2),
        ("max_post_deletions_per_day", 10),
        ("max_likes_per_day", 50),
        ("max_tags_per_topic", 5),
        ("editing_grace_period", 300),
        ("editing_grace_period_max_diff", 100),
        ("editing_grace_period_max_diff_high_trust", 400),
        ("delete_removed_posts_after", 24),
        ("delete_merged_stub_topics_after_days", 7),
        ("post_undo_action_window_mins", 10),
        ("max_prints_per_hour_per_user", 5),
        ("max_username_length", 20),
        ("min_username_length", 3),
        ("max_image_size_kb", 4_096),
        ("max_attachment_size_kb", 4_096),
        ("max_topic_query_page_param", 2_000),
    ]
}

fn flags() -> &'static [(&'static str, bool)] {
    &[
        ("allow_duplicate_topic_titles", false),
        ("title_prettify", true),
        ("allow_uncategorized_topics", false),
        ("retry_web_hook_events", false),
        ("enable_discourse_connect", true),
        ("auth_overrides_email", false),
        ("auth_overrides_username", false),
        ("auth_overrides_name", false),
        ("discourse_connect_overrides_groups", false),
        ("embed_unlisted", false),
        ("remove_full_quote", true),
        ("suppress_reply_when_quoting", true),
        ("review_every_post", false),
        ("whispers_enabled", true),
        ("traditional_markdown_linebreaks", false),
        ("detailed_404", false),
        ("allow_uppercase_posts", false),
        ("staff_edit_locks_post", false),
        ("login_required", false),
        ("tagging_enabled", true),
    ]
}

fn texts() -> &'static [(&'static str, &'static str)] {
    &[
        ("title", "Sandbox"),
        ("site_description", ""),
        ("discourse_connect_secret", "sso-secret-123456"),
        ("discourse_connect_url", ""),
        ("authorized_extensions", "jpg|jpeg|png|gif|heic|heif|webp"),
        ("watched_words_require_approval", ""),
        ("watched_words_block", ""),
        ("contact_email", "admin@example.com"),
    ]
}

#[cfg(test)]
mod tests {
    use super::{SettingError, Settings};
    use crate::option::Profile;
    use serde_json::json;

    #[test]
    fn values_keep_their_type() {
        let mut settings = Settings::new(Profile::Current);
        settings.set("min_post_length", &json!("1")).unwrap();
        assert_eq!(settings.int("min_post_length"), 1);
        settings.set("title_prettify", &json!("false")).unwrap();
        assert!(!settings.flag("title_prettify"));
        settings
            .set("authorized_extensions", &json!("png|txt"))
            .unwrap();
        assert_eq!(settings.text("authorized_extensions"), "png|txt");
        assert_eq!(
            settings.set("nonsense", &json!(1)),
            Err(SettingError::Unknown)
        );
        assert_eq!(
            settings.set("min_post_length", &json!("many")),
            Err(SettingError::WrongType("a whole number"))
        );
    }
}
