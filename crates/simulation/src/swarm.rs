//! The weights of one run: each seed likes other things, so that rare mixtures come up.

use model::Strategy;

use crate::dice::Dice;

/// What can happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A person does something in a remote.
    Person,
    /// A person edits the local database.
    Local,
    /// An operator decides a conflict.
    Operator,
    /// A fault is planned.
    Fault,
    /// The clock jumps.
    Jump,
    /// A feed, a sweep or a delivery.
    News,
    /// Leases run out.
    Expiry,
    /// A step dies.
    Crash,
    /// A worker goes on.
    Work,
}

/// The usual weights.
const WEIGHTS: [(Event, u64); 9] = [
    (Event::Person, 26),
    (Event::Local, 7),
    (Event::Operator, 3),
    (Event::Fault, 8),
    (Event::Jump, 6),
    (Event::News, 13),
    (Event::Expiry, 3),
    (Event::Crash, 4),
    (Event::Work, 33),
];

/// How one run is.
#[derive(Debug, Clone)]
pub struct Swarm {
    weights: Vec<(Event, u64)>,
    /// Weights of the faults: before, after, refused, stale.
    pub faults: [u64; 4],
    /// In so many of 100 heartbeats a worker that does not write is stalled.
    pub stalls: u64,
    /// Discourse rewrites texts.
    pub is_lossy: bool,
    /// How wrong the clocks of Canvas and Discourse are, in milliseconds.
    pub skews_ms: [i64; 2],
    /// How conflicts are decided.
    pub strategy: Option<Strategy>,
    /// The guards have their usual numbers.
    pub has_guards: bool,
}

impl Swarm {
    /// Draws a run.
    pub fn new(dice: &Dice) -> Self {
        let weights = WEIGHTS
            .iter()
            .map(|(event, weight)| {
                let factor = match dice.below(6) {
                    0 if !matches!(event, Event::Work | Event::Person) => 0,
                    1 => 1,
                    2 => 6,
                    _ => 3,
                };
                (*event, weight * factor)
            })
            .collect();
        Self {
            weights,
            faults: [4, 3, 1, 2].map(|weight| weight * dice.below(3)),
            stalls: if dice.chance(30) { 50 } else { 0 },
            is_lossy: dice.chance(30),
            skews_ms: [skew(dice), skew(dice)],
            strategy: dice.pick(&Strategy::ALL).copied(),
            has_guards: dice.chance(15),
        }
    }

    /// The next event.
    pub fn next(&self, dice: &Dice) -> Event {
        let total = self.weights.iter().map(|(_, weight)| weight).sum();
        let mut roll = dice.below(total);
        for (event, weight) in &self.weights {
            if roll < *weight {
                return *event;
            }
            roll -= weight;
        }
        Event::Work
    }
}

fn skew(dice: &Dice) -> i64 {
    if dice.chance(60) {
        return 0;
    }
    i64::try_from(dice.below(20_000)).unwrap_or(0) - 10_000
}
