//! Writing entries: create, reply, update, delete, rate, mark read (contract canvas §8).

use super::Ctx;
use crate::act::entry::{self as act, FileChange, NewEntry};
use crate::act::file::{check_quota, keep_upload};
use crate::answer::{Answer, Fail, Outcome, bad};
use crate::fault::Kind;
use crate::id;
use crate::json::entry::{Form, entry};
use crate::policy;
use crate::request::{Given, Upload};
use crate::state::person::FileOwner;
use crate::state::thread::Home;
use crate::world::World;
use serde_json::Value;

/// The teacher with the lowest id of a course.
pub(crate) fn first_teacher(world: &World, course_id: u64) -> Option<u64> {
    world
        .data
        .enrollments_in(course_id)
        .filter(|e| e.kind == "TeacherEnrollment" && e.state == "active")
        .map(|e| e.user_id)
        .min()
}

/// The file of a POST, if the author may attach; silently none otherwise.
fn wanted_file<'r>(
    world: &World,
    ctx: &'r Ctx<'_>,
    topic_id: u64,
) -> Result<Option<&'r Upload>, Fail> {
    let Some(upload) = ctx.request.file("attachment") else {
        return Ok(None);
    };
    let topic = world.topic(topic_id).ok_or(Fail::NotFound)?;
    let standing = policy::standing(&world.data, Some(ctx.user_id()), topic.course_id);
    if !policy::can_attach(&world.data, topic.home, topic.course_id, &standing) {
        return Ok(None);
    }
    if topic.assignment_id.is_none() {
        let size = u64::try_from(upload.bytes.len()).unwrap_or(u64::MAX);
        check_quota(world, FileOwner::User(ctx.user_id()), size)?;
    }
    Ok(Some(upload))
}

fn add(world: &mut World, ctx: &Ctx<'_>, parent_id: Option<u64>) -> Outcome {
    let topic_id = ctx.topic(world)?.id;
    let params = &ctx.request.params;
    let is_text = match params.get("attachment") {
        // An object breaks before the entry is stored, a text after it (contract canvas §3.1).
        Some(Value::Object(_) | Value::Array(_)) if ctx.request.is_json => {
            return Err(Fail::Internal);
        }
        Some(Value::String(_)) => true,
        _ => false,
    };
    let upload = wanted_file(world, ctx, topic_id)?;
    let new = NewEntry {
        topic_id,
        parent_id,
        message: params.text("message"),
        base: ctx.base.clone(),
        ..NewEntry::default()
    };
    let entry_id = act::create(world, ctx.user_id(), new)?;
    if is_text {
        return Err(Fail::Internal);
    }
    if let Some(upload) = upload {
        let file_id = keep_upload(world, upload, FileOwner::User(ctx.user_id()), ctx.user_id());
        act::attach(world, entry_id, file_id);
    }
    world.emit_entry("discussion_entry_submitted", entry_id);
    answer(world, ctx, entry_id, 201, Form::Full)
}

fn answer(world: &World, ctx: &Ctx<'_>, entry_id: u64, status: u16, form: Form) -> Outcome {
    let stored = world.data.entries.get(&entry_id).ok_or(Fail::NotFound)?;
    let topic = world.topic(stored.topic_id).ok_or(Fail::NotFound)?;
    Ok(Answer::json(
        status,
        entry(&ctx.reader(world), stored, topic, form),
    ))
}

/// `POST D/entries`.
pub(super) fn create(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    add(world, ctx, None)
}

/// `POST D/entries/:id/replies`.
pub(super) fn reply(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let topic = ctx.topic(world)?;
    ctx.check_initial_post(world, topic)?;
    let parent_id = id::local(ctx.arg(3)).ok_or(Fail::NotFound)?;
    add(world, ctx, Some(parent_id))
}

/// The entry of the path: in this topic, deleted ones included.
fn entry_id(world: &World, ctx: &Ctx<'_>) -> Result<u64, Fail> {
    let topic = ctx.topic(world)?;
    let id = id::local(ctx.arg(3)).ok_or(Fail::NotFound)?;
    let is_here = world
        .data
        .entries
        .get(&id)
        .is_some_and(|e| e.topic_id == topic.id);
    if is_here { Ok(id) } else { Err(Fail::NotFound) }
}

/// Plays the person who edits just before our write, when that fault is ordered.
fn interfere(world: &mut World, ctx: &Ctx<'_>, entry_id: u64) {
    let Some(Kind::EditBeforeWrite { message, user_id }) = &ctx.fault else {
        return;
    };
    let course_id = world
        .data
        .entries
        .get(&entry_id)
        .and_then(|e| world.topic(e.topic_id))
        .map_or(0, |t| t.course_id);
    let Some(user) = user_id.or_else(|| first_teacher(world, course_id)) else {
        return;
    };
    let words = Given::Value(message.clone());
    // A refusal only means that the ordered person may not edit: then nobody interferes.
    drop(act::edit(
        world,
        user,
        entry_id,
        words,
        (FileChange::Keep, &ctx.base),
    ));
}

fn file_change(world: &mut World, ctx: &Ctx<'_>, entry_id: u64) -> Result<FileChange, Fail> {
    let request = ctx.request;
    if request.file("attachment").is_some() {
        // The POST name on PUT is a bug of theirs (contract canvas §8.8).
        return Err(Fail::Internal);
    }
    if let Some(upload) = request.file("attachment[uploaded_data]") {
        if let Some(text) = request.params.text("message") {
            act::check_length(&text)?;
        }
        let home = world
            .data
            .entries
            .get(&entry_id)
            .and_then(|e| world.topic(e.topic_id))
            .map(|t| t.home);
        let owner = match home {
            Some(Home::Course(id)) => FileOwner::Course(id),
            Some(Home::Group(id)) => FileOwner::Group(id),
            None => return Err(Fail::NotFound),
        };
        return Ok(FileChange::Set(keep_upload(
            world,
            upload,
            owner,
            ctx.user_id(),
        )));
    }
    let is_removed = request.params.text("remove_attachment").as_deref() == Some("1");
    Ok(if is_removed || world.switches.put_drops_attachment {
        FileChange::Drop
    } else {
        FileChange::Keep
    })
}

/// `PUT D/entries/:id`.
pub(super) fn update(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let id = entry_id(world, ctx)?;
    interfere(world, ctx, id);
    act::check_editable(world, ctx.user_id(), id)?;
    let file = file_change(world, ctx, id)?;
    let params = &ctx.request.params;
    let message = params.given("message");
    act::edit(world, ctx.user_id(), id, message, (file, &ctx.base))?;
    answer(world, ctx, id, 200, Form::Put)
}

/// `DELETE D/entries/:id`: 204, also the second time.
pub(super) fn delete(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let id = entry_id(world, ctx)?;
    interfere(world, ctx, id);
    act::delete(world, ctx.user_id(), id)?;
    Ok(Answer::empty(204))
}

/// `POST D/entries/:id/rating`: a missing rating counts as 0.
pub(super) fn rate(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let id = entry_id(world, ctx)?;
    let rating = match ctx.request.params.text("rating") {
        None => 0,
        Some(text) => text
            .trim()
            .parse::<u64>()
            .map_err(|_| bad("Invalid rating given"))?,
    };
    act::rate(world, ctx.user_id(), id, rating)?;
    Ok(Answer::empty(204))
}

/// `PUT/DELETE D/entries/:id/read`.
pub(super) fn mark(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let id = entry_id(world, ctx)?;
    let topic = ctx.topic(world)?;
    ctx.check_initial_post(world, topic)?;
    let forced = ctx.request.params.flag("forced_read_state");
    let is_read = ctx.request.method == http::Method::PUT;
    act::mark(world, ctx.user_id(), id, is_read, forced);
    Ok(Answer::empty(204))
}
