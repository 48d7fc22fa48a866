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
mod word;

pub use finding::Finding;
pub use sim::{Options, Summary};

/// Event classes that are switched off because the product fails under them in a way that is known, or not judged yet.
pub mod switch {
    /// Thread reads that show the state before the last change.
    pub const STALE_READS: bool = false;
    /// Workers that go on after their lease ran out, while another one has taken over.
    pub const STALLED_WORKERS: bool = false;
}

/// Runs one seed: the eventful part, then until all is quiet, with the checks of both.
pub fn run(options: Options) -> Result<Summary, Finding> {
    let mut sim = sim::Sim::new(options)?;
    sim.play()?;
    sim.settle()?;
    Ok(sim.summary())
}
