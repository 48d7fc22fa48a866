//! Writes of topics and announcements (contract canvas §7.2 to §7.4).

use api_client::{Method, Payload, Request};
use model::{Field, Record, Write, WriteResult};
use serde_json::{Map, Value, json};

use super::{Frame, TITLE_CHARS, TOPIC_CHARS, acting_as, check_length, deleted, has_body, target};
use crate::address::{self, TopicId};
use crate::api::Dated;
use crate::failure::{Reason, Trouble};
use crate::mark::Mark;
use crate::port::Canvas;
use crate::wire::{Id, Topic};

/// A topic as it is to be sent, by one of two voices.
struct Draft {
    course: String,
    fields: Map<String, Value>,
}

impl Canvas {
    pub(super) async fn create_topic(&self, write: &Write) -> Result<WriteResult, Trouble> {
        let course = address::course(&write.container)?;
        let probed = self.probed().await?;
        let voice = self.voice(&write.record, &probed);
        let key = Some(write.key.as_str());
        let draft = |attribution: Option<&str>| -> Result<Draft, Trouble> {
            let frame = Frame {
                attribution,
                key,
                max_chars: TOPIC_CHARS,
            };
            let message = self.framed(write.record.body(), None, &frame)?;
            Ok(Draft {
                course: course.clone(),
                fields: fields_of_new(&write.record, &message)?,
            })
        };
        // Without the right to it a person's announcement becomes a discussion (§7.2), so nobody is asked to try.
        let acts_as = voice.acts_as.filter(|_| !write.record.announcement);
        if let Some(person) = &acts_as {
            match self.post_topic(draft(None)?, Some(person)).await {
                Ok(answer) => return self.topic_result(&course, answer, false).await,
                Err(trouble) if trouble.is_refusal_of_person() => {
                    tracing::debug!(failure = %trouble.failure, "a topic is posted with an attribution");
                }
                Err(trouble) => return Err(trouble),
            }
        }
        let attribution = voice.attribution.as_deref();
        let answer = self.post_topic(draft(attribution)?, None).await?;
        if write.record.announcement && answer.value.is_announcement == Some(false) {
            return Err(self.take_back(&course, &answer.value).await);
        }
        self.topic_result(&course, answer, attribution.is_some())
            .await
    }

    async fn post_topic(
        &self,
        draft: Draft,
        person: Option<&str>,
    ) -> Result<Dated<Topic>, Trouble> {
        let path = format!("/api/v1/courses/{}/discussion_topics", draft.course);
        let request = Request::write("topic.create", Method::POST, path)
            .with_body(Payload::Json(Value::Object(draft.fields)));
        self.api.ask(acting_as(request, person)).await
    }

    /// Removes a discussion that should have been an announcement.
    async fn take_back(&self, course: &str, topic: &Topic) -> Trouble {
        let id = topic.id.as_ref().map(Id::as_str).unwrap_or_default();
        let path = format!("/api/v1/courses/{course}/discussion_topics/{id}");
        let request = Request::write("topic.delete", Method::DELETE, path);
        match self.api.send(request).await {
            Ok(_) => Trouble::new(
                Reason::NoAnnouncement,
                "Canvas made a discussion of an announcement; it was deleted again.".to_owned(),
            ),
            // It is still there: it has to be looked for.
            Err(trouble) => Trouble::of_call(Reason::NoAnswer, true, trouble.failure.message),
        }
    }

    async fn topic_result(
        &self,
        course: &str,
        answer: Dated<Topic>,
        is_attributed: bool,
    ) -> Result<WriteResult, Trouble> {
        let topic = answer.value;
        let Some(id) = topic.id.clone() else {
            return Err(Trouble::of_call(
                Reason::Unexpected,
                true,
                "Canvas does not say which topic it wrote.".to_owned(),
            ));
        };
        let place = TopicId {
            course: course.to_owned(),
            topic: id.0,
        };
        let (record, mark) = self.topic_parts(&place, &topic).await;
        Ok(WriteResult {
            remote: place.remote(),
            record,
            mark: mark.write(),
            is_attributed,
        })
    }

    /// A topic's content and note. Never fails: the write is done.
    async fn topic_parts(&self, place: &TopicId, topic: &Topic) -> (Record, Mark) {
        let users = topic.author.iter().filter_map(|author| author.id.clone());
        let users = users.map(|id| id.0).collect();
        let asked = self.people.members(&self.api, &place.course, &users, false);
        let members = asked.await.unwrap_or_default();
        let probed = self.known().unwrap_or_default();
        let (record, mark, _) = self.reader(&probed, &members).topic_record(topic, None);
        (record, mark)
    }

    pub(super) async fn edit_topic(&self, write: &Write) -> Result<WriteResult, Trouble> {
        let place = TopicId::read(target(write)?)?;
        self.probed().await?;
        let fields = self.changes_of(write, &place).await?;
        let answer: Dated<Topic> = if fields.is_empty() {
            self.api.topic(&place).await?
        } else {
            let request = Request::write("topic.edit", Method::PUT, place.path())
                .with_body(Payload::Json(Value::Object(fields)));
            self.api.ask(request).await?
        };
        let now = answer.now;
        let mut result = self.topic_result(&place.course, answer, false).await?;
        // The list of April 2019 does not say it, and the answer of a write neither.
        result.record.announcement |= write.record.announcement;
        if write.fields.contains(&Field::Title) || has_body(write) {
            result.record.edited_at = now;
        }
        Ok(result)
    }

    /// Only what is to change; for an announcement also its lock, which an edit opens otherwise (§7.3).
    async fn changes_of(
        &self,
        write: &Write,
        place: &TopicId,
    ) -> Result<Map<String, Value>, Trouble> {
        let mut fields = Map::new();
        if write.fields.contains(&Field::Title)
            && let Some(title) = write.record.text(Field::Title)
        {
            check_length("title", title, TITLE_CHARS)?;
            fields.insert("title".to_owned(), json!(title));
        }
        if has_body(write) {
            let mark = self.topic_mark(write, place).await?;
            let frame = Frame {
                attribution: mark.attributed_to.as_deref(),
                key: mark.key.as_deref(),
                max_chars: TOPIC_CHARS,
            };
            let message = self.framed(write.record.body(), write.expected.as_ref(), &frame)?;
            fields.insert("message".to_owned(), json!(message));
        }
        for (field, name) in [(Field::Locked, "locked"), (Field::Pinned, "pinned")] {
            if write.fields.contains(&field)
                && let Some(flag) = write.record.flag(field)
            {
                fields.insert(name.to_owned(), json!(flag));
            }
        }
        let is_announcement = write.record.announcement
            || write
                .expected
                .as_ref()
                .is_some_and(|record| record.announcement);
        if is_announcement && !fields.is_empty() && !fields.contains_key("locked") {
            let known = write
                .expected
                .as_ref()
                .and_then(|record| record.flag(Field::Locked));
            let locked = match known {
                Some(locked) => Some(locked),
                None => self.api.topic(place).await?.value.locked,
            };
            fields.insert("locked".to_owned(), json!(locked.unwrap_or(true)));
        }
        Ok(fields)
    }

    /// The note of the topic, from a look at it where the caller has none.
    async fn topic_mark(&self, write: &Write, place: &TopicId) -> Result<Mark, Trouble> {
        if let Some(mark) = Mark::read(write.mark.as_deref()) {
            return Ok(mark);
        }
        let topic = self.api.topic(place).await?.value;
        Ok(self.topic_parts(place, &topic).await.1)
    }

    pub(super) async fn delete_topic(&self, write: &Write) -> Result<WriteResult, Trouble> {
        let remote = target(write)?;
        let place = TopicId::read(remote)?;
        // The answer is a raw database row: any 200 will do (§7.4).
        let request = Request::write("topic.delete", Method::DELETE, place.path());
        self.api.send(request).await?;
        Ok(deleted(write, remote))
    }
}

/// Always says that it is published: a moderator's topic would be a draft (§7.2).
fn fields_of_new(record: &Record, message: &str) -> Result<Map<String, Value>, Trouble> {
    let title = record.text(Field::Title).unwrap_or_default();
    check_length("title", title, TITLE_CHARS)?;
    let mut fields = Map::new();
    fields.insert("title".to_owned(), json!(title));
    fields.insert("message".to_owned(), json!(message));
    fields.insert("published".to_owned(), json!(true));
    if record.announcement {
        fields.insert("is_announcement".to_owned(), json!(true));
    } else {
        // `not_threaded` is refused by older servers (§6.1).
        fields.insert("discussion_type".to_owned(), json!("threaded"));
    }
    for (field, name) in [(Field::Locked, "locked"), (Field::Pinned, "pinned")] {
        if let Some(flag) = record.flag(field) {
            fields.insert(name.to_owned(), json!(flag));
        }
    }
    Ok(fields)
}
