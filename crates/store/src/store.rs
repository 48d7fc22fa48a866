//! The handle that everyone holds: opening, reads, and the commit of changes.

use std::pin::Pin;
use std::sync::Arc;

use model::{
    Conflict, ConflictState, Entity, EntityId, Intent, Kind, OperationId, RemoteId, System,
    Timestamp,
};

use crate::backend::{Backend, Engine};
use crate::bell::Bell;
use crate::change::{self, Change};
use crate::error::{Error, Result};
use crate::group::Group;
use crate::operation::{Attempt, Operation, OperationFilter, OperationState, Pause, QueueCount};
use crate::queue::end;
use crate::record::{
    ConflictFilter, EntityFilter, Event, HistoryEntry, HistoryFilter, Isolation, Prepared,
    StatusCount, SyncTransaction,
};
use crate::schema::{self, Road};
use crate::session::Session;
use crate::table;

/// How often a PostgreSQL transaction that met another one is run again.
const TRIES: usize = 30;

/// A piece of work inside a transaction.
pub(crate) type Work<'s, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 's>>;

/// An open database; clones share it.
#[derive(Clone)]
pub struct Store {
    pub(crate) backend: Arc<Backend>,
    /// Wakes the workers of this process.
    pub(crate) bell: Arc<Bell>,
    /// Commits that wait for SQLite's one writer.
    group: Arc<Group>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("engine", &self.engine())
            .finish_non_exhaustive()
    }
}

/// More courses than one database is for.
const COURSES_MAX: usize = 10_000;

impl Store {
    /// Opens `sqlite:PATH`, `sqlite::memory:` or `postgres://…`, and makes or migrates its schema.
    ///
    /// Refuses a database that a newer program has migrated.
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_by(url, Road::Fresh).await
    }

    /// Like [`Store::open`], but a new database gets its schema by running all migrations: for the test that
    /// compares.
    #[doc(hidden)]
    pub async fn open_by_migrations(url: &str) -> Result<Self> {
        Self::open_by(url, Road::Migrations).await
    }

    async fn open_by(url: &str, road: Road) -> Result<Self> {
        let backend = Backend::open(url).await?;
        let found = schema::prepare(&backend, road).await?;
        tracing::debug!(
            engine = backend.engine().as_str(),
            found,
            newest = schema::newest_version(),
            "the database is open"
        );
        Ok(Self {
            backend: Arc::new(backend),
            bell: Arc::new(Bell::default()),
            group: Arc::new(Group::default()),
        })
    }

    /// Which engine runs.
    pub fn engine(&self) -> Engine {
        self.backend.engine()
    }

    /// The schema version of the database.
    pub async fn schema_version(&self) -> Result<i64> {
        let found = schema::version(&mut self.reader().await?).await?;
        Ok(found.unwrap_or(0))
    }

    pub(crate) async fn reader(&self) -> Result<Session> {
        self.backend.reader().await
    }

    /// Makes all changes in the order given, in one transaction: when one fails, none of them stays.
    ///
    /// [`Error::Stale`] says that a guard missed: somebody else changed it since it was read.
    pub async fn commit(&self, changes: Vec<Change>) -> Result<()> {
        self.commit_at(Isolation::ReadCommitted, changes).await
    }

    /// Like [`Store::commit`], with an isolation. SQLite always gives `serializable`; on PostgreSQL a transaction
    /// that cannot be serialized is run again.
    pub async fn commit_at(&self, isolation: Isolation, changes: Vec<Change>) -> Result<()> {
        let changes = Arc::new(changes);
        self.transact_at(isolation, move |session| {
            let changes = Arc::clone(&changes);
            Box::pin(async move { change::apply_all(session, &changes).await })
        })
        .await
    }

    /// Runs work in a transaction of its own; on PostgreSQL again when it met another one, on SQLite together with
    /// whatever else waits to be written, so that one wait for the disk serves all of it.
    pub(crate) async fn transact<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'s> Fn(&'s mut Session) -> Work<'s, T> + Send + 'static,
    {
        self.transact_at(Isolation::ReadCommitted, work).await
    }

    async fn transact_at<T, F>(&self, isolation: Isolation, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'s> Fn(&'s mut Session) -> Work<'s, T> + Send + 'static,
    {
        if self.engine() == Engine::Sqlite {
            let (result, ready) = self.group.run(&self.backend, work).await;
            self.bell.ring_any(ready);
            return result;
        }
        let mut tried = 0;
        loop {
            let result = self.try_transact(&work, (isolation, tried)).await;
            tried += 1;
            if !matches!(result, Err(Error::Locked)) || tried >= TRIES {
                return result;
            }
        }
    }

    async fn try_transact<T, F>(
        &self,
        work: &F,
        (isolation, undone): (Isolation, usize),
    ) -> Result<T>
    where
        T: Send + 'static,
        F: for<'s> Fn(&'s mut Session) -> Work<'s, T> + Send,
    {
        let mut session = self.backend.writer().await?;
        session.undone = undone;
        session.isolate(isolation);
        let result = work(&mut session).await;
        end(session, result).await
    }

    /// An entity with its replicas.
    pub async fn entity(&self, id: &EntityId) -> Result<Option<Entity>> {
        table::entity::by_id(&mut self.reader().await?, id).await
    }

    /// The entity that has this id in a system.
    pub async fn entity_by_remote(
        &self,
        system: System,
        kind: Kind,
        remote: &RemoteId,
    ) -> Result<Option<Entity>> {
        table::entity::by_remote(&mut self.reader().await?, system, kind, remote).await
    }

    /// The course that has this id in a system.
    pub async fn course_by_remote(
        &self,
        system: System,
        remote: &RemoteId,
    ) -> Result<Option<Entity>> {
        self.entity_by_remote(system, Kind::Course, remote).await
    }

    /// The entities of a kind that have these ids in a system, in the order of their own ids.
    pub async fn entities_by_remotes(
        &self,
        system: System,
        kind: Kind,
        remotes: &[RemoteId],
    ) -> Result<Vec<Entity>> {
        table::entity::by_remotes(&mut self.reader().await?, system, kind, remotes).await
    }

    /// A topic, then its posts by the time they were first seen.
    pub async fn thread(&self, topic: &EntityId) -> Result<Vec<Entity>> {
        table::entity::thread(&mut self.reader().await?, topic).await
    }

    /// A page of entities in the order of their ids.
    pub async fn entities(&self, filter: &EntityFilter) -> Result<Vec<Entity>> {
        table::entity::page(&mut self.reader().await?, filter).await
    }

    /// All courses, whether or not the configuration still has them.
    pub async fn courses(&self) -> Result<Vec<Entity>> {
        let filter = EntityFilter {
            kind: Some(Kind::Course),
            limit: COURSES_MAX,
            ..EntityFilter::default()
        };
        self.entities(&filter).await
    }

    /// How many entities something holds: the posts of a topic, the topics of a course.
    pub async fn child_count(&self, container: &EntityId) -> Result<u64> {
        table::entity::children(&mut self.reader().await?, container).await
    }

    /// How many topics and posts a course has.
    pub async fn items_in_course(&self, course: &EntityId) -> Result<u64> {
        table::entity::items(&mut self.reader().await?, course).await
    }

    /// How many entities of each kind have each status.
    pub async fn entity_status_counts(&self) -> Result<Vec<StatusCount>> {
        table::entity::status_counts(&mut self.reader().await?).await
    }

    /// The open intents of some entities, oldest first.
    pub async fn open_intents(&self, entities: &[EntityId]) -> Result<Vec<Intent>> {
        table::intent::open_of(&mut self.reader().await?, entities).await
    }

    /// A conflict.
    pub async fn conflict(&self, id: &str) -> Result<Option<Conflict>> {
        table::conflict::by_id(&mut self.reader().await?, id).await
    }

    /// A page of conflicts, newest first.
    pub async fn conflicts(&self, filter: &ConflictFilter) -> Result<Vec<Conflict>> {
        table::conflict::page(&mut self.reader().await?, filter).await
    }

    /// The newest open conflict of an entity.
    pub async fn open_conflict(&self, entity: &EntityId) -> Result<Option<Conflict>> {
        let filter = ConflictFilter {
            state: Some(ConflictState::Open),
            entity: Some(entity.clone()),
            before: None,
            limit: 1,
        };
        Ok(self.conflicts(&filter).await?.into_iter().next())
    }

    /// An operation, ended or not.
    pub async fn operation(&self, id: &OperationId) -> Result<Option<Operation>> {
        let mut session = self.reader().await?;
        // What moves while we look moves to the history, as a rule: so it is looked at last, and then once more.
        if let Some(operation) = table::operation::list::by_id(&mut session, id).await? {
            return Ok(Some(operation));
        }
        if let Some(operation) = table::operation_history::by_id(&mut session, id).await? {
            return Ok(Some(operation));
        }
        table::operation::list::by_id(&mut session, id).await
    }

    /// A page of operations, ended or not, newest first.
    pub async fn operations(&self, filter: &OperationFilter) -> Result<Vec<Operation>> {
        let mut session = self.reader().await?;
        let is_hot = filter.state.is_none_or(is_unended);
        let is_ended = filter.state.is_none_or(|state| !is_unended(state));
        let mut operations = Vec::new();
        if is_hot {
            operations = table::operation::list::page(&mut session, filter).await?;
        }
        if is_ended {
            operations.extend(table::operation_history::page(&mut session, filter).await?);
        }
        // One that ended between the two looks is in both.
        operations.sort_by(|a, b| b.id.cmp(&a.id));
        operations.dedup_by(|a, b| a.id == b.id);
        operations.truncate(filter.limit);
        Ok(operations)
    }

    /// The runs of an operation, first one first.
    pub async fn attempts(&self, operation: &OperationId) -> Result<Vec<Attempt>> {
        table::attempt::of_operation(&mut self.reader().await?, operation).await
    }

    /// The subjects that wait under a batch key, with the time until which they wait.
    pub async fn waiting_subjects(&self, batch_key: &str) -> Result<Vec<(String, Timestamp)>> {
        table::operation::list::waiting_subjects(&mut self.reader().await?, batch_key).await
    }

    /// How many operations wait, run, are held or have failed, by priority. The numbers are kept where operations
    /// move, not counted here.
    pub async fn queue_counts(&self) -> Result<Vec<QueueCount>> {
        let mut session = self.reader().await?;
        let mut counts = Vec::new();
        for (state, priority, count) in table::queue_count::sums(&mut session).await? {
            let oldest = if state == OperationState::Failed {
                table::operation_history::oldest_failed(&mut session, priority).await?
            } else {
                table::operation::list::oldest(&mut session, state, priority).await?
            };
            // What ends between the two looks is not there any more.
            counts.extend(oldest.map(|oldest| QueueCount {
                state,
                priority,
                count,
                oldest,
            }));
        }
        Ok(counts)
    }

    /// A page of the journal, newest first.
    pub async fn history(&self, filter: &HistoryFilter) -> Result<Vec<HistoryEntry>> {
        table::history::page(&mut self.reader().await?, filter).await
    }

    /// How many deletes we wrote in a course since a time: journal entries with the action `delete`.
    pub async fn deletes_since(&self, course: &EntityId, since: Timestamp) -> Result<u64> {
        table::history::deletes_since(&mut self.reader().await?, course, since).await
    }

    /// The sync transactions of an entity with their logs, oldest first.
    pub async fn transactions(&self, entity: &EntityId) -> Result<Vec<SyncTransaction>> {
        table::sync_transaction::of_entity(&mut self.reader().await?, entity).await
    }

    /// The sync transactions of some entities that have not ended, with their logs.
    pub async fn prepared(&self, entities: &[EntityId]) -> Result<Vec<Prepared>> {
        table::sync_transaction::prepared_of(&mut self.reader().await?, entities).await
    }

    /// The position of a cursor; `None` before its first move.
    pub async fn cursor(&self, name: &str) -> Result<Option<String>> {
        table::cursor::get(&mut self.reader().await?, name).await
    }

    /// The deliveries that wait to be handled, oldest first.
    pub async fn events(&self, limit: usize) -> Result<Vec<Event>> {
        table::webhook_event::waiting(&mut self.reader().await?, limit).await
    }

    /// What rests.
    pub async fn pauses(&self) -> Result<Vec<Pause>> {
        table::pause::list(&mut self.reader().await?).await
    }
}

fn is_unended(state: OperationState) -> bool {
    match state {
        OperationState::Pending | OperationState::InProgress | OperationState::Held => true,
        OperationState::Completed | OperationState::Failed | OperationState::Cancelled => false,
    }
}
