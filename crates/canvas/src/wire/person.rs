//! Users, courses and enrollments (contract canvas §6.4, §6.5).

use serde::Deserialize;

use super::Id;

/// A user, as a person or as the display form beside a text; an empty object for nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct User {
    pub id: Option<Id>,
    pub name: Option<String>,
    pub short_name: Option<String>,
    pub display_name: Option<String>,
    pub sis_user_id: Option<String>,
    pub login_id: Option<String>,
    /// Shown to readers with the right to it; never kept.
    pub email: Option<String>,
    /// The groups of the course that the user is in, where asked for (contract canvas §9).
    pub group_ids: Option<Vec<Id>>,
    pub fake_student: Option<bool>,
}

impl User {
    /// The name that the person chose to show (contract canvas §15.12).
    pub(crate) fn shown_name(&self) -> &str {
        [&self.display_name, &self.short_name, &self.name]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .next()
            .unwrap_or_default()
    }
}

/// A course.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Course {
    pub id: Option<Id>,
    pub name: Option<String>,
    /// The course's own name, when `name` is the reader's nickname for it.
    pub original_name: Option<String>,
    pub workflow_state: Option<String>,
    pub is_public: Option<bool>,
    pub is_public_to_auth_users: Option<bool>,
    /// The caller's own enrollments.
    pub enrollments: Option<Vec<Enrollment>>,
}

/// A person's place in a course.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Enrollment {
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub user_id: Option<Id>,
    pub course_section_id: Option<Id>,
    pub user: Option<User>,
    #[serde(rename = "enrollment_state")]
    pub state: Option<String>,
    pub limit_privileges_to_course_section: Option<bool>,
}

/// A part of a course, or a group in it: both are a name under an id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Part {
    pub id: Option<Id>,
    pub name: Option<String>,
}
