//! Everything that can be changed, and the one way to change it: a list of changes that happens whole or not at all.

use std::collections::BTreeSet;

use model::{
    Conflict, Digest, Entity, EntityId, Failure, Intent, IntentId, IntentState, OperationId, Step,
    Timestamp, VersionVector,
};

use crate::desk::DeskChange;
use crate::error::{Error, Result};
use crate::operation::{NewOperation, Outcome, Priority};
use crate::record::{HistoryEntry, Isolation, SyncTransaction, TransactionResult};
use crate::session::Session;
use crate::table;
use crate::table::operation::manual;

/// One change of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Stores an entity with its replicas: new at revision zero, else guarded by the revision it was read with.
    /// Releases the operations that wait for it or for one of its replicas.
    SaveEntity(Entity),
    /// Stores an intent before its write leaves the process.
    OpenIntent(Intent),
    /// Closes an open intent.
    CloseIntent {
        /// Which.
        id: IntentId,
        /// Applied or abandoned.
        state: IntentState,
        /// The digest of what came back.
        receipt: Option<Digest>,
        /// Now.
        at: Timestamp,
    },
    /// Stores a conflict, new or changed.
    SaveConflict(Conflict),
    /// Queues an operation, or adds its reason to the one of the same subject that waits already.
    Enqueue(NewOperation),
    /// Queues an operation that the holder of its batch key runs at once.
    Start {
        /// The operation.
        operation: NewOperation,
        /// Who runs it: the holder of the batch key's lease.
        owner: String,
        /// Until when.
        lease_until: Timestamp,
    },
    /// Makes a running operation that of another subject, whose batch key must be free or the owner's.
    Retarget {
        /// The running operation.
        operation: OperationId,
        /// Who runs it.
        owner: String,
        /// The new subject.
        subject: String,
        /// The entity it is about.
        entity: EntityId,
        /// The new batch key.
        batch_key: String,
    },
    /// Ends a run of an operation.
    Finish {
        /// The running operation.
        operation: OperationId,
        /// Who runs it.
        owner: String,
        /// How it ended.
        outcome: Outcome,
        /// Now.
        at: Timestamp,
    },
    /// By hand: makes a failed, cancelled, held or waiting operation ready now, with a fresh count of attempts.
    Retry {
        /// Which.
        operation: OperationId,
        /// Now.
        at: Timestamp,
    },
    /// By hand: keeps a waiting operation from being run.
    Hold {
        /// Which.
        operation: OperationId,
        /// Who says so.
        who: String,
        /// Why.
        why: String,
        /// Now.
        at: Timestamp,
    },
    /// By hand: lets a held operation run; its reason then has the word `released`.
    Release {
        /// Which.
        operation: OperationId,
        /// Now.
        at: Timestamp,
    },
    /// By hand: ends a waiting or held operation.
    Cancel {
        /// Which.
        operation: OperationId,
        /// Who says so.
        who: String,
        /// Why.
        why: String,
        /// Now.
        at: Timestamp,
    },
    /// By hand: changes the priority of a waiting operation.
    Reprioritise {
        /// Which.
        operation: OperationId,
        /// The new priority.
        priority: Priority,
        /// Now.
        at: Timestamp,
    },
    /// Adds a line to the journal.
    Log(HistoryEntry),
    /// Moves a cursor.
    SetCursor {
        /// Which.
        name: String,
        /// Its new position.
        value: String,
        /// Now.
        at: Timestamp,
    },
    /// Marks a delivery as handled.
    EventDone {
        /// Which.
        id: String,
        /// What came of it: one word.
        result: String,
        /// Now.
        at: Timestamp,
    },
    /// Stops a scope; running work finishes.
    Pause {
        /// `all`, `system:NAME`, `kind:NAME` or `course:ID`.
        scope: String,
        /// Who says so.
        who: String,
        /// Why.
        why: String,
        /// Now.
        at: Timestamp,
    },
    /// Lets a scope go on; nothing happens when it does not rest.
    Resume {
        /// The scope.
        scope: String,
    },
    /// Begins a sync transaction.
    BeginTransaction {
        /// Our id of it.
        id: String,
        /// The operation whose attempt it is.
        operation: OperationId,
        /// The entity.
        entity: EntityId,
        /// The isolation asked for.
        isolation: Isolation,
        /// Now.
        at: Timestamp,
        /// The transaction it is part of.
        parent: Option<String>,
        /// The entity as it was before.
        before: Box<Entity>,
        /// What the local database has seen: the decision that is to be written.
        vector: VersionVector,
    },
    /// Turns a sync transaction back: from here on its steps are undone. Guarded by its going forward.
    TurnBack {
        /// Which.
        id: String,
        /// Why.
        cause: Failure,
    },
    /// Says that a sync transaction cannot be undone by itself; it stays open until a person has looked.
    Stick {
        /// Which.
        id: String,
        /// Why.
        why: Failure,
    },
    /// Adds a line to the log of a sync transaction.
    TransactionStep {
        /// Which transaction.
        transaction: String,
        /// The line.
        step: Step,
    },
    /// A change of the operators' side.
    Desk(DeskChange),
    /// Stores a fact about the database, or removes it.
    SetFact {
        /// Its name.
        name: String,
        /// What it says; `None` removes it.
        value: Option<String>,
    },
    /// Forgets the topics and posts of a course, with their conflicts and what waits for them: they are found again.
    ForgetItems {
        /// The course.
        course: EntityId,
        /// Now.
        at: Timestamp,
    },
    /// Makes one entity of two that are the same item, as [`crate::Store::join_entities`] does.
    Join {
        /// The one that stays, guarded by its revision.
        kept: Box<Entity>,
        /// The one that goes.
        gone: EntityId,
        /// Now.
        at: Timestamp,
    },
    /// Ends a sync transaction; guarded by its being open.
    EndTransaction {
        /// Which.
        id: String,
        /// How.
        result: TransactionResult,
        /// Now.
        at: Timestamp,
    },
}

/// How many wishes are queued by one statement.
const WISHES: usize = 500;

/// Makes changes in their order inside a transaction; wishes that follow each other are queued together.
pub(crate) async fn apply_all(session: &mut Session, changes: &[Change]) -> Result<()> {
    let mut rest = changes;
    while let Some((first, others)) = rest.split_first() {
        let mut wishes: Vec<&NewOperation> = Vec::new();
        let mut subjects = BTreeSet::new();
        for change in rest {
            match change {
                Change::Enqueue(wish)
                    if wish.blocked_on.is_none()
                        && wishes.len() < WISHES
                        && subjects.insert(wish.subject.as_str()) =>
                {
                    wishes.push(wish);
                }
                _ => break,
            }
        }
        if wishes.len() > 1 {
            table::operation::enqueue_all(session, &wishes).await?;
            rest = rest.get(wishes.len()..).unwrap_or_default();
        } else {
            apply(session, first).await?;
            rest = others;
        }
    }
    Ok(())
}

/// Makes one change inside a transaction.
async fn apply(session: &mut Session, change: &Change) -> Result<()> {
    match change {
        Change::SaveEntity(entity) => table::entity::save(session, entity).await,
        Change::OpenIntent(intent) => table::intent::open(session, intent).await,
        Change::CloseIntent {
            id,
            state,
            receipt,
            at,
        } => table::intent::close(session, id, *state, receipt.as_ref(), *at).await,
        Change::SaveConflict(conflict) => table::conflict::save(session, conflict).await,
        Change::Enqueue(_)
        | Change::Start { .. }
        | Change::Retarget { .. }
        | Change::Finish { .. } => apply_to_queue(session, change).await,
        Change::Retry { .. }
        | Change::Hold { .. }
        | Change::Release { .. }
        | Change::Cancel { .. }
        | Change::Reprioritise { .. } => apply_by_hand(session, change).await,
        Change::Log(entry) => table::history::add(session, entry).await,
        Change::Desk(change) => table::desk::apply(session, change).await,
        Change::SetFact { name, value } => {
            table::upkeep::set_fact(session, name, value.as_deref()).await
        }
        Change::ForgetItems { course, at } => {
            table::upkeep::forget_items(session, course, *at).await
        }
        Change::Join { kept, gone, at } => table::upkeep::join(session, kept, gone, *at).await,
        Change::SetCursor { name, value, at } => {
            table::cursor::set(session, name, value, *at).await
        }
        Change::EventDone { id, result, at } => {
            table::webhook_event::finish(session, id, result, *at).await
        }
        Change::Pause {
            scope,
            who,
            why,
            at,
        } => table::pause::set(session, scope, (who, why), *at).await,
        Change::Resume { scope } => table::pause::remove(session, scope).await,
        Change::BeginTransaction { .. }
        | Change::TurnBack { .. }
        | Change::Stick { .. }
        | Change::TransactionStep { .. }
        | Change::EndTransaction { .. } => apply_to_log(session, change).await,
    }
}

/// The changes that runs make to the queue.
async fn apply_to_queue(session: &mut Session, change: &Change) -> Result<()> {
    match change {
        Change::Enqueue(operation) => table::operation::enqueue(session, operation).await,
        Change::Start {
            operation,
            owner,
            lease_until,
        } => table::operation::start(session, operation, owner, *lease_until).await,
        Change::Retarget {
            operation,
            owner,
            subject,
            entity,
            batch_key,
        } => {
            let target = (subject.as_str(), entity, batch_key.as_str());
            table::operation::run::retarget(session, operation, owner, target).await
        }
        Change::Finish {
            operation,
            owner,
            outcome,
            at,
        } => {
            let which = (operation, None);
            table::operation::run::finish(session, which, owner, outcome, *at).await
        }
        _ => Err(misplaced()),
    }
}

/// The changes that operators make to the queue.
async fn apply_by_hand(session: &mut Session, change: &Change) -> Result<()> {
    match change {
        Change::Retry { operation, at } => manual::retry(session, operation, *at).await,
        Change::Hold {
            operation,
            who,
            why,
            at,
        } => manual::hold(session, operation, (who, why), *at).await,
        Change::Release { operation, at } => manual::release(session, operation, *at).await,
        Change::Cancel {
            operation,
            who,
            why,
            at,
        } => manual::cancel(session, operation, (who, why), *at).await,
        Change::Reprioritise {
            operation,
            priority,
            at,
        } => manual::reprioritise(session, operation, *priority, *at).await,
        _ => Err(misplaced()),
    }
}

/// The changes to the log of sync transactions.
async fn apply_to_log(session: &mut Session, change: &Change) -> Result<()> {
    match change {
        Change::BeginTransaction {
            id,
            operation,
            entity,
            isolation,
            at,
            parent,
            before,
            vector,
        } => {
            let transaction = SyncTransaction {
                id: id.clone(),
                operation: operation.clone(),
                entity: entity.clone(),
                parent: parent.clone(),
                isolation: *isolation,
                began_at: *at,
                ended: None,
                steps: Vec::new(),
            };
            table::sync_transaction::begin(session, &transaction, (before, vector)).await
        }
        Change::TurnBack { id, cause } => {
            table::sync_transaction::turn_back(session, id, cause).await
        }
        Change::Stick { id, why } => table::sync_transaction::stick(session, id, why).await,
        Change::TransactionStep { transaction, step } => {
            table::sync_transaction::add_step(session, transaction, step).await
        }
        Change::EndTransaction { id, result, at } => {
            table::sync_transaction::end(session, id, *result, *at).await
        }
        _ => Err(misplaced()),
    }
}

fn misplaced() -> Error {
    Error::Bug("a change was given to the wrong group".to_owned())
}
