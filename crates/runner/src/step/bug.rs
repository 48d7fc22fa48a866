//! Where deliberate bugs bend what the step decided; does nothing unless the simulation asks for it.

use std::borrow::Cow;

use engine::{Decision, PlannedWrite};
use model::{
    Action, ConflictState, Entity, Observation, Record, Sighting, System, Timestamp, Write,
    WriteResult,
};
use store::Change;

use super::Batch;
use crate::mutation::{Mutation, is_on};

/// Bends a decision.
pub(super) fn bend(before: &Entity, decision: &mut Decision) {
    if is_on(Mutation::DropConflict)
        && decision
            .conflict
            .as_ref()
            .is_some_and(|conflict| conflict.state == ConflictState::Resolved)
    {
        decision.conflict = None;
    }
    if is_on(Mutation::ForgetOwed) {
        for replica in decision.entity.replicas.values_mut() {
            replica.owed.clear();
        }
    }
    let old = before.replica(System::Local);
    let Some((old, local)) = old.zip(decision.entity.replicas.get_mut(&System::Local)) else {
        return;
    };
    if is_on(Mutation::ForgetJoin) && local.vector != old.vector {
        local.vector = old.vector.clone().incremented(System::Local);
    }
    if is_on(Mutation::ForgetChange) {
        local.record = old.record.clone();
    }
}

/// Dates what was seen as if it had just been written.
pub(super) fn date(observations: &mut [Observation], now: Timestamp) {
    for observation in observations
        .iter_mut()
        .filter(|_| is_on(Mutation::BelieveStale))
    {
        if let Sighting::Present(record) = &mut observation.sighting {
            record.edited_at = Some(now.plus_ms(1_000_000));
        }
    }
}

/// Takes the revisions of somebody else's saves over, so that they are overwritten.
pub(super) async fn overwrite(
    batch: &mut Batch<'_>,
    changes: &mut [Change],
) -> Result<(), store::Error> {
    for change in changes {
        if let Change::SaveEntity(entity) = change
            && let Some(stored) = batch.world.store.entity(&entity.id).await?
        {
            let revision = stored.revision;
            entity.revision = revision;
            if let Some(kept) = batch.entities.get_mut(&entity.id) {
                kept.revision = revision + 1;
            }
        }
    }
    Ok(())
}

/// Bends a write before it is sent.
pub(super) fn spoil(write: &mut Write) {
    if is_on(Mutation::DropGuard) {
        write.expected = None;
    }
    if is_on(Mutation::WrongParent) {
        write.parent = None;
    }
    if is_on(Mutation::ForeignKey) && write.action == Action::Create {
        write.key = model::CreateKey(write.reason.clone());
    }
}

/// Loses the intents among changes.
pub(super) fn lose_intents(changes: &mut Vec<Change>) {
    if is_on(Mutation::SkipIntent) {
        changes.retain(|change| !matches!(change, Change::OpenIntent(_)));
    }
}

/// The answer as a careless reader takes it.
pub(super) fn reread<'a>(planned: &PlannedWrite, result: &'a WriteResult) -> Cow<'a, WriteResult> {
    if !is_on(Mutation::CompareSent) {
        return Cow::Borrowed(result);
    }
    let mut result = result.clone();
    result.record = Record {
        edited_at: result.record.edited_at,
        ..planned.record.clone()
    };
    Cow::Owned(result)
}

/// Sets the vector of a target back after a write.
pub(super) fn forget(entity: &mut Entity, system: System) {
    if is_on(Mutation::VectorBack)
        && let Some(replica) = entity.replicas.get_mut(&system)
    {
        replica.vector = model::VersionVector::new();
    }
}

/// Leaves the local copy as it was decided when the rest is rolled back.
pub(super) fn keep_local(present: &Entity, restored: &mut Entity) {
    if is_on(Mutation::KeepLocal)
        && let Some(local) = present.replica(System::Local)
    {
        restored.replicas.insert(System::Local, local.clone());
    }
}
