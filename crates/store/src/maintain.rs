//! Care for the database: checks, copies, and the end of what has been kept long enough.

use std::path::Path;

use crate::backend::Engine;
use crate::error::{Error, Result};
use crate::queue::end;
use crate::record::Retention;
use crate::session::{Connection, Session};
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

    /// Removes what has been kept long enough, at most `limit` rows of each sort; returns how many rows went. Call
    /// again until it returns zero.
    pub async fn prune(&self, retention: &Retention) -> Result<u64> {
        let mut session = self.backend.writer().await?;
        let result = prune(&mut session, retention).await;
        end(session, result).await
    }

    /// Whether the engine understands every statement of this program, with its types; returns how many there are.
    pub async fn check_statements(&self) -> Result<usize> {
        let mut session = self.reader().await?;
        let mut checked = 0;
        for sql in table::statements() {
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

async fn prune(session: &mut Session, retention: &Retention) -> Result<u64> {
    let limit = retention.limit;
    let ended = retention.operations_before;
    let mut gone = table::operation_history::prune(session, ended, limit).await?;
    gone += table::attempt::prune(session, ended, limit).await?;
    gone += table::webhook_event::prune(session, retention.events_before, limit).await?;
    gone += table::history::prune(session, retention.history_before, limit).await?;
    gone += table::sync_transaction::prune(session, retention.transactions_before, limit).await?;
    Ok(gone)
}
