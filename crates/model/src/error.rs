//! What can go wrong, in the classes that decide about retries (design section 12).

use serde::{Deserialize, Serialize};

/// The class of a failure: it alone decides what happens next by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Network, 5xx, not ready: try again later.
    Transient,
    /// The remote asks us to slow down; nothing was done there.
    Throttled,
    /// Sent, but no answer: look before repeating.
    UnknownOutcome,
    /// Somebody else was faster: look again.
    Conflict,
    /// Not permitted.
    Permission,
    /// Not there.
    NotFound,
    /// The remote refuses this content.
    Invalid,
    /// Token, scope or settings: the direction stops until someone mends it.
    Configuration,
    /// One of our limits stopped it.
    Guard,
    /// Our own mistake.
    Bug,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 10] = [
        Self::Transient,
        Self::Throttled,
        Self::UnknownOutcome,
        Self::Conflict,
        Self::Permission,
        Self::NotFound,
        Self::Invalid,
        Self::Configuration,
        Self::Guard,
        Self::Bug,
    ];

    /// Whether trying again later can help without anybody doing anything.
    pub fn is_retried(self) -> bool {
        match self {
            Self::Transient | Self::Throttled | Self::UnknownOutcome | Self::Conflict => true,
            Self::Permission
            | Self::NotFound
            | Self::Invalid
            | Self::Configuration
            | Self::Guard
            | Self::Bug => false,
        }
    }

    /// The stable lower-case name used in the database, CLI and API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Throttled => "throttled",
            Self::UnknownOutcome => "unknown_outcome",
            Self::Conflict => "conflict",
            Self::Permission => "permission",
            Self::NotFound => "not_found",
            Self::Invalid => "invalid",
            Self::Configuration => "configuration",
            Self::Guard => "guard",
            Self::Bug => "bug",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == text)
    }
}

/// A failure as it is stored and shown: stable code, class, and words without secrets or student text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The stable code, `SYNC-nnnn`, with a page in `docs/errors/`.
    pub code: String,
    /// What decides about retries.
    pub class: Class,
    /// What failed, on what, because of what.
    pub message: String,
    /// What a person can do about it.
    pub remedy: String,
    /// How long the remote asks us to wait, in milliseconds.
    pub retry_after_ms: Option<i64>,
}

impl Failure {
    /// A failure without a remote's wish to wait.
    pub fn new(code: &str, class: Class, message: String, remedy: &str) -> Self {
        Self {
            code: code.to_owned(),
            class,
            message,
            remedy: remedy.to_owned(),
            retry_after_ms: None,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} ({}): {}",
            self.code,
            self.class.as_str(),
            self.message
        )?;
        if !self.remedy.is_empty() {
            write!(f, " {}", self.remedy)?;
        }
        Ok(())
    }
}
