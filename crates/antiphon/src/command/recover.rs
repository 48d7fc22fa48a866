//! `entity force|skip|unskip|reset|hold|release`: one item or many, always with a count first.

use std::process::ExitCode;

use engine::Recovery;
use model::{Entity, System, Timestamp};
use serde_json::json;
use web::{Caller, Preview, State};

use super::entity;
use crate::arguments::{EntityAct, Side};
use crate::exit::{REFUSED, Usage};
use crate::show::{line, object};
use crate::wiring::{self, refused};

/// The system that `--from` names.
pub(crate) fn side(side: Side) -> System {
    match side {
        Side::Canvas => System::Canvas,
        Side::Discourse => System::Discourse,
        Side::Local => System::Local,
    }
}

pub(crate) async fn run(
    state: &State,
    act: Recovery,
    options: EntityAct,
) -> anyhow::Result<ExitCode> {
    let caller = Caller::command_line();
    let is_json = options.output.json;
    let (is_one, items) = items(state, &options).await?;
    let preview = web::preview(state, &caller, act, &items)
        .await
        .map_err(refused)?;
    if let (true, Some((_, why))) = (is_one, preview.refused.first()) {
        return Err(Usage(format!("This cannot be done: {why}.")).into());
    }
    let many = preview.fitting.len();
    show(act, &preview, is_json);
    if options.consent.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    if options.consent.max_changes.is_some_and(|max| many > max) {
        warn(&format!(
            "{many} items are more than --max-changes. Nothing was changed."
        ));
        return Ok(ExitCode::from(REFUSED));
    }
    if !options.consent.yes {
        warn("Nothing was changed. Say --yes to do it.");
        return Ok(ExitCode::from(REFUSED));
    }
    let report = web::recover(
        state,
        &caller,
        act,
        (&preview.fitting, &options.consent.reason),
    )
    .await
    .map_err(refused)?;
    if is_json {
        object(&report.json());
    } else {
        line(&format!(
            "{} changed, {} had moved on.",
            report.changed, report.skipped
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// The items that are meant, and whether it is one by name.
async fn items(state: &State, options: &EntityAct) -> anyhow::Result<(bool, Vec<Entity>)> {
    if let Some(name) = &options.id {
        if entity::is_post_address(name) {
            let text = "A forum's address names a post by its place in the topic. Give the post's id: see `antiphon entity list`.";
            return Err(Usage(text.to_owned()).into());
        }
        return Ok((true, vec![entity::find(&state.store, name).await?]));
    }
    let selection = entity::selection(&state.store, options.filter.clone()).await?;
    if selection == web::Selection::default() {
        return Err(Usage(
            "Say which items: an id, or a filter such as --status failed.".to_owned(),
        )
        .into());
    }
    let found = web::select(&state.store, &selection)
        .await
        .map_err(refused)?;
    Ok((false, found))
}

fn show(act: Recovery, preview: &Preview, is_json: bool) {
    if is_json {
        object(&json!({ "verb": act.as_str(), "preview": preview.json() }));
        return;
    }
    let many = preview.fitting.len();
    line(&format!("{}: {many} items.", act.as_str()));
    for ((system, action), count) in &preview.writes {
        line(&format!("    {count} x {action} in {}", system.title()));
    }
    if !preview.refused.is_empty() {
        line(&format!("    {} do not fit:", preview.refused.len()));
    }
    for (id, why) in preview.refused.iter().take(10) {
        line(&format!("    {id}: {why}"));
    }
}

#[expect(clippy::print_stderr, reason = "words beside the command's output")]
fn warn(text: &str) {
    eprintln!("antiphon: {text}");
}

/// A time as it is typed: so long ago, or a time of the clock.
pub(crate) fn time(text: &str) -> anyhow::Result<Timestamp> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp(at.as_millisecond()));
    }
    match crate::config::duration_ms(text) {
        Some(ms) => Ok(wiring::now().plus_ms(ms.saturating_neg())),
        None => Err(Usage(format!(
            "`{text}` is no time: write `2h`, `3d` or `2026-01-31T08:00:00Z`."
        ))
        .into()),
    }
}
