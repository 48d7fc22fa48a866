//! Courses, their settings, sections and groups (contract canvas §6.4).

use super::{Reader, person, put, time};
use crate::policy::Standing;
use crate::state::person::{Course, Group, Section};
use serde_json::{Value, json};

/// One course as this reader sees it; `words` are the `include[]` words.
pub(crate) fn course(reader: &Reader<'_>, c: &Course, words: &[String]) -> Value {
    let standing = reader.standing(c.id);
    let mut out = json!({
        "id": c.id, "name": c.name, "account_id": 1, "uuid": c.uuid, "start_at": time(c.start_at),
        "grading_standard_id": null, "is_public": null, "created_at": time(Some(c.created_at)),
        "course_code": c.code, "default_view": "modules", "root_account_id": 1,
        "enrollment_term_id": 1, "license": null, "end_at": null, "public_syllabus": false,
        "public_syllabus_to_auth": false, "storage_quota_mb": 500, "is_public_to_auth_users": false,
        "hide_final_grades": false, "apply_assignment_group_weights": false,
        "calendar": {"ics": format!("{}/feeds/calendars/course_{}.ics", reader.base, c.uuid)},
        "time_zone": "America/Denver", "blueprint": false, "workflow_state": c.state,
        "restrict_enrollments_to_course_dates": false,
    });
    if reader.world.switches.newer_topic_keys {
        put(
            &mut out,
            json!({"grade_passback_setting": null, "homeroom_course": false,
            "course_color": null, "friendly_name": null, "template": false}),
        );
    }
    if standing.reads_sis() {
        put(
            &mut out,
            json!({"sis_course_id": c.sis_course_id, "integration_id": null}),
        );
    }
    if standing.is_admin {
        put(&mut out, json!({"sis_import_id": null}));
    }
    let own: Vec<Value> = reader.user_id.map_or_else(Vec::new, |user| {
        reader
            .world
            .data
            .enrollments_of(user, c.id)
            .map(|e| person::own_enrollment(reader, e))
            .collect()
    });
    if !own.is_empty() {
        put(&mut out, json!({"enrollments": own}));
    }
    put(&mut out, included(reader, c, &standing, words));
    out
}

/// The parts that `include[]` adds.
fn included(reader: &Reader<'_>, c: &Course, standing: &Standing, words: &[String]) -> Value {
    let has = |word: &str| words.iter().any(|w| w == word);
    let mut out = json!({});
    if has("term") {
        put(
            &mut out,
            json!({"term": {"id": 1, "name": "Default Term", "start_at": null,
            "end_at": null, "created_at": time(Some(c.created_at)), "workflow_state": "active",
            "grading_period_group_id": null}}),
        );
    }
    if has("permissions") {
        let may = standing.is_staff() || (standing.is_student && c.allow_student_discussion_topics);
        put(
            &mut out,
            json!({"permissions": {"create_discussion_topic": may,
            "create_announcement": standing.is_staff()}}),
        );
    }
    if has("sections") {
        put(&mut out, json!({"sections": own_sections(reader, c.id)}));
    }
    if has("teachers") {
        put(&mut out, json!({"teachers": teachers(reader, c.id)}));
    }
    if has("total_students") {
        let count = reader
            .world
            .data
            .enrollments_in(c.id)
            .filter(|e| e.kind == "StudentEnrollment" && e.state == "active")
            .count();
        put(&mut out, json!({"total_students": count}));
    }
    out
}

fn own_sections(reader: &Reader<'_>, course_id: u64) -> Vec<Value> {
    let Some(user) = reader.user_id else {
        return Vec::new();
    };
    reader
        .world
        .data
        .enrollments_of(user, course_id)
        .filter_map(|e| {
            let section = reader.world.data.sections.get(&e.section_id)?;
            Some(
                json!({"id": section.id, "name": section.name, "start_at": null, "end_at": null,
                        "enrollment_role": e.kind}),
            )
        })
        .collect()
}

fn teachers(reader: &Reader<'_>, course_id: u64) -> Vec<Value> {
    reader
        .world
        .data
        .enrollments_in(course_id)
        .filter(|e| e.kind == "TeacherEnrollment" && e.state == "active")
        .map(|e| reader.display(e.user_id, crate::state::thread::Home::Course(course_id)))
        .collect()
}

/// The settings that matter here.
pub(crate) fn settings(c: &Course, has_newer_keys: bool) -> Value {
    let mut out = json!({
        "allow_final_grade_override": false,
        "allow_student_discussion_topics": c.allow_student_discussion_topics,
        "allow_student_forum_attachments": c.allow_student_forum_attachments,
        "allow_student_discussion_editing": c.allow_student_discussion_editing,
        "grading_standard_enabled": false, "grading_standard_id": null,
        "allow_student_organized_groups": true, "hide_final_grades": false,
        "hide_distribution_graphs": false, "lock_all_announcements": c.lock_all_announcements,
        "restrict_student_past_view": false, "restrict_student_future_view": false,
        "show_announcements_on_home_page": false, "home_page_announcement_limit": null,
        "image_url": null, "image_id": null, "image": null,
    });
    if has_newer_keys {
        put(
            &mut out,
            json!({"allow_student_anonymous_discussion_topics":
            c.allow_student_anonymous_discussion_topics}),
        );
    }
    out
}

/// One section; `with_students` lists the active students.
pub(crate) fn section(reader: &Reader<'_>, s: &Section, with_students: bool) -> Value {
    let standing = reader.standing(s.course_id);
    let data = &reader.world.data;
    let sis_course_id = data
        .courses
        .get(&s.course_id)
        .and_then(|c| c.sis_course_id.clone());
    let mut out = json!({
        "id": s.id, "course_id": s.course_id, "name": s.name, "start_at": null, "end_at": null,
        "created_at": time(Some(s.created_at)), "restrict_enrollments_to_section_dates": null,
        "nonxlist_course_id": null,
    });
    if standing.reads_sis() {
        put(
            &mut out,
            json!({"sis_section_id": s.sis_section_id, "sis_course_id": sis_course_id,
            "integration_id": null}),
        );
    }
    if standing.is_admin {
        put(&mut out, json!({"sis_import_id": null}));
    }
    if with_students {
        let students: Vec<Value> = data
            .enrollments_in(s.course_id)
            .filter(|e| {
                e.section_id == s.id && e.kind == "StudentEnrollment" && e.state == "active"
            })
            .filter_map(|e| data.users.get(&e.user_id))
            .map(|u| person::user(reader, u, &standing))
            .collect();
        put(&mut out, json!({"students": students}));
    }
    out
}

/// Number of active students in a section.
pub(crate) fn section_user_count(reader: &Reader<'_>, section_id: u64, course_id: u64) -> usize {
    reader
        .world
        .data
        .enrollments_in(course_id)
        .filter(|e| e.section_id == section_id && e.state == "active")
        .count()
}

/// One group.
pub(crate) fn group(reader: &Reader<'_>, g: &Group) -> Value {
    let mut out = json!({
        "id": g.id, "name": g.name, "created_at": time(Some(g.created_at)), "max_membership": null,
        "is_public": false, "join_level": "invitation_only", "group_category_id": g.category_id,
        "description": null, "members_count": g.member_ids.len(), "storage_quota_mb": 50,
        "context_type": "Course", "course_id": g.course_id, "avatar_url": null, "role": null,
        "leader": null, "has_submission": false, "concluded": false,
    });
    if reader.world.switches.newer_topic_keys {
        put(&mut out, json!({"non_collaborative": false}));
    }
    out
}
