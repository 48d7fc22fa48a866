//! Writing: one item at a time, guarded by what was read before, answered with what the server stored.
//!
//! Edits, deletes and states are written as the service account (as the system user it alerts nobody, contract
//! discourse §2.1); only creates act as the author.

use model::{
    Action, Dialect, Failure, Field, Kind, Record, RemoteId, Sighting, Value, Write, WriteResult,
};

use crate::connector::Discourse;
use crate::failure::{self, Trouble};
use crate::mark::Mark;
use crate::wire::post::Post;

mod create;
mod edit;
mod remove;

/// What attributed posts name as their origin.
const ORIGIN: &str = "Canvas";

impl Discourse {
    /// Does one write.
    pub(crate) async fn do_write(&self, write: &Write) -> Result<WriteResult, Trouble> {
        match (write.action, write.kind) {
            (Action::Create, Kind::Topic | Kind::Post) => self.create(write).await,
            (Action::Edit, Kind::Topic) => self.edit_topic(write).await,
            (Action::Edit, Kind::Post) => self.edit_post(write).await,
            (Action::Delete, Kind::Topic) => self.delete_topic(write).await,
            (Action::Delete, Kind::Post) => self.delete_post(write).await,
            (Action::Restore, Kind::Topic) => self.restore_topic(write).await,
            (Action::Restore, Kind::Post) => self.restore_post(write).await,
            (action, kind) => {
                let what = format!("to {} a {kind}", action.as_str());
                Err(failure::bug(&what).into())
            }
        }
    }

    /// The record's body in Discourse's language.
    async fn markdown(&self, record: &Record) -> Result<String, Trouble> {
        let body = record
            .body()
            .ok_or_else(|| failure::bug("to write a text that is not there"))?;
        Ok(match body.dialect {
            Dialect::DiscourseMarkdown => body.source.clone(),
            Dialect::CanvasHtml => {
                let output = markup::canvas_to_discourse(&body.source, &self.markup.get());
                if self.introduce(&output.needs).await? {
                    markup::canvas_to_discourse(&body.source, &self.markup.get()).text
                } else {
                    output.text
                }
            }
        })
    }

    /// Asks who the mentioned people are, each once; says whether somebody was found.
    async fn introduce(&self, needs: &[markup::Need]) -> Result<bool, Trouble> {
        let mut found = false;
        for need in needs {
            let markup::Need::CanvasUser(id) = need else {
                continue;
            };
            // Only what can be an id goes into an address.
            if !self.has_canvas_ids || !markup::is_canvas_id(id) || self.strangers.has(id) {
                continue;
            }
            match self.site.user_by_key(id).await? {
                Some(user) => {
                    let (username, name) = (user.username, user.name.unwrap_or_default());
                    self.markup.learn(id, markup::User { username, name });
                    found = true;
                }
                None => self.strangers.learn(id),
            }
        }
        Ok(found)
    }

    /// What the server stored, from a post that it showed after the write.
    fn post_result(&self, post: &Post) -> Result<WriteResult, Trouble> {
        let key_of = |user| self.people.key(user);
        let (record, stored) = self
            .reader(&key_of)
            .post_record(post)
            .ok_or_else(|| failure::unexpected("a write", true, "the post has no text"))?;
        let is_attributed = stored.is_some();
        let mark = Mark {
            stored,
            place: post
                .topic_id
                .zip(post.post_number)
                .filter(|_| !post.is_first()),
            ..Mark::default()
        };
        Ok(WriteResult {
            remote: crate::translate::id(post.id),
            record,
            mark: mark.write(),
            is_attributed,
        })
    }

    /// What the server has of a topic now; for use after a write.
    async fn topic_result(&self, number: i64) -> Result<WriteResult, Trouble> {
        match self.look_at_topic(number).await? {
            Ok(result) => Ok(result),
            Err(why) => Err(failure::unexpected("a write", true, &why.message).into()),
        }
    }

    /// What the server has of a topic before a write; fails when it is not there to be written to.
    async fn topic_before(&self, number: i64) -> Result<WriteResult, Trouble> {
        match self.look_at_topic(number).await? {
            Ok(result) => Ok(result),
            Err(why) => Err(why.into()),
        }
    }

    /// A topic's content, or why there is none.
    async fn look_at_topic(
        &self,
        number: i64,
    ) -> Result<std::result::Result<WriteResult, Failure>, Trouble> {
        let missing = || failure::not_found(&format!("Discourse has no topic {number}."));
        let item = self.topic_item(number).await?.ok_or_else(missing)?;
        Ok(match item.sighting {
            Sighting::Present(record) => Ok(WriteResult {
                remote: item.remote,
                is_attributed: Mark::read(item.mark.as_deref()).stored.is_some(),
                record,
                mark: item.mark,
            }),
            Sighting::Deleted => Err(failure::not_found(&format!(
                "Discourse's topic {number} is deleted."
            ))),
            Sighting::Missing => Err(missing()),
            Sighting::Withheld(why) => Err(failure::not_writable(&format!(
                "Discourse's topic {number} is not mirrored: {why}"
            ))),
        })
    }
}

/// The text with the attribution that the stored text had.
fn with_attribution(markdown: String, mark: &Mark) -> String {
    let dialect = markup::Dialect::DiscourseMarkdown;
    let name = mark
        .stored
        .as_deref()
        .and_then(|raw| markup::strip_attribution(raw, dialect).0);
    match name {
        Some(name) => markup::attribute(&markdown, dialect, &name, ORIGIN),
        None => markdown,
    }
}

/// The number behind a remote id.
pub(crate) fn number(remote: &RemoteId) -> Result<i64, Trouble> {
    remote
        .as_str()
        .parse()
        .map_err(|_| failure::bug(&format!("with the remote id {remote:?}")).into())
}

/// The number of the item that a write is about.
fn target(write: &Write) -> Result<i64, Trouble> {
    let remote = write.remote.as_ref();
    number(remote.ok_or_else(|| failure::bug("to change an item without its id"))?)
}

/// Fails when a field is not what the decision was made on.
fn check(expected: Option<&Record>, fields: &[Field], seen: &Record) -> Result<(), Trouble> {
    let Some(expected) = expected.filter(|expected| !expected.deleted) else {
        return Ok(());
    };
    let changed = fields.iter().find(|field| {
        let (ours, theirs) = (expected.fields.get(field), seen.fields.get(field));
        ours.is_some() && ours != theirs
    });
    match changed {
        None => Ok(()),
        Some(field) => {
            let message = format!("The {} in Discourse was changed meanwhile.", field.as_str());
            Err(failure::conflict(&message).into())
        }
    }
}

/// What there is to write: the fields asked for that a topic or post has here, and that differ from what is there.
fn wanted(write: &Write) -> Vec<Field> {
    let ours = [Field::Title, Field::Body, Field::Locked, Field::Pinned];
    let differs = |field: &Field| {
        let new = write.record.fields.get(field);
        let old = write
            .expected
            .as_ref()
            .and_then(|expected| expected.fields.get(field));
        ours.contains(field) && new.is_some() && new != old
    };
    write.fields.iter().copied().filter(differs).collect()
}

fn text_of(record: &Record, field: Field) -> Result<&str, Trouble> {
    record.text(field).ok_or_else(|| {
        failure::bug(&format!("to write a {} that is no text", field.as_str())).into()
    })
}

fn flag_of(record: &Record, field: Field) -> Result<bool, Trouble> {
    record.flag(field).ok_or_else(|| {
        failure::bug(&format!("to write a {} that is no flag", field.as_str())).into()
    })
}

fn put(record: &mut Record, field: Field, value: Value) {
    record.fields.insert(field, value);
}
