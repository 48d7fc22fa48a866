//! What is reported when a promise is broken.

/// A broken promise: how to see it again, and what led to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("seed {seed}: {what}\nlast events:\n{}", events.join("\n"))]
pub struct Finding {
    /// The seed that shows it.
    pub seed: u64,
    /// Which promise was broken, and how.
    pub what: String,
    /// The last events before it, oldest first.
    pub events: Vec<String>,
}
