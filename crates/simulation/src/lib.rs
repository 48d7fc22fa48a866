//! A deterministic simulation of the sync: people, faults, crashes and time, all drawn from one seed.
//!
//! The product's step, feed and store run unchanged on an in-memory database and two in-memory remotes. A scheduler
//! polls the steps by hand and drops them wherever it likes. Nothing here waits, spawns or reads a system clock.
#![warn(missing_docs)]

mod check;
mod dice;
mod drive;
mod finding;
mod people;
mod quiet;
mod remote;
mod sim;
mod swarm;
mod word;

pub use finding::Finding;
pub use runner::mutation::Mutation;
pub use sim::{Options, Summary};

/// What happened in a run, and how often each thing did.
pub type Report = (Summary, std::collections::BTreeMap<String, u64>);

/// Runs one seed: the eventful part, then until all is quiet, with the checks of both.
pub fn run(options: Options) -> Result<Report, Finding> {
    runner::mutation::set(options.mutation);
    let mut sim = sim::Sim::new(options)?;
    sim.play()?;
    sim.settle()?;
    Ok((sim.summary(), sim.counters))
}
