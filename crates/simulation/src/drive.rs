//! The scheduler: claims, polls and drops steps, moves time, brings news and plans faults.

use std::cmp::Ordering;
use std::task::{Context, Poll, Waker};

use connector::{Connector as _, Fault};
use model::System;
use store::{Change, Event};

use crate::finding::Finding;
use crate::sim::{LEASE_MS, Sim, Slot};

/// How many operations of one thread are claimed together.
const BATCH_MAX: usize = 200;
/// How far the clock can jump: up to eleven minutes, beyond the second look.
const JUMP_MS: u64 = 660_000;

impl Sim {
    /// Lets time pass; living workers keep their leases.
    pub fn pass(&mut self, ms: i64) -> Result<(), Finding> {
        self.clock.advance_ms(ms);
        let owners: Vec<(String, bool)> = self
            .slots
            .iter()
            .flatten()
            .map(|slot| (slot.owner.clone(), slot.is_writing))
            .collect();
        for (owner, is_writing) in owners {
            if !is_writing && !self.is_settling && self.dice.chance(self.swarm.stalls) {
                self.count("worker stalls");
                continue;
            }
            let now = self.world.now();
            self.call(self.world.store.heartbeat(&owner, now, LEASE_MS))?;
        }
        Ok(())
    }

    /// The clock jumps forward.
    pub fn clock_jumps(&mut self) -> Result<(), Finding> {
        let ms = self.dice.below(JUMP_MS);
        self.tell(format!("the clock jumps by {ms} ms"));
        self.pass(i64::try_from(ms).unwrap_or(0))
    }

    /// One of the next calls of a remote fails.
    pub fn plan_fault(&mut self) {
        self.summary.faults += 1;
        let system = self.either();
        let memory = self.remote(system).memory.clone();
        let [before, after, refused, stale] = self.swarm.faults;
        let roll = self.dice.below(before + after + refused + stale);
        let what = if roll < before {
            Fault::Before
        } else if roll < before + after {
            Fault::After
        } else if roll < before + after + refused {
            Fault::Refused
        } else {
            Fault::Stale
        };
        self.count(format!("fault: {what:?}"));
        self.tell(format!("{system}: the next call fails: {what:?}"));
        if what == Fault::Stale {
            memory.plan_read_fault(Some(what));
        } else {
            memory.plan_write_fault(Some(what));
        }
    }

    fn either(&self) -> System {
        if self.dice.chance(50) {
            System::Canvas
        } else {
            System::Discourse
        }
    }

    /// A feed is read, a sweep is made, a delivery comes, or news is lost.
    pub fn news_arrives(&mut self) -> Result<(), Finding> {
        let system = self.either();
        match self.dice.below(10) {
            0..6 => self.poll(system, false),
            6 => self.poll(system, true),
            7 => self.lose_news(system),
            _ => self.deliver(system),
        }
    }

    /// Reads a feed; with `is_sweep` everything is looked at.
    pub fn poll(&mut self, system: System, is_sweep: bool) -> Result<(), Finding> {
        let read = runner::feed::poll(&self.world, &self.course, system, is_sweep);
        let queued = self.call(read)?;
        self.tell(format!(
            "{system}: feed, sweep {is_sweep}: {queued} threads"
        ));
        Ok(())
    }

    /// The feed's cursor moves on and nobody looks.
    fn lose_news(&mut self, system: System) -> Result<(), Finding> {
        let Some(replica) = self.course.replica(system) else {
            return Ok(());
        };
        let course = replica.remote.clone();
        let remote = self.remote(system);
        let changes = self.call(remote.changes(&course, None))?;
        let moved = Change::SetCursor {
            name: format!("feed:{system}:{}", self.course.id),
            value: changes.cursor,
            at: self.world.now(),
        };
        self.count("news: lost");
        self.tell(format!("{system}: news is lost"));
        self.call(self.world.store.commit(vec![moved]))
    }

    /// A delivery about any topic comes, once or twice, whether or not something changed.
    fn deliver(&mut self, system: System) -> Result<(), Finding> {
        let items = self.remote(system).memory.dump();
        let topics: Vec<_> = items
            .iter()
            .filter(|(_, kind, ..)| *kind == model::Kind::Topic)
            .collect();
        let Some((topic, ..)) = self.dice.pick(&topics).copied() else {
            return Ok(());
        };
        for _ in 0..=self.dice.below(2) {
            let event = Event {
                id: self.world.id(),
                system,
                name: "changed".to_owned(),
                delivery_id: None,
                body: topic.to_string(),
                received_at: self.world.now(),
            };
            self.call(self.world.store.add_event(event))?;
        }
        self.count("news: delivery");
        self.tell(format!("{system}: a delivery about topic {topic}"));
        self.call(runner::event::drain(&self.world))?;
        Ok(())
    }

    /// How many writes are under way.
    fn flying(&self) -> u64 {
        self.canvas.flying() + self.discourse.flying()
    }

    /// Leases of the dead run out.
    pub fn leases_expire(&mut self) -> Result<(), Finding> {
        self.pass(LEASE_MS + 1)?;
        let recovered = self.call(self.world.store.recover_expired(self.world.now()))?;
        if recovered > 0 {
            self.count("leases run out");
        }
        self.tell(format!("leases run out: {recovered}"));
        Ok(())
    }

    /// A step dies where it is; its leases run out later or are given back at the restart.
    pub fn crash(&mut self) -> Result<(), Finding> {
        let index = usize::from(self.dice.chance(50));
        let Some(slot) = self.slots.get_mut(index).and_then(Option::take) else {
            return Ok(());
        };
        self.summary.crashes += 1;
        let is_given_back = self.dice.chance(50);
        self.tell(format!(
            "{} dies, leases given back: {is_given_back}",
            slot.owner
        ));
        drop(slot.step);
        let place = if slot.is_writing {
            "in a write"
        } else {
            "elsewhere"
        };
        self.count(format!("crash: {place}"));
        if is_given_back {
            let back = self.world.store.give_back(&slot.owner, self.world.now());
            self.call(back)?;
        }
        Ok(())
    }

    /// A worker goes on: it claims, or its step comes some awaits further.
    pub fn work(&mut self) -> Result<(), Finding> {
        let index = usize::from(self.dice.chance(50));
        let polls = 1 + self.dice.below(9);
        for _ in 0..polls {
            if !self.turn(index)? {
                break;
            }
        }
        Ok(())
    }

    /// One poll of a worker, or its claim; `false` when there is nothing to do.
    pub fn turn(&mut self, index: usize) -> Result<bool, Finding> {
        let Some(mut slot) = self.slots.get_mut(index).and_then(Option::take) else {
            return self.claim(index);
        };
        let mut context = Context::from_waker(Waker::noop());
        let before = self.flying();
        let polled = slot.step.as_mut().poll(&mut context);
        match self.flying().cmp(&before) {
            Ordering::Greater => slot.is_writing = true,
            Ordering::Less => slot.is_writing = false,
            Ordering::Equal => {}
        }
        match polled {
            Poll::Pending => {
                if let Some(place) = self.slots.get_mut(index) {
                    *place = Some(slot);
                }
                self.check_writes()?;
            }
            Poll::Ready(result) => {
                self.ended(&slot.owner, result)?;
                self.check_writes()?;
                self.check_store()?;
            }
        }
        Ok(true)
    }

    fn ended(&mut self, owner: &str, result: Result<(), store::Error>) -> Result<(), Finding> {
        match result {
            Ok(()) => {
                self.tell_detail(format!("{owner} is done"));
                Ok(())
            }
            // As the worker does: somebody changed an entity under the step, it is looked at again at once.
            Err(store::Error::Stale { what }) => {
                self.count("worker: lost a race");
                self.tell(format!("{owner} lost a race about {what}"));
                let back = self.world.store.give_back(owner, self.world.now());
                self.call(back).map(|_| ())
            }
            Err(error) => Err(self.finding(format!("a step fails: {error}"))),
        }
    }

    fn claim(&mut self, index: usize) -> Result<bool, Finding> {
        self.owners += 1;
        let owner = format!("worker-{}", self.owners);
        let now = self.world.now();
        let claimed = self.call(self.world.store.claim(&owner, now, LEASE_MS, BATCH_MAX))?;
        let Some(first) = claimed.first() else {
            return Ok(false);
        };
        self.tell_detail(format!(
            "{owner} claims {} of {}: {}",
            claimed.len(),
            first.batch_key,
            first.reason
        ));
        let world = self.world.clone();
        let name = owner.clone();
        let step = Box::pin(async move { runner::step::run(&world, &name, claimed).await });
        if let Some(place) = self.slots.get_mut(index) {
            *place = Some(Slot {
                owner,
                step,
                is_writing: false,
            });
        }
        Ok(true)
    }
}
