//! The behaviours in which two Canvas versions differ, each as one switch.
//! A profile only sets defaults; the control API may change any single switch (contract canvas §19).

use serde::{Deserialize, Serialize};

/// Which Canvas is played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// The measured server of April 2019.
    Canvas2019,
    /// Hosted Canvas as of 2026.
    #[default]
    Current,
}

/// Every switch with its present value.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a list of switches is a list of bools"
)]
pub(crate) struct Switches {
    /// Status of "not permitted": 401 (old) or 403 (new).
    pub not_permitted_status: u16,
    /// Status of a throttled request: 403 (old) or 429 (new).
    pub throttle_status: u16,
    /// Largest page.
    pub per_page_max: usize,
    /// Page size of the topic list when none is asked for.
    pub topic_list_per_page: usize,
    /// Past the last page the Link header has a `next` that never ends.
    pub endless_next: bool,
    /// Enrollment pages use opaque `bookmark:` page words.
    pub bookmark_pages: bool,
    /// A new entry moves `last_reply_at` always, not only after 60 seconds.
    pub last_reply_always: bool,
    /// A PUT of an announcement without `locked` opens its comments.
    pub announcement_put_unlocks: bool,
    /// `lock_comment` counts on PUT.
    pub lock_comment_on_put: bool,
    /// `not_threaded` is a known discussion type.
    pub not_threaded_known: bool,
    /// Discussion type of a topic whose creator names none.
    pub default_discussion_type: String,
    /// A topic that already has a nested reply counts as threaded.
    pub nested_means_threaded: bool,
    /// Entry PUT without an attachment part removes the file.
    pub put_drops_attachment: bool,
    /// REST topics have `is_announcement` and the other newer keys.
    pub newer_topic_keys: bool,
    /// `no_verifiers=1` is honoured.
    pub no_verifiers_works: bool,
    /// `id` attributes are stripped from entries.
    pub strip_entry_ids: bool,
    /// The smaller element list of the April 2019 sanitiser.
    pub old_sanitiser: bool,
    /// Bodies are wrapped in the account's theme tags.
    pub theme_tags: bool,
    /// File links get a `verifier`.
    pub verifiers: bool,
    /// GraphQL has discussions, entries and their mutations.
    pub graphql_discussions: bool,
    /// GraphQL limits (aliases, depth, mutations, page size) are enforced.
    pub graphql_limits: bool,
    /// GraphQL `restoreDeletedDiscussionEntry` is on.
    pub restore_entries: bool,
    /// GraphQL `pinType` and `quotedEntry` are on.
    pub pin_and_quote: bool,
    /// Anonymous discussions are switched on.
    pub anonymous_topics: bool,
    /// The pre-built part of `/view` leaks string ids.
    pub view_string_ids: bool,
    /// Built views lag behind edits and deletes by this many milliseconds.
    pub view_lag_ms: i64,
    /// The background job that builds views never runs.
    pub view_frozen: bool,
    /// `/view` answers 503 while the first view is not built.
    pub view_503: bool,
    /// Cost of one request in bucket units.
    pub request_cost: f64,
    /// Bucket limit, size, leak per second and reservation (contract canvas §4).
    pub bucket_hwm: f64,
    /// Largest content of the bucket.
    pub bucket_maximum: f64,
    /// Leak per second.
    pub bucket_outflow: f64,
    /// Reserved while a request runs.
    pub bucket_up_front: f64,
    /// Throttling is on at all.
    pub throttling: bool,
    /// Every answer waits this long (real milliseconds).
    pub latency_ms: u64,
    /// Hours between UTC and the course time zone (America/Denver in winter: -7).
    pub utc_offset_hours: i8,
    /// Upload step 2 answers 201 like the newer file service, not 302.
    pub file_service_201: bool,
    /// Quota of one user's files in bytes.
    pub file_quota: u64,
    /// Live Events are sent here.
    pub live_events_url: Option<String>,
    /// Each Live Event is sent this many times (0 loses all).
    pub live_events_copies: u32,
    /// Live Events of one delivery round are sent newest first.
    pub live_events_reversed: bool,
}

impl Switches {
    pub(crate) fn new(profile: Profile) -> Self {
        let is_new = profile == Profile::Current;
        Self {
            not_permitted_status: if is_new { 403 } else { 401 },
            throttle_status: if is_new { 429 } else { 403 },
            per_page_max: if is_new { 100 } else { 50 },
            topic_list_per_page: if is_new { 100 } else { 10 },
            endless_next: !is_new,
            bookmark_pages: is_new,
            last_reply_always: !is_new,
            announcement_put_unlocks: is_new,
            lock_comment_on_put: is_new,
            not_threaded_known: is_new,
            default_discussion_type: if is_new { "threaded" } else { "side_comment" }.to_owned(),
            nested_means_threaded: is_new,
            put_drops_attachment: true,
            newer_topic_keys: is_new,
            no_verifiers_works: is_new,
            strip_entry_ids: is_new,
            old_sanitiser: !is_new,
            theme_tags: false,
            verifiers: true,
            graphql_discussions: is_new,
            graphql_limits: is_new,
            restore_entries: is_new,
            pin_and_quote: is_new,
            anonymous_topics: is_new,
            view_string_ids: false,
            view_lag_ms: 0,
            view_frozen: false,
            view_503: false,
            request_cost: 0.3,
            bucket_hwm: 600.0,
            bucket_maximum: 800.0,
            bucket_outflow: 10.0,
            bucket_up_front: 50.0,
            throttling: true,
            latency_ms: 0,
            utc_offset_hours: -7,
            file_service_201: false,
            file_quota: 50 * 1024 * 1024,
            live_events_url: None,
            live_events_copies: 1,
            live_events_reversed: false,
        }
    }
}
