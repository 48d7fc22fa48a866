//! Web hooks: subscriptions, the queue of deliveries and its faults (contract section 14).
//!
//! `emit` makes payloads when events happen, `deliver` sends them, `event` names them.

pub mod deliver;
pub mod emit;
pub mod event;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault::draw;

/// How many delivery rows are kept; the real log keeps 30 days.
const KEEP: usize = 20_000;

/// One subscription.
#[derive(Debug, Clone)]
pub struct WebHook {
    /// The id.
    pub id: i64,
    /// Where to post.
    pub url: String,
    /// 1 JSON, 2 form content type with the same body.
    pub content_type: i64,
    /// Signs the body; empty sends unsigned.
    pub secret: String,
    /// All events.
    pub wildcard: bool,
    /// Kept as sent; deliveries are plain HTTP.
    pub verify_certificate: bool,
    /// Fires at all.
    pub active: bool,
    /// Event type ids.
    pub types: BTreeSet<i64>,
    /// Only events of these categories.
    pub category_ids: Vec<i64>,
    /// Only events of these groups.
    pub group_ids: Vec<i64>,
    /// Only events of topics with these tags.
    pub tag_names: Vec<String>,
    /// 1 inactive, 2 failed, 3 successful.
    pub last_delivery_status: i64,
}

/// One row of the delivery log.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The row's id, sent as `X-Discourse-Event-Id`.
    pub id: i64,
    /// Whose.
    pub hook_id: i64,
    /// The event's name.
    pub event: String,
    /// The body.
    pub payload: Arc<str>,
    /// The headers sent, once sent.
    pub headers: Option<Value>,
    /// The status answered; 0 before, -1 for no answer.
    pub status: i64,
    /// The headers answered.
    pub response_headers: Option<Value>,
    /// The body answered.
    pub response_body: Option<String>,
    /// Milliseconds.
    pub duration: i64,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Which attempt this row is, from 0.
    pub attempt: u32,
}

/// A fault of deliveries: for the next few, or by chance.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// How many of the next deliveries are hit.
    #[serde(default)]
    pub next: u32,
    /// The chance of each delivery after those.
    #[serde(default)]
    pub probability: f64,
}

impl Plan {
    fn hits(&mut self, rng: &mut impl Rng) -> bool {
        if self.next > 0 {
            self.next -= 1;
            return true;
        }
        self.probability > 0.0 && draw(rng, self.probability)
    }
}

/// What goes wrong with deliveries.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HookFaults {
    /// Never sent.
    pub lost: Plan,
    /// Sent twice.
    pub doubled: Plan,
    /// Sent later by `late_ms` of the forum's time.
    pub late: Plan,
    /// How late.
    pub late_ms: i64,
    /// Sent after a delivery that was made later.
    pub reordered: Plan,
    /// Nothing is sent until this is switched off.
    pub held: bool,
}

/// Hooks, log and queue.
#[derive(Debug, Default)]
pub struct HookState {
    /// Subscriptions by id.
    pub hooks: BTreeMap<i64, WebHook>,
    /// The delivery log by id.
    pub log: BTreeMap<i64, Delivery>,
    /// Delivery ids by due time and order.
    pub queue: BTreeMap<(i64, u64), i64>,
    /// Deliveries being sent.
    pub in_flight: usize,
    /// Misbehaviour.
    pub faults: HookFaults,
    /// Deliveries dropped by a fault, for tests to look at.
    pub lost: VecDeque<i64>,
    held_back: Option<i64>,
    order: u64,
}

impl HookState {
    /// Queues a delivery, with whatever the faults make of it.
    pub fn enqueue(&mut self, delivery: Delivery, due_ms: i64, rng: &mut ChaCha8Rng) {
        let id = delivery.id;
        self.log.insert(id, delivery);
        while self.log.len() > KEEP {
            self.log.pop_first();
        }
        if self.faults.lost.hits(rng) {
            self.lost.push_back(id);
            return;
        }
        let twice = self.faults.doubled.hits(rng);
        let due = if self.faults.late.hits(rng) {
            due_ms + self.faults.late_ms
        } else {
            due_ms
        };
        if self.held_back.is_none() && self.faults.reordered.hits(rng) {
            self.held_back = Some(id);
            return;
        }
        self.push(id, due);
        if twice {
            self.push(id, due);
        }
        if let Some(earlier) = self.held_back.take() {
            self.push(earlier, due);
        }
    }

    /// Puts a delivery into the queue.
    pub fn push(&mut self, id: i64, due_ms: i64) {
        self.order += 1;
        self.queue.insert((due_ms, self.order), id);
    }

    /// Takes the next delivery that is due.
    pub fn pop(&mut self, now_ms: i64) -> Option<i64> {
        if self.faults.held {
            return None;
        }
        let entry = self.queue.first_entry()?;
        if entry.key().0 > now_ms {
            return None;
        }
        self.in_flight += 1;
        Some(entry.remove())
    }

    /// Makes everything due now, the held-back one too.
    pub fn flush(&mut self, now_ms: i64) {
        if let Some(earlier) = self.held_back.take() {
            self.push(earlier, now_ms);
        }
        let ids: Vec<i64> = self.queue.values().copied().collect();
        self.queue.clear();
        for id in ids {
            self.push(id, now_ms);
        }
    }

    /// How many deliveries wait that are due by a time, and are being sent.
    pub fn waiting(&self, now_ms: i64) -> usize {
        self.queue.range(..=(now_ms, u64::MAX)).count() + self.in_flight
    }

    /// When the next delivery is due.
    pub fn next_due(&self) -> Option<i64> {
        self.queue.first_key_value().map(|((due, _), _)| *due)
    }
}

#[cfg(test)]
mod tests {
    use super::{Delivery, HookState, Plan};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use std::sync::Arc;

    fn add(state: &mut HookState, id: i64) {
        let delivery = Delivery {
            id,
            hook_id: 1,
            event: "post_created".to_owned(),
            payload: Arc::from("{}"),
            headers: None,
            status: 0,
            response_headers: None,
            response_body: None,
            duration: 0,
            created_at: 0,
            attempt: 0,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        state.enqueue(delivery, 10, &mut rng);
    }

    fn sent(state: &mut HookState) -> Vec<i64> {
        std::iter::from_fn(|| state.pop(10)).collect()
    }

    fn next(next: u32) -> Plan {
        Plan {
            next,
            probability: 0.0,
        }
    }

    #[test]
    fn deliveries_get_lost_doubled_late_and_mixed_up() {
        let mut state = HookState::default();
        state.faults.lost = next(1);
        (1..=2).for_each(|id| add(&mut state, id));
        assert_eq!(sent(&mut state), [2]);
        assert_eq!(state.lost, [1]);
        state.faults.doubled = next(1);
        (3..=4).for_each(|id| add(&mut state, id));
        assert_eq!(sent(&mut state), [3, 3, 4]);
        state.faults.reordered = next(1);
        (5..=7).for_each(|id| add(&mut state, id));
        assert_eq!(sent(&mut state), [6, 5, 7]);
        state.faults.late = next(1);
        state.faults.late_ms = 5;
        (8..=9).for_each(|id| add(&mut state, id));
        assert_eq!(sent(&mut state), [9]);
        assert_eq!(state.waiting(15) - state.in_flight, 1);
        state.flush(10);
        assert_eq!(sent(&mut state), [8]);
    }

    #[test]
    fn holding_keeps_everything() {
        let mut state = HookState::default();
        state.faults.held = true;
        add(&mut state, 1);
        assert_eq!(state.pop(10), None);
        assert_eq!(state.waiting(10), 1);
        state.faults.held = false;
        assert_eq!(state.pop(9), None);
        assert_eq!(state.pop(10), Some(1));
    }
}
