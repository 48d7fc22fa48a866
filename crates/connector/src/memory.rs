//! An in-memory twin of a remote system, for tests of the step and for the simulation.
//!
//! It keeps topics and posts in a map, gives out ids in order, keeps tombstones, and fails the way real remotes fail:
//! before the write, after the write without an answer, or with an old state of a list.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use model::{
    Action, Audience, Class, Clock as _, CreateKey, Failure, FixedClock, Kind, Record, RemoteId,
    RemoteItem, Sighting, System, Timestamp, Write, WriteResult,
};

use crate::capability::Capabilities;
use crate::event::{Hint, RawEvent};
use crate::port::{Changes, Connector, Error, Result, Thread};

mod person;

/// A dated twin's old lists are never older than this, in milliseconds: remotes lag, they do not go back a day.
const LAG_MAX_MS: i64 = 60_000;

/// What the twin does wrong with one of the next calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The write is refused before anything happens, as a 503 would.
    Before,
    /// The write happens, the answer is lost.
    After,
    /// The write is refused for good, as a 422 would.
    Refused,
    /// The read shows the state before the last change.
    Stale,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    kind: Kind,
    container: RemoteId,
    parent: Option<RemoteId>,
    key: Option<CreateKey>,
    record: Record,
}

#[derive(Debug, Default)]
struct State {
    items: BTreeMap<u64, Item>,
    before_last_change: BTreeMap<u64, Item>,
    changed_at: Option<Timestamp>,
    now: Option<Timestamp>,
    next_id: u64,
    changes: u64,
    changed_topics: Vec<(u64, RemoteId)>,
    write_faults: VecDeque<Option<Fault>>,
    read_faults: VecDeque<Option<Fault>>,
    calls: BTreeMap<&'static str, u64>,
}

/// The twin. All methods take `&self`; it can be shared between the step and the simulated people.
#[derive(Debug)]
pub struct Memory {
    system: System,
    has_guard: bool,
    clock: Option<(Arc<FixedClock>, i64)>,
    state: Mutex<State>,
}

impl Memory {
    /// An empty remote. With `has_guard` it refuses edits of a text that is not the expected one.
    pub fn new(system: System, has_guard: bool) -> Self {
        Self {
            system,
            has_guard,
            clock: None,
            state: Mutex::new(State {
                next_id: 1,
                ..State::default()
            }),
        }
    }

    /// An empty remote that dates its items by `clock`, wrong by `skew_ms`.
    pub fn dated(system: System, has_guard: bool, clock: Arc<FixedClock>, skew_ms: i64) -> Self {
        Self {
            clock: Some((clock, skew_ms)),
            ..Self::new(system, has_guard)
        }
    }

    /// Lets the next write (after those already planned) fail; `None` lets it pass.
    pub fn plan_write_fault(&self, fault: Option<Fault>) {
        self.lock().write_faults.push_back(fault);
    }

    /// Lets the next thread read (after those already planned) be stale; `None` lets it be fresh.
    pub fn plan_read_fault(&self, fault: Option<Fault>) {
        self.lock().read_faults.push_back(fault);
    }

    /// Forgets all planned faults.
    pub fn heal(&self) {
        let mut state = self.lock();
        state.write_faults.clear();
        state.read_faults.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let clock = self.clock.as_ref();
        state.now = clock.map(|(clock, skew_ms)| clock.now().plus_ms(*skew_ms));
        state
    }

    fn failure(&self, class: Class, message: &str) -> Error {
        Error(Failure::new(
            "SYNC-2001",
            class,
            format!("{}: {message}", self.system.title()),
            "",
        ))
    }

    fn apply(&self, state: &mut State, write: &Write) -> Result<u64> {
        match write.action {
            Action::Create => Ok(state.create(write)),
            Action::Edit | Action::Delete | Action::Restore => {
                let id = write
                    .remote
                    .as_ref()
                    .and_then(number)
                    .filter(|id| state.items.contains_key(id))
                    .ok_or_else(|| self.failure(Class::NotFound, "no such item"))?;
                self.change(state, id, write)?;
                Ok(id)
            }
        }
    }

    fn change(&self, state: &mut State, id: u64, write: &Write) -> Result<()> {
        let Some(item) = state.items.get(&id).cloned() else {
            return Ok(());
        };
        if write.action == Action::Edit && item.record.deleted {
            return Err(self.failure(Class::NotFound, "the item is deleted"));
        }
        let is_expected = write
            .expected
            .as_ref()
            .is_none_or(|expected| expected.same_content(&item.record));
        if self.has_guard && write.action == Action::Edit && !is_expected {
            return Err(self.failure(Class::Conflict, "the item was edited meanwhile"));
        }
        let mut record = item.record.clone();
        match write.action {
            Action::Delete => record.deleted = true,
            Action::Restore => record.deleted = false,
            Action::Edit | Action::Create => {
                for field in &write.fields {
                    if let Some(value) = write.record.fields.get(field) {
                        record.fields.insert(*field, value.clone());
                    }
                }
            }
        }
        state.put(id, Item { record, ..item });
        Ok(())
    }
}

impl State {
    fn create(&mut self, write: &Write) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let record = Record {
            deleted: false,
            created_at: self.now.or(write.record.created_at),
            ..write.record.clone()
        };
        let item = Item {
            kind: write.kind,
            container: write.container.clone(),
            parent: write.parent.clone(),
            key: Some(write.key.clone()),
            record,
        };
        self.put(id, item);
        id
    }

    fn put(&mut self, id: u64, mut item: Item) {
        if self.items.get(&id) == Some(&item) {
            return;
        }
        if let Some(now) = self.now {
            item.record.created_at.get_or_insert(now);
            item.record.edited_at = Some(now);
        }
        self.changed_at = self.now;
        self.before_last_change = self.items.clone();
        self.changes += 1;
        let topic = if item.kind == Kind::Topic {
            name(id)
        } else {
            item.container.clone()
        };
        self.changed_topics.push((self.changes, topic));
        self.items.insert(id, item);
    }

    fn count(&mut self, call: &'static str) {
        *self.calls.entry(call).or_insert(0) += 1;
    }
}

fn number(remote: &RemoteId) -> Option<u64> {
    remote.as_str().parse().ok()
}

fn name(id: u64) -> RemoteId {
    RemoteId(id.to_string())
}

fn seen(id: u64, item: &Item) -> RemoteItem {
    RemoteItem {
        kind: item.kind,
        remote: name(id),
        container: Some(item.container.clone()),
        parent: item.parent.clone(),
        key: item.key.clone(),
        mark: None,
        sighting: if item.record.deleted {
            Sighting::Deleted
        } else {
            Sighting::Present(item.record.clone())
        },
    }
}

#[async_trait]
impl Connector for Memory {
    fn system(&self) -> System {
        self.system
    }

    async fn probe(&self) -> Result<Capabilities> {
        Ok(self.capabilities())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            version: "memory".to_owned(),
            acting_as: "the test".to_owned(),
            restores_posts: true,
            restores_topics: true,
            guards_edits: self.has_guard,
            keeps_versions: false,
            impersonates: true,
            has_feed: true,
            limits: Vec::new(),
        }
    }

    async fn course(&self, name: &str) -> Result<Option<RemoteItem>> {
        Ok(Some(RemoteItem {
            kind: Kind::Course,
            remote: RemoteId(name.to_owned()),
            container: None,
            parent: None,
            key: None,
            mark: None,
            sighting: Sighting::Present(Record::default()),
        }))
    }

    /// The twin has no people: everybody reads it.
    async fn audience(&self, _course: &RemoteId, _asked: &BTreeSet<String>) -> Result<Audience> {
        Ok(Audience {
            is_open: true,
            ..Audience::default()
        })
    }

    async fn thread(&self, topic: &RemoteId) -> Result<Thread> {
        let mut state = self.lock();
        state.count("thread");
        let is_recent = match (state.now, state.changed_at) {
            (Some(now), Some(at)) => now.since_ms(at) <= LAG_MAX_MS,
            _ => true,
        };
        let is_stale = state.read_faults.pop_front().flatten() == Some(Fault::Stale) && is_recent;
        let items = if is_stale {
            &state.before_last_change
        } else {
            &state.items
        };
        let missing = RemoteItem {
            kind: Kind::Topic,
            remote: topic.clone(),
            container: None,
            parent: None,
            key: None,
            mark: None,
            sighting: Sighting::Missing,
        };
        let found = number(topic).and_then(|id| items.get(&id).map(|item| seen(id, item)));
        let posts = items
            .iter()
            .filter(|(_, item)| item.kind == Kind::Post && item.container == *topic)
            .map(|(id, item)| seen(*id, item))
            .collect();
        Ok(Thread {
            topic: found.unwrap_or(missing),
            posts,
            is_complete: true,
        })
    }

    async fn find(
        &self,
        kind: Kind,
        _container: &RemoteId,
        key: &CreateKey,
    ) -> Result<Option<RemoteItem>> {
        let mut state = self.lock();
        state.count("find");
        let found = state
            .items
            .iter()
            .find(|(_, item)| item.kind == kind && item.key.as_ref() == Some(key))
            .map(|(id, item)| seen(*id, item));
        Ok(found)
    }

    async fn write(&self, write: &Write) -> Result<WriteResult> {
        let mut state = self.lock();
        state.count("write");
        let fault = state.write_faults.pop_front().flatten();
        match fault {
            Some(Fault::Before) => return Err(self.failure(Class::Transient, "not available")),
            Some(Fault::Refused) => return Err(self.failure(Class::Invalid, "refused")),
            Some(Fault::After | Fault::Stale) | None => {}
        }
        let id = self.apply(&mut state, write)?;
        if fault == Some(Fault::After) {
            return Err(self.failure(Class::UnknownOutcome, "no answer"));
        }
        let record = state
            .items
            .get(&id)
            .map(|item| item.record.clone())
            .unwrap_or_default();
        Ok(WriteResult {
            remote: name(id),
            record,
            mark: None,
            is_attributed: false,
        })
    }

    async fn changes(&self, course: &RemoteId, cursor: Option<&str>) -> Result<Changes> {
        let mut state = self.lock();
        state.count("changes");
        let since = cursor
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or(0);
        let mut topics = Vec::new();
        for (_, topic) in state
            .changed_topics
            .iter()
            .filter(|(number, _)| *number > since)
        {
            let is_here = number(topic)
                .and_then(|id| state.items.get(&id))
                .is_some_and(|item| item.container == *course);
            if is_here && !topics.contains(topic) {
                topics.push(topic.clone());
            }
        }
        Ok(Changes {
            topics,
            cursor: state.changes.to_string(),
        })
    }

    fn interpret(&self, event: RawEvent<'_>) -> Result<Option<Hint>> {
        let topic = std::str::from_utf8(event.body)
            .map_err(|_| self.failure(Class::Invalid, "the event is not UTF-8"))?;
        Ok(Some(Hint {
            topic: RemoteId(topic.to_owned()),
            course: None,
            item: None,
        }))
    }

    fn calls(&self) -> Vec<(String, u64)> {
        self.lock()
            .calls
            .iter()
            .map(|(call, count)| ((*call).to_owned(), *count))
            .collect()
    }
}

#[cfg(test)]
mod tests;
