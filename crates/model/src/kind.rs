//! The systems that take part and the kinds of things that are kept in step.

use serde::{Deserialize, Serialize};

/// An actor in a version vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum System {
    /// The Canvas LMS of this deployment.
    Canvas,
    /// The Discourse forum of this deployment.
    Discourse,
    /// The local database.
    Local,
}

impl System {
    /// All systems, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Canvas, Self::Discourse, Self::Local];
    /// The two systems that are reached over the network.
    pub const REMOTE: [Self; 2] = [Self::Canvas, Self::Discourse];

    /// The stable lower-case name used in the database, CLI and API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Canvas => "canvas",
            Self::Discourse => "discourse",
            Self::Local => "local",
        }
    }

    /// The product's name as people write it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Canvas => "Canvas",
            Self::Discourse => "Discourse",
            Self::Local => "the local database",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|system| system.as_str() == text)
    }
}

impl std::fmt::Display for System {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What sort of thing an entity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A Canvas course and its Discourse category.
    Course,
    /// A section of a course.
    Section,
    /// A user account.
    Person,
    /// A person's membership in a course.
    Enrollment,
    /// A group of people.
    Group,
    /// A discussion or announcement and its Discourse topic with the first post.
    Topic,
    /// A Canvas entry and a Discourse reply.
    Post,
    /// A file.
    Attachment,
    /// One person's like of one post.
    Like,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Course,
        Self::Section,
        Self::Person,
        Self::Enrollment,
        Self::Group,
        Self::Topic,
        Self::Post,
        Self::Attachment,
        Self::Like,
    ];

    /// The stable lower-case name used in the database, CLI and API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Course => "course",
            Self::Section => "section",
            Self::Person => "person",
            Self::Enrollment => "enrollment",
            Self::Group => "group",
            Self::Topic => "topic",
            Self::Post => "post",
            Self::Attachment => "attachment",
            Self::Like => "like",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for system in System::ALL {
            assert_eq!(System::parse(system.as_str()), Some(system));
        }
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(System::parse("Canvas"), None);
    }
}
