//! The content at the start: people with fixed ids and tokens, courses, and a seeded term.

mod term;

use crate::bucket::Buckets;
use crate::calllog::CallLog;
use crate::clock::Clock;
use crate::fault::Faults;
use crate::live_event::{Origin, Outbox};
use crate::state::Data;
use crate::state::person::{Course, Enrollment, Section, Token, User};
use crate::switches::Switches;
use crate::world::World;
use crate::{Content, Error, Options, control, snapshot};
use serde_json::{Value, json};
use std::sync::Arc;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Login and full name, in id order. Ids 3 to 10 are the students, 11 the TA.
const PEOPLE: &[(&str, &str)] = &[
    ("admin", "Ada Admin"),
    ("tina", "Tina Thomas"),
    ("alice", "Alice Adams"),
    ("bob", "Bob Brown"),
    ("carol", "Carol Clark"),
    ("dave", "Dave Davis"),
    ("erin", "Erin Evans"),
    ("frank", "Frank Foster"),
    ("grace", "Grace Green"),
    ("heidi", "Heidi Hill"),
    ("ivan", "Ivan Irving"),
];

const COURSES: &[(&str, &str)] = &[
    ("Introduction to Biology", "BIO101"),
    ("World History", "HIS101"),
    ("Calculus I", "MAT101"),
];

fn sortable(name: &str) -> String {
    name.split_once(' ').map_or_else(
        || name.to_owned(),
        |(first, last)| format!("{last}, {first}"),
    )
}

fn add_people(data: &mut Data, count: usize, at: i64) {
    for ((login, name), id) in PEOPLE.iter().take(count).zip(1_u64..) {
        let user = User {
            id,
            name: (*name).to_owned(),
            short_name: (*name).to_owned(),
            sortable_name: sortable(name),
            login: (*login).to_owned(),
            email: Some(format!("{login}@example.edu")),
            sis_user_id: Some(format!("SIS-{}", login.to_uppercase())),
            uuid: data.uuid(),
            created_at: at,
            updated_at: at,
            is_admin: id == 1,
            may_masquerade: id == 1,
            ..User::default()
        };
        data.users.insert(id, user);
    }
}

fn token(user_id: u64) -> Token {
    Token {
        user_id,
        ..Token::default()
    }
}

fn add_tokens(data: &mut Data) {
    let mut add = |name: &str, token: Token| {
        data.tokens.insert(name.to_owned(), token);
    };
    add(
        "canvas-admin-token",
        Token {
            refresh: Some("canvas-admin-refresh".to_owned()),
            ..token(1)
        },
    );
    add("canvas-teacher-token", token(2));
    for number in 1..=8 {
        add(&format!("canvas-student-{number}-token"), token(number + 2));
    }
    add("canvas-ta-token", token(11));
    add(
        "canvas-expired-token",
        Token {
            expires_at: Some(0),
            ..token(1)
        },
    );
    add(
        "canvas-revoked-token",
        Token {
            is_revoked: true,
            ..token(1)
        },
    );
    let scopes = [
        "url:GET|/api/v1/courses/:course_id/discussion_topics",
        "url:GET|/api/v1/courses/:course_id/discussion_topics/:topic_id",
        "url:GET|/api/v1/courses/:course_id/discussion_topics/:topic_id/view",
        "url:GET|/api/v1/courses/:course_id/discussion_topics/:topic_id/entries",
        "url:GET|/api/v1/courses/:course_id/discussion_topics/:topic_id/entry_list",
        "url:POST|/api/v1/courses/:course_id/discussion_topics/:topic_id/entries",
        "url:GET|/api/v1/courses/:course_id/users",
        "url:GET|/api/v1/users/:id",
    ];
    let scopes = Some(scopes.iter().map(|s| (*s).to_owned()).collect());
    add("canvas-scoped-token", Token { scopes, ..token(1) });
    data.tokens
        .retain(|_, t| data.users.contains_key(&t.user_id));
}

fn enroll(data: &mut Data, user_id: u64, place: (u64, u64), kind: &str, at: i64) {
    let id = crate::state::next(&mut data.last.enrollment);
    let row = Enrollment {
        id,
        user_id,
        course_id: place.0,
        section_id: place.1,
        kind: kind.to_owned(),
        state: "active".to_owned(),
        created_at: at,
        updated_at: at,
        ..Enrollment::default()
    };
    data.enrollments.insert(id, row);
}

fn add_course(data: &mut Data, id: u64, students: &[u64], sections: u64, at: i64) {
    let at_index = usize::try_from(id).unwrap_or(1).saturating_sub(1);
    let (name, code) = COURSES.get(at_index).copied().unwrap_or(("Course", "C"));
    let course = Course {
        id,
        name: name.to_owned(),
        code: code.to_owned(),
        uuid: data.uuid(),
        state: "available".to_owned(),
        sis_course_id: Some(format!("SIS-{code}")),
        created_at: at,
        updated_at: at,
        start_at: Some(at),
        allow_student_discussion_editing: true,
        allow_student_discussion_topics: true,
        allow_student_forum_attachments: true,
        ..Course::default()
    };
    data.courses.insert(id, course);
    let mut section_ids = Vec::new();
    for number in 1..=sections {
        let section_id = crate::state::next(&mut data.last.section);
        let section = Section {
            id: section_id,
            course_id: id,
            name: if number == 1 {
                name.to_owned()
            } else {
                format!("Section {number}")
            },
            sis_section_id: Some(format!("SIS-{code}-{number}")),
            created_at: at,
            is_deleted: false,
        };
        data.sections.insert(section_id, section);
        section_ids.push(section_id);
    }
    let first = section_ids.first().copied().unwrap_or(1);
    enroll(data, 2, (id, first), "TeacherEnrollment", at);
    if data.users.contains_key(&11) {
        enroll(data, 11, (id, first), "TaEnrollment", at);
    }
    for (student, section) in students.iter().zip(section_ids.iter().cycle()) {
        enroll(data, *student, (id, *section), "StudentEnrollment", at);
    }
}

fn blank(options: Options) -> World {
    let mut switches = Switches::new(options.profile);
    switches
        .live_events_url
        .clone_from(&options.live_events_url);
    World {
        data: Data::default(),
        profile: options.profile,
        switches,
        clock: Clock::new(Arc::clone(&options.now)),
        buckets: Buckets::default(),
        faults: Faults::default(),
        log: CallLog::default(),
        outbox: Outbox::default(),
        base_url: options.base_url.trim_end_matches('/').to_owned(),
        origin: Origin::default(),
        first: Data::default(),
        options,
    }
}

/// Makes the world that the options ask for.
pub(crate) fn world(options: Options) -> Result<World, Error> {
    let mut world = blank(options);
    if let Some(path) = &world.options.import {
        world.data = snapshot::load(path)?;
    } else {
        let start = world.now().saturating_sub(40 * DAY_MS);
        world.data.last.random = world.options.seed;
        match world.options.content {
            Content::Empty => {
                add_people(&mut world.data, 4, start);
                add_course(&mut world.data, 1, &[3, 4], 1, start);
            }
            Content::Term => {
                add_people(&mut world.data, PEOPLE.len(), start);
                add_course(&mut world.data, 1, &[3, 4, 5, 6, 7, 8, 9, 10], 2, start);
                add_course(&mut world.data, 2, &[3, 4, 5, 6, 7], 2, start);
                add_course(&mut world.data, 3, &[3, 5, 7, 9, 10], 1, start);
            }
        }
        add_tokens(&mut world.data);
        control::reindex(&mut world.data);
        if world.options.content == Content::Term {
            term::fill(&mut world, start);
        }
    }
    world.first = world.data.clone();
    Ok(world)
}

fn role(world: &World, user: &User) -> &'static str {
    if user.is_admin {
        return "admin";
    }
    let kind = world
        .data
        .enrollments
        .values()
        .find(|e| e.user_id == user.id)
        .map(|e| e.kind.as_str());
    match kind {
        Some("TeacherEnrollment") => "teacher",
        Some("TaEnrollment") => "ta",
        Some("DesignerEnrollment") => "designer",
        Some("ObserverEnrollment") => "observer",
        Some(_) => "student",
        None => "none",
    }
}

/// The first line of the sandbox.
pub(crate) fn hello(world: &World) -> Value {
    let data = &world.data;
    let is_usable = |t: &Token| !t.is_revoked && t.expires_at.is_none() && t.scopes.is_none();
    let token_of = |id: u64| {
        data.tokens
            .iter()
            .find(|(_, t)| t.user_id == id && is_usable(t))
            .map(|(name, _)| name)
    };
    let users: Vec<Value> = data
        .users
        .values()
        .map(|u| {
            json!({"id": u.id, "name": u.name, "login": u.login, "sis_user_id": u.sis_user_id,
                   "role": role(world, u), "token": token_of(u.id)})
        })
        .collect();
    let in_role = |course: u64, kind: &str| -> Vec<u64> {
        data.enrollments_in(course)
            .filter(|e| e.kind == kind)
            .map(|e| e.user_id)
            .collect()
    };
    let courses: Vec<Value> = data
        .courses
        .values()
        .map(|c| {
            let sections: Vec<Value> = data
                .sections
                .values()
                .filter(|s| s.course_id == c.id)
                .map(|s| json!({"id": s.id, "name": s.name}))
                .collect();
            json!({"id": c.id, "name": c.name, "sections": sections,
                   "teacher_ids": in_role(c.id, "TeacherEnrollment"),
                   "ta_ids": in_role(c.id, "TaEnrollment"),
                   "student_ids": in_role(c.id, "StudentEnrollment")})
        })
        .collect();
    let admin = data.users.values().find(|u| u.is_admin).map(|u| u.id);
    json!({"url": world.base_url, "token": admin.and_then(token_of), "users": users,
           "courses": courses})
}
