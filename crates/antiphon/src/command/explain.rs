//! `explain`: the life of one item.

use std::path::Path;
use std::process::ExitCode;

use model::Entity;
use serde_json::json;
use store::{HistoryFilter, OperationFilter, Store, SyncTransaction};

use crate::arguments::Explain;
use crate::config;
use crate::show::{line, object};
use crate::wiring;

pub(crate) async fn run(path: &Path, options: Explain) -> anyhow::Result<ExitCode> {
    let store = wiring::open(&config::load(path)?).await?;
    let entity = super::entity::find(&store, &options.id).await?;
    explain(&store, &entity, options.output.json).await?;
    Ok(ExitCode::SUCCESS)
}

async fn explain(store: &Store, entity: &Entity, is_json: bool) -> anyhow::Result<()> {
    let stored = |error: store::Error| wiring::failed(error.failure());
    let filter = HistoryFilter {
        entity: Some(entity.id.clone()),
        limit: 500,
        ..HistoryFilter::default()
    };
    let mut history = store.history(&filter).await.map_err(stored)?;
    history.reverse();
    let filter = OperationFilter {
        entity: Some(entity.id.clone()),
        limit: 20,
        ..OperationFilter::default()
    };
    let operations = store.operations(&filter).await.map_err(stored)?;
    let transactions = store.transactions(&entity.id).await.map_err(stored)?;
    if is_json {
        object(&json!({
            "entity": web::entity_json(entity),
            "history": history.iter().map(web::history_json).collect::<Vec<_>>(),
            "operations": operations.iter().map(web::operation_json).collect::<Vec<_>>(),
            "transactions": transactions.iter().map(transaction_json).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    line(&format!(
        "{} {}: {}",
        entity.kind,
        entity.id,
        entity.status.as_str()
    ));
    for (system, replica) in &entity.replicas {
        line(&format!(
            "  {system}: {} ({}), has seen {}",
            replica.remote,
            replica.existence.as_str(),
            serde_json::to_string(&replica.vector)?
        ));
    }
    for entry in &history {
        line(&format!("  {}  {}", entry.at.0, entry.text));
    }
    for operation in &operations {
        line(&format!(
            "  operation {} {} ({})",
            operation.id, operation.state, operation.reason
        ));
    }
    for transaction in &transactions {
        tell(transaction);
    }
    line(&format!("  Next: {}", next(entity)));
    Ok(())
}

/// One line about a sync transaction and one about each line of its log, without anybody's words.
fn tell(transaction: &SyncTransaction) {
    let end = match transaction.ended {
        Some((_, result)) => result.as_str(),
        None => "prepared",
    };
    line(&format!("  transaction {} {end}", transaction.id));
    for step in &transaction.steps {
        let failure = match &step.failure {
            Some(failure) => format!(": {}", failure.code),
            None => String::new(),
        };
        line(&format!(
            "    {}  step {} {} {} in {}{failure}",
            step.at.0,
            step.number,
            step.phase.as_str(),
            step.action.as_str(),
            step.system.title()
        ));
    }
}

fn transaction_json(transaction: &SyncTransaction) -> serde_json::Value {
    let step = |step: &model::Step| {
        json!({
            "number": step.number,
            "phase": step.phase.as_str(),
            "action": step.action.as_str(),
            "system": step.system,
            "at": step.at,
            "before": step.before,
            "after": step.after,
            "failure": step.failure,
        })
    };
    json!({
        "id": transaction.id,
        "operation": transaction.operation,
        "parent": transaction.parent,
        "isolation": transaction.isolation.as_str(),
        "began": transaction.began_at,
        "ended": transaction.ended.map(|(at, _)| at),
        "result": transaction.ended.map(|(_, result)| result.as_str()),
        "steps": transaction.steps.iter().map(step).collect::<Vec<_>>(),
    })
}

fn next(entity: &Entity) -> String {
    use model::Status;
    match (entity.status, &entity.reason) {
        (Status::InSync, _) => "nothing; all systems agree.".to_owned(),
        (Status::Pending, None) => "it is written by itself.".to_owned(),
        (Status::Conflict, _) => "a person decides: antiphon conflict list.".to_owned(),
        (Status::Skipped, _) => "nothing; somebody told us to leave it alone.".to_owned(),
        (_, Some(reason)) => reason.to_string(),
        (_, None) => "it waits for a person.".to_owned(),
    }
}
