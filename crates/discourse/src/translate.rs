//! From Discourse's words to the project's: records, items and sightings.
//!
//! Pure: whatever has to be asked first (keys of users, ids of parents) comes in as an argument. Says what may be
//! mirrored at all (contract discourse §18): whispers and small actions are no items, and what is hidden, unlisted or
//! private is withheld.

use std::sync::Arc;

use model::{
    Author, Body, CreateKey, Dialect, Field, Kind, Record, RemoteId, RemoteItem, Sighting, Value,
};

use crate::mark::Mark;
use crate::time;
use crate::wire::course::Category;
use crate::wire::post::{Post, PostType};
use crate::wire::topic::Topic;

/// How our own create keys begin.
const KEY_PREFIX: &str = "ap-";

/// What translation needs to know besides the payload.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    /// The service account, whose posts may carry an attribution.
    pub service_user: &'a str,
    /// The settings of the markup conversion.
    pub markup: Arc<markup::Context>,
    /// The stable key of a user, where it is known.
    pub key_of: &'a (dyn Fn(i64) -> Option<String> + Sync),
}

/// A post's text as a record has it, and what was taken off.
struct Text {
    body: Body,
    attributed_to: Option<String>,
    stored: Option<String>,
}

impl Reader<'_> {
    /// A post as an item; `None` for what is nobody's words. `parent` is the post it answers.
    pub(crate) fn post(&self, post: &Post, topic: i64, parent: Option<i64>) -> Option<RemoteItem> {
        if post.kind() != PostType::Words {
            return None;
        }
        let mut mark = Mark {
            place: post.post_number.map(|number| (topic, number)),
            ..Mark::default()
        };
        let sighting = if post.is_deleted() {
            Sighting::Deleted
        } else if post.hidden {
            Sighting::Withheld("It is hidden by flags.".to_owned())
        } else if let Some((record, stored)) = self.post_record(post) {
            mark.stored = stored;
            Sighting::Present(record)
        } else {
            Sighting::Withheld("Discourse does not show its text.".to_owned())
        };
        Some(RemoteItem {
            kind: Kind::Post,
            remote: id(post.id),
            container: Some(id(topic)),
            parent: parent.map(id),
            key: None,
            mark: mark.write(),
            sighting,
        })
    }

    /// A post's content, and its text as stored where that differs; `None` when the text is not shown.
    pub(crate) fn post_record(&self, post: &Post) -> Option<(Record, Option<String>)> {
        let text = self.text(post)?;
        let record = Record {
            deleted: post.is_deleted(),
            author: Some(self.author(post, text.attributed_to)),
            created_at: time::read(post.created_at.as_deref()),
            edited_at: time::read(post.updated_at.as_deref()),
            ..Record::default()
        };
        Some((
            record.with(Field::Body, Value::Body(text.body)),
            text.stored,
        ))
    }

    /// A topic with its first post as an item; `category` is the one it is in.
    pub(crate) fn topic(&self, topic: &Topic, category: Option<&Category>) -> RemoteItem {
        let mut mark = Mark {
            first_post: topic.first_post().map(|post| post.id),
            is_global_pin: topic.pinned_globally,
            ..Mark::default()
        };
        let sighting = match obstacle(topic, category) {
            Some(sighting) => sighting,
            None => match topic
                .first_post()
                .and_then(|first| self.topic_record(topic, first))
            {
                None => Sighting::Withheld("Discourse does not show its first post.".to_owned()),
                Some((record, stored)) => {
                    mark.stored = stored;
                    Sighting::Present(record)
                }
            },
        };
        let key = topic
            .external_id
            .as_deref()
            .filter(|key| key.starts_with(KEY_PREFIX));
        RemoteItem {
            kind: Kind::Topic,
            remote: id(topic.id),
            container: topic.category_id.map(id),
            parent: None,
            key: key.map(CreateKey::from),
            mark: mark.write(),
            sighting,
        }
    }

    /// A topic's content with the first post's text.
    pub(crate) fn topic_record(
        &self,
        topic: &Topic,
        first: &Post,
    ) -> Option<(Record, Option<String>)> {
        let (record, stored) = self.post_record(first)?;
        let record = Record {
            deleted: topic.deleted_at.is_some() || first.user_deleted,
            created_at: time::read(topic.created_at.as_deref()).or(record.created_at),
            ..record
        }
        .with(Field::Title, Value::Text(topic.title.clone()))
        .with(Field::Locked, Value::Flag(topic.closed))
        .with(
            Field::Pinned,
            Value::Flag(topic.pinned || topic.pinned_globally),
        );
        Some((record, stored))
    }

    /// A body as a record has it: the source as stored, without our attribution.
    fn text(&self, post: &Post) -> Option<Text> {
        let raw = post.raw.as_deref()?;
        let (attributed_to, source) = if self.is_service(post) {
            markup::strip_attribution(raw, markup::Dialect::DiscourseMarkdown)
        } else {
            (None, raw.to_owned())
        };
        let stored = attributed_to.is_some().then(|| raw.to_owned());
        Some(Text {
            body: self.body(source),
            attributed_to,
            stored,
        })
    }

    /// A body from Markdown as Discourse stores it.
    pub(crate) fn body(&self, source: String) -> Body {
        Body {
            dialect: Dialect::DiscourseMarkdown,
            canonical: markup::canonical_markdown(&source, &self.markup),
            source,
        }
    }

    fn is_service(&self, post: &Post) -> bool {
        post.username.eq_ignore_ascii_case(self.service_user)
    }

    fn author(&self, post: &Post, attributed_to: Option<String>) -> Author {
        let shown = post.name.clone().unwrap_or_else(|| post.username.clone());
        // The service account's own key says nothing about whom it wrote for.
        let asked = post.user_id.filter(|_| attributed_to.is_none());
        Author {
            key: asked.and_then(|user| (self.key_of)(user)),
            remote: post.user_id.map(id),
            name: attributed_to.unwrap_or(shown),
        }
    }
}

/// Why a topic is not to be mirrored, or that it is deleted.
fn obstacle(topic: &Topic, category: Option<&Category>) -> Option<Sighting> {
    let withheld = |why: &str| Some(Sighting::Withheld(why.to_owned()));
    if topic.is_private() {
        return withheld("It is a private message.");
    }
    if topic.deleted_at.is_some() || topic.first_post().is_some_and(|first| first.user_deleted) {
        return Some(Sighting::Deleted);
    }
    if topic.category_id.is_none() {
        return withheld("It is in no category.");
    }
    if category.and_then(Category::about_topic) == Some(topic.id) {
        return withheld("It is the description of its category.");
    }
    if !topic.visible {
        return withheld("It is unlisted.");
    }
    match topic.first_post() {
        None => withheld("Discourse does not show its first post."),
        Some(first) if first.deleted_at.is_some() => withheld("Its first post is deleted."),
        Some(first) if first.hidden => withheld("Its first post is hidden by flags."),
        Some(first) if first.kind() != PostType::Words => {
            withheld("Its first post is for staff only.")
        }
        Some(_) => None,
    }
}

/// The remote id of a number.
pub(crate) fn id(number: i64) -> RemoteId {
    RemoteId(number.to_string())
}

#[cfg(test)]
mod tests;
