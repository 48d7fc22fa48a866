//! `sandbox canvas|discourse`: one simulator on its own socket.

use std::process::ExitCode;

use anyhow::Context as _;
use tokio::net::TcpListener;

use crate::arguments::{Sandbox, SandboxOptions};
use crate::exit::Usage;
use crate::show::line;
use crate::wiring::stopped;

pub(crate) async fn run(which: Sandbox) -> anyhow::Result<ExitCode> {
    match which {
        Sandbox::Canvas(options) => canvas(options).await,
        Sandbox::Discourse(options) => discourse(options).await,
    }
    .map(|()| ExitCode::SUCCESS)
}

/// Binds before anything else, so that the address in the first line is the real one.
async fn listen(options: &SandboxOptions, default: &str) -> anyhow::Result<(TcpListener, String)> {
    let address = options.listen.as_deref().unwrap_or(default);
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("The sandbox cannot listen on {address}"))?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}

async fn canvas(options: SandboxOptions) -> anyhow::Result<()> {
    let (listener, base_url) = listen(&options, "127.0.0.1:3101").await?;
    let profile = match options.profile.as_deref() {
        None | Some("canvas-current") => canvas_sim::Profile::Current,
        Some("canvas-2019") => canvas_sim::Profile::Canvas2019,
        Some(name) => return Err(unknown_profile(name, "canvas-2019 or canvas-current").into()),
    };
    let sim = canvas_sim::Sim::new(canvas_sim::Options {
        profile,
        seed: options.seed,
        content: if options.empty {
            canvas_sim::Content::Empty
        } else {
            canvas_sim::Content::Term
        },
        import: options.import.into_iter().next(),
        base_url,
        ..canvas_sim::Options::default()
    })?;
    line(&sim.hello().to_string());
    canvas_sim::serve(listener, sim, stopped()).await?;
    Ok(())
}

async fn discourse(options: SandboxOptions) -> anyhow::Result<()> {
    let (listener, base_url) = listen(&options, "127.0.0.1:3102").await?;
    let profile = match options.profile.as_deref() {
        None => discourse_sim::Profile::Current,
        Some(name) => discourse_sim::Profile::from_name(name)
            .ok_or_else(|| unknown_profile(name, "discourse-3.1 or discourse-current"))?,
    };
    let secret = options
        .webhook_secret
        .unwrap_or_else(|| discourse_sim::WEBHOOK_SECRET.to_owned());
    let sim = discourse_sim::Sim::new(discourse_sim::Options {
        profile,
        seed: options.seed,
        content: if options.empty {
            discourse_sim::Content::Empty
        } else {
            discourse_sim::Content::Term
        },
        import: options.import,
        base_url,
        webhook_target: options
            .webhook
            .map(|url| discourse_sim::WebhookTarget { url, secret }),
        ..discourse_sim::Options::default()
    })?;
    line(&sim.hello().to_string());
    discourse_sim::serve(listener, sim, stopped()).await?;
    Ok(())
}

fn unknown_profile(name: &str, known: &str) -> Usage {
    Usage(format!("There is no profile `{name}`; use {known}."))
}
