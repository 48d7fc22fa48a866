//! `sync`: looks at every thread and works everything off.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use model::{Class, Failure, Status};
use runner::{World, worker};
use serde_json::json;
use tokio::sync::watch;

use crate::arguments::Sync;
use crate::config;
use crate::exit::ATTENTION;
use crate::part;
use crate::show::{line, object};
use crate::wiring;

pub(crate) async fn run(path: &Path, options: Sync) -> anyhow::Result<ExitCode> {
    let mut config = config::load(path)?;
    config.settings.accept_plan |= options.accept_plan;
    let lock = wiring::lock(&config)?;
    let store = wiring::open(&config).await?;
    if lock.is_some() {
        // Nobody else works on this database: whatever looks like running work was interrupted.
        wiring::recover(&store).await?;
    }
    let world = wiring::world(&config, store).await?;
    if !options.once {
        let (sender, receiver) = watch::channel(false);
        let workers = tokio::spawn(worker::serve(world, part::of(&config, "sync"), receiver));
        wiring::stopped().await;
        if sender.send(true).is_ok() {
            workers.await?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let is_json = options.output.json;
    let progress = Arc::new(move |progress: worker::Progress| {
        if !is_json && progress.batches.is_multiple_of(25) {
            line(&format!(
                "{} threads queued, {} looked at",
                progress.queued, progress.batches
            ));
        }
    });
    let done = worker::until_quiet(&world, i64::from(options.patience) * 1_000, progress)
        .await
        .map_err(course_error)?;
    report(&world, done, is_json).await
}

/// A course that cannot be kept in step, as the last words of a command.
pub(crate) fn course_error(error: runner::course::Error) -> anyhow::Error {
    wiring::failed(match error {
        runner::course::Error::Remote(failure) => failure,
        runner::course::Error::Store(text) => Failure::new(
            "SYNC-4004",
            Class::Transient,
            text,
            "Check that the database runs and can be reached.",
        ),
    })
}

pub(super) async fn report(
    world: &World,
    done: worker::Progress,
    is_json: bool,
) -> anyhow::Result<ExitCode> {
    let counts = world
        .store
        .entity_status_counts()
        .await
        .map_err(|error| wiring::failed(error.failure()))?;
    let of = |status: Status| -> u64 {
        counts
            .iter()
            .filter(|row| row.status == status)
            .map(|row| row.count)
            .sum()
    };
    let calls: Vec<(String, u64)> = [&world.canvas, &world.discourse]
        .iter()
        .flat_map(|connector| {
            let system = connector.system();
            connector
                .calls()
                .into_iter()
                .map(move |(name, count)| (format!("{system}.{name}"), count))
        })
        .collect();
    let total: u64 = calls.iter().map(|(_, count)| count).sum();
    if is_json {
        object(&json!({
            "batches": done.batches,
            "in_sync": of(Status::InSync),
            "pending": of(Status::Pending),
            "conflict": of(Status::Conflict),
            "held": of(Status::Held),
            "failed": of(Status::Failed),
            "waiting_for_plan": done.waiting,
            "calls": calls.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        }));
    } else {
        line(&format!(
            "{} in sync, {} waiting, {} in conflict, {} held, {} failed. {total} API calls.",
            of(Status::InSync),
            of(Status::Pending),
            of(Status::Conflict),
            of(Status::Held),
            of(Status::Failed),
        ));
    }
    if done.waiting > 0 && !is_json {
        line(&format!(
            "{} courses were left alone: no plan was accepted. Next: antiphon plan -o plan.json",
            done.waiting
        ));
    }
    let waiting = u64::try_from(done.waiting).unwrap_or(u64::MAX);
    let needs = waiting
        + of(Status::Conflict)
        + of(Status::Held)
        + of(Status::Failed)
        + of(Status::Pending);
    Ok(if needs == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(ATTENTION)
    })
}
