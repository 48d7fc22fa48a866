//! How a simulator is started: profile, content, seed and the switches between old and new servers.
//!
//! Knows nothing about the running state.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::TimeSource;

/// The admin key for all users that every simulator starts with.
pub const ADMIN_KEY: &str = "discourse-admin-key";
/// The user that clients are told to act as when they act for nobody in particular.
pub const ADMIN_USERNAME: &str = "system";
/// The secret of the web hook made from [`Options::webhook_target`] when none is given.
pub const WEBHOOK_SECRET: &str = "discourse-hook-secret";

/// Which server is imitated; decides the defaults of [`Switches`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Profile {
    /// Discourse 3.1.0.beta2 of March 2023, as recorded live.
    #[serde(rename = "discourse-3.1")]
    V3_1,
    /// A server of 2025 or later, as the contract's newer sources describe it.
    #[default]
    #[serde(rename = "discourse-current")]
    Current,
}

impl Profile {
    /// Reads the name used on the command line: `discourse-3.1` or `discourse-current`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "discourse-3.1" | "3.1" => Some(Self::V3_1),
            "discourse-current" | "current" => Some(Self::Current),
            _ => None,
        }
    }
}

/// What the forum holds at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Content {
    /// Three course categories, eleven people and about twenty threads.
    #[default]
    Term,
    /// One category, one teacher and two students, no threads.
    Empty,
}

/// A web hook that exists from the start.
#[derive(Debug, Clone)]
pub struct WebhookTarget {
    /// Where deliveries are posted; plain `http` only.
    pub url: String,
    /// Signs each body; empty sends unsigned deliveries.
    pub secret: String,
}

/// Everything that a simulator is started with.
#[derive(Clone)]
pub struct Options {
    /// Which server is imitated.
    pub profile: Profile,
    /// Decides every random choice of the faults.
    pub seed: u64,
    /// What the forum holds at the start.
    pub content: Content,
    /// Files or folders with recorded topics, loaded into the first category.
    pub import: Vec<PathBuf>,
    /// The address that absolute links and web hooks name.
    pub base_url: String,
    /// A web hook with all event types, made at the start.
    pub webhook_target: Option<WebhookTarget>,
    /// The one counter of admin-key requests of the whole site; `None` does not count
    /// (contract section 3; a real server has 60).
    pub admin_limit_per_minute: Option<u32>,
    /// Whether the counters by client address are on (a real server does not count loopback).
    pub ip_limits: bool,
    /// Site settings that differ from their defaults.
    pub settings: Vec<(String, Value)>,
    /// Where the present comes from; `None` reads the system clock.
    pub time_source: Option<TimeSource>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            seed: 1,
            content: Content::default(),
            import: Vec::new(),
            base_url: "http://127.0.0.1:3102".to_owned(),
            webhook_target: None,
            admin_limit_per_minute: None,
            ip_limits: false,
            settings: Vec::new(),
            time_source: None,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("profile", &self.profile)
            .field("seed", &self.seed)
            .field("content", &self.content)
            .field("import", &self.import)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

/// The points where servers differ by age; each can be switched on its own through the control API.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent difference of version"
)]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switches {
    /// A versioned edit of the last post bumps its topic (3.1; contract section 1.2).
    pub edit_bumps_last_post: bool,
    /// A page past the end is 404 (3.1) instead of 301 to the last page.
    pub past_end_404: bool,
    /// `post[original_text]` is ignored, only `raw_old` guards (3.1; section 1.8).
    pub raw_old_only: bool,
    /// `original_title` and `original_tags` guard `PUT /t/-/{id}` (not 3.1; section 7.3).
    pub topic_guards: bool,
    /// `/posts.json` looks at a window of fifty ids (3.1) instead of fifty posts (section 6.2).
    pub posts_window_by_id: bool,
    /// Topic lists ignore `per_page` (3.1; section 7.5).
    pub per_page_ignored: bool,
    /// Tags are objects with id, name and slug (2026) instead of strings.
    pub tags_as_objects: bool,
    /// One web hook event type per event (2024) instead of one per noun.
    pub event_type_per_event: bool,
    /// A wildcard web hook without event types never fires (3.1; section 14.1).
    pub wildcard_needs_types: bool,
    /// `topic_recovered` is sent twice per recovery (3.1; section 14.3).
    pub topic_recovered_twice: bool,
    /// A GET with a JSON body is refused with 413 (3.1; section 4).
    pub get_body_413: bool,
    /// `reply_to_post_number` may be changed by `PUT /posts/{id}` (2026; section 6.3).
    pub reply_to_editable: bool,
    /// The About topic stays first in its category list, whatever the order (3.1; section 7.5).
    pub about_topic_first: bool,
    /// Approval of a queued post keeps `embed_url`, `external_id` and `created_at` (not seen on any
    /// server; unverified for current ones, section 21).
    pub approval_keeps_keys: bool,
    /// The newer fields of posts, categories and users (`post_url`, `posts_count`, `style_type`, …).
    pub newer_fields: bool,
    /// Two creates with one `external_id` at the same moment end in 500 for the loser (section 10).
    /// Off: the loser gets a clean 422, as most do.
    pub external_id_taken_is_500: bool,
    /// An upload or a create by tag strings is still accepted (dropped in 2026.07).
    pub tag_strings_accepted: bool,
}

impl Switches {
    /// The defaults of a profile.
    pub fn of(profile: Profile) -> Self {
        let old = profile == Profile::V3_1;
        Self {
            edit_bumps_last_post: old,
            past_end_404: old,
            raw_old_only: old,
            topic_guards: !old,
            posts_window_by_id: old,
            per_page_ignored: old,
            tags_as_objects: !old,
            event_type_per_event: !old,
            wildcard_needs_types: old,
            topic_recovered_twice: old,
            get_body_413: old,
            reply_to_editable: !old,
            about_topic_first: old,
            approval_keeps_keys: false,
            newer_fields: !old,
            external_id_taken_is_500: false,
            tag_strings_accepted: true,
        }
    }
}
