//! Users and enrollments (contract canvas §9).

use super::Ctx;
use super::course::{course_of_path, group_of_path, paged};
use crate::answer::{Answer, Fail, Outcome};
use crate::id;
use crate::json::person;
use crate::paging::{self, Page};
use crate::policy::{self, Standing};
use crate::state::person::{Enrollment, User};
use crate::world::World;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub(super) fn check_admin(world: &World, ctx: &Ctx<'_>) -> Result<(), Fail> {
    let is_admin = world
        .data
        .users
        .get(&ctx.user_id())
        .is_some_and(|u| u.is_admin);
    if is_admin {
        Ok(())
    } else {
        Err(Fail::NotPermitted)
    }
}

/// Whether the caller sees this enrollment at all.
fn sees(standing: &Standing, e: &Enrollment) -> bool {
    if standing.is_admin {
        return true;
    }
    if standing.is_limited && !standing.section_ids.contains(&e.section_id) {
        return false;
    }
    // Students see neither designers nor observers (seen live, 280).
    standing.is_staff()
        || standing.user_id == Some(e.user_id)
        || !matches!(e.kind.as_str(), "DesignerEnrollment" | "ObserverEnrollment")
}

fn kind_word(word: &str) -> String {
    match word {
        "student_view" => "StudentViewEnrollment".to_owned(),
        w if w.ends_with("Enrollment") => w.to_owned(),
        w => {
            let mut letters = w.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            format!(
                "{}{}Enrollment",
                first.into_iter().collect::<String>(),
                letters.as_str()
            )
        }
    }
}

fn states(ctx: &Ctx<'_>, name: &str, is_admin: bool) -> Vec<String> {
    let asked = ctx.request.params.list(name);
    if !asked.is_empty() {
        return asked;
    }
    let mut states = vec!["active".to_owned(), "invited".to_owned()];
    if is_admin {
        states.push("inactive".to_owned());
    }
    states
}

/// `GET courses/:id/users` and `search_users`: sorted by name.
pub(super) fn course_users(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let world = &*world;
    let (course, standing) = course_of_path(world, ctx)?;
    let params = &ctx.request.params;
    let words = params.list("include");
    let kinds: Vec<String> = params
        .list("enrollment_type")
        .iter()
        .map(|w| kind_word(w))
        .collect();
    let states = states(ctx, "enrollment_state", false);
    let wanted: Vec<u64> = params
        .list("user_ids")
        .iter()
        .filter_map(|w| id::local(w))
        .collect();
    let search = params.text("search_term").map(|t| t.to_lowercase());
    let with_fake = words.iter().any(|w| w == "test_student");
    let mut ids: Vec<u64> = world
        .data
        .enrollments_in(course.id)
        .filter(|e| states.contains(&e.state) && sees(&standing, e))
        .filter(|e| kinds.is_empty() || kinds.contains(&e.kind))
        .filter(|e| with_fake || e.kind != "StudentViewEnrollment")
        .filter(|e| wanted.is_empty() || wanted.contains(&e.user_id))
        .map(|e| e.user_id)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let has = |text: &str, term: &str| text.to_lowercase().contains(term);
    let mut rows: Vec<&User> = ids
        .iter()
        .filter_map(|id| world.data.users.get(id))
        .filter(|u| {
            search.as_ref().is_none_or(|term| {
                let by_login = standing.reads_logins()
                    && (has(&u.login, term) || u.email.as_ref().is_some_and(|e| has(e, term)));
                has(&u.name, term) || by_login
            })
        })
        .collect();
    rows.sort_by(|a, b| a.sortable_name.cmp(&b.sortable_name).then(a.id.cmp(&b.id)));
    let reader = ctx.reader(world);
    // Both names of the call link to this one, and a search shows addresses (seen live, 306).
    let path = format!("/api/v1/courses/{}/users", course.id);
    let mut words = words;
    if search.is_some() {
        words.push("email".to_owned());
    }
    paged(world, ctx, &path, rows, |u| {
        person::listed(&reader, u, &standing, (course.id, &words))
    })
}

fn rows_of<'w>(
    world: &'w World,
    ctx: &Ctx<'_>,
    course_id: u64,
    standing: &Standing,
) -> Vec<&'w Enrollment> {
    let params = &ctx.request.params;
    let mut kinds: Vec<String> = params.list("type");
    kinds.extend(params.list("role"));
    let states = states(ctx, "state", standing.is_admin);
    let user_id = params
        .text("user_id")
        .and_then(|t| id::user(&world.data, &t, Some(ctx.user_id())));
    let ids = world
        .data
        .courses
        .get(&course_id)
        .map_or(&[][..], |c| c.enrollment_ids.as_slice());
    let mut rows: Vec<&Enrollment> = ids
        .iter()
        .filter_map(|id| world.data.enrollments.get(id))
        .filter(|e| is_in_state(e, &states))
        .filter(|e| {
            let is_here = standing.section_ids.contains(&e.section_id);
            !standing.is_limited || standing.is_admin || is_here
        })
        .filter(|e| kinds.is_empty() || kinds.contains(&e.kind))
        .filter(|e| !params.has("user_id") || Some(e.user_id) == user_id)
        .collect();
    rows.sort_by_key(|e| sort_key(world, e));
    rows
}

fn is_in_state(e: &Enrollment, states: &[String]) -> bool {
    states.iter().any(|s| match s.as_str() {
        "current_and_future" | "current_and_invited" => {
            matches!(e.state.as_str(), "active" | "invited" | "creation_pending")
        }
        s => s == e.state,
    })
}

fn sort_key(world: &World, e: &Enrollment) -> (String, String, u64) {
    let name = world
        .data
        .users
        .get(&e.user_id)
        .map(|u| u.sortable_name.clone());
    (e.kind.clone(), name.unwrap_or_default(), e.id)
}

fn bookmark(key: &(String, String, u64)) -> String {
    let text = json!([key.0, key.1, key.2]).to_string();
    format!("bookmark:{}", URL_SAFE_NO_PAD.encode(text))
}

fn read_bookmark(word: &str) -> Option<(String, String, u64)> {
    let bytes = URL_SAFE_NO_PAD
        .decode(word.strip_prefix("bookmark:")?)
        .ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn paged_enrollments(world: &World, ctx: &Ctx<'_>, path: &str, rows: Vec<&Enrollment>) -> Outcome {
    let words = ctx.request.params.list("include");
    let reader = ctx.reader(world);
    let json = |e: &Enrollment| {
        let standing = policy::standing(&world.data, Some(ctx.user_id()), e.course_id);
        person::enrollment(&reader, e, &standing, &words)
    };
    if !world.switches.bookmark_pages {
        return paged(world, ctx, path, rows, json);
    }
    let asked = ctx
        .request
        .params
        .text("page")
        .unwrap_or_else(|| "first".to_owned());
    let after = match asked.as_str() {
        "first" | "" | "1" => None,
        text => Some(read_bookmark(text).ok_or(Fail::BadPage)?),
    };
    let per_page = Page::read_size(&ctx.request.params, &world.switches, 10);
    let mut rest = rows
        .into_iter()
        .filter(|e| after.as_ref().is_none_or(|key| sort_key(world, e) > *key))
        .peekable();
    let shown: Vec<&Enrollment> = rest.by_ref().take(per_page).collect();
    let next = match (rest.peek(), shown.last()) {
        (Some(_), Some(last)) => Some(bookmark(&sort_key(world, last))),
        _ => None,
    };
    let current = if after.is_none() {
        "first"
    } else {
        asked.as_str()
    };
    let links = paging::bookmark_links(ctx.list(path), current, next.as_deref(), per_page);
    let body: Vec<Value> = shown.into_iter().map(json).collect();
    Ok(Answer::ok(body.into()).header("link", links))
}

/// `GET courses/:id/enrollments`: one row per enrollment.
pub(super) fn enrollments(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let world = &*world;
    let (course, standing) = course_of_path(world, ctx)?;
    let rows = rows_of(world, ctx, course.id, &standing);
    paged_enrollments(
        world,
        ctx,
        &format!("/api/v1/courses/{}/enrollments", course.id),
        rows,
    )
}

/// `GET users/:id/enrollments`.
pub(super) fn user_enrollments(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let world = &*world;
    let user_id = id::user(&world.data, ctx.arg(0), Some(ctx.user_id())).ok_or(Fail::NotFound)?;
    if user_id != ctx.user_id() {
        check_admin(world, ctx)?;
    }
    let states = states(ctx, "state", false);
    let kinds = ctx.request.params.list("type");
    let rows: Vec<&Enrollment> = world
        .data
        .enrollments
        .values()
        .filter(|e| e.user_id == user_id && is_in_state(e, &states))
        .filter(|e| kinds.is_empty() || kinds.contains(&e.kind))
        .collect();
    paged_enrollments(
        world,
        ctx,
        &format!("/api/v1/users/{user_id}/enrollments"),
        rows,
    )
}

fn set_state(world: &mut World, ctx: &Ctx<'_>, state: &str) -> Outcome {
    let (course, standing) = course_of_path(world, ctx)?;
    if !(standing.is_admin || standing.is_teacher) {
        return Err(Fail::NotPermitted);
    }
    let course_id = course.id;
    let id = id::local(ctx.arg(1)).ok_or(Fail::NotFound)?;
    let now = world.now();
    let row = world
        .data
        .enrollments
        .get_mut(&id)
        .filter(|e| e.course_id == course_id)
        .ok_or(Fail::NotFound)?;
    state.clone_into(&mut row.state);
    row.updated_at = now;
    let row = world.data.enrollments.get(&id).ok_or(Fail::NotFound)?;
    let mut out = person::enrollment(&ctx.reader(world), row, &standing, &[]);
    if let Value::Object(map) = &mut out {
        map.remove("user");
    }
    Ok(Answer::ok(out))
}

/// `DELETE courses/:id/enrollments/:id?task=conclude|delete|deactivate`.
pub(super) fn conclude(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let task = ctx
        .request
        .params
        .text("task")
        .unwrap_or_else(|| "conclude".to_owned());
    let state = match task.as_str() {
        "delete" => "deleted",
        "deactivate" | "inactivate" => "inactive",
        _ => "completed",
    };
    set_state(world, ctx, state)
}

/// `PUT courses/:id/enrollments/:id/reactivate`.
pub(super) fn reactivate(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    set_state(world, ctx, "active")
}

fn members<'w>(world: &'w World, ids: &[u64]) -> Vec<&'w User> {
    let mut rows: Vec<&User> = ids
        .iter()
        .filter_map(|id| world.data.users.get(id))
        .collect();
    rows.sort_by(|a, b| a.sortable_name.cmp(&b.sortable_name).then(a.id.cmp(&b.id)));
    rows
}

/// `GET groups/:id/users`.
pub(super) fn group_users(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let world = &*world;
    let (group, standing) = group_of_path(world, ctx)?;
    let rows = members(world, &group.member_ids);
    let reader = ctx.reader(world);
    let path = format!("/api/v1/groups/{}/users", group.id);
    paged(world, ctx, &path, rows, |u| {
        person::user(&reader, u, &standing)
    })
}

/// `GET groups/:id/memberships`.
pub(super) fn memberships(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let world = &*world;
    let (group, _) = group_of_path(world, ctx)?;
    let created_at = crate::json::time(Some(group.created_at));
    let path = format!("/api/v1/groups/{}/memberships", group.id);
    // A membership id is made of group and user: the database keeps only the pair.
    let id_of = |user: u64| group.id.saturating_mul(100_000).saturating_add(user);
    paged(world, ctx, &path, members(world, &group.member_ids), |u| {
        json!({"id": id_of(u.id), "group_id": group.id, "user_id": u.id,
               "workflow_state": "accepted", "moderator": false, "just_created": false,
               "created_at": created_at})
    })
}

/// `GET accounts/:id/users`: admins only, sorted by name.
pub(super) fn account_users(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let world = &*world;
    check_admin(world, ctx)?;
    let search = ctx
        .request
        .params
        .text("search_term")
        .map(|t| t.to_lowercase());
    let with_email = ctx.request.params.includes("email");
    let mut rows: Vec<&User> = world
        .data
        .users
        .values()
        .filter(|u| !u.is_deleted && !u.is_fake)
        .filter(|u| {
            search.as_ref().is_none_or(|term| {
                let fields = [
                    Some(&u.name),
                    Some(&u.login),
                    u.email.as_ref(),
                    u.sis_user_id.as_ref(),
                ];
                fields
                    .into_iter()
                    .flatten()
                    .any(|f| f.to_lowercase().contains(term))
            })
        })
        .collect();
    rows.sort_by(|a, b| a.sortable_name.cmp(&b.sortable_name).then(a.id.cmp(&b.id)));
    let reader = ctx.reader(world);
    let standing = Standing {
        is_admin: true,
        ..Standing::default()
    };
    let path = format!("/api/v1/accounts/{}/users", ctx.arg(0));
    paged(world, ctx, &path, rows, |u| {
        let mut row = person::user(&reader, u, &standing);
        if with_email {
            crate::json::set(&mut row, "email", json!(u.email));
        }
        row
    })
}

/// Whether the caller teaches a course in which the user is enrolled.
fn teaches(world: &World, caller: u64, user: u64) -> bool {
    world.data.courses.keys().any(|course| {
        let standing = policy::standing(&world.data, Some(caller), *course);
        (standing.is_teacher || standing.is_ta)
            && world.data.enrollments_of(user, *course).next().is_some()
    })
}

fn target<'w>(
    world: &'w World,
    ctx: &Ctx<'_>,
    for_teachers: bool,
) -> Result<(&'w User, bool), Fail> {
    let caller = ctx.user_id();
    let id = id::user(&world.data, ctx.arg(0), Some(caller)).ok_or(Fail::NotFound)?;
    let user = world.data.users.get(&id).ok_or(Fail::NotFound)?;
    let is_admin = world.data.users.get(&caller).is_some_and(|u| u.is_admin);
    if user.is_deleted && !is_admin {
        return Err(Fail::NotFound);
    }
    let may = is_admin || id == caller || (for_teachers && teaches(world, caller, id));
    if may {
        Ok((user, is_admin))
    } else {
        Err(Fail::NotPermitted)
    }
}

/// `GET users/:id`.
pub(super) fn show(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let (user, is_admin) = target(world, ctx, false)?;
    let mut out = person::single(&ctx.reader(world), user, is_admin);
    if ctx.request.params.includes("uuid") && world.switches.newer_topic_keys {
        crate::json::set(&mut out, "uuid", json!(user.uuid));
    }
    Ok(Answer::ok(out))
}

/// `GET users/:id/profile`.
pub(super) fn profile(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let (user, is_admin) = target(world, ctx, true)?;
    Ok(Answer::ok(person::profile(
        &ctx.reader(world),
        user,
        is_admin,
    )))
}

/// `GET users/self/todo`: always empty here.
#[expect(clippy::unnecessary_wraps, reason = "every handler has this signature")]
pub(super) fn todo(_world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let path = "/api/v1/users/self/todo";
    let links = paging::bookmark_links(ctx.list(path), "first", None, 10);
    let last = format!(",<{}{path}?page=first&per_page=10>; rel=\"last\"", ctx.base);
    Ok(Answer::ok(json!([])).header("link", links + &last))
}
