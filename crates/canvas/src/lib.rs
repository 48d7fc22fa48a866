//! Canvas as a connector: REST and GraphQL in, neutral records out (contract canvas).
//!
//! Answers are read tolerantly: ids as numbers or text, missing and unknown fields. Wire forms do not leave this crate. It
//! must not know the database, Discourse, or how conflicts are decided.
#![warn(missing_docs)]

mod connector;
mod event;
mod failure;
mod feed;
mod graphql;
mod http;
mod name;
mod probe;
mod read;
mod settings;
mod translate;
mod wire;
mod write;

pub use crate::connector::Canvas;
pub use settings::{PersonKey, Settings};
