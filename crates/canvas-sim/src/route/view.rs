//! The whole thread, and the caller's reading state (contract canvas §7.5).

use super::Ctx;
use crate::act::entry;
use crate::answer::{Answer, Fail, Outcome};
use crate::fault::Kind;
use crate::json::view::{self, Wanted};
use crate::world::World;

/// `GET D/view`.
pub(super) fn view(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let topic = ctx.open_topic(world)?;
    if world.switches.view_503 || ctx.fault == Some(Kind::ViewNotReady) {
        return Err(Fail::Empty(503));
    }
    let params = &ctx.request.params;
    let wanted = Wanted {
        new_entries: params.is_on("include_new_entries"),
        enrollment_state: params.is_on("include_enrollment_state"),
        is_forced_stale: ctx.fault == Some(Kind::StaleView),
    };
    Ok(Answer::ok(view::view(&ctx.reader(world), topic, wanted)))
}

/// `PUT/DELETE D/read`.
pub(super) fn mark_topic(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let id = ctx.topic(world)?.id;
    let is_read = ctx.request.method == http::Method::PUT;
    if let Some(topic) = world.data.topics.get_mut(&id) {
        if is_read {
            topic.read_by.insert(ctx.user_id());
        } else {
            topic.read_by.remove(&ctx.user_id());
        }
    }
    Ok(Answer::empty(204))
}

/// `PUT/DELETE D/read_all`.
pub(super) fn mark_all(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let topic = ctx.topic(world)?;
    ctx.check_initial_post(world, topic)?;
    let (ids, is_read) = (
        topic.entry_ids.clone(),
        ctx.request.method == http::Method::PUT,
    );
    let forced = ctx.request.params.flag("forced_read_state");
    for id in ids {
        entry::mark(world, ctx.user_id(), id, is_read, forced);
    }
    mark_topic(world, ctx)
}

/// `PUT D/subscribed`.
pub(super) fn subscribe(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let topic = ctx.topic(world)?;
    ctx.check_initial_post(world, topic)?;
    let id = topic.id;
    if let Some(topic) = world.data.topics.get_mut(&id) {
        topic.subscriber_ids.insert(ctx.user_id());
    }
    Ok(Answer::empty(204))
}

/// `DELETE D/subscribed`; open to those who must post first.
pub(super) fn unsubscribe(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let id = ctx.topic(world)?.id;
    if let Some(topic) = world.data.topics.get_mut(&id) {
        topic.subscriber_ids.remove(&ctx.user_id());
    }
    Ok(Answer::empty(204))
}
