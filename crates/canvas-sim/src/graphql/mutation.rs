//! The mutations on topics and entries (contract canvas §17): validation errors come in the payload,
//! an unknown or hidden object as a root error "not found".

use super::connection::read_id;
use super::exec::{Arguments, Node, Res};
use crate::act::entry::{self, FileChange, NewEntry};
use crate::act::topic;
use crate::answer::Fail;
use crate::policy::{self, see_topic};
use crate::request::{Given, Params};
use crate::route::Ctx;
use crate::state::person::FileOwner;
use crate::state::thread::Home;
use crate::world::World;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The fields of an `input` object.
struct Input(Map<String, Value>);

impl Input {
    fn id(&self, name: &str) -> Result<u64, Fail> {
        self.maybe_id(name).ok_or(Fail::NotFound)
    }

    fn maybe_id(&self, name: &str) -> Option<u64> {
        let text = self.0.get(name).and_then(crate::request::scalar)?;
        read_id(&text).map(|(_, id)| id)
    }

    fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).and_then(crate::request::scalar)
    }

    fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|v| !v.is_null())
    }

    fn is_on(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or(false)
    }
}

type Deed = (&'static str, Result<(&'static str, Res), Fail>);

fn validation(attribute: &str, message: &str) -> Res {
    let fields = BTreeMap::from([
        ("attribute", Res::Scalar(json!(attribute))),
        ("message", Res::Scalar(json!(message))),
    ]);
    Res::Node(Node::Made("ValidationError", fields))
}

/// The texts of a model error, whatever its form.
fn messages(fail: &Value) -> Vec<Res> {
    let Some(errors) = fail.get("errors") else {
        let text = fail
            .get("message")
            .and_then(Value::as_str)
            .unwrap_or("invalid");
        return vec![validation("base", text)];
    };
    if let Some(list) = errors.as_array() {
        return list
            .iter()
            .map(|e| {
                let field = e.get("field").and_then(Value::as_str).unwrap_or("base");
                validation(
                    field,
                    e.get("message")
                        .and_then(Value::as_str)
                        .unwrap_or("invalid"),
                )
            })
            .collect();
    }
    let fields = errors.as_object().into_iter().flatten();
    fields
        .map(|(field, value)| {
            let text = match value {
                Value::Array(list) => list
                    .first()
                    .and_then(|e| e.get("message"))
                    .and_then(Value::as_str),
                other => other.as_str(),
            };
            validation(field, text.unwrap_or("invalid"))
        })
        .collect()
}

/// Runs one mutation; the error text is a root error.
pub(super) fn run(
    world: &mut World,
    ctx: &Ctx<'_>,
    name: &str,
    arguments: &Arguments,
) -> Result<Node, String> {
    if ctx.caller.is_none() {
        return Err("not found".to_owned());
    }
    let input = match arguments.get("input") {
        Some(Value::Object(map)) => Input(map.clone()),
        _ => Input(Map::new()),
    };
    let (payload, result): Deed = match name {
        "createDiscussionEntry" => (
            "CreateDiscussionEntryPayload",
            create_entry(world, ctx, &input),
        ),
        "updateDiscussionEntry" => (
            "UpdateDiscussionEntryPayload",
            update_entry(world, ctx, &input),
        ),
        "deleteDiscussionEntry" => (
            "DeleteDiscussionEntryPayload",
            delete_entry(world, ctx, &input),
        ),
        "restoreDeletedDiscussionEntry" => (
            "RestoreDeletedDiscussionEntryPayload",
            restore_entry(world, ctx, &input),
        ),
        "updateDiscussionEntryParticipant" => (
            "UpdateDiscussionEntryParticipantPayload",
            participate(world, ctx, &input),
        ),
        "createDiscussionTopic" => (
            "CreateDiscussionTopicPayload",
            create_topic(world, ctx, &input),
        ),
        "updateDiscussionTopic" => (
            "UpdateDiscussionTopicPayload",
            update_topic(world, ctx, &input),
        ),
        "deleteDiscussionTopic" => (
            "DeleteDiscussionTopicPayload",
            delete_topic(world, ctx, &input),
        ),
        _ => return Err("not found".to_owned()),
    };
    let errors = match result {
        Ok((key, res)) => {
            let mut fields = BTreeMap::from([(key, res), ("errors", Res::null())]);
            if key == "discussionEntryId"
                && let Ok(id) = input.id("id")
            {
                fields.insert("discussionEntry", Res::Node(Node::Entry(id)));
            }
            return Ok(Node::Made(payload, fields));
        }
        Err(Fail::NotFound) => return Err("not found".to_owned()),
        Err(Fail::NotPermitted | Fail::InitialPost) => {
            vec![validation("message", "Insufficient Permissions")]
        }
        Err(Fail::Json(_, body)) => messages(&body),
        Err(_) => return Err("internal error".to_owned()),
    };
    Ok(Node::Made(
        payload,
        BTreeMap::from([("errors", Res::List(errors))]),
    ))
}

/// The file of a post: it must belong to the caller.
fn own_file(world: &World, ctx: &Ctx<'_>, input: &Input) -> Result<Option<u64>, Fail> {
    if !input.has("fileId") {
        return Ok(None);
    }
    let id = input.id("fileId")?;
    let file = crate::act::file::resolve(world, id)
        .filter(|f| !f.is_pending)
        .ok_or(Fail::NotFound)?;
    let is_own = file.owner == FileOwner::User(ctx.user_id());
    if is_own {
        Ok(Some(file.id))
    } else {
        Err(Fail::NotFound)
    }
}

fn create_entry(
    world: &mut World,
    ctx: &Ctx<'_>,
    input: &Input,
) -> Result<(&'static str, Res), Fail> {
    let topic_id = input.id("discussionTopicId")?;
    let (topic, standing) =
        see_topic(world, topic_id, Some(ctx.user_id())).map_err(|_| Fail::NotFound)?;
    let parent_id = if input.has("parentEntryId") {
        Some(input.id("parentEntryId")?)
    } else {
        None
    };
    if parent_id.is_some() && !entry::is_threaded(world, topic) {
        let words = "Replies are not allowed in a discussion that is not threaded";
        return Err(Fail::Json(400, json!({"errors": {"parent_entry": words}})));
    }
    let file_id = own_file(world, ctx, input)?;
    if file_id.is_some() && !policy::can_attach(&world.data, topic.home, topic.course_id, &standing)
    {
        return Err(Fail::NotPermitted);
    }
    let new = NewEntry {
        topic_id,
        parent_id,
        message: input.text("message"),
        quoted_entry_id: input
            .maybe_id("quotedEntryId")
            .filter(|_| world.switches.pin_and_quote),
        is_anonymous_author: input.is_on("isAnonymousAuthor") && topic.anonymous_state.is_some(),
        base: ctx.base.clone(),
    };
    let id = entry::create(world, ctx.user_id(), new)?;
    if let Some(file_id) = file_id {
        entry::attach(world, id, file_id);
    }
    Ok(("discussionEntry", Res::Node(Node::Entry(id))))
}

/// The topic of an entry must be visible, else the entry is "not found".
fn check_visible(world: &World, ctx: &Ctx<'_>, entry_id: u64) -> Result<(), Fail> {
    let entry = world.data.entries.get(&entry_id).ok_or(Fail::NotFound)?;
    see_topic(world, entry.topic_id, Some(ctx.user_id()))
        .map(|_| ())
        .map_err(|_| Fail::NotFound)
}

fn update_entry(
    world: &mut World,
    ctx: &Ctx<'_>,
    input: &Input,
) -> Result<(&'static str, Res), Fail> {
    let id = input.id("discussionEntryId")?;
    check_visible(world, ctx, id)?;
    let file = match own_file(world, ctx, input)? {
        Some(file) => FileChange::Set(file),
        None if input.is_on("removeAttachment") => FileChange::Drop,
        None => FileChange::Keep,
    };
    let message = match input.text("message") {
        Some(text) => Given::Value(text),
        None => Given::Absent,
    };
    entry::edit(world, ctx.user_id(), id, message, (file, &ctx.base))?;
    let has_newer = world.switches.pin_and_quote;
    let quoted = input.maybe_id("quotedEntryId");
    let pin = input.0.get("pinType").map(crate::request::scalar);
    let now = world.now();
    if has_newer && let Some(row) = world.data.entries.get_mut(&id) {
        // For replies an absent quote clears the quote.
        if row.parent_id.is_some() || quoted.is_some() {
            row.quoted_entry_id = quoted;
        }
        if let Some(pin) = pin
            && pin != row.pin_type
        {
            row.pin_type = pin;
            row.updated_at = now;
        }
    }
    Ok(("discussionEntry", Res::Node(Node::Entry(id))))
}

fn delete_entry(
    world: &mut World,
    ctx: &Ctx<'_>,
    input: &Input,
) -> Result<(&'static str, Res), Fail> {
    let id = input.id("id")?;
    check_visible(world, ctx, id)?;
    entry::delete(world, ctx.user_id(), id)?;
    Ok(("discussionEntryId", Res::Scalar(json!(id.to_string()))))
}

fn restore_entry(
    world: &mut World,
    ctx: &Ctx<'_>,
    input: &Input,
) -> Result<(&'static str, Res), Fail> {
    let id = input.id("discussionEntryId")?;
    check_visible(world, ctx, id)?;
    entry::restore(world, ctx.user_id(), id)?;
    Ok(("discussionEntry", Res::Node(Node::Entry(id))))
}

fn participate(
    world: &mut World,
    ctx: &Ctx<'_>,
    input: &Input,
) -> Result<(&'static str, Res), Fail> {
    let id = input.id("discussionEntryId")?;
    check_visible(world, ctx, id)?;
    match input.text("rating").as_deref() {
        Some("liked") => entry::rate(world, ctx.user_id(), id, 1)?,
        Some("not_liked") => entry::rate(world, ctx.user_id(), id, 0)?,
        _ => {}
    }
    if let Some(read) = input.0.get("read").and_then(Value::as_bool) {
        let forced = input.0.get("forcedReadState").and_then(Value::as_bool);
        entry::mark(world, ctx.user_id(), id, read, forced);
    }
    Ok(("discussionEntry", Res::Node(Node::Entry(id))))
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn snake_value(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(k, v)| (snake(k), snake_value(v)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

/// The input as REST parameters.
fn params(input: &Input) -> Params {
    let mut map: Map<String, Value> = input
        .0
        .iter()
        .map(|(k, v)| (snake(k), snake_value(v)))
        .collect();
    if let Some(delayed) = map.remove("delayed_post") {
        map.insert("delayed_post_at".to_owned(), delayed);
    }
    if map.get("remove_attachment") == Some(&Value::Bool(true)) {
        map.insert("remove_attachment".to_owned(), json!("1"));
    }
    Params(map)
}

fn create_topic(
    world: &mut World,
    ctx: &Ctx<'_>,
    input: &Input,
) -> Result<(&'static str, Res), Fail> {
    let context_id = input.id("contextId")?;
    let home = match input.text("contextType").as_deref() {
        Some("Group") => Home::Group(context_id),
        _ => Home::Course(context_id),
    };
    let course_id = topic::course_of(world, home).ok_or(Fail::NotFound)?;
    let standing = policy::standing(&world.data, Some(ctx.user_id()), course_id);
    if !world.data.courses.contains_key(&course_id)
        || !policy::can_read_home(&world.data, home, &standing)
    {
        return Err(Fail::NotFound);
    }
    let file_id = own_file(world, ctx, input)?;
    let id = topic::create(world, ctx.user_id(), home, &params(input), &ctx.base)?;
    if file_id.is_some() {
        topic::attach(world, id, file_id);
    }
    Ok(("discussionTopic", Res::Node(Node::Discussion(id))))
}

fn update_topic(
    world: &mut World,
    ctx: &Ctx<'_>,
    input: &Input,
) -> Result<(&'static str, Res), Fail> {
    let id = input.id("discussionTopicId")?;
    see_topic(world, id, Some(ctx.user_id())).map_err(|_| Fail::NotFound)?;
    let file_id = own_file(world, ctx, input)?;
    let mut params = params(input);
    // GraphQL never opens an announcement by leaving `locked` out.
    if !params.has("locked")
        && let Some(topic) = world.topic(id)
    {
        params.0.insert("locked".to_owned(), json!(topic.locked));
    }
    topic::update(world, ctx.user_id(), id, &params, &ctx.base)?;
    if file_id.is_some() {
        topic::attach(world, id, file_id);
    }
    Ok(("discussionTopic", Res::Node(Node::Discussion(id))))
}

fn delete_topic(
    world: &mut World,
    ctx: &Ctx<'_>,
    input: &Input,
) -> Result<(&'static str, Res), Fail> {
    let id = input.id("id")?;
    see_topic(world, id, Some(ctx.user_id())).map_err(|_| Fail::NotFound)?;
    topic::delete(world, ctx.user_id(), id)?;
    Ok(("discussionTopicId", Res::Scalar(json!(id.to_string()))))
}
