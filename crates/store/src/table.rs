//! One module for each table: its statements on top, the functions that run them below. Rows end here; what leaves
//! are the types of `model` and of this crate.

pub(crate) mod attempt;
pub(crate) mod conflict;
pub(crate) mod course_share;
pub(crate) mod cursor;
pub(crate) mod desk;
pub(crate) mod entity;
pub(crate) mod history;
pub(crate) mod intent;
pub(crate) mod lease;
pub(crate) mod node;
pub(crate) mod operation;
pub(crate) mod operation_history;
pub(crate) mod pause;
pub(crate) mod queue_count;
pub(crate) mod replica;
pub(crate) mod sync_transaction;
pub(crate) mod upkeep;
pub(crate) mod webhook_event;
pub(crate) mod worker;

use crate::sql::Sql;

/// Every statement of the crate.
pub(crate) fn statements() -> impl Iterator<Item = &'static Sql> {
    [
        attempt::ALL,
        conflict::ALL,
        course_share::ALL,
        cursor::ALL,
        desk::account::ALL,
        desk::audit::ALL,
        desk::error_group::ALL,
        desk::kept_answer::ALL,
        desk::outbox::ALL,
        desk::overview::ALL,
        desk::search::ALL,
        desk::tally::ALL,
        desk::token::ALL,
        entity::ALL,
        history::ALL,
        intent::ALL,
        lease::ALL,
        node::ALL,
        operation::ALL,
        operation::manual::ALL,
        operation::claim::ALL,
        operation::end::ALL,
        operation::list::ALL,
        operation::recover::ALL,
        operation::run::ALL,
        operation::turn::ALL,
        queue_count::ALL,
        operation_history::ALL,
        pause::ALL,
        replica::ALL,
        crate::schema::ALL,
        sync_transaction::ALL,
        upkeep::ALL,
        webhook_event::ALL,
        worker::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}
