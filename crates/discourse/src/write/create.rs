//! Creates: under a key by which the item can be found when the answer is lost, and as the author where that is
//! permitted.
//!
//! The server answers an identical create for 120 seconds with the stored answer, even when the post was deleted
//! since
//! (contract discourse §1.5). Each create has its own key, so that an answer is always one to this create.

use model::{Class, Field, Kind, Sighting, Write, WriteResult};
use serde_json::{Map, Value, json};

use super::{ORIGIN, number};
use crate::connector::Discourse;
use crate::failure::{self, Trouble};
use crate::mark::Mark;
use crate::memory::Place;
use crate::read::address;
use crate::site::Identity;
use crate::time;
use crate::wire::post::{Created, Post};

impl Discourse {
    /// Makes a topic or post.
    pub(super) async fn create(&self, write: &Write) -> Result<WriteResult, Trouble> {
        let markdown = self.markdown(&write.record).await?;
        let fields = match write.kind {
            Kind::Topic => topic_fields(write)?,
            _ => self.post_fields(write).await?,
        };
        let author = write.record.author.as_ref();
        let key = author.and_then(|author| author.key.as_deref());
        if let Some(key) = key.filter(|key| self.can_impersonate() && fits_a_header(key)) {
            let body = with_text(&fields, &markdown);
            match self.site.create(body, Identity::Person(key)).await {
                Ok(created) => return self.settle(write, created, Some(key)).await,
                Err(trouble) => {
                    if let Some(found) = self.found_anyway(write, &trouble).await? {
                        return Ok(found);
                    }
                    if !self.may_stand_in(write, &trouble, key).await? {
                        return Err(self.explain_refusal(write, trouble).await);
                    }
                }
            }
        }
        let name = author
            .map(|author| author.name.trim())
            .filter(|name| !name.is_empty());
        let text = match name {
            Some(name) => {
                markup::attribute(&markdown, markup::Dialect::DiscourseMarkdown, name, ORIGIN)
            }
            None => markdown,
        };
        match self
            .site
            .create(with_text(&fields, &text), Identity::Service)
            .await
        {
            Ok(created) => self.settle(write, created, None).await,
            Err(trouble) => match self.found_anyway(write, &trouble).await? {
                Some(found) => Ok(found),
                None => Err(self.explain_refusal(write, trouble).await),
            },
        }
    }

    async fn post_fields(&self, write: &Write) -> Result<Map<String, Value>, Trouble> {
        let topic = number(&write.container)?;
        let mut fields = common_fields(write);
        fields.insert("topic_id".to_owned(), Value::from(topic));
        fields.insert("embed_url".to_owned(), Value::from(address(&write.key)));
        if let Some(parent) = &write.parent {
            let parent_number = self.number_of(number(parent)?, topic).await?;
            fields.insert(
                "reply_to_post_number".to_owned(),
                Value::from(parent_number),
            );
        }
        Ok(fields)
    }

    /// The number of a post in a topic.
    async fn number_of(&self, post: i64, topic: i64) -> Result<i64, Trouble> {
        if let Some(place) = self
            .places
            .of_post(post)
            .filter(|place| place.topic == topic)
        {
            return Ok(place.number);
        }
        let gone =
            |why: &str| failure::not_found(&format!("The post {post} that is answered {why}."));
        let seen = self
            .site
            .post(post)
            .await?
            .ok_or_else(|| gone("is not there"))?;
        match (seen.topic_id, seen.post_number) {
            (Some(place), Some(number)) if place == topic => {
                self.places.learn(post, Place { topic, number });
                Ok(number)
            }
            _ => Err(gone("is in another topic now").into()),
        }
    }

    /// What the answer to a create means.
    async fn settle(
        &self,
        write: &Write,
        created: Created,
        key: Option<&str>,
    ) -> Result<WriteResult, Trouble> {
        let Created::Post(post) = created else {
            return Err(failure::queued(&format!("a {}", write.kind)).into());
        };
        if let (Some(user), Some(key)) = (post.user_id, key) {
            self.people.learn(user, Some(key));
        }
        if let Some(topic) = post.topic_id {
            self.remember_place(&post, topic);
        }
        self.finish(write, &post)
            .await
            .map_err(|trouble| made(write, &post, trouble))
    }

    /// Everything after the create itself.
    async fn finish(&self, write: &Write, post: &Post) -> Result<WriteResult, Trouble> {
        if write.kind == Kind::Post {
            if post.raw.is_some() {
                return self.post_result(post);
            }
            let seen = self.site.post(post.id).await?;
            return self.post_result(&seen.ok_or_else(|| failure::not_found("It is gone again."))?);
        }
        let topic = post
            .topic_id
            .ok_or_else(|| failure::unexpected("create_post", true, "the post is in no topic"))?;
        if write.record.flag(Field::Pinned) == Some(true) {
            self.site.set_status(topic, "pinned", true).await?;
        }
        if write.record.flag(Field::Locked) == Some(true) {
            self.site.set_status(topic, "closed", true).await?;
        }
        self.topic_result(topic).await
    }

    /// The item, if it is there although its create failed: an earlier try made it, or this one did and then
    /// stumbled.
    /// A taken key is 422 or, with validations skipped, 500 (contract discourse §10).
    async fn found_anyway(
        &self,
        write: &Write,
        trouble: &Trouble,
    ) -> Result<Option<WriteResult>, Trouble> {
        if !trouble.is(422) && !trouble.is(500) {
            return Ok(None);
        }
        let found = match write.kind {
            Kind::Topic => self.find_topic(&write.key).await,
            _ => self.find_post(number(&write.container)?, &write.key).await,
        };
        let item = match found {
            // After a 500 it stays unknown what happened, unless the look-up explains it.
            Err(other) if trouble.is(500) && other.failure.class != Class::Guard => {
                return Ok(None);
            }
            other => other?,
        };
        let Some(item) = item else { return Ok(None) };
        let mut record = match item.sighting {
            Sighting::Present(record) => record,
            Sighting::Deleted => {
                let mut record = write.record.clone();
                record.deleted = true;
                record
            }
            Sighting::Missing | Sighting::Withheld(_) => return Ok(None),
        };
        if record.author.is_none() {
            record.author.clone_from(&write.record.author);
        }
        Ok(Some(WriteResult {
            remote: item.remote,
            is_attributed: Mark::read(item.mark.as_deref()).stored.is_some(),
            record,
            mark: item.mark,
        }))
    }

    /// A refused create, with the cases named that need somebody: a key that belongs to a topic that cannot be seen,
    /// and a reply to a deleted topic. The text is the last resort here: nothing else tells a taken key from another
    /// refusal.
    async fn explain_refusal(&self, write: &Write, trouble: Trouble) -> Trouble {
        if !trouble.is(422) {
            return trouble;
        }
        match (write.kind, number(&write.container)) {
            (Kind::Topic, _) if trouble.failure.message.contains("already been taken") => {
                failure::key_taken(&trouble.failure.message).into()
            }
            (Kind::Post, Ok(topic)) => self.explain(trouble, topic).await,
            _ => trouble,
        }
    }

    /// Whether the service account may post in the author's place: the author cannot be acted for, or may not write
    /// there. Never when a moderation rule refused the text.
    async fn may_stand_in(
        &self,
        write: &Write,
        trouble: &Trouble,
        key: &str,
    ) -> Result<bool, Trouble> {
        if trouble.is(403) {
            return Ok(true);
        }
        // Missing, closed and forbidden topics are all one 422 (contract discourse §6.1); the review queue's own
        // refusals carry another action.
        let is_refused_reply = trouble.is(422)
            && write.kind == Kind::Post
            && trouble.action.as_deref() == Some("create_post");
        if !is_refused_reply {
            return Ok(false);
        }
        let seen = self.site.topic_as(number(&write.container)?, key).await?;
        Ok(seen.is_none_or(|topic| topic.closed || topic.archived))
    }
}

fn common_fields(write: &Write) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("skip_validations".to_owned(), Value::from(true));
    fields.insert("auto_track".to_owned(), Value::from(false));
    if let Some(created_at) = write.record.created_at.and_then(time::write) {
        fields.insert("created_at".to_owned(), Value::from(created_at));
    }
    fields
}

fn topic_fields(write: &Write) -> Result<Map<String, Value>, Trouble> {
    let title = super::text_of(&write.record, Field::Title)?;
    let mut fields = common_fields(write);
    fields.insert("title".to_owned(), Value::from(title));
    fields.insert(
        "category".to_owned(),
        Value::from(number(&write.container)?),
    );
    fields.insert("external_id".to_owned(), Value::from(write.key.as_str()));
    Ok(fields)
}

fn with_text(fields: &Map<String, Value>, text: &str) -> Value {
    let mut body = fields.clone();
    body.insert("raw".to_owned(), json!(text));
    Value::Object(body)
}

/// Whether a key can be sent as the acting person; one that cannot is nobody's (contract discourse §8.3).
fn fits_a_header(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whatever fails after the create: the item is there, so the caller must look for it before anything else.
fn made(write: &Write, post: &Post, trouble: Trouble) -> Trouble {
    let mut trouble = trouble;
    trouble.failure.class = Class::UnknownOutcome;
    trouble.failure.message = format!(
        "The {} was made in Discourse (post {}), but then: {}",
        write.kind, post.id, trouble.failure.message
    );
    trouble
}
