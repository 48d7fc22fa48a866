//! `roster show|sync`.

use std::path::Path;
use std::process::ExitCode;

use model::{Entity, EntityId, System};
use serde_json::{Value, json};
use store::Store;

use crate::arguments::Roster as Verb;
use crate::config;
use crate::exit::Usage;
use crate::show::{line, object};
use crate::wiring::{self, RealStamp, refused, stored};

pub(crate) async fn run(path: &Path, verb: Verb) -> anyhow::Result<ExitCode> {
    let store = wiring::open(&config::load(path)?).await?;
    match verb {
        Verb::Show(options) => {
            let course = find(&store, &options.course).await?;
            let told = web::roster_json(&store, &course).await.map_err(refused)?;
            if options.output.json {
                object(&told);
            } else {
                print(&told);
            }
        }
        Verb::Sync(options) => {
            let course = find(&store, &options.course).await?;
            let wish = (&course, options.release);
            let queued = web::ask_roster(&store, &RealStamp, wish, None)
                .await
                .map_err(refused)?;
            if options.output.json {
                object(&json!({ "course": course, "queued": queued }));
            } else {
                line(&format!(
                    "{queued} queued; the running service does it within seconds."
                ));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A course by our id of it, by its id in Canvas, or by the name that the configuration uses.
async fn find(store: &Store, name: &str) -> anyhow::Result<EntityId> {
    let courses = store.courses().await.map_err(stored)?;
    let is_it = |course: &&Entity| {
        let canvas = course.replica(System::Canvas);
        course.id.as_str() == name
            || canvas.is_some_and(|replica| {
                replica.remote.0 == name || replica.mark.as_deref() == Some(name)
            })
    };
    let found = courses.iter().find(is_it).map(|course| course.id.clone());
    found.ok_or_else(|| Usage(format!("There is no course `{name}`.")).into())
}

fn print(told: &Value) {
    let count = |value: &Value, field: &str| value.get(field).and_then(Value::as_u64).unwrap_or(0);
    let list = |value: &Value, field: &str| {
        value
            .get(field)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let text = |value: &Value, field: &str| {
        value
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or("-")
            .to_owned()
    };
    if told.get("read_ms").is_none_or(Value::is_null) {
        line("Its people were not read yet. Are there groups in `[people]` of the configuration?");
        return;
    }
    line(&format!("{} people take part.", count(told, "active")));
    for group in list(told, "groups") {
        line(&format!(
            "{:<20} {:>6} members, {} put in by hand, {} leaving: {}",
            text(&group, "name"),
            count(&group, "members"),
            count(&group, "by_hand"),
            list(&group, "leaving").len(),
            text(&group, "title"),
        ));
    }
    for person in list(told, "without_account") {
        line(&format!(
            "Person {} has no account in Discourse ({}).",
            text(&person, "person"),
            text(&person, "refusal")
        ));
    }
    if let Some(message) = told.pointer("/failure/message").and_then(Value::as_str) {
        line(message);
    }
}
