//! The connector itself: what it is made of, and the port's methods as one-liners over the modules that do them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use ::connector::{
    Capabilities, Changes, Connector, Error, Examination, Finding, Hint, RawEvent, Registry,
    Result, Thread,
};
use async_trait::async_trait;
use markup::Linked;
use model::{Audience, CreateKey, Kind, RemoteId, RemoteItem, System, Write, WriteResult};

use crate::address::{EntryId, TopicId};
use crate::api::Api;
use crate::event;
use crate::failure::Trouble;
use crate::people::{Members, People};
use crate::probe::Probed;
use crate::settings::Settings;
use crate::translate::Reader;

/// One Canvas. Remote ids are `course`, `course/topic` and `course/topic/entry`.
#[derive(Debug)]
pub struct Canvas {
    pub(crate) api: Api,
    pub(crate) markup: Arc<markup::Shared>,
    pub(crate) hosts: Vec<String>,
    pub(crate) people: People,
    pub(crate) probed: Mutex<Option<Arc<Probed>>>,
}

impl Canvas {
    /// A connector for a Canvas; makes no call yet. Fails with `configuration` when the settings cannot work.
    pub fn new(settings: Settings) -> Result<Self> {
        let api = Api::new(&settings)?;
        let mut hosts = settings.own_hosts;
        hosts.insert(0, api.base_url().to_owned());
        let markup = settings.markup;
        markup.update(|context| {
            if context.hosts.canvas.is_empty() {
                api.base_url().clone_into(&mut context.hosts.canvas);
            }
        });
        Ok(Self {
            api,
            markup,
            hosts,
            people: People::default(),
            probed: Mutex::default(),
        })
    }

    /// How this Canvas's payloads are read.
    pub(crate) fn reader<'a>(&'a self, probed: &'a Probed, members: &'a Members) -> Reader<'a> {
        Reader {
            service: &probed.user,
            markup: self.markup.get(),
            hosts: &self.hosts,
            person_key: self.api.person_key,
            members,
        }
    }
}

#[async_trait]
impl Connector for Canvas {
    fn system(&self) -> System {
        System::Canvas
    }

    async fn probe(&self) -> Result<Capabilities> {
        Ok(self.find_out().await?.capabilities())
    }

    fn capabilities(&self) -> Capabilities {
        self.known().unwrap_or_default().capabilities()
    }

    async fn examine(&self, wish: &Examination) -> Vec<Finding> {
        self.find_faults(wish).await
    }

    async fn course(&self, name: &str) -> Result<Option<RemoteItem>> {
        Ok(self.find_course(name).await?)
    }

    async fn audience(&self, course: &RemoteId, asked: &BTreeSet<String>) -> Result<Audience> {
        Ok(self.read_audience(course, asked).await?)
    }

    async fn thread(&self, topic: &RemoteId) -> Result<Thread> {
        Ok(self.read_thread(&TopicId::read(topic)?).await?)
    }

    async fn find(
        &self,
        kind: Kind,
        container: &RemoteId,
        key: &CreateKey,
    ) -> Result<Option<RemoteItem>> {
        Ok(self.find_created(kind, container, key).await?)
    }

    async fn write(&self, write: &Write) -> Result<WriteResult> {
        Ok(self.do_write(write).await?)
    }

    async fn changes(&self, course: &RemoteId, cursor: Option<&str>) -> Result<Changes> {
        Ok(self.changed_topics(course, cursor).await?)
    }

    fn interpret(&self, event: RawEvent<'_>) -> Result<Option<Hint>> {
        event::interpret(event).map_err(|trouble: Trouble| Error::from(trouble))
    }

    fn pages(&self, kind: Kind, remote: &RemoteId, _mark: Option<&str>) -> Vec<String> {
        let page = match kind {
            Kind::Topic => TopicId::read(remote).ok().map(|topic| topic.page()),
            Kind::Post => EntryId::read(remote)
                .ok()
                .map(|id| format!("{}?entry_id={}", id.topic.page(), id.entry)),
            _ => None,
        };
        page.into_iter().collect()
    }

    fn learn_mirrors(&self, pairs: &[(String, String)]) {
        self.markup.learn_pages(pairs);
    }

    fn unknown_links(&self, text: &str) -> Vec<(Kind, RemoteId)> {
        let known = self.markup.get();
        let item = |linked| {
            let Linked::Entry {
                course,
                topic,
                entry,
            } = linked
            else {
                return None;
            };
            let topic = TopicId { course, topic };
            let page = format!("{}?entry_id={entry}", topic.page());
            let is_unknown = known.posts.in_discourse(&page).is_none();
            is_unknown.then_some((Kind::Topic, topic.remote()))
        };
        markup::linked(text).into_iter().filter_map(item).collect()
    }

    fn registry(&self) -> Option<&dyn Registry> {
        Some(self)
    }

    fn calls(&self) -> Vec<(String, u64)> {
        self.api.calls()
    }
}
