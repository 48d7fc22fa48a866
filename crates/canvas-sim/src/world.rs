//! The whole simulator in one place: data, switches, clock, buckets, faults, log and outbox.
//! One mutex guards it. Offers the few operations that every change must go through.

use crate::bucket::Buckets;
use crate::calllog::CallLog;
use crate::clock::Clock;
use crate::fault::Faults;
use crate::live_event::{Origin, Outbox};
use crate::state::thread::{StaleView, Topic, TopicState};
use crate::state::{Data, next};
use crate::switches::Switches;
use crate::{Options, Profile};
use std::collections::BTreeMap;

/// The state behind the mutex.
pub(crate) struct World {
    pub data: Data,
    pub profile: Profile,
    pub switches: Switches,
    pub clock: Clock,
    pub buckets: Buckets,
    pub faults: Faults,
    pub log: CallLog,
    pub outbox: Outbox,
    /// Scheme and host of all links; empty = taken from each request's Host header.
    pub base_url: String,
    /// Who causes the changes of the running request (Live Events metadata).
    pub origin: Origin,
    /// As it was made, for the control API's reset.
    pub first: Data,
    pub options: Options,
}

impl World {
    pub(crate) fn now(&self) -> i64 {
        self.clock.now_ms()
    }

    pub(crate) fn topic(&self, id: u64) -> Option<&Topic> {
        self.data.topics.get(&id)
    }

    pub(crate) fn next_report_id(&mut self) -> u64 {
        next(&mut self.data.last.report)
    }

    /// Fires delayed posts whose time has come: published, with `posted_at` and `last_reply_at`
    /// set to that moment (contract canvas §12).
    pub(crate) fn tick(&mut self) {
        let now = self.now();
        while let Some(&(at, topic_id)) = self.data.delayed.first() {
            if at > now {
                return;
            }
            self.data.delayed.remove(&(at, topic_id));
            if let Some(topic) = self.data.topics.get_mut(&topic_id)
                && topic.state == TopicState::PostDelayed
                && topic.delayed_post_at == Some(at)
            {
                topic.state = TopicState::Active;
                topic.posted_at = Some(at);
                topic.last_reply_at = Some(at);
                topic.updated_at = at;
                if topic.is_announcement {
                    topic.locked = true;
                }
                self.emit_topic("discussion_topic_updated", topic_id);
            }
        }
    }

    fn keeps_stale_views(&self) -> bool {
        self.switches.view_lag_ms > 0 || self.switches.view_frozen || self.faults.has_stale_view()
    }

    /// Call before entries of a topic change: keeps what the built `/view` still shows.
    pub(crate) fn before_entry_change(&mut self, topic_id: u64) {
        if !self.keeps_stale_views() {
            return;
        }
        let now = self.now();
        let lag = self.switches.view_lag_ms;
        let is_frozen = self.switches.view_frozen;
        let Some(topic) = self.data.topics.get(&topic_id) else {
            return;
        };
        let is_current = topic
            .stale_view
            .as_ref()
            .is_some_and(|s| is_frozen || now.saturating_sub(s.since_ms) < lag || lag == 0);
        if is_current {
            return;
        }
        let entries: BTreeMap<_, _> = self
            .data
            .entries_in(topic)
            .map(|e| (e.id, e.clone()))
            .collect();
        if let Some(topic) = self.data.topics.get_mut(&topic_id) {
            topic.stale_view = Some(StaleView {
                since_ms: now,
                entries,
            });
        }
    }

    /// Lets the background job run: the built view of one topic, or of all, is current again.
    pub(crate) fn build_views(&mut self, only: Option<u64>) {
        for topic in self.data.topics.values_mut() {
            if only.is_none_or(|id| id == topic.id) {
                topic.stale_view = None;
            }
        }
    }

    /// Moves `updated_at` of a topic, and of its root topic.
    pub(crate) fn touch_topic(&mut self, topic_id: u64) {
        let now = self.now();
        let root_id = self.data.topics.get_mut(&topic_id).and_then(|topic| {
            topic.updated_at = now;
            topic.root_topic_id
        });
        if let Some(root) = root_id.and_then(|id| self.data.topics.get_mut(&id)) {
            root.updated_at = now;
            // The database gives the children in the order of their last write (seen live, 532).
            root.child_ids.retain(|id| *id != topic_id);
            root.child_ids.push(topic_id);
        }
    }
}
