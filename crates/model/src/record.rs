//! The system-neutral content of an entity.
//!
//! A record knows which fields it has: a field that a system cannot store is absent there and never erased elsewhere
//! (design section 6).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::digest::Digest;
use crate::id::RemoteId;

/// The language in which a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// Canvas rich-text HTML.
    CanvasHtml,
    /// Discourse Markdown source (`raw`).
    DiscourseMarkdown,
}

/// The text of a topic or post: one side's own source and the canonical form to which both sides reduce.
///
/// Bodies are compared by [`Body::canonical`] only; the source is kept so that the untouched side keeps its own
/// bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Body {
    /// The language of `source`.
    pub dialect: Dialect,
    /// The text as its system stores it.
    pub source: String,
    /// The canonical form (crate `markup`).
    pub canonical: String,
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        // The same words in the same language say the same, whatever was known about people when each was read.
        self.canonical == other.canonical
            || (self.dialect == other.dialect && self.source == other.source)
    }
}

impl Eq for Body {}

/// A named part of a record that is merged on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The title of a topic, or the name of a course.
    Title,
    /// The text of a topic's first post, or of a post.
    Body,
    /// Closed for replies.
    Locked,
    /// Kept at the top of its list.
    Pinned,
    /// Tags of a topic.
    Tags,
    /// The description of a course.
    Description,
}

impl Field {
    /// All fields.
    pub const ALL: [Self; 6] = [
        Self::Title,
        Self::Body,
        Self::Locked,
        Self::Pinned,
        Self::Tags,
        Self::Description,
    ];

    /// The stable lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Body => "body",
            Self::Locked => "locked",
            Self::Pinned => "pinned",
            Self::Tags => "tags",
            Self::Description => "description",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == text)
    }

    /// How two changes of the field are merged.
    pub fn field_type(self) -> FieldType {
        match self {
            Self::Title | Self::Locked | Self::Pinned | Self::Description => FieldType::Scalar,
            Self::Body => FieldType::Body,
            Self::Tags => FieldType::Set,
        }
    }
}

/// How a field merges (design section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// One value: two different changes overlap.
    Scalar,
    /// A set: adds and removes of both sides apply.
    Set,
    /// A document: merged by block.
    Body,
}

/// The content of one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Plain text.
    Text(String),
    /// Yes or no.
    Flag(bool),
    /// A document.
    Body(Body),
    /// A set of names.
    Set(BTreeSet<String>),
}

/// Who wrote something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The stable key both systems share: the Canvas id (or SIS id) that is the DiscourseConnect `external_id`.
    pub key: Option<String>,
    /// The author's id in the system where the record was seen.
    pub remote: Option<RemoteId>,
    /// The name to show; never used as an identity.
    pub name: String,
}

/// The system-neutral content of one entity as one system has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Record {
    /// The fields this system has, by name.
    pub fields: BTreeMap<Field, Value>,
    /// Deleted, with its content kept where the system still shows it.
    #[serde(default)]
    pub deleted: bool,
    /// An announcement rather than a discussion (Canvas only; fixed at creation).
    #[serde(default)]
    pub announcement: bool,
    /// Who wrote it; not part of the comparison.
    pub author: Option<Author>,
    /// When it was made, by the system's own clock.
    pub created_at: Option<Timestamp>,
    /// When it was last changed, by the system's own clock; not part of the comparison.
    pub edited_at: Option<Timestamp>,
}

impl Record {
    /// The record with one field set.
    #[must_use]
    pub fn with(mut self, field: Field, value: Value) -> Self {
        self.fields.insert(field, value);
        self
    }

    /// The value of a text field.
    pub fn text(&self, field: Field) -> Option<&str> {
        match self.fields.get(&field) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The value of a yes-or-no field.
    pub fn flag(&self, field: Field) -> Option<bool> {
        match self.fields.get(&field) {
            Some(Value::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// The body, where there is one.
    pub fn body(&self) -> Option<&Body> {
        match self.fields.get(&Field::Body) {
            Some(Value::Body(body)) => Some(body),
            _ => None,
        }
    }

    /// The fields both records have whose content differs.
    pub fn differing_fields(&self, other: &Self) -> BTreeSet<Field> {
        self.fields
            .iter()
            .filter(|(field, value)| {
                other
                    .fields
                    .get(field)
                    .is_some_and(|theirs| theirs != *value)
            })
            .map(|(field, _)| *field)
            .collect()
    }

    /// Whether both say the same: existence, and every field that both have.
    pub fn same_content(&self, other: &Self) -> bool {
        self.deleted == other.deleted && (self.deleted || self.differing_fields(other).is_empty())
    }

    /// The fingerprint of the canonical content: existence and fields, without author and times.
    pub fn digest(&self) -> Digest {
        let mut text = String::from(if self.deleted {
            "deleted\n"
        } else {
            "present\n"
        });
        if !self.deleted {
            for (field, value) in &self.fields {
                text.push_str(field.as_str());
                text.push('=');
                match value {
                    Value::Text(words) => text.push_str(words),
                    Value::Flag(flag) => text.push_str(if *flag { "true" } else { "false" }),
                    Value::Body(body) => text.push_str(&body.canonical),
                    Value::Set(names) => {
                        for name in names {
                            text.push_str(name);
                            text.push('\u{1}');
                        }
                    }
                }
                text.push('\u{0}');
            }
        }
        Digest::of(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(source: &str, canonical: &str) -> Value {
        Value::Body(Body {
            dialect: Dialect::CanvasHtml,
            source: source.to_owned(),
            canonical: canonical.to_owned(),
        })
    }

    #[test]
    fn bodies_compare_by_canonical_form() {
        let one = Record::default().with(Field::Body, body("<p>a</p>", "a"));
        let two = Record::default().with(Field::Body, body("a", "a"));
        assert!(one.same_content(&two));
        assert_eq!(one.digest(), two.digest());
    }

    #[test]
    fn a_field_one_side_lacks_is_no_difference() {
        let with_tags = Record::default().with(Field::Tags, Value::Set(BTreeSet::new()));
        assert!(with_tags.same_content(&Record::default()));
    }

    #[test]
    fn deleted_records_are_the_same_whatever_their_text() {
        let mut one = Record::default().with(Field::Body, body("a", "a"));
        let mut two = Record::default().with(Field::Body, body("b", "b"));
        assert!(!one.same_content(&two));
        one.deleted = true;
        assert!(!one.same_content(&two));
        two.deleted = true;
        assert!(one.same_content(&two));
        assert_eq!(one.digest(), two.digest());
    }

    #[test]
    fn author_and_times_do_not_change_the_digest() {
        let plain = Record::default().with(Field::Locked, Value::Flag(true));
        let mut signed = plain.clone();
        signed.author = Some(Author {
            key: None,
            remote: None,
            name: "x".to_owned(),
        });
        signed.edited_at = Some(Timestamp(5));
        assert_eq!(plain.digest(), signed.digest());
    }
}
