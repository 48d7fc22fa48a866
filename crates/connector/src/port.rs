//! The [`Connector`] trait and its errors.

use std::collections::BTreeSet;

use async_trait::async_trait;
use model::{
    Audience, CreateKey, Digest, Failure, Kind, RemoteId, RemoteItem, Sighting, System, Write,
    WriteResult,
};

use crate::capability::Capabilities;
use crate::event::{Hint, RawEvent};
use crate::examine::{Examination, Finding};
use crate::people::{Directory, Registry};

/// What a connector call failed with: always a classified [`Failure`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub Failure);

/// The result of a connector call.
pub type Result<T> = std::result::Result<T, Error>;

/// A whole thread as one look showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// The topic itself; its sighting says whether it is there.
    pub topic: RemoteItem,
    /// Its posts in the order they were made, parents before their answers, tombstones included where the system
    /// shows them.
    pub posts: Vec<RemoteItem>,
    /// Whether all posts are here: only then is a post that is not in the list missing.
    pub is_complete: bool,
}

impl Thread {
    /// A fingerprint of what stands in it: another one when an item came, went, or says something else.
    pub fn digest(&self) -> Digest {
        let mut lines: Vec<String> = std::iter::once(&self.topic)
            .chain(&self.posts)
            .map(|item| {
                let state = match &item.sighting {
                    Sighting::Present(record) => record.digest().0,
                    Sighting::Deleted => "deleted".to_owned(),
                    Sighting::Missing => "missing".to_owned(),
                    Sighting::Withheld(_) => "withheld".to_owned(),
                };
                let parent = item.parent.as_ref().map_or("", RemoteId::as_str);
                let container = item.container.as_ref().map_or("", RemoteId::as_str);
                format!("{} {} {container} {parent} {state}", item.kind, item.remote)
            })
            .collect();
        lines.sort();
        Digest::of(lines.join("\n").as_bytes())
    }
}

/// What changed in a course since a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Topics whose threads should be looked at, each once.
    pub topics: Vec<RemoteId>,
    /// The position to continue from; opaque, stored after the topics are queued.
    pub cursor: String,
}

/// One remote system.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Which system this is.
    fn system(&self) -> System;

    /// Asks the server what it can do. Fails with `configuration` when the credentials do not work.
    async fn probe(&self) -> Result<Capabilities>;

    /// What the last [`Connector::probe`] found.
    fn capabilities(&self) -> Capabilities;

    /// Finds the course by the name or id that the configuration uses; `None` when the server has no such course.
    /// The item's title is the course's name.
    async fn course(&self, name: &str) -> Result<Option<RemoteItem>>;

    /// Who can read what stands in a course; of the people of `asked` also, whom it does not keep out.
    ///
    /// Fails when the server does not say: nothing is guessed.
    async fn audience(&self, course: &RemoteId, asked: &BTreeSet<String>) -> Result<Audience>;

    /// Reads a topic and all its posts, in as few calls as possible.
    ///
    /// A topic that cannot be found is not an error: its sighting says `Deleted` or `Missing` and the posts are
    /// empty.
    async fn thread(&self, topic: &RemoteId) -> Result<Thread>;

    /// Looks for an item that we may have created under `key`; `container` is where we would have created it.
    ///
    /// `None` means that the server certainly has no such item; when that is not certain the call fails with
    /// `transient`.
    async fn find(
        &self,
        kind: Kind,
        container: &RemoteId,
        key: &CreateKey,
    ) -> Result<Option<RemoteItem>>;

    /// Does one write and returns what the server stored.
    ///
    /// Fails with `conflict` when the target is not what `write.expected` says, and with `unknown_outcome` when the
    /// request was sent and no answer came: the caller must look before it repeats.
    async fn write(&self, write: &Write) -> Result<WriteResult>;

    /// What changed in a course since `cursor`; without one, every topic of the course.
    async fn changes(&self, course: &RemoteId, cursor: Option<&str>) -> Result<Changes>;

    /// What a stored delivery tells us; `None` when it is about nothing that is mirrored.
    fn interpret(&self, event: RawEvent<'_>) -> Result<Option<Hint>>;

    /// The paths of an item's pages in the system's own web interface, the one to link to last; empty when there is
    /// none. `mark` is the note that came with the item.
    fn pages(&self, _kind: Kind, _remote: &RemoteId, _mark: Option<&str>) -> Vec<String> {
        Vec::new()
    }

    /// Learns pairs of a page of Discourse and a page of Canvas that show the same item, so that links lead to the
    /// mirror.
    fn learn_mirrors(&self, _pairs: &[(String, String)]) {}

    /// The single posts of this system whose pages a text of either system may link to and whose mirror is not known:
    /// each as an item that is in the same thread as the post.
    fn unknown_links(&self, _text: &str) -> Vec<(Kind, RemoteId)> {
        Vec::new()
    }

    /// Its side of the people, when it is the one that knows who is in a course.
    fn registry(&self) -> Option<&dyn Registry> {
        None
    }

    /// Its side of the people, when it is the one that has accounts and groups.
    fn directory(&self) -> Option<&dyn Directory> {
        None
    }

    /// Looks whether the server is set up as it should be; reads only, and tells instead of failing.
    async fn examine(&self, _wish: &Examination) -> Vec<Finding> {
        Vec::new()
    }

    /// How many calls were made since start, by a short name of the call.
    fn calls(&self) -> Vec<(String, u64)>;
}
