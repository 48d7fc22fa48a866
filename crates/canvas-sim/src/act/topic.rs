//! Topics and announcements: create, update, delete (contract canvas §7.2 to §7.4, §12).

// tidy: long because it is one function for each parameter rule of a topic, which read best side by side.

use super::topic_field as field;
use super::{stored_html, submission};
use crate::answer::{Fail, invalid, refused};
use crate::clock;
use crate::policy::{self, Standing, see_topic, standing};
use crate::request::{Given, Params, scalar};
use crate::state::next;
use crate::state::thread::{Assignment, Home, Topic, TopicState};
use crate::world::World;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The course of a home.
pub(crate) fn course_of(world: &World, home: Home) -> Option<u64> {
    match home {
        Home::Course(id) => Some(id),
        Home::Group(id) => world.data.groups.get(&id).map(|g| g.course_id),
    }
}

fn blank(world: &mut World, home: Home, course_id: u64) -> Topic {
    let now = world.now();
    Topic {
        id: next(&mut world.data.last.topic),
        home,
        course_id,
        title: "No Title".to_owned(),
        message: None,
        user_id: None,
        editor_id: None,
        state: TopicState::Active,
        is_announcement: false,
        discussion_type: world.switches.default_discussion_type.clone(),
        locked: false,
        pinned: false,
        position: None,
        created_at: now,
        updated_at: now,
        edited_at: None,
        posted_at: Some(now),
        last_reply_at: Some(now),
        delayed_post_at: None,
        lock_at: None,
        todo_date: None,
        deleted_at: None,
        assignment_id: None,
        root_topic_id: None,
        child_ids: Vec::new(),
        group_category_id: None,
        section_ids: Vec::new(),
        is_section_specific: false,
        anonymous_state: None,
        is_anonymous_author: false,
        require_initial_post: false,
        allow_rating: false,
        only_graders_can_rate: false,
        sort_by_rating: false,
        podcast_enabled: false,
        podcast_has_student_posts: false,
        attachment_id: None,
        sort_order: "desc".to_owned(),
        sort_order_locked: false,
        expanded: false,
        expanded_locked: false,
        entry_ids: Vec::new(),
        active_count: 0,
        read_by: BTreeSet::new(),
        subscriber_ids: BTreeSet::new(),
        stale_view: None,
    }
}

fn next_position(world: &World, topic: &Topic) -> u64 {
    let wants =
        |t: &&Topic| t.course_id == topic.course_id && t.is_announcement == topic.is_announcement;
    world
        .data
        .topics
        .values()
        .filter(wants)
        .filter_map(|t| t.position)
        .max()
        .unwrap_or(0)
        .saturating_add(1)
}

fn set_flag(topic: &mut Topic, name: &str, value: bool) {
    let slot = match name {
        "allow_rating" => &mut topic.allow_rating,
        "only_graders_can_rate" => &mut topic.only_graders_can_rate,
        "sort_by_rating" => &mut topic.sort_by_rating,
        "podcast_enabled" => &mut topic.podcast_enabled,
        "podcast_has_student_posts" => &mut topic.podcast_has_student_posts,
        "require_initial_post" => &mut topic.require_initial_post,
        "sort_order_locked" => &mut topic.sort_order_locked,
        "expanded" => &mut topic.expanded,
        "expanded_locked" => &mut topic.expanded_locked,
        _ => return,
    };
    *slot = value;
}

fn apply_options(world: &World, topic: &mut Topic, params: &Params) -> Result<(), Fail> {
    let is_course = matches!(topic.home, Home::Course(_));
    let flags = if is_course {
        field::FLAGS
    } else {
        field::GROUP_FLAGS
    };
    for name in flags {
        if let Some(value) = params.flag(name) {
            set_flag(topic, name, value);
        }
    }
    if let Some(kind) = field::discussion_type(world, params)? {
        topic.discussion_type = kind;
    }
    if let Some(order) = params
        .text("sort_order")
        .filter(|o| o == "asc" || o == "desc")
    {
        topic.sort_order = order;
    }
    field::date(world, params, "todo_date").apply(&mut topic.todo_date);
    if is_course {
        field::date(world, params, "delayed_post_at").apply(&mut topic.delayed_post_at);
        field::date(world, params, "lock_at").apply(&mut topic.lock_at);
    }
    Ok(())
}

fn apply_sections(world: &World, topic: &mut Topic, params: &Params) -> Result<(), Fail> {
    match field::sections(world, params, topic.course_id)? {
        Given::Value(ids) => {
            field::check_sections(params, true, topic.home)?;
            topic.section_ids = ids;
            topic.is_section_specific = true;
        }
        Given::Null => {
            topic.section_ids.clear();
            topic.is_section_specific = false;
        }
        Given::Absent => {}
    }
    Ok(())
}

fn starting_lock(world: &World, topic: &Topic, params: &Params) -> bool {
    let now = world.now();
    if !topic.is_announcement {
        return params.is_on("locked");
    }
    if topic.delayed_post_at.is_some_and(|at| at > now) {
        return false;
    }
    // The course's lock wins over the caller's wish (seen live, 506).
    policy::comments_disabled(&world.data, topic)
        || params.flag("locked").unwrap_or(true) && params.flag("lock_comment").unwrap_or(true)
}

fn starting_state(
    topic: &Topic,
    params: &Params,
    standing: &Standing,
    now: i64,
) -> Result<TopicState, Fail> {
    let published = params.flag("published");
    if topic.is_announcement {
        if published == Some(false) {
            return Err(announcement_draft());
        }
    } else if standing.is_staff() && matches!(topic.home, Home::Course(_)) {
        // A moderator who omits `published` gets a draft.
        if !published.unwrap_or(false) {
            return Ok(TopicState::Unpublished);
        }
    } else if published == Some(false) {
        let words = "You do not have permission to set this topic to draft state.";
        return Err(refused("published", words));
    }
    let is_early = topic.delayed_post_at.is_some_and(|at| at > now);
    Ok(if is_early {
        TopicState::PostDelayed
    } else {
        TopicState::Active
    })
}

fn announcement_draft() -> Fail {
    let words = "This topic cannot be set to draft state because it is an announcement.";
    invalid("published", "workflow_state", words)
}

/// Creates a topic or announcement and returns its id.
pub(crate) fn create(
    world: &mut World,
    user_id: u64,
    home: Home,
    params: &Params,
    base: &str,
) -> Result<u64, Fail> {
    let course_id = course_of(world, home).ok_or(Fail::NotFound)?;
    let standing = standing(&world.data, Some(user_id), course_id);
    if !policy::can_create_topic(&world.data, home, course_id, &standing) {
        return Err(Fail::NotPermitted);
    }
    let title = field::title(params)?.unwrap_or_else(|| "No Title".to_owned());
    let message = field::message(params)?.value();
    let anonymous_state = field::anonymity(world, params, (home, course_id), &standing)?;
    let now = world.now();
    let ids_before = world.data.last.clone();
    let mut topic = blank(world, home, course_id);
    let filled = (|| {
        topic.title = title;
        topic.user_id = Some(user_id);
        topic.is_announcement = params.is_on("is_announcement")
            && matches!(home, Home::Course(_))
            && standing.is_staff();
        topic.anonymous_state = anonymous_state;
        topic.is_anonymous_author =
            topic.anonymous_state.is_some() && params.flag("is_anonymous_author").unwrap_or(false);
        apply_options(world, &mut topic, params)?;
        apply_sections(world, &mut topic, params)?;
        topic.state = starting_state(&topic, params, &standing, now)?;
        if topic.is_announcement && message.as_deref().is_none_or(|m| m.trim().is_empty()) {
            return Err(invalid("message", "message", "blank"));
        }
        topic.locked = starting_lock(world, &topic, params);
        topic.pinned = params.is_on("pinned");
        topic.message = message.map(|m| stored_html(world, home, &m, base, false));
        Ok(())
    })();
    if let Err(fail) = filled {
        world.data.last = ids_before;
        return Err(fail);
    }
    if topic.is_announcement || topic.pinned {
        topic.position = Some(next_position(world, &topic));
    }
    topic.read_by.insert(user_id);
    if !topic.is_announcement {
        topic.subscriber_ids.insert(user_id);
    }
    let id = insert(world, topic);
    add_assignment(world, id, params);
    add_children(world, id, params);
    Ok(id)
}

fn insert(world: &mut World, topic: Topic) -> u64 {
    let id = topic.id;
    if topic.state == TopicState::PostDelayed
        && let Some(at) = topic.delayed_post_at
    {
        world.data.delayed.insert((at, id));
    }
    if let Some(course) = world.data.courses.get_mut(&topic.course_id) {
        course.topic_ids.push(id);
    }
    world.data.topics.insert(id, topic);
    world.emit_topic("discussion_topic_created", id);
    id
}

fn number(map: &Map<String, Value>, name: &str) -> Option<f64> {
    map.get(name).and_then(scalar).and_then(|t| t.parse().ok())
}

fn add_assignment(world: &mut World, topic_id: u64, params: &Params) {
    let Some(wanted) = field::assignment(params) else {
        return;
    };
    let Some(topic) = world.data.topics.get(&topic_id) else {
        return;
    };
    if !matches!(topic.home, Home::Course(_)) || topic.is_announcement {
        return;
    }
    let now = world.now();
    let hours = world.switches.utc_offset_hours;
    let due_at = wanted
        .get("due_at")
        .and_then(scalar)
        .and_then(|t| clock::parse(&t, hours));
    let (course_id, name) = (topic.course_id, topic.title.clone());
    if let Some(old) = topic.assignment_id {
        if let Some(assignment) = world.data.assignments.get_mut(&old) {
            assignment.updated_at = now;
            assignment.due_at = due_at.or(assignment.due_at);
            assignment.points_possible =
                number(wanted, "points_possible").or(assignment.points_possible);
        }
        return;
    }
    let id = next(&mut world.data.last.assignment);
    let kind = wanted
        .get("grading_type")
        .and_then(scalar)
        .unwrap_or_else(|| "points".to_owned());
    let assignment = Assignment {
        id,
        topic_id,
        course_id,
        name,
        points_possible: number(wanted, "points_possible"),
        grading_type: kind,
        due_at,
        created_at: now,
        updated_at: now,
    };
    world.data.assignments.insert(id, assignment);
    if let Some(topic) = world.data.topics.get_mut(&topic_id) {
        topic.assignment_id = Some(id);
    }
    submission::prepare(world, id, course_id);
    // A graded topic is saved twice: an updated event follows (contract canvas §7.2.4).
    world.emit_topic("discussion_topic_updated", topic_id);
}

fn child_title(root: &str, group: &str) -> String {
    format!("{root} - {group}").chars().take(250).collect()
}

fn add_children(world: &mut World, root_id: u64, params: &Params) {
    let Some(category_id) = params
        .text("group_category_id")
        .and_then(|t| t.parse::<u64>().ok())
    else {
        return;
    };
    let Some(root) = world.data.topics.get(&root_id).cloned() else {
        return;
    };
    let is_known = world
        .data
        .group_categories
        .get(&category_id)
        .is_some_and(|c| c.course_id == root.course_id);
    if !is_known || root.is_announcement || !matches!(root.home, Home::Course(_)) {
        return;
    }
    let groups: Vec<(u64, String)> = world
        .data
        .groups_in(category_id)
        .map(|g| (g.id, g.name.clone()))
        .collect();
    let mut child_ids = Vec::new();
    for (group_id, name) in groups {
        let mut child = blank(world, Home::Group(group_id), root.course_id);
        child.title = child_title(&root.title, &name);
        child.message.clone_from(&root.message);
        child.user_id = root.user_id;
        child.discussion_type.clone_from(&root.discussion_type);
        child.state = root.state;
        child.root_topic_id = Some(root_id);
        child.group_category_id = Some(category_id);
        child.require_initial_post = root.require_initial_post;
        child.allow_rating = root.allow_rating;
        child.read_by.clone_from(&root.read_by);
        child_ids.push(insert(world, child));
    }
    if let Some(root) = world.data.topics.get_mut(&root_id) {
        root.group_category_id = Some(category_id);
        root.child_ids = child_ids;
    }
}

fn apply_published(
    world: &World,
    topic: &mut Topic,
    params: &Params,
    standing: &Standing,
) -> Result<(), Fail> {
    let Some(published) = params.flag("published") else {
        return Ok(());
    };
    let now = world.now();
    if published {
        if topic.state == TopicState::Unpublished {
            let is_early = topic.delayed_post_at.is_some_and(|at| at > now);
            topic.state = if is_early {
                TopicState::PostDelayed
            } else {
                TopicState::Active
            };
            topic.posted_at = Some(now);
            topic.last_reply_at = Some(now);
        }
        return Ok(());
    }
    if topic.is_announcement {
        return Err(announcement_draft());
    }
    if !standing.is_staff() {
        let words = "You do not have permission to set this topic to draft state.";
        return Err(refused("published", words));
    }
    if policy::has_student_posts(&world.data, topic) {
        let words = "This topic cannot be set to draft state because it contains posts.";
        return Err(invalid("published", "workflow_state", words));
    }
    topic.state = TopicState::Unpublished;
    Ok(())
}

fn apply_lock(world: &World, topic: &mut Topic, params: &Params) {
    let now = world.now();
    if let Some(locked) = params.flag("locked") {
        topic.locked = locked;
        if !locked && topic.lock_at.is_some_and(|at| at <= now) {
            topic.lock_at = None;
        }
    } else if topic.is_announcement
        && world.switches.lock_comment_on_put
        && params.has("lock_comment")
    {
        topic.locked = params.is_on("lock_comment");
    } else if topic.is_announcement && world.switches.announcement_put_unlocks {
        topic.locked = false;
    }
}

fn apply_dates(topic: &mut Topic, now: i64) {
    let is_early = topic.delayed_post_at.is_some_and(|at| at > now);
    match topic.state {
        TopicState::Active if is_early => topic.state = TopicState::PostDelayed,
        TopicState::PostDelayed if !is_early => topic.state = TopicState::Active,
        _ => {}
    }
}

/// Updates a topic or announcement; identical values write nothing.
pub(crate) fn update(
    world: &mut World,
    user_id: u64,
    topic_id: u64,
    params: &Params,
    base: &str,
) -> Result<(), Fail> {
    let (topic, standing) = see_topic(world, topic_id, Some(user_id))?;
    if !policy::can_update_topic(world, topic, &standing) {
        return Err(Fail::NotPermitted);
    }
    let now = world.now();
    let old = topic.clone();
    let mut new = old.clone();
    if let Some(title) = field::title(params)? {
        new.title = title;
    }
    let message = field::message(params)?;
    if message != Given::Absent {
        let text = message.value();
        if new.is_announcement && text.as_deref().is_none_or(|m| m.trim().is_empty()) {
            return Err(invalid("message", "message", "blank"));
        }
        new.message = text.map(|m| stored_html(world, old.home, &m, base, false));
    }
    apply_options(world, &mut new, params)?;
    apply_sections(world, &mut new, params)?;
    check_regroup(&old, params)?;
    if old.active_count == 0 && params.has("anonymous_state") {
        new.anonymous_state =
            field::anonymity(world, params, (old.home, old.course_id), &standing)?;
    }
    apply_published(world, &mut new, params, &standing)?;
    apply_lock(world, &mut new, params);
    apply_dates(&mut new, now);
    if let Some(pinned) = params.flag("pinned").filter(|p| *p != old.pinned) {
        new.pinned = pinned;
        new.position = if pinned {
            Some(next_position(world, &new))
        } else {
            None
        };
    }
    if params.text("remove_attachment").as_deref() == Some("1") {
        new.attachment_id = None;
    }
    if new.title != old.title || new.message != old.message {
        new.edited_at = Some(now);
    }
    let is_only_pinned = new.pinned != old.pinned && {
        let mut twin = new.clone();
        twin.pinned = old.pinned;
        twin.position = old.position;
        old == twin
    };
    if old != new {
        if !is_only_pinned {
            new.editor_id = Some(user_id);
        }
        new.updated_at = now;
        save(world, &old, new);
    }
    if let Some(wanted) = params.get("assignment").and_then(Value::as_object)
        && wanted
            .get("set_assignment")
            .is_some_and(|v| !crate::request::truth(v))
    {
        remove_assignment(world, topic_id);
    }
    add_assignment(world, topic_id, params);
    if old.group_category_id.is_none() {
        add_children(world, topic_id, params);
    }
    Ok(())
}

fn check_regroup(old: &Topic, params: &Params) -> Result<(), Fail> {
    if !params.has("group_category_id") {
        return Ok(());
    }
    let wanted = params
        .text("group_category_id")
        .and_then(|t| t.parse::<u64>().ok());
    if wanted != old.group_category_id && old.active_count > 0 {
        return Err(refused(
            "group",
            "You cannot change grouping after replies have been posted.",
        ));
    }
    Ok(())
}

fn remove_assignment(world: &mut World, topic_id: u64) {
    if let Some(topic) = world.data.topics.get_mut(&topic_id)
        && let Some(id) = topic.assignment_id.take()
    {
        world.data.assignments.remove(&id);
    }
}

fn save(world: &mut World, old: &Topic, new: Topic) {
    let id = new.id;
    if new.state == TopicState::PostDelayed
        && let Some(at) = new.delayed_post_at
    {
        world.data.delayed.insert((at, id));
    }
    let is_new_text = new.title != old.title || new.message != old.message;
    let (child_ids, title, message) = (
        new.child_ids.clone(),
        new.title.clone(),
        new.message.clone(),
    );
    let (state, now) = (new.state, new.updated_at);
    let is_new_state = new.state != old.state;
    if let Some(assignment) = new
        .assignment_id
        .and_then(|id| world.data.assignments.get_mut(&id))
    {
        assignment.name.clone_from(&title);
    }
    world.data.topics.insert(id, new);
    world.emit_topic("discussion_topic_updated", id);
    if !is_new_text && !is_new_state {
        return;
    }
    for child_id in child_ids {
        let name = world
            .data
            .topics
            .get(&child_id)
            .and_then(|child| match child.home {
                Home::Group(group) => world.data.groups.get(&group).map(|g| g.name.clone()),
                Home::Course(_) => None,
            });
        if let (Some(name), Some(child)) = (name, world.data.topics.get_mut(&child_id)) {
            child.title = child_title(&title, &name);
            child.message.clone_from(&message);
            child.state = state;
            child.updated_at = now;
        }
    }
}

/// Sets or removes the file of a topic.
pub(crate) fn attach(world: &mut World, topic_id: u64, file_id: Option<u64>) {
    let now = world.now();
    if let Some(topic) = world.data.topics.get_mut(&topic_id)
        && topic.attachment_id != file_id
    {
        topic.attachment_id = file_id;
        topic.updated_at = now;
    }
}

/// Soft-deletes a topic and its group children; a second time changes nothing but answers alike.
pub(crate) fn delete(world: &mut World, user_id: u64, topic_id: u64) -> Result<(), Fail> {
    let topic = world.topic(topic_id).ok_or(Fail::NotFound)?;
    let standing = standing(&world.data, Some(user_id), topic.course_id);
    if !policy::can_delete_topic(world, topic, &standing) {
        return Err(Fail::NotPermitted);
    }
    let mut ids = vec![topic_id];
    ids.extend(topic.child_ids.iter().copied());
    let now = world.now();
    for id in ids {
        if let Some(topic) = world.data.topics.get_mut(&id).filter(|t| !t.is_deleted()) {
            topic.state = TopicState::Deleted;
            topic.deleted_at = Some(now);
            topic.updated_at = now;
            world.emit_topic("discussion_topic_updated", id);
        }
    }
    Ok(())
}

/// Undeletes a topic, as the course undelete page does (control API; contract canvas §14).
pub(crate) fn undelete(world: &mut World, user_id: u64, topic_id: u64) -> Result<(), Fail> {
    let now = world.now();
    let topic = world.data.topics.get_mut(&topic_id).ok_or(Fail::NotFound)?;
    if topic.is_deleted() {
        topic.state = TopicState::Unpublished;
        topic.deleted_at = None;
        topic.updated_at = now;
        topic.editor_id = Some(user_id);
        world.emit_topic("discussion_topic_updated", topic_id);
    }
    Ok(())
}

/// Copies a topic without its replies, as a draft named "... Copy".
pub(crate) fn duplicate(world: &mut World, user_id: u64, topic_id: u64) -> Result<u64, Fail> {
    let (topic, standing) = see_topic(world, topic_id, Some(user_id))?;
    if topic.is_announcement {
        return Err(refused("topic", "announcements cannot be duplicated"));
    }
    if !standing.is_staff() {
        return Err(Fail::NotPermitted);
    }
    let old = topic.clone();
    let mut copy = blank(world, old.home, old.course_id);
    copy.title = format!("{} Copy", old.title);
    copy.message = old.message;
    copy.user_id = Some(user_id);
    copy.state = TopicState::Unpublished;
    copy.discussion_type = old.discussion_type;
    copy.require_initial_post = old.require_initial_post;
    copy.allow_rating = old.allow_rating;
    copy.is_section_specific = old.is_section_specific;
    copy.section_ids = old.section_ids;
    copy.read_by.insert(user_id);
    copy.subscriber_ids.insert(user_id);
    Ok(insert(world, copy))
}
