//! Acting as a person in the browser: no API key, no API-only parameters, no user limits.

use serde_json::json;

use crate::act::create::{Created, NewPost, create};
use crate::act::movement::{self, Move};
use crate::act::revise::{self, Edit};
use crate::act::status::{self, StatusChange};
use crate::act::topic_edit::{self, TopicEdit};
use crate::act::{destroy, like};
use crate::answer::{Answer, Outcome};
use crate::auth::Actor;
use crate::json::post::{self, Place};
use crate::param::Params;
use crate::route::Route;
use crate::state::World;

fn person(world: &World, name: &str) -> Result<Actor, Answer> {
    world
        .user_by_name(name)
        .map(|user| Actor::of(user, false))
        .ok_or_else(Answer::not_found)
}

fn need(params: &Params, name: &str) -> Result<i64, Answer> {
    params
        .int(name)
        .ok_or_else(|| Answer::missing_parameter(name))
}

/// One action of a person. Staff rights are asked for where the browser would ask.
pub fn act(world: &mut World, name: &str, action: &str, params: &Params) -> Outcome {
    let actor = person(world, name)?;
    let ok = |()| Answer::ok();
    match action {
        "post" => new_post(world, actor, params),
        "edit" => edit(world, actor, params),
        "edit_topic" => edit_topic(world, actor, params),
        "delete" => destroy::post(world, actor, need(params, "post_id")?).map(ok),
        "recover" => destroy::recover_post(world, actor, need(params, "post_id")?).map(ok),
        "delete_topic" => destroy::topic(world, actor, need(params, "topic_id")?).map(ok),
        "recover_topic" => destroy::recover_topic(world, actor, need(params, "topic_id")?).map(ok),
        "like" => like::give(world, actor, need(params, "post_id")?).map(ok),
        "unlike" => like::withdraw(world, actor, need(params, "post_id")?).map(ok),
        "status" => {
            let change = StatusChange {
                status: params.text("status").unwrap_or_default(),
                enabled: params.text("enabled").is_none_or(|text| text == "true"),
                until: params
                    .text("until")
                    .and_then(|text| crate::clock::parse(&text)),
            };
            status::set(world, actor, need(params, "topic_id")?, &change).map(ok)
        }
        "move" => move_posts(world, actor, params),
        _ => Err(Answer::not_found()),
    }
}

fn shown(world: &World, actor: Actor, id: i64) -> Outcome {
    let row = world.posts.get(&id).ok_or_else(Answer::not_found)?;
    Ok(Answer::json(post::post(world, row, actor, Place::Single)))
}

fn new_post(world: &mut World, actor: Actor, params: &Params) -> Outcome {
    let recipients = params.list("recipients");
    let category = params
        .text("category")
        .and_then(|text| world.category_by_ref(&text))
        .map(|row| row.id);
    let new = NewPost {
        raw: params
            .text("raw")
            .ok_or_else(|| Answer::missing_parameter("raw"))?,
        title: params.text("title"),
        topic_id: params.int("topic_id"),
        category_id: category,
        reply_to: params.int("reply_to_post_number"),
        tags: crate::param::texts(params.get("tags").unwrap_or(&json!([]))).unwrap_or_default(),
        recipients,
        whisper: params.truthy("whisper"),
        skip_validations: params.truthy("skip_validations"),
        unlimited: true,
        ..NewPost::default()
    };
    match create(world, actor, new)? {
        Created::Post(id) => shown(world, actor, id),
        Created::Queued(id) => Ok(Answer::json(json!({ "action": "enqueued", "id": id }))),
    }
}

fn edit(world: &mut World, actor: Actor, params: &Params) -> Outcome {
    let id = need(params, "post_id")?;
    let row = world.posts.get(&id).ok_or_else(Answer::not_found)?;
    if !world.can_edit_post(actor, row) {
        return Err(Answer::forbidden());
    }
    let edit = Edit {
        raw: Some(
            params
                .text("raw")
                .ok_or_else(|| Answer::missing_parameter("raw"))?,
        ),
        edit_reason: params.text("edit_reason"),
        ..Edit::default()
    };
    revise::revise(world, actor, id, &edit)?;
    shown(world, actor, id)
}

fn edit_topic(world: &mut World, actor: Actor, params: &Params) -> Outcome {
    let id = need(params, "topic_id")?;
    let row = world.topics.get(&id).ok_or_else(Answer::not_found)?;
    if !world.can_edit_topic(actor, row) {
        return Err(Answer::forbidden());
    }
    let category = params
        .text("category")
        .and_then(|text| world.category_by_ref(&text))
        .map(|row| row.id);
    let edit = TopicEdit {
        title: params.text("title"),
        category_id: category,
        tags: params.list("tags"),
        ..TopicEdit::default()
    };
    topic_edit::apply(world, actor, id, &edit)?;
    let row = world.topics.get(&id).ok_or_else(Answer::not_found)?;
    Ok(Answer::json(
        json!({ "basic_topic": crate::json::topic::basic(row) }),
    ))
}

fn move_posts(world: &mut World, actor: Actor, params: &Params) -> Outcome {
    let id = need(params, "topic_id")?;
    let wanted = Move {
        post_ids: params.ints("post_ids").unwrap_or_default(),
        title: params.text("title"),
        destination: params.int("destination_topic_id"),
        category_id: params
            .text("category")
            .and_then(|text| world.category_by_ref(&text))
            .map(|row| row.id),
        chronological: params.truthy("chronological_order"),
        freeze_original: params.truthy("freeze_original"),
    };
    let to = if wanted.post_ids.is_empty() {
        movement::merge(world, actor, id, &wanted)?
    } else {
        movement::move_posts(world, actor, id, &wanted)?
    };
    Ok(Answer::json(json!({ "topic_id": to })))
}

/// The fault "somebody edits between read and write": changes the post or topic that a PUT is for.
pub fn edit_before(
    world: &mut World,
    found: Option<&(&'static Route, Vec<String>)>,
    raw: Option<String>,
    username: Option<String>,
) {
    let Some((route, vars)) = found else { return };
    let Some(id) = vars.last().and_then(|text| text.parse::<i64>().ok()) else {
        return;
    };
    let post_id = match route.template {
        "/posts/{id}" => id,
        "/t/-/{id}" | "/t/{id:n}" | "/t/{slug}/{id}" => {
            rename_before(world, id, raw);
            return;
        }
        _ => return,
    };
    let Some(row) = world.posts.get(&post_id) else {
        return;
    };
    let editor = username
        .and_then(|name| world.user_by_name(&name))
        .or_else(|| world.users.get(&row.user_id))
        .map(|user| Actor::of(user, false));
    let Some(editor) = editor else { return };
    let raw = raw.unwrap_or_else(|| format!("{}\n\nSomebody added this in between.", row.raw));
    let edit = Edit {
        raw: Some(raw),
        unchecked: true,
        ..Edit::default()
    };
    // An unchecked edit by a known user is refused only by the daily limit; then nothing happens.
    revise::revise(world, editor, post_id, &edit).unwrap_or_default();
}

fn rename_before(world: &mut World, topic_id: i64, title: Option<String>) {
    let Some(topic) = world.topics.get(&topic_id) else {
        return;
    };
    let title = title.unwrap_or_else(|| format!("{}, renamed in between", topic.title));
    let Some(editor) = world
        .users
        .get(&topic.user_id)
        .map(|user| Actor::of(user, false))
    else {
        return;
    };
    let edit = TopicEdit {
        title: Some(title),
        ..TopicEdit::default()
    };
    // A title that validation refuses leaves the topic as it was.
    topic_edit::apply(world, editor, topic_id, &edit).unwrap_or_default();
}
