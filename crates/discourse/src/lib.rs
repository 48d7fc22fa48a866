//! The Discourse connector: reads threads, writes items, and understands webhooks of one Discourse forum.
//!
//! Written from the Discourse contract; sections are named where a fact is used. Wire types never leave this crate.
//! It keeps no sync state: what it remembers (users' keys, places of posts, categories) only spares calls. It must
//! not
//! know the database, Canvas, or how conflicts are decided.
#![warn(missing_docs)]

mod audience;
mod connector;
#[cfg(test)]
mod contract;
mod directory;
mod endpoint;
mod event;
mod examine;
mod failure;
mod feed;
mod mark;
mod memory;
mod order;
mod probe;
mod read;
mod settings;
mod site;
mod time;
mod translate;
mod wire;
mod write;

pub use crate::connector::Discourse;
pub use event::signature_is_valid;
pub use settings::Settings;
