//! Who may see and do what (contract canvas §2.2, §6.6, §7, §8, §15). Decides, changes nothing.

use crate::answer::Fail;
use crate::clock;
use crate::state::Data;
use crate::state::thread::{Entry, Home, Topic, TopicState};
use crate::world::World;
use std::collections::BTreeSet;

/// What a user is in a course.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "roles are independent of each other"
)]
pub(crate) struct Standing {
    pub user_id: Option<u64>,
    pub is_admin: bool,
    pub is_teacher: bool,
    pub is_ta: bool,
    pub is_designer: bool,
    pub is_student: bool,
    pub is_observer: bool,
    /// Once enrolled, now concluded.
    pub is_concluded: bool,
    pub is_limited: bool,
    pub section_ids: Vec<u64>,
    pub observed_ids: Vec<u64>,
}

impl Standing {
    pub(crate) fn is_staff(&self) -> bool {
        self.is_admin || self.is_teacher || self.is_ta || self.is_designer
    }

    pub(crate) fn can_read_course(&self) -> bool {
        self.is_staff() || self.is_student || self.is_observer || self.is_concluded
    }

    pub(crate) fn can_post(&self) -> bool {
        self.is_staff() || self.is_student
    }

    pub(crate) fn reads_sis(&self) -> bool {
        self.is_admin || self.is_teacher
    }

    pub(crate) fn reads_logins(&self) -> bool {
        self.is_admin || self.is_teacher || self.is_ta
    }
}

/// Works out the standing of a user in a course.
pub(crate) fn standing(data: &Data, user_id: Option<u64>, course_id: u64) -> Standing {
    let mut standing = Standing {
        user_id,
        ..Standing::default()
    };
    let Some(user_id) = user_id else {
        return standing;
    };
    standing.is_admin = data.users.get(&user_id).is_some_and(|u| u.is_admin);
    let is_open = data
        .courses
        .get(&course_id)
        .is_some_and(|c| c.state != "unpublished");
    for enrollment in data.enrollments_of(user_id, course_id) {
        if enrollment.state == "completed" {
            standing.is_concluded = true;
            standing.section_ids.push(enrollment.section_id);
            continue;
        }
        if enrollment.state != "active" {
            continue;
        }
        standing.section_ids.push(enrollment.section_id);
        match enrollment.kind.as_str() {
            "TeacherEnrollment" => standing.is_teacher = true,
            "TaEnrollment" => standing.is_ta = true,
            "DesignerEnrollment" => standing.is_designer = true,
            "StudentEnrollment" | "StudentViewEnrollment" => standing.is_student = is_open,
            "ObserverEnrollment" => {
                standing.is_observer = is_open;
                standing.observed_ids.extend(enrollment.associated_user_id);
            }
            _ => {}
        }
        standing.is_limited |= enrollment.is_limited;
    }
    standing
}

/// Why a topic is locked for a reader.
#[derive(Clone, Debug)]
pub(crate) struct Lock {
    /// The reader sees the body all the same.
    pub can_view: bool,
    pub unlock_at: Option<i64>,
    pub closed_at: Option<i64>,
    pub explanation: String,
}

/// The lock that holds this reader, if any; staff are never locked (contract canvas §6.6).
pub(crate) fn lock_for(world: &World, topic: &Topic, standing: &Standing) -> Option<Lock> {
    if standing.is_staff() {
        return None;
    }
    let now = world.now();
    let hours = world.switches.utc_offset_hours;
    if let Some(at) = topic.delayed_post_at.filter(|at| *at > now) {
        let explanation = format!("This topic is locked until {}.", clock::spoken(at, hours));
        return Some(Lock {
            can_view: false,
            unlock_at: Some(at),
            closed_at: None,
            explanation,
        });
    }
    if let Some(at) = topic.lock_at.filter(|at| *at <= now) {
        let explanation = format!("This topic was locked {}.", clock::spoken(at, hours));
        return Some(Lock {
            can_view: true,
            unlock_at: None,
            closed_at: Some(at),
            explanation,
        });
    }
    topic.locked.then(|| Lock {
        can_view: true,
        unlock_at: None,
        closed_at: None,
        explanation: "This topic is closed for comments.".to_owned(),
    })
}

fn is_member(data: &Data, home: Home, user_id: Option<u64>) -> bool {
    match (home, user_id) {
        (Home::Group(id), Some(user)) => data
            .groups
            .get(&id)
            .is_some_and(|g| g.member_ids.contains(&user)),
        _ => false,
    }
}

/// Whether the course or group of the topic may be read at all.
pub(crate) fn can_read_home(data: &Data, home: Home, standing: &Standing) -> bool {
    match home {
        Home::Course(_) => standing.can_read_course(),
        Home::Group(_) => standing.is_staff() || is_member(data, home, standing.user_id),
    }
}

/// Whether the topic is shown to this reader (its body may still be withheld by a lock).
pub(crate) fn can_see(world: &World, topic: &Topic, standing: &Standing) -> bool {
    if topic.is_deleted() || !can_read_home(&world.data, topic.home, standing) {
        return false;
    }
    if standing.is_admin {
        return true;
    }
    let is_own = topic.user_id.is_some() && topic.user_id == standing.user_id;
    let is_whole_staff = standing.is_staff() && !standing.is_limited;
    if topic.is_section_specific
        && !is_own
        && !is_whole_staff
        && !topic
            .section_ids
            .iter()
            .any(|id| standing.section_ids.contains(id))
    {
        return false;
    }
    if standing.is_staff() {
        return true;
    }
    let now = world.now();
    if topic.state == TopicState::Unpublished {
        return false;
    }
    if topic.is_announcement {
        let is_early = topic.delayed_post_at.is_some_and(|at| at > now);
        let is_over = topic.lock_at.is_some_and(|at| at <= now);
        return !(is_early || is_over && world.switches.newer_topic_keys);
    }
    true
}

/// Whether the reader must post before seeing replies (contract canvas §7.6).
pub(crate) fn must_post_first(data: &Data, topic: &Topic, standing: &Standing) -> bool {
    if !topic.require_initial_post || standing.is_staff() {
        return false;
    }
    let counts =
        |user: u64| Some(user) == standing.user_id || standing.observed_ids.contains(&user);
    !data
        .entries_in(topic)
        .any(|e| !e.is_deleted() && counts(e.user_id))
}

/// Whether comments are off because the course locks all announcements.
pub(crate) fn comments_disabled(data: &Data, topic: &Topic) -> bool {
    topic.is_announcement
        && matches!(topic.home, Home::Course(_))
        && data
            .courses
            .get(&topic.course_id)
            .is_some_and(|c| c.lock_all_announcements)
}

/// May post entries (contract canvas §8.5).
pub(crate) fn can_reply(world: &World, topic: &Topic, standing: &Standing) -> bool {
    if !can_see(world, topic, standing) || !standing.can_post() {
        return false;
    }
    if standing.is_staff() {
        return true;
    }
    if world.switches.newer_topic_keys && comments_disabled(&world.data, topic) {
        return false;
    }
    lock_for(world, topic, standing).is_none()
}

fn may_manage_own(data: &Data, topic: &Topic) -> bool {
    data.courses
        .get(&topic.course_id)
        .is_some_and(|c| c.allow_student_discussion_editing)
}

/// May edit or delete this entry (contract canvas §8.10; a concluded student may edit own ones).
pub(crate) fn can_change_entry(
    world: &World,
    topic: &Topic,
    entry: &Entry,
    standing: &Standing,
) -> bool {
    if !can_see(world, topic, standing) {
        return false;
    }
    standing.is_staff()
        || (standing.user_id == Some(entry.user_id)
            && (standing.is_student || standing.is_concluded)
            && may_manage_own(&world.data, topic)
            && lock_for(world, topic, standing).is_none())
}

/// May attach a file to entries or topics of the course.
pub(crate) fn can_attach(data: &Data, home: Home, course_id: u64, standing: &Standing) -> bool {
    let is_allowed = data
        .courses
        .get(&course_id)
        .is_some_and(|c| c.allow_student_forum_attachments);
    match home {
        Home::Course(_) => standing.is_staff() || (standing.is_student && is_allowed),
        Home::Group(_) => {
            standing.is_admin || (is_member(data, home, standing.user_id) && is_allowed)
        }
    }
}

/// May edit the topic.
pub(crate) fn can_update_topic(world: &World, topic: &Topic, standing: &Standing) -> bool {
    if !can_see(world, topic, standing) {
        return false;
    }
    if standing.is_staff() {
        // Staff edit the root, not a group's copy of it (seen live, 520).
        return topic.root_topic_id.is_none() || standing.is_admin;
    }
    is_free_author(world, topic, standing)
}

fn is_free_author(world: &World, topic: &Topic, standing: &Standing) -> bool {
    topic.user_id.is_some()
        && topic.user_id == standing.user_id
        && standing.is_student
        && may_manage_own(&world.data, topic)
        && lock_for(world, topic, standing).is_none()
}

/// May delete the topic; authors only while it has no replies (contract canvas §7.4).
pub(crate) fn can_delete_topic(world: &World, topic: &Topic, standing: &Standing) -> bool {
    standing.is_staff() || (is_free_author(world, topic, standing) && topic.active_count == 0)
}

/// May create topics here.
pub(crate) fn can_create_topic(
    data: &Data,
    home: Home,
    course_id: u64,
    standing: &Standing,
) -> bool {
    match home {
        Home::Group(_) => {
            standing.is_staff() || (standing.is_student && is_member(data, home, standing.user_id))
        }
        Home::Course(_) => {
            standing.is_staff()
                || (standing.is_student
                    && data
                        .courses
                        .get(&course_id)
                        .is_some_and(|c| c.allow_student_discussion_topics))
        }
    }
}

/// Whether any student has an active post in it (then it cannot be unpublished).
pub(crate) fn has_student_posts(data: &Data, topic: &Topic) -> bool {
    let authors: BTreeSet<u64> = data
        .entries_in(topic)
        .filter(|e| !e.is_deleted())
        .map(|e| e.user_id)
        .collect();
    let is_staff = |user: &u64| standing(data, Some(*user), topic.course_id).is_staff();
    !authors.iter().all(is_staff)
        || topic
            .child_ids
            .iter()
            .filter_map(|id| data.topics.get(id))
            .any(|child| has_student_posts(data, child))
}

/// The topic, or why not: 404 when deleted, "not permitted" when hidden.
pub(crate) fn see_topic(
    world: &World,
    topic_id: u64,
    user_id: Option<u64>,
) -> Result<(&Topic, Standing), Fail> {
    let topic = world
        .topic(topic_id)
        .filter(|t| !t.is_deleted())
        .ok_or(Fail::NotFound)?;
    let standing = standing(&world.data, user_id, topic.course_id);
    if can_see(world, topic, &standing) {
        Ok((topic, standing))
    } else {
        Err(Fail::NotPermitted)
    }
}
