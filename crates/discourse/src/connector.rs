//! The connector itself: what it is made of, and the port's methods as one-liners over the modules that do them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use ::connector::{
    Capabilities, Changes, Connector, Directory, Error, Examination, Finding, Hint, RawEvent,
    Result, Thread,
};
use async_trait::async_trait;
use markup::Linked;
use model::{Audience, CreateKey, Kind, RemoteId, RemoteItem, System, Write, WriteResult};

use crate::audience::Readers;
use crate::event;
use crate::failure;
use crate::mark::Mark;
use crate::memory::{Categories, People, Places, Strangers};
use crate::probe::{self, Probed};
use crate::settings::Settings;
use crate::site::Site;
use crate::write::number;

/// A Discourse forum. Remote ids are decimal numbers: of the category for a course, of the topic, of the post; a
/// topic's first post belongs to the topic and is no post of its own.
pub struct Discourse {
    pub(crate) site: Site,
    pub(crate) markup: Arc<markup::Shared>,
    /// Whether the stable keys of people are their user ids in Canvas, so that a mention can be found by one.
    pub(crate) has_canvas_ids: bool,
    pub(crate) strangers: Strangers,
    pub(crate) people: People,
    pub(crate) places: Places,
    pub(crate) categories: Categories,
    pub(crate) readers: Readers,
    probed: Mutex<Probed>,
}

impl Discourse {
    /// A connector for a forum; makes no call yet. Fails with `configuration` when the settings cannot work.
    pub fn new(settings: Settings) -> Result<Self> {
        Ok(Self {
            site: Site::new(settings)?,
            markup: Arc::default(),
            has_canvas_ids: false,
            strangers: Strangers::default(),
            people: People::default(),
            places: Places::default(),
            categories: Categories::default(),
            readers: Readers::default(),
            probed: Mutex::new(Probed::default()),
        })
    }

    /// The same connector with the maps and hosts of the translation, which the other connector shares.
    /// `has_canvas_ids` says that people's stable keys are their user ids in Canvas: then it also learns who is who.
    #[must_use]
    pub fn with_markup(mut self, markup: Arc<markup::Shared>, has_canvas_ids: bool) -> Self {
        self.markup = markup;
        self.has_canvas_ids = has_canvas_ids;
        self
    }

    /// Whether posts can be made as their authors; assumed until a probe says otherwise.
    pub(crate) fn can_impersonate(&self) -> bool {
        self.probed().impersonates
    }

    /// Whether the server is known to guard titles.
    pub(crate) fn guards_titles(&self) -> bool {
        probe::guards_titles(&self.probed().version)
    }

    fn probed(&self) -> Probed {
        self.probed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[async_trait]
impl Connector for Discourse {
    fn system(&self) -> System {
        System::Discourse
    }

    async fn probe(&self) -> Result<Capabilities> {
        let probed = self.find_out().await?;
        *self.probed.lock().unwrap_or_else(PoisonError::into_inner) = probed;
        Ok(self.capabilities())
    }

    fn capabilities(&self) -> Capabilities {
        self.probed().capabilities(self.site.service_user())
    }

    async fn examine(&self, wish: &Examination) -> Vec<Finding> {
        self.find_faults(wish).await
    }

    async fn course(&self, name: &str) -> Result<Option<RemoteItem>> {
        Ok(self.find_course(name).await?)
    }

    async fn audience(&self, course: &RemoteId, asked: &BTreeSet<String>) -> Result<Audience> {
        Ok(self.read_audience(number(course)?, asked).await?)
    }

    async fn thread(&self, topic: &RemoteId) -> Result<Thread> {
        Ok(self.read_thread(number(topic)?).await?)
    }

    async fn find(
        &self,
        kind: Kind,
        container: &RemoteId,
        key: &CreateKey,
    ) -> Result<Option<RemoteItem>> {
        Ok(match kind {
            Kind::Topic => self.find_topic(key).await?,
            Kind::Post => self.find_post(number(container)?, key).await?,
            other => return Err(Error(failure::bug(&format!("to find a {other}")))),
        })
    }

    async fn write(&self, write: &Write) -> Result<WriteResult> {
        Ok(self.do_write(write).await?)
    }

    async fn changes(&self, course: &RemoteId, cursor: Option<&str>) -> Result<Changes> {
        Ok(self.read_changes(number(course)?, cursor).await?)
    }

    fn interpret(&self, event: RawEvent<'_>) -> Result<Option<Hint>> {
        let key_of = |user| self.people.key(user);
        Ok(event::interpret(
            event,
            &self.reader(&key_of),
            &self.people,
            &self.places,
        )?)
    }

    fn pages(&self, kind: Kind, remote: &RemoteId, mark: Option<&str>) -> Vec<String> {
        let Ok(id) = number(remote) else {
            return Vec::new();
        };
        match kind {
            Kind::Topic => vec![format!("/t/{id}")],
            Kind::Post => {
                let place = Mark::read(mark).place;
                let numbered = place.map(|(topic, number)| format!("/t/{topic}/{number}"));
                std::iter::once(format!("/p/{id}"))
                    .chain(numbered)
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    fn learn_mirrors(&self, pairs: &[(String, String)]) {
        self.markup.learn_pages(pairs);
    }

    fn unknown_links(&self, text: &str) -> Vec<(Kind, RemoteId)> {
        let known = self.markup.get();
        let unknown = |page: String| known.posts.in_canvas(&page).is_none();
        let item = |linked| match linked {
            Linked::Post(post) => {
                unknown(format!("/p/{post}")).then_some((Kind::Post, RemoteId(post)))
            }
            Linked::Numbered { topic, number } => {
                unknown(format!("/t/{topic}/{number}")).then_some((Kind::Topic, RemoteId(topic)))
            }
            Linked::Entry { .. } => None,
        };
        markup::linked(text).into_iter().filter_map(item).collect()
    }

    fn directory(&self) -> Option<&dyn Directory> {
        Some(self)
    }

    fn calls(&self) -> Vec<(String, u64)> {
        self.site.calls()
    }
}
