//! People and containers: users, tokens, courses, sections, groups, enrollments, files.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "database columns")]
pub(crate) struct User {
    pub id: u64,
    pub name: String,
    pub short_name: String,
    pub sortable_name: String,
    pub login: String,
    pub email: Option<String>,
    pub sis_user_id: Option<String>,
    pub integration_id: Option<String>,
    pub uuid: String,
    pub pronouns: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
    pub is_deleted: bool,
    pub merged_into: Option<u64>,
    pub is_admin: bool,
    /// The admin may act as others (contract canvas §2.2).
    pub may_masquerade: bool,
    /// The Test Student of a course.
    pub is_fake: bool,
    /// Sort direction of discussions in GraphQL: newest first unless set.
    pub sorts_ascending: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Token {
    pub user_id: u64,
    pub expires_at: Option<i64>,
    pub is_revoked: bool,
    /// Scopes `url:METHOD|/api/v1/...` of an enforcing developer key; `None` = not enforcing.
    pub scopes: Option<Vec<String>>,
    /// The token already is a masquerade of this real user.
    pub real_user_id: Option<u64>,
    /// What refreshes it, for the OAuth routes.
    pub refresh: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "course settings")]
pub(crate) struct Course {
    pub id: u64,
    pub name: String,
    pub code: String,
    pub uuid: String,
    pub state: String,
    pub sis_course_id: Option<String>,
    pub created_at: i64,
    pub start_at: Option<i64>,
    pub updated_at: i64,
    pub allow_student_forum_attachments: bool,
    pub allow_student_discussion_editing: bool,
    pub allow_student_discussion_topics: bool,
    pub allow_student_anonymous_discussion_topics: bool,
    pub lock_all_announcements: bool,
    /// Index: enrollments of the course in id order.
    pub enrollment_ids: Vec<u64>,
    /// Index: topics of the course and its groups in id order.
    pub topic_ids: Vec<u64>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Section {
    pub id: u64,
    pub course_id: u64,
    pub name: String,
    pub sis_section_id: Option<String>,
    pub created_at: i64,
    pub is_deleted: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Enrollment {
    pub id: u64,
    pub user_id: u64,
    pub course_id: u64,
    pub section_id: u64,
    /// `StudentEnrollment`, `TeacherEnrollment`, ...
    pub kind: String,
    /// `active`, `invited`, `inactive`, `completed`, `deleted`.
    pub state: String,
    pub is_limited: bool,
    /// Whom an observer watches.
    pub associated_user_id: Option<u64>,
    pub created_at: i64,
    pub updated_at: i64,
    pub last_activity_at: Option<i64>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GroupCategory {
    pub id: u64,
    pub course_id: u64,
    pub name: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Group {
    pub id: u64,
    pub category_id: u64,
    pub course_id: u64,
    pub name: String,
    pub created_at: i64,
    pub member_ids: Vec<u64>,
    pub is_deleted: bool,
}

/// Whose files a file lies among.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FileOwner {
    User(u64),
    Course(u64),
    Group(u64),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredFile {
    pub id: u64,
    pub owner: FileOwner,
    pub folder: String,
    pub display_name: String,
    pub filename: String,
    pub content_type: String,
    pub uuid: String,
    #[serde(with = "base64_bytes")]
    pub bytes: Vec<u8>,
    pub user_id: u64,
    pub created_at: i64,
    pub updated_at: i64,
    /// Step 1 done, step 2 not.
    pub is_pending: bool,
    /// Step 3 done (`create_success` answers 400 the second time).
    pub is_finished: bool,
    pub is_deleted: bool,
    /// Newer file that replaced this one (on_duplicate=overwrite).
    pub replaced_by: Option<u64>,
    /// Size promised in step 1, bytes.
    pub promised_size: u64,
    /// Last moment at which step 2 is accepted, Unix milliseconds.
    pub upload_until: i64,
}

mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(d)?;
        STANDARD.decode(text).map_err(serde::de::Error::custom)
    }
}
