//! The two engines behind one interface: opening, connections, and what an engine's errors mean.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use crate::error::{Error, Result};
use crate::session::{Connection, Session};

/// Which engine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The embedded database: one file, or memory.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

impl Engine {
    /// The stable lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// An open database.
pub(crate) enum Backend {
    Sqlite(sqlite::Database),
    Postgres(Box<postgres::Database>),
}

impl Backend {
    pub(crate) async fn open(url: &str) -> Result<Self> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            return sqlite::Database::open(path).map(Self::Sqlite);
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let database = postgres::Database::open(url).await?;
            return Ok(Self::Postgres(Box::new(database)));
        }
        // The rest of an address may be a secret: only its scheme is named.
        let scheme = url.split_once(':').map_or(url, |(scheme, _)| scheme);
        Err(Error::Address(scheme.chars().take(20).collect()))
    }

    pub(crate) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// A connection for reads that need no transaction.
    pub(crate) async fn reader(&self) -> Result<Session> {
        match self {
            Self::Sqlite(database) => {
                let session = database.reader().await;
                Ok(Session::new(Connection::Sqlite(session)))
            }
            Self::Postgres(database) => {
                let session = Box::new(database.session().await?);
                Ok(Session::new(Connection::Postgres(session)))
            }
        }
    }

    /// A connection that may write, without a transaction.
    pub(crate) async fn maintainer(&self) -> Result<Session> {
        match self {
            Self::Sqlite(database) => {
                let session = database.maintainer().await;
                Ok(Session::new(Connection::Sqlite(session)))
            }
            Self::Postgres(_) => self.reader().await,
        }
    }

    /// A connection with a transaction begun that may write.
    pub(crate) async fn writer(&self) -> Result<Session> {
        match self {
            Self::Sqlite(database) => {
                let session = database.writer().await?;
                Ok(Session::new(Connection::Sqlite(session)))
            }
            Self::Postgres(database) => {
                let session = Box::new(database.transaction().await?);
                Ok(Session::new(Connection::Postgres(session)))
            }
        }
    }

    /// A transaction that is alone in changing the schema.
    pub(crate) async fn schema_writer(&self) -> Result<Session> {
        let mut session = self.writer().await?;
        if let Connection::Postgres(inner) = &mut session.connection {
            inner.lock_schema().await?;
        }
        Ok(session)
    }
}
