//! `entity list|show|edit`, and how a command names an item.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use engine::Recovery;
use model::{Entity, EntityId, Kind, RemoteId, Status, System};
use store::Store;
use web::Selection;

use super::recover;
use crate::arguments::{Entity as Verb, EntityEdit, EntityFilter, EntityList};
use crate::config;
use crate::exit::Usage;
use crate::show::{line, object};
use crate::wiring::{self, RealStamp};

pub(crate) async fn run(path: &Path, verb: Verb) -> anyhow::Result<ExitCode> {
    let config = config::load(path)?;
    let store = wiring::open(&config).await?;
    let state = || wiring::web_state(&config, store.clone());
    match verb {
        Verb::Force(options) => {
            let act = Recovery::Force(recover::side(options.from));
            return recover::run(&state(), act, options.act).await;
        }
        Verb::Undo(options) => return recover::run(&state(), Recovery::Undo, options).await,
        Verb::Skip(options) => return recover::run(&state(), Recovery::Skip, options).await,
        Verb::Unskip(options) => return recover::run(&state(), Recovery::Unskip, options).await,
        Verb::Reset(options) => return recover::run(&state(), Recovery::Reset, options).await,
        Verb::Hold(options) => return recover::run(&state(), Recovery::Hold, options).await,
        Verb::Release(options) => return recover::run(&state(), Recovery::Release, options).await,
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

/// The filter as the program reads it.
pub(crate) async fn selection(store: &Store, filter: EntityFilter) -> anyhow::Result<Selection> {
    let course = match filter.course {
        Some(name) => Some(find(store, &name).await?.id),
        None => None,
    };
    let time = |text: Option<String>| text.as_deref().map(recover::time).transpose();
    Ok(Selection {
        kind: parsed(filter.kind, Kind::parse, "kind")?,
        status: parsed(filter.status, Status::parse, "state")?,
        course,
        code: filter.code,
        from_ms: time(filter.since)?,
        until_ms: time(filter.until)?,
    })
}

async fn list(store: &Store, options: EntityList) -> anyhow::Result<()> {
    let mut left = options.limit.unwrap_or(usize::MAX);
    let selection = selection(store, options.filter).await?;
    let mut after = None;
    while left > 0 {
        let filter = selection.page(after.take());
        let page = store.entities(&filter).await.map_err(wiring::stored)?;
        let fitting = page.iter().filter(|entity| selection.fits(entity));
        for entity in fitting.take(left) {
            print(entity, options.output.json);
            left -= 1;
        }
        after = page.last().map(|entity| entity.id.clone());
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

/// The entity with our id, with a remote id as `canvas:ID` or `discourse:ID`, or with this address.
pub(crate) async fn find(store: &Store, name: &str) -> anyhow::Result<Entity> {
    let name = name_of(name);
    let name = name.as_str();
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

/// The name of an item whose address was given: a Canvas topic or entry, a Discourse topic.
fn name_of(text: &str) -> String {
    let Some((_, path)) = text.split_once("://") else {
        return text.to_owned();
    };
    let (path, fragment) = path.split_once('#').unwrap_or((path, ""));
    let parts: Vec<&str> = path
        .split(['/', '?'])
        .filter(|part| !part.is_empty())
        .collect();
    let after = |word: &str| {
        let position = parts.iter().position(|part| *part == word)?;
        parts.get(position + 1).copied()
    };
    if let (Some(course), Some(topic)) = (after("courses"), after("discussion_topics")) {
        let entry = fragment
            .strip_prefix("entry-")
            .map(|id| format!("/{id}"))
            .unwrap_or_default();
        return format!("canvas:{course}/{topic}{entry}");
    }
    // The topic's number stands before a post's number: /t/slug/12/3.
    let start = parts.iter().position(|part| *part == "t").unwrap_or(0);
    parts
        .iter()
        .skip(start)
        .find(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or_else(|| text.to_owned(), |id| format!("discourse:{id}"))
}

/// Whether this is a forum's address of one post: its number is one in the topic, not the post's id.
pub(crate) fn is_post_address(text: &str) -> bool {
    let Some((_, path)) = text.split_once("://") else {
        return false;
    };
    let parts = path.split(['/', '?', '#']);
    let is_number =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut numbers = parts.skip_while(|part| *part != "t").filter(is_number);
    numbers.nth(1).is_some_and(|number| number != "1")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_items() {
        assert_eq!(
            name_of("https://c.edu/courses/1/discussion_topics/7"),
            "canvas:1/7"
        );
        assert_eq!(
            name_of("https://c.edu/courses/1/discussion_topics/7#entry-70"),
            "canvas:1/7/70"
        );
        assert_eq!(name_of("https://f.edu/t/a-slug/22/3"), "discourse:22");
        assert_eq!(name_of("discourse:22"), "discourse:22");
    }

    #[test]
    fn an_address_of_a_post_is_told_from_one_of_a_topic() {
        assert!(is_post_address("https://f.edu/t/a-slug/22/3"));
        assert!(is_post_address("https://f.edu/t/22/3"));
        assert!(!is_post_address("https://f.edu/t/a-slug/22"));
        assert!(!is_post_address("https://f.edu/t/a-slug/22/1"));
        assert!(!is_post_address(
            "https://c.edu/courses/1/discussion_topics/7#entry-70"
        ));
        assert!(!is_post_address("discourse:22"));
    }
}
