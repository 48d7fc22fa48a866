//! A small, stateful, seedable Discourse forum served over HTTP, for tests and demonstrations.
//!
//! Written from the Discourse contract and the recordings of really running servers. It must not
//! know the clients it tests: it shares no type with any other crate of this workspace.
//! `docs/sandbox-discourse.md` describes the control API under `/_sim/`.

#![recursion_limit = "256"]

mod act;
mod answer;
mod auth;
mod clock;
mod control;
mod fault;
mod guard;
mod hook;
mod import;
mod json;
mod limit;
mod log;
mod option;
mod param;
mod replay;
mod route;
mod seed;
mod serve;
mod setting;
mod sim;
mod state;
mod text;

pub use clock::TimeSource;
pub use import::ImportError;
pub use option::{
    ADMIN_KEY, ADMIN_USERNAME, Content, Options, Profile, Switches, WEBHOOK_SECRET, WebhookTarget,
};
pub use serve::serve;
pub use sim::{Sim, SimError};
