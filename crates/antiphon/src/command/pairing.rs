//! `match run|list|accept|reject|undo`.

use std::path::Path;
use std::process::ExitCode;

use model::{EntityId, Kind, RemoteId, System};
use serde_json::Value;
use store::{Match, Store};

use crate::arguments::{MatchList, MatchVerb};
use crate::config;
use crate::exit::{ATTENTION, Usage};
use crate::show::{line, object};
use crate::wiring::{self, stored};

pub(crate) async fn run(path: &Path, verb: MatchVerb) -> anyhow::Result<ExitCode> {
    let config = config::load(path)?;
    let store = wiring::open(&config).await?;
    let state = wiring::web_state(&config, store.clone());
    let caller = web::Caller::command_line();
    match verb {
        MatchVerb::Run(options) => {
            let world = wiring::world(&config, store).await?;
            let courses = runner::course::ensure(&world).await;
            for course in courses.map_err(super::sync::course_error)? {
                let compared = runner::pairing::again(&world, &course).await;
                compared.map_err(super::sync::course_error)?;
            }
            return list(&state, None, (false, options.json)).await;
        }
        MatchVerb::List(MatchList {
            course,
            all,
            output,
        }) => {
            let course = match course {
                Some(course) => Some(find(&store, &course).await?),
                None => None,
            };
            return list(&state, course, (all, output.json)).await;
        }
        MatchVerb::Accept(options) => {
            let pick = web::Pick {
                canvas: options.canvas.map(EntityId),
                discourse: options.discourse.map(EntityId),
            };
            let done =
                web::accept_match(&state, &caller, &options.id, (pick, &options.reason)).await?;
            print(&state, &done, options.output.json).await?;
        }
        MatchVerb::Reject(options) => {
            let done = web::reject_match(&state, &caller, &options.id, &options.reason).await?;
            print(&state, &done, options.output.json).await?;
        }
        MatchVerb::Undo(options) => {
            let course = find(&store, &options.course).await?;
            let undone = web::undo_matches(&state, &caller, &course, &options.reason).await?;
            if options.output.json {
                object(&serde_json::json!({ "course": course, "undone": undone }));
            } else {
                line(&format!(
                    "{undone} matches were undone. The course is matched again at the next look."
                ));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The course with our id, or with a remote id as `canvas:ID` or `discourse:ID`.
pub(crate) async fn find(store: &Store, name: &str) -> anyhow::Result<EntityId> {
    let remote = name
        .split_once(':')
        .and_then(|(system, id)| Some((System::parse(system)?, RemoteId::from(id))));
    let found = match remote {
        Some((system, remote)) => store.course_by_remote(system, &remote).await,
        None => store.entity(&EntityId::from(name)).await,
    };
    let course = found
        .map_err(stored)?
        .filter(|found| found.kind == Kind::Course);
    course
        .map(|course| course.id)
        .ok_or_else(|| Usage(format!("There is no course `{name}`.")).into())
}

async fn list(
    state: &web::State,
    course: Option<EntityId>,
    (is_all, is_json): (bool, bool),
) -> anyhow::Result<ExitCode> {
    let found = web::matches(state, course.as_ref()).await.map_err(stored)?;
    let open = found.iter().filter(|one| one.is_open()).count();
    for one in found
        .iter()
        .filter(|one| is_json || is_all || one.is_open())
    {
        print(state, one, is_json).await?;
    }
    if !is_json {
        line(&format!(
            "{open} matches wait for you, {} are decided.",
            found.len() - open
        ));
    }
    Ok(if open == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(ATTENTION)
    })
}

async fn print(state: &web::State, found: &Match, is_json: bool) -> anyhow::Result<()> {
    let shown = web::match_json(state, found).await.map_err(stored)?;
    if is_json {
        object(&shown);
        return Ok(());
    }
    let evidence = found.evidence.join(", ");
    line(&format!(
        "{}  {:<8} {} \"{}\" (same {evidence})",
        found.id, found.state, found.kind, found.title
    ));
    for system in ["canvas", "discourse"] {
        for item in shown
            .get(system)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let text = |key: &str| {
                item.get(key)
                    .and_then(Value::as_str)
                    .unwrap_or("gone")
                    .to_owned()
            };
            line(&format!(
                "    {system:<10} {}  (entity {})",
                text("id"),
                text("entity")
            ));
        }
    }
    Ok(())
}
