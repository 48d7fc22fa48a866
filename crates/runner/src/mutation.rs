//! Deliberate bugs, to prove that the simulation's checks can fail.
//!
//! Only the crate `simulation` switches the feature `mutation` on; without it nothing here can be set, and every
//! question is answered with no.

/// One deliberate bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// Writes without a stored intent.
    SkipIntent,
    /// A decision does not take the remotes' vectors over.
    ForgetJoin,
    /// What a list does not show counts as deleted at once.
    TrustAbsence,
    /// Edits are sent without what they expect.
    DropGuard,
    /// The text sent counts as the text received.
    CompareSent,
    /// A create whose answer was lost is not looked for.
    SkipFind,
    /// An entity is saved over somebody else's save.
    UnguardedSave,
    /// What a remote still lacks is forgotten.
    ForgetOwed,
    /// A decided conflict is not kept.
    DropConflict,
    /// The outcome of a write is not stored.
    SkipReceipt,
    /// Creates carry a key that names nothing.
    ForeignKey,
    /// A write sets the target's vector back.
    VectorBack,
    /// Every answer goes to the topic.
    WrongParent,
    /// A change seen is not put into the local copy.
    ForgetChange,
    /// A create is sent twice.
    DoubleCreate,
    /// A list that lags counts as news.
    BelieveStale,
    /// A worker goes on without its lease.
    SkipRenew,
    /// What was written before a refusal is not taken back.
    SkipUndo,
    /// A rollback leaves the local database as it was decided.
    KeepLocal,
}

impl Mutation {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::SkipIntent,
        Self::ForgetJoin,
        Self::TrustAbsence,
        Self::DropGuard,
        Self::CompareSent,
        Self::SkipFind,
        Self::UnguardedSave,
        Self::ForgetOwed,
        Self::DropConflict,
        Self::SkipReceipt,
        Self::ForeignKey,
        Self::VectorBack,
        Self::WrongParent,
        Self::ForgetChange,
        Self::DoubleCreate,
        Self::BelieveStale,
        Self::SkipRenew,
        Self::SkipUndo,
        Self::KeepLocal,
    ];
}

#[cfg(feature = "mutation")]
thread_local! {
    static ON: std::cell::Cell<Option<Mutation>> = const { std::cell::Cell::new(None) };
}

/// Switches a bug on for this thread, and any other off.
#[cfg(feature = "mutation")]
pub fn set(mutation: Option<Mutation>) {
    ON.set(mutation);
}

/// Whether a bug is on.
#[cfg(feature = "mutation")]
pub(crate) fn is_on(mutation: Mutation) -> bool {
    ON.get() == Some(mutation)
}

/// Whether a bug is on: never.
#[cfg(not(feature = "mutation"))]
pub(crate) const fn is_on(_: Mutation) -> bool {
    false
}
