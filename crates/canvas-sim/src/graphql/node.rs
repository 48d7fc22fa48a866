//! Fields of the root, of courses, people and files.

use super::connection::{connection, read_id, relay_id, time};
use super::exec::{Arguments, Node, Res, Scene};
use super::{discussion, entry, introspect};
use crate::policy;
use crate::state::thread::Topic;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn scalar(value: impl Into<Value>) -> Res {
    Res::Scalar(value.into())
}

/// Gives one field of a node.
pub(super) fn resolve(scene: &Scene<'_>, node: &Node, field: &str, arguments: &Arguments) -> Res {
    match node {
        Node::Query => query(scene, field, arguments),
        Node::Course(id) => course(scene, *id, field, arguments),
        Node::Discussion(id) => discussion::resolve(scene, *id, field, arguments),
        Node::Entry(id) => entry::resolve(scene, *id, field, arguments),
        Node::User(id, course_id) => user(scene, *id, *course_id, field),
        Node::Section(id) => section(scene, *id, field),
        Node::Group(id) => group(scene, *id, field, arguments),
        Node::GroupSet(id) => group_set(scene, *id, field, arguments),
        Node::File(id) => file(scene, *id, field),
        Node::Assignment(id) => assignment(scene, *id, field),
        Node::Made(..) => Res::null(),
    }
}

fn query(scene: &Scene<'_>, field: &str, arguments: &Arguments) -> Res {
    match field {
        "allCourses" => {
            let user = scene.reader.user_id.unwrap_or(0);
            let data = &scene.world.data;
            let own = data
                .courses
                .keys()
                .filter(|id| data.enrollments_of(user, **id).any(|e| e.state == "active"));
            Res::List(own.map(|id| Res::Node(Node::Course(*id))).collect())
        }
        "course" => {
            let data = &scene.world.data;
            let id = match (arguments.text("id"), arguments.text("sisId")) {
                (Some(text), _) => read_id(&text).map(|(_, id)| id),
                (None, Some(sis)) => crate::id::course(data, &format!("sis_course_id:{sis}")),
                (None, None) => None,
            };
            Res::maybe(id.and_then(|id| visible(scene, "Course", id)))
        }
        "legacyNode" => {
            let kind = arguments.text("type").unwrap_or_default();
            let id = arguments.text("_id").and_then(|t| crate::id::local(&t));
            Res::maybe(id.and_then(|id| visible(scene, &kind, id)))
        }
        "node" => {
            let found = arguments.text("id").and_then(|t| read_id(&t));
            Res::maybe(found.and_then(|(kind, id)| visible(scene, &kind?, id)))
        }
        "__type" => introspect::kind(scene.schema, &arguments.text("name").unwrap_or_default()),
        "__schema" => introspect::schema(scene.schema),
        _ => Res::null(),
    }
}

/// Whether the reader sees a topic; a deleted one is still there for staff (seen live, 714).
pub(super) fn sees_topic(scene: &Scene<'_>, topic: &Topic) -> bool {
    let standing = scene.reader.standing(topic.course_id);
    if topic.is_deleted() {
        standing.is_staff()
    } else {
        policy::can_see(scene.world, topic, &standing)
    }
}

/// A node that the reader may see.
fn visible(scene: &Scene<'_>, kind: &str, id: u64) -> Option<Node> {
    if !scene.schema.node_types().contains(&kind) {
        return None;
    }
    let data = &scene.world.data;
    let reads = |course_id: u64| scene.reader.standing(course_id).can_read_course();
    match kind {
        "Course" => data
            .courses
            .get(&id)
            .filter(|c| c.state != "deleted" && reads(id))
            .map(|_| Node::Course(id)),
        "Discussion" => data
            .topics
            .get(&id)
            .filter(|t| sees_topic(scene, t))
            .map(|_| Node::Discussion(id)),
        "DiscussionEntry" => data
            .entries
            .get(&id)
            .and_then(|e| data.topics.get(&e.topic_id))
            .filter(|t| sees_topic(scene, t) && discussion::shows_entries(scene, t))
            .map(|_| Node::Entry(id)),
        "Section" => data
            .sections
            .get(&id)
            .filter(|s| reads(s.course_id))
            .map(|_| Node::Section(id)),
        "Group" => data
            .groups
            .get(&id)
            .filter(|g| !g.is_deleted && reads(g.course_id))
            .map(|_| Node::Group(id)),
        "GroupSet" => data
            .group_categories
            .get(&id)
            .filter(|c| reads(c.course_id))
            .map(|_| Node::GroupSet(id)),
        "Assignment" => data
            .assignments
            .get(&id)
            .filter(|a| reads(a.course_id))
            .map(|_| Node::Assignment(id)),
        "User" => {
            let shared = data.courses.keys().find(|course| {
                reads(**course) && data.enrollments_of(id, **course).next().is_some()
            });
            let is_self = scene.reader.user_id == Some(id);
            let is_admin = scene.reader.standing(0).is_admin;
            let may = shared.is_some() || is_self || is_admin;
            (may && data.users.contains_key(&id))
                .then(|| Node::User(id, shared.copied().unwrap_or(0)))
        }
        _ => None,
    }
}

fn course(scene: &Scene<'_>, id: u64, field: &str, arguments: &Arguments) -> Res {
    let data = &scene.world.data;
    let Some(course) = data.courses.get(&id) else {
        return Res::null();
    };
    let standing = scene.reader.standing(id);
    match field {
        "_id" => scalar(id.to_string()),
        "id" => scalar(relay_id("Course", id)),
        "name" => scalar(course.name.clone()),
        "courseCode" => scalar(course.code.clone()),
        "state" => scalar(course.state.clone()),
        "sisId" if standing.reads_sis() => scalar(json!(course.sis_course_id)),
        "createdAt" => time(scene, Some(course.created_at)),
        "updatedAt" => time(scene, Some(course.updated_at)),
        "usersConnection" => {
            let mut ids: Vec<u64> = data
                .enrollments_in(id)
                .filter(|e| matches!(e.state.as_str(), "active" | "invited"))
                .map(|e| e.user_id)
                .collect();
            ids.sort_unstable();
            ids.dedup();
            ids.sort_by_key(|u| data.users.get(u).map(|u| u.sortable_name.clone()));
            let rows: Vec<Node> = ids.into_iter().map(|user| Node::User(user, id)).collect();
            Res::Node(connection(("UserConnection", "UserEdge"), &rows, arguments))
        }
        "sectionsConnection" => {
            let rows: Vec<Node> = data
                .sections
                .values()
                .filter(|s| s.course_id == id && !s.is_deleted)
                .map(|s| Node::Section(s.id))
                .collect();
            Res::Node(connection(
                ("SectionConnection", "SectionEdge"),
                &rows,
                arguments,
            ))
        }
        "groupsConnection" => {
            let rows: Vec<Node> = data
                .groups
                .values()
                .filter(|g| g.course_id == id && !g.is_deleted)
                .map(|g| Node::Group(g.id))
                .collect();
            Res::Node(connection(
                ("GroupConnection", "GroupEdge"),
                &rows,
                arguments,
            ))
        }
        "groupSetsConnection" => {
            let rows: Vec<Node> = data
                .group_categories
                .values()
                .filter(|c| c.course_id == id)
                .map(|c| Node::GroupSet(c.id))
                .collect();
            Res::Node(connection(
                ("GroupSetConnection", "GroupSetEdge"),
                &rows,
                arguments,
            ))
        }
        "discussionsConnection" => discussion::of_course(scene, id, arguments),
        _ => Res::null(),
    }
}

fn user(scene: &Scene<'_>, id: u64, course_id: u64, field: &str) -> Res {
    let Some(user) = scene.world.data.users.get(&id) else {
        return Res::null();
    };
    let standing = scene.reader.standing(course_id);
    match field {
        "_id" => scalar(id.to_string()),
        "id" => scalar(relay_id("User", id)),
        "name" => scalar(user.name.clone()),
        "shortName" => scalar(user.short_name.clone()),
        "sortableName" => scalar(user.sortable_name.clone()),
        "email" if standing.reads_logins() => scalar(json!(user.email)),
        "loginId" if standing.reads_logins() => scalar(user.login.clone()),
        "sisId" if standing.reads_sis() => scalar(json!(user.sis_user_id)),
        "integrationId" if standing.reads_sis() => scalar(json!(user.integration_id)),
        "uuid" if standing.is_admin => scalar(user.uuid.clone()),
        "pronouns" => scalar(json!(user.pronouns)),
        "avatarUrl" => scalar(format!(
            "{}/images/messages/avatar-50.png",
            scene.reader.base
        )),
        "createdAt" => time(scene, Some(user.created_at)),
        "updatedAt" => time(scene, Some(user.updated_at)),
        _ => Res::null(),
    }
}

fn section(scene: &Scene<'_>, id: u64, field: &str) -> Res {
    let Some(section) = scene.world.data.sections.get(&id) else {
        return Res::null();
    };
    match field {
        "_id" => scalar(id.to_string()),
        "id" => scalar(relay_id("Section", id)),
        "name" => scalar(section.name.clone()),
        "sisId" if scene.reader.standing(section.course_id).reads_sis() => {
            scalar(json!(section.sis_section_id))
        }
        "createdAt" | "updatedAt" => time(scene, Some(section.created_at)),
        _ => Res::null(),
    }
}

fn group(scene: &Scene<'_>, id: u64, field: &str, arguments: &Arguments) -> Res {
    let Some(group) = scene.world.data.groups.get(&id) else {
        return Res::null();
    };
    match field {
        "_id" => scalar(id.to_string()),
        "id" => scalar(relay_id("Group", id)),
        "name" => scalar(group.name.clone()),
        "membersConnection" => {
            let rows: Vec<Node> = group
                .member_ids
                .iter()
                .map(|user| {
                    let fields = BTreeMap::from([
                        ("_id", scalar(format!("{}{user:05}", group.id))),
                        ("user", Res::Node(Node::User(*user, group.course_id))),
                    ]);
                    Node::Made("GroupMembership", fields)
                })
                .collect();
            let kinds = ("GroupMembershipConnection", "GroupMembershipEdge");
            Res::Node(connection(kinds, &rows, arguments))
        }
        _ => Res::null(),
    }
}

fn group_set(scene: &Scene<'_>, id: u64, field: &str, arguments: &Arguments) -> Res {
    let data = &scene.world.data;
    let Some(category) = data.group_categories.get(&id) else {
        return Res::null();
    };
    match field {
        "_id" => scalar(id.to_string()),
        "id" => scalar(relay_id("GroupSet", id)),
        "name" => scalar(category.name.clone()),
        "groupsConnection" => {
            let rows: Vec<Node> = data.groups_in(id).map(|g| Node::Group(g.id)).collect();
            Res::Node(connection(
                ("GroupConnection", "GroupEdge"),
                &rows,
                arguments,
            ))
        }
        _ => Res::null(),
    }
}

fn file(scene: &Scene<'_>, id: u64, field: &str) -> Res {
    let Some(file) = crate::act::file::resolve(scene.world, id) else {
        return Res::null();
    };
    match field {
        "_id" => scalar(file.id.to_string()),
        "id" => scalar(relay_id("File", file.id)),
        "displayName" => scalar(file.display_name.clone()),
        "contentType" => scalar(file.content_type.clone()),
        "size" => scalar(format!("{} Bytes", file.bytes.len())),
        "url" => {
            let tail = if scene.reader.shows_verifiers() {
                format!("&verifier={}", file.uuid)
            } else {
                String::new()
            };
            scalar(format!(
                "{}/files/{}/download?download_frd=1{tail}",
                scene.reader.base, file.id
            ))
        }
        "mimeClass" => scalar(crate::json::file::mime_class(&file.content_type)),
        "createdAt" => time(scene, Some(file.created_at)),
        "updatedAt" => time(scene, Some(file.updated_at)),
        _ => Res::null(),
    }
}

fn assignment(scene: &Scene<'_>, id: u64, field: &str) -> Res {
    let Some(a) = scene.world.data.assignments.get(&id) else {
        return Res::null();
    };
    match field {
        "_id" => scalar(id.to_string()),
        "id" => scalar(relay_id("Assignment", id)),
        "name" => scalar(a.name.clone()),
        "dueAt" => time(scene, a.due_at),
        "pointsPossible" => scalar(json!(a.points_possible)),
        _ => Res::null(),
    }
}
