//! HTTP plumbing for remote systems: credentials, timeouts, size limits, paging, call budget, retry of reads,
//! redaction, and a count of calls.
//!
//! It must not know any remote: a status is not an error here, and what a body means is decided by its caller.
#![warn(missing_docs)]

mod budget;
mod client;
mod error;
mod hook;
mod link;
mod payload;
mod redact;
mod request;
mod response;
mod settings;

pub use bytes::Bytes;
pub use client::Client;
pub use error::Error;
pub use hook::{Hook, is_public};
pub use http::{HeaderMap, Method};
pub use redact::excerpt;
pub use request::{Part, PartContent, Payload, Request};
pub use response::Response;
pub use settings::{Budget, Secret, Settings};
