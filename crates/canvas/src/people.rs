//! What must be known of a course's people besides their ids: who is the Test Student, and SIS ids.
//!
//! A memory that only spares calls: it is asked again whenever an unknown person appears.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use crate::api::Api;
use crate::failure::{Reason, Trouble};
use crate::settings::PersonKey;
use crate::wire::{Enrollment, User};

/// One course's people as far as they are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Members {
    /// Everybody who was there at the last look.
    known: BTreeSet<String>,
    tests: BTreeSet<String>,
    sis: BTreeMap<String, String>,
}

/// The people of all courses.
#[derive(Debug, Default)]
pub(crate) struct People {
    courses: Mutex<BTreeMap<String, Members>>,
}

impl Members {
    /// The key that both systems share; `None` for a person without one.
    pub(crate) fn key(&self, kind: PersonKey, user: &str) -> Option<String> {
        match kind {
            PersonKey::CanvasId => Some(user.to_owned()),
            PersonKey::SisId => self.sis.get(user).cloned(),
        }
    }

    pub(crate) fn is_test(&self, user: &str) -> bool {
        self.tests.contains(user)
    }
}

impl People {
    /// The course's people, asked anew when one of `users` is not known yet. `needs_tests` is false where the texts
    /// themselves say who is the Test Student.
    pub(crate) async fn members(
        &self,
        api: &Api,
        course: &str,
        users: &BTreeSet<String>,
        needs_tests: bool,
    ) -> Result<Members, Trouble> {
        let needs_sis = api.person_key == PersonKey::SisId;
        let old = self.of(course);
        if !(needs_tests || needs_sis) || users.is_subset(&old.known) {
            return Ok(old);
        }
        let mut members = old;
        if needs_tests {
            members.tests = tests(api, course).await?;
        }
        if needs_sis {
            members.sis.extend(sis_ids(api, course).await?);
        }
        members.known.extend(users.iter().cloned());
        self.lock().insert(course.to_owned(), members.clone());
        Ok(members)
    }

    fn of(&self, course: &str) -> Members {
        self.lock().get(course).cloned().unwrap_or_default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Members>> {
        self.courses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The Test Student has an enrollment type of its own (contract canvas §6.4). A reader without the right to list
/// people
/// cannot know.
async fn tests(api: &Api, course: &str) -> Result<BTreeSet<String>, Trouble> {
    let path = format!("/api/v1/courses/{course}/enrollments");
    let query = [("type[]", "StudentViewEnrollment")];
    match api
        .list::<Enrollment>("course.test_students", &path, &query)
        .await
    {
        Ok(rows) => Ok(rows
            .into_iter()
            .filter(|row| row.kind.as_deref() == Some("StudentViewEnrollment"))
            .filter_map(|row| row.user_id.map(|id| id.0))
            .collect()),
        Err(trouble) if trouble.reason == Reason::NotPermitted => Ok(BTreeSet::new()),
        Err(trouble) => Err(trouble),
    }
}

pub(crate) async fn sis_ids(api: &Api, course: &str) -> Result<BTreeMap<String, String>, Trouble> {
    let path = format!("/api/v1/courses/{course}/users");
    let query = [
        ("enrollment_state[]", "active"),
        ("enrollment_state[]", "invited"),
        ("enrollment_state[]", "completed"),
        ("enrollment_state[]", "inactive"),
    ];
    let users = api.list::<User>("course.users", &path, &query).await?;
    Ok(users
        .into_iter()
        .filter_map(|user| Some((user.id?.0, user.sis_user_id?)))
        .collect())
}
