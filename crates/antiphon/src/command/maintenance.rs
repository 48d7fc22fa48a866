//! `maintenance list|run|import|drift`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use runner::upkeep::archive;
use serde_json::json;
use store::{Job, Report, Store};
use tokio::sync::watch;

use crate::arguments::{Maintenance, MaintenanceImport, MaintenanceRun};
use crate::config;
use crate::exit::{ATTENTION, Usage};
use crate::show::{line, object};
use crate::wiring::{self, stored};

/// How many operations one commit puts back.
const CHUNK: usize = 200;
/// Another process runs a job.
const BUSY: u8 = 75;

pub(crate) async fn run(path: &Path, verb: Maintenance) -> anyhow::Result<ExitCode> {
    let config = config::load(path)?;
    let store = wiring::open(&config).await?;
    match verb {
        Maintenance::List(output) => list(&store, output.json).await,
        Maintenance::Run(options) => {
            let world = wiring::assemble(&config, store)?;
            now(&world, &config.plan, options).await
        }
        Maintenance::Import(options) => import(&store, options).await,
        Maintenance::Drift(output) => drift(&store, output.json).await,
    }
}

async fn list(store: &Store, is_json: bool) -> anyhow::Result<ExitCode> {
    for job in Job::ALL.iter().copied() {
        let last = store.maintenance_report(job, false).await.map_err(stored)?;
        let next = job.next(last.as_ref());
        if is_json {
            let object_of =
                json!({ "job": job.as_str(), "about": job.about(), "next_ms": next, "last": last });
            object(&object_of);
            continue;
        }
        line(&format!("{:<13} {}", job.as_str(), job.about()));
        match last {
            Some(report) => line(&format!("              {}", told(&report))),
            None => line("              It has not run yet."),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A report in one line.
fn told(report: &Report) -> String {
    let took = report.ended_ms.saturating_sub(report.began_ms);
    let counts = if report.is_dry {
        format!("{} due, nothing done (preview)", report.found)
    } else {
        format!("{} due, {} done in {took} ms", report.found, report.done)
    };
    let end = match &report.error {
        Some(error) => format!(" It ended early: {error}."),
        None => String::new(),
    };
    format!("{counts}. {}{end}", report.note)
}

async fn now(
    world: &runner::World,
    plan: &runner::upkeep::Plan,
    options: MaintenanceRun,
) -> anyhow::Result<ExitCode> {
    let job = Job::parse(&options.job).ok_or_else(|| {
        let names: Vec<&str> = Job::ALL.iter().map(|job| job.as_str()).collect();
        Usage(format!(
            "There is no job `{}`; use {}.",
            options.job,
            names.join(", ")
        ))
    })?;
    let (sender, stop) = watch::channel(false);
    // Stopped between two steps, never in the middle of one.
    let watcher = tokio::spawn(async move {
        wiring::stopped().await;
        sender.send_replace(true);
    });
    let asked = ("command line", options.dry_run);
    let report = runner::upkeep::run(world, plan, job, asked, &stop)
        .await
        .map_err(stored)?;
    watcher.abort();
    let Some(report) = report else {
        line("Another process runs a maintenance job; try again when it is done.");
        return Ok(ExitCode::from(BUSY));
    };
    if options.output.json {
        object(&serde_json::to_value(&report)?);
    } else {
        line(&format!("{job}: {}", told(&report)));
    }
    if report.error.is_some() {
        return Ok(ExitCode::from(ATTENTION));
    }
    Ok(ExitCode::SUCCESS)
}

async fn import(store: &Store, options: MaintenanceImport) -> anyhow::Result<ExitCode> {
    // All files are checked before the first is put back.
    let mut files = Vec::new();
    for path in options.file {
        let lines = archive::read(&path).map_err(|error| Usage(format!("{error}.")))?;
        files.push((path, lines));
    }
    for (path, lines) in files {
        let mut imported = 0;
        for chunk in lines.chunks(CHUNK) {
            imported += store.import_ended(chunk.to_vec()).await.map_err(stored)?;
        }
        if options.output.json {
            object(&json!({ "file": path, "operations": lines.len(), "imported": imported }));
        } else {
            line(&format!(
                "{}: {imported} of {} operations put back.",
                path.display(),
                lines.len()
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn drift(store: &Store, is_json: bool) -> anyhow::Result<ExitCode> {
    let drifts = store.drifts().await.map_err(stored)?;
    let mut drifting = 0;
    for drift in &drifts {
        drifting += drift.drifting;
        if is_json {
            object(&serde_json::to_value(drift).context("A report cannot be written")?);
            continue;
        }
        line(&format!(
            "{}: {} drifting, {} differ for a known reason",
            drift.course, drift.drifting, drift.explained
        ));
        for side in &drift.sides {
            line(&format!(
                "    {:<10} {:>7} items  {}",
                side.system, side.items, side.hash
            ));
        }
        for (item, what) in &drift.items {
            line(&format!("    {item}: {what}"));
        }
    }
    if drifting > 0 {
        return Ok(ExitCode::from(ATTENTION));
    }
    Ok(ExitCode::SUCCESS)
}
