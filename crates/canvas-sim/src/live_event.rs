//! Live Events: which changes are told, in which form (contract canvas §16).
//! Builds and queues events; sending them is `deliver`'s work.

use crate::clock;
use crate::state::SHARD;
use crate::state::thread::Home;
use crate::world::World;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// Texts are cut at this many characters.
const CUT: usize = 8192;

/// The request that causes changes, for the metadata.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub user_id: Option<u64>,
    pub real_user_id: Option<u64>,
    pub method: String,
    pub url: String,
    pub hostname: String,
    pub user_agent: String,
    pub client_ip: String,
    pub request_id: String,
    /// An API call with a developer key, not a person in the browser.
    pub is_api: bool,
}

/// Events that were made, and those still to be sent.
#[derive(Default)]
pub(crate) struct Outbox {
    pub waiting: VecDeque<Value>,
    pub sent: VecDeque<Value>,
    pub failed: u64,
}

impl Outbox {
    /// How many sent events are kept for tests.
    const KEPT: usize = 10_000;

    fn push(&mut self, event: Value) {
        if self.waiting.len() >= Self::KEPT {
            self.waiting.pop_front();
        }
        self.waiting.push_back(event);
    }

    pub(crate) fn remember(&mut self, event: Value) {
        if self.sent.len() >= Self::KEPT {
            self.sent.pop_front();
        }
        self.sent.push_back(event);
    }
}

fn cut(text: &str) -> String {
    text.chars().take(CUT).collect()
}

fn global(id: u64) -> String {
    SHARD.saturating_add(id).to_string()
}

impl World {
    fn metadata(&mut self, name: &str, course_id: u64, home: Home) -> Value {
        let now = self.now();
        let user = self.origin.user_id.and_then(|id| self.data.users.get(&id));
        let (context_type, context_id) = match home {
            Home::Course(id) => ("Course", id),
            Home::Group(id) => ("Group", id),
        };
        let course = self.data.courses.get(&course_id);
        let mut metadata = json!({
            "event_name": name,
            "event_time": clock::precise(now),
            "producer": "canvas",
            "root_account_id": global(1),
            "root_account_uuid": "VicYj3cu5BIFpoZhDVU4DZumnlBrWi1grgJEzADs",
            "root_account_lti_guid": "VicYj3cu5BIFpoZhDVU4DZumnlBrWi1grgJEzADs.canvas-lms",
            "context_type": context_type,
            "context_id": global(context_id),
            "context_account_id": global(1),
            "context_sis_source_id": course.and_then(|c| c.sis_course_id.clone()),
        });
        let origin = &self.origin;
        let Value::Object(map) = &mut metadata else {
            return metadata;
        };
        if let Some(user) = user {
            let person = json!({
                "user_id": global(user.id),
                "user_login": user.login,
                "user_sis_id": user.sis_user_id,
                "user_account_id": global(1),
                "request_id": origin.request_id,
                "session_id": format!("{:032x}", user.id),
                "client_ip": origin.client_ip,
                "url": origin.url,
                "http_method": origin.method,
                "hostname": origin.hostname,
                "user_agent": origin.user_agent,
                "referrer": Value::Null,
                "time_zone": "America/Denver",
            });
            if let Value::Object(person) = person {
                map.extend(person);
            }
            if let Some(real) = origin.real_user_id {
                map.insert("real_user_id".to_owned(), json!(global(real)));
            }
            if origin.is_api {
                map.insert("developer_key_id".to_owned(), json!(global(7)));
            }
        } else {
            map.insert("job_id".to_owned(), json!("1"));
            map.insert(
                "job_tag".to_owned(),
                json!("DiscussionTopic#update_based_on_date"),
            );
        }
        metadata
    }

    /// Queues a topic event (`discussion_topic_created`, `discussion_topic_updated`).
    pub(crate) fn emit_topic(&mut self, name: &str, topic_id: u64) {
        if self.switches.live_events_url.is_none() {
            return;
        }
        let Some(topic) = self.data.topics.get(&topic_id) else {
            return;
        };
        let (context_type, context_id) = match topic.home {
            Home::Course(id) => ("Course", id),
            Home::Group(id) => ("Group", id),
        };
        let body = json!({
            "discussion_topic_id": global(topic.id),
            "is_announcement": topic.is_announcement,
            "title": cut(&topic.title),
            "body": topic.message.as_deref().map(cut),
            "assignment_id": topic.assignment_id.map(|id| id.to_string()),
            "context_id": context_id.to_string(),
            "context_type": context_type,
            "workflow_state": topic.state.name(),
            "lock_at": topic.lock_at.map(clock::precise),
            "updated_at": clock::precise(topic.updated_at),
        });
        let (course_id, home) = (topic.course_id, topic.home);
        let metadata = self.metadata(name, course_id, home);
        self.outbox
            .push(json!({"metadata": metadata, "body": body}));
    }

    /// Queues an entry event; there is none for edits and deletions.
    pub(crate) fn emit_entry(&mut self, name: &str, entry_id: u64) {
        if self.switches.live_events_url.is_none() {
            return;
        }
        let Some(entry) = self.data.entries.get(&entry_id) else {
            return;
        };
        let Some(topic) = self.data.topics.get(&entry.topic_id) else {
            return;
        };
        let mut body = json!({
            "discussion_entry_id": entry.id.to_string(),
            "discussion_topic_id": entry.topic_id.to_string(),
            "user_id": entry.user_id.to_string(),
            "created_at": clock::precise(entry.created_at),
            "text": entry.message.as_deref().map(cut),
        });
        if let Value::Object(map) = &mut body {
            if let Some(parent) = entry.parent_id {
                map.insert(
                    "parent_discussion_entry_id".to_owned(),
                    json!(parent.to_string()),
                );
            }
            if name == "discussion_entry_submitted"
                && let Some(assignment) = topic.assignment_id
            {
                let submission = self
                    .data
                    .submissions
                    .values()
                    .find(|s| s.assignment_id == assignment && s.user_id == entry.user_id);
                map.insert("assignment_id".to_owned(), json!(assignment.to_string()));
                map.insert(
                    "submission_id".to_owned(),
                    json!(submission.map(|s| s.id.to_string())),
                );
            }
        }
        let (course_id, home) = (topic.course_id, topic.home);
        let metadata = self.metadata(name, course_id, home);
        self.outbox
            .push(json!({"metadata": metadata, "body": body}));
    }
}
