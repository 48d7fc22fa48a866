//! Ids, which Canvas writes as numbers or as texts, sometimes both in one answer (contract canvas §1).

use serde::{Deserialize, Deserializer};

/// An id as text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Id(pub String);

impl Id {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// By number where both are numbers, which is the order of creation.
impl Ord for Id {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

impl PartialOrd for Id {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(u64),
            Text(String),
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Number(number) => Self(number.to_string()),
            Form::Text(text) => Self(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_are_the_same_id() {
        let ids: Vec<Id> = serde_json::from_str(r#"[10, "9", "17~3", 170000003828513]"#).unwrap();
        assert_eq!(ids[0], Id("10".to_owned()));
        assert!(ids[1] < ids[0]);
        assert_eq!(ids[3].as_str(), "170000003828513");
        assert!(serde_json::from_str::<Id>("{}").is_err());
    }
}
