//! The state of one run, and the choice of the next event.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use connector::Memory;
use model::{Clock as _, Entity, EntityId, FixedClock, Policy, RemoteId, System, Timestamp};
use runner::mutation::Mutation;
use runner::{CourseSettings, Settings, World};
use store::Store;

use crate::dice::Dice;
use crate::finding::Finding;
use crate::remote::Remote;
use crate::swarm::{Event, Swarm};
use crate::word::Words;

/// How many events a finding shows.
const EVENTS_SHOWN: usize = 40;
/// The start of simulated time: 2026-01-01.
const START: Timestamp = Timestamp(1_767_225_600_000);
/// How long a worker may hold an operation, in milliseconds.
pub const LEASE_MS: i64 = 60_000;
/// Polls after which something that never waits long is known to hang.
const POLLS_MAX: usize = 10_000;

/// What to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Everything that happens follows from it.
    pub seed: u64,
    /// How many events happen before the faults stop.
    pub steps: u32,
    /// The deliberate bug to run with, if any.
    pub mutation: Option<Mutation>,
    /// Tell everything: all events instead of the last, and each new state of an entity.
    pub is_detailed: bool,
}

/// What happened in a run without a finding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// What people did.
    pub acts: u64,
    /// Planned faults.
    pub faults: u64,
    /// Steps that died.
    pub crashes: u64,
    /// Writes that the product asked for.
    pub writes: u64,
    /// Topics and posts at the end.
    pub entities: u64,
    /// Of these, in step at the end; the others wait for a person, with a reason.
    pub in_sync: u64,
}

/// A step under way.
pub struct Slot {
    /// Who runs it.
    pub owner: String,
    /// A write of it is under way.
    pub is_writing: bool,
    /// The rest of it.
    pub step: Pin<Box<dyn Future<Output = Result<(), store::Error>>>>,
}

/// One run.
pub struct Sim {
    pub(crate) options: Options,
    pub(crate) dice: Arc<Dice>,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) world: World,
    pub(crate) canvas: Arc<Remote>,
    pub(crate) discourse: Arc<Remote>,
    pub(crate) course: Entity,
    pub(crate) words: Words,
    pub(crate) slots: [Option<Slot>; 2],
    pub(crate) owners: u64,
    pub(crate) known: BTreeMap<EntityId, Entity>,
    pub(crate) summary: Summary,
    pub(crate) counters: BTreeMap<String, u64>,
    pub(crate) swarm: Swarm,
    pub(crate) buried: BTreeSet<EntityId>,
    pub(crate) rolled_back: BTreeMap<EntityId, usize>,
    pub(crate) condemned: BTreeSet<(System, RemoteId)>,
    pub(crate) is_settling: bool,
    events: VecDeque<String>,
}

impl Sim {
    /// An empty course on both sides.
    pub fn new(options: Options) -> Result<Self, Finding> {
        let broken = |what: String| Finding {
            seed: options.seed,
            what,
            events: Vec::new(),
        };
        let dice = Arc::new(Dice::new(options.seed));
        let clock = Arc::new(FixedClock::new(START));
        let swarm = Swarm::new(&dice);
        let [canvas_skew, discourse_skew] = swarm.skews_ms;
        let canvas = Arc::new(Remote::new(
            Memory::dated(System::Canvas, false, clock.clone(), canvas_skew),
            false,
        ));
        let discourse = Arc::new(Remote::new(
            Memory::dated(System::Discourse, true, clock.clone(), discourse_skew),
            swarm.is_lossy,
        ));
        let store = now(Store::open("sqlite::memory:"))
            .and_then(Result::ok)
            .ok_or_else(|| broken("the database does not open".to_owned()))?;
        let world = World {
            store,
            canvas: canvas.clone(),
            discourse: discourse.clone(),
            clock: clock.clone(),
            random: dice.clone(),
            settings: Arc::new(settings(&swarm)),
        };
        let course = now(runner::course::ensure(&world))
            .and_then(Result::ok)
            .and_then(|courses| courses.into_iter().next())
            .ok_or_else(|| broken("the course is not found".to_owned()))?;
        Ok(Self {
            options,
            dice,
            clock,
            world,
            canvas,
            discourse,
            course,
            words: Words::default(),
            slots: [None, None],
            owners: 0,
            known: BTreeMap::new(),
            summary: Summary::default(),
            counters: BTreeMap::new(),
            swarm,
            buried: BTreeSet::new(),
            rolled_back: BTreeMap::new(),
            condemned: BTreeSet::new(),
            is_settling: false,
            events: VecDeque::new(),
        })
    }

    /// The eventful part.
    pub fn play(&mut self) -> Result<(), Finding> {
        for _ in 0..self.options.steps {
            let wait = self.dice.below(400);
            self.pass(i64::try_from(wait).unwrap_or(0))?;
            match self.swarm.next(&self.dice) {
                Event::Person => self.person_acts(),
                Event::Local => self.person_edits_locally()?,
                Event::Operator => self.operator_decides()?,
                Event::Fault => self.plan_fault(),
                Event::Jump => self.clock_jumps()?,
                Event::News => self.news_arrives()?,
                Event::Expiry => self.leases_expire()?,
                Event::Crash => self.crash()?,
                Event::Work => self.work()?,
            }
            self.check_writes()?;
        }
        Ok(())
    }

    /// What happened.
    pub fn summary(&self) -> Summary {
        Summary {
            writes: self.canvas.memory.writes() + self.discourse.memory.writes(),
            ..self.summary
        }
    }

    /// Counts something that happened.
    pub fn count(&mut self, what: impl Into<String>) {
        *self.counters.entry(what.into()).or_insert(0) += 1;
    }

    /// Notes an event.
    pub fn tell(&mut self, what: impl std::fmt::Display) {
        if self.events.len() == EVENTS_SHOWN && !self.options.is_detailed {
            self.events.pop_front();
        }
        let at = self.clock.now().since_ms(START);
        self.events.push_back(format!("{at:>9} {what}"));
    }

    /// Notes an event that is of interest only while people and faults are at work.
    pub fn tell_detail(&mut self, what: impl std::fmt::Display) {
        if !self.is_settling || self.options.is_detailed {
            self.tell(what);
        }
    }

    /// The finding that ends this run.
    pub fn finding(&self, what: impl Into<String>) -> Finding {
        Finding {
            seed: self.options.seed,
            what: what.into(),
            events: self.events.iter().cloned().collect(),
        }
    }

    /// Runs a call of the product to its end.
    pub fn call<T, E: std::fmt::Display>(
        &self,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Finding> {
        match now(future) {
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) => Err(self.finding(format!("a call failed: {error}"))),
            None => Err(self.finding("a call hangs")),
        }
    }

    /// One of the remotes.
    pub fn remote(&self, system: System) -> Arc<Remote> {
        if system == System::Canvas {
            self.canvas.clone()
        } else {
            self.discourse.clone()
        }
    }
}

/// Polls to the end; `None` when that never comes.
fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..POLLS_MAX).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    })
}

fn settings(swarm: &Swarm) -> Settings {
    let (strategy, has_guards) = (swarm.strategy, swarm.has_guards);
    let limits = engine::Limits::default();
    let wide = engine::Limits {
        deletes_min: 10_000,
        edits_max: 10_000,
        empty_min: 0,
        ..limits.clone()
    };
    Settings {
        policy: Policy::default(),
        kind_strategies: Vec::new(),
        courses: vec![CourseSettings {
            canvas: "course".to_owned(),
            discourse: "course".to_owned(),
            strategy,
            limits: if has_guards { limits } else { wide },
            is_read_only: false,
            // What the world begins with is the same on both sides by chance at most; matching has tests of its own.
            matching: engine::matching::Mode::CreateOnly,
            links_likely: false,
            // The remotes in memory have no people.
            accepted_audience: Some("nobody reads them".to_owned()),
        }],
        accept_plan: true,
        audience_interval_ms: 900_000,
        people: runner::PeopleSettings::default(),
        feed_interval_ms: 30_000,
        sweep_interval_ms: 3_600_000,
        lease_ms: LEASE_MS,
        isolations: BTreeMap::new(),
    }
}
