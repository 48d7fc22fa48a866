//! Remote ids: `course`, `course/topic` and `course/topic/entry`. Opaque to everyone outside this crate.

use model::RemoteId;

use crate::failure::{Reason, Trouble};

/// Global ids are shard times this number plus the local id (contract canvas §1).
const SHARD: u64 = 10_000_000_000_000;

/// Where a topic is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicId {
    pub course: String,
    pub topic: String,
}

/// Where an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntryId {
    pub topic: TopicId,
    pub entry: String,
}

impl TopicId {
    pub(crate) fn read(remote: &RemoteId) -> Result<Self, Trouble> {
        match parts(remote).as_slice() {
            [course, topic] => Ok(Self {
                course: (*course).to_owned(),
                topic: (*topic).to_owned(),
            }),
            _ => Err(wrong(remote, "topic")),
        }
    }

    pub(crate) fn remote(&self) -> RemoteId {
        RemoteId(format!("{}/{}", self.course, self.topic))
    }

    pub(crate) fn entry(&self, entry: &str) -> RemoteId {
        RemoteId(format!("{}/{}/{entry}", self.course, self.topic))
    }

    /// The path of the topic's page.
    pub(crate) fn page(&self) -> String {
        format!("/courses/{}/discussion_topics/{}", self.course, self.topic)
    }

    /// The REST path of the topic.
    pub(crate) fn path(&self) -> String {
        format!(
            "/api/v1/courses/{}/discussion_topics/{}",
            self.course, self.topic
        )
    }
}

impl EntryId {
    pub(crate) fn read(remote: &RemoteId) -> Result<Self, Trouble> {
        match parts(remote).as_slice() {
            [course, topic, entry] => Ok(Self {
                topic: TopicId {
                    course: (*course).to_owned(),
                    topic: (*topic).to_owned(),
                },
                entry: (*entry).to_owned(),
            }),
            _ => Err(wrong(remote, "entry")),
        }
    }
}

/// The course's id.
pub(crate) fn course(remote: &RemoteId) -> Result<String, Trouble> {
    match parts(remote).as_slice() {
        [course] => Ok((*course).to_owned()),
        _ => Err(wrong(remote, "course")),
    }
}

/// Whether a text is a Canvas id: digits, or `shard~local` (contract canvas §1).
pub(crate) fn is_id(text: &str) -> bool {
    let is_number = |part: &str| {
        !part.is_empty() && part.len() <= 20 && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    match text.split_once('~') {
        Some((shard, local)) => is_number(shard) && is_number(local),
        None => is_number(text),
    }
}

/// The id as the server's own shard names it; Live Events mix both forms (contract canvas §16.3).
pub(crate) fn local(id: &str) -> Option<String> {
    let number: u64 = match id.split_once('~') {
        Some((_, local)) => local.parse().ok()?,
        None => id.parse().ok()?,
    };
    Some((number % SHARD).to_string())
}

/// The valid parts of an id; empty when one is not valid, so that nothing matches.
fn parts(remote: &RemoteId) -> Vec<&str> {
    let parts: Vec<&str> = remote.as_str().split('/').collect();
    if parts.iter().all(|part| is_id(part)) {
        parts
    } else {
        Vec::new()
    }
}

fn wrong(remote: &RemoteId, kind: &str) -> Trouble {
    Trouble::new(
        Reason::WrongId,
        format!("\"{remote}\" is not the id of a Canvas {kind}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_and_others_are_refused() {
        let topic = TopicId::read(&RemoteId::from("1/7")).unwrap();
        assert_eq!(topic.remote(), RemoteId::from("1/7"));
        let entry = EntryId::read(&topic.entry("70")).unwrap();
        assert_eq!((entry.topic, entry.entry.as_str()), (topic, "70"));
        assert_eq!(course(&RemoteId::from("17~3")).unwrap(), "17~3");
        for text in [
            "", "1", "1/", "1/x", "1/2/3", "1/../2", "1/-2", "1/2?a=1", " 1/2",
        ] {
            assert!(TopicId::read(&RemoteId::from(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn global_ids_become_local() {
        assert_eq!(local("21070000000066871").as_deref(), Some("66871"));
        assert_eq!(local("17~3828513").as_deref(), Some("3828513"));
        assert_eq!(local("42").as_deref(), Some("42"));
        assert_eq!(local("x"), None);
    }
}
