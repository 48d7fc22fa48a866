//! A connector that reads and refuses to write, for previews.

use std::collections::BTreeSet;

use async_trait::async_trait;
use model::{
    Audience, Class, CreateKey, Failure, Kind, Profile, RemoteId, RemoteItem, System, Write,
    WriteResult,
};

use crate::capability::Capabilities;
use crate::event::{Hint, RawEvent};
use crate::people::{Directory, Group, MemberChange, Registry, preview};
use crate::port::{Changes, Connector, Error, Result, Thread};

/// Wraps a connector and answers every write with a `guard` failure.
pub struct DryRun<C>(pub C);

#[async_trait]
impl<C: Connector> Connector for DryRun<C> {
    fn system(&self) -> System {
        self.0.system()
    }

    async fn probe(&self) -> Result<Capabilities> {
        self.0.probe().await
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn course(&self, name: &str) -> Result<Option<RemoteItem>> {
        self.0.course(name).await
    }

    async fn audience(&self, course: &RemoteId, asked: &BTreeSet<String>) -> Result<Audience> {
        self.0.audience(course, asked).await
    }

    async fn thread(&self, topic: &RemoteId) -> Result<Thread> {
        self.0.thread(topic).await
    }

    async fn find(
        &self,
        kind: Kind,
        container: &RemoteId,
        key: &CreateKey,
    ) -> Result<Option<RemoteItem>> {
        self.0.find(kind, container, key).await
    }

    async fn write(&self, write: &Write) -> Result<WriteResult> {
        Err(Error(Failure::new(
            "SYNC-5001",
            Class::Guard,
            format!(
                "A preview does not {} anything in {}.",
                write.action.as_str(),
                self.system().title()
            ),
            "Apply the plan to write.",
        )))
    }

    async fn changes(&self, course: &RemoteId, cursor: Option<&str>) -> Result<Changes> {
        self.0.changes(course, cursor).await
    }

    fn interpret(&self, event: RawEvent<'_>) -> Result<Option<Hint>> {
        self.0.interpret(event)
    }

    fn pages(&self, kind: Kind, remote: &RemoteId, mark: Option<&str>) -> Vec<String> {
        self.0.pages(kind, remote, mark)
    }

    fn learn_mirrors(&self, pairs: &[(String, String)]) {
        self.0.learn_mirrors(pairs);
    }

    fn unknown_links(&self, text: &str) -> Vec<(Kind, RemoteId)> {
        self.0.unknown_links(text)
    }

    fn registry(&self) -> Option<&dyn Registry> {
        self.0.registry()
    }

    fn directory(&self) -> Option<&dyn Directory> {
        self.0.directory()?;
        Some(self)
    }

    fn calls(&self) -> Vec<(String, u64)> {
        self.0.calls()
    }
}

impl<C: Connector> DryRun<C> {
    fn inner(&self) -> Result<&dyn Directory> {
        self.0.directory().ok_or_else(|| preview("have groups"))
    }
}

#[async_trait]
impl<C: Connector> Directory for DryRun<C> {
    async fn account(&self, key: &str) -> Result<Option<String>> {
        self.inner()?.account(key).await
    }

    async fn group(&self, name: &str) -> Result<Option<Group>> {
        self.inner()?.group(name).await
    }

    async fn create_group(&self, _name: &str, _title: &str, _mark: &str) -> Result<Group> {
        Err(preview("make a group"))
    }

    async fn members(&self, group: &Group) -> Result<BTreeSet<String>> {
        self.inner()?.members(group).await
    }

    async fn change_members(&self, _change: &MemberChange<'_>) -> Result<()> {
        Err(preview("change a group's members"))
    }

    async fn provision(&self, _profile: &Profile) -> Result<String> {
        Err(preview("make an account"))
    }

    async fn grant(&self, _category: &RemoteId, _group: &str) -> Result<bool> {
        Err(preview("change who may read a category"))
    }
}
