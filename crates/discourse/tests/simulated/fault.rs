//! Lost answers, limits, proxies, people who are faster: what the connector says, and that nothing is made twice.

use api_client::Method;
use connector::Connector;
use model::{Action, Class, Field, Kind, Sighting, Value};
use serde_json::json;

use crate::world::{PROFILES, World, body, change, post, present, reply_of_alice};

fn lost() -> serde_json::Value {
    json!({ "kind": "lost_answer" })
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_found_and_not_repeated() {
    for profile in PROFILES {
        let world = World::start(profile).await;
        let faults = [
            (lost(), "SYNC-2308"),
            (
                json!({ "kind": "bad_gateway", "commit": true }),
                "SYNC-2307",
            ),
        ];
        for (number, (fault, code)) in faults.into_iter().enumerate() {
            let title = format!("A topic that gets lost, number {number}");
            let new = world.new_topic(&format!("ap-t{number}"), &title, "<p>Start</p>");
            world.fault("POST", "/posts", fault.clone()).await;
            let error = world.forum.write(&new).await.unwrap_err();
            assert_eq!(
                (error.0.code.as_str(), error.0.class),
                (code, Class::UnknownOutcome),
                "{profile:?}"
            );
            let found = world
                .forum
                .find(Kind::Topic, &world.course, &new.key)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(present(&found).digest(), new.record.digest());
            assert_eq!(found.key.as_ref(), Some(&new.key));

            let reply =
                reply_of_alice(&found.remote, &format!("ap-p{number}"), "<p>Lost words</p>");
            world.fault("POST", "/posts", fault).await;
            let error = world.forum.write(&reply).await.unwrap_err();
            assert_eq!(error.0.class, Class::UnknownOutcome);
            let item = world
                .forum
                .find(Kind::Post, &found.remote, &reply.key)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(present(&item).digest(), reply.record.digest());
            // Repeated all the same, it leads to the one that is there.
            let again = world.stranger().await.write(&reply).await.unwrap();
            assert_eq!(again.remote, item.remote);
            assert_eq!(world.thread(&found.remote).await.posts.len(), 1);
        }
        let unknown = world
            .forum
            .find(Kind::Topic, &world.course, &"ap-none".into())
            .await
            .unwrap();
        assert_eq!(unknown, None);
    }
}

#[tokio::test]
async fn a_500_after_the_create_leads_to_the_item() {
    for profile in PROFILES {
        let world = World::start(profile).await;
        world
            .fault(
                "POST",
                "/posts",
                json!({ "kind": "error500", "commit": true }),
            )
            .await;
        let made = world
            .topic("ap-t1", "A topic after a stumble", "<p>Start</p>")
            .await;
        world
            .fault(
                "POST",
                "/posts",
                json!({ "kind": "error500", "commit": true }),
            )
            .await;
        let reply = world.reply(&made.remote, "ap-p1", "<p>Words</p>").await;
        let thread = world.thread(&made.remote).await;
        assert_eq!(
            thread
                .posts
                .iter()
                .map(|post| &post.remote)
                .collect::<Vec<_>>(),
            [&reply.remote]
        );
    }
}

#[tokio::test]
async fn a_taken_key_is_found_however_the_server_says_so() {
    for (profile, is_500) in PROFILES
        .into_iter()
        .flat_map(|profile| [(profile, false), (profile, true)])
    {
        let world = World::start(profile).await;
        let switch = json!({ "external_id_taken_is_500": is_500 });
        world.sim(Method::PUT, "switches", switch).await;
        let new = world.new_topic("ap-t1", "A topic made by two at once", "<p>Start</p>");
        let made = world.forum.write(&new).await.unwrap();
        // Past the replay cache, which would answer with the first answer.
        world
            .sim(Method::PUT, "clock", json!({ "advance_s": 130 }))
            .await;
        let again = world.stranger().await.write(&new).await.unwrap();
        assert_eq!(
            (again.remote, again.record.digest()),
            (made.remote, made.record.digest()),
            "{profile:?} {is_500}"
        );
    }
}

#[tokio::test]
async fn lost_answers_to_changes_are_unknown_and_safe_to_repeat() {
    for profile in PROFILES {
        let world = World::start(profile).await;
        let topic = world
            .topic("ap-t1", "A topic with changes", "<p>Start</p>")
            .await;
        let reply = world.reply(&topic.remote, "ap-p1", "<p>Words</p>").await;
        let edit = change(
            Action::Edit,
            Kind::Post,
            &reply,
            &[(Field::Body, body("<p>Other words</p>"))],
        );
        world.fault("PUT", "/posts", lost()).await;
        assert_eq!(
            world.forum.write(&edit).await.unwrap_err().0.class,
            Class::UnknownOutcome
        );
        // It was done: the guard now refuses the old text.
        assert_eq!(
            world.forum.write(&edit).await.unwrap_err().0.class,
            Class::Conflict
        );
        let thread = world.thread(&topic.remote).await;
        let now = crate::world::seen(post(&thread, &reply.remote));
        assert_eq!(now.record.digest(), edit.record.digest());
        let delete = change(Action::Delete, Kind::Post, &now, &[]);
        world.fault("DELETE", "/posts", lost()).await;
        assert_eq!(
            world.forum.write(&delete).await.unwrap_err().0.class,
            Class::UnknownOutcome
        );
        assert!(world.forum.write(&delete).await.unwrap().record.deleted);
        let restore = change(Action::Restore, Kind::Post, &now, &[]);
        world.fault("PUT", "/posts/*/recover", lost()).await;
        assert_eq!(
            world.forum.write(&restore).await.unwrap_err().0.class,
            Class::UnknownOutcome
        );
        assert!(!world.forum.write(&restore).await.unwrap().record.deleted);
        let lock = change(
            Action::Edit,
            Kind::Topic,
            &topic,
            &[(Field::Locked, Value::Flag(true))],
        );
        world.fault("PUT", "/t/*/status", lost()).await;
        assert_eq!(
            world.forum.write(&lock).await.unwrap_err().0.class,
            Class::UnknownOutcome
        );
        assert_eq!(
            present(&world.thread(&topic.remote).await.topic).flag(Field::Locked),
            Some(true)
        );
    }
}

#[tokio::test]
async fn who_is_faster_keeps_the_words() {
    for profile in PROFILES {
        let world = World::start(profile).await;
        let topic = world
            .topic("ap-t1", "A topic in dispute", "<p>Start</p>")
            .await;
        let reply = world.reply(&topic.remote, "ap-p1", "<p>Words</p>").await;
        let edits = [
            (
                change(
                    Action::Edit,
                    Kind::Post,
                    &reply,
                    &[(Field::Body, body("<p>Ours</p>"))],
                ),
                "/posts",
            ),
            (
                change(
                    Action::Edit,
                    Kind::Topic,
                    &topic,
                    &[(Field::Body, body("<p>Ours</p>"))],
                ),
                "/posts",
            ),
        ];
        for (edit, path) in edits {
            world
                .fault(
                    "PUT",
                    path,
                    json!({ "kind": "edit_before", "raw": "Somebody was faster here." }),
                )
                .await;
            let error = world.forum.write(&edit).await.unwrap_err();
            assert_eq!(
                (error.0.code.as_str(), error.0.class),
                ("SYNC-2311", Class::Conflict),
                "{profile:?}"
            );
        }
        let thread = world.thread(&topic.remote).await;
        assert_eq!(
            present(&thread.topic).body().unwrap().source,
            "Somebody was faster here."
        );
        assert_eq!(
            present(&thread.posts[0]).body().unwrap().source,
            "Somebody was faster here."
        );

        // A rename before ours: seen by the server's guard on new servers, by our own look on old ones.
        let rename = [(Field::Title, Value::Text("Our new title for it".to_owned()))];
        let rename = change(Action::Edit, Kind::Topic, &topic, &rename);
        let number: i64 = topic.remote.as_str().parse().unwrap();
        world
            .person(
                "tina",
                "edit_topic",
                json!({ "topic_id": number, "title": "The title that Tina wants" }),
            )
            .await;
        assert_eq!(
            world.forum.write(&rename).await.unwrap_err().0.class,
            Class::Conflict,
            "{profile:?}"
        );
        assert_eq!(
            present(&world.thread(&topic.remote).await.topic).text(Field::Title),
            Some("The title that Tina wants")
        );
        // A delete of what was edited since.
        let delete = change(Action::Delete, Kind::Post, &reply, &[]);
        assert_eq!(
            world.forum.write(&delete).await.unwrap_err().0.class,
            Class::Conflict
        );
    }
}

#[tokio::test]
async fn limits_proxies_and_backups_are_told_apart() {
    let world = World::start(discourse_sim::Profile::Current).await;
    let topic = world
        .topic("ap-t1", "A topic under stress", "<p>Start</p>")
        .await
        .remote;
    for (fault, code, class) in [
        (
            json!({ "kind": "limited", "wait_s": 1 }),
            "SYNC-2304",
            Class::Throttled,
        ),
        (
            json!({ "kind": "limited_by_ip", "wait_s": 1 }),
            "SYNC-2304",
            Class::Throttled,
        ),
        (
            json!({ "kind": "bad_gateway" }),
            "SYNC-2307",
            Class::Transient,
        ),
        (json!({ "kind": "error500" }), "SYNC-2307", Class::Transient),
    ] {
        let forum = world.stranger().await;
        world.fault("GET", "/t", fault.clone()).await;
        let error = forum.thread(&topic).await.unwrap_err();
        assert_eq!(
            (error.0.code.as_str(), error.0.class),
            (code, class),
            "{fault}"
        );
        assert_eq!(error.0.retry_after_ms.is_some(), class == Class::Throttled);
    }
    world
        .sim(Method::PUT, "read_only", json!({ "enabled": true }))
        .await;
    let error = world
        .forum
        .write(&reply_of_alice(&topic, "ap-p1", "<p>Words</p>"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.0.code.as_str(), error.0.class),
        ("SYNC-2314", Class::Transient)
    );
    world
        .sim(Method::PUT, "read_only", json!({ "enabled": false }))
        .await;
    world.reply(&topic, "ap-p1", "<p>Words</p>").await;
}

#[tokio::test]
async fn a_bad_key_stops_and_a_bound_key_names_the_author() {
    for profile in PROFILES {
        let world = World::start(profile).await;
        let topic = world
            .topic("ap-t1", "A topic behind a door", "<p>Start</p>")
            .await
            .remote;
        let error = world.with_key("wrong").probe().await.unwrap_err();
        assert_eq!(
            (error.0.code.as_str(), error.0.class),
            ("SYNC-2301", Class::Configuration)
        );
        world
            .sim(
                Method::POST,
                "keys",
                json!({ "key": "bound", "user_id": -1 }),
            )
            .await;
        let bound = world.with_key("bound");
        let found = bound.probe().await.unwrap();
        assert!(!found.impersonates, "{profile:?}");
        assert_eq!(found.acting_as, "system");
        assert!(
            bound
                .write(&reply_of_alice(&topic, "ap-p1", "<p>Words</p>"))
                .await
                .unwrap()
                .is_attributed
        );
        assert!(world.forum.capabilities().impersonates);
    }
}

#[tokio::test]
async fn the_review_queue_holds_and_is_never_passed_by() {
    for profile in PROFILES {
        let world = World::start(profile).await;
        let topic = world
            .topic("ap-t1", "A topic under review", "<p>Start</p>")
            .await
            .remote;
        world
            .sim(
                Method::PUT,
                "settings",
                json!({ "watched_words_require_approval": "wait" }),
            )
            .await;
        let reply = reply_of_alice(&topic, "ap-p1", "<p>These words wait for somebody.</p>");
        let error = world.forum.write(&reply).await.unwrap_err();
        assert_eq!(
            (error.0.code.as_str(), error.0.class),
            ("SYNC-2312", Class::Guard),
            "{profile:?}"
        );
        assert!(world.thread(&topic).await.posts.is_empty());
        assert_eq!(
            world
                .forum
                .find(Kind::Post, &topic, &reply.key)
                .await
                .unwrap(),
            None
        );
    }
}

#[tokio::test]
async fn short_texts_are_made_but_their_edits_are_refused_with_the_servers_words() {
    for profile in PROFILES {
        let world = World::start_with(profile, &[]).await;
        let topic = world
            .topic("ap-t1", "A topic of few words", "<p>Start</p>")
            .await
            .remote;
        let reply = world.reply(&topic, "ap-p1", "<p>Yes</p>").await;
        let edit = change(
            Action::Edit,
            Kind::Post,
            &reply,
            &[(Field::Body, body("<p>No</p>"))],
        );
        let error = world.forum.write(&edit).await.unwrap_err();
        assert_eq!(
            (error.0.code.as_str(), error.0.class),
            ("SYNC-2306", Class::Invalid),
            "{profile:?}"
        );
        assert!(error.0.message.contains("too short"), "{}", error.0.message);
        assert!(error.0.remedy.contains("min_post_length"));
    }
}

#[tokio::test]
async fn what_is_deleted_is_not_made_again() {
    for profile in PROFILES {
        let world = World::start(profile).await;
        let new = world.new_topic("ap-t1", "A topic that is deleted", "<p>Start</p>");
        let topic = world.forum.write(&new).await.unwrap();
        let reply = reply_of_alice(&topic.remote, "ap-p1", "<p>Words</p>");
        let made = world.forum.write(&reply).await.unwrap();
        world
            .forum
            .write(&change(Action::Delete, Kind::Post, &made, &[]))
            .await
            .unwrap();
        let found = world
            .forum
            .find(Kind::Post, &topic.remote, &reply.key)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.sighting, Sighting::Deleted);
        // The replay cache of 120 seconds would answer an identical create; here its time is over.
        world
            .sim(Method::PUT, "clock", json!({ "advance_s": 130 }))
            .await;
        let again = world.forum.write(&reply).await.unwrap();
        assert_eq!(
            (again.remote, again.record.deleted),
            (made.remote, true),
            "{profile:?}"
        );

        world
            .forum
            .write(&change(Action::Delete, Kind::Topic, &topic, &[]))
            .await
            .unwrap();
        let error = world
            .forum
            .find(Kind::Post, &topic.remote, &reply.key)
            .await
            .unwrap_err();
        assert_eq!(error.0.code, "SYNC-2315", "{profile:?}");
        let late = reply_of_alice(&topic.remote, "ap-p2", "<p>Too late</p>");
        let error = world.forum.write(&late).await.unwrap_err();
        assert_eq!(
            (error.0.code.as_str(), error.0.class),
            ("SYNC-2315", Class::Guard),
            "{profile:?}"
        );
        assert_eq!(
            world
                .forum
                .find(Kind::Topic, &world.course, &new.key)
                .await
                .unwrap(),
            None
        );
        world
            .sim(Method::PUT, "clock", json!({ "advance_s": 130 }))
            .await;
        let error = world.forum.write(&new).await.unwrap_err();
        let held = [
            ("SYNC-2313", Class::Guard),
            ("SYNC-2307", Class::UnknownOutcome),
        ];
        assert!(
            held.contains(&(error.0.code.as_str(), error.0.class)),
            "{profile:?}: {error}"
        );
    }
}
