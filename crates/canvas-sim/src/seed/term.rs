//! A seeded term: about twenty threads with nested replies, of every kind that matters.
//! Everything is written through the same deeds as in normal use, under a clock that runs along.

use super::DAY_MS;
use crate::act::entry::{self, FileChange, NewEntry};
use crate::act::topic;
use crate::request::{Given, Params};
use crate::state::next;
use crate::state::person::{Group, GroupCategory};
use crate::state::thread::Home;
use crate::world::World;
use serde_json::{Value, json};

/// Course, title, opening words and kind of a thread.
type Thread = (u64, &'static str, &'static str, &'static str);

const THREADS: &[Thread] = &[
    (
        1,
        "Say hello",
        "<p>Tell us <strong>who you are</strong> and what you hope to learn.</p>",
        "pinned",
    ),
    (
        1,
        "What does chlorophyll do?",
        "<p>Use your own words. A picture may help.</p>",
        "rated",
    ),
    (
        1,
        "Lab 1: what went wrong?",
        "<p>Be honest:</p><ul><li>measurements</li><li>timing</li><li>notes</li></ul>",
        "plain",
    ),
    (
        1,
        "Welcome to the course",
        "<p>The first meeting is on Monday in room 12.</p>",
        "news",
    ),
    (
        1,
        "Room change on Friday",
        "<p>We meet in <em>room 14</em> instead.</p>",
        "open_news",
    ),
    (
        1,
        "Cells: your best analogy",
        "<p>A cell is like a city because&hellip;</p>",
        "post_first",
    ),
    (
        1,
        "Section 2: excursion",
        "<p>Who brings the boots?</p>",
        "sectioned",
    ),
    (
        1,
        "Team project",
        "<p>Plan the work of your team here.</p>",
        "grouped",
    ),
    (
        1,
        "Essay: is a virus alive?",
        "<p>Take a side and defend it.</p>",
        "graded",
    ),
    (
        1,
        "Exam questions (draft)",
        "<p>Not ready yet.</p>",
        "draft",
    ),
    (1, "Week 12: evolution", "<p>Opens later.</p>", "delayed"),
    (
        1,
        "How is the course going?",
        "<p>Nobody sees your name here.</p>",
        "anonymous",
    ),
    (
        2,
        "Why did Rome fall?",
        "<p>One cause each, please.</p>",
        "rated",
    ),
    (
        2,
        "Sources for the essay",
        "<p>Share links, such as <a href=\"https://example.org/archive\">this archive</a>.</p>",
        "side",
    ),
    (
        2,
        "The printing press",
        "<blockquote><p>The pen is mightier.</p></blockquote><p>Is it?</p>",
        "plain",
    ),
    (2, "Museum visit", "<p>Tickets are paid for.</p>", "news"),
    (
        3,
        "Limits: first questions",
        "<p>Is <img class=\"equation_image\" title=\"\\lim_{x\\to 0} \\frac{\\sin x}{x}\" src=\"/equation_images/%255Clim?scale=1\" alt=\"LaTeX: \\lim_{x\\to 0} \\frac{\\sin x}{x}\" data-equation-content=\"\\lim_{x\\to 0} \\frac{\\sin x}{x}\"> really one?</p>",
        "plain",
    ),
    (
        3,
        "Homework 3",
        "<table><tbody><tr><td>1</td><td>page 40</td></tr><tr><td>2</td><td>page 41</td></tr></tbody></table>",
        "rated",
    ),
    (
        3,
        "Study group",
        "<p>Thursday evenings, anyone?</p>",
        "plain",
    ),
    (3, "Office hours", "<p>Now at 4 pm.</p>", "open_news"),
];

const REPLIES: &[&str] = &[
    "<p>I see it the same way.</p>",
    "<p>Not so sure. What about the <em>other</em> half of the question?</p>",
    "<p>My notes say:</p><ol><li>look</li><li>measure</li><li>write it down</li></ol>",
    "<p>Here is a link that helped me: <a href=\"https://example.org/help\">help page</a></p>",
    "<p>Could you explain that <strong>once more</strong>?</p>",
    "<p>Thank you! That made it clear.</p>",
    "<p>I tried <code>x = 2</code> and it works.</p>",
    "<blockquote><p>It depends.</p></blockquote><p>On what?</p>",
    "<p>Gr\u{fc}\u{df}e aus dem Labor \u{1f52c}</p>",
    "<p>Second try: the result was 9.81, more or less.</p>",
    "<p>We talked about this last week, see the slides.</p>",
    "<p>Good point &amp; well put.</p>",
];

fn options(kind: &str, now: i64) -> Value {
    let later = |days: i64| crate::clock::rest(now.saturating_add(days.saturating_mul(DAY_MS)));
    match kind {
        "news" => json!({"is_announcement": true}),
        "open_news" => json!({"is_announcement": true, "locked": false}),
        "rated" => json!({"allow_rating": true}),
        "pinned" => json!({"allow_rating": true, "pinned": true}),
        "side" => json!({"discussion_type": "side_comment"}),
        "post_first" => json!({"require_initial_post": true}),
        "sectioned" => json!({"specific_sections": "2"}),
        "grouped" => json!({"group_category_id": 1}),
        "graded" => json!({"assignment": {"points_possible": 10, "due_at": later(60)}}),
        "draft" => json!({"published": false}),
        "delayed" => json!({"delayed_post_at": later(90)}),
        "anonymous" => json!({"anonymous_state": "full_anonymity"}),
        _ => json!({}),
    }
}

fn params(kind: &str, title: &str, message: &str, now: i64) -> Params {
    let mut all = json!({"discussion_type": "threaded", "title": title, "message": message});
    if !kind.ends_with("news") {
        crate::json::set(&mut all, "published", json!(true));
    }
    crate::json::put(&mut all, options(kind, now));
    match all {
        Value::Object(map) => Params(map),
        _ => Params::default(),
    }
}

fn add_groups(world: &mut World, at: i64) {
    let category = next(&mut world.data.last.group_category);
    world.data.group_categories.insert(
        category,
        GroupCategory {
            id: category,
            course_id: 1,
            name: "Project teams".to_owned(),
        },
    );
    for (name, member_ids) in [
        ("Team Oak", vec![3, 4, 5, 6]),
        ("Team Elm", vec![7, 8, 9, 10]),
    ] {
        let id = next(&mut world.data.last.group);
        let group = Group {
            id,
            category_id: category,
            course_id: 1,
            name: name.to_owned(),
            created_at: at,
            member_ids,
            is_deleted: false,
        };
        world.data.groups.insert(id, group);
    }
}

fn people_of(world: &World, topic_id: u64) -> Vec<u64> {
    let Some(topic) = world.topic(topic_id) else {
        return Vec::new();
    };
    let mut ids: Vec<u64> = match topic.home {
        Home::Group(group) => world
            .data
            .groups
            .get(&group)
            .map_or_else(Vec::new, |g| g.member_ids.clone()),
        Home::Course(course) => world
            .data
            .enrollments_in(course)
            .filter(|e| !topic.is_section_specific || topic.section_ids.contains(&e.section_id))
            .map(|e| e.user_id)
            .collect(),
    };
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn choose<T: Copy>(world: &mut World, items: &[T]) -> Option<T> {
    let count = u64::try_from(items.len()).unwrap_or(0).max(1);
    let at = usize::try_from(world.data.pick(count)).unwrap_or(0);
    items.get(at).copied()
}

fn pass_time(world: &mut World, limit_ms: u64) {
    let by = i64::try_from(world.data.pick(limit_ms))
        .unwrap_or(0)
        .saturating_add(1000);
    world.clock.advance_ms(by);
}

/// Writes replies; refusals (a closed announcement, a locked topic) are part of life.
fn talk(world: &mut World, topic_id: u64) {
    let people = people_of(world, topic_id);
    let count = world.data.pick(7).saturating_add(3);
    let mut written: Vec<u64> = Vec::new();
    for _ in 0..count {
        pass_time(world, 3 * 60 * 60 * 1000);
        let (Some(user_id), Some(words)) = (choose(world, &people), choose(world, REPLIES)) else {
            return;
        };
        let is_reply = !written.is_empty() && world.data.pick(3) > 0;
        let parent_id = if is_reply {
            choose(world, &written)
        } else {
            None
        };
        let new = NewEntry {
            topic_id,
            parent_id,
            message: Some(words.to_owned()),
            ..NewEntry::default()
        };
        if let Ok(id) = entry::create(world, user_id, new) {
            written.push(id);
        }
    }
    polish(world, topic_id, &written);
}

/// An edit, a deletion and some likes here and there.
fn polish(world: &mut World, topic_id: u64, written: &[u64]) {
    let author = |world: &World, id: u64| world.data.entries.get(&id).map(|e| e.user_id);
    if written.len() > 4
        && let Some(id) = written.get(1).copied()
        && let Some(user) = author(world, id)
    {
        pass_time(world, 60 * 60 * 1000);
        let words = Given::Value("<p>Edited: I was too quick.</p>".to_owned());
        drop(entry::edit(world, user, id, words, (FileChange::Keep, "")));
    }
    if written.len() > 6
        && let Some(id) = written.get(3).copied()
        && let Some(user) = author(world, id)
    {
        drop(entry::delete(world, user, id));
    }
    if world.topic(topic_id).is_some_and(|t| t.allow_rating) {
        let fans = people_of(world, topic_id);
        for id in written.iter().take(3) {
            if let Some(fan) = choose(world, &fans) {
                drop(entry::rate(world, fan, *id, 1));
            }
        }
    }
}

/// Fills the courses. Afterwards the clock is as it was.
pub(super) fn fill(world: &mut World, start_ms: i64) {
    let real_now = world.now();
    let url = world.switches.live_events_url.take();
    add_groups(world, start_ms);
    world.clock.freeze(true);
    for (number, (course, title, message, kind)) in (0_i64..).zip(THREADS) {
        world
            .clock
            .set_ms(start_ms.saturating_add(number.saturating_mul(DAY_MS + DAY_MS / 2)));
        let params = params(kind, title, message, real_now);
        let Ok(id) = topic::create(world, 2, Home::Course(*course), &params, "") else {
            continue;
        };
        let Some(topic) = world.topic(id) else {
            continue;
        };
        if topic.state.name() != "active" {
            continue;
        }
        let children = topic.child_ids.clone();
        if children.is_empty() {
            talk(world, id);
        }
        for child in children {
            talk(world, child);
        }
    }
    world.clock = crate::clock::Clock::new(std::sync::Arc::clone(&world.options.now));
    world.switches.live_events_url = url;
}
