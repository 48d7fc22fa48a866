//! `notify test|list`: tries the channels, lists the newest messages.

use std::path::Path;
use std::process::ExitCode;

use model::Notice;
use serde_json::json;

use crate::arguments::{Notify, NotifyTest, Output};
use crate::config::{self, Config};
use crate::exit::{ATTENTION, Usage};
use crate::show::{line, object};
use crate::wiring;

pub(crate) async fn run(path: &Path, verb: Notify) -> anyhow::Result<ExitCode> {
    match verb {
        Notify::Test(options) => test(path, options).await,
        Notify::List(output) => list(path, output).await,
    }
}

/// Sends a test message through one channel.
pub(crate) async fn send_test(channel: &notice::Channel, config: &Config) -> Result<(), String> {
    let id = wiring::new_id();
    let notice = Notice::test(id.clone(), wiring::now());
    let message = notice::Message {
        id: &id,
        notice: &notice,
        site: config.public_url.as_deref(),
        now: wiring::now(),
    };
    channel.send(message).await
}

/// Sends a test message through each channel now, without the outbox: it says at once what a channel answers.
async fn test(path: &Path, options: NotifyTest) -> anyhow::Result<ExitCode> {
    let config = config::load(path)?;
    let wanted = options.channel.as_deref();
    let channels: Vec<_> = config
        .notify
        .channels
        .iter()
        .filter(|channel| wanted.is_none_or(|name| channel.name == name))
        .collect();
    if channels.is_empty() {
        let text = "There is no such channel: see `[notify]` in docs/configuration.md.";
        return Err(Usage(text.to_owned()).into());
    }
    let mut code = ExitCode::SUCCESS;
    for channel in channels {
        let sent = send_test(channel, &config).await;
        if sent.is_err() {
            code = ExitCode::from(ATTENTION);
        }
        let (name, way) = (&channel.name, channel.way.as_str());
        if options.output.json {
            object(
                &json!({ "channel": name, "way": way, "sent": sent.is_ok(), "failure": sent.err() }),
            );
        } else {
            let result =
                sent.map_or_else(|error| format!("failed: {error}"), |()| "sent".to_owned());
            line(&format!("{name:<16} {way:<8} {result}"));
        }
    }
    Ok(code)
}

async fn list(path: &Path, output: Output) -> anyhow::Result<ExitCode> {
    let config = config::load(path)?;
    let store = wiring::open(&config).await?;
    let found = store.outbox(100).await;
    let found = found.map_err(|error| wiring::failed(error.failure()))?;
    if found.is_empty() && !output.json {
        line("No message yet.");
    }
    for message in &found {
        if output.json {
            object(&web::message_json(message));
        } else {
            line(&format!(
                "{} {:<16} {:<9} {} tries {}",
                message.id,
                message.channel,
                message.state.as_str(),
                message.attempts,
                message.failure
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}
