//! Writes: which voice speaks, what exactly is sent, and what came of it.
//!
//! Creates are made as their author where Canvas allows it; otherwise, also into a topic that is closed for the
//! author
//! (contract canvas §2.2), by the service account with an attribution. Edits, deletions and restores are made by the
//! service account: staff may do them whatever the course's settings and locks say. Nothing after the write itself
//! may
//! fail: a write that was done must never look like one that was not.

mod entry;
mod topic;

use api_client::Request;
use markup::Shadow;
use model::{Action, Body, Dialect, Field, Kind, Record, RemoteId, Write, WriteResult};

use crate::address;
use crate::failure::{Reason, Trouble};
use crate::port::Canvas;
use crate::probe::Probed;
use crate::settings::PersonKey;

/// Characters that a message may have, counted on what is sent (contract canvas §1).
const ENTRY_CHARS: usize = 64 * 1024 - 1;
const TOPIC_CHARS: usize = 500 * 1024 - 1;
/// Characters of a title.
const TITLE_CHARS: usize = 255;
/// Where an attributed text was written, in the words of the attribution.
const ORIGIN: &str = "Discourse";

/// Who a create is made by.
struct Voice {
    /// The value of `as_user_id`, to be tried first.
    acts_as: Option<String>,
    /// Whom the service account names when it has to speak itself.
    attribution: Option<String>,
}

/// What is put around a body before it is sent.
#[derive(Default)]
struct Frame<'a> {
    attribution: Option<&'a str>,
    key: Option<&'a str>,
    max_chars: usize,
}

impl Canvas {
    pub(crate) async fn do_write(&self, write: &Write) -> Result<WriteResult, Trouble> {
        match (write.kind, write.action) {
            (Kind::Topic, Action::Create) => self.create_topic(write).await,
            (Kind::Topic, Action::Edit) => self.edit_topic(write).await,
            (Kind::Topic, Action::Delete) => self.delete_topic(write).await,
            (Kind::Post, Action::Create) => self.create_entry(write).await,
            (Kind::Post, Action::Edit) => self.edit_entry(write).await,
            (Kind::Post, Action::Delete) => self.delete_entry(write).await,
            (Kind::Post, Action::Restore) => self.restore_entry(write).await,
            (Kind::Topic, Action::Restore) => Err(Trouble::new(
                Reason::CannotRestore,
                "Canvas's API cannot restore a deleted topic.".to_owned(),
            )),
            (kind, action) => Err(Trouble::new(
                Reason::Unsupported,
                format!("The Canvas connector cannot {} a {kind}.", action.as_str()),
            )),
        }
    }

    /// The HTML to send: the translated body, cleaned, with attribution and hidden span; checked for its length.
    fn framed(
        &self,
        body: Option<&Body>,
        before: Option<&Record>,
        frame: &Frame<'_>,
    ) -> Result<String, Trouble> {
        let before = before.and_then(Record::body);
        let html = body.map_or_else(String::new, |body| self.html(body, before));
        let mut html = markup::sanitise(&html);
        if let Some(name) = frame.attribution {
            html = markup::attribute(&html, markup::Dialect::CanvasHtml, name, ORIGIN);
        }
        if let Some(key) = frame.key {
            html = markup::mark(&html, key);
        }
        check_length("text", &html, frame.max_chars)?;
        Ok(html)
    }

    /// A body as Canvas HTML. Where Canvas has a text already, what the edit did not touch keeps its bytes.
    fn html(&self, body: &Body, before: Option<&Body>) -> String {
        if body.dialect == Dialect::CanvasHtml {
            return body.source.clone();
        }
        let ctx = &*self.markup.get();
        let plain = markup::discourse_to_canvas(&body.source, ctx).text;
        let Some(own) = before.filter(|before| before.dialect == Dialect::CanvasHtml) else {
            return plain;
        };
        let other = markup::canvas_to_discourse(&own.source, ctx).text;
        let shadow = Shadow {
            own: &own.source,
            dialect: markup::Dialect::CanvasHtml,
            other: &other,
        };
        let patched = markup::patch(shadow, &body.source, ctx);
        let says = markup::canonical_html(&patched, ctx);
        if says == markup::canonical_html(&plain, ctx)
            || says == markup::canonical_markdown(&body.source, ctx)
        {
            patched
        } else {
            plain
        }
    }

    fn voice(&self, record: &Record, probed: &Probed) -> Voice {
        let Some(author) = &record.author else {
            return Voice {
                acts_as: None,
                attribution: None,
            };
        };
        let acts_as = match (self.api.person_key, author.key.as_deref()) {
            // Its own words need no attribution.
            (PersonKey::CanvasId, Some(key)) if key == probed.user => {
                return Voice {
                    acts_as: None,
                    attribution: None,
                };
            }
            // Nothing but an id: "self" or another kind of name would act as somebody else.
            (PersonKey::CanvasId, Some(key)) => address::is_id(key).then(|| key.to_owned()),
            (PersonKey::SisId, Some(key)) if !key.is_empty() => Some(format!("sis_user_id:{key}")),
            (PersonKey::SisId, _) | (_, None) => None,
        };
        Voice {
            acts_as,
            attribution: Some(author.name.clone()),
        }
    }
}

/// The request made as a person.
fn acting_as(request: Request, person: Option<&str>) -> Request {
    match person {
        Some(person) => request.with_query("as_user_id", person),
        None => request,
    }
}

fn check_length(what: &str, text: &str, max_chars: usize) -> Result<(), Trouble> {
    let chars = text.chars().count();
    if chars <= max_chars {
        return Ok(());
    }
    Err(Trouble::new(
        Reason::TooLong,
        format!("The {what} has {chars} characters; Canvas takes {max_chars}."),
    ))
}

/// The id of what is to be changed.
fn target(write: &Write) -> Result<&RemoteId, Trouble> {
    write.remote.as_ref().ok_or_else(|| {
        Trouble::new(
            Reason::WrongId,
            format!("A Canvas {} without an id cannot be changed.", write.kind),
        )
    })
}

/// What is there after a deletion.
fn deleted(write: &Write, remote: &RemoteId) -> WriteResult {
    let record = write.expected.as_ref().unwrap_or(&write.record);
    WriteResult {
        remote: remote.clone(),
        record: Record {
            deleted: true,
            ..record.clone()
        },
        mark: write.mark.clone(),
        is_attributed: false,
    }
}

fn has_body(write: &Write) -> bool {
    write.fields.contains(&Field::Body) && write.record.body().is_some()
}
