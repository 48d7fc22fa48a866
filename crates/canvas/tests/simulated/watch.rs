//! What people do is seen by the next look and by the feed.

use std::sync::{Arc, Mutex};

use api_client::Bytes;
use canvas_sim::Content;
use connector::{Connector as _, RawEvent};
use model::{Field, Kind, RemoteId, Sighting};
use serde_json::json;
use tokio::net::TcpListener;

use crate::world::{ALL, Mode, World, canonical, change, create, last, record, source, words};

/// The topics that changed since the cursor, which moves on.
async fn changed(world: &World, cursor: &mut Option<String>) -> Vec<RemoteId> {
    let course = RemoteId::from("1");
    let changes = world
        .canvas
        .changes(&course, cursor.as_deref())
        .await
        .unwrap();
    *cursor = Some(changes.cursor);
    changes.topics
}

#[tokio::test]
async fn every_deed_is_seen_by_the_feed_once() {
    for mode in [Mode::Current, Mode::Old] {
        let world = World::empty(mode).await;
        let topic = world.topic(json!({})).await;
        let other = world.topic(json!({"is_announcement": true})).await;
        let post = world.post("alice", &topic, "<p>1</p>").await;
        let mut cursor = None;
        assert_eq!(
            changed(&world, &mut cursor).await,
            [topic.clone(), other.clone()]
        );
        assert!(changed(&world, &mut cursor).await.is_empty());
        let (at, entry) = (
            json!({"topic": last(&topic)}),
            json!({"entry": last(&post), "message": "<p>2</p>"}),
        );
        for (deed, more) in [
            ("edit", &entry),
            ("delete", &entry),
            ("pin", &at),
            ("lock", &at),
        ] {
            world.pass(1_000).await;
            let person = if deed == "pin" || deed == "lock" {
                "tina"
            } else {
                "alice"
            };
            world.act(person, deed, more.clone()).await;
            assert_eq!(
                changed(&world, &mut cursor).await,
                std::slice::from_ref(&topic),
                "{mode:?} {deed}"
            );
            assert!(
                changed(&world, &mut cursor).await.is_empty(),
                "{mode:?} {deed}"
            );
        }
        world.pass(1_000).await;
        world
            .act("tina", "delete_topic", json!({"topic": last(&other)}))
            .await;
        assert_eq!(
            changed(&world, &mut cursor).await,
            std::slice::from_ref(&other)
        );
        assert!(changed(&world, &mut cursor).await.is_empty());
        assert_eq!(
            world.thread(&other).await.topic.sighting,
            Sighting::Deleted,
            "{mode:?}"
        );
    }
}

#[tokio::test]
async fn without_graphql_the_feed_sees_what_lists_show() {
    let world = World::empty(Mode::RestOnly).await;
    let topic = world.topic(json!({})).await;
    let other = world.topic(json!({})).await;
    let mut cursor = None;
    assert_eq!(changed(&world, &mut cursor).await.len(), 2);
    world.pass(1_000).await;
    world.post("alice", &topic, "<p>1</p>").await;
    assert_eq!(
        changed(&world, &mut cursor).await,
        std::slice::from_ref(&topic)
    );
    world
        .act(
            "tina",
            "edit_topic",
            json!({"topic": last(&other), "message": "<p>new</p>"}),
        )
        .await;
    assert_eq!(
        changed(&world, &mut cursor).await,
        std::slice::from_ref(&other)
    );
    world
        .act("tina", "delete_topic", json!({"topic": last(&other)}))
        .await;
    assert_eq!(changed(&world, &mut cursor).await, [other]);
    assert!(changed(&world, &mut cursor).await.is_empty());
    // A cursor that nobody can read counts as none.
    cursor = Some("nonsense".to_owned());
    assert_eq!(changed(&world, &mut cursor).await, [topic]);
}

#[tokio::test]
async fn a_feed_of_many_topics_is_whole() {
    for mode in ALL {
        let world = World::empty(mode).await;
        for _ in 0..103 {
            world.topic(json!({})).await;
        }
        let mut cursor = None;
        assert_eq!(changed(&world, &mut cursor).await.len(), 103, "{mode:?}");
        let before = world.calls();
        assert!(changed(&world, &mut cursor).await.is_empty());
        let spent = world.calls() - before;
        let most = match mode {
            Mode::Current => 2,
            // Three pages and one of announcements, and 20 topics per question.
            Mode::Old => 10,
            Mode::RestOnly => 3,
        };
        assert!(spent <= most, "{mode:?} spent {spent}");
    }
}

#[tokio::test]
async fn people_s_edits_and_deletions_show_at_once() {
    for mode in ALL {
        let world = World::empty(mode).await;
        // Views are built a minute late.
        world.switch(json!({"view_lag_ms": 60_000})).await;
        let topic = world.topic(json!({})).await;
        let one = world.post("alice", &topic, "<p>one</p>").await;
        let two = world.post("bob", &topic, "<p>two</p>").await;
        world.control("/views/build", json!({})).await;
        world.pass(1_000).await;
        world
            .act(
                "alice",
                "edit",
                json!({"entry": last(&one), "message": "<p>one, edited</p>"}),
            )
            .await;
        world
            .act("tina", "delete", json!({"entry": last(&two)}))
            .await;
        let three = world.post("bob", &topic, "<p>three</p>").await;
        let thread = world.thread(&topic).await;
        assert!(thread.is_complete, "{mode:?}");
        assert_eq!(
            source(record(&thread.posts[0])),
            "<p>one, edited</p>",
            "{mode:?}"
        );
        let edited = record(&thread.posts[0]);
        assert!(edited.edited_at > edited.created_at);
        assert_eq!(thread.posts[1].sighting, Sighting::Deleted, "{mode:?}");
        assert_eq!(thread.posts[2].remote, three);
        assert_eq!(
            record(&thread.posts[0]).author.clone().unwrap().name,
            "Alice Adams"
        );
    }
}

/// A topic with more entries than one page of ids, and its view as it is now.
async fn long_thread(world: &World) -> RemoteId {
    let topic = world.topic(json!({})).await;
    for number in 0..60 {
        world
            .post("alice", &topic, &format!("<p>{number}</p>"))
            .await;
    }
    world.control("/views/build", json!({})).await;
    topic
}

#[tokio::test]
async fn our_own_edit_is_not_undone_by_an_old_view() {
    for mode in [Mode::Old, Mode::RestOnly] {
        let world = World::empty(mode).await;
        world.switch(json!({"view_frozen": true})).await;
        let topic = long_thread(&world).await;
        let item = world.thread(&topic).await.posts[5].clone();
        world.pass(1_000).await;
        let edited = words("ours");
        world
            .write(&change(
                model::Action::Edit,
                &item,
                edited.clone(),
                &[Field::Body],
            ))
            .await;
        let seen = world.seen(&topic, &item.remote).await;
        assert_eq!(canonical(record(&seen)), canonical(&edited), "{mode:?}");
    }
}

#[tokio::test]
async fn a_settled_view_of_a_long_thread_needs_no_confirmation() {
    let world = World::empty(Mode::Old).await;
    let topic = long_thread(&world).await;
    world.thread(&topic).await;
    let before = world.calls();
    // The answer's own date is months after the simulated clock.
    assert_eq!(world.thread(&topic).await.posts.len(), 60);
    assert_eq!(world.calls() - before, 3);
}

#[tokio::test]
async fn what_the_read_form_adds_is_taken_off() {
    for mode in ALL {
        let world = World::new(mode, Content::Empty).await;
        world
            .switch(json!({"theme_tags": true, "no_verifiers_works": false}))
            .await;
        let topic = world
            .topic(json!({"message": "<p>see <a href=\"/courses/1/pages/home\">home</a></p>"}))
            .await;
        let body = "<p><a href=\"/courses/1/files/1/download?wrap=1\">f</a> <a href=\"https://example.org/x\">e</a></p>";
        let post = world.post("tina", &topic, body).await;
        let thread = world.thread(&topic).await;
        for item in [&thread.topic, &thread.posts[0]] {
            let source = source(record(item));
            for noise in ["data-api", "verifier", "<script", "<link", &world.url] {
                assert!(!source.contains(noise), "{mode:?}: {source}");
            }
        }
        assert_eq!(source(record(&thread.posts[0])), body, "{mode:?}");
        assert_eq!(thread.posts[0].remote, post);
    }
}

/// Collects what Canvas delivers.
async fn receiver() -> (String, Arc<Mutex<Vec<Bytes>>>) {
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&bodies);
    let router = axum::Router::new().fallback(move |body: Bytes| async move {
        kept.lock().unwrap().push(body);
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, bodies)
}

#[tokio::test]
async fn live_events_lead_to_the_topic() {
    let world = World::empty(Mode::Current).await;
    let (url, bodies) = receiver().await;
    world.switch(json!({"live_events_url": url})).await;
    let topic = world.topic(json!({})).await;
    world
        .write(&create(Kind::Post, &topic, "ap-1", words("hi")))
        .await;
    world.post("bob", &topic, "<p>1</p>").await;
    world
        .act("tina", "delete_topic", json!({"topic": last(&topic)}))
        .await;
    world.control("/live-events/deliver", json!({})).await;
    let bodies = bodies.lock().unwrap().clone();
    assert!(bodies.len() >= 4, "{bodies:?}");
    for body in bodies {
        let event = RawEvent {
            name: "canvas",
            body: &body,
        };
        let hint = world.canvas.interpret(event).unwrap().unwrap();
        assert_eq!(hint.topic, topic);
        assert_eq!(hint.course, Some(RemoteId::from("1")));
    }
}
