//! Who is in a course, section by section and group by group (contract canvas §6.4, §9).
//!
//! Costs one call for the course, one per hundred sections, groups and enrollments. Must not know what groups are made
//! of it on the other side.

use std::collections::{BTreeMap, BTreeSet};

use ::connector::{Registry, Result};
use api_client::Request;
use async_trait::async_trait;
use model::{CourseGroup, Profile, RemoteId, Role, Roster, Seat};

use crate::address;
use crate::failure::Trouble;
use crate::people;
use crate::port::Canvas;
use crate::settings::PersonKey;
use crate::wire::{Course, Enrollment, Id, Part, User};

/// All states: those that are over are the proof that somebody left.
const STATES: [(&str, &str); 8] = [
    ("state[]", "active"),
    ("state[]", "invited"),
    ("state[]", "creation_pending"),
    ("state[]", "inactive"),
    ("state[]", "completed"),
    ("state[]", "rejected"),
    ("state[]", "deleted"),
    ("include[]", "group_ids"),
];

#[async_trait]
impl Registry for Canvas {
    async fn roster(&self, course: &RemoteId) -> Result<Roster> {
        Ok(self.read_roster(&address::course(course)?).await?)
    }

    async fn profiles(&self, course: &RemoteId, people: &BTreeSet<String>) -> Result<Vec<Profile>> {
        let course = address::course(course)?;
        Ok(self.read_profiles(&course, people).await?)
    }
}

impl Canvas {
    async fn read_roster(&self, course: &str) -> std::result::Result<Roster, Trouble> {
        let path = format!("/api/v1/courses/{course}");
        let request = Request::get("course.show", &path);
        let found: Course = self.api.ask(request).await?.value;
        let parts = |name: &'static str, what: &str| {
            let path = format!("{path}/{what}");
            async move { self.api.list::<Part>(name, &path, &[]).await }
        };
        let sections = parts("course.sections", "sections").await?;
        let groups = parts("course.groups", "groups").await?;
        let rows: Vec<Enrollment> = self
            .api
            .list(
                "course.enrollments",
                &format!("{path}/enrollments"),
                &STATES,
            )
            .await?;
        let sis = match self.api.person_key {
            PersonKey::CanvasId => BTreeMap::new(),
            PersonKey::SisId => people::sis_ids(&self.api, course).await?,
        };
        let service = self.probed().await?.user.clone();
        let key = |user: &str| match self.api.person_key {
            PersonKey::CanvasId => Some(user.to_owned()),
            PersonKey::SisId => sis.get(user).cloned(),
        };
        let is_concluded = found.workflow_state.as_deref() == Some("completed");
        Ok(Roster {
            title: found.original_name.or(found.name).unwrap_or_default(),
            sections: named(sections).into_iter().collect(),
            groups: of_groups(named(groups), &rows, &key),
            is_concluded,
            ..of_rows(&rows, &service, &key)
        })
    }

    /// Names and addresses, of the few people who need an account.
    async fn read_profiles(
        &self,
        course: &str,
        people: &BTreeSet<String>,
    ) -> std::result::Result<Vec<Profile>, Trouble> {
        let path = format!("/api/v1/courses/{course}/users");
        let mut query = vec![
            ("include[]", "email"),
            ("enrollment_state[]", "active"),
            ("enrollment_state[]", "invited"),
        ];
        // An address line of a few thousand letters is taken; more people are read with the whole course.
        if self.api.person_key == PersonKey::CanvasId && people.len() <= 50 {
            query.extend(people.iter().map(|key| ("user_ids[]", key.as_str())));
        }
        let users: Vec<User> = self.api.list("course.profiles", &path, &query).await?;
        let profiles = users.into_iter().filter_map(|user| {
            let key = match self.api.person_key {
                PersonKey::CanvasId => user.id.as_ref().map(|id| id.0.clone()),
                PersonKey::SisId => user.sis_user_id.clone(),
            }?;
            people.contains(&key).then(|| Profile {
                name: user.shown_name().to_owned(),
                login: user.login_id.clone(),
                email: user.email.clone(),
                key,
            })
        });
        Ok(profiles.collect())
    }
}

fn named(parts: Vec<Part>) -> Vec<(String, String)> {
    let named = parts
        .into_iter()
        .filter_map(|part| Some((part.id?.0, part.name.unwrap_or_default())));
    named.collect()
}

fn role(kind: &str) -> Option<Role> {
    Some(match kind {
        "TeacherEnrollment" => Role::Teacher,
        "TaEnrollment" => Role::Assistant,
        "DesignerEnrollment" => Role::Designer,
        "StudentEnrollment" => Role::Student,
        // Observers, the test student, and what we do not know take no part (contract canvas §15.10).
        _ => return None,
    })
}

fn of_rows(rows: &[Enrollment], service: &str, key: &dyn Fn(&str) -> Option<String>) -> Roster {
    let mut roster = Roster::default();
    let mut unnamed = BTreeSet::new();
    for row in rows {
        let (Some(user), Some(section), Some(role)) = (
            row.user_id.as_ref().map(Id::as_str),
            row.course_section_id.as_ref(),
            role(row.kind.as_deref().unwrap_or_default()),
        ) else {
            continue;
        };
        if user == service {
            continue;
        }
        // Whoever is invited reads the course after a click: `audience` counts them as members too.
        let is_active = matches!(row.state.as_deref(), Some("active" | "invited"));
        match key(user) {
            Some(person) => roster.seats.push(Seat {
                person,
                section: section.0.clone(),
                role,
                is_active,
            }),
            None if is_active => {
                unnamed.insert(user);
            }
            None => {}
        }
    }
    roster.unnamed = u64::try_from(unnamed.len()).unwrap_or(u64::MAX);
    roster
}

fn of_groups(
    groups: Vec<(String, String)>,
    rows: &[Enrollment],
    key: &dyn Fn(&str) -> Option<String>,
) -> Vec<CourseGroup> {
    let mut members: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        let ids = row.user.as_ref().and_then(|user| user.group_ids.as_ref());
        let person = row.user_id.as_ref().and_then(|user| key(user.as_str()));
        for id in ids.into_iter().flatten() {
            members
                .entry(id.as_str())
                .or_default()
                .extend(person.clone());
        }
    }
    let groups = groups.into_iter().map(|(id, title)| CourseGroup {
        members: members.get(id.as_str()).cloned().unwrap_or_default(),
        id,
        title,
    });
    groups.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_have_section_role_and_state() {
        let rows: Vec<Enrollment> = serde_json::from_str(
            r#"[
            {"user_id":1,"course_section_id":4,"type":"TeacherEnrollment","enrollment_state":"active"},
            {"user_id":2,"course_section_id":4,"type":"StudentEnrollment","enrollment_state":"active",
             "user":{"id":2,"group_ids":[9]}},
            {"user_id":2,"course_section_id":5,"type":"StudentEnrollment","enrollment_state":"deleted"},
            {"user_id":3,"course_section_id":4,"type":"ObserverEnrollment","enrollment_state":"active"},
            {"user_id":4,"course_section_id":4,"type":"StudentViewEnrollment","enrollment_state":"active"},
            {"user_id":6,"course_section_id":4,"type":"StudentEnrollment","enrollment_state":"invited"},
            {"user_id":99,"course_section_id":4,"type":"StudentEnrollment","enrollment_state":"active"}]"#,
        )
        .unwrap();
        let key = |user: &str| (user != "99").then(|| format!("k{user}"));
        let roster = of_rows(&rows, "1", &key);
        let told: Vec<(&str, &str, Role, bool)> = roster
            .seats
            .iter()
            .map(|seat| {
                (
                    seat.person.as_str(),
                    seat.section.as_str(),
                    seat.role,
                    seat.is_active,
                )
            })
            .collect();
        let expected = [
            ("k2", "4", Role::Student, true),
            ("k2", "5", Role::Student, false),
            ("k6", "4", Role::Student, true),
        ];
        assert_eq!(told, expected);
        assert_eq!(roster.unnamed, 1);
        let groups = of_groups(vec![("9".to_owned(), "Lab".to_owned())], &rows, &key);
        assert_eq!(groups[0].members, ["k2".to_owned()].into());
    }

    #[test]
    fn a_profile_hides_what_it_holds() {
        let profile = Profile {
            key: "7".to_owned(),
            name: "Ada".to_owned(),
            login: None,
            email: Some("ada@example.edu".to_owned()),
        };
        assert!(!format!("{profile:?}").contains("ada@"));
    }
}
