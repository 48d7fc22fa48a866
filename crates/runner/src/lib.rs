//! The sync step and everything that drives it: workers, feeds, events, sweeps.
//!
//! [`step`] awaits only the store and the connectors and takes time and randomness from its [`World`], so that the
//! worker
//! drives it with a runtime and the simulation by hand. Nothing here knows HTTP, SQL or a wire format.
#![warn(missing_docs)]

mod audience;
pub mod course;
pub mod event;
pub mod feed;
pub mod herald;
pub mod mutation;
pub mod pairing;
pub mod preview;
pub mod roster;
pub mod step;
mod trouble;
pub mod upkeep;
pub mod worker;
mod world;

pub use audience::is_wider;
pub use roster::PeopleSettings;
pub use world::{CourseSettings, Random, Settings, World};
