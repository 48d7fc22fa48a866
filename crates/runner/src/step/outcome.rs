//! What a failure makes of an operation and of its entity.

use engine::Retry;
use model::{Class, Entity, Failure, Status};
use store::{Change, Operation, Outcome};

use super::{Batch, finish};
use crate::world::World;

/// The change that ends `operation` after `failure`, by class and attempt.
pub(crate) fn failed(batch: &Batch<'_>, operation: &Operation, failure: &Failure) -> Change {
    let outcome = after(batch.world, operation.attempt_count, failure);
    finish(batch.world, batch.owner, &operation.id, outcome)
}

/// What happens after the failure of attempt number `attempt`.
pub(crate) fn after(world: &World, attempt: u32, failure: &Failure) -> Outcome {
    match engine::retry(failure, attempt.max(1), world.jitter()) {
        Retry::After(wait_ms) => Outcome::Retry {
            not_before: world.now().plus_ms(wait_ms),
            failure: failure.clone(),
        },
        Retry::Never => Outcome::Failed(failure.clone()),
        Retry::Hold => Outcome::Held(failure.clone()),
    }
}

/// The entity as operators see it after a failure that ended its operation with `outcome`.
pub(crate) fn mark(mut entity: Entity, outcome: &Outcome, failure: &Failure) -> Entity {
    entity.status = match outcome {
        Outcome::Failed(_) => Status::Failed,
        Outcome::Held(_) => Status::Held,
        Outcome::Retry { .. } | Outcome::Completed | Outcome::Cancelled { .. } => Status::Pending,
    };
    entity.reason = Some(failure.clone());
    entity
}

/// Whether a failure of one write says that other writes to the same system would fail as well.
pub(crate) fn is_systemwide(failure: &Failure) -> bool {
    matches!(failure.class, Class::Throttled | Class::Configuration)
        || (failure.class == Class::Transient && failure.retry_after_ms.is_some())
}
