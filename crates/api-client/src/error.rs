//! What can go wrong between us and a server, in the terms that decide about repeating a call.

/// A call that has no answer to judge. Texts are short and carry no credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing reached the server: name resolution, connection or TLS failed. Safe to repeat.
    #[error("{name} was not sent: {reason}")]
    NotSent {
        /// The call's short name.
        name: &'static str,
        /// What failed.
        reason: String,
    },
    /// The request went out, then the connection broke or the time ran out: a write may have happened.
    #[error("{name} was sent but not answered: {reason}")]
    NoAnswer {
        /// The call's short name.
        name: &'static str,
        /// What failed.
        reason: String,
    },
    /// The answer is larger than the limit; a write may have happened.
    #[error("{name} answered {status} with more than {limit_bytes} bytes")]
    TooLarge {
        /// The call's short name.
        name: &'static str,
        /// The HTTP status that came first.
        status: u16,
        /// The limit.
        limit_bytes: usize,
    },
    /// The body is not the JSON that was expected.
    #[error("an answer with status {status} could not be read ({reason}): {excerpt}")]
    NotJson {
        /// The HTTP status.
        status: u16,
        /// Where it stopped making sense.
        reason: String,
        /// The beginning of the body, redacted.
        excerpt: String,
    },
    /// The URL leads to another host, to which no credentials may go; nothing was sent.
    #[error("{name} leads to the foreign host {host}")]
    ForeignHost {
        /// The call's short name.
        name: &'static str,
        /// The host that was refused.
        host: String,
    },
    /// The client or the request cannot be built from what was given; nothing was sent.
    #[error("the client cannot be set up: {reason}")]
    Setup {
        /// What is wrong.
        reason: String,
    },
    /// The call budget is used up, or the server asked us to pause; nothing was sent.
    #[error("{name} has to wait {ms} ms for its turn")]
    BudgetWait {
        /// The call's short name.
        name: &'static str,
        /// How long to wait, in milliseconds.
        ms: u64,
    },
}

impl Error {
    /// Whether a write may have been done although there is no usable answer.
    pub fn is_outcome_unknown(&self) -> bool {
        match self {
            Self::NoAnswer { .. } | Self::TooLarge { .. } | Self::NotJson { .. } => true,
            Self::NotSent { .. }
            | Self::ForeignHost { .. }
            | Self::Setup { .. }
            | Self::BudgetWait { .. } => false,
        }
    }

    pub(crate) fn setup(reason: impl std::fmt::Display) -> Self {
        Self::Setup {
            reason: reason.to_string(),
        }
    }
}
