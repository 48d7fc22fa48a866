//! Single writes. New items are written as their authors where Canvas lets us, else under our own name with an attribution;
//! edits, deletes and restores under our own name, which Canvas shows as the editor.

use api_client::Method;
use connector::Result;
use model::{
    Action, Class, Field, Kind, Record, RemoteId, RemoteItem, Sighting, Write, WriteResult,
};
use serde_json::{Map, Value, json};

use crate::connector::Canvas;
use crate::graphql::{self, ENTRY_FIELDS};
use crate::name::{TopicName, entry_id};
use crate::{failure, wire};

/// Limits in characters (contract canvas §1).
const ENTRY_MAX: usize = 64 * 1024 - 1;
const TOPIC_MAX: usize = 500 * 1024 - 1;
/// Where a mirrored text comes from, in an attribution.
const ORIGIN: &str = "Discourse";

/// Does one write.
pub(crate) async fn write(canvas: &Canvas, write: &Write) -> Result<WriteResult> {
    match (write.action, write.kind) {
        (Action::Create, Kind::Topic) => create_topic(canvas, write).await,
        (Action::Create, Kind::Post) => create_entry(canvas, write).await,
        (Action::Edit, Kind::Topic) => edit_topic(canvas, write).await,
        (Action::Edit, Kind::Post) => edit_entry(canvas, write).await,
        (Action::Delete, Kind::Topic | Kind::Post) => delete(canvas, write).await,
        (Action::Restore, Kind::Post) if canvas.abilities().restores_entries => {
            restore_entry(canvas, write).await
        }
        (Action::Restore, _) => Err(failure::cannot(
            "SYNC-2112",
            "Canvas has no call that restores this.",
            "Restore it on the course's undelete page (/courses/ID/undelete); it is linked again by itself.",
        )),
        (_, kind) => Err(failure::bug(&format!("a {kind} cannot be written"))),
    }
}

fn target(write: &Write) -> Result<&RemoteId> {
    write
        .remote
        .as_ref()
        .ok_or_else(|| failure::bug("a write without a target"))
}

/// Our private note that came back with the write.
fn note(write: &Write) -> Value {
    write
        .mark
        .as_deref()
        .and_then(|mark| serde_json::from_str(mark).ok())
        .unwrap_or(Value::Null)
}

/// The body as it is sent: translated, sanitised, with the attribution and the marker it has to carry.
fn message(
    canvas: &Canvas,
    write: &Write,
    attributed_to: Option<&str>,
    key: Option<&str>,
) -> Result<String> {
    let html = canvas.html_of(&write.record);
    let html = attributed_to.map_or_else(
        || html.clone(),
        |name| markup::attribute(&html, markup::Dialect::CanvasHtml, name, ORIGIN),
    );
    let html = key.map_or_else(|| html.clone(), |key| markup::mark(&html, key));
    let limit = if write.kind == Kind::Topic {
        TOPIC_MAX
    } else {
        ENTRY_MAX
    };
    let length = html.chars().count();
    if length > limit {
        return Err(failure::cannot(
            "SYNC-2111",
            &format!("The text has {length} characters in Canvas's form; Canvas takes {limit}."),
            "Shorten the text in Discourse.",
        ));
    }
    Ok(html)
}

/// Runs a create as its author, and under our own name when Canvas does not let us.
async fn create(
    canvas: &Canvas,
    write: &Write,
    (name, path): (&'static str, &str),
    body: impl Fn(String) -> Value,
) -> Result<(Value, bool)> {
    let author = write.record.author.as_ref();
    let key = author.and_then(|author| author.key.as_deref());
    if let Some(user) = key.map(|key| canvas.acting_as(key)) {
        let message = message(canvas, write, None, Some(write.key.as_str()))?;
        let call = (name, Method::POST);
        match canvas
            .http
            .write(call, path.to_owned(), (body(message), Some(&user)))
            .await
        {
            // An unknown user, a student in a closed topic, a concluded course: nothing was made.
            Err(error) if error.0.class == Class::Permission => {}
            written => return Ok((written?, false)),
        }
    }
    let name_of = author.map_or("Someone", |author| author.name.as_str());
    let message = message(canvas, write, Some(name_of), Some(write.key.as_str()))?;
    let call = (name, Method::POST);
    let written = canvas
        .http
        .write(call, path.to_owned(), (body(message), None))
        .await?;
    Ok((written, true))
}

async fn create_topic(canvas: &Canvas, write: &Write) -> Result<WriteResult> {
    let course = write.container.as_str();
    let path = format!("/api/v1/courses/{course}/discussion_topics");
    let record = &write.record;
    let body = |message: String| {
        let mut body = json!({
            "title": record.text(Field::Title).unwrap_or_default(),
            "message": message,
            "published": true,
            "discussion_type": "threaded",
            "pinned": record.flag(Field::Pinned).unwrap_or(false),
            "locked": record.flag(Field::Locked).unwrap_or(false),
        });
        if let (true, Some(object)) = (record.announcement, body.as_object_mut()) {
            object.insert("is_announcement".to_owned(), json!(true));
            object.remove("pinned");
        }
        body
    };
    let (topic, is_attributed) = create(canvas, write, ("topic.create", &path), body).await?;
    let id = wire::id(&topic, "id").ok_or_else(|| failure::unexpected("a new topic has no id"))?;
    let name = TopicName {
        course: course.to_owned(),
        topic: id,
    };
    Ok(result(
        canvas.topic_item(&name, &topic),
        write,
        is_attributed,
    ))
}

async fn create_entry(canvas: &Canvas, write: &Write) -> Result<WriteResult> {
    let name = TopicName::parse(&write.container)?;
    let path = match &write.parent {
        Some(parent) => format!("{}/entries/{}/replies", name.path(), entry_id(parent)?),
        None => format!("{}/entries", name.path()),
    };
    let body = |message: String| json!({ "message": message });
    let (entry, is_attributed) = create(canvas, write, ("entry.create", &path), body).await?;
    let item = canvas
        .entry_item(&name, &entry)
        .ok_or_else(|| failure::unexpected("a new entry has no id"))?;
    Ok(result(item, write, is_attributed))
}

async fn edit_topic(canvas: &Canvas, write: &Write) -> Result<WriteResult> {
    let name = TopicName::parse(target(write)?)?;
    let note = note(write);
    let mut body = Map::new();
    for field in &write.fields {
        match field {
            Field::Title => {
                body.insert("title".to_owned(), json!(write.record.text(*field)));
            }
            Field::Body => {
                let text = message(
                    canvas,
                    write,
                    wire::text(&note, "by"),
                    wire::text(&note, "key"),
                )?;
                body.insert("message".to_owned(), json!(text));
            }
            Field::Locked | Field::Pinned => {
                body.insert(field.as_str().to_owned(), json!(write.record.flag(*field)));
            }
            Field::Tags | Field::Description => {}
        }
    }
    // Newer servers open an announcement's comments on any edit that does not say otherwise (contract canvas §7.3).
    let is_announcement = write
        .expected
        .as_ref()
        .is_some_and(|record| record.announcement);
    if is_announcement {
        let locked = write.record.flag(Field::Locked);
        body.entry("locked").or_insert_with(|| json!(locked));
    }
    let call = ("topic.edit", Method::PUT);
    let topic = canvas
        .http
        .write(call, name.path(), (Value::Object(body), None))
        .await?;
    Ok(result(canvas.topic_item(&name, &topic), write, false))
}

async fn edit_entry(canvas: &Canvas, write: &Write) -> Result<WriteResult> {
    let remote = target(write)?;
    let name = TopicName::parse(remote)?;
    let id = entry_id(remote)?;
    let note = note(write);
    let text = message(
        canvas,
        write,
        wire::text(&note, "by"),
        wire::text(&note, "key"),
    )?;
    let entry = if canvas.abilities().edits_entries {
        let query = format!(
            "mutation($id: ID!, $message: String) {{ updateDiscussionEntry(input: {{ discussionEntryId: $id, \
             message: $message }}) {{ discussionEntry {{ {ENTRY_FIELDS} }} errors {{ attribute message }} }} }}"
        );
        let variables = json!({ "id": id, "message": text });
        let call = ("entry.edit", "updateDiscussionEntry");
        let answer = graphql::mutate(&canvas.http, call, (&query, variables)).await?;
        answer
            .get("discussionEntry")
            .cloned()
            .unwrap_or(Value::Null)
    } else if wire::flag(&note, "file") {
        return Err(failure::cannot(
            "SYNC-2113",
            "This entry has a file, and this Canvas drops the file of an entry that is edited over REST.",
            "Edit the entry in Canvas by hand.",
        ));
    } else {
        let path = format!("{}/entries/{id}", name.path());
        let call = ("entry.edit", Method::PUT);
        canvas
            .http
            .write(call, path, (json!({ "message": text }), None))
            .await?
    };
    let item = canvas
        .entry_item(&name, &entry)
        .ok_or_else(|| failure::unexpected("an edited entry has no id"))?;
    Ok(result(item, write, false))
}

async fn delete(canvas: &Canvas, write: &Write) -> Result<WriteResult> {
    let remote = target(write)?;
    let name = TopicName::parse(remote)?;
    let (call, path) = if write.kind == Kind::Topic {
        ("topic.delete", name.path())
    } else {
        (
            "entry.delete",
            format!("{}/entries/{}", name.path(), entry_id(remote)?),
        )
    };
    // The body of a topic's deletion is a raw row that says nothing reliable (contract canvas §7.4).
    canvas
        .http
        .write((call, Method::DELETE), path, (Value::Null, None))
        .await?;
    let record = write.expected.clone().unwrap_or_default();
    Ok(WriteResult {
        remote: remote.clone(),
        record: Record {
            deleted: true,
            ..record
        },
        mark: write.mark.clone(),
        is_attributed: false,
    })
}

async fn restore_entry(canvas: &Canvas, write: &Write) -> Result<WriteResult> {
    let remote = target(write)?;
    let name = TopicName::parse(remote)?;
    let query = format!(
        "mutation($id: ID!) {{ restoreDeletedDiscussionEntry(input: {{ discussionEntryId: $id }}) \
         {{ discussionEntry {{ {ENTRY_FIELDS} }} errors {{ attribute message }} }} }}"
    );
    let variables = json!({ "id": entry_id(remote)? });
    let call = ("entry.restore", "restoreDeletedDiscussionEntry");
    let answer = graphql::mutate(&canvas.http, call, (&query, variables)).await?;
    let entry = answer
        .get("discussionEntry")
        .cloned()
        .unwrap_or(Value::Null);
    let item = canvas
        .entry_item(&name, &entry)
        .ok_or_else(|| failure::unexpected("a restored entry has no id"))?;
    Ok(result(item, write, false))
}

/// What Canvas stored. An item that is withheld right after our write keeps the content we wanted.
fn result(item: RemoteItem, write: &Write, is_attributed: bool) -> WriteResult {
    let record = match item.sighting {
        Sighting::Present(record) => record,
        Sighting::Deleted | Sighting::Missing | Sighting::Withheld(_) => write.record.clone(),
    };
    WriteResult {
        remote: item.remote,
        record,
        mark: item.mark,
        is_attributed,
    }
}

impl Canvas {
    /// The wanted body as clean HTML. Canvas's own older text goes through the tree, since a read form must never be written
    /// back (contract canvas §11.2).
    fn html_of(&self, record: &Record) -> String {
        let Some(body) = record.body() else {
            return String::new();
        };
        let html = match body.dialect {
            model::Dialect::DiscourseMarkdown => {
                markup::discourse_to_canvas(&body.source, &self.markup).text
            }
            model::Dialect::CanvasHtml => {
                let raw = markup::canvas_to_discourse(&body.source, &self.markup).text;
                markup::discourse_to_canvas(&raw, &self.markup).text
            }
        };
        markup::sanitise(&html)
    }
}
