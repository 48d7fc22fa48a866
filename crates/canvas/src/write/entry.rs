//! Writes of entries (contract canvas §8, §17).
//!
//! An edit goes through GraphQL where it can, because a PUT drops the file of an entry (§8 rule 7).

use api_client::{Method, Payload, Request};
use model::{RemoteId, Write, WriteResult};
use serde_json::{Value, json};

use super::{ENTRY_CHARS, Frame, acting_as, deleted, has_body, target};
use crate::address::{EntryId, TopicId};
use crate::api::GraphqlCall;
use crate::failure::{Reason, Trouble};
use crate::graphql::MutationData;
use crate::mark::Mark;
use crate::port::Canvas;
use crate::translate::Post;
use crate::wire::Entry;

impl Canvas {
    pub(super) async fn create_entry(&self, write: &Write) -> Result<WriteResult, Trouble> {
        let place = TopicId::read(&write.container)?;
        let path = path_of_new(&place, write.parent.as_ref())?;
        let probed = self.probed().await?;
        let voice = self.voice(&write.record, &probed);
        let message = |attribution: Option<&str>| {
            let frame = Frame {
                attribution,
                key: Some(write.key.as_str()),
                max_chars: ENTRY_CHARS,
            };
            self.framed(write.record.body(), None, &frame)
        };
        if let Some(person) = &voice.acts_as {
            match self.post_entry(&path, &message(None)?, Some(person)).await {
                Ok(post) => return Ok(self.entry_result(&place, &post, false).await),
                Err(trouble) if trouble.is_refusal_of_person() => {
                    tracing::debug!(failure = %trouble.failure, "a reply is posted with an attribution");
                }
                Err(trouble) => return Err(trouble),
            }
        }
        let attribution = voice.attribution.as_deref();
        let post = self.post_entry(&path, &message(attribution)?, None).await?;
        Ok(self
            .entry_result(&place, &post, attribution.is_some())
            .await)
    }

    async fn post_entry(
        &self,
        path: &str,
        message: &str,
        person: Option<&str>,
    ) -> Result<Post, Trouble> {
        let request = Request::write("entry.create", Method::POST, path)
            .with_body(Payload::Json(json!({"message": message})));
        let entry: Entry = self.api.ask(acting_as(request, person)).await?.value;
        written(Post::of_entry(entry, &[]))
    }

    /// The entry as stored. Never fails: the write is done.
    async fn entry_result(&self, place: &TopicId, post: &Post, is_attributed: bool) -> WriteResult {
        let members = self.members_of(place, post).await.unwrap_or_default();
        let probed = self.known().unwrap_or_default();
        let (record, mark, _) = self.reader(&probed, &members).post_record(post);
        WriteResult {
            remote: place.entry(&post.id),
            record,
            mark: mark.write(),
            is_attributed,
        }
    }

    pub(super) async fn edit_entry(&self, write: &Write) -> Result<WriteResult, Trouble> {
        let id = EntryId::read(target(write)?)?;
        let probed = self.probed().await?;
        let known = Mark::read(write.mark.as_deref()).filter(|_| has_body(write));
        let mark = if let Some(mark) = known {
            mark
        } else {
            let post = self.look(&id).await?;
            let members = self.members_of(&id.topic, &post).await?;
            let (_, mark, _) = self.reader(&probed, &members).post_record(&post);
            if !has_body(write) {
                return Ok(self.entry_result(&id.topic, &post, false).await);
            }
            mark
        };
        let frame = Frame {
            attribution: mark.attributed_to.as_deref(),
            key: mark.key.as_deref(),
            max_chars: ENTRY_CHARS,
        };
        let message = self.framed(write.record.body(), write.expected.as_ref(), &frame)?;
        let post = if probed.schema.has_update() {
            let document = probed.schema.update(mark.quoted.is_some());
            let variables = json!({"id": id.entry, "message": message, "quote": mark.quoted});
            self.mutate("updateDiscussionEntry", &document, variables)
                .await?
        } else {
            self.put_entry(&id, &mark, &message).await?
        };
        Ok(self.entry_result(&id.topic, &post, false).await)
    }

    /// The entry as it is now.
    async fn look(&self, id: &EntryId) -> Result<Post, Trouble> {
        let rows = self
            .api
            .entries(&id.topic, std::slice::from_ref(&id.entry))
            .await?;
        let row = rows.into_iter().next();
        let post = row.and_then(|entry| Post::of_entry(entry, &[]));
        post.filter(|post| !post.is_deleted).ok_or_else(|| {
            Trouble::new(
                Reason::NotFound,
                format!("Canvas has no reply {}, or it is deleted.", id.entry),
            )
        })
    }

    async fn put_entry(&self, id: &EntryId, mark: &Mark, message: &str) -> Result<Post, Trouble> {
        if mark.file.is_some() {
            return Err(Trouble::new(
                Reason::FileLost,
                "Canvas would remove the reply's file with this edit.".to_owned(),
            ));
        }
        let request = Request::write("entry.edit", Method::PUT, path_of(id))
            .with_body(Payload::Json(json!({"message": message})));
        let entry: Entry = self.api.ask(request).await?.value;
        written(Post::of_entry(entry, &[]))
    }

    pub(super) async fn delete_entry(&self, write: &Write) -> Result<WriteResult, Trouble> {
        let remote = target(write)?;
        let id = EntryId::read(remote)?;
        let request = Request::write("entry.delete", Method::DELETE, path_of(&id));
        self.api.send(request).await?;
        Ok(deleted(write, remote))
    }

    pub(super) async fn restore_entry(&self, write: &Write) -> Result<WriteResult, Trouble> {
        let id = EntryId::read(target(write)?)?;
        let probed = self.probed().await?;
        if !probed.schema.has_restore() {
            return Err(Trouble::new(
                Reason::CannotRestore,
                "This Canvas cannot restore a deleted reply.".to_owned(),
            ));
        }
        let document = probed.schema.restore();
        let variables = json!({"id": id.entry});
        let post = self
            .mutate("restoreDeletedDiscussionEntry", &document, variables)
            .await?;
        Ok(self.entry_result(&id.topic, &post, false).await)
    }

    /// A mutation of one entry; refusals come in the payload, with HTTP 200.
    async fn mutate(
        &self,
        name: &'static str,
        document: &str,
        variables: Value,
    ) -> Result<Post, Trouble> {
        let answer = self
            .api
            .graphql::<MutationData>(GraphqlCall {
                name,
                document,
                variables,
                is_write: true,
            })
            .await?;
        let payload = answer
            .value
            .into_values()
            .flatten()
            .next()
            .unwrap_or_default();
        if let Some(error) = payload.errors.unwrap_or_default().into_iter().next() {
            let words = error.message.unwrap_or_default();
            let reason = if words.contains("Insufficient Permissions") {
                Reason::NotPermitted
            } else {
                Reason::Invalid
            };
            let words = api_client::excerpt(&words, 200);
            let field = error.attribute.unwrap_or_default();
            return Err(Trouble::new(
                reason,
                format!("Canvas refused {name}: {field}: {words}"),
            ));
        }
        written(payload.discussion_entry.and_then(Post::of_node))
    }
}

fn path_of(id: &EntryId) -> String {
    format!("{}/entries/{}", id.topic.path(), id.entry)
}

fn path_of_new(place: &TopicId, parent: Option<&RemoteId>) -> Result<String, Trouble> {
    let entries = format!("{}/entries", place.path());
    let Some(parent) = parent else {
        return Ok(entries);
    };
    let parent = EntryId::read(parent)?;
    Ok(format!("{entries}/{}/replies", parent.entry))
}

/// An answer without its entry: the write may have been done.
fn written(post: Option<Post>) -> Result<Post, Trouble> {
    post.ok_or_else(|| {
        Trouble::of_call(
            Reason::Unexpected,
            true,
            "Canvas does not say which reply it wrote.".to_owned(),
        )
    })
}
