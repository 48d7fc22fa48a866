//! The Canvas connector: reads threads, writes items, and understands Live Events of one Canvas LMS.
//!
//! Written from the Canvas contract; sections are named where a fact is used. Wire types never leave this crate. It
//! keeps no sync state: what it remembers (the server's abilities, who is a test student) only spares calls. It must
//! not know the database, Discourse, or how conflicts are decided.
#![warn(missing_docs)]

mod address;
mod api;
mod audience;
#[cfg(test)]
mod contract;
mod event;
mod examine;
mod failure;
mod feed;
mod find;
mod graphql;
mod mark;
mod noise;
mod people;
mod port;
mod privacy;
mod probe;
mod read;
mod roster;
mod settings;
mod time;
mod translate;
mod wire;
mod write;

pub use port::Canvas;
pub use settings::{PersonKey, Settings};
