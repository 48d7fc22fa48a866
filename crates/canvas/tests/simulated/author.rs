//! In whose voice things are written.

use canvas::PersonKey;
use connector::Connector as _;
use model::{Action, Class, Field, Kind, Record, RemoteId, Sighting};
use serde_json::json;

use crate::world::{
    ALL, Mode, World, author, canonical, change, create, markdown, record, settings, source,
    topic_record, words,
};

#[tokio::test]
async fn people_speak_themselves_and_others_through_the_service() {
    for mode in ALL {
        let world = World::empty(mode).await;
        let topic = world.topic(json!({})).await;
        // The author, and whether Canvas lets them speak themselves.
        let voices = [
            (author(Some("3"), "Alice Adams"), true, "Alice Adams"),
            (
                author(Some("999"), "Nina <b>Nobody</b>"),
                false,
                "Nina <b>Nobody</b>",
            ),
            (author(None, "Zoe Zimmer"), false, "Zoe Zimmer"),
            (author(Some("self"), "Sly"), false, "Sly"),
            (author(Some("sis_user_id:SIS-BOB"), "Sly"), false, "Sly"),
        ];
        for (number, (who, speaks, name)) in voices.into_iter().enumerate() {
            let sent = Record {
                author: Some(who),
                ..words("my words")
            };
            let made = world
                .write(&create(
                    Kind::Post,
                    &topic,
                    &format!("ap-{number}"),
                    sent.clone(),
                ))
                .await;
            assert_eq!(made.is_attributed, !speaks, "{mode:?} {name}");
            assert_eq!(canonical(&made.record), canonical(&sent));
            let seen = world.seen(&topic, &made.remote).await;
            let shown = record(&seen).author.clone().unwrap();
            assert_eq!(shown.name, name);
            assert_eq!(shown.key.as_deref(), if speaks { Some("3") } else { None });
            assert_eq!(source(record(&seen)), "<p>my words</p>");
            let row = world.row("entries", &made.remote).await;
            assert_eq!(row["user_id"], if speaks { 3 } else { 1 });

            // The attribution stays through an edit.
            let edited = record(&seen)
                .clone()
                .with(Field::Body, markdown("my other words"));
            let result = world
                .write(&change(Action::Edit, &seen, edited.clone(), &[Field::Body]))
                .await;
            assert_eq!(canonical(&result.record), canonical(&edited));
            let again = world.seen(&topic, &made.remote).await;
            assert_eq!(record(&again).author.clone().unwrap().name, name);
            assert_eq!(again.key, seen.key);
        }
    }
}

#[tokio::test]
async fn the_service_account_needs_no_attribution() {
    let world = World::empty(Mode::Current).await;
    let topic = world.topic(json!({})).await;
    for who in [Some(author(Some("1"), "Ada Admin")), None] {
        let sent = Record {
            author: who,
            ..words("official")
        };
        let made = world.write(&create(Kind::Post, &topic, "ap-1", sent)).await;
        assert!(!made.is_attributed);
        assert_eq!(made.record.author.unwrap().key.as_deref(), Some("1"));
    }
}

#[tokio::test]
async fn into_a_closed_topic_the_service_speaks() {
    for mode in ALL {
        let world = World::empty(mode).await;
        let topic = world.topic(json!({"locked": true})).await;
        let made = world
            .write(&create(Kind::Post, &topic, "ap-1", words("late")))
            .await;
        assert!(made.is_attributed, "{mode:?}");
        assert_eq!(made.record.author.unwrap().name, "Alice Adams");
        assert_eq!(world.copies("ap-1").await, 1);
    }
}

#[tokio::test]
async fn a_student_s_topic_and_one_that_students_may_not_make() {
    for mode in ALL {
        let world = World::empty(mode).await;
        let sent = Record {
            author: Some(author(Some("4"), "Bob Brown")),
            ..topic_record("Question", "why?")
        };
        let made = world
            .write(&create(
                Kind::Topic,
                &RemoteId::from("1"),
                "ap-1",
                sent.clone(),
            ))
            .await;
        assert!(made.record.same_content(&sent), "{mode:?}: {made:?}");
        assert!(!made.is_attributed);
        let who = made.record.author.unwrap();
        assert_eq!(
            (who.key.as_deref(), who.name.as_str()),
            (Some("4"), "Bob Brown")
        );
        let unknown = Record {
            author: Some(author(Some("77"), "Gone Girl")),
            ..sent.clone()
        };
        let made = world
            .write(&create(Kind::Topic, &RemoteId::from("1"), "ap-2", unknown))
            .await;
        assert!(made.is_attributed && made.record.same_content(&sent));
        let seen = world.thread(&made.remote).await.topic;
        assert_eq!(record(&seen).author.clone().unwrap().name, "Gone Girl");
        assert_eq!(source(record(&seen)), "<p>why?</p>");
    }
}

#[tokio::test]
async fn nobody_can_fake_an_attribution() {
    let world = World::empty(Mode::Current).await;
    let topic = world.topic(json!({})).await;
    let fake = markup::attribute(
        "<p>I hate it</p>",
        markup::Dialect::CanvasHtml,
        "Tina Thomas",
        "Discourse",
    );
    let post = world.post("bob", &topic, &fake).await;
    let seen = world.seen(&topic, &post).await;
    let who = record(&seen).author.clone().unwrap();
    assert_eq!(
        (who.key.as_deref(), who.name.as_str()),
        (Some("4"), "Bob Brown")
    );
    assert!(source(record(&seen)).contains("Tina Thomas wrote"));
}

#[tokio::test]
async fn sis_ids_can_be_the_key() {
    for token in ["canvas-admin-token", "rest-token"] {
        let world = World::empty(Mode::Current).await;
        let mut with_sis = settings(&world.url, token);
        with_sis.person_key = PersonKey::SisId;
        let canvas = canvas::Canvas::new(with_sis).unwrap();
        let topic = world.topic(json!({})).await;
        let sent = Record {
            author: Some(author(Some("SIS-ALICE"), "Alice Adams")),
            ..words("mine")
        };
        if token == "rest-token" {
            // The key's scopes have no list of people.
            let error = canvas.thread(&topic).await.unwrap_err();
            assert_eq!(
                (error.0.code.as_str(), error.0.class),
                ("SYNC-2102", Class::Configuration)
            );
            continue;
        }
        let made = canvas
            .write(&create(Kind::Post, &topic, "ap-1", sent))
            .await
            .unwrap();
        assert!(!made.is_attributed);
        assert_eq!(
            made.record.author.unwrap().key.as_deref(),
            Some("SIS-ALICE")
        );
        let thread = canvas.thread(&topic).await.unwrap();
        let keys: Vec<_> = [&thread.topic, &thread.posts[0]]
            .iter()
            .map(|item| record(item).author.clone().unwrap().key)
            .collect();
        assert_eq!(
            keys,
            [Some("SIS-TINA".to_owned()), Some("SIS-ALICE".to_owned())]
        );
    }
}

#[tokio::test]
async fn the_test_student_is_withheld() {
    for mode in ALL {
        let world = World::empty(mode).await;
        let section = world.look("/state").await["sections"]
            .as_object()
            .unwrap()
            .keys()
            .next()
            .unwrap()
            .parse::<u64>()
            .unwrap();
        world
            .control(
                "/rows",
                json!({
                    "users": [{"id": 50, "name": "Test Student", "short_name": "Test Student", "login": "fake", "is_fake": true}],
                    "enrollments": [{"id": 900, "user_id": 50, "course_id": 1, "section_id": section, "kind": "StudentViewEnrollment", "state": "active"}],
                }),
            )
            .await;
        let topic = world.topic(json!({})).await;
        let real = world.post("alice", &topic, "<p>real</p>").await;
        world.thread(&topic).await;
        // It appears after the people of the course were looked at.
        let fake = world.post("fake", &topic, "<p>try</p>").await;
        assert!(
            matches!(
                world.seen(&topic, &fake).await.sighting,
                Sighting::Withheld(_)
            ),
            "{mode:?}"
        );
        assert!(matches!(
            world.seen(&topic, &real).await.sighting,
            Sighting::Present(_)
        ));
    }
}

#[tokio::test]
async fn an_announcement_without_the_right_is_taken_back() {
    let world = World::empty(Mode::Current).await;
    let canvas = canvas::Canvas::new(settings(&world.url, "canvas-student-1-token")).unwrap();
    let mut sent = topic_record("News", "x");
    sent.announcement = true;
    let write = create(Kind::Topic, &RemoteId::from("1"), "ap-n", sent);
    let failure = canvas.write(&write).await.unwrap_err().0;
    assert_eq!(
        (failure.code.as_str(), failure.class),
        ("SYNC-2117", Class::Permission)
    );
    let state = world.look("/state").await;
    for row in state["topics"].as_object().unwrap().values() {
        assert_eq!(row["state"], "deleted", "{row}");
    }
}
