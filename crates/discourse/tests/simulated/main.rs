//! Whole conversations between the connector and a simulated forum, of both ages.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "tests"
)]

mod fault;
mod life;
mod person;
mod world;
