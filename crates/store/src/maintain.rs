//! Care for the database as a whole: checks and copies.

use std::path::Path;

use crate::backend::Engine;
use crate::error::{Error, Result};
use crate::session::Connection;
use crate::store::Store;
use crate::table;

impl Store {
    /// What the engine's own check finds wrong; empty when all is well. PostgreSQL checks itself and answers at once.
    pub async fn integrity(&self) -> Result<Vec<String>> {
        match &mut self.reader().await?.connection {
            Connection::Sqlite(session) => session.check(),
            Connection::Postgres(_) => Ok(Vec::new()),
        }
    }

    /// What a database file that nobody serves says of itself, without changing it: its schema version, and what its own
    /// check finds wrong. SQLite only.
    pub fn inspect(path: &Path) -> Result<(i64, Vec<String>)> {
        crate::backend::sqlite::inspect(path)
    }

    /// The schema version of a database file; `None` for one that has none yet. SQLite only.
    pub fn file_version(path: &Path) -> Result<Option<i64>> {
        crate::backend::sqlite::version_of(path)
    }

    /// A consistent copy of a database file as it is, whatever its schema. SQLite only.
    pub fn copy_file(from: &Path, to: &Path) -> Result<()> {
        crate::backend::sqlite::copy_file(from, to)
    }

    /// One small step of the engine's own care: fresh figures for its planner, and at most `pages` free pages given
    /// back. Returns how many were.
    ///
    /// PostgreSQL's autovacuum does both by itself; there it only renews the figures of the queue.
    pub async fn tidy(&self, pages: u32) -> Result<u64> {
        match &mut self.backend.maintainer().await?.connection {
            Connection::Sqlite(session) => session.tidy(pages),
            Connection::Postgres(session) => {
                session
                    .script("ANALYZE operation; ANALYZE operation_history; ANALYZE history")
                    .await?;
                Ok(0)
            }
        }
    }

    /// Writes a consistent copy of the database as of now into a new file, while work goes on. SQLite only.
    pub async fn backup_to(&self, path: &Path) -> Result<()> {
        if self.engine() == Engine::Postgres {
            return Err(Error::Unsupported(
                "a PostgreSQL database is backed up with its own tools (pg_dump)",
            ));
        }
        if path.exists() {
            let text = format!("{} exists already", path.display());
            return Err(Error::Unavailable(text));
        }
        let name = path
            .to_str()
            .ok_or_else(|| Error::Address(path.display().to_string()))?;
        if let Connection::Sqlite(session) = &mut self.reader().await?.connection {
            session.copy_to(name)?;
        }
        // The copy is worth nothing before it is on the disk.
        std::fs::File::open(path)
            .and_then(|file| file.sync_all())
            .map_err(|error| Error::Unavailable(format!("{name}: {error}")))
    }

    /// Whether the engine understands every statement of this program, with its types; returns how many there are.
    pub async fn check_statements(&self) -> Result<usize> {
        let mut session = self.reader().await?;
        let mut checked = 0;
        for sql in table::statements().filter(|sql| sql.is_for(self.engine())) {
            session.prepare(sql).await?;
            checked += 1;
        }
        Ok(checked)
    }

    /// The statements whose text differs between the engines, as `table.NAME`.
    pub fn split_statements() -> Vec<String> {
        table::statements()
            .filter(|sql| sql.is_split())
            .map(|sql| format!("{}.{}", sql.table, sql.name))
            .collect()
    }
}
