//! Limits that stop writes before they do harm (`ux.md` section 9).

use model::{Class, Entity, Failure, Status};

/// The numbers of the guards of one course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// This many deletes of ours per hour and course are never stopped.
    pub deletes_min: u64,
    /// Beyond `deletes_min`: this share of the course's items, in percent.
    pub deletes_percent: u64,
    /// How often we may rewrite the same item within the edit window.
    pub edits_max: u64,
    /// The edit window in milliseconds.
    pub edits_window_ms: i64,
    /// So many posts of a thread that go at once and leave none are a thread that was emptied; zero for never.
    pub empty_min: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deletes_min: 20,
            deletes_percent: 2,
            edits_max: 3,
            edits_window_ms: 600_000,
            empty_min: 5,
        }
    }
}

/// A guard that stopped a write.
pub type Trip = Failure;

/// Stops a delete when the course has used up its budget: `deleted` of ours within the last hour, of `items`.
pub fn check_deletes(limits: &Limits, deleted: u64, items: u64) -> Result<(), Trip> {
    let share = items.saturating_mul(limits.deletes_percent) / 100;
    let budget = limits.deletes_min.max(share);
    if deleted < budget {
        return Ok(());
    }
    Err(Failure::new(
        "SYNC-5003",
        Class::Guard,
        format!(
            "The delete budget of this course is used up: {deleted} of {budget} in the last hour."
        ),
        "Look at what was deleted; release the operation to go on.",
    ))
}

/// Stops the deletes of a thread that is suddenly empty on one side: `going` posts are to be deleted, `left` are still
/// there.
pub fn check_empty(limits: &Limits, going: u64, left: u64) -> Result<(), Trip> {
    if limits.empty_min == 0 || going < limits.empty_min || left > 0 {
        return Ok(());
    }
    Err(Failure::new(
        "SYNC-5010",
        Class::Guard,
        format!("All {going} posts of this thread are gone on the other side at once."),
        "Look whether they were meant to go; release the operations to delete them here too.",
    ))
}

/// The code of an item that was rewritten too often.
const EDIT_STORM: &str = "SYNC-5004";

/// Whether what holds a topic holds its whole thread too: all but an edit storm, which says nothing of the posts.
pub fn holds_thread(topic: &Entity) -> bool {
    let is_storm = |reason: &Failure| reason.code == EDIT_STORM;
    topic.status == Status::Held && !topic.reason.as_ref().is_some_and(is_storm)
}

/// Stops an edit when we have rewritten the same item too often: two editors, or a loop.
pub fn check_edits(limits: &Limits, edits: u64) -> Result<(), Trip> {
    if edits <= limits.edits_max {
        return Ok(());
    }
    Err(Failure::new(
        EDIT_STORM,
        Class::Guard,
        format!(
            "This item was rewritten {edits} times in {} minutes: an edit storm or a loop.",
            limits.edits_window_ms / 60_000
        ),
        "Look at the history of both sides; release the operation to go on.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_of_count_and_share_is_the_budget() {
        let limits = Limits::default();
        assert!(check_deletes(&limits, 19, 100).is_ok());
        assert!(check_deletes(&limits, 20, 100).is_err());
        assert!(check_deletes(&limits, 99, 5_000).is_ok());
        assert!(check_deletes(&limits, 100, 5_000).is_err());
        let closed = Limits {
            deletes_min: 0,
            deletes_percent: 0,
            ..limits
        };
        assert!(check_deletes(&closed, 0, 100).is_err());
    }

    #[test]
    fn a_thread_that_is_suddenly_empty_is_stopped() {
        let limits = Limits::default();
        assert!(check_empty(&limits, 5, 0).is_err());
        assert!(check_empty(&limits, 5, 1).is_ok());
        assert!(check_empty(&limits, 4, 0).is_ok());
        let off = Limits {
            empty_min: 0,
            ..limits
        };
        assert!(check_empty(&off, 500, 0).is_ok());
    }

    #[test]
    fn the_fourth_rewrite_is_stopped() {
        let limits = Limits::default();
        assert!(check_edits(&limits, 3).is_ok());
        assert!(check_edits(&limits, 4).is_err());
    }
}
