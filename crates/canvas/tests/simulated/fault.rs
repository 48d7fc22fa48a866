//! Servers that lose answers, throttle, break and show old states.

use connector::Connector as _;
use model::{Action, Class, CreateKey, Field, Kind, RemoteId, Sighting, Write};
use serde_json::json;

use crate::world::{
    ALL, Mode, World, change, create, html, last, markdown, record, settings, source, topic_record,
    words,
};

/// What is created: the write and the path it goes to.
async fn creates(world: &World) -> Vec<(Write, &'static str)> {
    let topic = world.topic(json!({})).await;
    let parent = world.post("bob", &topic, "<p>root</p>").await;
    let mut reply = create(Kind::Post, &topic, "ap-reply", words("r"));
    reply.parent = Some(parent);
    let mut news = topic_record("N", "n");
    news.announcement = true;
    let course = RemoteId::from("1");
    vec![
        (
            create(Kind::Post, &topic, "ap-entry", words("e")),
            "*/entries",
        ),
        (reply, "*/replies"),
        (
            create(Kind::Topic, &course, "ap-topic", topic_record("T", "t")),
            "*/discussion_topics",
        ),
        (
            create(Kind::Topic, &course, "ap-news", news),
            "*/discussion_topics",
        ),
    ]
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_found_again() {
    for mode in ALL {
        for kind in ["lost_answer", "error_after_commit", "reset_mid_body"] {
            let world = World::empty(mode).await;
            for (write, path) in creates(&world).await {
                world
                    .fault(json!({"kind": kind, "method": "POST", "path": path}))
                    .await;
                let failure = world.refused(&write).await;
                assert_eq!(
                    failure.class,
                    Class::UnknownOutcome,
                    "{mode:?} {kind} {failure}"
                );
                assert!(["SYNC-2107", "SYNC-2108"].contains(&failure.code.as_str()));
                assert_eq!(
                    world.copies(write.key.as_str()).await,
                    1,
                    "a write is sent once"
                );
                let found = world
                    .canvas
                    .find(write.kind, &write.container, &write.key)
                    .await
                    .unwrap();
                let found = found.unwrap_or_else(|| panic!("{mode:?} {kind} {}", write.key));
                assert_eq!(found.key.as_ref(), Some(&write.key));
                assert_eq!(found.parent, write.parent);
                assert!(record(&found).same_content(&write.record), "{found:?}");
                assert_eq!(record(&found).announcement, write.record.announcement);
            }
        }
    }
}

#[tokio::test]
async fn what_was_never_made_is_certainly_not_found() {
    for mode in ALL {
        let world = World::empty(mode).await;
        for (write, path) in creates(&world).await {
            world
                .fault(json!({"kind": "lost_request", "method": "POST", "path": path}))
                .await;
            let failure = world.refused(&write).await;
            assert_eq!(failure.class, Class::UnknownOutcome);
            let find = || world.canvas.find(write.kind, &write.container, &write.key);
            assert_eq!(find().await.unwrap(), None, "{mode:?}");
            world.write(&write).await;
            assert!(find().await.unwrap().is_some());
            let key = CreateKey(format!("{}x", write.key));
            assert_eq!(
                world
                    .canvas
                    .find(write.kind, &write.container, &key)
                    .await
                    .unwrap(),
                None
            );
        }
    }
}

#[tokio::test]
async fn a_search_that_cannot_be_sure_says_so() {
    let world = World::empty(Mode::RestOnly).await;
    let topic = world.topic(json!({})).await;
    let made = world
        .write(&create(Kind::Post, &topic, "ap-1", words("x")))
        .await;
    for (key, is_found) in [("ap-1", true), ("ap-2", false)] {
        world
            .fault(json!({"kind": "view_not_ready", "path": "*/view"}))
            .await;
        let found = world
            .canvas
            .find(Kind::Post, &topic, &CreateKey::from(key))
            .await;
        match found {
            Ok(item) => assert_eq!(
                item.map(|item| item.remote),
                is_found.then(|| made.remote.clone())
            ),
            Err(error) => assert!(!is_found && error.0.class == Class::Transient, "{error}"),
        }
    }
    // A key that somebody copied into other words is not ours to be sure of, but a mark it is.
    let text = "<p>ap-3 in plain words</p>";
    world.post("bob", &topic, text).await;
    let found = world
        .canvas
        .find(Kind::Post, &topic, &CreateKey::from("ap-3"))
        .await
        .unwrap();
    assert_eq!(found, None);
}

#[tokio::test]
async fn throttling_names_the_wait_and_holds_the_other_calls() {
    for mode in ALL {
        let world = World::empty(mode).await;
        let topic = world.topic(json!({})).await;
        world.thread(&topic).await;
        world
            .fault(json!({"kind": "throttle", "method": "POST", "path": "*/entries"}))
            .await;
        let write = create(Kind::Post, &topic, "ap-1", words("x"));
        let failure = world.refused(&write).await;
        assert_eq!(
            (failure.code.as_str(), failure.class),
            ("SYNC-2104", Class::Throttled),
            "{mode:?}"
        );
        let wait = failure.retry_after_ms.unwrap();
        assert!((1_000..=600_000).contains(&wait), "{wait}");
        assert_eq!(world.copies("ap-1").await, 0);
        let before = world.calls();
        let error = world.canvas.thread(&topic).await.unwrap_err();
        assert_eq!(error.0.class, Class::Throttled);
        assert!(error.0.retry_after_ms.unwrap() <= wait);
        assert_eq!(world.calls(), before, "nothing is sent during the pause");
    }
}

#[tokio::test]
async fn a_full_bucket_throttles_in_both_forms() {
    for mode in [Mode::Current, Mode::Old] {
        let world = World::empty(mode).await;
        world
            .control(
                "/bucket",
                json!({"token": "canvas-admin-token", "count": 790}),
            )
            .await;
        let error = world.canvas.probe().await.unwrap_err();
        assert_eq!(error.0.class, Class::Throttled, "{mode:?}: {error}");
        assert!(error.0.retry_after_ms.unwrap() > 10_000, "{error:?}");
    }
}

#[tokio::test]
async fn a_broken_server_is_transient_for_reads_and_unknown_for_writes() {
    for kind in ["bad_gateway", "error_before_commit"] {
        let world = World::empty(Mode::Current).await;
        let topic = world.topic(json!({})).await;
        world.thread(&topic).await;
        world.fault(json!({"kind": kind, "method": "GET"})).await;
        let error = world.canvas.thread(&topic).await.unwrap_err();
        assert_eq!(
            (error.0.code.as_str(), error.0.class),
            ("SYNC-2107", Class::Transient)
        );
        assert!(!error.0.message.contains('<'), "{error}");
        world
            .fault(json!({"kind": kind, "method": "POST", "path": "*/entries"}))
            .await;
        let failure = world
            .refused(&create(Kind::Post, &topic, "ap-1", words("x")))
            .await;
        assert_eq!(failure.class, Class::UnknownOutcome);
    }
}

#[tokio::test]
async fn a_read_survives_one_lost_answer() {
    for mode in ALL {
        let world = World::empty(mode).await;
        let topic = world.topic(json!({})).await;
        world
            .fault(json!({"kind": "lost_answer", "method": "GET"}))
            .await;
        world
            .fault(json!({"kind": "reset_mid_body", "path": "*/view"}))
            .await;
        assert!(matches!(
            world.thread(&topic).await.topic.sighting,
            Sighting::Present(_)
        ));
    }
}

#[tokio::test]
async fn a_dead_token_stops_with_a_remedy() {
    let world = World::empty(Mode::Current).await;
    for token in ["canvas-expired-token", "canvas-revoked-token", "wrong"] {
        let canvas = canvas::Canvas::new(settings(&world.url, token)).unwrap();
        let failure = canvas.probe().await.unwrap_err().0;
        assert_eq!(
            (failure.code.as_str(), failure.class),
            ("SYNC-2101", Class::Configuration)
        );
        assert!(failure.remedy.contains("token"));
        assert!(!format!("{failure}").contains(token));
    }
    let topic = world.topic(json!({})).await;
    world.thread(&topic).await;
    world
        .fault(json!({"kind": "expired_token", "method": "GET"}))
        .await;
    let error = world.canvas.thread(&topic).await.unwrap_err();
    assert_eq!(error.0.class, Class::Configuration);
    let nobody = canvas::Canvas::new(settings("http://127.0.0.1:1", "t")).unwrap();
    let failure = nobody.probe().await.unwrap_err().0;
    assert_eq!(
        (failure.code.as_str(), failure.class),
        ("SYNC-2109", Class::Transient)
    );
    let wrong = canvas::Canvas::new(settings("canvas.example.edu", "t")).unwrap_err();
    assert_eq!(
        (wrong.0.code.as_str(), wrong.0.class),
        ("SYNC-2116", Class::Configuration)
    );
}

#[tokio::test]
async fn a_thread_without_a_view_is_read_page_by_page() {
    for mode in [Mode::Old, Mode::RestOnly] {
        let world = World::empty(mode).await;
        let topic = world.topic(json!({})).await;
        let root = world.post("alice", &topic, "<p>root</p>").await;
        for number in 0..12 {
            let more = json!({"topic": last(&topic), "parent": last(&root), "message": format!("<p>{number}</p>")});
            world.act("bob", "post", more).await;
        }
        world
            .fault(json!({"kind": "view_not_ready", "path": "*/view"}))
            .await;
        let thread = world.thread(&topic).await;
        assert_eq!(thread.posts.len(), 13, "{mode:?}");
        assert!(!thread.is_complete, "tombstones are not in the pages");
        assert_eq!(thread.posts[1].parent, Some(root));
    }
}

#[tokio::test]
async fn a_stale_view_is_confirmed() {
    for mode in [Mode::Old, Mode::RestOnly] {
        let world = World::empty(mode).await;
        let topic = world.topic(json!({})).await;
        let post = world.post("alice", &topic, "<p>old</p>").await;
        world.thread(&topic).await;
        world
            .fault(json!({"kind": "stale_view", "path": "*/view"}))
            .await;
        world.pass(1_000).await;
        world
            .act(
                "alice",
                "edit",
                json!({"entry": last(&post), "message": "<p>new</p>"}),
            )
            .await;
        let seen = world.seen(&topic, &post).await;
        assert_eq!(source(record(&seen)), "<p>new</p>", "{mode:?}");
    }
}

#[tokio::test]
async fn edits_deletes_and_restores_with_a_lost_answer_are_unknown_and_repeatable() {
    let world = World::empty(Mode::Current).await;
    let topic = world.topic(json!({})).await;
    let post = world.post("alice", &topic, "<p>old</p>").await;
    let item = world.seen(&topic, &post).await;
    let edited = record(&item).clone().with(Field::Body, markdown("new"));
    for (action, fields) in [
        (Action::Edit, &[Field::Body][..]),
        (Action::Delete, &[]),
        (Action::Restore, &[]),
    ] {
        let write = change(action, &item, edited.clone(), fields);
        // The mutations go to GraphQL, the deletion to REST.
        world.fault(json!({"kind": "lost_answer", "path": if action == Action::Delete { "*/entries/*" } else { "/api/graphql" }})).await;
        assert_eq!(
            world.refused(&write).await.class,
            Class::UnknownOutcome,
            "{action:?}"
        );
        let again = world.canvas.write(&write).await;
        if action == Action::Restore {
            // It is back already: whatever the second try says, it stays.
            drop(again);
        } else {
            again.unwrap();
        }
    }
    let seen = world.seen(&topic, &post).await;
    assert_eq!(source(record(&seen)), "<p>new</p>");
}

#[tokio::test]
async fn what_is_gone_or_refused_says_so() {
    for mode in ALL {
        let world = World::empty(mode).await;
        let topic = world.topic(json!({})).await;
        let post = world.post("alice", &topic, "<p>x</p>").await;
        let item = world.seen(&topic, &post).await;
        let edit = change(Action::Edit, &item, words("y"), &[Field::Body]);
        world
            .act("alice", "delete", json!({"entry": last(&post)}))
            .await;
        let failure = world.refused(&edit).await;
        assert_eq!(
            (failure.code.as_str(), failure.class),
            ("SYNC-2105", Class::NotFound),
            "{mode:?} {failure}"
        );
        let mut reply = create(Kind::Post, &topic, "ap-1", words("z"));
        reply.parent = Some(post.clone());
        assert_eq!(world.refused(&reply).await.class, Class::NotFound);
        let mut blank = topic_record("N", "");
        blank.announcement = true;
        blank.author = None;
        blank.fields.insert(Field::Body, html(""));
        let mut write = create(Kind::Topic, &RemoteId::from("1"), "no key", blank);
        write.key = CreateKey::from("not a key that can be marked");
        let failure = world.refused(&write).await;
        assert_eq!(
            (failure.code.as_str(), failure.class),
            ("SYNC-2106", Class::Invalid),
            "{failure}"
        );
    }
}
