//! Who can read a course's discussions (contract canvas §6.4, §9, §15.10): its enrollments.
//!
//! Costs one call for the course and one per hundred enrollments. Must not know who reads the other side.

use std::collections::{BTreeMap, BTreeSet};

use api_client::Request;
use model::{Audience, RemoteId};

use crate::address;
use crate::failure::Trouble;
use crate::people;
use crate::port::Canvas;
use crate::settings::PersonKey;
use crate::wire::{Course, Enrollment, Id};

/// The states in which somebody reads, may read after accepting, or may still read what is over.
const STATES: [(&str, &str); 3] = [
    ("state[]", "active"),
    ("state[]", "invited"),
    ("state[]", "completed"),
];

impl Canvas {
    /// The course's readers. Canvas hides its courses from nobody whom they list, so of `asked` none is named.
    pub(crate) async fn read_audience(
        &self,
        course: &RemoteId,
        _asked: &BTreeSet<String>,
    ) -> Result<Audience, Trouble> {
        let course = address::course(course)?;
        let path = format!("/api/v1/courses/{course}");
        let found: Course = self
            .api
            .ask(Request::get("course.show", &path))
            .await?
            .value;
        let path = format!("{path}/enrollments");
        let rows: Vec<Enrollment> = self.api.list("course.enrollments", &path, &STATES).await?;
        let sis = match self.api.person_key {
            PersonKey::CanvasId => BTreeMap::new(),
            PersonKey::SisId => people::sis_ids(&self.api, &course).await?,
        };
        let service = self.probed().await?.user.clone();
        let key = |user: &str| match self.api.person_key {
            PersonKey::CanvasId => Some(user.to_owned()),
            PersonKey::SisId => sis.get(user).cloned(),
        };
        let is_public =
            found.is_public == Some(true) || found.is_public_to_auth_users == Some(true);
        Ok(Audience {
            may_be_open: is_public,
            is_concluded: found.workflow_state.as_deref() == Some("completed"),
            ..of_rows(&rows, &service, &key)
        })
    }
}

/// What the enrollments say; the service's own account is nobody's reader.
fn of_rows(rows: &[Enrollment], service: &str, key: &dyn Fn(&str) -> Option<String>) -> Audience {
    let mut audience = Audience::default();
    let mut unnamed = BTreeSet::new();
    for row in rows {
        let kind = row.kind.as_deref().unwrap_or_default();
        let Some(user) = row.user_id.as_ref().map(Id::as_str) else {
            continue;
        };
        if user == service || kind == "StudentViewEnrollment" {
            continue;
        }
        let Some(key) = key(user) else {
            unnamed.insert(user.to_owned());
            continue;
        };
        // An enrollment in an unknown state counts as one that may still read.
        match row.state.as_deref() {
            Some("active" | "invited") if kind == "ObserverEnrollment" => {
                audience.observers.insert(key);
            }
            Some("active" | "invited") => {
                audience.members.insert(key);
            }
            _ => {
                audience.former.insert(key);
            }
        }
    }
    audience.unnamed = u64::try_from(unnamed.len()).unwrap_or(u64::MAX);
    audience
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_states_are_told_apart() {
        let rows: Vec<Enrollment> = serde_json::from_str(
            r#"[
            {"user_id":1,"type":"TeacherEnrollment","enrollment_state":"active"},
            {"user_id":2,"type":"TeacherEnrollment","enrollment_state":"active"},
            {"user_id":3,"type":"StudentEnrollment","enrollment_state":"invited"},
            {"user_id":4,"type":"ObserverEnrollment","enrollment_state":"active"},
            {"user_id":5,"type":"StudentEnrollment","enrollment_state":"completed"},
            {"user_id":6,"type":"StudentViewEnrollment","enrollment_state":"active"},
            {"user_id":3,"type":"StudentEnrollment","enrollment_state":"completed"},
            {"user_id":99,"type":"StudentEnrollment","enrollment_state":"active"}]"#,
        )
        .unwrap();
        let key = |user: &str| (user != "99").then(|| user.to_owned());
        let audience = of_rows(&rows, "1", &key);
        let set = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        assert_eq!(audience.members, set(&["2", "3"]));
        assert_eq!(audience.observers, set(&["4"]));
        assert_eq!(audience.former, set(&["5", "3"]));
        assert_eq!(audience.unnamed, 1);
        assert!(!audience.is_open && !audience.may_be_open);
    }
}
