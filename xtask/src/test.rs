//! The whole test run: sets up what the tests need, runs everything, cleans up.
//!
//! A missing prerequisite is installed where that is allowed, and else an error that says what to
//! install; nothing is skipped in silence.

mod browser;
mod cargo;
mod commonmark;
mod npm;
mod postgres;
mod prerequisite;
mod python;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use self::postgres::Postgres;
use crate::stage::{Stages, say, setting};

/// Where the tests find a PostgreSQL server: `postgres://user@host:port/database`.
const POSTGRES_SETTING: &str = "ANTIPHON_TEST_POSTGRES";
/// Where the Python suite finds the program.
const BINARY_SETTING: &str = "ANTIPHON_BIN";

const PYTHON_LIMIT: Duration = Duration::from_mins(25);

/// Runs the tests; a signal ends them and cleans up too.
pub fn run(root: &Path, quick: bool) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            result = everything(root, quick) => result.map(|()| ExitCode::SUCCESS),
            _ = interrupt.recv() => anyhow::bail!("interrupted; cleaned up"),
            _ = terminate.recv() => anyhow::bail!("terminated; cleaned up"),
        }
    })
}

/// Takes pictures of every page.
pub fn screenshots(root: &Path) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let stages = Stages::start();
        let python = python::prepare(root, &stages).await?;
        browser::prepare(root, &stages).await?;
        let binary = cargo::build(root, &stages).await?;
        let mut command = Command::new(python);
        command
            .args(["tests/python/screenshots.py", "target/screenshots"])
            .current_dir(root)
            .env(BINARY_SETTING, binary);
        stages
            .run("Screenshots", PYTHON_LIMIT, &mut command)
            .await?;
        Ok(ExitCode::SUCCESS)
    })
}

async fn everything(root: &Path, quick: bool) -> anyhow::Result<()> {
    let stages = Stages::start();
    // The cheap set-up comes first, so that what is missing is said at once.
    let python = if quick {
        None
    } else {
        let python = python::prepare(root, &stages).await?;
        browser::prepare(root, &stages).await?;
        Some(python)
    };
    commonmark::prepare(root, &stages).await?;
    let given = setting(POSTGRES_SETTING);
    let own = match given {
        Some(_) => None,
        None => Some(
            Postgres::start(&stages)
                .await
                .context("PostgreSQL for the tests")?,
        ),
    };
    let url = own
        .as_ref()
        .map(|server| server.url().to_owned())
        .or(given)
        .unwrap_or_default();

    let binary = cargo::build(root, &stages).await?;
    cargo::test(root, &stages, (POSTGRES_SETTING, &url)).await?;
    if let Some(python) = python {
        cargo::doc_test(root, &stages).await?;
        let suite = |marked: &str| {
            let mut command = Command::new(&python);
            command
                .args(["-m", "pytest", "tests/python", "-m", marked])
                .current_dir(root)
                .env(BINARY_SETTING, &binary)
                .env(POSTGRES_SETTING, &url);
            command
        };
        // Some tests do little but wait for minutes; the others need not wait for them.
        let (mut working, mut waiting) = (suite("not waits"), suite("waits"));
        tokio::try_join!(
            stages.run("Python suite", PYTHON_LIMIT, &mut working),
            stages.run("Python tests that wait", PYTHON_LIMIT, &mut waiting),
        )?;
    } else {
        say("--quick: the doc tests and the Python suite were left out");
    }
    stages.note("all tests passed");
    Ok(())
}
