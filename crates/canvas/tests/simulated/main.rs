//! The connector against the simulated Canvas of both ages, and as a token without GraphQL.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod author;
mod fault;
mod lifecycle;
mod privacy;
mod watch;
mod world;
