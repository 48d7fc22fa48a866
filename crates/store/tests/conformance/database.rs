//! A fresh database for each test, on the engine asked for, and a way to reach behind the store.

use std::future::Future;

use store::Store;

/// Where a test runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// SQLite in memory.
    Memory,
    /// SQLite in a file.
    File,
    /// PostgreSQL, in a schema of the test's own.
    Postgres,
}

/// A fresh database.
#[derive(Clone)]
pub struct Database {
    /// The store under test.
    pub store: Store,
    /// Its address.
    pub url: String,
    /// Its engine.
    pub engine: Engine,
}

impl Database {
    /// A second store on the same database, as another process would have it.
    pub async fn second(&self) -> Store {
        match self.engine {
            Engine::Memory => self.store.clone(),
            Engine::File | Engine::Postgres => Store::open(&self.url).await.unwrap(),
        }
    }

    /// The path of a database in a file.
    pub fn path(&self) -> &str {
        self.url.strip_prefix("sqlite:").unwrap()
    }

    /// Runs SQL behind the store's back.
    pub async fn raw(&self, sql: &str) {
        self.raw_rows(sql).await;
    }

    /// Runs SQL behind the store's back and returns the first column of each row.
    pub async fn raw_rows(&self, sql: &str) -> Vec<String> {
        if self.engine == Engine::File {
            let connection = rusqlite::Connection::open(self.path()).unwrap();
            let mut statement = connection.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            return rows.map(Result::unwrap).collect();
        }
        let messages = connect(&self.url).await.simple_query(sql).await.unwrap();
        let text = |message: &tokio_postgres::SimpleQueryMessage| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        };
        messages.iter().filter_map(text).collect()
    }
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}

/// Runs a test on a fresh database and cleans up, whether it passed or not.
pub async fn run<F, T>(engine: Engine, name: &str, test: F)
where
    F: FnOnce(Database) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    match engine {
        Engine::Memory => at("sqlite::memory:".to_owned(), engine, test).await,
        Engine::File => {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite:{}", folder.path().join("a.db").display());
            at(url, engine, test).await;
        }
        Engine::Postgres => in_schema(name, test).await,
    }
}

async fn at<F, T>(url: String, engine: Engine, test: F)
where
    F: FnOnce(Database) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let store = Store::open(&url).await.unwrap();
    test(Database { store, url, engine }).await;
}

async fn in_schema<F, T>(name: &str, test: F)
where
    F: FnOnce(Database) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let Some(server) = server() else {
        return;
    };
    let schema = format!("t{}_{name}", std::process::id());
    let schema: String = schema.chars().take(60).collect();
    let client = connect(&server).await;
    client
        .batch_execute(&format!("CREATE SCHEMA {schema}"))
        .await
        .unwrap();
    let separator = if server.contains('?') { '&' } else { '?' };
    let url = format!("{server}{separator}options=-csearch_path%3D{schema}");
    let result = tokio::spawn(at(url, Engine::Postgres, test)).await;
    client
        .batch_execute(&format!("DROP SCHEMA {schema} CASCADE"))
        .await
        .unwrap();
    if let Err(error) = result {
        std::panic::resume_unwind(error.into_panic());
    }
}

/// The server for the tests; `None` only where somebody has said that SQLite is enough.
#[expect(
    clippy::disallowed_methods,
    reason = "a test's prerequisite, not the program's configuration"
)]
fn server() -> Option<String> {
    if let Ok(url) = std::env::var("ANTIPHON_TEST_POSTGRES") {
        return Some(url);
    }
    let is_enough = std::env::var("ANTIPHON_TEST_SQLITE_ONLY").is_ok_and(|value| value == "1");
    assert!(
        is_enough,
        "no PostgreSQL: run `cargo xtask test`, which starts one, or set ANTIPHON_TEST_POSTGRES to its address; \
         ANTIPHON_TEST_SQLITE_ONLY=1 leaves this half out"
    );
    None
}
