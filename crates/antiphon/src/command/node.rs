//! `node list`: the processes that run workers on this database, as they said themselves.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use crate::arguments::{Node, Output};
use crate::config;
use crate::show::{line, object};
use crate::wiring;

pub(crate) async fn run(path: &Path, verb: Node) -> anyhow::Result<ExitCode> {
    let Node::List(output) = verb;
    list(path, output).await
}

async fn list(path: &Path, output: Output) -> anyhow::Result<ExitCode> {
    let config = config::load(path)?;
    let store = wiring::open(&config).await?;
    let nodes = store
        .nodes()
        .await
        .map_err(|error| wiring::failed(error.failure()))?;
    let now = wiring::now();
    if nodes.is_empty() && !output.json {
        line("No process runs workers on this database.");
    }
    for node in &nodes {
        let silent_ms = now.since_ms(node.seen_at).max(0);
        let is_alive = silent_ms < config.settings.lease_ms;
        if output.json {
            object(&json!({
                "id": node.id,
                "name": node.name,
                "role": node.role,
                "version": node.version,
                "workers": node.workers,
                "started_ms": node.started_at,
                "seen_ms": node.seen_at,
                "alive": is_alive,
            }));
            continue;
        }
        let state = if is_alive { "alive" } else { "silent" };
        line(&format!(
            "{state:<7} {:<8} {:<24} {:>3} workers  version {}  seen {} s ago",
            node.role,
            node.name,
            node.workers,
            node.version,
            silent_ms / 1_000
        ));
    }
    Ok(ExitCode::SUCCESS)
}
