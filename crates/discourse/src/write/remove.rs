//! Deletes and restores, as staff: then a delete is one at once, not a stub for 24 hours (contract discourse §13).
//!
//! The server guards neither, so what is deleted is read and compared first. Both are safe to repeat.

use model::{Action, Field, Record, Write, WriteResult};

use super::{check, target};
use crate::connector::Discourse;
use crate::failure::{self, Trouble};
use crate::mark::Mark;
use crate::wire::post::Post;
use crate::wire::topic::Topic;

impl Discourse {
    /// Deletes a post.
    pub(super) async fn delete_post(&self, write: &Write) -> Result<WriteResult, Trouble> {
        let post = target(write)?;
        let Some(seen) = self.site.post(post).await? else {
            return Ok(gone(write, None));
        };
        let record = self.record_of_post(&seen);
        if seen.deleted_at.is_some() {
            return Ok(gone(write, record));
        }
        if let (false, Some(record)) = (seen.user_deleted, &record) {
            check(write.expected.as_ref(), &[Field::Body], record)?;
        }
        match self.site.delete_post(post).await {
            Err(trouble) if !trouble.is(404) => Err(trouble),
            _ => Ok(gone(write, record)),
        }
    }

    /// Deletes a topic with its first post; its replies stay but cannot be reached.
    pub(super) async fn delete_topic(&self, write: &Write) -> Result<WriteResult, Trouble> {
        let topic = target(write)?;
        let Some(seen) = self.seen_topic(topic).await? else {
            return Ok(gone(write, None));
        };
        let record = self.record_of_topic(&seen);
        if seen.deleted_at.is_some() {
            return Ok(gone(write, record));
        }
        if let Some(record) = &record {
            check(
                write.expected.as_ref(),
                &[Field::Title, Field::Body],
                record,
            )?;
        }
        match self.site.delete_topic(topic).await {
            // A second delete is the same 422 as a forbidden one (contract discourse §4).
            Err(trouble) if trouble.is(422) => {
                let now = self.seen_topic(topic).await?;
                if now.is_some_and(|topic| topic.deleted_at.is_none()) {
                    return Err(trouble);
                }
                Ok(gone(write, record))
            }
            Err(trouble) if !trouble.is(404) => Err(trouble),
            _ => Ok(gone(write, record)),
        }
    }

    /// Brings a post back and gives it the text that is wanted.
    pub(super) async fn restore_post(&self, write: &Write) -> Result<WriteResult, Trouble> {
        let post = target(write)?;
        let missing = || failure::not_found(&format!("Discourse has no post {post}."));
        let mut seen = self.site.post(post).await?.ok_or_else(missing)?;
        if seen.is_deleted() {
            self.site.recover_post(post).await?;
            seen = self.site.post(post).await?.ok_or_else(missing)?;
        }
        if let Some(topic) = seen.topic_id {
            self.remember_place(&seen, topic);
        }
        if seen.deleted_at.is_some() {
            return Err(
                failure::unexpected("recover_post", true, "the post is still deleted").into(),
            );
        }
        let now = self.post_result(&seen)?;
        let again = follow_up(write, &now);
        if again.fields.is_empty() {
            Ok(now)
        } else {
            self.edit_post(&again).await
        }
    }

    /// Brings a topic back and gives it the content that is wanted.
    pub(super) async fn restore_topic(&self, write: &Write) -> Result<WriteResult, Trouble> {
        let topic = target(write)?;
        let seen = self
            .seen_topic(topic)
            .await?
            .ok_or_else(|| failure::not_found(&format!("Discourse has no topic {topic}.")))?;
        if seen.deleted_at.is_some() {
            self.site.recover_topic(topic).await?;
        }
        if let Some(first) = seen.first_post().filter(|first| first.user_deleted) {
            self.site.recover_post(first.id).await?;
        }
        let now = self.topic_result(topic).await?;
        let again = follow_up(write, &now);
        if again.fields.is_empty() {
            Ok(now)
        } else {
            self.edit_topic(&again).await
        }
    }

    fn record_of_post(&self, post: &Post) -> Option<Record> {
        let key_of = |user| self.people.key(user);
        self.reader(&key_of)
            .post_record(post)
            .map(|(record, _)| record)
    }

    fn record_of_topic(&self, topic: &Topic) -> Option<Record> {
        let key_of = |user| self.people.key(user);
        let first = topic.first_post()?;
        self.reader(&key_of)
            .topic_record(topic, first)
            .map(|(record, _)| record)
    }
}

/// The result of a delete: what was there last, as deleted.
fn gone(write: &Write, seen: Option<Record>) -> WriteResult {
    let known = seen.or_else(|| write.expected.clone());
    let mut record = known.unwrap_or_else(|| write.record.clone());
    record.deleted = true;
    if let Some(author) = write
        .expected
        .as_ref()
        .and_then(|expected| expected.author.clone())
    {
        record.author = Some(author);
    }
    let is_attributed = Mark::read(write.mark.as_deref()).stored.is_some();
    WriteResult {
        remote: write
            .remote
            .clone()
            .unwrap_or_else(|| write.container.clone()),
        record,
        mark: write.mark.clone(),
        is_attributed,
    }
}

/// The edit that makes what came back what is wanted.
fn follow_up(write: &Write, now: &WriteResult) -> Write {
    let differing = now.record.differing_fields(&write.record);
    Write {
        action: Action::Edit,
        fields: write.fields.intersection(&differing).copied().collect(),
        expected: Some(now.record.clone()),
        mark: now.mark.clone(),
        ..write.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::number;

    #[test]
    fn a_remote_id_that_is_no_number_is_our_mistake() {
        assert!(number(&"abc".into()).is_err());
        assert_eq!(number(&"22".into()).ok(), Some(22));
    }
}
