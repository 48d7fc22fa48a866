//! Topics and announcements (contract canvas §6.1, §6.6).

use super::{Reader, assignment, course, file, put, set, time};
use crate::act::home_path;
use crate::policy::{self, Standing};
use crate::state::thread::{Home, Topic, TopicState};
use serde_json::{Value, json};

/// Which optional parts are wanted.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent options of one serialiser"
)]
pub(crate) struct Parts {
    pub sections: bool,
    pub user_count: bool,
    /// `plain_messages=1`: the stored HTML.
    pub plain: bool,
    /// Announcements API: `context_code`, no assignment.
    pub context_code: bool,
    pub no_descriptions: bool,
    /// `text_only=1`.
    pub text_only: bool,
}

/// The caller's unread counter: active unread entries, less one per repeated delete.
fn unread_count(reader: &Reader<'_>, topic: &Topic) -> u64 {
    let Some(user) = reader.user_id else { return 0 };
    let (mut unread, mut drops) = (0_u64, 0_u64);
    for entry in reader
        .world
        .data
        .entries_in(topic)
        .filter(|e| !e.read_by.contains(&user))
    {
        unread = unread.saturating_add(u64::from(!entry.is_deleted()));
        drops = drops.saturating_add(entry.extra_deletes);
    }
    unread.saturating_sub(drops)
}

/// Why the caller cannot subscribe.
fn subscription_hold(
    reader: &Reader<'_>,
    topic: &Topic,
    standing: &Standing,
) -> Option<&'static str> {
    let data = &reader.world.data;
    let is_in = |group_id: u64| {
        reader.user_id.is_some_and(|user| {
            data.groups
                .get(&group_id)
                .is_some_and(|g| g.member_ids.contains(&user))
        })
    };
    if topic.is_announcement {
        return Some("topic_is_announcement");
    }
    if policy::must_post_first(data, topic, standing) {
        return Some("initial_post_required");
    }
    match (topic.home, topic.group_category_id) {
        (Home::Group(id), _) if !is_in(id) => Some("not_in_group"),
        (Home::Course(_), Some(category)) if !data.groups_in(category).any(|g| is_in(g.id)) => {
            Some("not_in_group_set")
        }
        _ => None,
    }
}

fn permissions(reader: &Reader<'_>, topic: &Topic, standing: &Standing) -> Value {
    let world = reader.world;
    let update = policy::can_update_topic(world, topic, standing);
    let reply = policy::can_reply(world, topic, standing);
    let attach = reply && policy::can_attach(&world.data, topic.home, topic.course_id, standing);
    let mut out = json!({"attach": attach, "update": update, "reply": reply,
        "delete": policy::can_delete_topic(world, topic, standing)});
    if world.switches.newer_topic_keys {
        set(&mut out, "manage_assign_to", json!(standing.is_staff()));
    }
    out
}

fn author(reader: &Reader<'_>, topic: &Topic) -> (Value, Value) {
    let Some(user_id) = topic.user_id else {
        return (Value::Null, json!({}));
    };
    if topic.anonymous_state.is_some() {
        let is_staff =
            policy::standing(&reader.world.data, Some(user_id), topic.course_id).is_staff();
        let name = if is_staff {
            reader.user_name(user_id)
        } else {
            Value::Null
        };
        return (name, Value::Null);
    }
    (
        reader.user_name(user_id),
        reader.display(user_id, topic.home),
    )
}

fn children(reader: &Reader<'_>, topic: &Topic) -> (Vec<u64>, Vec<Value>) {
    let rows: Vec<(u64, u64)> = topic
        .child_ids
        .iter()
        .filter_map(|id| reader.world.topic(*id))
        .filter(|child| !child.is_deleted())
        .filter_map(|child| match child.home {
            Home::Group(group) => Some((child.id, group)),
            Home::Course(_) => None,
        })
        .collect();
    let ids = rows.iter().map(|(id, _)| *id).collect();
    let objects = rows
        .iter()
        .map(|(id, group)| json!({"id": id, "group_id": group}))
        .collect();
    (ids, objects)
}

fn lock_parts(reader: &Reader<'_>, topic: &Topic, standing: &Standing, out: &mut Value) -> bool {
    let Some(lock) = policy::lock_for(reader.world, topic, standing) else {
        set(out, "locked_for_user", json!(false));
        return true;
    };
    let mut info = json!({"asset_string": format!("discussion_topic_{}", topic.id)});
    if lock.can_view {
        set(&mut info, "can_view", json!(true));
    }
    if lock.unlock_at.is_some() {
        set(&mut info, "unlock_at", time(lock.unlock_at));
    }
    if lock.closed_at.is_some() {
        set(&mut info, "lock_at", time(lock.closed_at));
    }
    put(
        out,
        json!({"locked_for_user": true, "lock_info": info,
                    "lock_explanation": lock.explanation.clone()}),
    );
    if !lock.can_view {
        set(out, "message", json!(lock.explanation));
    }
    lock.can_view
}

fn plain_text(html: &str) -> String {
    let mut text = String::new();
    let mut is_tag = false;
    for c in html.chars() {
        match c {
            '<' => is_tag = true,
            '>' if is_tag => is_tag = false,
            c if !is_tag => text.push(c),
            _ => {}
        }
    }
    text
}

fn section_parts(reader: &Reader<'_>, topic: &Topic, parts: Parts, out: &mut Value) {
    let data = &reader.world.data;
    if parts.sections && topic.is_section_specific {
        let rows: Vec<Value> = topic
            .section_ids
            .iter()
            .filter_map(|id| data.sections.get(id))
            .map(|s| {
                let mut row = course::section(reader, s, false);
                if parts.user_count {
                    let count = course::section_user_count(reader, s.id, topic.course_id);
                    set(&mut row, "user_count", json!(count));
                }
                row
            })
            .collect();
        set(out, "sections", Value::Array(rows));
    }
    if parts.user_count && !topic.is_section_specific && matches!(topic.home, Home::Course(_)) {
        let users: std::collections::BTreeSet<u64> = data
            .enrollments_in(topic.course_id)
            .filter(|e| e.state == "active")
            .map(|e| e.user_id)
            .collect();
        set(out, "user_count", json!(users.len()));
    }
}

fn newer_parts(topic: &Topic, out: &mut Value) {
    put(
        out,
        json!({
            "is_announcement": topic.is_announcement, "anonymous_state": topic.anonymous_state,
            "summary_enabled": false, "sort_order": topic.sort_order,
            "sort_order_locked": topic.sort_order_locked, "expanded": topic.expanded,
            "expanded_locked": topic.expanded_locked,
        }),
    );
    if topic.assignment_id.is_none() {
        set(out, "ungraded_discussion_overrides", json!([]));
    }
}

/// Null or true, but false on the group copies (seen live, 520).
fn initial_post(topic: &Topic) -> Option<bool> {
    if topic.require_initial_post {
        Some(true)
    } else {
        topic.root_topic_id.map(|_| false)
    }
}

fn core(reader: &Reader<'_>, topic: &Topic, standing: &Standing) -> Value {
    let now = reader.world.now();
    let data = &reader.world.data;
    let hold = subscription_hold(reader, topic, standing);
    let is_subscribed = reader
        .user_id
        .is_some_and(|u| topic.subscriber_ids.contains(&u));
    let is_read = reader.user_id.is_some_and(|u| topic.read_by.contains(&u));
    let (user_name, author) = author(reader, topic);
    let (child_ids, group_children) = children(reader, topic);
    let url = format!(
        "{}{}/discussion_topics/{}",
        reader.base,
        home_path(topic.home),
        topic.id
    );
    let can_unpublish =
        standing.is_staff() && !topic.is_announcement && !policy::has_student_posts(data, topic);
    let due = topic
        .assignment_id
        .and_then(|id| data.assignments.get(&id))
        .and_then(|a| a.due_at);
    let is_due_ahead = due.is_some_and(|at| at > now);
    let is_empty = topic.active_count == 0;
    let attachments: Vec<Value> = topic
        .attachment_id
        .and_then(|id| crate::act::file::resolve(reader.world, id))
        .map(|f| file::file(reader, f))
        .into_iter()
        .collect();
    let mut out = json!({
        "id": topic.id, "title": topic.title, "last_reply_at": time(topic.last_reply_at),
        "created_at": time(Some(topic.created_at)), "delayed_post_at": time(topic.delayed_post_at),
        "posted_at": time(topic.posted_at), "assignment_id": topic.assignment_id,
        "root_topic_id": topic.root_topic_id, "position": topic.position,
        "podcast_has_student_posts": topic.podcast_has_student_posts,
        "discussion_type": topic.discussion_type, "lock_at": time(topic.lock_at),
        "allow_rating": topic.allow_rating, "only_graders_can_rate": topic.only_graders_can_rate,
        "sort_by_rating": topic.sort_by_rating, "is_section_specific": topic.is_section_specific,
        "user_name": user_name, "discussion_subentry_count": topic.active_count,
        "permissions": permissions(reader, topic, standing),
        "require_initial_post": initial_post(topic),
        "user_can_see_posts": !policy::must_post_first(data, topic, standing),
        "podcast_url": null, "read_state": if is_read { "read" } else { "unread" },
        "unread_count": unread_count(reader, topic), "subscribed": is_subscribed && hold.is_none(),
        "topic_children": child_ids, "group_topic_children": group_children,
        "attachments": attachments, "published": topic.state != TopicState::Unpublished,
        "can_unpublish": can_unpublish, "locked": topic.is_locked(now), "can_lock": !is_due_ahead,
        "comments_disabled": policy::comments_disabled(data, topic), "author": author,
        "html_url": url, "url": url, "pinned": topic.pinned,
        "group_category_id": topic.group_category_id,
        "can_group": is_empty && !topic.is_announcement, "todo_date": time(topic.todo_date),
    });
    if let Some(hold) = hold {
        set(&mut out, "subscription_hold", json!(hold));
    }
    out
}

/// One topic as this reader sees it.
pub(crate) fn topic(reader: &Reader<'_>, topic: &Topic, parts: Parts) -> Value {
    let standing = reader.standing(topic.course_id);
    let mut out = core(reader, topic, &standing);
    if lock_parts(reader, topic, &standing, &mut out) {
        let message = if parts.plain {
            json!(topic.message)
        } else if parts.text_only {
            json!(topic.message.as_deref().map(plain_text))
        } else {
            reader.html(topic.home, topic.message.as_deref())
        };
        set(&mut out, "message", message);
    }
    section_parts(reader, topic, parts, &mut out);
    if reader.world.switches.newer_topic_keys {
        newer_parts(topic, &mut out);
    }
    if parts.context_code {
        set(
            &mut out,
            "context_code",
            json!(format!("course_{}", topic.course_id)),
        );
    } else if let Some(a) = topic
        .assignment_id
        .and_then(|id| reader.world.data.assignments.get(&id))
    {
        set(
            &mut out,
            "assignment",
            assignment::assignment(reader, a, !parts.no_descriptions),
        );
    }
    out
}

/// The raw record that DELETE answers, under its root key (contract canvas §7.4).
pub(crate) fn record(reader: &Reader<'_>, topic: &Topic) -> Value {
    let (context_type, context_id) = match topic.home {
        Home::Course(id) => ("Course", id),
        Home::Group(id) => ("Group", id),
    };
    let code = format!("{}_{context_id}", context_type.to_lowercase());
    let name = topic.user_id.map_or(Value::Null, |id| reader.user_name(id));
    let is_old = !reader.world.switches.newer_topic_keys;
    let user = if is_old {
        json!({"user": {"name": name}})
    } else {
        json!({"name": name})
    };
    let mut out = json!({
        "id": topic.id, "title": topic.title, "message": topic.message, "context_id": context_id,
        "context_type": context_type, "context_code": code, "user_id": topic.user_id,
        "workflow_state": topic.state.name(), "last_reply_at": time(topic.last_reply_at),
        "created_at": time(Some(topic.created_at)), "updated_at": time(Some(topic.updated_at)),
        "delayed_post_at": time(topic.delayed_post_at), "posted_at": time(topic.posted_at),
        "assignment_id": topic.assignment_id, "attachment_id": topic.attachment_id,
        "deleted_at": time(topic.deleted_at), "root_topic_id": topic.root_topic_id,
        "could_be_locked": false, "cloned_item_id": null, "position": topic.position,
        "migration_id": null, "old_assignment_id": null, "subtopics_refreshed_at": null,
        "last_assignment_id": null, "external_feed_id": null, "editor_id": topic.editor_id,
        "podcast_enabled": topic.podcast_enabled,
        "podcast_has_student_posts": topic.podcast_has_student_posts,
        "require_initial_post": topic.require_initial_post, "lock_at": time(topic.lock_at),
        "discussion_type": topic.discussion_type, "pinned": topic.pinned, "locked": topic.locked,
        "group_category_id": topic.group_category_id, "allow_rating": topic.allow_rating,
        "only_graders_can_rate": topic.only_graders_can_rate,
        "sort_by_rating": topic.sort_by_rating, "todo_date": time(topic.todo_date),
        "is_section_specific": topic.is_section_specific, "user": user,
    });
    if !is_old {
        put(
            &mut out,
            json!({"anonymous_state": topic.anonymous_state,
            "type": topic.is_announcement.then_some("Announcement")}),
        );
    }
    json!({"discussion_topic": out})
}
