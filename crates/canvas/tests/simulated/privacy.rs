//! What not everyone in the course can read is withheld, and what is gone is told from what is hidden.

use canvas_sim::Content;
use connector::Connector as _;
use model::{Class, RemoteId, Sighting};
use serde_json::json;

use crate::world::{ALL, Mode, World, last, settings};

/// Whether a row of the simulator's database may be mirrored, by its own columns.
fn is_open(row: &serde_json::Value) -> bool {
    let is_null = |key: &str| row.get(key).is_none_or(serde_json::Value::is_null);
    row["state"] == "active"
        && is_null("anonymous_state")
        && is_null("group_category_id")
        && row["is_section_specific"] != true
        && row["require_initial_post"] != true
}

#[tokio::test]
async fn of_a_whole_term_only_open_topics_are_read() {
    for mode in ALL {
        let world = World::new(mode, Content::Term).await;
        let state = world.look("/state").await;
        let (mut open, mut withheld) = (0, 0);
        for (id, row) in state["topics"].as_object().unwrap() {
            let Some(course) = row["home"]["course"]
                .as_u64()
                .or_else(|| row["home"]["Course"].as_u64())
            else {
                continue;
            };
            let topic = RemoteId(format!("{course}/{id}"));
            let thread = world.thread(&topic).await;
            match thread.topic.sighting {
                Sighting::Present(_) => {
                    assert!(is_open(row), "{mode:?}: {row}");
                    assert!(thread.is_complete);
                    open += 1;
                }
                Sighting::Withheld(why) => {
                    assert!(!is_open(row), "{mode:?} {why}: {row}");
                    assert!(thread.posts.is_empty() && !thread.is_complete);
                    withheld += 1;
                }
                other => panic!("{mode:?} {other:?}: {row}"),
            }
        }
        assert!(
            open >= 8 && withheld >= 5,
            "{mode:?}: {open} open, {withheld} withheld"
        );
    }
}

#[tokio::test]
async fn deleted_is_told_from_hidden() {
    for mode in ALL {
        let world = World::empty(mode).await;
        let topic = world.topic(json!({})).await;
        let other = world.topic(json!({})).await;
        world
            .act("tina", "delete_topic", json!({"topic": last(&topic)}))
            .await;
        assert_eq!(
            world.thread(&topic).await.topic.sighting,
            Sighting::Deleted,
            "{mode:?}"
        );
        // Never existed: GraphQL does not know it; an admin who sees the course's topics knows.
        let never = world.thread(&RemoteId::from("1/4711")).await;
        assert_eq!(never.topic.sighting, Sighting::Deleted, "{mode:?}");
        // A student cannot tell a draft from a deletion.
        world
            .act("tina", "unpublish", json!({"topic": last(&other)}))
            .await;
        assert!(matches!(
            world.thread(&other).await.topic.sighting,
            Sighting::Withheld(_)
        ));
        let student = canvas::Canvas::new(settings(&world.url, "canvas-student-1-token")).unwrap();
        let seen = student.thread(&other).await;
        let sighting = seen.map(|thread| thread.topic.sighting);
        assert!(
            matches!(&sighting, Ok(Sighting::Missing))
                || matches!(&sighting, Err(error) if error.0.class == Class::Permission),
            "{mode:?}: {sighting:?}"
        );
    }
}

#[tokio::test]
async fn a_course_that_is_gone_is_an_error_and_no_deletion() {
    for mode in ALL {
        let world = World::empty(mode).await;
        let error = world
            .canvas
            .thread(&RemoteId::from("99/1"))
            .await
            .unwrap_err();
        assert_eq!(
            (error.0.code.as_str(), error.0.class),
            ("SYNC-2105", Class::NotFound)
        );
        let error = world
            .canvas
            .changes(&RemoteId::from("99"), None)
            .await
            .unwrap_err();
        assert_eq!(error.0.class, Class::NotFound, "{mode:?}");
    }
}

#[tokio::test]
async fn before_its_time_a_topic_is_withheld() {
    for mode in ALL {
        let world = World::empty(mode).await;
        let later = world
            .topic(json!({"delayed_post_at": "2040-01-01T00:00:00Z"}))
            .await;
        assert!(
            matches!(
                world.thread(&later).await.topic.sighting,
                Sighting::Withheld(_)
            ),
            "{mode:?}"
        );
        let first = world.topic(json!({"require_initial_post": true})).await;
        world.post("alice", &first, "<p>secret</p>").await;
        let thread = world.thread(&first).await;
        assert!(matches!(thread.topic.sighting, Sighting::Withheld(_)) && thread.posts.is_empty());
    }
}

#[tokio::test]
async fn the_words_of_an_anonymous_topic_never_come() {
    for mode in [Mode::Current, Mode::RestOnly] {
        let world = World::empty(mode).await;
        for state in ["full_anonymity", "partial_anonymity"] {
            let topic = world.topic(json!({"anonymous_state": state})).await;
            let sighting = world.thread(&topic).await.topic.sighting;
            assert!(
                matches!(&sighting, Sighting::Withheld(why) if why.contains("anonymous")),
                "{mode:?} {sighting:?}"
            );
        }
    }
}
