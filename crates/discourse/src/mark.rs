//! The note that goes out with each item and comes back with the next write: what a guarded write needs and a record
//! does not have.

use serde::{Deserialize, Serialize};

/// The note; short names, because it is stored with every replica.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// The id of a topic's first post: its body is edited there.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub first_post: Option<i64>,
    /// The text as Discourse stores it, where the record's differs from it (an attribution was taken off).
    #[serde(rename = "raw", default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<String>,
    /// The topic is pinned above all categories, which is undone by another call than a plain pin.
    #[serde(rename = "g", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_global_pin: bool,
    /// The topic of a reply and its number there, by which quotations and links name it.
    #[serde(rename = "at", default, skip_serializing_if = "Option::is_none")]
    pub place: Option<(i64, i64)>,
}

impl Mark {
    /// Reads a note; one of another version, or none, is empty.
    pub(crate) fn read(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }

    /// Writes the note; `None` when there is nothing to remember.
    pub(crate) fn write(&self) -> Option<String> {
        if *self == Self::default() {
            None
        } else {
            serde_json::to_string(self).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_read_back_and_a_broken_one_is_empty() {
        let mark = Mark {
            first_post: Some(7),
            stored: Some("x".to_owned()),
            is_global_pin: true,
            place: Some((7, 3)),
        };
        assert_eq!(Mark::read(mark.write().as_deref()), mark);
        assert_eq!(Mark::default().write(), None);
        assert_eq!(Mark::read(Some("{{")), Mark::default());
        assert_eq!(Mark::read(Some(r#"{"new":1}"#)), Mark::default());
    }
}
