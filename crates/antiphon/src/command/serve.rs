//! `serve`: workers, feeds, webhooks and the status page in one process.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use runner::World;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::arguments::Serve;
use crate::config::{self, Config};
use crate::part;
use crate::show::line;
use crate::wiring;

/// Another instance holds the lock.
const LOCKED: u8 = 75;

pub(crate) async fn run(path: &Path, options: Serve) -> anyhow::Result<ExitCode> {
    let mut config = config::load(path)?;
    if let Some(listen) = options.listen {
        config.listen = listen;
    }
    config.settings.accept_plan |= options.accept_plan;
    let Some(_lock) = wiring::lock(&config)? else {
        line("Another antiphon serves this database already.");
        return Ok(ExitCode::from(LOCKED));
    };
    let store = wiring::open(&config).await?;
    wiring::recover(&store).await?;
    let world = wiring::lasting(async || {
        let world = wiring::world(&config, store.clone()).await?;
        runner::course::ensure(&world)
            .await
            .map_err(super::sync::course_error)?;
        Ok(world)
    })
    .await?;
    let courses = runner::course::ensure(&world).await;
    let courses = courses.map_err(super::sync::course_error)?;
    tell_what_waits(&world, &courses).await?;
    let listener = TcpListener::bind(&config.listen)
        .await
        .with_context(|| format!("Cannot listen on {}", config.listen))?;
    line(&format!(
        "Serving on http://{}. Stop with Ctrl-C.",
        listener.local_addr()?
    ));
    serve(&config, world, listener, wiring::stopped()).await?;
    Ok(ExitCode::SUCCESS)
}

/// Says which courses are not written to because nobody has accepted a plan.
async fn tell_what_waits(world: &World, courses: &[model::Entity]) -> anyhow::Result<()> {
    let mut waiting = Vec::new();
    for course in courses {
        let pairing = world.store.pairing(&course.id).await;
        if pairing.map_err(wiring::stored)?.is_unaccepted && !world.settings.accept_plan {
            waiting.push(course.title().unwrap_or(course.id.as_str()).to_owned());
        }
    }
    if !waiting.is_empty() {
        line(&format!(
            "Nothing is written for {}: no plan was accepted. Next: antiphon plan -o plan.json, then antiphon apply plan.json",
            waiting.join(", ")
        ));
    }
    Ok(())
}

/// Serves until `stop` ends; running work is finished before it returns.
pub(crate) async fn serve(
    config: &Config,
    world: World,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let (sender, receiver) = watch::channel(false);
    let state = wiring::web_state(config, world.store.clone());
    let herald = wiring::herald(config, world.store.clone());
    let heralding = tokio::spawn(runner::herald::keep(herald, receiver.clone()));
    let workers = tokio::spawn(runner::worker::serve(
        world,
        part::of(config, "serve"),
        receiver,
    ));
    let served = web::serve(listener, state, stop).await;
    if sender.send(true).is_err() {
        tracing::debug!("the workers have ended already");
    }
    workers.await.context("The workers ended badly")?;
    heralding.await.context("The messages ended badly")?;
    served.context("The pages ended badly")
}
