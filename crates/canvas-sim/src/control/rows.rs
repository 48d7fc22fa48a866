//! Putting rows straight into the database: people, courses, tokens. No rules apply.

use super::{Sim, ok, refused};
use crate::state::Data;
use crate::state::person::{Course, Enrollment, Group, GroupCategory, Section, Token, User};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Rows to be added or replaced, by id.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Rows {
    users: Vec<User>,
    courses: Vec<Course>,
    sections: Vec<Section>,
    enrollments: Vec<Enrollment>,
    group_categories: Vec<GroupCategory>,
    groups: Vec<Group>,
    tokens: BTreeMap<String, Token>,
    /// Last ids given: the next object gets the next number.
    last: BTreeMap<String, u64>,
    /// Empty everything first.
    clear: bool,
}

/// Writes the indexes and counters anew.
pub(crate) fn reindex(data: &mut Data) {
    let top = |ids: Option<&u64>, last: u64| ids.copied().unwrap_or(0).max(last);
    data.last.user = top(data.users.keys().next_back(), data.last.user);
    data.last.course = top(data.courses.keys().next_back(), data.last.course);
    data.last.section = top(data.sections.keys().next_back(), data.last.section);
    data.last.enrollment = top(data.enrollments.keys().next_back(), data.last.enrollment);
    data.last.group = top(data.groups.keys().next_back(), data.last.group);
    data.last.group_category = top(
        data.group_categories.keys().next_back(),
        data.last.group_category,
    );
    for course in data.courses.values_mut() {
        course.enrollment_ids = data
            .enrollments
            .values()
            .filter(|e| e.course_id == course.id)
            .map(|e| e.id)
            .collect();
        course.topic_ids = data
            .topics
            .values()
            .filter(|t| t.course_id == course.id)
            .map(|t| t.id)
            .collect();
    }
}

/// `POST /_sim/rows`.
pub(super) async fn upsert(State(shared): Sim, Json(body): Json<Value>) -> Response {
    let rows: Rows = match serde_json::from_value(body) {
        Ok(rows) => rows,
        Err(error) => return refused(error),
    };
    let mut world = shared.world();
    if rows.clear {
        let random = world.data.last.random;
        world.data = Data::default();
        world.data.last.random = random;
    }
    let data = &mut world.data;
    for mut user in rows.users {
        if user.uuid.is_empty() {
            user.uuid = data.uuid();
        }
        data.users.insert(user.id, user);
    }
    for mut course in rows.courses {
        if course.uuid.is_empty() {
            course.uuid = data.uuid();
        }
        data.courses.insert(course.id, course);
    }
    data.sections
        .extend(rows.sections.into_iter().map(|r| (r.id, r)));
    data.enrollments
        .extend(rows.enrollments.into_iter().map(|r| (r.id, r)));
    data.group_categories
        .extend(rows.group_categories.into_iter().map(|r| (r.id, r)));
    data.groups
        .extend(rows.groups.into_iter().map(|r| (r.id, r)));
    data.tokens.extend(rows.tokens);
    reindex(data);
    let mut counters = json!(data.last);
    for (name, value) in rows.last {
        crate::json::set(&mut counters, &name, json!(value));
    }
    match serde_json::from_value(counters) {
        Ok(last) => data.last = last,
        Err(error) => return refused(error),
    }
    ok(
        json!({"users": data.users.len(), "courses": data.courses.len(),
              "enrollments": data.enrollments.len()}),
    )
}
