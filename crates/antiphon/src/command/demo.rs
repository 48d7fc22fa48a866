//! `demo`: the whole service against both built-in servers, on a database that goes when it ends.

mod report;
mod script;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use runner::{World, worker};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::arguments::Demo;
use crate::config::{self, Config};
use crate::show::line;
use crate::wiring;

/// Signs the built-in Discourse's web hooks.
pub(crate) const WEBHOOK_SECRET: &str = "demo-webhook-secret";
/// How long a run waits for operations that back off, in milliseconds.
const PATIENCE_MS: i64 = 5_000;

/// The two built-in servers while they run.
pub(crate) struct Servers {
    pub(crate) canvas_url: String,
    pub(crate) canvas_token: String,
    pub(crate) discourse_url: String,
    pub(crate) discourse_key: String,
    stop: Vec<oneshot::Sender<()>>,
}

pub(crate) async fn run(options: Demo) -> anyhow::Result<ExitCode> {
    let folder = tempfile::tempdir().context("No temporary folder can be made")?;
    let is_quiet = options.output.json;
    let listener = TcpListener::bind(if options.once {
        "127.0.0.1:0"
    } else {
        options.listen.as_str()
    })
    .await
    .with_context(|| {
        format!(
            "Cannot listen on {}; choose another address with --listen",
            options.listen
        )
    })?;
    let address = format!("http://{}", listener.local_addr()?);
    let servers = start(&address, false).await?;
    say(
        is_quiet,
        &format!(
            "A built-in Canvas runs on {}, a built-in Discourse on {}.",
            servers.canvas_url, servers.discourse_url
        ),
    );
    let config = configuration(folder.path(), &servers)?;
    let store = wiring::open(&config).await?;
    let world = wiring::world(&config, store).await?;
    runner::course::ensure(&world)
        .await
        .map_err(super::sync::course_error)?;
    let served = if options.once {
        once(&world, &servers, &config, (listener, is_quiet)).await
    } else {
        keep_running(&world, &servers, &config, (listener, &address)).await
    };
    for stop in servers.stop {
        // A server that ended by itself needs no stopping.
        stop.send(()).unwrap_or(());
    }
    served?;
    Ok(ExitCode::SUCCESS)
}

fn say(is_quiet: bool, text: &str) {
    if !is_quiet {
        line(text);
    }
}

pub(crate) async fn start(address: &str, is_empty: bool) -> anyhow::Result<Servers> {
    let (canvas_listener, canvas_url) = listen().await?;
    let (discourse_listener, discourse_url) = listen().await?;
    let canvas = canvas_sim::Sim::new(canvas_sim::Options {
        base_url: canvas_url.clone(),
        content: if is_empty {
            canvas_sim::Content::Empty
        } else {
            canvas_sim::Content::Term
        },
        ..canvas_sim::Options::default()
    })?;
    let discourse = discourse_sim::Sim::new(discourse_sim::Options {
        base_url: discourse_url.clone(),
        content: if is_empty {
            discourse_sim::Content::Empty
        } else {
            discourse_sim::Content::Term
        },
        webhook_target: Some(discourse_sim::WebhookTarget {
            url: format!("{address}/webhook/discourse"),
            secret: WEBHOOK_SECRET.to_owned(),
        }),
        ..discourse_sim::Options::default()
    })?;
    let text = |value: &Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let (canvas_hello, discourse_hello) = (canvas.hello(), discourse.hello());
    let (stop_canvas, canvas_stopped) = oneshot::channel::<()>();
    let (stop_discourse, discourse_stopped) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let served = canvas_sim::serve(canvas_listener, canvas, async {
            canvas_stopped.await.unwrap_or(());
        });
        if let Err(error) = served.await {
            tracing::error!(%error, "the built-in Canvas ended");
        }
    });
    tokio::spawn(async move {
        let served = discourse_sim::serve(discourse_listener, discourse, async {
            discourse_stopped.await.unwrap_or(());
        });
        if let Err(error) = served.await {
            tracing::error!(%error, "the built-in Discourse ended");
        }
    });
    Ok(Servers {
        canvas_token: text(&canvas_hello, "token"),
        discourse_key: text(&discourse_hello, "api_key"),
        canvas_url,
        discourse_url,
        stop: vec![stop_canvas, stop_discourse],
    })
}

pub(crate) async fn listen() -> anyhow::Result<(TcpListener, String)> {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .context("No free port on 127.0.0.1")?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}

/// The demo's configuration goes through the same file and checks as anybody's.
fn configuration(folder: &Path, servers: &Servers) -> anyhow::Result<Config> {
    let text = format!(
        r#"
[database]
url = "sqlite:demo.db"
[canvas]
url = "{}"
token = "{}"
[discourse]
url = "{}"
api_key = "{}"
api_username = "system"
webhook_secret = "{WEBHOOK_SECRET}"
calls_per_minute = 0
[sync]
strategy = "merge_prefer_canvas"
feed_interval = "2s"
two_looks_interval = "1s"
# Built-in servers: nothing has to be looked at first.
accept_plan = true
# Three courses: one plain, one whose deletes wait for a person, one whose conflicts do.
[[course]]
canvas = 1
discourse = "intro-bio"
accept_wider_audience = "Built-in servers: nobody real reads them"
[[course]]
canvas = 2
discourse = "world-history"
accept_wider_audience = "Built-in servers: nobody real reads them"
delete_budget = 0
[[course]]
canvas = 3
discourse = "calculus-1"
accept_wider_audience = "Built-in servers: nobody real reads them"
strategy = "manual"
"#,
        servers.canvas_url, servers.canvas_token, servers.discourse_url, servers.discourse_key,
    );
    let path = folder.join("demo.toml");
    std::fs::write(&path, text).context("The demo's configuration cannot be written")?;
    Ok(config::load(&path)?)
}

async fn work_off(world: &World, is_quiet: bool) -> anyhow::Result<()> {
    let progress = Arc::new(move |progress: worker::Progress| {
        if progress.batches.is_multiple_of(10) {
            say(
                is_quiet,
                &format!("  {} threads looked at", progress.batches),
            );
        }
    });
    worker::until_quiet(world, PATIENCE_MS, progress)
        .await
        .map_err(super::sync::course_error)?;
    Ok(())
}

async fn once(
    world: &World,
    servers: &Servers,
    config: &Config,
    (listener, is_quiet): (TcpListener, bool),
) -> anyhow::Result<()> {
    let (stop, stopped) = oneshot::channel::<()>();
    let state = wiring::web_state(config, world.store.clone());
    let pages = tokio::spawn(async move {
        axum_serve(listener, state, stopped).await;
    });
    say(is_quiet, "First sync of three courses with forty threads:");
    work_off(world, is_quiet).await?;
    say(
        is_quiet,
        "People now edit on both sides, one post at once on both, one too long, one deleted:",
    );
    script::play(world, servers).await?;
    work_off(world, is_quiet).await?;
    report::print(world, is_quiet).await?;
    stop.send(()).unwrap_or(());
    pages.await.context("The pages ended badly")
}

async fn axum_serve(listener: TcpListener, state: web::State, stopped: oneshot::Receiver<()>) {
    if let Err(error) = web::serve(listener, state, async { stopped.await.unwrap_or(()) }).await {
        tracing::error!(%error, "the pages ended");
    }
}

/// An admin for the time of the demo.
async fn account(store: &store::Store, config: &Config) -> anyhow::Result<String> {
    let password = wiring::readable_secret();
    let state = wiring::web_state(config, store.clone());
    let new = web::NewAccount {
        name: "demo".to_owned(),
        password: password.clone(),
        role: store::Role::Admin,
        courses: Vec::new(),
    };
    web::save_account(&state, &web::Caller::command_line(), new, "demo").await?;
    Ok(password)
}

async fn keep_running(
    world: &World,
    servers: &Servers,
    config: &Config,
    (listener, address): (TcpListener, &str),
) -> anyhow::Result<()> {
    line("First sync of three courses with forty threads:");
    work_off(world, false).await?;
    let (stop, stopped) = oneshot::channel::<()>();
    let service = tokio::spawn({
        let (config, world) = (config.clone(), world.clone());
        async move {
            super::serve::serve(&config, world, listener, async {
                stopped.await.unwrap_or(());
            })
            .await
        }
    });
    script::play(world, servers).await?;
    line("People edited on both sides, one post at once on both, one too long, one deleted.");
    line(&format!(
        "Status page: {address}   (Ctrl-C ends the demo and removes everything)"
    ));
    let password = account(&world.store, config).await?;
    line(&format!("Sign in as demo with the password {password}"));
    wiring::stopped().await;
    stop.send(()).unwrap_or(());
    service.await.context("The service ended badly")?
}
