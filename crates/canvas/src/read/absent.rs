//! Courses by their names, and what it means when a topic is not found.

use api_client::Request;
use model::{Field, Kind, Record, RemoteId, RemoteItem, Sighting, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::address::TopicId;
use crate::failure::{Reason, Trouble};
use crate::graphql::Schema;
use crate::port::Canvas;
use crate::privacy;
use crate::wire::{Course, Id, Topic};

/// What stays readable in a course's name, such as `sis_course_id:BIO-101.A`.
const NAME: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b':')
    .remove(b'_')
    .remove(b'-')
    .remove(b'.')
    .remove(b'~');

impl Canvas {
    /// The course by its id or a SIS name such as `sis_course_id:BIO101`.
    pub(crate) async fn find_course(&self, name: &str) -> Result<Option<RemoteItem>, Trouble> {
        let name = name.trim();
        if name.is_empty() {
            return Ok(None);
        }
        let path = utf8_percent_encode(name, NAME).to_string();
        let request = Request::get("course.show", format!("/api/v1/courses/{path}"));
        let course: Course = match self.api.ask(request).await {
            Ok(answer) => answer.value,
            Err(trouble) if trouble.reason == Reason::NotFound => return Ok(None),
            Err(trouble) => return Err(trouble),
        };
        let Some(id) = course.id else {
            return Err(Trouble::new(
                Reason::Unexpected,
                "Canvas answered course.show without a course.".to_owned(),
            ));
        };
        let title = course.original_name.or(course.name).unwrap_or_default();
        let record = Record::default().with(Field::Title, Value::Text(title));
        Ok(Some(RemoteItem {
            kind: Kind::Course,
            remote: RemoteId(id.0),
            container: None,
            parent: None,
            key: None,
            mark: None,
            sighting: Sighting::Present(record),
        }))
    }

    /// What a 404 means (contract canvas §14): anonymous topics are listed all the same, and absence proves a
    /// deletion
    /// only to a reader who sees everything.
    pub(super) async fn absent(
        &self,
        place: &TopicId,
        schema: &Schema,
    ) -> Result<Sighting, Trouble> {
        let facts = if schema.has_topics() {
            self.facts(place, schema).await?
        } else {
            None
        };
        let anonymous = || Sighting::Withheld(privacy::ANONYMOUS.to_owned());
        if facts
            .as_ref()
            .is_some_and(|facts| facts.anonymous_state.is_some())
        {
            return Ok(anonymous());
        }
        let listed = self.api.topics(&place.course).await?;
        let is_it = |topic: &&Topic| topic.id.as_ref().map(Id::as_str) == Some(&place.topic);
        if let Some(topic) = listed.iter().find(is_it) {
            return Ok(if topic.anonymous_state.is_some() {
                anonymous()
            } else {
                Sighting::Missing
            });
        }
        // GraphQL still shows deleted topics to those who could see them, and hides invisible ones (contract
        // canvas §13).
        let is_proved = facts.is_some() || self.sees_everything(&place.course, &listed).await?;
        Ok(if is_proved {
            Sighting::Deleted
        } else {
            Sighting::Missing
        })
    }

    /// Whether the service account sees every topic of the course: staff without a limit to a section, or an admin.
    async fn sees_everything(&self, course: &str, listed: &[Topic]) -> Result<bool, Trouble> {
        let request = Request::get("course.show", format!("/api/v1/courses/{course}"));
        let course: Course = self.api.ask(request).await?.value;
        let own = course.enrollments.unwrap_or_default();
        if own.is_empty() {
            return Ok(listed.iter().any(|topic| {
                topic
                    .permissions
                    .as_ref()
                    .is_some_and(|permissions| permissions.update == Some(true))
            }));
        }
        Ok(own.iter().any(|enrollment| {
            let kind = enrollment.kind.as_deref().unwrap_or_default();
            matches!(kind, "teacher" | "ta" | "designer")
                && enrollment.limit_privileges_to_course_section == Some(false)
        }))
    }
}
