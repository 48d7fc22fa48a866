//! `status`: how things stand, from the database alone.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use crate::arguments::Output;
use crate::config;
use crate::show::{line, object};
use crate::wiring;

pub(crate) async fn run(path: &Path, output: Output) -> anyhow::Result<ExitCode> {
    let config = config::load(path)?;
    let store = wiring::open(&config).await?;
    let stored = |error: store::Error| wiring::failed(error.failure());
    let entities = store.entity_status_counts().await.map_err(stored)?;
    let queue = store.queue_counts().await.map_err(stored)?;
    if output.json {
        let entities: Vec<_> = entities
            .iter()
            .map(|row| json!({ "kind": row.kind, "status": row.status, "count": row.count }))
            .collect();
        let queue: Vec<_> = queue
            .iter()
            .map(|row| {
                json!({
                    "state": row.state.as_str(),
                    "priority": row.priority.as_str(),
                    "count": row.count,
                    "oldest_ms": row.oldest,
                })
            })
            .collect();
        object(&json!({ "entities": entities, "queue": queue }));
        return Ok(ExitCode::SUCCESS);
    }
    if entities.is_empty() {
        line("Nothing is kept in step yet. Start with `antiphon serve` or `antiphon sync --once`.");
    }
    for row in &entities {
        line(&format!(
            "{:>8}  {:<8} {}",
            row.count,
            row.kind.as_str(),
            row.status.as_str()
        ));
    }
    for row in &queue {
        line(&format!(
            "{:>8}  operations {} ({})",
            row.count, row.state, row.priority
        ));
    }
    Ok(ExitCode::SUCCESS)
}
