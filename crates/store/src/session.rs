//! One connection for a while: plain for reads, or inside a transaction that commits whole or not at all.
//!
//! The only place that chooses between the engines at a statement. It also remembers what the transaction did to the
//! counts of the queue, and whether somebody should be woken for it.

use std::collections::BTreeMap;

use crate::backend::{postgres, sqlite};
use crate::error::{Error, Result};
use crate::operation::{OperationState, Priority};
use crate::record::Isolation;
use crate::sql::Sql;
use crate::table::queue_count;
use crate::value::{Row, Value};

/// A connection of one of the engines.
pub(crate) enum Connection {
    /// Runs inline, without ever waiting for anything but the disk.
    Sqlite(sqlite::Session),
    /// Runs over the network.
    Postgres(Box<postgres::Session>),
}

/// A connection and what its transaction has done so far.
pub(crate) struct Session {
    pub(crate) connection: Connection,
    tally: Tally,
    /// How often the same work has met another transaction and was undone.
    pub(crate) undone: usize,
}

/// What a transaction changes beside its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// By how much the counts of the queue change.
    counts: BTreeMap<(OperationState, Priority), i64>,
    /// How many operations can be claimed that could not before.
    pub(crate) ready: usize,
}

impl Session {
    pub(crate) fn new(connection: Connection) -> Self {
        Self {
            connection,
            tally: Tally::default(),
            undone: 0,
        }
    }

    /// Whether this is SQLite.
    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.connection, Connection::Sqlite(_))
    }

    /// Asks for an isolation, before the first statement.
    pub(crate) fn isolate(&mut self, isolation: Isolation) {
        if let Connection::Postgres(session) = &mut self.connection {
            session.isolate(isolation);
        }
    }

    /// Notes that operations entered or left a state.
    pub(crate) fn count(&mut self, state: OperationState, priority: Priority, change: i64) {
        let count = self.tally.counts.entry((state, priority)).or_insert(0);
        *count = count.saturating_add(change);
    }

    /// Notes that an operation can now be claimed.
    pub(crate) fn made_ready(&mut self) {
        self.tally.ready = self.tally.ready.saturating_add(1);
    }

    /// What the transaction has done so far, to go back to.
    pub(crate) fn tally(&self) -> Tally {
        self.tally.clone()
    }

    /// Goes back to an earlier point, when the rows do.
    pub(crate) fn restore(&mut self, tally: Tally) {
        self.tally = tally;
    }

    /// Runs a statement and returns the number of rows it changed.
    pub(crate) async fn execute(&mut self, sql: &'static Sql, values: &[Value]) -> Result<u64> {
        match &mut self.connection {
            Connection::Sqlite(session) => session.execute(sql, values),
            Connection::Postgres(session) => session.execute(sql, values).await,
        }
    }

    /// Runs a statement and returns its rows.
    pub(crate) async fn query(&mut self, sql: &'static Sql, values: &[Value]) -> Result<Vec<Row>> {
        match &mut self.connection {
            Connection::Sqlite(session) => session.query(sql, values),
            Connection::Postgres(session) => session.query(sql, values).await,
        }
    }

    /// Runs a statement for many rows of parameters, each after the shared ones, and returns all its rows.
    ///
    /// SQLite runs it once for each row; PostgreSQL's text takes each column as an array and runs once.
    pub(crate) async fn many(
        &mut self,
        sql: &'static Sql,
        shared: &[Value],
        rows: &[Vec<Value>],
    ) -> Result<Vec<Row>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        match &mut self.connection {
            Connection::Sqlite(session) => session.many(sql, shared, rows),
            Connection::Postgres(session) => session.many(sql, shared, rows).await,
        }
    }

    /// Runs a statement and returns its first row, if it has one.
    pub(crate) async fn first(
        &mut self,
        sql: &'static Sql,
        values: &[Value],
    ) -> Result<Option<Row>> {
        Ok(self.query(sql, values).await?.into_iter().next())
    }

    /// Runs a guarded write: no row changed means that somebody else was faster.
    pub(crate) async fn guarded(&mut self, sql: &'static Sql, values: &[Value]) -> Result<()> {
        match self.execute(sql, values).await? {
            0 => Err(Error::Stale { what: sql.table }),
            _ => Ok(()),
        }
    }

    /// Runs several statements without parameters: schema and migrations only.
    pub(crate) async fn script(&mut self, text: &str) -> Result<()> {
        match &mut self.connection {
            Connection::Sqlite(session) => session.script(text),
            Connection::Postgres(session) => session.script(text).await,
        }
    }

    /// Whether the engine understands a statement and its types.
    pub(crate) async fn prepare(&mut self, sql: &'static Sql) -> Result<()> {
        match &mut self.connection {
            Connection::Sqlite(session) => session.prepare(sql),
            Connection::Postgres(session) => session.prepare(sql).await,
        }
    }

    /// Makes the transaction's work lasting; returns how many operations it made ready.
    pub(crate) async fn commit(mut self) -> Result<usize> {
        let tally = std::mem::take(&mut self.tally);
        let rows: Vec<Vec<Value>> = tally
            .counts
            .iter()
            .filter(|(_, change)| **change != 0)
            .map(|((state, priority), change)| queue_count::row(*state, *priority, *change))
            .collect();
        if !rows.is_empty() {
            let shard = match &self.connection {
                Connection::Sqlite(_) => 0,
                Connection::Postgres(session) => session.shard(),
            };
            queue_count::add(&mut self, shard, &rows).await?;
        }
        match self.connection {
            Connection::Sqlite(session) => session.commit()?,
            Connection::Postgres(session) => session.commit(tally.ready > 0).await?,
        }
        Ok(tally.ready)
    }

    /// Undoes the transaction's work. Dropping the session does the same.
    pub(crate) async fn roll_back(self) {
        match self.connection {
            Connection::Sqlite(session) => drop(session),
            Connection::Postgres(session) => session.roll_back().await,
        }
    }
}
