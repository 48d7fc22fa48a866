//! Our names for Canvas's things: `course`, `course/topic`, `course/topic/entry`.

use connector::Result;
use model::RemoteId;

use crate::failure;

/// A topic's course and id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicName {
    pub(crate) course: String,
    pub(crate) topic: String,
}

impl TopicName {
    /// Reads the name of a topic, or of the topic of an entry.
    pub(crate) fn parse(remote: &RemoteId) -> Result<Self> {
        let mut parts = remote.as_str().split('/');
        match (parts.next(), parts.next()) {
            (Some(course), Some(topic)) if !course.is_empty() && !topic.is_empty() => Ok(Self {
                course: course.to_owned(),
                topic: topic.to_owned(),
            }),
            _ => Err(failure::bug(&format!("`{remote}` names no topic"))),
        }
    }

    /// The topic's REST path.
    pub(crate) fn path(&self) -> String {
        format!(
            "/api/v1/courses/{}/discussion_topics/{}",
            self.course, self.topic
        )
    }

    /// Our name of the topic.
    pub(crate) fn remote(&self) -> RemoteId {
        RemoteId(format!("{}/{}", self.course, self.topic))
    }

    /// Our name of one of its entries.
    pub(crate) fn entry(&self, entry: &str) -> RemoteId {
        RemoteId(format!("{}/{}/{entry}", self.course, self.topic))
    }
}

/// The bare id of an entry.
pub(crate) fn entry_id(remote: &RemoteId) -> Result<&str> {
    remote
        .as_str()
        .splitn(3, '/')
        .nth(2)
        .filter(|id| !id.is_empty())
        .ok_or_else(|| failure::bug(&format!("`{remote}` names no entry")))
}
