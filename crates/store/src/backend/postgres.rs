//! PostgreSQL through a pool of connections.
//!
//! A transaction whose future is dropped in the middle takes its connection out of the pool: the server then rolls
//! back.

use std::error::Error as _;
use std::future::poll_fn;
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime,
};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{AsyncMessage, Client, Column, Config, NoTls, Statement};

use crate::bell::Bell;
use crate::error::{Error, Result};
use crate::record::Isolation;
use crate::sql::Sql;
use crate::value::{Row, Value};

const CONNECTIONS: usize = 16;
const WAIT: Duration = Duration::from_secs(10);
/// Any number of ours: who changes the schema holds the advisory lock of it.
const SCHEMA_LOCK: &str = "SELECT pg_advisory_xact_lock(7264937105)";
/// Young tables have no statistics, and the planner would read them whole; every statement has its index
/// (measured: an un-analysed queue table drains 4 to 6 times slower). The rest bounds waiting.
const SETTINGS: &str = "SET enable_seqscan = off; SET jit = off; SET lock_timeout = '30s'; \
     SET idle_in_transaction_session_timeout = '60s'; SET client_min_messages = warning; \
     SET default_transaction_isolation = 'read committed'";

/// Over how many rows the counts of the queue are spread.
const SHARDS: u64 = 64;
/// Wakes one worker that waits for it. Workers that are being woken by somebody else are passed by, so that many
/// commits at once neither wait for each other nor all send a notice, which PostgreSQL makes them do one by one.
pub(crate) const CHANNEL: &str = "antiphon_queue";
const WAKE: &str = "WITH woken AS (UPDATE worker SET idle = 0 WHERE owner = (SELECT owner FROM worker WHERE idle = 1 \
     ORDER BY until_ms DESC LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING owner) \
     SELECT pg_notify('antiphon_queue', owner) FROM woken";

/// A pool of connections to one server.
pub(crate) struct Database {
    pool: Pool,
    config: Config,
    sessions: AtomicU64,
    listener: Mutex<Option<Listener>>,
}

impl Database {
    /// Connects once, so that a wrong address shows at once.
    pub(crate) async fn open(url: &str) -> Result<Self> {
        let mut config =
            Config::from_str(url).map_err(|_| Error::Address("postgres://…".to_owned()))?;
        if config.get_application_name().is_none() {
            config.application_name("antiphon");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(WAIT);
        }
        let recycle = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let set = Hook::async_fn(|client: &mut deadpool_postgres::ClientWrapper, _| {
            Box::pin(async move {
                client
                    .batch_execute(SETTINGS)
                    .await
                    .map_err(HookError::Backend)
            })
        });
        let manager = Manager::from_config(config.clone(), NoTls, recycle);
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .runtime(Runtime::Tokio1)
            .post_create(set)
            .build()
            .map_err(|error| Error::Bug(error.to_string()))?;
        let database = Self {
            pool,
            config,
            sessions: AtomicU64::new(0),
            listener: Mutex::new(None),
        };
        drop(database.session().await?);
        Ok(database)
    }

    pub(crate) async fn session(&self) -> Result<Session> {
        let client = self
            .pool
            .get()
            .await
            .map_err(|error| no_connection(&error))?;
        let number = self.sessions.fetch_add(1, Ordering::Relaxed);
        let shard = number
            .wrapping_add(u64::from(std::process::id()).wrapping_mul(31))
            .rem_euclid(SHARDS);
        Ok(Session {
            client: Some(client),
            shard: i64::try_from(shard).unwrap_or(0),
            is_open: false,
            must_begin: false,
            begin: "BEGIN",
        })
    }

    pub(crate) async fn transaction(&self) -> Result<Session> {
        let mut session = self.session().await?;
        session.must_begin = true;
        Ok(session)
    }

    /// Starts to listen for wakes, or again when the connection was lost, and rings the bell for each.
    pub(crate) async fn listen(&self, bell: &Arc<Bell>) -> Result<()> {
        let mut listener = self.listener.lock().await;
        if listener.as_ref().is_some_and(Listener::is_alive) {
            return Ok(());
        }
        *listener = Some(Listener::start(&self.config, Arc::clone(bell)).await?);
        Ok(())
    }
}

/// A connection of its own that hears the wakes.
struct Listener {
    client: Client,
    task: JoinHandle<()>,
}

impl Listener {
    async fn start(config: &Config, bell: Arc<Bell>) -> Result<Self> {
        let lost = |error: tokio_postgres::Error| Error::Unavailable(error.to_string());
        let (client, mut connection) = config.connect(NoTls).await.map_err(lost)?;
        let task = tokio::spawn(async move {
            while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
                match message {
                    Ok(AsyncMessage::Notification(notice)) => bell.ring(notice.payload()),
                    Ok(_) => {}
                    Err(error) => {
                        tracing::debug!(error = %error, "the connection that hears wakes was lost; polling goes on");
                        return;
                    }
                }
            }
        });
        let listener = Self { client, task };
        let listen = format!("LISTEN {CHANNEL}");
        listener.client.batch_execute(&listen).await.map_err(lost)?;
        Ok(listener)
    }

    fn is_alive(&self) -> bool {
        !self.client.is_closed() && !self.task.is_finished()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A connection, taken until it is dropped.
pub(crate) struct Session {
    client: Option<Object>,
    shard: i64,
    is_open: bool,
    /// The transaction begins with its first statement, in the same packet.
    must_begin: bool,
    /// How it begins.
    begin: &'static str,
}

impl Session {
    fn client(&self) -> Result<&Object> {
        self.client
            .as_ref()
            .ok_or_else(|| Error::Bug("a session was used after its end".to_owned()))
    }

    async fn statement(&self, sql: &'static Sql) -> Result<Statement> {
        self.client()?
            .prepare_cached(sql.postgres())
            .await
            .map_err(|error| named(sql, &error))
    }

    pub(crate) fn isolate(&mut self, isolation: Isolation) {
        self.begin = match isolation {
            Isolation::ReadCommitted => "BEGIN",
            Isolation::RepeatableRead => "BEGIN ISOLATION LEVEL REPEATABLE READ",
            Isolation::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        };
    }

    /// Which of the rows that share the counts this connection adds to.
    pub(crate) fn shard(&self) -> i64 {
        self.shard
    }

    pub(crate) async fn execute(&mut self, sql: &'static Sql, values: &[Value]) -> Result<u64> {
        let statement = self.statement(sql).await?;
        let must_begin = self.begin();
        let client = self.client()?;
        let run = client.execute_raw(&statement, values);
        let changed = if must_begin {
            let (begun, changed) = tokio::join!(biased; client.batch_execute(self.begin), run);
            begun.and(changed)
        } else {
            run.await
        };
        changed.map_err(|error| named(sql, &error))
    }

    pub(crate) async fn query(&mut self, sql: &'static Sql, values: &[Value]) -> Result<Vec<Row>> {
        let values: Vec<&(dyn ToSql + Sync)> = values
            .iter()
            .map(|value| -> &(dyn ToSql + Sync) { value })
            .collect();
        self.rows(sql, &values).await
    }

    /// Runs a statement that takes each column of `rows` as an array, after the shared values.
    pub(crate) async fn many(
        &mut self,
        sql: &'static Sql,
        shared: &[Value],
        rows: &[Vec<Value>],
    ) -> Result<Vec<Row>> {
        let width = rows.first().map_or(0, Vec::len);
        let columns: Vec<Vec<&Value>> = (0..width)
            .map(|column| rows.iter().filter_map(|row| row.get(column)).collect())
            .collect();
        let values: Vec<&(dyn ToSql + Sync)> = shared
            .iter()
            .map(|value| -> &(dyn ToSql + Sync) { value })
            .chain(
                columns
                    .iter()
                    .map(|column| -> &(dyn ToSql + Sync) { column }),
            )
            .collect();
        self.rows(sql, &values).await
    }

    async fn rows(
        &mut self,
        sql: &'static Sql,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>> {
        let statement = self.statement(sql).await?;
        let must_begin = self.begin();
        let client = self.client()?;
        let run = client.query(&statement, values);
        let rows = if must_begin {
            let (begun, rows) = tokio::join!(biased; client.batch_execute(self.begin), run);
            begun.and(rows)
        } else {
            run.await
        };
        let rows = rows.map_err(|error| named(sql, &error))?;
        rows.iter().map(|row| read(sql, row)).collect()
    }

    /// Whether the transaction must begin now; it counts as begun from here on.
    fn begin(&mut self) -> bool {
        let must_begin = std::mem::take(&mut self.must_begin);
        self.is_open |= must_begin;
        must_begin
    }

    pub(crate) async fn script(&mut self, text: &str) -> Result<()> {
        if self.begin() {
            let begun = self.client()?.batch_execute(self.begin).await;
            begun.map_err(|error| translate("meta", &error))?;
        }
        self.client()?
            .batch_execute(text)
            .await
            .map_err(|error| translate("meta", &error))
    }

    /// Waits until nobody else changes the schema; ends with the transaction.
    pub(crate) async fn lock_schema(&mut self) -> Result<()> {
        self.script(SCHEMA_LOCK).await
    }

    /// Prepares a statement and refuses types other than text and 64-bit integer.
    pub(crate) async fn prepare(&mut self, sql: &'static Sql) -> Result<()> {
        let statement = self.statement(sql).await?;
        let columns = statement.columns().iter().map(Column::type_);
        for kind in statement.params().iter().chain(columns) {
            if ![Type::TEXT, Type::INT8, Type::TEXT_ARRAY, Type::INT8_ARRAY].contains(kind) {
                return Err(Error::Bug(format!(
                    "{}.{} uses the type {kind}",
                    sql.table, sql.name
                )));
            }
        }
        Ok(())
    }

    /// Commits; with `wakes` one worker that waits is told.
    pub(crate) async fn commit(mut self, wakes: bool) -> Result<()> {
        if !self.is_open {
            return Ok(());
        }
        let client = self.client()?;
        let done = if wakes {
            let wake = client
                .prepare_cached(WAKE)
                .await
                .map_err(|error| translate("worker", &error))?;
            let (woken, done) =
                tokio::join!(biased; client.query(&wake, &[]), client.batch_execute("COMMIT"));
            // Without the wake the transaction failed, and its end was a rollback.
            woken.and(done)
        } else {
            client.batch_execute("COMMIT").await
        };
        done.map_err(|error| translate("entity", &error))?;
        self.is_open = false;
        Ok(())
    }

    pub(crate) async fn roll_back(mut self) {
        // When it cannot, the connection is dropped with the session, which has the same effect.
        if self.is_open && self.script("ROLLBACK").await.is_ok() {
            self.is_open = false;
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_open
            && let Some(client) = self.client.take()
        {
            drop(Object::take(client));
        }
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) if *kind == Type::INT8 => number.to_sql(kind, out),
            Self::Text(text) if *kind == Type::TEXT => text.to_sql(kind, out),
            Self::Integer(_) | Self::Text(_) => Err(format!("a parameter has type {kind}").into()),
        }
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::INT8 || *kind == Type::TEXT
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(
        kind: &Type,
        raw: &'a [u8],
    ) -> std::result::Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        if *kind == Type::INT8 {
            i64::from_sql(kind, raw).map(Self::Integer)
        } else {
            String::from_sql(kind, raw).map(Self::Text)
        }
    }

    fn from_sql_null(
        _: &Type,
    ) -> std::result::Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::INT8 || *kind == Type::TEXT
    }
}

fn read(sql: &'static Sql, row: &tokio_postgres::Row) -> Result<Row> {
    let mut values = Vec::with_capacity(row.len());
    for index in 0..row.len() {
        let value: Value = row.try_get(index).map_err(|error| named(sql, &error))?;
        values.push(value);
    }
    Ok(Row::new(sql.table, values))
}

fn no_connection(error: &PoolError) -> Error {
    match error {
        PoolError::Backend(inner) | PoolError::PostCreateHook(HookError::Backend(inner)) => {
            match translate("meta", inner) {
                Error::Bug(text) => Error::Unavailable(text),
                other => other,
            }
        }
        _ => Error::Unavailable(error.to_string()),
    }
}

fn named(sql: &'static Sql, error: &tokio_postgres::Error) -> Error {
    match translate(sql.table, error) {
        Error::Bug(text) => Error::Bug(format!("{}.{}: {text}", sql.table, sql.name)),
        other => other,
    }
}

/// What an error of PostgreSQL means for a statement about `table`.
fn translate(table: &'static str, error: &tokio_postgres::Error) -> Error {
    let Some(inner) = error.as_db_error() else {
        let cause = error
            .source()
            .map_or(String::new(), |cause| format!(": {cause}"));
        return if error.is_closed() || is_broken(error) {
            Error::Unavailable(format!("{error}{cause}"))
        } else {
            Error::Bug(format!("{error}{cause}"))
        };
    };
    let text = || inner.message().to_owned();
    let code = inner.code();
    match *code {
        // Somebody else took the key's turn at the same moment: seen by whoever looks again.
        SqlState::UNIQUE_VIOLATION if inner.constraint() == Some("operation_turn") => Error::Locked,
        SqlState::UNIQUE_VIOLATION => Error::Stale { what: table },
        // Two commits met; the store runs the loser again.
        SqlState::T_R_SERIALIZATION_FAILURE
        | SqlState::T_R_DEADLOCK_DETECTED
        | SqlState::LOCK_NOT_AVAILABLE => Error::Locked,
        SqlState::DISK_FULL => Error::Full,
        SqlState::READ_ONLY_SQL_TRANSACTION => Error::ReadOnly(text()),
        SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => Error::Damaged(text()),
        _ if is_outage(code.code()) => Error::Unavailable(text()),
        _ => Error::Bug(format!("{} ({})", text(), code.code())),
    }
}

/// Classes of states in which the server itself, not the statement, is the trouble: connection, authorisation,
/// resources, intervention of an operator, a system error, and a database that does not exist.
fn is_outage(code: &str) -> bool {
    ["08", "28", "53", "57", "58", "3D"]
        .iter()
        .any(|class| code.starts_with(class))
}

/// Whether the connection failed rather than the call.
fn is_broken(error: &tokio_postgres::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<std::io::Error>() {
            return true;
        }
        cause = inner.source();
    }
    let text = error.to_string();
    text.contains("timeout") || text.contains("connect") || text.contains("invalid configuration")
}
