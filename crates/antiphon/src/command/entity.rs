//! `entity list|show|edit`.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use model::{Entity, EntityId, Kind, RemoteId, Status, System};
use store::{EntityFilter, Store};

use crate::arguments::{Entity as Verb, EntityEdit, EntityList};
use crate::config;
use crate::exit::Usage;
use crate::show::{line, object};
use crate::wiring::{self, RealStamp};

/// How many entities are read from the database at once.
const PAGE: usize = 1_000;

pub(crate) async fn run(path: &Path, verb: Verb) -> anyhow::Result<ExitCode> {
    let store = wiring::open(&config::load(path)?).await?;
    match verb {
        Verb::List(options) => list(&store, options).await?,
        Verb::Show(options) => print(&find(&store, &options.id).await?, options.output.json),
        Verb::Edit(options) => edit(&store, options).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn parsed<T>(
    text: Option<String>,
    parse: fn(&str) -> Option<T>,
    what: &str,
) -> anyhow::Result<Option<T>> {
    text.map(|text| {
        parse(&text).ok_or_else(|| Usage(format!("There is no {what} `{text}`.")).into())
    })
    .transpose()
}

async fn list(store: &Store, options: EntityList) -> anyhow::Result<()> {
    let mut left = options.limit.unwrap_or(usize::MAX);
    let mut filter = EntityFilter {
        kind: parsed(options.kind, Kind::parse, "kind")?,
        status: parsed(options.status, Status::parse, "state")?,
        course: options.course.map(EntityId),
        limit: PAGE,
        after: None,
    };
    while left > 0 {
        filter.limit = left.min(PAGE);
        let page = store
            .entities(&filter)
            .await
            .map_err(|error| wiring::failed(error.failure()))?;
        for entity in &page {
            print(entity, options.output.json);
        }
        left -= page.len();
        filter.after = page.last().map(|entity| entity.id.clone());
        if page.len() < filter.limit {
            break;
        }
    }
    Ok(())
}

fn print(entity: &Entity, is_json: bool) {
    if is_json {
        object(&web::entity_json(entity));
        return;
    }
    let remote = |system| {
        entity
            .replica(system)
            .map_or_else(|| "-".to_owned(), |replica| replica.remote.to_string())
    };
    line(&format!(
        "{}  {:<7} {:<9} canvas {:<12} discourse {:<8} {}",
        entity.id,
        entity.kind.as_str(),
        entity.status.as_str(),
        remote(System::Canvas),
        remote(System::Discourse),
        entity.title().unwrap_or(""),
    ));
    if let Some(reason) = &entity.reason {
        line(&format!("    {reason}"));
    }
}

/// The entity with our id, or with a remote id as `canvas:ID` or `discourse:ID`.
pub(crate) async fn find(store: &Store, name: &str) -> anyhow::Result<Entity> {
    let stored = |error: store::Error| wiring::failed(error.failure());
    let found = match name
        .split_once(':')
        .and_then(|(system, id)| Some((System::parse(system)?, id)))
    {
        Some((system, id)) => {
            let remote = RemoteId(id.to_owned());
            let mut found = None;
            for kind in [Kind::Topic, Kind::Post, Kind::Course] {
                if found.is_none() {
                    found = store
                        .entity_by_remote(system, kind, &remote)
                        .await
                        .map_err(stored)?;
                }
            }
            found
        }
        None => store
            .entity(&EntityId(name.to_owned()))
            .await
            .map_err(stored)?,
    };
    found.ok_or_else(|| {
        Usage(format!(
            "There is no entity `{name}`; see `antiphon entity list`."
        ))
        .into()
    })
}

async fn edit(store: &Store, options: EntityEdit) -> anyhow::Result<()> {
    let entity = find(store, &options.id).await?;
    let body = match (options.body, options.body_file) {
        (Some(body), _) => Some(body),
        (None, Some(path)) => Some(read(&path)?),
        (None, None) => None,
    };
    let deleted = match (options.delete, options.restore) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    };
    let edit = web::Edit {
        title: options.title,
        body,
        locked: options.locked,
        pinned: options.pinned,
        deleted,
    };
    if edit == web::Edit::default() {
        return Err(Usage(
            "Say what to change: --title, --body, --locked, --pinned, --delete or --restore."
                .to_owned(),
        )
        .into());
    }
    let entity = web::edit(store, &RealStamp, &entity.id, edit).await?;
    print(&entity, options.output.json);
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("Standard input cannot be read")?;
        return Ok(text);
    }
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}
