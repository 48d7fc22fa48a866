//! One connection for a while: plain for reads, or inside a transaction that commits whole or not at all.
//!
//! The only place that chooses between the engines at a statement.

use crate::backend::{postgres, sqlite};
use crate::error::{Error, Result};
use crate::sql::Sql;
use crate::value::{Row, Value};

/// A connection of one of the engines.
pub(crate) enum Session {
    /// Runs inline, without ever waiting for anything but the disk.
    Sqlite(sqlite::Session),
    /// Runs over the network.
    Postgres(Box<postgres::Session>),
}

impl Session {
    /// Runs a statement and returns the number of rows it changed.
    pub(crate) async fn execute(&mut self, sql: &'static Sql, values: &[Value]) -> Result<u64> {
        match self {
            Self::Sqlite(session) => session.execute(sql, values),
            Self::Postgres(session) => session.execute(sql, values).await,
        }
    }

    /// Runs a statement and returns its rows.
    pub(crate) async fn query(&mut self, sql: &'static Sql, values: &[Value]) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite(session) => session.query(sql, values),
            Self::Postgres(session) => session.query(sql, values).await,
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
        match self {
            Self::Sqlite(session) => session.script(text),
            Self::Postgres(session) => session.script(text).await,
        }
    }

    /// Whether the engine understands a statement and its types.
    pub(crate) async fn prepare(&mut self, sql: &'static Sql) -> Result<()> {
        match self {
            Self::Sqlite(session) => session.prepare(sql),
            Self::Postgres(session) => session.prepare(sql).await,
        }
    }

    /// Makes the transaction's work lasting.
    pub(crate) async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(session) => session.commit(),
            Self::Postgres(session) => session.commit().await,
        }
    }

    /// Undoes the transaction's work. Dropping the session does the same.
    pub(crate) async fn roll_back(self) {
        match self {
            Self::Sqlite(session) => drop(session),
            Self::Postgres(session) => session.roll_back().await,
        }
    }
}
