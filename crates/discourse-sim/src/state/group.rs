//! Groups and memberships.

use std::collections::BTreeMap;

use serde::Serialize;

use super::category::EVERYONE;
use super::user::User;

/// One membership.
#[derive(Debug, Clone, Serialize)]
pub struct Member {
    /// The row's own id.
    pub row_id: i64,
    /// When, Unix milliseconds.
    pub added_at: i64,
    /// May manage the group.
    pub owner: bool,
}

/// One group.
#[expect(
    clippy::struct_excessive_bools,
    reason = "the flags of the forum's own row"
)]
#[derive(Debug, Clone, Serialize)]
pub struct Group {
    /// The id.
    pub id: i64,
    /// The name, unique together with usernames.
    pub name: String,
    /// The long name.
    pub full_name: Option<String>,
    /// Made by the forum itself; members follow from the users.
    pub automatic: bool,
    /// 0 public to 4 owners.
    pub visibility_level: i64,
    /// 0 public to 4 owners.
    pub members_visibility_level: i64,
    /// Who may mention it.
    pub mentionable_level: i64,
    /// Who may write to it.
    pub messageable_level: i64,
    /// Members of groups that are not automatic.
    pub members: BTreeMap<i64, Member>,
    /// The text about the group.
    pub bio: Option<String>,
    /// The title members get.
    pub title: Option<String>,
    /// Anyone may join.
    pub public_admission: bool,
    /// Anyone may leave.
    pub public_exit: bool,
    /// People may ask to join.
    pub allow_membership_requests: bool,
}

impl Group {
    /// A group without members.
    pub fn new(id: i64, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            full_name: None,
            automatic: false,
            visibility_level: 0,
            members_visibility_level: 0,
            mentionable_level: 0,
            messageable_level: 0,
            members: BTreeMap::new(),
            bio: None,
            title: None,
            public_admission: false,
            public_exit: false,
            allow_membership_requests: false,
        }
    }

    /// Whether a user belongs to it.
    pub fn has(&self, user: &User) -> bool {
        if !self.automatic {
            return self.members.contains_key(&user.id);
        }
        match self.id {
            EVERYONE => true,
            1 => user.admin,
            2 => user.moderator,
            3 => user.is_staff(),
            10..=14 => user.trust_level >= self.id - 10,
            _ => false,
        }
    }
}

/// The groups every forum has (contract section 5.4).
pub fn automatic() -> BTreeMap<i64, Group> {
    let names = [
        (EVERYONE, "everyone"),
        (1, "admins"),
        (2, "moderators"),
        (3, "staff"),
        (10, "trust_level_0"),
        (11, "trust_level_1"),
        (12, "trust_level_2"),
        (13, "trust_level_3"),
        (14, "trust_level_4"),
    ];
    names
        .into_iter()
        .map(|(id, name)| {
            let mut group = Group::new(id, name);
            group.automatic = true;
            group.visibility_level = if id == EVERYONE { 3 } else { 1 };
            (id, group)
        })
        .collect()
}
