//! The note that goes out with each item and comes back with the next write: what a write needs and a record does not
//! have.

use serde::{Deserialize, Serialize};

/// The note; short names, because it is stored with every replica.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// Posted by the service account for this person: an edit keeps the attribution.
    #[serde(rename = "by", default, skip_serializing_if = "Option::is_none")]
    pub attributed_to: Option<String>,
    /// The file of an entry, which a PUT would drop (contract canvas §8 rule 7).
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The entry it quotes, which an update of a reply would clear (contract canvas §17).
    #[serde(rename = "q", default, skip_serializing_if = "Option::is_none")]
    pub quoted: Option<String>,
    /// The key that the hidden span has: an edit carries it along.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Mark {
    /// Reads a note; `None` when there is none or it is of another version, so that the item must be looked at.
    pub(crate) fn read(text: Option<&str>) -> Option<Self> {
        serde_json::from_str(text?).ok()
    }

    /// Writes the note, also an empty one: it says that there is nothing to mind.
    pub(crate) fn write(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_read_back_and_none_is_not_an_empty_one() {
        let mark = Mark {
            attributed_to: Some("Ann".to_owned()),
            file: Some("5".to_owned()),
            quoted: None,
            key: Some("ap-x".to_owned()),
        };
        assert_eq!(Mark::read(mark.write().as_deref()), Some(mark));
        assert_eq!(Mark::read(Some("{}")), Some(Mark::default()));
        assert_eq!(Mark::read(None), None);
        assert_eq!(Mark::read(Some("{{")), None);
    }
}
