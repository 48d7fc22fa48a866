//! `conflict list|show|resolve`.

use std::path::Path;
use std::process::ExitCode;

use model::{Conflict, ConflictState, Record};
use store::{ConflictFilter, Store};

use crate::arguments::{Conflict as Verb, Take};
use crate::config;
use crate::exit::Usage;
use crate::show::{line, object};
use crate::wiring::{self, RealStamp};

pub(crate) async fn run(path: &Path, verb: Verb) -> anyhow::Result<ExitCode> {
    let store = wiring::open(&config::load(path)?).await?;
    match verb {
        Verb::List(options) => list(&store, options.state, options.output.json).await?,
        Verb::Show(options) => {
            let found = store
                .conflict(&options.id)
                .await
                .map_err(|error| wiring::failed(error.failure()))?;
            let conflict =
                found.ok_or_else(|| Usage(format!("There is no conflict `{}`.", options.id)))?;
            print(&conflict, options.output.json);
        }
        Verb::Resolve(options) => {
            let take = match options.take {
                Take::Canvas => web::Take::Canvas,
                Take::Discourse => web::Take::Discourse,
                Take::Local => web::Take::Local,
                Take::Base => web::Take::Base,
            };
            let conflict = web::decide(&store, &RealStamp, &options.id, (take, "cli")).await?;
            print(&conflict, options.output.json);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(store: &Store, state: Option<String>, is_json: bool) -> anyhow::Result<()> {
    let state =
        match state {
            Some(text) => Some(ConflictState::parse(&text).ok_or_else(|| {
                Usage(format!("There is no state `{text}`; use open or resolved."))
            })?),
            None => None,
        };
    let filter = ConflictFilter {
        state,
        limit: 1_000,
        ..ConflictFilter::default()
    };
    let found = store
        .conflicts(&filter)
        .await
        .map_err(|error| wiring::failed(error.failure()))?;
    for conflict in &found {
        if is_json {
            object(&web::conflict_json(conflict, false));
        } else {
            line(&format!(
                "{}  {:<8} {}",
                conflict.id,
                conflict.state.as_str(),
                summary(conflict)
            ));
        }
    }
    if found.is_empty() && !is_json {
        line(
            "No conflicts. One appears here when two sides change the same thing between two looks.",
        );
    }
    Ok(())
}

fn summary(conflict: &Conflict) -> String {
    let fields: Vec<&str> = conflict.fields.iter().map(|field| field.as_str()).collect();
    let what = if fields.is_empty() {
        "existence".to_owned()
    } else {
        fields.join(", ")
    };
    let how = if conflict.decided_by.is_empty() {
        "undecided"
    } else {
        &conflict.decided_by
    };
    format!("entity {} ({what}), {how}", conflict.entity)
}

fn print(conflict: &Conflict, is_json: bool) {
    if is_json {
        object(&web::conflict_json(conflict, true));
        return;
    }
    line(&format!(
        "Conflict {} ({}): {}",
        conflict.id,
        conflict.state.as_str(),
        summary(conflict)
    ));
    for (system, record) in &conflict.sides {
        side(system.title(), record);
    }
    if let Some(base) = &conflict.base {
        side("Before", base);
    }
    if let Some(result) = &conflict.result {
        side("Result", result);
    }
}

fn side(name: &str, record: &Record) {
    let author = record
        .author
        .as_ref()
        .map_or("unknown", |author| author.name.as_str());
    line(&format!("--- {name} ({author})"));
    if record.deleted {
        line("(deleted)");
        return;
    }
    if let Some(title) = record.text(model::Field::Title) {
        line(&format!("# {title}"));
    }
    if let Some(body) = record.body() {
        line(&body.source);
    }
}
