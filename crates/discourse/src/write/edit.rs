//! Edits, guarded by the text as stored: a text that is not the one we read is answered with 409.
//!
//! Servers of 2023 know the guard only by its older name and have none for titles (contract discourse §1.8, §7.3), so
//! both names are sent, and titles are read first there. The check and the write are not one step on any version.

use model::{Dialect, Field, Record, Value, Write, WriteResult};
use serde_json::json;

use super::{check, flag_of, put, target, text_of, wanted, with_attribution};
use crate::connector::Discourse;
use crate::endpoint::PageSize;
use crate::failure::{self, Trouble};
use crate::mark::Mark;
use crate::wire::post::Post;

/// A topic before an edit: what it has, and the note about it.
struct Before {
    record: Option<Record>,
    mark: Mark,
}

/// A new text for a post.
struct Change<'a> {
    text: String,
    /// The text as stored that must be found.
    guard: String,
    reason: &'a str,
    /// A topic's new title, with its first post's text.
    title: Option<&'a str>,
}

impl Discourse {
    /// Changes a post's text.
    pub(super) async fn edit_post(&self, write: &Write) -> Result<WriteResult, Trouble> {
        let number = target(write)?;
        let mut mark = Mark::read(write.mark.as_deref());
        if !wanted(write).contains(&Field::Body) {
            let seen = self.seen_post(number).await?;
            return self.post_result(&seen);
        }
        let guard = if let Some(guard) = guard(write.expected.as_ref(), &mark) {
            guard
        } else {
            let seen = self.seen_post(number).await?;
            let now = self.post_result(&seen)?;
            check(write.expected.as_ref(), &[Field::Body], &now.record)?;
            mark = Mark::read(now.mark.as_deref());
            seen.raw.unwrap_or_default()
        };
        let text = with_attribution(self.markdown(&write.record).await?, &mark);
        let change = Change {
            text,
            guard,
            reason: &write.reason,
            title: None,
        };
        let post = self.put_text(number, change).await?;
        let mut result = self.post_result(&post)?;
        if let Some(author) = write
            .expected
            .as_ref()
            .and_then(|record| record.author.clone())
        {
            result.record.author = Some(author);
        }
        Ok(result)
    }

    /// The post with its text.
    async fn seen_post(&self, number: i64) -> Result<Post, Trouble> {
        let seen = self.site.post(number).await?;
        Ok(seen.ok_or_else(|| failure::not_found(&format!("Discourse has no post {number}.")))?)
    }

    /// Writes a text and answers the post as stored.
    async fn put_text(&self, number: i64, change: Change<'_>) -> Result<Post, Trouble> {
        let mut body = json!({
            "post": {
                "raw": change.text,
                "raw_old": change.guard,
                "original_text": change.guard,
                "edit_reason": change.reason,
            }
        });
        if let (Some(title), Some(fields)) = (change.title, body.as_object_mut()) {
            fields.insert("title".to_owned(), title.into());
        }
        let post = self.site.update_post(number, body).await?;
        if post.raw.is_some() {
            Ok(post)
        } else {
            self.seen_post(number).await
        }
    }

    /// Changes a topic's title, first post and states.
    pub(super) async fn edit_topic(&self, write: &Write) -> Result<WriteResult, Trouble> {
        let topic = target(write)?;
        let fields = wanted(write);
        if fields.is_empty() {
            return self.topic_result(topic).await;
        }
        let before = self.before(write, topic, &fields).await?;
        let mut record = before
            .record
            .clone()
            .or_else(|| write.expected.clone())
            .unwrap_or_default();
        let mut mark = before.mark.clone();
        let rides_along = fields.contains(&Field::Title) && fields.contains(&Field::Body);
        if fields.contains(&Field::Body) {
            let title = if rides_along {
                Some(text_of(&write.record, Field::Title)?)
            } else {
                None
            };
            let post = self.put_first_post(write, &before, title).await?;
            let now = self.post_result(&post)?;
            mark.stored = Mark::read(now.mark.as_deref()).stored;
            record.edited_at = now.record.edited_at;
            if let Some(body) = now.record.fields.get(&Field::Body) {
                put(&mut record, Field::Body, body.clone());
            }
        } else if fields.contains(&Field::Title) {
            let title = text_of(&write.record, Field::Title)?;
            let original = record.text(Field::Title);
            let stored = self.site.rename_topic(topic, title, original).await?;
            put(&mut record, Field::Title, Value::Text(stored));
        }
        for field in fields
            .iter()
            .filter(|field| matches!(field, Field::Locked | Field::Pinned))
        {
            let is_on = flag_of(&write.record, *field)?;
            self.put_state(topic, *field, is_on, &mut mark).await?;
            put(&mut record, *field, Value::Flag(is_on));
        }
        if rides_along || before.record.is_none() && write.expected.is_none() {
            // The answer to an edit does not show the title as it was cleaned.
            return self.topic_result(topic).await;
        }
        let is_attributed = mark.stored.is_some();
        Ok(WriteResult {
            remote: crate::translate::id(topic),
            record,
            mark: mark.write(),
            is_attributed,
        })
    }

    /// What the topic has before an edit: read from the server where no guard of its own protects every field.
    async fn before(&self, write: &Write, topic: i64, fields: &[Field]) -> Result<Before, Trouble> {
        let mark = Mark::read(write.mark.as_deref());
        let is_guarded = match fields {
            [Field::Body] => {
                mark.first_post.is_some() && guard(write.expected.as_ref(), &mark).is_some()
            }
            [Field::Title] => {
                self.guards_titles()
                    && write
                        .expected
                        .as_ref()
                        .is_some_and(|record| record.text(Field::Title).is_some())
            }
            _ => false,
        };
        if is_guarded {
            return Ok(Before { record: None, mark });
        }
        let now = self.topic_before(topic).await?;
        check(write.expected.as_ref(), fields, &now.record)?;
        Ok(Before {
            record: Some(now.record),
            mark: Mark::read(now.mark.as_deref()),
        })
    }

    async fn put_first_post(
        &self,
        write: &Write,
        before: &Before,
        title: Option<&str>,
    ) -> Result<Post, Trouble> {
        let first = before.mark.first_post.ok_or_else(|| {
            failure::unexpected("read_topic", false, "the topic has no first post")
        })?;
        let known = before.record.as_ref().or(write.expected.as_ref());
        let guard = match guard(known, &before.mark) {
            Some(guard) => guard,
            None => self.seen_post(first).await?.raw.unwrap_or_default(),
        };
        let text = with_attribution(self.markdown(&write.record).await?, &before.mark);
        self.put_text(
            first,
            Change {
                text,
                guard,
                reason: &write.reason,
                title,
            },
        )
        .await
    }

    async fn put_state(
        &self,
        topic: i64,
        field: Field,
        is_on: bool,
        mark: &mut Mark,
    ) -> Result<(), Trouble> {
        if field == Field::Locked {
            return self.site.set_status(topic, "closed", is_on).await;
        }
        if !is_on && mark.is_global_pin {
            self.site
                .set_status(topic, "pinned_globally", false)
                .await?;
            mark.is_global_pin = false;
        }
        self.site.set_status(topic, "pinned", is_on).await
    }

    /// A topic's first page, or that it is not there.
    pub(super) async fn seen_topic(
        &self,
        topic: i64,
    ) -> Result<Option<crate::wire::topic::Topic>, Trouble> {
        self.site.topic_page(topic, 1, PageSize::Small).await
    }
}

/// The text as stored that an edit must find, where it is known without asking.
fn guard(expected: Option<&Record>, mark: &Mark) -> Option<String> {
    let body = expected?
        .body()
        .filter(|body| body.dialect == Dialect::DiscourseMarkdown)?;
    let guard = match &mark.stored {
        None => Some(body.source.clone()),
        Some(stored) => {
            let dialect = markup::Dialect::DiscourseMarkdown;
            let (_, rest) = markup::strip_attribution(stored, dialect);
            (rest == body.source).then(|| stored.clone())
        }
    };
    // An empty guard is no guard (contract discourse §9).
    guard.filter(|text| !text.is_empty())
}
