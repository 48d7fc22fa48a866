//! SQLite, run inline: no thread, no waiting but for the disk, so that a simulation of its callers is exact.
//!
//! A file has one connection for writes and one for reads; a database in memory has one for both.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags, ffi};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::error::{Error, Result};
use crate::sql::Sql;
use crate::value::{Row, Value};

/// How long a connection waits for another process's lock.
const BUSY: Duration = Duration::from_secs(5);
/// More than there are statements.
const CACHED_STATEMENTS: usize = 256;

/// What a statement about many rows reads: opening tables and cursors once for all of them is half of the work. It is
/// in memory and each connection has its own.
const GIVEN_TABLE: &str = "CREATE TEMP TABLE given (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x)";
/// Fills it from rows of up to [`FEW`] columns, and from longer ones.
const GIVE_FEW: &str = "INSERT INTO temp.given (a, b, c, d, e, f) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const GIVE_MANY: &str = "INSERT INTO temp.given VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, \
    ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24)";
const FEW: usize = 6;

/// An open file or a database in memory.
pub(crate) struct Database {
    writer: Arc<Mutex<Connection>>,
    reader: Arc<Mutex<Connection>>,
}

impl Database {
    /// Opens `path`, or makes it; `:memory:` opens an empty database that nobody else sees.
    pub(crate) fn open(path: &str) -> Result<Self> {
        if path.is_empty() {
            return Err(Error::Address("sqlite:".to_owned()));
        }
        let writer = connect(path)?;
        // WAL and the rights of the file show at the first write; better now than in the middle of work.
        writer
            .execute_batch("BEGIN IMMEDIATE; ROLLBACK")
            .map_err(|error| opening(path, &error))?;
        let writer = Arc::new(Mutex::new(writer));
        let reader = if path == ":memory:" {
            Arc::clone(&writer)
        } else {
            let reader = connect(path)?;
            reader
                .pragma_update(None, "query_only", true)
                .map_err(|error| opening(path, &error))?;
            Arc::new(Mutex::new(reader))
        };
        Ok(Self { writer, reader })
    }

    pub(crate) async fn reader(&self) -> Session {
        Session {
            connection: Arc::clone(&self.reader).lock_owned().await,
            is_open: false,
        }
    }

    /// The connection for writes, without a transaction.
    pub(crate) async fn maintainer(&self) -> Session {
        Session {
            connection: Arc::clone(&self.writer).lock_owned().await,
            is_open: false,
        }
    }

    pub(crate) async fn writer(&self) -> Result<Session> {
        let connection = Arc::clone(&self.writer).lock_owned().await;
        connection
            .prepare_cached("BEGIN IMMEDIATE")
            .and_then(|mut begin| begin.raw_execute())
            .map_err(|error| translate("meta", &error))?;
        Ok(Session {
            connection,
            is_open: true,
        })
    }
}

fn connect(path: &str) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let folder = Path::new(path).parent();
    if let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty())
        && !folder.is_dir()
    {
        let text = format!("the folder {} does not exist", folder.display());
        return Err(Error::Unavailable(text));
    }
    let connection =
        Connection::open_with_flags(path, flags).map_err(|error| opening(path, &error))?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    settings(&connection).map_err(|error| opening(path, &error))?;
    Ok(connection)
}

/// The schema version of a file and what its check finds, by a connection that cannot write.
pub(crate) fn inspect(path: &Path) -> Result<(i64, Vec<String>)> {
    let name = path.display().to_string();
    let look = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        let version: String = connection.query_row(
            "SELECT value FROM meta WHERE name = 'schema_version'",
            [],
            |row| row.get(0),
        )?;
        Ok((version.parse().unwrap_or(0), findings(&connection)?))
    };
    look().map_err(|error: rusqlite::Error| opening(&name, &error))
}

/// The schema version of a file; `None` when it has no schema.
pub(crate) fn version_of(path: &Path) -> Result<Option<i64>> {
    let name = path.display().to_string();
    let opened = || {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(BUSY)?;
        let tables: i64 = connection.query_row(
            "SELECT count(*) FROM sqlite_master WHERE name = 'meta'",
            [],
            |row| row.get(0),
        )?;
        if tables == 0 {
            return Ok(None);
        }
        let sql = "SELECT CAST(max(value) AS INTEGER) FROM meta WHERE name = 'schema_version'";
        connection.query_row(sql, [], |row| row.get(0))
    };
    opened().map_err(|error: rusqlite::Error| opening(&name, &error))
}

/// Copies a file consistently, with what stands in its log.
pub(crate) fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let name = to.display().to_string();
    let copy = || {
        let connection = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(BUSY)?;
        connection.execute("VACUUM INTO ?1", [&name]).map(|_| ())
    };
    copy().map_err(|error: rusqlite::Error| opening(&name, &error))?;
    std::fs::File::open(to)
        .and_then(|file| file.sync_all())
        .map_err(|error| Error::Unavailable(format!("{name}: {error}")))
}

fn findings(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut findings = Vec::new();
    for pragma in ["PRAGMA integrity_check", "PRAGMA foreign_key_check"] {
        let mut statement = connection.prepare(pragma)?;
        let texts = statement.query_map([], |row| row.get::<_, String>(0))?;
        for text in texts {
            findings.push(text?);
        }
    }
    findings.retain(|text| text != "ok");
    Ok(findings)
}

fn settings(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    // Counts for a new file only: free pages can then be given back in small steps.
    connection.pragma_update(None, "auto_vacuum", "incremental")?;
    // Answers with the mode that it got: `memory` for a database in memory.
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    // An intent lost in a power cut is a duplicate post (design section 11, rule 8).
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Plans do not depend on what is bound, and no statement is prepared again for it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // 16 MB: a busy queue writes the same pages again and again, and each checkpoint waits for the disk twice.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "cache_size", -16_000)?;
    connection.execute_batch(GIVEN_TABLE)
}

/// A connection, taken until it is dropped; an open transaction is then rolled back.
pub(crate) struct Session {
    connection: OwnedMutexGuard<Connection>,
    is_open: bool,
}

impl Session {
    fn statement(&self, sql: &'static Sql, values: &[Value]) -> Result<CachedStatement<'_>> {
        let bound = || {
            let mut statement = self.connection.prepare_cached(sql.sqlite())?;
            for (index, value) in values.iter().enumerate() {
                statement.raw_bind_parameter(index + 1, value)?;
            }
            Ok(statement)
        };
        let statement = bound().map_err(|error| named(sql, &error))?;
        if statement.parameter_count() == values.len() {
            Ok(statement)
        } else {
            Err(Error::Bug(format!(
                "{}.{} takes {} parameters",
                sql.table,
                sql.name,
                statement.parameter_count()
            )))
        }
    }

    pub(crate) fn execute(&mut self, sql: &'static Sql, values: &[Value]) -> Result<u64> {
        let changed = self
            .statement(sql, values)?
            .raw_execute()
            .map_err(|error| named(sql, &error))?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    pub(crate) fn query(&mut self, sql: &'static Sql, values: &[Value]) -> Result<Vec<Row>> {
        let mut statement = self.statement(sql, values)?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(|error| named(sql, &error))? {
            all.push(read_row(sql, row, columns)?);
        }
        Ok(all)
    }

    /// Runs a statement for each row, after the shared values; returns all rows that came out. A statement that
    /// takes fewer values gets the first ones; one that reads `given` runs once, and gets the shared values.
    pub(crate) fn many(
        &mut self,
        sql: &'static Sql,
        shared: &[Value],
        rows: &[Vec<Value>],
    ) -> Result<Vec<Row>> {
        if !sql.reads_given() {
            return self.each(sql, shared, rows);
        }
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        self.give(rows)
            .map_err(|error| translate("given", &error))?;
        self.query(sql, shared)
    }

    /// Puts rows into the table `given`, in place of what was there.
    fn give(&mut self, rows: &[Vec<Value>]) -> rusqlite::Result<()> {
        let mut empty = self.connection.prepare_cached("DELETE FROM temp.given")?;
        empty.raw_execute()?;
        let is_short = rows.iter().all(|row| row.len() <= FEW);
        let sql = if is_short { GIVE_FEW } else { GIVE_MANY };
        let mut insert = self.connection.prepare_cached(sql)?;
        for row in rows {
            for (index, value) in row.iter().enumerate() {
                insert.raw_bind_parameter(index + 1, value)?;
            }
            insert.raw_execute()?;
        }
        Ok(())
    }

    fn each(
        &mut self,
        sql: &'static Sql,
        shared: &[Value],
        rows: &[Vec<Value>],
    ) -> Result<Vec<Row>> {
        let mut statement = self
            .connection
            .prepare_cached(sql.sqlite())
            .map_err(|error| named(sql, &error))?;
        let columns = statement.column_count();
        let takes = statement.parameter_count();
        let mut all = Vec::new();
        for row in rows {
            for (index, value) in shared.iter().chain(row).take(takes).enumerate() {
                statement
                    .raw_bind_parameter(index + 1, value)
                    .map_err(|error| named(sql, &error))?;
            }
            let mut found = statement.raw_query();
            while let Some(row) = found.next().map_err(|error| named(sql, &error))? {
                all.push(read_row(sql, row, columns)?);
            }
        }
        Ok(all)
    }

    /// Whether SQLite has ended the transaction by itself, as it does after some errors.
    pub(crate) fn is_broken_off(&self) -> bool {
        self.connection.is_autocommit()
    }

    pub(crate) fn script(&mut self, text: &str) -> Result<()> {
        self.connection
            .execute_batch(text)
            .map_err(|error| translate("meta", &error))
    }

    pub(crate) fn prepare(&mut self, sql: &'static Sql) -> Result<()> {
        self.connection
            .prepare_cached(sql.sqlite())
            .map(|_| ())
            .map_err(|error| named(sql, &error))
    }

    pub(crate) fn commit(mut self) -> Result<()> {
        self.connection
            .prepare_cached("COMMIT")
            .and_then(|mut commit| commit.raw_execute())
            .map_err(|error| translate("entity", &error))?;
        self.is_open = false;
        Ok(())
    }

    /// A copy of the whole database as of now, into a new file.
    pub(crate) fn copy_to(&mut self, path: &str) -> Result<()> {
        let copy = |connection: &Connection| {
            // A connection for reads may not even write elsewhere.
            let is_reader: bool =
                connection.pragma_query_value(None, "query_only", |row| row.get(0))?;
            connection.pragma_update(None, "query_only", false)?;
            let copied = connection.execute("VACUUM INTO ?1", [path]);
            connection.pragma_update(None, "query_only", is_reader)?;
            copied
        };
        copy(&self.connection)
            .map(|_| ())
            .map_err(|error| opening(path, &error))
    }

    /// Renews the planner's figures and gives free pages back to the disk; returns how many pages.
    pub(crate) fn tidy(&mut self, pages: u32) -> Result<u64> {
        let free = |connection: &Connection| -> rusqlite::Result<i64> {
            connection.pragma_query_value(None, "freelist_count", |row| row.get(0))
        };
        let steps = |connection: &Connection| {
            let before = free(connection)?;
            connection.execute_batch("PRAGMA analysis_limit = 400; PRAGMA optimize")?;
            // Each step of this one gives back one page.
            let mut give_back =
                connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
            let mut rows = give_back.raw_query();
            while rows.next()?.is_some() {}
            let freed = before.saturating_sub(free(connection)?);
            Ok(u64::try_from(freed).unwrap_or(0))
        };
        steps(&self.connection).map_err(|error| translate("meta", &error))
    }

    /// What SQLite's own check finds; empty when all is well.
    pub(crate) fn check(&mut self) -> Result<Vec<String>> {
        findings(&self.connection).map_err(|error| translate("meta", &error))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // After some errors SQLite has rolled back by itself.
        if self.is_open
            && !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(error = %error, "a transaction could not be rolled back");
        }
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

fn read_row(sql: &'static Sql, row: &rusqlite::Row<'_>, columns: usize) -> Result<Row> {
    let mut values = Vec::with_capacity(columns);
    for column in 0..columns {
        let value = row.get_ref(column).map_err(|error| named(sql, &error))?;
        values.push(read(sql, value)?);
    }
    Ok(Row::new(sql.table, values))
}

fn read(sql: &'static Sql, value: ValueRef<'_>) -> Result<Value> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Integer(number)),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(_) => Err(Error::Damaged(format!(
                "table {} holds text that is not UTF-8",
                sql.table
            ))),
        },
        ValueRef::Real(_) | ValueRef::Blob(_) => Err(Error::Bug(format!(
            "{}.{} returns a column that is neither text nor integer",
            sql.table, sql.name
        ))),
    }
}

fn named(sql: &'static Sql, error: &rusqlite::Error) -> Error {
    match translate(sql.table, error) {
        Error::Bug(text) => Error::Bug(format!("{}.{}: {text}", sql.table, sql.name)),
        other => other,
    }
}

fn opening(path: &str, error: &rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => Error::NotADatabase(path.to_owned()),
        Some(ErrorCode::ReadOnly) => Error::ReadOnly(path.to_owned()),
        Some(ErrorCode::CannotOpen) => Error::Unavailable(format!("{path} cannot be opened")),
        _ => translate("meta", error),
    }
}

/// What an error of SQLite means for a statement about `table`.
fn translate(table: &'static str, error: &rusqlite::Error) -> Error {
    let rusqlite::Error::SqliteFailure(inner, message) = error else {
        return Error::Bug(error.to_string());
    };
    let text = || message.clone().unwrap_or_else(|| inner.to_string());
    match inner.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => {
            return Error::Stale { what: table };
        }
        _ => {}
    }
    match inner.code {
        ErrorCode::DiskFull => Error::Full,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Error::Locked,
        ErrorCode::ReadOnly => Error::ReadOnly(text()),
        ErrorCode::NotADatabase => Error::NotADatabase("the file".to_owned()),
        ErrorCode::DatabaseCorrupt => Error::Damaged(text()),
        ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory => {
            Error::Unavailable(described(&text(), inner))
        }
        _ => Error::Bug(described(&text(), inner)),
    }
}

fn described(text: &str, error: &dyn Display) -> String {
    format!("{text} ({error})")
}

#[cfg(test)]
mod tests;
