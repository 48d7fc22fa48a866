//! Fields of discussions and their lists of entries.

use super::connection::{connection, relay_id, time};
use super::exec::{Arguments, Node, Res, Scene};
use super::node::sees_topic;
use crate::policy::{self, Standing};
use crate::state::thread::{Entry, Home, Topic, TopicState};
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

fn scalar(value: impl Into<Value>) -> Res {
    Res::Scalar(value.into())
}

/// The topics of a course in id order, announcements included, group topics not.
pub(super) fn of_course(scene: &Scene<'_>, course_id: u64, arguments: &Arguments) -> Res {
    let data = &scene.world.data;
    let filter = arguments.get("filter");
    let search = filter
        .and_then(|f| f.get("searchTerm"))
        .and_then(Value::as_str)
        .map(str::to_lowercase);
    let announcements = filter
        .and_then(|f| f.get("isAnnouncement"))
        .and_then(Value::as_bool);
    let ids = data
        .courses
        .get(&course_id)
        .map_or(&[][..], |c| c.topic_ids.as_slice());
    let rows: Vec<Node> = ids
        .iter()
        .filter_map(|id| data.topics.get(id))
        .filter(|t| t.home == Home::Course(course_id) && !t.is_deleted() && sees_topic(scene, t))
        .filter(|t| t.created_at <= scene.horizon)
        .filter(|t| announcements.is_none_or(|wanted| t.is_announcement == wanted))
        .filter(|t| {
            search
                .as_ref()
                .is_none_or(|s| t.title.to_lowercase().contains(s))
        })
        .map(|t| Node::Discussion(t.id))
        .collect();
    Res::Node(connection(
        ("DiscussionConnection", "DiscussionEdge"),
        &rows,
        arguments,
    ))
}

/// Entries are empty when the reader must post first or the topic is not open yet.
pub(super) fn shows_entries(scene: &Scene<'_>, topic: &Topic) -> bool {
    let standing = scene.reader.standing(topic.course_id);
    let is_closed = policy::lock_for(scene.world, topic, &standing).is_some_and(|l| !l.can_view);
    !is_closed && !policy::must_post_first(&scene.world.data, topic, &standing)
}

/// Named author of something in a topic, or null where anonymity hides it.
pub(super) fn author(
    scene: &Scene<'_>,
    topic: &Topic,
    user_id: u64,
    is_anonymous: bool,
) -> Option<Node> {
    if is_hidden(scene, topic, user_id, is_anonymous) {
        return None;
    }
    Some(Node::User(user_id, topic.course_id))
}

/// Full anonymity hides all but staff; partial anonymity hides those who chose it.
fn is_hidden(scene: &Scene<'_>, topic: &Topic, user_id: u64, is_anonymous: bool) -> bool {
    let is_staff = policy::standing(&scene.world.data, Some(user_id), topic.course_id).is_staff();
    match topic.anonymous_state.as_deref() {
        Some("full_anonymity") => !is_staff,
        Some(_) => is_anonymous && !is_staff,
        None => false,
    }
}

/// The stand-in for a hidden author: stable within the topic.
pub(super) fn anonymous(scene: &Scene<'_>, topic: &Topic, user_id: u64, is_anonymous: bool) -> Res {
    if !is_hidden(scene, topic, user_id, is_anonymous) {
        return Res::null();
    }
    let mut hasher = DefaultHasher::new();
    (topic.id, user_id, "anonymous").hash(&mut hasher);
    let code: String = format!("{:x}", hasher.finish()).chars().take(5).collect();
    let fields = BTreeMap::from([
        ("id", scalar(code.clone())),
        ("shortName", scalar(format!("Anonymous {code}"))),
        ("avatarUrl", Res::null()),
    ]);
    Res::Node(Node::Made("AnonymousUser", fields))
}

fn counts(scene: &Scene<'_>, topic: &Topic) -> Res {
    let user = scene.reader.user_id.unwrap_or(0);
    let entries = || scene.world.data.entries_in(topic);
    let deleted = entries().filter(|e| e.is_deleted()).count();
    let unread = entries()
        .filter(|e| !e.is_deleted() && !e.read_by.contains(&user))
        .count();
    let fields = BTreeMap::from([
        ("repliesCount", scalar(topic.active_count)),
        ("deletedCount", scalar(json!(deleted))),
        ("unreadCount", scalar(json!(unread))),
    ]);
    Res::Node(Node::Made("DiscussionEntryCounts", fields))
}

fn permissions(scene: &Scene<'_>, topic: &Topic, standing: &Standing) -> Res {
    let world = scene.world;
    let reply = policy::can_reply(world, topic, standing);
    let attach = reply && policy::can_attach(&world.data, topic.home, topic.course_id, standing);
    let fields = BTreeMap::from([
        ("read", scalar(true)),
        ("reply", scalar(reply)),
        (
            "update",
            scalar(policy::can_update_topic(world, topic, standing)),
        ),
        (
            "delete",
            scalar(policy::can_delete_topic(world, topic, standing)),
        ),
        ("attach", scalar(attach)),
        ("rate", scalar(topic.allow_rating)),
        ("moderateForum", scalar(standing.is_staff())),
    ]);
    Res::Node(Node::Made("DiscussionPermissions", fields))
}

/// Newest first unless the argument or the reader's setting says otherwise.
fn is_ascending(scene: &Scene<'_>, arguments: &Arguments) -> bool {
    match arguments.text("sortOrder").as_deref() {
        Some("asc") => true,
        Some(_) => false,
        None => scene
            .reader
            .user_id
            .and_then(|id| scene.world.data.users.get(&id))
            .is_some_and(|u| u.sorts_ascending),
    }
}

fn matches_term(scene: &Scene<'_>, topic: &Topic, entry: &Entry, term: &str) -> bool {
    if entry.is_deleted() {
        return false;
    }
    let in_text = entry
        .message
        .as_ref()
        .is_some_and(|m| m.to_lowercase().contains(term));
    // On plain topics the author's name matches too (contract canvas §17).
    let in_name = topic.anonymous_state.is_none()
        && scene
            .world
            .data
            .users
            .get(&entry.user_id)
            .is_some_and(|u| u.name.to_lowercase().contains(term));
    in_text || in_name
}

fn entries(scene: &Scene<'_>, topic: &Topic, arguments: &Arguments) -> Res {
    let user = scene.reader.user_id.unwrap_or(0);
    let term = arguments
        .text("searchTerm")
        .map(|t| t.to_lowercase())
        .filter(|t| !t.is_empty());
    let filter = arguments.text("filter").unwrap_or_default();
    let roots_only = arguments.flag("rootEntries").unwrap_or(false);
    let by_user = arguments
        .text("userSearchId")
        .and_then(|t| crate::id::local(&t));
    let mut rows: Vec<&Entry> = Vec::new();
    if shows_entries(scene, topic) {
        rows = scene
            .world
            .data
            .entries_in(topic)
            .filter(|e| e.created_at <= scene.horizon)
            .filter(|e| !roots_only || e.parent_id.is_none())
            .filter(|e| by_user.is_none_or(|id| e.user_id == id))
            .filter(|e| match filter.as_str() {
                "deleted" => e.is_deleted(),
                "unread" => !e.is_deleted() && !e.read_by.contains(&user),
                "drafts" => false,
                _ => true,
            })
            .filter(|e| {
                term.as_ref()
                    .is_none_or(|t| matches_term(scene, topic, e, t))
            })
            .collect();
    }
    if roots_only {
        let latest = |root: &Entry| {
            scene
                .world
                .data
                .entries_in(topic)
                .filter(|e| e.root_entry_id == Some(root.id))
                .map(|e| e.created_at)
                .max()
                .unwrap_or(root.created_at)
        };
        rows.sort_by_key(|e| Reverse((latest(e), e.id)));
    } else {
        rows.sort_by_key(|e| Reverse((e.created_at, e.id)));
    }
    if is_ascending(scene, arguments) {
        rows.reverse();
    }
    let nodes: Vec<Node> = rows.into_iter().map(|e| Node::Entry(e.id)).collect();
    let kinds = ("DiscussionEntryConnection", "DiscussionEntryEdge");
    Res::Node(connection(kinds, &nodes, arguments))
}

/// The direct replies of an entry.
pub(super) fn subentries(
    scene: &Scene<'_>,
    topic: &Topic,
    parent: u64,
    arguments: &Arguments,
) -> Res {
    let mut nodes: Vec<Node> = Vec::new();
    if shows_entries(scene, topic) {
        nodes = scene
            .world
            .data
            .entries_in(topic)
            .filter(|e| e.parent_id == Some(parent) && e.created_at <= scene.horizon)
            .map(|e| Node::Entry(e.id))
            .collect();
    }
    if !is_ascending(scene, arguments) {
        nodes.reverse();
    }
    let kinds = ("DiscussionEntryConnection", "DiscussionEntryEdge");
    Res::Node(connection(kinds, &nodes, arguments))
}

fn message(scene: &Scene<'_>, topic: &Topic, standing: &Standing) -> Res {
    match policy::lock_for(scene.world, topic, standing) {
        Some(lock) if !lock.can_view => scalar(lock.explanation),
        _ => Res::Scalar(scene.reader.html(topic.home, topic.message.as_deref())),
    }
}

fn context(scene: &Scene<'_>, topic: &Topic, field: &str) -> Res {
    let data = &scene.world.data;
    let (kind, id, name) = match topic.home {
        Home::Course(id) => ("Course", id, data.courses.get(&id).map(|c| c.name.clone())),
        Home::Group(id) => ("Group", id, data.groups.get(&id).map(|g| g.name.clone())),
    };
    match field {
        "contextId" => scalar(id.to_string()),
        "contextType" => scalar(kind),
        _ => scalar(json!(name)),
    }
}

fn discussion_type(topic: &Topic) -> &str {
    if topic.discussion_type == "side_comment" {
        "not_threaded"
    } else {
        &topic.discussion_type
    }
}

/// Gives one field of a discussion.
pub(super) fn resolve(scene: &Scene<'_>, id: u64, field: &str, arguments: &Arguments) -> Res {
    let Some(topic) = scene.world.topic(id) else {
        return Res::null();
    };
    match field {
        "_id" => scalar(id.to_string()),
        "id" => scalar(relay_id("Discussion", id)),
        "createdAt" => time(scene, Some(topic.created_at)),
        "updatedAt" => time(scene, Some(topic.updated_at)),
        "editedAt" => time(scene, topic.edited_at),
        "postedAt" => time(scene, topic.posted_at),
        "lastReplyAt" => time(scene, topic.last_reply_at),
        "delayedPostAt" => time(scene, topic.delayed_post_at),
        "lockAt" => time(scene, topic.lock_at),
        "todoDate" => time(scene, topic.todo_date),
        "discussionEntriesConnection" => entries(scene, topic, arguments),
        "entryCounts" => counts(scene, topic),
        "contextId" | "contextType" | "contextName" => context(scene, topic, field),
        _ => related(scene, topic, field).unwrap_or_else(|| plain(scene, topic, field)),
    }
}

/// Fields that lead to other objects.
fn related(scene: &Scene<'_>, topic: &Topic, field: &str) -> Option<Res> {
    let standing = scene.reader.standing(topic.course_id);
    let seen = |id: &u64| {
        scene
            .world
            .topic(*id)
            .is_some_and(|t| !t.is_deleted() && sees_topic(scene, t))
    };
    Some(match field {
        "message" => message(scene, topic, &standing),
        "permissions" => permissions(scene, topic, &standing),
        "rootTopic" => Res::maybe(topic.root_topic_id.map(Node::Discussion)),
        "childTopics" => {
            let nodes = topic
                .child_ids
                .iter()
                .filter(|id| seen(id))
                .map(|id| Res::Node(Node::Discussion(*id)));
            Res::List(nodes.collect())
        }
        "groupSet" => Res::maybe(topic.group_category_id.map(Node::GroupSet)),
        "courseSections" => Res::List(
            topic
                .section_ids
                .iter()
                .map(|id| Res::Node(Node::Section(*id)))
                .collect(),
        ),
        "author" => Res::maybe(
            topic
                .user_id
                .and_then(|user| author(scene, topic, user, topic.is_anonymous_author)),
        ),
        "editor" => Res::maybe(
            topic
                .editor_id
                .and_then(|user| author(scene, topic, user, topic.is_anonymous_author)),
        ),
        "anonymousAuthor" => topic.user_id.map_or_else(Res::null, |user| {
            anonymous(scene, topic, user, topic.is_anonymous_author)
        }),
        "attachment" => Res::maybe(topic.attachment_id.map(Node::File)),
        "assignment" => Res::maybe(topic.assignment_id.map(Node::Assignment)),
        "initialPostRequiredForCurrentUser" => {
            scalar(policy::must_post_first(&scene.world.data, topic, &standing))
        }
        _ => return None,
    })
}

/// Fields that are columns.
fn plain(scene: &Scene<'_>, topic: &Topic, field: &str) -> Res {
    match field {
        "title" => scalar(topic.title.clone()),
        "locked" => scalar(topic.is_locked(scene.world.now())),
        "published" => scalar(topic.state != TopicState::Unpublished),
        "isAnnouncement" => scalar(topic.is_announcement),
        "anonymousState" => scalar(json!(topic.anonymous_state)),
        "isAnonymousAuthor" => scalar(topic.is_anonymous_author),
        "isSectionSpecific" => scalar(topic.is_section_specific),
        "onlyVisibleToOverrides" => scalar(false),
        "visibleToEveryone" => scalar(!topic.is_section_specific),
        "requireInitialPost" => scalar(topic.require_initial_post),
        "discussionType" => scalar(discussion_type(topic)),
        "position" => scalar(json!(topic.position)),
        "pinned" => scalar(topic.pinned),
        "allowRating" => scalar(topic.allow_rating),
        "onlyGradersCanRate" => scalar(topic.only_graders_can_rate),
        "sortByRating" => scalar(topic.sort_by_rating),
        "sortOrder" => scalar(topic.sort_order.clone()),
        "sortOrderLocked" => scalar(topic.sort_order_locked),
        "expanded" => scalar(topic.expanded),
        "expandedLocked" => scalar(topic.expanded_locked),
        "subscribed" => scalar(
            scene
                .reader
                .user_id
                .is_some_and(|u| topic.subscriber_ids.contains(&u)),
        ),
        _ => Res::null(),
    }
}
