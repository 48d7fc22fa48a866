//! The recorded world, and what happened between recordings without being recorded.

use crate::replay::{Stage, token};
use serde_json::{Value, json};

/// Name in the recordings, full name, SIS id; ids count from 1.
const PEOPLE: &[(&str, &str, Option<&str>)] = &[
    ("admin", "Admin One", None),
    ("teacher", "Teacher Tina", None),
    ("alice", "Alice Lee", None),
    ("bob", "Bob Lee", None),
    ("ta", "Tom Assist", None),
    ("dora", "Dora Design", None),
    ("oscar", "Oscar Observer", None),
    ("eve", "Eve Second", Some("SIS-EVE")),
    ("nina", "Nina None", None),
    ("lim", "Lim Teacher", None),
];

/// Addresses were confirmed only after the first hundred recordings.
fn user(id: u64, has_mail: bool) -> Value {
    let (name, full, sis) = PEOPLE[usize::try_from(id).unwrap() - 1];
    let login = match name {
        "teacher" => "tina",
        "ta" => "tom",
        name => name,
    };
    json!({"id": id, "name": full, "short_name": full, "sortable_name": full,
           "login": format!("{login}@example.com"),
           "email": if has_mail { json!(format!("{login}@example.com")) } else { Value::Null },
           "sis_user_id": sis, "is_admin": id == 1, "may_masquerade": id == 1,
           "created_at": 1_795_362_832_000_i64})
}

fn enrollment(id: u64, user: u64, section: u64, kind: &str) -> Value {
    json!({"id": id, "user_id": user, "course_id": 1, "section_id": section,
           "kind": format!("{kind}Enrollment"), "state": "active",
           "associated_user_id": if user == 7 { json!(3) } else { Value::Null },
           "is_limited": user == 10, "created_at": 1_795_362_833_000_i64})
}

fn course(sis: Option<&str>) -> Value {
    json!({"id": 1, "name": "Biology 101", "code": "BIO101", "state": "available",
           "sis_course_id": sis, "created_at": 1_795_362_833_000_i64, "start_at": 1_795_362_833_000_i64,
           "allow_student_discussion_editing": true, "allow_student_discussion_topics": true})
}

/// The world before the first recording: a teacher and two students.
pub async fn world(stage: &Stage) {
    let tokens: serde_json::Map<String, Value> = PEOPLE
        .iter()
        .zip(1..)
        .map(|((name, ..), id)| (token(name), json!({"user_id": id})))
        .collect();
    let rows = json!({
        "clear": true, "users": [user(1, false), user(2, false), user(3, false), user(4, false)],
        "courses": [course(None)],
        "sections": [{"id": 1, "course_id": 1, "name": "Biology 101"}],
        "enrollments": [enrollment(1, 2, 1, "Teacher"), enrollment(2, 3, 1, "Student"),
                        enrollment(3, 4, 1, "Student")],
        "tokens": tokens,
    });
    stage.control("/rows", rows).await;
    // Background jobs did not run there, and the rate limiter is looked at elsewhere.
    stage
        .control(
            "/switches",
            json!({"view_frozen": true, "throttling": false}),
        )
        .await;
    stage.control("/clock", json!({"frozen": true})).await;
}

/// The people, section, groups and second course that came after the first hundred recordings.
async fn enlarge(stage: &Stage) {
    let mut alice = user(3, true);
    alice["sis_user_id"] = json!("SIS-ALICE");
    let mut rows = json!({
        "users": [user(1, true), user(2, true), alice, user(4, true), user(5, true), user(6, true),
                  user(7, true), user(8, true), user(9, true), user(10, true)],
        "courses": [course(Some("SIS-BIO101")), {"id": 2, "name": "Chemistry 1", "code": "CHEM1",
                     "state": "available", "start_at": 1_795_362_833_000_i64}],
        "sections": [{"id": 2, "course_id": 1, "name": "Section 2"}, {"id": 3, "course_id": 2, "name": "Chemistry 1"}],
        "enrollments": [enrollment(4, 5, 1, "Ta"), enrollment(5, 6, 1, "Designer"),
                        enrollment(6, 7, 1, "Observer"), enrollment(7, 8, 2, "Student"),
                        enrollment(8, 10, 2, "Teacher")],
        "group_categories": [{"id": 1, "course_id": 1, "name": "Teams"}],
        "groups": [{"id": 1, "category_id": 1, "course_id": 1, "name": "Team A", "member_ids": [3]},
                   {"id": 2, "category_id": 1, "course_id": 1, "name": "Team B", "member_ids": [4]}],
    });
    for user in [2, 3, 4] {
        let mut row = enrollment(
            100 + user,
            user,
            3,
            if user == 2 { "Teacher" } else { "Student" },
        );
        row["course_id"] = json!(2);
        rows["enrollments"].as_array_mut().unwrap().push(row);
    }
    stage.control("/rows", rows).await;
}

/// Creates a topic with a given number as the teacher.
async fn topic(stage: &Stage, id: u64, body: Value) {
    topic_in(stage, 1, id, body).await;
}

async fn topic_in(stage: &Stage, course: u64, id: u64, mut body: Value) {
    stage.next_id("topic", id).await;
    if body.get("published").is_none() && body.get("is_announcement").is_none() {
        body["published"] = json!(true);
    }
    let path = format!("/api/v1/courses/{course}/discussion_topics");
    let answer = stage.json("POST", &path, "teacher", &body).await;
    assert_eq!(answer.body["id"], id, "{answer:?}");
}

/// Creates an entry with a given number.
async fn entry(stage: &Stage, place: (u64, u64), who: &str, parent: Option<u64>, message: &str) {
    let (topic, id) = place;
    stage.next_id("entry", id).await;
    let tail = parent.map_or_else(String::new, |p| format!("/{p}/replies"));
    let path = format!("/api/v1/courses/1/discussion_topics/{topic}/entries{tail}");
    let answer = stage
        .json("POST", &path, who, &json!({"message": message}))
        .await;
    assert_eq!(answer.body["id"], id, "{answer:?}");
}

/// Any other request that must succeed.
async fn quietly(stage: &Stage, method: &str, path: &str, who: &str, body: Value) {
    let answer = stage.json(method, path, who, &body).await;
    assert!(answer.status < 300, "{method} {path}: {answer:?}");
}

async fn setting(stage: &Stage, name: &str, value: bool) {
    quietly(
        stage,
        "PUT",
        "/api/v1/courses/1/settings",
        "teacher",
        json!({name: value}),
    )
    .await;
}

async fn markers(stage: &Stage) {
    let Some(forms) = crate::fixture::file("marker-forms.json") else {
        return;
    };
    for row in forms["rows"].as_array().unwrap() {
        if let (Some(id), Some(sent)) = (row["id"].as_u64(), row["sent"].as_str())
            && id >= 50
        {
            entry(stage, (10, id), "alice", None, sent).await;
        }
    }
}

/// What is to be done before a recording is sent.
#[expect(clippy::too_many_lines, reason = "a table of steps")]
pub async fn before(stage: &Stage, number: u32) {
    let base = "/api/v1/courses/1/discussion_topics";
    match number {
        7 => topic(stage, 2, json!({"title": "probe", "message": "<p>x</p>"})).await,
        101 => {
            for n in 0..35 {
                let who = if n % 2 == 0 { "alice" } else { "bob" };
                let (parent, word) = if n % 3 == 2 {
                    (Some(13 + n), "nested")
                } else {
                    (None, "entry")
                };
                entry(
                    stage,
                    (9, 14 + n),
                    who,
                    parent,
                    &format!("<p>{word} {n}</p>"),
                )
                .await;
            }
        }
        110 => stage.control("/views/build", json!({})).await,
        201 => enlarge(stage).await,
        202 => markers(stage).await,
        203 => stage.control("/views/build", json!({"topic": 10})).await,
        251 => {
            topic(
                stage,
                11,
                json!({"title": "Corpus", "message": "x", "discussion_type": "threaded"}),
            )
            .await;
            for id in 65..=139 {
                entry(stage, (11, id), "alice", None, "x").await;
            }
            topic(
                stage,
                13,
                json!({"title": "Draft", "message": "<p>x</p>", "published": false}),
            )
            .await;
            for n in 0..3 {
                topic(
                    stage,
                    14 + n,
                    json!({"title": format!("Order {n}"), "message": "<p>x</p>"}),
                )
                .await;
            }
        }
        311 => {
            topic(
                stage,
                17,
                json!({"title": "Masquerade", "message": "<p>x</p>", "discussion_type": "threaded",
                "allow_rating": true}),
            )
            .await;
        }
        337 => {
            quietly(
                stage,
                "PUT",
                &format!("{base}/17"),
                "teacher",
                json!({"locked": true}),
            )
            .await;
        }
        343 => {
            quietly(
                stage,
                "PUT",
                &format!("{base}/17"),
                "teacher",
                json!({"locked": false}),
            )
            .await;
            setting(stage, "allow_student_discussion_editing", false).await;
        }
        346 => setting(stage, "allow_student_discussion_editing", true).await,
        347 => entry(stage, (19, 152), "alice", None, "1").await,
        356 => entry(stage, (20, 157), "alice", None, "1").await,
        364 => entry(stage, (21, 161), "alice", None, "1").await,
        372 => entry(stage, (22, 165), "alice", None, "1").await,
        379 => {
            topic(
                stage,
                23,
                json!({"title": "Deep", "message": "x", "discussion_type": "threaded"}),
            )
            .await;
            entry(stage, (23, 169), "alice", None, "1").await;
            for id in 170..=218 {
                entry(
                    stage,
                    (23, id),
                    "bob",
                    Some(id - 1),
                    &format!("{}", id - 168),
                )
                .await;
            }
        }
        401 => {
            topic(
                stage,
                24,
                json!({"title": "Files", "message": "<p>x</p>", "discussion_type": "threaded"}),
            )
            .await;
        }
        431 => setting(stage, "allow_student_forum_attachments", false).await,
        475 => entry(stage, (38, 229), "bob", None, "<p>by bob</p>").await,
        501 => {
            let fields = json!({"title": "A9", "message": "<p>a</p>", "is_announcement": true, "locked": false});
            topic(stage, 39, fields).await;
        }
        504 => setting(stage, "lock_all_announcements", true).await,
        507 => setting(stage, "lock_all_announcements", false).await,
        538 => {
            topic(
                stage,
                46,
                json!({"title": "Limits", "message": "<p>x</p>", "discussion_type": "threaded"}),
            )
            .await;
            entry(stage, (46, 236), "alice", None, "x").await;
        }
        601 => {
            let fields = json!({"title": "A11", "message": "<p>a</p>", "is_announcement": true, "locked": false});
            topic(stage, 50, fields).await;
        }
        701 => topic_in(stage, 2, 51, json!({"title": "Bulk", "message": "x"})).await,
        721 => tombstones(stage, base).await,
        728 => {
            entry(stage, (187, 6272), "alice", None, "<p>new</p>").await;
            entry(stage, (187, 6273), "bob", Some(6272), "<p>new2</p>").await;
            let path = format!("{base}/187/entries/6273");
            quietly(
                stage,
                "PUT",
                &path,
                "bob",
                json!({"message": "<p>new2 edited</p>"}),
            )
            .await;
            quietly(
                stage,
                "DELETE",
                &format!("{base}/187/entries/6272"),
                "alice",
                Value::Null,
            )
            .await;
        }
        733 => {
            topic(stage, 188, json!({"title": "No rating", "message": "x"})).await;
            entry(stage, (188, 6274), "alice", None, "x").await;
        }
        734 => {
            topic(
                stage,
                189,
                json!({"title": "Grader rating", "message": "x", "allow_rating": true,
                "only_graders_can_rate": true, "sort_by_rating": true}),
            )
            .await;
            entry(stage, (189, 6275), "alice", None, "x").await;
            entry(stage, (189, 6276), "alice", None, "y").await;
        }
        743 => {
            quietly(
                stage,
                "PUT",
                "/api/v1/courses/1/enrollments/3/reactivate",
                "admin",
                Value::Null,
            )
            .await;
        }
        751 => {
            for id in 53..=152 {
                topic_in(
                    stage,
                    2,
                    id,
                    json!({"title": format!("t{id}"), "message": "x"}),
                )
                .await;
            }
        }
        760 => topic(stage, 190, json!({"title": "Dup", "message": "x"})).await,
        _ => {}
    }
}

async fn tombstones(stage: &Stage, base: &str) {
    topic(
        stage,
        187,
        json!({"title": "Tombstones", "message": "<p>x</p>", "discussion_type": "threaded",
        "allow_rating": true}),
    )
    .await;
    entry(stage, (187, 6266), "alice", None, "<p>root1</p>").await;
    entry(stage, (187, 6267), "bob", Some(6266), "<p>reply</p>").await;
    entry(stage, (187, 6268), "alice", Some(6267), "<p>deep</p>").await;
    entry(stage, (187, 6269), "bob", None, "<p>root2</p>").await;
    entry(stage, (187, 6270), "alice", Some(6269), "<p>child2</p>").await;
    for id in [6267, 6269] {
        quietly(
            stage,
            "DELETE",
            &format!("{base}/187/entries/{id}"),
            "bob",
            Value::Null,
        )
        .await;
    }
    quietly(
        stage,
        "PUT",
        &format!("{base}/187/entries/6268"),
        "teacher",
        json!({"message": "<p>edited by teacher</p>"}),
    )
    .await;
    stage.control("/views/build", json!({"topic": 187})).await;
}
