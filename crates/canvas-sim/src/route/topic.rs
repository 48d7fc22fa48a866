//! One topic: show, create, update, delete, duplicate, reorder (contract canvas §7).

use super::Ctx;
use crate::act::file::keep_upload;
use crate::act::topic as act;
use crate::answer::{Answer, Fail, Outcome};
use crate::fault::Kind;
use crate::id;
use crate::json::{self, topic::Parts};
use crate::policy;
use crate::request::Params;
use crate::state::person::FileOwner;
use crate::state::thread::Home;
use crate::world::World;
use serde_json::json;

/// The `include[]` words as parts of the answer.
pub(super) fn parts(ctx: &Ctx<'_>) -> Parts {
    let params = &ctx.request.params;
    Parts {
        sections: params.includes("sections"),
        user_count: params.includes("sections_user_count"),
        plain: params.is_on("plain_messages"),
        no_descriptions: params.is_on("exclude_assignment_descriptions"),
        ..Parts::default()
    }
}

/// `GET C/discussion_topics/:id`.
pub(super) fn show(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let topic = ctx.named_topic(world)?;
    Ok(Answer::ok(json::topic::topic(
        &ctx.reader(world),
        topic,
        parts(ctx),
    )))
}

fn written(world: &World, ctx: &Ctx<'_>, id: u64) -> Outcome {
    let topic = world.topic(id).ok_or(Fail::NotFound)?;
    let parts = Parts {
        sections: true,
        user_count: true,
        ..Parts::default()
    };
    Ok(Answer::ok(json::topic::topic(
        &ctx.reader(world),
        topic,
        parts,
    )))
}

fn attach_upload(world: &mut World, ctx: &Ctx<'_>, topic_id: u64) {
    let Some(upload) = ctx.request.file("attachment") else {
        return;
    };
    let Some(topic) = world.topic(topic_id) else {
        return;
    };
    let (home, course_id) = (topic.home, topic.course_id);
    let standing = policy::standing(&world.data, Some(ctx.user_id()), course_id);
    if !policy::can_attach(&world.data, home, course_id, &standing) {
        return;
    }
    let owner = match home {
        Home::Course(id) => FileOwner::Course(id),
        Home::Group(id) => FileOwner::Group(id),
    };
    let file_id = keep_upload(world, upload, owner, ctx.user_id());
    act::attach(world, topic_id, Some(file_id));
}

/// `POST C/discussion_topics`.
pub(super) fn create(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let home = ctx.home(world)?;
    let id = act::create(world, ctx.user_id(), home, &ctx.request.params, &ctx.base)?;
    attach_upload(world, ctx, id);
    written(world, ctx, id)
}

/// Plays the person who edits just before our write, when that fault is ordered.
fn interfere(world: &mut World, ctx: &Ctx<'_>, topic_id: u64) {
    let Some(Kind::EditBeforeWrite { message, user_id }) = &ctx.fault else {
        return;
    };
    let course_id = world.topic(topic_id).map_or(0, |t| t.course_id);
    let Some(user) = user_id.or_else(|| super::entry_write::first_teacher(world, course_id)) else {
        return;
    };
    let mut params = Params::default();
    params.0.insert("message".to_owned(), json!(message));
    let is_locked = world.topic(topic_id).is_some_and(|t| t.locked);
    params.0.insert("locked".to_owned(), json!(is_locked));
    // A refusal only means that the ordered person may not edit: then nobody interferes.
    drop(act::update(world, user, topic_id, &params, &ctx.base));
}

/// `PUT C/discussion_topics/:id`.
pub(super) fn update(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let topic = ctx.any_topic(world)?;
    let id = topic.id;
    if topic.is_deleted() {
        return Err(Fail::NotFound);
    }
    interfere(world, ctx, id);
    act::update(world, ctx.user_id(), id, &ctx.request.params, &ctx.base)?;
    attach_upload(world, ctx, id);
    written(world, ctx, id)
}

/// `DELETE C/discussion_topics/:id`: the raw record, also the second time.
pub(super) fn delete(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let id = ctx.any_topic(world)?.id;
    act::delete(world, ctx.user_id(), id)?;
    let topic = world.topic(id).ok_or(Fail::NotFound)?;
    Ok(Answer::ok(json::topic::record(&ctx.reader(world), topic)))
}

/// `POST C/discussion_topics/:id/duplicate`.
pub(super) fn duplicate(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let id = ctx.topic(world)?.id;
    let copy = act::duplicate(world, ctx.user_id(), id)?;
    let topic = world.topic(copy).ok_or(Fail::NotFound)?;
    Ok(Answer::ok(json::topic::topic(
        &ctx.reader(world),
        topic,
        Parts::default(),
    )))
}

/// `POST C/discussion_topics/reorder`: the order of the pinned ones.
pub(super) fn reorder(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let home = ctx.home(world)?;
    let course_id = act::course_of(world, home).ok_or(Fail::NotFound)?;
    if !policy::standing(&world.data, Some(ctx.user_id()), course_id).is_staff() {
        return Err(Fail::NotPermitted);
    }
    let order: Vec<u64> = ctx
        .request
        .params
        .list("order")
        .iter()
        .flat_map(|t| t.split(','))
        .filter_map(|t| id::local(t.trim()))
        .collect();
    let is_known = |id: &u64| {
        world
            .topic(*id)
            .is_some_and(|t| t.home == home && t.pinned && !t.is_deleted())
    };
    if order.is_empty() || !order.iter().all(is_known) {
        let report = world.next_report_id();
        let body = json!({"status": "bad_request", "message": "topics not found",
                          "error_report_id": report});
        return Err(Fail::Json(400, body));
    }
    for (at, id) in (1_u64..).zip(&order) {
        if let Some(topic) = world.data.topics.get_mut(id) {
            topic.position = Some(at);
        }
    }
    Ok(Answer::ok(json!({"reorder": true, "order": order})))
}
