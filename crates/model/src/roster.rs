//! The people of a course, the groups that are made of them, and what is remembered of both between two looks.
//!
//! People are named by the stable key that both systems share. Must not know how a system was asked, nor who decides.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::error::Failure;

/// What somebody does in a course. Observers and the test student take no part and have no seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Teaches.
    Teacher,
    /// Helps to teach.
    Assistant,
    /// Builds the course.
    Designer,
    /// Learns.
    Student,
}

/// One enrollment: a person in a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// The person's key.
    pub person: String,
    /// The system's id of the section.
    pub section: String,
    /// What the person does there.
    pub role: Role,
    /// Whether the person takes part now; otherwise the row is the proof that this has ended or not begun.
    pub is_active: bool,
}

/// A group that the system itself keeps within the course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CourseGroup {
    /// The system's id.
    pub id: String,
    /// Its name.
    pub title: String,
    /// The keys of its members.
    pub members: BTreeSet<String>,
}

/// Who is in a course, as one complete reading showed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roster {
    /// The name of the course.
    pub title: String,
    /// All enrollments, ended ones too.
    pub seats: Vec<Seat>,
    /// The names of the sections by id.
    pub sections: BTreeMap<String, String>,
    /// The groups within the course.
    pub groups: Vec<CourseGroup>,
    /// The course is over.
    pub is_concluded: bool,
    /// How many people have no key that the other system knows.
    pub unnamed: u64,
}

/// Which groups are made of a course's people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupKind {
    /// Everybody who takes part.
    Course,
    /// The people of one section.
    Section,
    /// Teachers, and students.
    Role,
    /// A group that Canvas keeps.
    CanvasGroup,
}

impl GroupKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Course, Self::Section, Self::Role, Self::CanvasGroup];

    /// The stable lower-case name of the configuration; also the first part of a group's key.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Course => "course",
            Self::Section => "section",
            Self::Role => "role",
            Self::CanvasGroup => "canvas_group",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What is remembered of a course's people and groups: what we set, and nothing that others did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterState {
    /// The groups that we made, by our key of them.
    #[serde(default)]
    pub groups: BTreeMap<String, RosterGroup>,
    /// The accounts of people who were looked up, by the person's key.
    #[serde(default)]
    pub people: BTreeMap<String, RosterPerson>,
    /// When the course's people were last read, in Unix milliseconds.
    #[serde(default)]
    pub read_ms: Option<i64>,
    /// How many people take part by that reading.
    #[serde(default)]
    pub active: usize,
    /// Why the last reading was not followed in full.
    #[serde(default)]
    pub failure: Option<Failure>,
}

/// A group that we made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterGroup {
    /// The forum's id of it.
    pub remote: String,
    /// Its name there.
    pub name: String,
    /// What it is called for people.
    pub title: String,
    /// A change of its members was begun and its end is not known.
    #[serde(default)]
    pub is_open: bool,
    /// When its members were last read, in Unix milliseconds.
    #[serde(default)]
    pub read_ms: Option<i64>,
    /// The members that we set, by account.
    #[serde(default)]
    pub set: BTreeMap<String, RosterMember>,
    /// Accounts that belong there and were put there by somebody else: left alone whatever comes.
    #[serde(default)]
    pub by_hand: BTreeSet<String>,
}

/// A member that we set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterMember {
    /// The person's key.
    pub person: String,
    /// Since when the person belongs there no more, in Unix milliseconds.
    #[serde(default)]
    pub gone_ms: Option<i64>,
}

/// What the forum knows of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterPerson {
    /// The forum's id of the account; `None` when there is none.
    pub account: Option<String>,
    /// When that was asked, in Unix milliseconds.
    pub asked_ms: i64,
    /// The code of why no account was made.
    #[serde(default)]
    pub refusal: Option<String>,
}

/// What is needed to make an account for somebody; never stored and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Profile {
    /// The person's key.
    pub key: String,
    /// The name that the person chose to show.
    pub name: String,
    /// The name to sign in with, when it is told.
    pub login: Option<String>,
    /// The address for mail, when it is told.
    pub email: Option<String>,
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profile")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
