//! A connector that reads the real system and only pretends to write, for previews: a step sees its writes done, and
//! nothing leaves the process but questions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use model::{
    Action, Audience, CreateKey, Digest, Kind, Record, RemoteId, RemoteItem, Sighting, System,
    Write, WriteResult,
};

use crate::capability::Capabilities;
use crate::event::{Hint, RawEvent};
use crate::port::{Changes, Connector, Result, Thread};

/// What was seen and what would have been written.
#[derive(Default)]
struct Notes {
    writes: Vec<Write>,
    /// The threads as they are, by topic.
    seen: BTreeMap<RemoteId, Digest>,
    /// The items as they would be.
    items: BTreeMap<(Kind, RemoteId), RemoteItem>,
}

/// Wraps a connector; every write is noted and answered as if it had been done.
pub struct Rehearsal {
    inner: Arc<dyn Connector>,
    notes: Mutex<Notes>,
}

impl Rehearsal {
    /// A rehearsal on a real system.
    pub fn new(inner: Arc<dyn Connector>) -> Self {
        Self {
            inner,
            notes: Mutex::new(Notes::default()),
        }
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What would have been written, in order.
    pub fn writes(&self) -> Vec<Write> {
        self.notes().writes.clone()
    }

    /// The digests of the threads that were read, as the system has them.
    pub fn seen(&self) -> BTreeMap<RemoteId, Digest> {
        self.notes().seen.clone()
    }

    fn pretend(&self, write: &Write) -> WriteResult {
        let mut notes = self.notes();
        let number = notes.writes.len();
        let is_new = write.action == Action::Create;
        let remote = write.remote.clone().filter(|_| !is_new);
        let remote = remote.unwrap_or_else(|| RemoteId(format!("planned-{number}")));
        let mut record = write.expected.clone().unwrap_or_default();
        if is_new {
            record = write.record.clone();
        }
        if write.action == Action::Edit {
            for field in &write.fields {
                if let Some(value) = write.record.fields.get(field) {
                    record.fields.insert(*field, value.clone());
                }
            }
        }
        record.deleted = write.action == Action::Delete;
        let item = RemoteItem {
            kind: write.kind,
            remote: remote.clone(),
            container: Some(write.container.clone()),
            parent: write.parent.clone(),
            key: is_new.then(|| write.key.clone()),
            mark: write.mark.clone(),
            sighting: sighting(&record),
        };
        notes.items.insert((write.kind, remote.clone()), item);
        notes.writes.push(write.clone());
        WriteResult {
            remote,
            record,
            mark: write.mark.clone(),
            is_attributed: false,
        }
    }

    /// The topic's thread when the topic is one that would have been made.
    fn made(&self, topic: &RemoteId) -> Option<Thread> {
        let item = self
            .notes()
            .items
            .get(&(Kind::Topic, topic.clone()))
            .cloned()?;
        item.key.is_some().then(|| Thread {
            topic: item,
            posts: Vec::new(),
            is_complete: true,
        })
    }

    /// The thread as it would be.
    fn overlaid(&self, mut thread: Thread) -> Thread {
        let notes = self.notes();
        for item in thread.posts.iter_mut().chain([&mut thread.topic]) {
            if let Some(after) = notes.items.get(&(item.kind, item.remote.clone())) {
                item.sighting = after.sighting.clone();
            }
        }
        let known: BTreeSet<RemoteId> = thread
            .posts
            .iter()
            .map(|post| post.remote.clone())
            .collect();
        let new = notes.items.values().filter(|item| {
            item.kind == Kind::Post
                && item.container.as_ref() == Some(&thread.topic.remote)
                && !known.contains(&item.remote)
        });
        thread.posts.extend(new.cloned());
        thread
    }
}

fn sighting(record: &Record) -> Sighting {
    if record.deleted {
        Sighting::Deleted
    } else {
        Sighting::Present(record.clone())
    }
}

#[async_trait]
impl Connector for Rehearsal {
    fn system(&self) -> System {
        self.inner.system()
    }

    async fn probe(&self) -> Result<Capabilities> {
        self.inner.probe().await
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn course(&self, name: &str) -> Result<Option<RemoteItem>> {
        self.inner.course(name).await
    }

    async fn audience(&self, course: &RemoteId, asked: &BTreeSet<String>) -> Result<Audience> {
        self.inner.audience(course, asked).await
    }

    async fn thread(&self, topic: &RemoteId) -> Result<Thread> {
        if let Some(thread) = self.made(topic) {
            return Ok(self.overlaid(thread));
        }
        let thread = self.inner.thread(topic).await?;
        let digest = thread.digest();
        self.notes().seen.insert(topic.clone(), digest);
        Ok(self.overlaid(thread))
    }

    async fn find(
        &self,
        kind: Kind,
        container: &RemoteId,
        key: &CreateKey,
    ) -> Result<Option<RemoteItem>> {
        let made = self
            .notes()
            .items
            .values()
            .find(|item| item.key.as_ref() == Some(key))
            .cloned();
        if made.is_some() {
            return Ok(made);
        }
        self.inner.find(kind, container, key).await
    }

    async fn write(&self, write: &Write) -> Result<WriteResult> {
        Ok(self.pretend(write))
    }

    async fn changes(&self, course: &RemoteId, cursor: Option<&str>) -> Result<Changes> {
        self.inner.changes(course, cursor).await
    }

    fn interpret(&self, event: RawEvent<'_>) -> Result<Option<Hint>> {
        self.inner.interpret(event)
    }

    fn pages(&self, kind: Kind, remote: &RemoteId, mark: Option<&str>) -> Vec<String> {
        self.inner.pages(kind, remote, mark)
    }

    fn learn_mirrors(&self, pairs: &[(String, String)]) {
        self.inner.learn_mirrors(pairs);
    }

    fn unknown_links(&self, text: &str) -> Vec<(Kind, RemoteId)> {
        self.inner.unknown_links(text)
    }

    fn calls(&self) -> Vec<(String, u64)> {
        self.inner.calls()
    }
}
