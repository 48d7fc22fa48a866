//! The whole measurement: one verb after the other in processes of their own, as another queue would be measured, and
//! what no single process can show: kills, several workers, long histories and deep queues.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::clock::{self, rounded};
use crate::place::Place;
use crate::say;

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// `sqlite:PATH` or `postgres://…`; everything of ours in it is removed.
    #[arg(long)]
    database: String,
    /// How many jobs.
    #[arg(long, default_value_t = 20_000)]
    jobs: u64,
    /// How many worker processes run while workers are killed (PostgreSQL).
    #[arg(long, default_value_t = 4)]
    processes: usize,
    /// How many finished and waiting jobs the long tables have; zero leaves them out.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// How long workers are killed, in seconds.
    #[arg(long, default_value_t = 30)]
    kill_s: u64,
}

const KEYS: u64 = 1_000;

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let place = Place {
        url: options.database.clone(),
        keys: 0,
        log: None,
    };
    let keyed = Place {
        keys: KEYS,
        ..place.clone()
    };
    let jobs = options.jobs;
    verb(&place, "setup", None).await?;
    tell("latency", verb(&place, "latency", Some(500)).await?);
    verb(&place, "setup", None).await?;
    tell("single", verb(&place, "single", Some(2_000)).await?);
    for (name, place) in [("drain", &place), ("keyed drain", &keyed)] {
        for _ in 0..3 {
            verb(place, "setup", None).await?;
            tell("bulk", verb(place, "bulk", Some(jobs)).await?);
            tell(name, verb(place, "drain", Some(jobs)).await?);
        }
    }
    crash(&place, jobs).await?;
    if !place.is_sqlite() && options.processes > 1 {
        kills(&place, &options).await?;
    }
    if options.rows > 0 {
        long(&place, &options).await?;
    }
    Ok(())
}

fn tell(name: &str, mut line: Value) {
    if let Some(line) = line.as_object_mut() {
        line.insert("bench".to_owned(), Value::from(name));
    }
    say(&line);
}

fn command(place: &Place, verb: &str, n: Option<u64>) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg(verb)
        .args(n.map(|n| n.to_string()))
        .envs(place.environment())
        .kill_on_drop(true);
    Ok(command)
}

/// Runs a verb in a process of its own and reads its line.
async fn verb(place: &Place, verb: &str, n: Option<u64>) -> anyhow::Result<Value> {
    let output = command(place, verb, n)?.output().await?;
    let text = String::from_utf8_lossy(&output.stdout);
    anyhow::ensure!(output.status.success(), "{verb} failed: {text}");
    serde_json::from_str(text.trim()).with_context(|| format!("{verb} printed {text}"))
}

fn serve(place: &Place) -> anyhow::Result<Child> {
    let mut command = command(place, "serve", None)?;
    Ok(command.stdout(Stdio::null()).spawn()?)
}

async fn unfinished(place: &Place) -> anyhow::Result<u64> {
    let line = verb(place, "stats", None).await?;
    line.get("unfinished")
        .and_then(Value::as_u64)
        .context("stats has no count")
}

/// Where the jobs of a log ran, and how often.
fn runs(path: &str) -> anyhow::Result<BTreeMap<u64, u64>> {
    let mut runs = BTreeMap::new();
    for line in std::fs::read_to_string(path).unwrap_or_default().lines() {
        *runs.entry(line.parse()?).or_insert(0) += 1;
    }
    Ok(runs)
}

fn logged(place: &Place) -> anyhow::Result<(TempDir, Place)> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("jobs.log").display().to_string();
    let place = Place {
        log: Some(log),
        ..place.clone()
    };
    Ok((folder, place))
}

/// Kills the only worker at half and measures until a new one has run the rest.
async fn crash(place: &Place, jobs: u64) -> anyhow::Result<()> {
    let (_folder, place) = logged(place)?;
    let log = place.log.clone().unwrap_or_default();
    verb(&place, "setup", None).await?;
    verb(&place, "bulk", Some(jobs)).await?;
    let mut first = serve(&place)?;
    while u64::try_from(runs(&log)?.len())? < jobs / 2 {
        clock::wait(Duration::from_millis(1)).await;
    }
    first.kill().await?;
    let start = clock::start();
    let mut second = serve(&place)?;
    while unfinished(&place).await? > 0 {
        clock::wait(Duration::from_millis(20)).await;
    }
    let time = start.elapsed();
    second.kill().await?;
    let runs = runs(&log)?;
    tell(
        "kill -9 at half",
        json!({
            "n": jobs,
            "all_done_s": rounded(time.as_secs_f64()),
            "missing": jobs.saturating_sub(u64::try_from(runs.len())?),
            "ran_twice": runs.values().filter(|count| **count > 1).count(),
        }),
    );
    Ok(())
}

/// Several workers while one of them is killed every two seconds and started again.
async fn kills(place: &Place, options: &Options) -> anyhow::Result<()> {
    let (_folder, place) = logged(place)?;
    verb(&place, "setup", None).await?;
    let mut workers = Vec::new();
    for _ in 0..options.processes {
        workers.push(serve(&place)?);
    }
    let start = clock::start();
    let mut jobs = 0;
    let mut killed: usize = 0;
    let store = place.open().await?;
    while start.elapsed() < Duration::from_secs(options.kill_s) {
        for _ in 0..20 {
            store.commit(crate::job::bulk(jobs, 500, KEYS)).await?;
            jobs += 500;
            clock::wait(Duration::from_millis(100)).await;
        }
        if let Some(worker) = workers.get_mut(killed % options.processes) {
            worker.kill().await?;
            *worker = serve(&place)?;
            killed += 1;
        }
    }
    let end = clock::start();
    while unfinished(&place).await? > 0 {
        clock::wait(Duration::from_millis(50)).await;
    }
    let settled = end.elapsed();
    let log = runs(&place.log.clone().unwrap_or_default())?;
    for mut worker in workers {
        worker.kill().await?;
    }
    tell(
        "kills every 2 s",
        json!({
            "processes": options.processes,
            "n": jobs,
            "killed": killed,
            "settled_s": rounded(settled.as_secs_f64()),
            "missing": jobs.saturating_sub(u64::try_from(log.len())?),
            "ran_again": log.values().filter(|count| **count > 1).count(),
        }),
    );
    Ok(())
}

/// Claim times with short and long tables.
async fn long(place: &Place, options: &Options) -> anyhow::Result<()> {
    for (name, finish, pending) in [
        ("claim, 1,000 finished", 1_000, 2_000),
        ("claim, many finished", options.rows, 2_000),
        ("claim, 1,000 pending", 0, 2_000),
        ("claim, many pending", 0, options.rows),
    ] {
        verb(place, "setup", None).await?;
        if finish > 0 {
            verb(place, "finish", Some(finish)).await?;
        }
        verb(place, "bulk", Some(pending)).await?;
        let mut line = verb(place, "claims", Some(1_000)).await?;
        if let Some(line) = line.as_object_mut() {
            line.insert("finished".to_owned(), Value::from(finish));
            line.insert("pending".to_owned(), Value::from(pending));
        }
        tell(name, line);
        if pending == options.rows {
            tell(
                "drain, many pending",
                verb(place, "drain", Some(pending - 1_000)).await?,
            );
        }
    }
    Ok(())
}
