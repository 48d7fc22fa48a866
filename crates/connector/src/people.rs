//! What a system must be able to do about the people of a course, where it can.
//!
//! Two halves: the one that knows who is enrolled, and the one that has accounts and groups. Must not know who decides.

use std::collections::BTreeSet;

use async_trait::async_trait;
use model::{Class, Failure, Profile, RemoteId, Roster};

use crate::port::{Error, Result};

/// The side that knows who is in a course.
#[async_trait]
pub trait Registry: Send + Sync {
    /// Everybody in a course, with those who left it. Fails rather than to give less than all.
    async fn roster(&self, course: &RemoteId) -> Result<Roster>;

    /// What is needed to make accounts for these people of a course; whoever is not found is left out.
    async fn profiles(&self, course: &RemoteId, people: &BTreeSet<String>) -> Result<Vec<Profile>>;
}

/// A group of the forum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The forum's id.
    pub remote: String,
    /// Its name.
    pub name: String,
    /// The mark of whoever made it, when it has one of ours.
    pub mark: Option<String>,
}

/// A change of a group's members, at most [`MEMBERS_MAX`] of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberChange<'a> {
    /// The group.
    pub group: &'a Group,
    /// The accounts that come in or go out.
    pub accounts: &'a [String],
    /// Whether they come in.
    pub is_add: bool,
}

/// The most accounts of one [`MemberChange`] (contract discourse §8.2).
pub const MEMBERS_MAX: usize = 1_000;

/// The side that has accounts and groups.
#[async_trait]
pub trait Directory: Send + Sync {
    /// The account of a person by the stable key; `None` when there is none.
    async fn account(&self, key: &str) -> Result<Option<String>>;

    /// The group with a name.
    async fn group(&self, name: &str) -> Result<Option<Group>>;

    /// Makes a group that nobody can join or mention and whose members are not shown, under a mark of ours.
    async fn create_group(&self, name: &str, title: &str, mark: &str) -> Result<Group>;

    /// The accounts in a group.
    async fn members(&self, group: &Group) -> Result<BTreeSet<String>>;

    /// Puts accounts into a group or takes them out; nothing happens to those who are in or out already.
    async fn change_members(&self, change: &MemberChange<'_>) -> Result<()>;

    /// Makes an account for a person who has none, or finds the one that this call made before.
    ///
    /// Never takes over an account that has the person's address and not the person's key: then it fails with
    /// `permission`.
    async fn provision(&self, profile: &Profile) -> Result<String>;

    /// Lets a group read and write in a category that only some may read; whether that was to be changed.
    async fn grant(&self, category: &RemoteId, group: &str) -> Result<bool>;
}

/// The failure of a write in a preview.
pub(crate) fn preview(what: &str) -> Error {
    Error(Failure::new(
        "SYNC-5001",
        Class::Guard,
        format!("A preview does not {what}."),
        "Apply the plan to write.",
    ))
}
