//! `worker`: workers alone, as many processes as you like on one PostgreSQL.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use model::{Class, Failure};
use tokio::sync::watch;

use crate::config;
use crate::part;
use crate::show::line;
use crate::wiring;

pub(crate) async fn run(path: &Path) -> anyhow::Result<ExitCode> {
    let config = config::load(path)?;
    if config.database_url.starts_with("sqlite:") {
        return Err(wiring::failed(Failure::new(
            "SYNC-1001",
            Class::Configuration,
            "A SQLite database serves one process.".to_owned(),
            "Use `antiphon serve`, or a PostgreSQL database: see docs/scaling.md.",
        )));
    }
    let store = wiring::open(&config).await?;
    let world = wiring::lasting(async || wiring::world(&config, store.clone()).await).await?;
    let part = part::of(&config, "worker");
    line(&format!("Working as {}. Stop with Ctrl-C.", part.name));
    let (sender, receiver) = watch::channel(false);
    let workers = tokio::spawn(runner::worker::serve(world, part, receiver));
    wiring::stopped().await;
    if sender.send(true).is_err() {
        tracing::debug!("the workers have ended already");
    }
    workers.await.context("The workers ended badly")?;
    Ok(ExitCode::SUCCESS)
}
