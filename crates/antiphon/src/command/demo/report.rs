//! What the demo did: moves each way, conflicts, what is held, API calls.

use std::collections::BTreeMap;

use model::{ConflictState, System};
use runner::World;
use serde_json::json;
use store::{ConflictFilter, HistoryFilter, OperationFilter, OperationState};

use crate::show::{line, object};

const PAGE: usize = 1_000;

/// Prints the report, as text or as one JSON object.
pub(super) async fn print(world: &World, is_json: bool) -> anyhow::Result<()> {
    let written = written(world).await?;
    let conflicts = world
        .store
        .conflicts(&ConflictFilter {
            limit: PAGE,
            ..ConflictFilter::default()
        })
        .await?;
    let open = conflicts
        .iter()
        .filter(|conflict| conflict.state == ConflictState::Open)
        .count();
    let held = operations(world, OperationState::Held).await?;
    let failed = operations(world, OperationState::Failed).await?;
    let calls: BTreeMap<String, u64> = [&world.canvas, &world.discourse]
        .iter()
        .map(|connector| {
            let total = connector.calls().iter().map(|(_, count)| count).sum();
            (connector.system().as_str().to_owned(), total)
        })
        .collect();
    if is_json {
        object(&json!({
            "written": written.iter().map(|((system, action), count)| {
                json!({ "system": system, "action": action, "count": count })
            }).collect::<Vec<_>>(),
            "conflicts": conflicts.len(),
            "conflicts_open": open,
            "held": held,
            "failed": failed,
            "calls": calls,
        }));
        return Ok(());
    }
    line("What was written:");
    for ((system, action), count) in &written {
        line(&format!("  {count:>4} x {action:<8} in {}", system.title()));
    }
    line(&format!(
        "Conflicts: {} ({open} open, both texts kept)",
        conflicts.len()
    ));
    for (name, reasons) in [("Held", &held), ("Failed", &failed)] {
        line(&format!("{name}: {}", reasons.len()));
        for reason in reasons {
            line(&format!("  {reason}"));
        }
    }
    for (system, count) in &calls {
        line(&format!("API calls to {system}: {count}"));
    }
    Ok(())
}

async fn operations(world: &World, state: OperationState) -> anyhow::Result<Vec<String>> {
    let filter = OperationFilter {
        state: Some(state),
        limit: PAGE,
        ..OperationFilter::default()
    };
    let found = world.store.operations(&filter).await?;
    Ok(found
        .into_iter()
        .map(|operation| {
            operation
                .failure
                .map_or_else(|| operation.subject, |failure| failure.to_string())
        })
        .collect())
}

/// How many writes of each sort reached each system.
async fn written(world: &World) -> anyhow::Result<BTreeMap<(System, String), u64>> {
    let mut counts = BTreeMap::new();
    let mut filter = HistoryFilter {
        limit: PAGE,
        ..HistoryFilter::default()
    };
    loop {
        let page = world.store.history(&filter).await?;
        for entry in &page {
            let is_write = matches!(
                entry.action.as_str(),
                "create" | "edit" | "delete" | "restore"
            );
            if let (Some(system), true) = (entry.system, is_write) {
                *counts.entry((system, entry.action.clone())).or_insert(0) += 1;
            }
        }
        if page.len() < PAGE {
            return Ok(counts);
        }
        filter.before = page.last().map(|entry| entry.id.clone());
    }
}
