//! Courses, settings, sections, groups, submissions (contract canvas §9).

use super::Ctx;
use crate::answer::{Answer, Fail, Outcome};
use crate::id;
use crate::json::{assignment, course as json_course};
use crate::paging::{self, Page};
use crate::policy::{self, Standing};
use crate::state::person::{Course, Group, Section};
use crate::world::World;
use serde_json::{Map, Value, json};

/// The course of the first placeholder, readable by the caller.
pub(super) fn course_of_path<'w>(
    world: &'w World,
    ctx: &Ctx<'_>,
) -> Result<(&'w Course, Standing), Fail> {
    let id = id::course(&world.data, ctx.arg(0)).ok_or(Fail::NotFound)?;
    let standing = policy::standing(&world.data, Some(ctx.user_id()), id);
    if !standing.can_read_course() {
        return Err(Fail::NotPermitted);
    }
    world
        .data
        .courses
        .get(&id)
        .map(|c| (c, standing))
        .ok_or(Fail::NotFound)
}

/// One page of a list with its Link header.
pub(super) fn paged<T>(
    world: &World,
    ctx: &Ctx<'_>,
    path: &str,
    rows: Vec<T>,
    json: impl Fn(T) -> Value,
) -> Outcome {
    let page = Page::read(ctx.request, &world.switches, 10)?;
    let total = rows.len();
    let shown: Vec<Value> = page.cut(rows).into_iter().map(json).collect();
    let links = paging::links(ctx.list(path), &page, total, &world.switches);
    Ok(Answer::ok(shown.into()).header("link", links))
}

/// `GET courses`: the caller's own.
pub(super) fn list(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let world = &*world;
    let words = ctx.request.params.list("include");
    let user = ctx.user_id();
    let rows: Vec<&Course> = world
        .data
        .courses
        .values()
        .filter(|c| c.state != "deleted")
        .filter(|c| {
            world
                .data
                .enrollments_of(user, c.id)
                .any(|e| e.state == "active")
        })
        .collect();
    let reader = ctx.reader(world);
    paged(world, ctx, "/api/v1/courses", rows, |c| {
        json_course::course(&reader, c, &words)
    })
}

/// `GET accounts/:id/courses`: admins only.
pub(super) fn account_courses(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let world = &*world;
    super::people::check_admin(world, ctx)?;
    let words = ctx.request.params.list("include");
    let rows: Vec<&Course> = world
        .data
        .courses
        .values()
        .filter(|c| c.state != "deleted")
        .collect();
    let reader = ctx.reader(world);
    let path = format!("/api/v1/accounts/{}/courses", ctx.arg(0));
    paged(world, ctx, &path, rows, |c| {
        json_course::course(&reader, c, &words)
    })
}

/// `GET courses/:id`.
pub(super) fn show(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let (course, _) = course_of_path(world, ctx)?;
    let words = ctx.request.params.list("include");
    Ok(Answer::ok(json_course::course(
        &ctx.reader(world),
        course,
        &words,
    )))
}

/// `GET courses/:id/settings`.
pub(super) fn settings(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let (course, _) = course_of_path(world, ctx)?;
    Ok(Answer::ok(json_course::settings(
        course,
        world.switches.newer_topic_keys,
    )))
}

/// `PUT courses/:id/settings`.
pub(super) fn update_settings(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let (course, standing) = course_of_path(world, ctx)?;
    if !(standing.is_admin || standing.is_teacher) {
        return Err(Fail::NotPermitted);
    }
    let id = course.id;
    let params = &ctx.request.params;
    let has_newer = world.switches.newer_topic_keys;
    let course = world.data.courses.get_mut(&id).ok_or(Fail::NotFound)?;
    let slots: [(&str, &mut bool); 5] = [
        (
            "allow_student_forum_attachments",
            &mut course.allow_student_forum_attachments,
        ),
        (
            "allow_student_discussion_editing",
            &mut course.allow_student_discussion_editing,
        ),
        (
            "allow_student_discussion_topics",
            &mut course.allow_student_discussion_topics,
        ),
        (
            "allow_student_anonymous_discussion_topics",
            &mut course.allow_student_anonymous_discussion_topics,
        ),
        ("lock_all_announcements", &mut course.lock_all_announcements),
    ];
    for (name, slot) in slots {
        if let Some(value) = params.flag(name) {
            *slot = value;
        }
    }
    Ok(Answer::ok(json_course::settings(course, has_newer)))
}

/// `GET courses/:id/permissions?permissions[]=..`.
pub(super) fn permissions(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let (course, standing) = course_of_path(world, ctx)?;
    let mut out = Map::new();
    for name in ctx.request.params.list("permissions") {
        let may = match name.as_str() {
            "post_to_forum" => standing.can_post(),
            "create_forum" => {
                standing.is_staff()
                    || (standing.is_student && course.allow_student_discussion_topics)
            }
            "moderate_forum" | "create_announcement" | "manage_content" => standing.is_staff(),
            "read_forum" | "read" | "read_announcements" => true,
            "read_sis" => standing.reads_sis(),
            _ => standing.is_admin,
        };
        out.insert(name, json!(may));
    }
    Ok(Answer::ok(Value::Object(out)))
}

/// `GET courses/:id/sections`.
pub(super) fn sections(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let world = &*world;
    let (course, standing) = course_of_path(world, ctx)?;
    let with_students = ctx.request.params.includes("students") && standing.is_staff();
    let rows: Vec<&Section> = world
        .data
        .sections
        .values()
        .filter(|s| s.course_id == course.id && !s.is_deleted)
        .filter(|s| {
            !standing.is_limited || standing.is_admin || standing.section_ids.contains(&s.id)
        })
        .collect();
    let reader = ctx.reader(world);
    let path = format!("/api/v1/courses/{}/sections", course.id);
    paged(world, ctx, &path, rows, |s| {
        json_course::section(&reader, s, with_students)
    })
}

/// `GET sections/:id`.
pub(super) fn section(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let id = id::section(&world.data, ctx.arg(0)).ok_or(Fail::NotFound)?;
    let section = world.data.sections.get(&id).ok_or(Fail::NotFound)?;
    let standing = policy::standing(&world.data, Some(ctx.user_id()), section.course_id);
    if !standing.can_read_course() {
        return Err(Fail::NotPermitted);
    }
    Ok(Answer::ok(json_course::section(
        &ctx.reader(world),
        section,
        false,
    )))
}

/// `GET courses/:id/groups`.
pub(super) fn groups(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let world = &*world;
    let (course, _) = course_of_path(world, ctx)?;
    let rows: Vec<&Group> = world
        .data
        .groups
        .values()
        .filter(|g| g.course_id == course.id && !g.is_deleted)
        .collect();
    let reader = ctx.reader(world);
    let path = format!("/api/v1/courses/{}/groups", course.id);
    paged(world, ctx, &path, rows, |g| json_course::group(&reader, g))
}

/// The group of the first placeholder, readable by the caller.
pub(super) fn group_of_path<'w>(
    world: &'w World,
    ctx: &Ctx<'_>,
) -> Result<(&'w Group, Standing), Fail> {
    let id = id::group(&world.data, ctx.arg(0)).ok_or(Fail::NotFound)?;
    let group = world.data.groups.get(&id).ok_or(Fail::NotFound)?;
    let standing = policy::standing(&world.data, Some(ctx.user_id()), group.course_id);
    if standing.is_staff() || group.member_ids.contains(&ctx.user_id()) {
        Ok((group, standing))
    } else {
        Err(Fail::NotPermitted)
    }
}

/// `GET groups/:id`.
pub(super) fn group(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let (group, _) = group_of_path(world, ctx)?;
    Ok(Answer::ok(json_course::group(&ctx.reader(world), group)))
}

/// `GET group_categories/:id/groups`.
pub(super) fn category_groups(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let world = &*world;
    let id = id::local(ctx.arg(0)).ok_or(Fail::NotFound)?;
    let category = world.data.group_categories.get(&id).ok_or(Fail::NotFound)?;
    let standing = policy::standing(&world.data, Some(ctx.user_id()), category.course_id);
    if !standing.is_staff() {
        return Err(Fail::NotPermitted);
    }
    let rows: Vec<&Group> = world.data.groups_in(id).collect();
    let reader = ctx.reader(world);
    let path = format!("/api/v1/group_categories/{id}/groups");
    paged(world, ctx, &path, rows, |g| json_course::group(&reader, g))
}

/// `GET courses/:id/assignments/:assignment_id/submissions/:user_id`.
pub(super) fn submission(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let (course, standing) = course_of_path(world, ctx)?;
    let assignment_id = id::local(ctx.arg(1)).ok_or(Fail::NotFound)?;
    let user_id = id::user(&world.data, ctx.arg(2), Some(ctx.user_id())).ok_or(Fail::NotFound)?;
    if !standing.is_staff() && user_id != ctx.user_id() {
        return Err(Fail::NotPermitted);
    }
    let a = world
        .data
        .assignments
        .get(&assignment_id)
        .filter(|a| a.course_id == course.id)
        .ok_or(Fail::NotFound)?;
    let s = world
        .data
        .submissions
        .values()
        .find(|s| s.assignment_id == a.id && s.user_id == user_id)
        .ok_or(Fail::NotFound)?;
    let mut out = assignment::submission(&ctx.reader(world), a, s);
    if ctx.request.params.includes("submission_history") {
        let history = out.clone();
        crate::json::set(&mut out, "submission_history", json!([history]));
    }
    Ok(Answer::ok(out))
}
