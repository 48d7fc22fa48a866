//! Which database is measured, and how to begin with an empty one.

use anyhow::Context as _;
use store::Store;
use tokio_postgres::NoTls;

/// A database and how its jobs are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The address for [`Store::open`].
    pub(crate) url: String,
    /// How many ordering keys there are; zero for none.
    pub(crate) keys: u64,
    /// Where `serve` writes.
    pub(crate) log: Option<String>,
}

impl Place {
    #[expect(
        clippy::disallowed_methods,
        reason = "the verbs are configured by the environment"
    )]
    pub(crate) fn from_environment() -> anyhow::Result<Self> {
        let get = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let url = get("Q_PG")
            .or_else(|| get("Q_SQLITE").map(|path| format!("sqlite:{path}")))
            .context("set Q_PG or Q_SQLITE")?;
        let keys =
            get("Q_KEYS").map_or(Ok(0), |text| text.parse().context("Q_KEYS is no number"))?;
        Ok(Self {
            url,
            keys,
            log: get("Q_LOG"),
        })
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }

    /// The environment that makes [`Place::from_environment`] return this.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let database = match self.url.strip_prefix("sqlite:") {
            Some(path) => [("Q_SQLITE", path.to_owned()), ("Q_PG", String::new())],
            None => [("Q_PG", self.url.clone()), ("Q_SQLITE", String::new())],
        };
        let mut all = Vec::from(database);
        all.push(("Q_KEYS", self.keys.to_string()));
        all.push(("Q_LOG", self.log.clone().unwrap_or_default()));
        all
    }

    pub(crate) async fn open(&self) -> anyhow::Result<Store> {
        Store::open(&self.url)
            .await
            .context("cannot open the database")
    }

    /// Removes everything of ours and makes the schema.
    pub(crate) async fn renew(&self) -> anyhow::Result<Store> {
        match self.url.strip_prefix("sqlite:") {
            Some(path) => {
                for end in ["", "-wal", "-shm"] {
                    match std::fs::remove_file(format!("{path}{end}")) {
                        Ok(()) => {}
                        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            None => drop_tables(&self.url).await?,
        }
        self.open().await
    }
}

/// Drops the tables that a store makes, found by their names in the schema in use.
async fn drop_tables(url: &str) -> anyhow::Result<()> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let connection = tokio::spawn(connection);
    let rows = client
        .query(
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()",
            &[],
        )
        .await?;
    let names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let is_ours = names.is_empty() || names.iter().any(|name| name == "operation_history");
    anyhow::ensure!(is_ours, "the database has tables that are not ours");
    if !names.is_empty() {
        let drop = format!("DROP TABLE {} CASCADE", names.join(", "));
        client.batch_execute(&drop).await?;
    }
    drop(client);
    connection.await??;
    Ok(())
}
