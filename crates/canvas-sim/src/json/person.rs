//! Users, profiles and enrollments, with the keys each role may see (contract canvas §6.4).

use super::{Reader, put, set, time};
use crate::clock;
use crate::policy::Standing;
use crate::state::person::{Enrollment, User};
use serde_json::{Value, json};

/// A user in a list.
pub(crate) fn user(reader: &Reader<'_>, u: &User, standing: &Standing) -> Value {
    let hours = reader.world.switches.utc_offset_hours;
    let mut out = json!({
        "id": u.id, "name": u.name, "created_at": clock::zoned(u.created_at, hours),
        "sortable_name": u.sortable_name, "short_name": u.short_name,
    });
    if standing.reads_sis() {
        put(
            &mut out,
            json!({"sis_user_id": u.sis_user_id, "integration_id": u.integration_id}),
        );
    }
    if standing.is_admin {
        put(&mut out, json!({"sis_import_id": null}));
    }
    if standing.reads_logins() {
        put(&mut out, json!({"login_id": u.login}));
    }
    if u.pronouns.is_some() {
        put(&mut out, json!({"pronouns": u.pronouns}));
    }
    out
}

/// A user in a course list with its `include[]` words.
pub(crate) fn listed(
    reader: &Reader<'_>,
    u: &User,
    standing: &Standing,
    list: (u64, &[String]),
) -> Value {
    let (course_id, words) = list;
    let has = |word: &str| words.iter().any(|w| w == word);
    let mut out = user(reader, u, standing);
    if has("email") && standing.reads_logins() {
        set(&mut out, "email", json!(u.email));
    }
    if has("uuid") {
        set(&mut out, "uuid", json!(u.uuid));
    }
    if has("custom_links") {
        set(&mut out, "custom_links", json!([]));
    }
    if has("avatar_url") && reader.world.switches.newer_topic_keys {
        let url = format!("{}/images/messages/avatar-50.png", reader.base);
        set(&mut out, "avatar_url", json!(url));
    }
    if has("enrollments") {
        let rows: Vec<Value> = reader
            .world
            .data
            .enrollments_of(u.id, course_id)
            .map(|e| {
                let mut row = enrollment(reader, e, standing, &[]);
                if let Value::Object(map) = &mut row {
                    map.remove("user");
                    if has("locked") {
                        map.insert("locked".to_owned(), json!(false));
                    }
                }
                row
            })
            .collect();
        set(&mut out, "enrollments", Value::Array(rows));
    }
    out
}

/// `GET users/:id`.
pub(crate) fn single(reader: &Reader<'_>, u: &User, is_admin: bool) -> Value {
    let hours = reader.world.switches.utc_offset_hours;
    let mut out = json!({
        "id": u.id, "name": u.name, "created_at": clock::zoned(u.created_at, hours),
        "sortable_name": u.sortable_name, "short_name": u.short_name, "locale": null,
        "permissions": {"can_update_name": true, "can_update_avatar": false},
    });
    if is_admin {
        put(
            &mut out,
            json!({"sis_user_id": u.sis_user_id, "integration_id": u.integration_id,
            "sis_import_id": null, "login_id": u.login, "email": u.email}),
        );
    }
    if reader.user_id == Some(u.id) {
        put(&mut out, json!({"effective_locale": "en"}));
    }
    if let Some(into) = u.merged_into {
        put(&mut out, json!({"merged_into_user_id": into}));
    }
    out
}

/// `GET users/:id/profile`.
pub(crate) fn profile(reader: &Reader<'_>, u: &User, is_admin: bool) -> Value {
    let mut out = json!({
        "id": u.id, "name": u.name, "short_name": u.short_name, "sortable_name": u.sortable_name,
        "title": null, "bio": null, "login_id": u.login, "integration_id": u.integration_id,
        "time_zone": "America/Denver", "locale": null,
    });
    let is_self = reader.user_id == Some(u.id);
    if is_admin || is_self {
        put(&mut out, json!({"primary_email": u.email}));
    }
    if is_admin {
        put(&mut out, json!({"sis_user_id": u.sis_user_id}));
    }
    if is_self {
        let ics = format!("{}/feeds/calendars/user_{}.ics", reader.base, u.uuid);
        put(
            &mut out,
            json!({"calendar": {"ics": ics}, "effective_locale": "en"}),
        );
    }
    out
}

fn role_id(kind: &str) -> u64 {
    match kind {
        "TeacherEnrollment" => 4,
        "TaEnrollment" => 5,
        "DesignerEnrollment" => 6,
        "ObserverEnrollment" => 7,
        _ => 3,
    }
}

/// The short form inside a course.
pub(crate) fn own_enrollment(reader: &Reader<'_>, e: &Enrollment) -> Value {
    let kind = e.kind.trim_end_matches("Enrollment").to_lowercase();
    let mut out = json!({"type": kind, "role": e.kind, "role_id": role_id(&e.kind),
        "user_id": e.user_id, "enrollment_state": e.state});
    if reader.world.switches.newer_topic_keys {
        set(
            &mut out,
            "limit_privileges_to_course_section",
            json!(e.is_limited),
        );
    }
    out
}

/// Grades: all for graders, without the unposted ones for oneself, only the link for others.
fn grades(reader: &Reader<'_>, e: &Enrollment, standing: &Standing) -> Value {
    let url = format!(
        "{}/courses/{}/grades/{}",
        reader.base, e.course_id, e.user_id
    );
    let mut out = json!({"html_url": url});
    let is_grader = standing.is_admin || standing.is_teacher || standing.is_ta;
    if is_grader || reader.user_id == Some(e.user_id) {
        put(
            &mut out,
            json!({"current_grade": null, "current_score": null, "final_grade": null,
            "final_score": null}),
        );
    }
    if is_grader {
        put(
            &mut out,
            json!({"unposted_current_score": null, "unposted_current_grade": null,
            "unposted_final_score": null, "unposted_final_grade": null}),
        );
    }
    out
}

/// One enrollment row.
pub(crate) fn enrollment(
    reader: &Reader<'_>,
    e: &Enrollment,
    standing: &Standing,
    words: &[String],
) -> Value {
    let data = &reader.world.data;
    let has = |word: &str| words.iter().any(|w| w == word);
    let mut out = json!({
        "id": e.id, "user_id": e.user_id, "course_id": e.course_id, "type": e.kind,
        "created_at": time(Some(e.created_at)), "updated_at": time(Some(e.updated_at)),
        "associated_user_id": e.associated_user_id, "start_at": null, "end_at": null,
        "course_section_id": e.section_id, "root_account_id": 1,
        "limit_privileges_to_course_section": e.is_limited, "enrollment_state": e.state,
        "role": e.kind, "role_id": role_id(&e.kind), "last_activity_at": time(e.last_activity_at),
        "last_attended_at": null, "total_activity_time": 0,
        "html_url": format!("{}/courses/{}/users/{}", reader.base, e.course_id, e.user_id),
    });
    let user_row = data.users.get(&e.user_id);
    if standing.is_admin {
        set(&mut out, "sis_import_id", Value::Null);
    }
    if e.kind == "StudentEnrollment" {
        set(&mut out, "grades", grades(reader, e, standing));
    }
    if standing.reads_sis() {
        let course = data.courses.get(&e.course_id);
        let section = data.sections.get(&e.section_id);
        put(
            &mut out,
            json!({"sis_account_id": null,
            "sis_course_id": course.and_then(|c| c.sis_course_id.clone()),
            "course_integration_id": null,
            "sis_section_id": section.and_then(|s| s.sis_section_id.clone()),
            "section_integration_id": null,
            "sis_user_id": user_row.and_then(|u| u.sis_user_id.clone())}),
        );
    }
    if let Some(u) = user_row {
        let mut json = user(reader, u, standing);
        if has("uuid") && reader.world.switches.newer_topic_keys {
            set(&mut json, "uuid", json!(u.uuid));
        }
        if has("group_ids") {
            let ids: Vec<u64> = data
                .groups
                .values()
                .filter(|g| g.course_id == e.course_id && g.member_ids.contains(&u.id))
                .map(|g| g.id)
                .collect();
            set(&mut json, "group_ids", json!(ids));
        }
        set(&mut out, "user", json);
    }
    out
}
