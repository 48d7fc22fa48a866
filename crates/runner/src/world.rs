//! What a step needs from outside, in one place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::roster::PeopleSettings;
use connector::Connector;
use engine::Limits;
use model::{Clock, Entity, IdSource, Kind, Policy, RemoteId, Strategy, System, Timestamp};
use store::{EntityFilter, Isolation, OperationKind, Store};

/// The source of randomness: ids and jitter.
pub trait Random: Send + Sync {
    /// The next 128 random bits.
    fn bits(&self) -> u128;
}

/// How one configured course is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CourseSettings {
    /// How the configuration names the course in Canvas: an id or `sis_course_id:…`.
    pub canvas: String,
    /// How the configuration names the category in Discourse: a slug or an id.
    pub discourse: String,
    /// The strategy of this course, when it differs from the system's.
    pub strategy: Option<Strategy>,
    /// The numbers of its guards.
    pub limits: Limits,
    /// Nothing is written for this course.
    pub is_read_only: bool,
    /// What is done with content that is there when the pair is connected.
    pub matching: engine::matching::Mode,
    /// Likely matches are linked without asking.
    pub links_likely: bool,
    /// Why somebody accepted that more people can read one side than the other; then readers are not compared.
    pub accepted_audience: Option<String>,
}

/// The settings of the sync, already checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The policy where no course says otherwise.
    pub policy: Policy,
    /// Strategies by kind.
    pub kind_strategies: Vec<(model::Kind, Strategy)>,
    /// A newly connected course is written to without a plan that somebody accepted.
    pub accept_plan: bool,
    /// The courses to keep in step.
    pub courses: Vec<CourseSettings>,
    /// How the people of the courses are followed.
    pub people: PeopleSettings,
    /// How often the feeds are read, in milliseconds.
    pub feed_interval_ms: i64,
    /// How often every thread of a course is looked at, in milliseconds.
    pub sweep_interval_ms: i64,
    /// How long what is known of a course's readers is used, in milliseconds.
    pub audience_interval_ms: i64,
    /// How long a worker may hold an operation without a heartbeat, in milliseconds.
    pub lease_ms: i64,
    /// The isolation of what a step stores, by the kind of its operation.
    pub isolations: BTreeMap<OperationKind, Isolation>,
}

impl Settings {
    /// The isolation that a kind of operation asks for: where nothing is said, the weakest, because every write is
    /// guarded by what it read.
    pub fn isolation(&self, kind: Option<OperationKind>) -> Isolation {
        kind.and_then(|kind| self.isolations.get(&kind))
            .copied()
            .unwrap_or(Isolation::ReadCommitted)
    }
}

/// An item whose thread has a post that a text links to.
pub(crate) type LinkedItem = (System, Kind, RemoteId);

/// Everything outside that a step may use.
#[derive(Clone)]
pub struct World {
    /// The database.
    pub store: Store,
    /// Canvas.
    pub canvas: Arc<dyn Connector>,
    /// Discourse.
    pub discourse: Arc<dyn Connector>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The randomness.
    pub random: Arc<dyn Random>,
    /// The settings.
    pub settings: Arc<Settings>,
}

impl World {
    /// The connector of a remote system; `None` for the local database.
    pub fn connector(&self, system: System) -> Option<&dyn Connector> {
        match system {
            System::Canvas => Some(self.canvas.as_ref()),
            System::Discourse => Some(self.discourse.as_ref()),
            System::Local => None,
        }
    }

    /// Lets links to every topic that is on both sides lead to its mirror, from the start of a process.
    pub(crate) async fn learn_mirrors(&self) -> Result<(), store::Error> {
        const PAGE: usize = 1_000;
        let mut after = None;
        loop {
            let filter = EntityFilter {
                kind: Some(Kind::Topic),
                limit: PAGE,
                after: after.take(),
                ..EntityFilter::default()
            };
            let topics = self.store.entities(&filter).await?;
            self.learn_mirrors_of(&topics);
            match topics.last() {
                Some(last) if topics.len() == PAGE => after = Some(last.id.clone()),
                _ => return Ok(()),
            }
        }
    }

    /// Lets links to these items lead to their mirrors.
    pub(crate) fn learn_mirrors_of<'a>(&self, entities: impl IntoIterator<Item = &'a Entity>) {
        let mut pairs = Vec::new();
        for entity in entities {
            let pages = |system: System| {
                let replica = entity.replica(system)?;
                let mark = replica.mark.as_deref();
                Some(
                    self.connector(system)?
                        .pages(entity.kind, &replica.remote, mark),
                )
            };
            let (Some(canvas), Some(discourse)) = (pages(System::Canvas), pages(System::Discourse))
            else {
                continue;
            };
            let Some(canvas) = canvas.last() else {
                continue;
            };
            pairs.extend(discourse.into_iter().map(|page| (page, canvas.clone())));
        }
        for connector in [&self.canvas, &self.discourse] {
            connector.learn_mirrors(&pairs);
        }
    }

    /// Lets links in these texts lead to the mirrors of single posts in other threads; whether it learned any. What is
    /// in `tried` is not looked for again.
    pub(crate) async fn learn_links(
        &self,
        texts: &[&str],
        tried: &mut BTreeSet<LinkedItem>,
    ) -> Result<bool, store::Error> {
        const MAX_THREADS: usize = 20;
        let unknown = self.unknown_links(texts);
        let fresh: Vec<LinkedItem> = unknown
            .difference(tried)
            .take(MAX_THREADS)
            .cloned()
            .collect();
        if fresh.is_empty() {
            return Ok(false);
        }
        for (system, kind, remote) in &fresh {
            if let Some(found) = self.store.entity_by_remote(*system, *kind, remote).await? {
                let topic = found.container.filter(|_| found.kind == Kind::Post);
                let thread = self.store.thread(&topic.unwrap_or(found.id)).await?;
                self.learn_mirrors_of(&thread);
            }
        }
        tried.extend(fresh);
        Ok(self.unknown_links(texts).len() < unknown.len())
    }

    fn unknown_links(&self, texts: &[&str]) -> BTreeSet<LinkedItem> {
        let mut linked = BTreeSet::new();
        for (system, connector) in [
            (System::Canvas, &self.canvas),
            (System::Discourse, &self.discourse),
        ] {
            for text in texts {
                let items = connector.unknown_links(text).into_iter();
                linked.extend(items.map(|(kind, remote)| (system, kind, remote)));
            }
        }
        linked
    }

    /// Our time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new id.
    pub fn id(&self) -> String {
        IdSource::text(self.clock.now(), self.random.bits())
    }

    /// 32 random bits for jitter.
    pub fn jitter(&self) -> u32 {
        u32::try_from(self.random.bits() & 0xffff_ffff).unwrap_or(u32::MAX)
    }

    /// The settings of the course with these names; the defaults when the configuration no longer has it.
    pub fn course_settings(&self, canvas: Option<&str>) -> Option<&CourseSettings> {
        self.settings
            .courses
            .iter()
            .find(|course| Some(course.canvas.as_str()) == canvas)
    }

    /// How conflicts of a kind are decided in a course: the narrowest scope wins.
    pub fn policy(&self, course: Option<&CourseSettings>, kind: model::Kind) -> Policy {
        let of_kind = self
            .settings
            .kind_strategies
            .iter()
            .find(|(k, _)| *k == kind)
            .map(|(_, s)| *s);
        let mut policy = self.settings.policy.clone();
        policy.strategy = course
            .and_then(|course| course.strategy)
            .or(of_kind)
            .unwrap_or(policy.strategy);
        policy.is_read_only =
            policy.is_read_only || course.is_some_and(|course| course.is_read_only);
        policy
    }
}
