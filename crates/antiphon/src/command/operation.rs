//! `operation list|show|retry|release|hold|cancel`.

use std::path::Path;
use std::process::ExitCode;

use model::OperationId;
use serde_json::json;
use store::{Change, Operation, OperationFilter, OperationState, Store};

use crate::arguments::{Operation as Verb, OperationList};
use crate::config;
use crate::exit::Usage;
use crate::show::{line, object};
use crate::wiring;

const WHO: &str = "command line";

pub(crate) async fn run(path: &Path, verb: Verb) -> anyhow::Result<ExitCode> {
    let store = wiring::open(&config::load(path)?).await?;
    let at = wiring::now();
    let (who, why) = (WHO.to_owned(), WHO.to_owned());
    match verb {
        Verb::List(options) => list(&store, options).await?,
        Verb::Show(options) => show(&store, &OperationId(options.id), options.output.json).await?,
        Verb::Retry(options) => {
            let operation = OperationId(options.id);
            change(
                &store,
                &operation,
                Change::Retry {
                    operation: operation.clone(),
                    at,
                },
            )
            .await?;
        }
        Verb::Release(options) => {
            let operation = OperationId(options.id);
            change(
                &store,
                &operation,
                Change::Release {
                    operation: operation.clone(),
                    at,
                },
            )
            .await?;
        }
        Verb::Hold(options) => {
            let operation = OperationId(options.id);
            change(
                &store,
                &operation,
                Change::Hold {
                    operation: operation.clone(),
                    who,
                    why,
                    at,
                },
            )
            .await?;
        }
        Verb::Cancel(options) => {
            let operation = OperationId(options.id);
            change(
                &store,
                &operation,
                Change::Cancel {
                    operation: operation.clone(),
                    who,
                    why,
                    at,
                },
            )
            .await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(store: &Store, options: OperationList) -> anyhow::Result<()> {
    let state = match options.state {
        Some(text) => Some(OperationState::parse(&text).ok_or_else(|| {
            Usage(format!("There is no state `{text}`; use pending, in_progress, completed, failed, held or cancelled."))
        })?),
        None => None,
    };
    let filter = OperationFilter {
        state,
        limit: options.limit,
        ..OperationFilter::default()
    };
    let found = store
        .operations(&filter)
        .await
        .map_err(|error| wiring::failed(error.failure()))?;
    for operation in &found {
        print(operation, options.output.json);
    }
    Ok(())
}

fn print(operation: &Operation, is_json: bool) {
    if is_json {
        object(&web::operation_json(operation));
        return;
    }
    line(&format!(
        "{}  {:<11} {:<11} {} ({}), attempt {}",
        operation.id,
        operation.state.as_str(),
        operation.priority.as_str(),
        operation.subject,
        operation.reason,
        operation.attempt_count
    ));
    if let Some(failure) = &operation.failure {
        line(&format!("    {failure}"));
    }
}

async fn find(store: &Store, id: &OperationId) -> anyhow::Result<Operation> {
    let found = store
        .operation(id)
        .await
        .map_err(|error| wiring::failed(error.failure()))?;
    found.ok_or_else(|| Usage(format!("There is no operation `{id}`.")).into())
}

async fn show(store: &Store, id: &OperationId, is_json: bool) -> anyhow::Result<()> {
    let operation = find(store, id).await?;
    print(&operation, is_json);
    let attempts = store
        .attempts(id)
        .await
        .map_err(|error| wiring::failed(error.failure()))?;
    for attempt in &attempts {
        if is_json {
            object(&json!({
                "operation": attempt.operation,
                "number": attempt.number,
                "result": attempt.result.as_str(),
                "started_at_ms": attempt.started_at,
                "ended_at_ms": attempt.ended_at,
                "failure": attempt.failure,
            }));
        } else {
            line(&format!(
                "    attempt {}: {}",
                attempt.number, attempt.result
            ));
        }
    }
    Ok(())
}

async fn change(store: &Store, id: &OperationId, change: Change) -> anyhow::Result<()> {
    find(store, id).await?;
    store
        .commit(vec![change])
        .await
        .map_err(|error| match error {
            store::Error::Stale { .. } => Usage(format!(
                "Operation {id} is not in a state in which this can be done."
            ))
            .into(),
            error => wiring::failed(error.failure()),
        })?;
    print(&find(store, id).await?, false);
    Ok(())
}
