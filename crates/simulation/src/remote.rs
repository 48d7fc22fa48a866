//! A remote as the step sees it: every call waits once before and once after it, so that a step can die there.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use async_trait::async_trait;
use connector::{Capabilities, Changes, Connector, Hint, Memory, RawEvent, Result, Thread};
use model::{
    Action, Clock, CreateKey, FixedClock, Kind, Record, RemoteId, RemoteItem, Sighting, System,
    Timestamp, Write, WriteResult,
};

use crate::word::words_of_record;

/// What the writes did, by the remote's own account.
#[derive(Debug, Default)]
struct Account {
    created: Vec<(RemoteId, CreateKey)>,
    containers: Vec<(RemoteId, RemoteId)>,
    changed: Vec<String>,
    overwritten: BTreeSet<String>,
    created_at: BTreeMap<RemoteId, Timestamp>,
    edited_at: BTreeMap<RemoteId, Timestamp>,
}

/// The in-memory remote with places to die at.
#[derive(Debug)]
pub struct Remote {
    /// The remote itself: people use it directly.
    pub memory: Arc<Memory>,
    account: Mutex<Account>,
    clock: Arc<FixedClock>,
}

/// Waits exactly once.
struct Once(bool);

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        Poll::Pending
    }
}

fn once() -> Once {
    Once(false)
}

impl Remote {
    /// An empty remote.
    pub fn new(system: System, has_guard: bool, clock: Arc<FixedClock>) -> Self {
        Self {
            memory: Arc::new(Memory::new(system, has_guard)),
            account: Mutex::new(Account::default()),
            clock,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes when a person edited an item.
    pub fn edited(&self, remote: &RemoteId) {
        let now = self.clock.now();
        self.lock().edited_at.insert(remote.clone(), now);
    }

    /// Puts the times to an item, as real remotes do.
    fn dated(&self, mut item: RemoteItem) -> RemoteItem {
        let account = self.lock();
        if let Sighting::Present(record) = &mut item.sighting {
            record.created_at = account.created_at.get(&item.remote).copied();
            record.edited_at = account.edited_at.get(&item.remote).copied();
        }
        item
    }

    /// Notes in which topic a post is.
    pub fn place(&self, post: &RemoteId, topic: RemoteId) {
        self.lock().containers.push((post.clone(), topic));
    }

    /// The posts of a topic.
    pub fn members(&self, topic: &RemoteId) -> Vec<RemoteId> {
        let account = self.lock();
        let mine = account.containers.iter().filter(|(_, of)| of == topic);
        mine.map(|(post, _)| post.clone()).collect()
    }

    /// The items that the product created, with their keys.
    pub fn created(&self) -> Vec<(RemoteId, CreateKey)> {
        self.lock().created.clone()
    }

    /// Takes the words that a write without a guard overwrote although the step had not seen them: the remote
    /// offers no way to prevent that, so they are not expected any more.
    pub fn take_overwritten(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.lock().overwritten)
    }

    /// Takes the descriptions of what writes changed.
    pub fn take_changed(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().changed)
    }

    /// The record of an item.
    pub fn record(&self, remote: &RemoteId) -> Option<Record> {
        let items = self.memory.dump();
        let found = items.into_iter().find(|(id, ..)| id == remote);
        found.map(|(_, _, _, record)| record)
    }

    fn note(&self, write: &Write, before: &[(RemoteId, Kind, Option<RemoteId>, Record)]) {
        let mut account = self.lock();
        for (id, kind, _, after) in self.memory.dump() {
            let old = before.iter().find(|(known, ..)| *known == id);
            let Some((_, _, _, old)) = old else {
                account.created.push((id.clone(), write.key.clone()));
                account.created_at.insert(id.clone(), self.clock.now());
                if kind == Kind::Post {
                    account
                        .containers
                        .push((id.clone(), write.container.clone()));
                }
                let text = format!("create {kind} {id} {}", write.key);
                account.changed.push(text);
                continue;
            };
            if *old == after {
                continue;
            }
            let text = format!("{} {kind} {id}", write.action.as_str());
            account.changed.push(text);
            let kept = if after.deleted {
                BTreeSet::new()
            } else {
                words_of_record(&after)
            };
            let known = write.expected.as_ref().map(words_of_record);
            let known = known.unwrap_or_default();
            let lost = words_of_record(old)
                .into_iter()
                .filter(|word| !kept.contains(word) && !known.contains(word));
            if matches!(write.action, Action::Edit | Action::Delete) {
                account.overwritten.extend(lost);
            }
        }
    }
}

#[async_trait]
impl Connector for Remote {
    fn system(&self) -> System {
        self.memory.system()
    }

    async fn probe(&self) -> Result<Capabilities> {
        self.memory.probe().await
    }

    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    async fn course(&self, name: &str) -> Result<Option<RemoteItem>> {
        self.memory.course(name).await
    }

    async fn thread(&self, topic: &RemoteId) -> Result<Thread> {
        once().await;
        let thread = self.memory.thread(topic).await;
        once().await;
        thread.map(|thread| Thread {
            topic: self.dated(thread.topic),
            posts: thread
                .posts
                .into_iter()
                .map(|post| self.dated(post))
                .collect(),
            is_complete: thread.is_complete,
        })
    }

    async fn find(
        &self,
        kind: Kind,
        container: &RemoteId,
        key: &CreateKey,
    ) -> Result<Option<RemoteItem>> {
        once().await;
        let found = self.memory.find(kind, container, key).await;
        once().await;
        found.map(|item| item.map(|item| self.dated(item)))
    }

    async fn write(&self, write: &Write) -> Result<WriteResult> {
        once().await;
        let before = self.memory.dump();
        let written = self.memory.write(write).await;
        self.note(write, &before);
        once().await;
        written
    }

    async fn changes(&self, course: &RemoteId, cursor: Option<&str>) -> Result<Changes> {
        self.memory.changes(course, cursor).await
    }

    fn interpret(&self, event: RawEvent<'_>) -> Result<Option<Hint>> {
        self.memory.interpret(event)
    }

    fn calls(&self) -> Vec<(String, u64)> {
        self.memory.calls()
    }
}
