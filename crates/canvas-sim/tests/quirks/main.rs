//! The quirks of contract canvas, one test each, through the public API only: in process where that
//! is enough, on a real connection where the connection matters.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod client;
mod entries;
mod events;
mod faults;
mod files;
mod graphql;
mod lists;
mod login;
mod speed;
mod topics;
