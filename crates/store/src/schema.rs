//! Brings a database to the schema of this program: new ones at once, older ones step by step, newer ones not at all.

use crate::backend::{Backend, Engine};
use crate::error::{Error, Result};
use crate::session::Session;
use crate::sql::statements;
use crate::value::Value;

/// The whole schema as it is now.
const SCHEMA: &str = include_str!("../sql/schema.sql");
/// What only PostgreSQL gets, on top.
const POSTGRES: &str = include_str!("../sql/postgres.sql");
/// The steps from an empty database to the schema as it is now; number n leads to version n.
const MIGRATIONS: &[&str] = &[
    include_str!("../sql/migrations/0001_initial.sql"),
    include_str!("../sql/migrations/0002_turns.sql"),
    include_str!("../sql/migrations/0003_desk.sql"),
    include_str!("../sql/migrations/0004_notice.sql"),
    include_str!("../sql/migrations/0005_prepared.sql"),
];

/// Which road a new database takes; both must end in the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Road {
    /// `schema.sql` at once.
    Fresh,
    /// All migrations in order.
    Migrations,
}

statements! { "meta";
    MAKE = "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    VERSION = "SELECT name, value FROM meta WHERE name = 'schema_version'",
    SET_VERSION = "INSERT INTO meta (name, value) VALUES ('schema_version', $1)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value",
}

/// The newest schema version that this program knows.
pub fn newest_version() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Makes or migrates the schema; returns the version found before, zero for a new database.
pub(crate) async fn prepare(backend: &Backend, road: Road) -> Result<i64> {
    // The usual start finds everything in place and writes nothing.
    if let Some(found) = current(backend).await? {
        refuse_newer(found)?;
        if found == newest_version() {
            return Ok(found);
        }
    }
    let mut session = backend.schema_writer().await?;
    match upgrade(&mut session, backend.engine(), road).await {
        Ok(found) => session.commit().await.map(|_| found),
        Err(error) => {
            session.roll_back().await;
            Err(error)
        }
    }
}

/// The version of a database that has one; `None` for a new one.
async fn current(backend: &Backend) -> Result<Option<i64>> {
    let mut session = backend.reader().await?;
    match version(&mut session).await {
        Ok(found) => Ok(found),
        // There is no table yet: the engines word that differently, and the way to make it tells the truth.
        Err(Error::Bug(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn upgrade(session: &mut Session, engine: Engine, road: Road) -> Result<i64> {
    session.execute(&MAKE, &[]).await?;
    let found = version(session).await?.unwrap_or(0);
    refuse_newer(found)?;
    if found == 0 && road == Road::Fresh {
        session.script(SCHEMA).await?;
    } else {
        let done = usize::try_from(found).unwrap_or(0);
        for migration in MIGRATIONS.iter().skip(done) {
            session.script(migration).await?;
        }
    }
    if engine == Engine::Postgres && found < newest_version() {
        session.script(POSTGRES).await?;
    }
    let newest = Value::from(newest_version().to_string().as_str());
    session.execute(&SET_VERSION, &[newest]).await?;
    Ok(found)
}

/// The version that the database says it has.
pub(crate) async fn version(session: &mut Session) -> Result<Option<i64>> {
    let Some(mut row) = session.first(&VERSION, &[]).await? else {
        return Ok(None);
    };
    row.text("name")?;
    row.name("value", |text| text.parse().ok()).map(Some)
}

fn refuse_newer(found: i64) -> Result<()> {
    let known = newest_version();
    if found > known {
        return Err(Error::NewerSchema { found, known });
    }
    Ok(())
}
