//! The words that people wrote, and whether somebody may still expect to find them.

use std::collections::{BTreeMap, BTreeSet};

use model::{EntityId, Field, Record, RemoteId, System, Value};

/// Where a word was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In an item of a remote.
    Remote(System, RemoteId),
    /// In the local copy of an entity.
    Local(EntityId),
}

/// Each word is written once; whoever overwrites or deletes a text has seen its words.
#[derive(Debug, Default)]
pub struct Words {
    next: u64,
    expected: BTreeMap<String, Place>,
}

impl Words {
    /// A word that nobody wrote before.
    pub fn fresh(&mut self) -> String {
        self.next += 1;
        format!("word{:06}", self.next)
    }

    /// Somebody wrote the words of this text there.
    pub fn wrote(&mut self, text: &str, place: &Place) {
        for word in words_of(text) {
            self.expected.entry(word).or_insert_with(|| place.clone());
        }
    }

    /// Somebody who saw these words overwrote or deleted them.
    pub fn superseded(&mut self, words: &BTreeSet<String>) {
        for word in words {
            self.expected.remove(word);
        }
    }

    /// The words that must still be somewhere.
    pub fn expected(&self) -> &BTreeMap<String, Place> {
        &self.expected
    }
}

/// The words in a text.
pub fn words_of(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|part| part.starts_with("word"))
        .map(str::to_owned)
        .collect()
}

/// The words of one field of a record.
pub fn words_of_field(record: &Record, field: Field) -> BTreeSet<String> {
    match record.fields.get(&field) {
        Some(Value::Text(text)) => words_of(text),
        Some(Value::Body(body)) => words_of(&body.source),
        Some(Value::Flag(_) | Value::Set(_)) | None => BTreeSet::new(),
    }
}

/// All words of a record, deleted or not.
pub fn words_of_record(record: &Record) -> BTreeSet<String> {
    record
        .fields
        .keys()
        .flat_map(|field| words_of_field(record, *field))
        .collect()
}
