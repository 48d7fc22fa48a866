//! Reading entries: entries, replies, entry_list (contract canvas §8).

use super::Ctx;
use crate::act::home_path;
use crate::answer::{Answer, Fail, Outcome};
use crate::id;
use crate::json::entry::{self, Form};
use crate::paging::{self, Page};
use crate::policy;
use crate::state::thread::{Entry, Topic};
use crate::world::World;
use serde_json::Value;
use std::collections::BTreeSet;

fn links(world: &World, ctx: &Ctx<'_>, topic: &Topic, tail: &str, list: (&Page, usize)) -> String {
    let path = format!(
        "/api/v1{}/discussion_topics/{}/{tail}",
        home_path(topic.home),
        topic.id
    );
    paging::links(ctx.list(&path), list.0, list.1, &world.switches)
}

/// The topic itself, and of a group root the children that the caller may read.
fn sources<'w>(world: &'w World, ctx: &Ctx<'_>, topic: &'w Topic) -> Vec<&'w Topic> {
    let mut out = vec![topic];
    out.extend(topic.child_ids.iter().filter_map(|id| {
        policy::see_topic(world, *id, Some(ctx.user_id()))
            .ok()
            .map(|(child, _)| child)
    }));
    out
}

/// `GET D/entries`: top level only, active only, newest first.
pub(super) fn entries(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let world = &*world;
    let topic = ctx.open_topic(world)?;
    let page = Page::read(ctx.request, &world.switches, 10)?;
    let horizon = ctx.list_horizon(world.now());
    let mut rows: Vec<(&Entry, &Topic)> = sources(world, ctx, topic)
        .into_iter()
        .flat_map(|t| world.data.entries_in(t).map(move |e| (e, t)))
        .filter(|(e, _)| e.parent_id.is_none() && !e.is_deleted() && e.created_at <= horizon)
        .collect();
    // Newest first even when the topic sorts by rating (seen live, 736).
    if !topic.child_ids.is_empty() {
        rows.sort_by_key(|(e, _)| e.id);
    }
    rows.reverse();
    let total = rows.len();
    let reader = ctx.reader(world);
    let shown: Vec<Value> = page
        .cut(rows)
        .into_iter()
        .map(|(e, t)| entry::with_replies(&reader, e, (t, topic.home)))
        .collect();
    let links = links(world, ctx, topic, "entries", (&page, total));
    Ok(Answer::ok(shown.into()).header("link", links))
}

/// `GET D/entries/:id/replies`: all active descendants of a top-level entry, flat, newest first.
pub(super) fn replies(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let world = &*world;
    let topic = ctx.open_topic(world)?;
    let page = Page::read(ctx.request, &world.switches, 10)?;
    let id = id::local(ctx.arg(3)).ok_or(Fail::NotFound)?;
    let (root, home) = sources(world, ctx, topic)
        .into_iter()
        .find_map(|t| {
            world
                .data
                .entries
                .get(&id)
                .filter(|e| e.topic_id == t.id)
                .map(|e| (e, t))
        })
        .ok_or(Fail::NotFound)?;
    if root.parent_id.is_some() || root.is_deleted() {
        return Err(Fail::NotFound);
    }
    let horizon = ctx.list_horizon(world.now());
    let rows: Vec<&Entry> = world
        .data
        .entries_in(home)
        .rev()
        .filter(|e| e.root_entry_id == Some(id) && !e.is_deleted() && e.created_at <= horizon)
        .collect();
    let total = rows.len();
    let reader = ctx.reader(world);
    let shown: Vec<Value> = page
        .cut(rows)
        .into_iter()
        .map(|e| entry::entry(&reader, e, home, Form::Full))
        .collect();
    let links = links(
        world,
        ctx,
        topic,
        &format!("entries/{id}/replies"),
        (&page, total),
    );
    Ok(Answer::ok(shown.into()).header("link", links))
}

/// `GET D/entry_list`: by ids, deleted ones included; one unknown id is 404 for all.
/// Its Link header wrongly points to `entries` (contract canvas §5).
pub(super) fn entry_list(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let world = &*world;
    let topic = ctx.open_topic(world)?;
    let page = Page::read(ctx.request, &world.switches, 10)?;
    let mut ids = BTreeSet::new();
    for word in ctx.request.params.list("ids") {
        let id = id::local(&word).ok_or(Fail::NotFound)?;
        let is_here = world
            .data
            .entries
            .get(&id)
            .is_some_and(|e| e.topic_id == topic.id);
        if !is_here {
            return Err(Fail::NotFound);
        }
        ids.insert(id);
    }
    let rows: Vec<&Entry> = ids
        .iter()
        .filter_map(|id| world.data.entries.get(id))
        .collect();
    let total = rows.len();
    let reader = ctx.reader(world);
    let shown: Vec<Value> = page
        .cut(rows)
        .into_iter()
        .map(|e| entry::entry(&reader, e, topic, Form::List))
        .collect();
    let links = links(world, ctx, topic, "entries", (&page, total));
    Ok(Answer::ok(shown.into()).header("link", links))
}
