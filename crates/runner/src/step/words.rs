//! The words of the history: what was seen and decided, without anybody's text.

use engine::Note;
use model::{Conflict, ConflictState, Entity, Failure, System, system_of_code};
use store::{Change, HistoryEntry, Outcome};

use crate::world::World;

use super::Batch;

pub(super) fn conflict_log(batch: &Batch<'_>, entity: &Entity, conflict: &Conflict) -> Change {
    let fields: Vec<&str> = conflict.fields.iter().map(|field| field.as_str()).collect();
    let what = if fields.is_empty() {
        "a delete met an edit".to_owned()
    } else {
        fields.join(", ")
    };
    let text = match conflict.state {
        ConflictState::Open => format!("Conflict {}: {what}. A person must decide.", conflict.id),
        ConflictState::Resolved => format!(
            "Conflict {}: {what}. Decided by {} ({}).",
            conflict.id,
            conflict.decided_by,
            conflict.strategy.as_str()
        ),
    };
    batch.log(entity, None, "conflict", text)
}

/// The history's words for a note; `None` for notes that the conflict entry tells already.
pub(super) fn words(note: &Note) -> Option<(Option<System>, &'static str, String)> {
    let names = |systems: &[System]| {
        systems
            .iter()
            .map(|system| system.title())
            .collect::<Vec<_>>()
            .join(" and ")
    };
    Some(match note {
        Note::Changed(system, fields) if fields.is_empty() => (
            Some(*system),
            "restored",
            format!("Restored in {}.", system.title()),
        ),
        Note::Changed(system, fields) => {
            let fields: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
            (
                Some(*system),
                "changed",
                format!("Changed in {}: {}.", system.title(), fields.join(", ")),
            )
        }
        Note::Deleted(system) => (
            Some(*system),
            "deleted",
            format!("Deleted in {}.", system.title()),
        ),
        Note::Echo(system) => (
            Some(*system),
            "echo",
            format!(
                "Our own write was found in {} without its receipt.",
                system.title()
            ),
        ),
        Note::Missing(system) => (
            Some(*system),
            "missing",
            format!("Not found in {}; a second look decides.", system.title()),
        ),
        Note::Merged(systems) => (
            None,
            "merged",
            format!(
                "Concurrent changes of {} did not overlap and were put together.",
                names(systems)
            ),
        ),
        Note::Agreed(systems) => (
            None,
            "agreed",
            format!("{} came to the same content.", names(systems)),
        ),
        Note::Withheld(system, reason) => (
            Some(*system),
            "held",
            format!("Not mirrored from {}: {reason}.", system.title()),
        ),
        Note::Decided(_) | Note::Undecided => return None,
    })
}

impl Batch<'_> {
    /// One line of history about an entity.
    pub(crate) fn log(
        &self,
        entity: &Entity,
        system: Option<System>,
        action: &str,
        text: String,
    ) -> Change {
        Change::Log(HistoryEntry {
            id: self.world.id(),
            at: self.world.now(),
            entity: Some(entity.id.clone()),
            course: Some(entity.course.clone()),
            system,
            action: action.to_owned(),
            operation: self
                .operations
                .first()
                .map(|operation| operation.id.clone()),
            text,
            failure: None,
        })
    }

    /// The line of a failure that ended an attempt with `outcome`: with it the errors page counts causes.
    pub(crate) fn log_failure(
        &self,
        entity: &Entity,
        system: Option<System>,
        (outcome, failure): (&Outcome, &Failure),
    ) -> Change {
        let mut change = self.log(entity, system, action_of(outcome), failure.to_string());
        if let Change::Log(entry) = &mut change {
            entry.failure = Some(failure.clone());
        }
        change
    }
}

/// The history's word for a failed attempt.
fn action_of(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Held(_) => "held",
        Outcome::Retry { .. } => "retry",
        Outcome::Failed(_) | Outcome::Completed | Outcome::Cancelled { .. } => "failed",
    }
}

/// The line of a failure that is about no entity we know: a feed, an unknown thread.
pub(crate) fn log_of_system(world: &World, action: &str, failure: &Failure) -> HistoryEntry {
    HistoryEntry {
        id: world.id(),
        at: world.now(),
        entity: None,
        course: None,
        system: system_of_code(&failure.code),
        action: action.to_owned(),
        operation: None,
        text: failure.to_string(),
        failure: Some(failure.clone()),
    }
}
