//! Conflicts: both texts with what they had in common, and the ways to decide.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State as Shared};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use model::{Conflict, ConflictState, Entity, EntityId, Field, Record, System};
use serde::Deserialize;
use similar::ChangeTag;
use store::{Change, ConflictFilter, DeskChange};

use super::layout::{self, badge, csrf, may_decide, time};
use super::table::{Cell, Format, Table, export_links, older, query};
use crate::access::Caller;
use crate::change::{self, ChangeError, Take};
use crate::form::Form;
use crate::merge::{self, Stretch};
use crate::problem::Problem;
use crate::state::State;

/// The most conflicts that one decision is applied to.
const SIMILAR_MAX: usize = 500;

/// The filters in the address.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Filter {
    pub(crate) state: Option<String>,
    pub(crate) course: Option<String>,
    pub(crate) before: Option<String>,
    pub(crate) format: Option<String>,
}

/// A page of the conflicts that the caller may see.
pub(crate) async fn search(
    state: &State,
    caller: &Caller,
    filter: &Filter,
    limit: usize,
) -> store::Result<Option<Vec<Conflict>>> {
    let wanted = filter
        .state
        .as_deref()
        .and_then(ConflictState::parse)
        .unwrap_or(ConflictState::Open);
    let mut course = filter
        .course
        .as_deref()
        .filter(|id| !id.is_empty())
        .map(EntityId::from);
    if let Some(own) = caller.limit() {
        course = course.or_else(|| own.first().cloned());
        if !course.as_ref().is_some_and(|course| own.contains(course)) {
            return Ok(None);
        }
    }
    let before = filter.before.clone().filter(|id| !id.is_empty());
    let found = if let Some(course) = course {
        let before = before.as_deref();
        state
            .store
            .conflicts_of_course(&course, wanted, before, limit)
            .await?
    } else {
        let filter = ConflictFilter {
            state: Some(wanted),
            before,
            limit,
            ..ConflictFilter::default()
        };
        state.store.conflicts(&filter).await?
    };
    Ok(Some(found))
}

/// `GET /conflicts`.
pub(crate) async fn list(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Query(filter): Query<Filter>,
) -> Response {
    match show(&state, &caller, &filter).await {
        Ok(Some(response)) => response,
        Ok(None) => Problem::not_found("course").page(Some(&caller)),
        Err(error) => Problem::from(error).page(Some(&caller)),
    }
}

async fn show(state: &State, caller: &Caller, filter: &Filter) -> store::Result<Option<Response>> {
    let format = Format::parse(filter.format.as_deref());
    let Some(conflicts) = search(state, caller, filter, format.limit()).await? else {
        return Ok(None);
    };
    let table = table(&conflicts);
    if format != Format::Page {
        return Ok(Some(table.export(format, "conflicts")));
    }
    let courses = super::block::courses(state, caller).await?;
    let query = query(&[
        ("state", filter.state.as_deref()),
        ("course", filter.course.as_deref()),
    ]);
    let last = conflicts.last().map(|conflict| conflict.id.as_str());
    let empty = html! {
        p {
            "No conflict is here. One looks like this: somebody changes a post in Canvas, somebody else changes the same words in Discourse, and neither has seen the other. Both texts are kept; you choose." }
    };
    let body = html! {
        h1 { "Conflicts" }
        form.row.filters method="get" action="/conflicts" role="search" aria-label="Filter the conflicts" {
            label { "State" select name="state" {
                @for word in ["open", "resolved"] { option value=(word)
                    selected[filter.state.as_deref() == Some(word)] { (word) } }
            } }
            label { "Course" select name="course" {
                option value="" { "all" }
                @for (id, name) in &courses { option value=(id)
                    selected[filter.course.as_deref() == Some(id.as_str())] { (name) } }
            } }
            button { "Filter" }
        }
        div data-live="conflicts" id="conflicts" { (table.markup(&empty)) }
        (older("/conflicts", &query, last, conflicts.len() == format.limit()))
        (export_links("/conflicts", &query))
    };
    Ok(Some(layout::answer(
        caller,
        "Conflicts",
        "/conflicts",
        &body,
    )))
}

fn fields(conflict: &Conflict) -> String {
    if conflict.fields.is_empty() {
        return "a delete met an edit".to_owned();
    }
    conflict
        .fields
        .iter()
        .map(|field| field.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

fn table(conflicts: &[Conflict]) -> Table {
    let rows = conflicts.iter().map(|conflict| {
        let names = |record: &Record| {
            record
                .author
                .as_ref()
                .map_or("somebody", |author| author.name.as_str())
                .to_owned()
        };
        let who: Vec<String> = conflict
            .sides
            .iter()
            .map(|(system, record)| format!("{} in {}", names(record), system.title()))
            .collect();
        vec![
            Cell::link(&conflict.id, &format!("/conflicts/{}", conflict.id)),
            Cell::badge(conflict.state.as_str()),
            Cell::text(&fields(conflict)),
            Cell::text(&who.join(" and ")),
            Cell::text(conflict.strategy.as_str()),
            Cell::time(conflict.opened_at),
            Cell::text(&conflict.decided_by),
        ]
    });
    Table {
        caption: "Conflicts",
        columns: vec![
            ("id", "Conflict"),
            ("state", "State"),
            ("fields", "What differs"),
            ("who", "Between"),
            ("strategy", "Strategy"),
            ("opened", "Found"),
            ("decided_by", "Decided by"),
        ],
        rows: rows.collect(),
    }
}

/// `GET /conflicts/{id}`.
pub(crate) async fn one(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Response {
    match detail(&state, &caller, &id).await {
        Ok(body) => layout::answer(&caller, "Conflict", "", &body),
        Err(problem) => problem.page(Some(&caller)),
    }
}

/// A conflict with its entity, if the caller may see it.
pub(crate) async fn visible(
    state: &State,
    caller: &Caller,
    id: &str,
) -> Result<(Conflict, Entity), Problem> {
    let (conflict, entity) = change::find_conflict(&state.store, id).await?;
    if caller.may_see(&entity.course) {
        return Ok((conflict, entity));
    }
    Err(Problem::not_found("conflict"))
}

async fn detail(state: &State, caller: &Caller, id: &str) -> Result<Markup, Problem> {
    let (conflict, entity) = visible(state, caller, id).await?;
    // Both texts are shown: that somebody read them is noted.
    let entry = caller.audit(state, "read conflict", id, "");
    state
        .store
        .commit(vec![Change::Desk(DeskChange::Audit(entry))])
        .await?;
    let base = conflict
        .base
        .as_ref()
        .map(merge::markdown)
        .unwrap_or_default();
    Ok(html! {
        h1 { "Conflict" }
        p { (badge(conflict.state.as_str())) " " (fields(&conflict)) ", found " (time(conflict.opened_at)) ". "
            a href={ "/item/" (entity.id) } { "The whole story of this " (entity.kind) } }
        @if !conflict.decided_by.is_empty() { p { "Decided by " (conflict.decided_by)
            ". It can be decided differently." } }
        div.sides {
            @for (system, record) in &conflict.sides { (side(&conflict, (*system, record), &base)) }
        }
        @if let Some(record) = &conflict.base { details { summary { "What both had before" } (plain(record)) } }
        @if let Some(record) = &conflict.result { details { summary { "What was decided" } (plain(record)) } }
        @if may_decide(caller) { (decide_forms(caller, &conflict)) }
    })
}

fn side(conflict: &Conflict, (system, record): (System, &Record), base: &str) -> Markup {
    let text = merge::markdown(record);
    let before = conflict
        .base
        .as_ref()
        .and_then(|base| base.text(Field::Title))
        .unwrap_or_default();
    html! {
        section.card aria-label={ "What stands in " (system.title()) } {
            h2 { (system.title()) }
            p { strong { (record.author.as_ref().map_or("somebody", |author| author.name.as_str())) }
                @if let Some(at) = record.edited_at { ", " (time(at)) } }
            @if record.deleted { p.alert { "Deleted here." } }
            @if let Some(title) = record.text(Field::Title) { h3 { (marked(before, title)) } }
            @if record.body().is_some() {
                div.words { (marked(base, &text)) }
                details { summary { "Preview" }
                    iframe title={ "How it looks, from " (system.title()) } sandbox="" srcdoc=(merge::html(&text)) {} }
            }
        }
    }
}

/// A text with what came and went since `from`; read aloud as inserted and deleted.
fn marked(from: &str, to: &str) -> Markup {
    html! {
        @for (tag, text) in merge::words(from, to) {
            @match tag {
                ChangeTag::Equal => (text),
                ChangeTag::Delete => del { (text) },
                ChangeTag::Insert => ins { (text) },
            }
        }
    }
}

fn plain(record: &Record) -> Markup {
    html! {
        @if let Some(title) = record.text(Field::Title) { h3 { (title) } }
        div.words { (merge::markdown(record)) }
    }
}

fn decide_forms(caller: &Caller, conflict: &Conflict) -> Markup {
    let action = format!("/conflicts/{}/resolve", conflict.id);
    let sides = merge::sides(conflict);
    let first = conflict.sides.values().next();
    html! {
        section {
            h2 { "Take one" }
            form.row method="post" action=(action) {
                (csrf(caller))
                label { "Reason" input name="reason" maxlength="200"; }
                @for system in conflict.sides.keys() { button name="take" value=(system) { "Take what stands in "
                    (system.title()) } }
                @if conflict.base.is_some() { button name="take" value="base" { "Take what both had before" } }
                @if caller.role != store::Role::Teacher {
                    label.check { input type="checkbox" name="similar" value="1";
                        "and the same for all open conflicts of this course that differ in " (fields(conflict)) }
                }
            }
        }
        @if let Some([(left, left_record), (right, right_record)]) = sides {
            @let stretches = merge::stretches(&merge::markdown(left_record), &merge::markdown(right_record));
            @if stretches.iter().any(|stretch| matches!(stretch, Stretch::Differ(..))) {
                section {
                    h2 { "Merge by block" }
                    form.stack method="post" action=(action) {
                        (csrf(caller))
                        input type="hidden" name="take" value="blocks";
                        (stretch_fields(&stretches, (left, right)))
                        label { "Reason" input name="reason" maxlength="200"; }
                        button { "Write the blocks chosen" }
                    }
                }
            }
        }
        @if let Some(record) = first { @if record.body().is_some() {
            section {
                h2 { "Write your own" }
                form.stack method="post" action=(action) {
                    (csrf(caller))
                    input type="hidden" name="take" value="written";
                    @if let Some(title) = record.text(Field::Title) { label { "Title" input name="title"
                        value=(title) maxlength="255"; } }
                    label { "Text in Markdown" textarea name="body" rows="10" { (merge::markdown(record)) } }
                    label { "Reason" input name="reason" maxlength="200"; }
                    button { "Write this text" }
                }
            }
        } }
    }
}

fn stretch_fields(stretches: &[Stretch], (left, right): (System, System)) -> Markup {
    let mut number = 0;
    html! {
        @for stretch in stretches {
            @match stretch {
                Stretch::Same(text) => div.words.same { (text) },
                Stretch::Differ(one, other) => {
                    @let name = { number += 1; format!("block{number}") };
                    fieldset.sides {
                        legend { "Block " (number) }
                        label.card { input type="radio" name=(name) value="left" checked; " " (left.title())
                            div.words { @if one.is_empty() { em { "nothing here" } } (one) } }
                        label.card { input type="radio" name=(name) value="right"; " " (right.title()) div.words {
                            @if other.is_empty() { em { "nothing here" } } (other) } }
                        label.check { input type="radio" name=(name) value="both"; " Both, one after the other" }
                    }
                },
            }
        }
    }
}

/// `POST /conflicts/{id}/resolve`.
pub(crate) async fn resolve(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    match decide(&state, &caller, &id, &body).await {
        Ok(()) => Redirect::to(&format!("/conflicts/{id}")).into_response(),
        Err(problem) => problem.page(Some(&caller)),
    }
}

async fn decide(state: &State, caller: &Caller, id: &str, body: &[u8]) -> Result<(), Problem> {
    let form = Form::read(body)?;
    let field = |name: &str| form.get(name).map(str::to_owned);
    let why = field("reason").unwrap_or_default();
    let (conflict, entity) = visible(state, caller, id).await?;
    let take = field("take").unwrap_or_default();
    let chosen = match take.as_str() {
        "blocks" => {
            let choices: Vec<String> = form
                .fields()
                .iter()
                .filter(|(key, _)| key.starts_with("block"))
                .map(|(_, choice)| choice.clone())
                .collect();
            from_blocks(&conflict, &choices)
        }
        "written" => {
            let side = conflict.sides.values().next();
            let text = field("body").map(|text| text.replace("\r\n", "\n"));
            side.map(|side| change::written(side, field("title"), text))
        }
        take => Take::parse(take).and_then(|take| change::chosen(&conflict, take)),
    };
    let chosen = chosen.ok_or_else(|| Problem::invalid("There is no such version to take."))?;
    let course = entity.course.clone();
    let alike = conflict.fields.clone();
    let entry = caller.audit(state, &format!("conflict take {take}"), id, &why);
    let both = (conflict, entity);
    change::settle(
        &state.store,
        state.stamp.as_ref(),
        both,
        (&chosen, &caller.who),
        Some(entry),
    )
    .await?;
    let Some(take) = Take::parse(&take).filter(|_| field("similar").is_some()) else {
        return Ok(());
    };
    if caller.role == store::Role::Teacher {
        return Ok(());
    }
    let open = state
        .store
        .conflicts_of_course(&course, ConflictState::Open, None, SIMILAR_MAX)
        .await?;
    for other in open.into_iter().filter(|other| other.fields == alike) {
        settle_similar(state, caller, (&other.id, take), &why).await?;
    }
    Ok(())
}

async fn settle_similar(
    state: &State,
    caller: &Caller,
    (id, take): (&str, Take),
    why: &str,
) -> Result<(), ChangeError> {
    let (conflict, entity) = change::find_conflict(&state.store, id).await?;
    let Some(chosen) = change::chosen(&conflict, take) else {
        return Ok(());
    };
    let entry = caller.audit(state, "conflict take, as a similar one", id, why);
    let both = (conflict, entity);
    let settled = change::settle(
        &state.store,
        state.stamp.as_ref(),
        both,
        (&chosen, &caller.who),
        Some(entry),
    )
    .await;
    match settled {
        // Somebody was faster with this one; the others go on.
        Ok(_) | Err(ChangeError::Store(store::Error::Stale { .. })) => Ok(()),
        Err(error) => Err(error),
    }
}

fn from_blocks(conflict: &Conflict, choices: &[String]) -> Option<Record> {
    let [(_, left), (_, right)] = merge::sides(conflict)?;
    let stretches = merge::stretches(&merge::markdown(left), &merge::markdown(right));
    Some(change::written(
        left,
        None,
        Some(merge::combine(&stretches, choices)),
    ))
}
