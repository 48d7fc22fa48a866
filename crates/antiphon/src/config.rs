//! The one configuration file, checked once: unknown keys are errors with a suggestion, every secret can come from
//! a file.

mod check;
mod file;
mod notify;
mod people;
mod plan;
mod secret;

use std::path::Path;

pub(crate) use check::{Config, duration_ms};
pub(crate) use file::PersonKey;
pub(crate) use secret::Secret;

/// What is wrong with a configuration; exit status 78.
#[derive(Debug)]
pub(crate) struct Invalid(pub(crate) String);

impl std::fmt::Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SYNC-1001: {}", self.0)
    }
}

impl std::error::Error for Invalid {}

/// Reads and checks the configuration at `path`.
pub(crate) fn load(path: &Path) -> Result<Config, Invalid> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Invalid(format!(
            "The configuration {} cannot be read: {error}. Give another one with --config, or try `antiphon demo`.",
            path.display()
        ))
    })?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    check::check(file::parse(&text, path)?, folder)
}
