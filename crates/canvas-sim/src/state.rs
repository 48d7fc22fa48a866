//! Everything the simulated Canvas stores. Plain data, no rules and no HTTP.
//! It is written whole to a snapshot, so every field must serialise.

pub(crate) mod person;
pub(crate) mod thread;

use person::{Course, Enrollment, Group, GroupCategory, Section, StoredFile, Token, User};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use thread::{Assignment, Entry, Submission, Topic};

/// Global ids are `SHARD * 10^13 + local id`.
pub(crate) const SHARD: u64 = 10_000_000_000_000;

/// The last id given per kind.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LastIds {
    pub topic: u64,
    pub entry: u64,
    pub file: u64,
    pub user: u64,
    pub course: u64,
    pub section: u64,
    pub enrollment: u64,
    pub group: u64,
    pub group_category: u64,
    pub assignment: u64,
    pub submission: u64,
    pub report: u64,
    /// Drives uuids, verifiers and request ids.
    pub random: u64,
}

/// The database.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Data {
    pub last: LastIds,
    pub users: BTreeMap<u64, User>,
    pub tokens: BTreeMap<String, Token>,
    pub courses: BTreeMap<u64, Course>,
    pub sections: BTreeMap<u64, Section>,
    pub enrollments: BTreeMap<u64, Enrollment>,
    pub group_categories: BTreeMap<u64, GroupCategory>,
    pub groups: BTreeMap<u64, Group>,
    pub topics: BTreeMap<u64, Topic>,
    pub entries: BTreeMap<u64, Entry>,
    pub files: BTreeMap<u64, StoredFile>,
    pub assignments: BTreeMap<u64, Assignment>,
    pub submissions: BTreeMap<u64, Submission>,
    /// Delayed posts that have still to fire: (time, topic).
    pub delayed: BTreeSet<(i64, u64)>,
}

/// Gives the next id of a counter.
pub(crate) fn next(counter: &mut u64) -> u64 {
    *counter = counter.saturating_add(1);
    *counter
}

impl Data {
    /// A deterministic random number (SplitMix64).
    pub(crate) fn random(&mut self) -> u64 {
        self.last.random = self.last.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.last.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub(crate) fn pick(&mut self, limit: u64) -> u64 {
        self.random().checked_rem(limit).unwrap_or(0)
    }

    /// Forty letters and digits, the form of Canvas uuids and verifiers.
    pub(crate) fn uuid(&mut self) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        (0..40)
            .map(|_| {
                let at = usize::try_from(self.pick(62)).unwrap_or(0);
                LETTERS.get(at).copied().map_or('x', char::from)
            })
            .collect()
    }

    /// The enrollments of a user in a course, deleted ones excluded.
    pub(crate) fn enrollments_of(
        &self,
        user_id: u64,
        course_id: u64,
    ) -> impl Iterator<Item = &Enrollment> {
        let ids = self
            .courses
            .get(&course_id)
            .map_or(&[][..], |c| c.enrollment_ids.as_slice());
        ids.iter()
            .filter_map(|id| self.enrollments.get(id))
            .filter(move |e| e.user_id == user_id && e.state != "deleted")
    }

    /// The enrollments of a course in id order, deleted ones included.
    pub(crate) fn enrollments_in(&self, course_id: u64) -> impl Iterator<Item = &Enrollment> {
        let ids = self
            .courses
            .get(&course_id)
            .map_or(&[][..], |c| c.enrollment_ids.as_slice());
        ids.iter().filter_map(|id| self.enrollments.get(id))
    }

    /// The entries of a topic in id order, deleted ones included.
    pub(crate) fn entries_in<'a>(
        &'a self,
        topic: &'a Topic,
    ) -> impl DoubleEndedIterator<Item = &'a Entry> {
        topic.entry_ids.iter().filter_map(|id| self.entries.get(id))
    }

    /// The living groups of a category in id order.
    pub(crate) fn groups_in(&self, category_id: u64) -> impl Iterator<Item = &Group> {
        self.groups
            .values()
            .filter(move |g| g.category_id == category_id && !g.is_deleted)
    }

    /// Finds a user by a column that a `sis_*` path names; logins ignore case.
    pub(crate) fn user_by(&self, matches: impl Fn(&User) -> bool) -> Option<u64> {
        self.users
            .values()
            .find(|u| !u.is_deleted && matches(u))
            .map(|u| u.id)
    }
}
