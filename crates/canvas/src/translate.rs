//! From Canvas's words to the project's: records, items and sightings.
//!
//! Pure: whatever has to be asked first comes in as an argument. A record's body source is free of read-form
//! noise, of
//! our hidden span and of our attribution, so that it can be written again.

use std::sync::Arc;

use model::{
    Author, Body, CreateKey, Dialect, Field, Kind, Record, RemoteId, RemoteItem, Sighting,
    Timestamp, Value,
};

use crate::address::TopicId;
use crate::graphql::EntryNode;
use crate::mark::Mark;
use crate::people::Members;
use crate::privacy;
use crate::settings::PersonKey;
use crate::time;
use crate::wire::{Entry, Id, Topic, User};

/// What translation needs to know besides the payload.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    /// The service account's user id: only its posts may carry an attribution.
    pub service: &'a str,
    pub markup: Arc<markup::Context>,
    /// Canvas's own addresses.
    pub hosts: &'a [String],
    pub person_key: PersonKey,
    pub members: &'a Members,
}

/// An entry, whichever way it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Post {
    pub id: String,
    pub parent: Option<String>,
    pub author: Option<String>,
    pub author_name: String,
    pub is_test: bool,
    pub is_anonymous: bool,
    pub message: Option<String>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    pub edited_at: Option<Timestamp>,
    pub is_deleted: bool,
    pub file: Option<String>,
    pub quoted: Option<String>,
}

/// A message taken apart.
struct Text {
    body: Body,
    attributed_to: Option<String>,
    key: Option<String>,
}

impl Post {
    /// An entry of REST; `people` are the display users that came with it.
    pub(crate) fn of_entry(entry: Entry, people: &[User]) -> Option<Self> {
        let id = entry.id.clone()?.0;
        let author = entry
            .user_id
            .clone()
            .or_else(|| entry.user.as_ref().and_then(|user| user.id.clone()));
        let shown = entry.user.clone().filter(|user| user.id.is_some());
        let shown = shown.or_else(|| people.iter().find(|user| user.id == author).cloned());
        let created_at = time::read(entry.created_at.as_deref());
        let updated_at = time::read(entry.updated_at.as_deref());
        let name = shown.as_ref().map(User::shown_name).unwrap_or_default();
        let author_name = if name.is_empty() {
            entry.user_name.clone().unwrap_or_default()
        } else {
            name.to_owned()
        };
        Some(Self {
            parent: entry.parent_id.clone().map(|id| id.0),
            author: author.map(|id| id.0),
            author_name,
            is_test: shown.is_some_and(|user| user.fake_student == Some(true)),
            is_anonymous: false,
            created_at,
            updated_at,
            // REST has no time of the edit; a difference is the best there is (contract canvas §6.2).
            edited_at: updated_at.filter(|updated| Some(*updated) != created_at),
            is_deleted: entry.is_deleted(),
            file: entry.file().map(|id| id.0),
            quoted: None,
            message: entry.message,
            id,
        })
    }

    /// An entry of GraphQL.
    pub(crate) fn of_node(node: EntryNode) -> Option<Self> {
        let author = node.author.unwrap_or_default();
        Some(Self {
            id: node.id?.0,
            parent: node.parent_id.map(|id| id.0),
            is_anonymous: author.id.is_none() && node.anonymous_author.is_some(),
            author: author.id.map(|id| id.0),
            author_name: author.short_name.unwrap_or_default(),
            is_test: false,
            created_at: time::read(node.created_at.as_deref()),
            updated_at: time::read(node.updated_at.as_deref()),
            edited_at: time::read(node.edited_at.as_deref()),
            is_deleted: node.deleted.unwrap_or(false),
            file: node.attachment.and_then(|file| file.id).map(|id| id.0),
            quoted: node.quoted_entry.and_then(|entry| entry.id).map(|id| id.0),
            message: node.message,
        })
    }
}

impl Reader<'_> {
    /// An entry as an item.
    pub(crate) fn post(&self, topic: &TopicId, post: &Post) -> RemoteItem {
        let (record, mark, key) = self.post_record(post);
        let is_test = post.is_test
            || post
                .author
                .as_deref()
                .is_some_and(|id| self.members.is_test(id));
        let sighting = if post.is_deleted {
            Sighting::Deleted
        } else if post.is_anonymous {
            Sighting::Withheld(privacy::ANONYMOUS_ENTRY.to_owned())
        } else if is_test {
            Sighting::Withheld(privacy::TEST_STUDENT.to_owned())
        } else {
            Sighting::Present(record)
        };
        RemoteItem {
            kind: Kind::Post,
            remote: topic.entry(&post.id),
            container: Some(topic.remote()),
            parent: post.parent.as_deref().map(|parent| topic.entry(parent)),
            key: key.as_deref().map(CreateKey::from),
            mark: mark.write(),
            sighting,
        }
    }

    /// An entry's content and the note about it.
    pub(crate) fn post_record(&self, post: &Post) -> (Record, Mark, Option<String>) {
        let message = post.message.as_deref().unwrap_or_default();
        let text = self.text(message, post.author.as_deref());
        let mark = Mark {
            attributed_to: text.attributed_to.clone(),
            file: post.file.clone(),
            quoted: post.quoted.clone(),
            key: text.key.clone(),
        };
        let record = Record {
            deleted: post.is_deleted,
            author: self.author(
                post.author.as_deref(),
                &post.author_name,
                text.attributed_to,
            ),
            created_at: post.created_at,
            edited_at: post.edited_at,
            ..Record::default()
        };
        let record = record.with(Field::Body, Value::Body(text.body));
        (record, mark, text.key)
    }

    /// A topic as an item. `edited_at` comes from GraphQL: REST has no such time.
    pub(crate) fn topic(
        &self,
        place: &TopicId,
        topic: &Topic,
        edited_at: Option<Timestamp>,
    ) -> RemoteItem {
        let (record, mark, key) = self.topic_record(topic, edited_at);
        RemoteItem {
            key: key.as_deref().map(CreateKey::from),
            mark: mark.write(),
            ..topic_item(place, Sighting::Present(record))
        }
    }

    /// A topic's content and the note about it.
    pub(crate) fn topic_record(
        &self,
        topic: &Topic,
        edited_at: Option<Timestamp>,
    ) -> (Record, Mark, Option<String>) {
        let author = topic.author.clone().unwrap_or_default();
        let id = author.id.as_ref().map(Id::as_str);
        let text = self.text(topic.message.as_deref().unwrap_or_default(), id);
        let shown = author.shown_name();
        let name = if shown.is_empty() {
            topic.user_name.as_deref().unwrap_or_default()
        } else {
            shown
        };
        let mark = Mark {
            attributed_to: text.attributed_to.clone(),
            key: text.key.clone(),
            ..Mark::default()
        };
        let mut record = Record {
            announcement: topic.is_announcement(),
            author: self.author(id, name, text.attributed_to),
            created_at: time::read(topic.created_at.as_deref()),
            edited_at,
            ..Record::default()
        }
        .with(
            Field::Title,
            Value::Text(topic.title.clone().unwrap_or_default()),
        )
        .with(Field::Body, Value::Body(text.body));
        for (field, flag) in [(Field::Locked, topic.locked), (Field::Pinned, topic.pinned)] {
            if let Some(flag) = flag {
                record = record.with(field, Value::Flag(flag));
            }
        }
        (record, mark, text.key)
    }

    /// A body from HTML that is clean already.
    pub(crate) fn body(&self, source: String) -> Body {
        Body {
            dialect: Dialect::CanvasHtml,
            canonical: markup::canonical_html(&source, &self.markup),
            source,
        }
    }

    fn text(&self, message: &str, author: Option<&str>) -> Text {
        let clean = crate::noise::strip(message, self.hosts);
        let key = markup::find_mark(&clean);
        let clean = markup::strip_mark(&clean);
        // Anyone can type such a block; only ours counts.
        let (attributed_to, source) = if author == Some(self.service) {
            markup::strip_attribution(&clean, markup::Dialect::CanvasHtml)
        } else {
            (None, clean)
        };
        Text {
            body: self.body(source),
            attributed_to,
            key,
        }
    }

    fn author(
        &self,
        id: Option<&str>,
        name: &str,
        attributed_to: Option<String>,
    ) -> Option<Author> {
        let remote = id.map(RemoteId::from);
        match attributed_to {
            // The service account's own key says nothing about whom it wrote for.
            Some(name) => Some(Author {
                key: None,
                remote,
                name,
            }),
            None => Some(Author {
                key: self.members.key(self.person_key, id?),
                remote,
                name: name.to_owned(),
            }),
        }
    }
}

/// A topic of which only the sighting is known.
pub(crate) fn topic_item(place: &TopicId, sighting: Sighting) -> RemoteItem {
    RemoteItem {
        kind: Kind::Topic,
        remote: place.remote(),
        container: Some(RemoteId(place.course.clone())),
        parent: None,
        key: None,
        mark: None,
        sighting,
    }
}

#[cfg(test)]
mod tests;
