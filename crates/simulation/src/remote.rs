//! A remote as the step sees it: every call waits once before and once after it, so that a step can die there.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use async_trait::async_trait;
use connector::{Capabilities, Changes, Connector, Hint, Memory, RawEvent, Result, Thread};
use model::{
    Action, Audience, CreateKey, Kind, Record, RemoteId, RemoteItem, System, Write, WriteResult,
};

use crate::word::words_of_record;

/// What the writes did, by the remote's own account.
#[derive(Debug, Default)]
struct Account {
    created: Vec<(RemoteId, CreateKey)>,
    containers: Vec<(RemoteId, RemoteId)>,
    changed: Vec<String>,
    overwritten: BTreeSet<String>,
    counts: BTreeMap<String, u64>,
    unguarded: BTreeSet<String>,
    deleted: Vec<RemoteId>,
}

/// The in-memory remote with places to die at.
#[derive(Debug)]
pub struct Remote {
    /// The remote itself: people use it directly.
    pub memory: Arc<Memory>,
    account: Mutex<Account>,
    is_lossy: bool,
    flying: AtomicU64,
}

/// Counts a write down when it ends, also by the death of its step.
struct Landing<'a>(&'a AtomicU64);

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What a lossy remote puts at the end of a text.
const MARK: char = '~';

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
    /// A remote with places to die at; a lossy one marks the end of each text that it stores.
    pub fn new(memory: Memory, is_lossy: bool) -> Self {
        Self {
            memory: Arc::new(memory),
            account: Mutex::new(Account::default()),
            is_lossy,
            flying: AtomicU64::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// How often each kind of write ended in each way.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.lock().counts.clone()
    }

    /// How many writes are under way: each request ends before any lease does.
    pub fn flying(&self) -> u64 {
        self.flying.load(Ordering::SeqCst)
    }

    /// Takes the items that the product deleted.
    pub fn take_deleted(&self) -> Vec<RemoteId> {
        std::mem::take(&mut self.lock().deleted)
    }

    /// Takes the words that an edit overwrote unseen although the remote offers a guard.
    pub fn take_unguarded(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.lock().unguarded)
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
            if write.action == Action::Delete {
                account.deleted.push(id.clone());
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
            let lost: BTreeSet<String> = lost.collect();
            if write.action == Action::Edit && self.memory.capabilities().guards_edits {
                account.unguarded.extend(lost.iter().cloned());
            }
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

    async fn audience(&self, course: &RemoteId, asked: &BTreeSet<String>) -> Result<Audience> {
        self.memory.audience(course, asked).await
    }

    async fn thread(&self, topic: &RemoteId) -> Result<Thread> {
        once().await;
        let thread = self.memory.thread(topic).await;
        once().await;
        thread
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
        found
    }

    async fn write(&self, write: &Write) -> Result<WriteResult> {
        self.flying.fetch_add(1, Ordering::SeqCst);
        let _landing = Landing(&self.flying);
        once().await;
        let mut write = write.clone();
        if self.is_lossy {
            mark_end(&mut write.record);
        }
        let before = self.memory.dump();
        let written = self.memory.write(&write).await;
        self.note(&write, &before);
        let outcome = match &written {
            Ok(_) => format!("write: {}", write.action.as_str()),
            Err(error) => format!("write fails: {}", error.0.class.as_str()),
        };
        *self.lock().counts.entry(outcome).or_insert(0) += 1;
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

/// A remote's own way to store a text.
fn mark_end(record: &mut Record) {
    if let Some(model::Value::Body(body)) = record.fields.get_mut(&model::Field::Body) {
        for text in [&mut body.source, &mut body.canonical] {
            if !text.ends_with(MARK) {
                text.push(MARK);
            }
        }
    }
}

/// A record as it would be without any remote's own way to store it.
pub fn unmarked(record: &Record) -> Record {
    let mut record = record.clone();
    if let Some(model::Value::Body(body)) = record.fields.get_mut(&model::Field::Body) {
        // Both remotes speak one language here: what they store says what it reads.
        body.source = body.source.replace(MARK, "");
        body.canonical.clone_from(&body.source);
    }
    record
}
