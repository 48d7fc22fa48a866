//! Lists of topics: the topic list and the announcements API (contract canvas §7.1, §7.7).

use super::Ctx;
use super::topic::parts;
use crate::act::home_path;
use crate::answer::{Answer, Fail, Outcome, bad, refused};
use crate::clock;
use crate::json::{self, topic::Parts};
use crate::paging::{self, Page};
use crate::policy::{self, Standing};
use crate::state::thread::{Topic, TopicState};
use crate::world::World;
use std::cmp::Reverse;
use std::collections::BTreeSet;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

struct Scope(Vec<String>);

impl Scope {
    fn read(ctx: &Ctx<'_>) -> Result<Self, Fail> {
        let words: Vec<String> = ctx
            .request
            .params
            .text("scope")
            .unwrap_or_default()
            .split(',')
            .map(|w| w.trim().to_owned())
            .collect();
        let scope = Self(words);
        if (scope.has("locked") && scope.has("unlocked"))
            || (scope.has("pinned") && scope.has("unpinned"))
        {
            return Err(refused("scope", "scope is contradictory"));
        }
        Ok(scope)
    }

    fn has(&self, word: &str) -> bool {
        self.0.iter().any(|w| w == word)
    }
}

/// Hidden before paging: other sections' topics. Drafts go after it (seen live, 262, 268).
fn is_listed(topic: &Topic, standing: &Standing) -> bool {
    let is_whole_staff = standing.is_admin || (standing.is_staff() && !standing.is_limited);
    is_whole_staff
        || !topic.is_section_specific
        || topic.user_id == standing.user_id
        || topic
            .section_ids
            .iter()
            .any(|id| standing.section_ids.contains(id))
}

fn sort(rows: &mut [&Topic], order: &str, is_announcements: bool) {
    match order {
        "recent_activity" => {
            rows.sort_by_key(|t| {
                (
                    Reverse(t.last_reply_at),
                    Reverse(t.created_at),
                    Reverse(t.id),
                )
            });
        }
        "title" => rows.sort_by(|a, b| {
            a.title
                .to_lowercase()
                .cmp(&b.title.to_lowercase())
                .then(a.id.cmp(&b.id))
        }),
        _ if is_announcements => {
            rows.sort_by_key(|t| (Reverse(t.position), Reverse(t.created_at), Reverse(t.id)));
        }
        _ => rows.sort_by_key(|t| {
            (
                t.position.is_none(),
                t.position,
                Reverse(t.created_at),
                Reverse(t.id),
            )
        }),
    }
}

/// `GET C/discussion_topics`.
pub(super) fn list(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let world = &*world;
    let home = ctx.home(world)?;
    let scope = Scope::read(ctx)?;
    let page = Page::read(
        ctx.request,
        &world.switches,
        world.switches.topic_list_per_page,
    )?;
    let params = &ctx.request.params;
    let is_announcements = params.is_on("only_announcements");
    let course_id = crate::act::topic::course_of(world, home).ok_or(Fail::NotFound)?;
    let standing = policy::standing(&world.data, Some(ctx.user_id()), course_id);
    let search = params.text("search_term").map(|t| t.to_lowercase());
    let only_unread = params.text("filter_by").as_deref() == Some("unread");
    let horizon = ctx.list_horizon(world.now());
    let user = ctx.user_id();
    let is_unread = |t: &Topic| {
        !t.read_by.contains(&user)
            || world
                .data
                .entries_in(t)
                .any(|e| !e.is_deleted() && !e.read_by.contains(&user))
    };
    let ids = world
        .data
        .courses
        .get(&course_id)
        .map_or(&[][..], |c| c.topic_ids.as_slice());
    let mut rows: Vec<&Topic> = ids
        .iter()
        .filter_map(|id| world.topic(*id))
        .filter(|t| t.home == home && !t.is_deleted() && t.is_announcement == is_announcements)
        .filter(|t| t.created_at <= horizon && is_listed(t, &standing))
        .filter(|t| {
            search
                .as_ref()
                .is_none_or(|s| t.title.to_lowercase().contains(s))
        })
        .filter(|t| !only_unread || is_unread(t))
        .filter(|t| !(scope.has("pinned") && !t.pinned || scope.has("unpinned") && t.pinned))
        .collect();
    sort(
        &mut rows,
        &params.text("order_by").unwrap_or_default(),
        is_announcements,
    );
    let total = rows.len();
    let now = world.now();
    let reader = ctx.reader(world);
    let parts = parts(ctx);
    // Locked, unlocked and invisible rows go after paging: pages may be short.
    let shown: Vec<_> = page
        .cut(rows)
        .into_iter()
        .filter(|t| policy::can_see(world, t, &standing))
        .filter(|t| {
            !(scope.has("locked") && !t.is_locked(now) || scope.has("unlocked") && t.is_locked(now))
        })
        .map(|t| json::topic::topic(&reader, t, parts))
        .collect();
    let path = format!("/api/v1{}/discussion_topics", home_path(home));
    let links = paging::links(ctx.list(&path), &page, total, &world.switches);
    Ok(Answer::ok(shown.into()).header("link", links))
}

fn moment(ctx: &Ctx<'_>, world: &World, name: &str) -> Result<Option<i64>, Fail> {
    let Some(text) = ctx.request.params.text(name).filter(|t| !t.is_empty()) else {
        return Ok(None);
    };
    let hours = world.switches.utc_offset_hours;
    let at = clock::parse(&text, hours).ok_or_else(|| bad(&format!("Invalid {name}")))?;
    let is_date = !text.contains('T');
    Ok(Some(if name == "end_date" && is_date {
        clock::fancy_midnight(at, hours)
    } else {
        at
    }))
}

fn readable_courses(ctx: &Ctx<'_>, world: &World) -> Result<Vec<u64>, Fail> {
    let codes = ctx.request.params.list("context_codes");
    if codes.is_empty() {
        return Err(bad("Missing context_codes"));
    }
    let mut course_ids = Vec::new();
    for code in codes {
        let id = code
            .strip_prefix("course_")
            .and_then(|id| crate::id::course(&world.data, id))
            .ok_or(Fail::NotFound)?;
        let standing = policy::standing(&world.data, Some(ctx.user_id()), id);
        if !standing.can_read_course() {
            return Err(Fail::NotPermitted);
        }
        course_ids.push(id);
    }
    Ok(course_ids)
}

/// `GET announcements`.
pub(super) fn announcements(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let world = &*world;
    let course_ids = readable_courses(ctx, world)?;
    let page = Page::read(ctx.request, &world.switches, 10)?;
    let now = world.now();
    let start = moment(ctx, world, "start_date")?.unwrap_or(now.saturating_sub(14 * DAY_MS));
    let end = moment(ctx, world, "end_date")?.unwrap_or(start.saturating_add(28 * DAY_MS));
    let after = moment(ctx, world, "available_after")?;
    let params = &ctx.request.params;
    let shown_at = |t: &Topic| t.delayed_post_at.or(t.posted_at).unwrap_or(t.created_at);
    let horizon = ctx.list_horizon(now);
    let mut rows: Vec<&Topic> = course_ids
        .iter()
        .filter_map(|id| world.data.courses.get(id))
        .flat_map(|c| c.topic_ids.iter())
        .filter_map(|id| world.topic(*id))
        .filter(|t| t.is_announcement && !t.is_deleted() && t.created_at <= horizon)
        .filter(|t| {
            let standing = policy::standing(&world.data, Some(ctx.user_id()), t.course_id);
            policy::can_see(world, t, &standing)
        })
        .filter(|t| (start..=end).contains(&shown_at(t)))
        .filter(|t| after.is_none_or(|at| t.lock_at.is_none_or(|lock| lock > at)))
        .filter(|t| !params.is_on("active_only") || t.state == TopicState::Active)
        .collect();
    rows.sort_by_key(|t| (Reverse(shown_at(t)), Reverse(t.id)));
    if params.is_on("latest_only") {
        let mut seen = BTreeSet::new();
        rows.retain(|t| seen.insert(t.course_id));
    }
    let total = rows.len();
    let reader = ctx.reader(world);
    let parts = Parts {
        sections: params.includes("sections"),
        user_count: params.includes("sections_user_count"),
        context_code: true,
        text_only: params.is_on("text_only"),
        ..Parts::default()
    };
    let shown: Vec<_> = page
        .cut(rows)
        .into_iter()
        .map(|t| json::topic::topic(&reader, t, parts))
        .collect();
    let links = paging::links(
        ctx.list("/api/v1/announcements"),
        &page,
        total,
        &world.switches,
    );
    Ok(Answer::ok(shown.into()).header("link", links))
}
