//! What people do in the forum, and which net of the connector catches it.

use std::collections::BTreeSet;

use api_client::Method;
use connector::Connector;
use model::{Field, RemoteId, Sighting};
use serde_json::json;

use crate::world::{PROFILES, World, id, post, present};

/// The topics that the feed reports since a cursor, which moves on.
async fn changed(world: &World, cursor: &mut Option<String>) -> BTreeSet<RemoteId> {
    let changes = world
        .forum
        .changes(&world.course, cursor.as_deref())
        .await
        .unwrap();
    *cursor = Some(changes.cursor);
    let topics: BTreeSet<RemoteId> = changes.topics.iter().cloned().collect();
    assert_eq!(topics.len(), changes.topics.len(), "each once");
    topics
}

#[tokio::test]
async fn new_words_are_found_by_the_feed_and_by_webhooks() {
    for profile in PROFILES {
        let world = World::start(profile).await;
        let mut cursor = None;
        assert!(
            changed(&world, &mut cursor).await.is_empty(),
            "the description is not mirrored"
        );
        let first = world
            .person("alice", "post", json!({ "title": "A topic from the browser", "category": "intro-bio", "raw": "Hello from Alice." }))
            .await;
        let topic = id(&first["topic_id"]);
        assert_eq!(
            changed(&world, &mut cursor).await,
            BTreeSet::from([topic.clone()]),
            "{profile:?}"
        );
        assert!(changed(&world, &mut cursor).await.is_empty());
        let hints = world.hints().await;
        assert!(hints.iter().any(|(name, _)| name == "topic_created"));
        for (name, hint) in hints {
            let hint = hint.unwrap_or_else(|| panic!("{name}"));
            assert_eq!(
                (&hint.topic, hint.course.as_ref(), &hint.item),
                (&topic, Some(&world.course), &None)
            );
        }
        let reply = world
            .person(
                "bob",
                "post",
                json!({ "topic_id": first["topic_id"], "raw": "Hello *back* from Bob." }),
            )
            .await;
        assert_eq!(
            changed(&world, &mut cursor).await,
            BTreeSet::from([topic.clone()])
        );
        let thread = world.thread(&topic).await;
        let item = post(&thread, &id(&reply["id"]));
        assert_eq!(
            present(item).author.as_ref().unwrap().key.as_deref(),
            Some("4")
        );
        let hints = world.hints().await;
        let hinted = hints
            .iter()
            .find_map(|(_, hint)| hint.as_ref()?.item.as_ref())
            .unwrap();
        assert_eq!(hinted.remote, item.remote);
        assert_eq!(
            present(hinted).digest(),
            present(item).digest(),
            "an echo can be told by its digest"
        );

        // Renaming and closing show in the list, edits do not.
        world
            .person(
                "alice",
                "edit_topic",
                json!({ "topic_id": first["topic_id"], "title": "A topic with a new name" }),
            )
            .await;
        assert_eq!(changed(&world, &mut cursor).await.len(), 1);
        world
            .person(
                "admin1",
                "status",
                json!({ "topic_id": first["topic_id"], "status": "closed" }),
            )
            .await;
        assert_eq!(changed(&world, &mut cursor).await.len(), 1);
        let record = present(&world.thread(&topic).await.topic).clone();
        assert_eq!(
            (record.text(Field::Title), record.flag(Field::Locked)),
            (Some("A topic with a new name"), Some(true))
        );
        world.hints().await;
        world
            .person(
                "bob",
                "edit",
                json!({ "post_id": reply["id"], "raw": "Hello back, edited by Bob." }),
            )
            .await;
        let hints = world.hints().await;
        let hinted = hints
            .iter()
            .find_map(|(_, hint)| hint.as_ref()?.item.as_ref())
            .unwrap();
        assert_eq!(
            present(hinted).body().unwrap().source,
            "Hello back, edited by Bob."
        );
    }
}

#[tokio::test]
async fn deletions_are_seen_as_such() {
    for profile in PROFILES {
        let world = World::start(profile).await;
        let topic = world
            .topic("ap-t1", "A thread with deletions", "<p>Start</p>")
            .await
            .remote;
        let mut cursor = None;
        changed(&world, &mut cursor).await;
        let number = |id: &RemoteId| id.as_str().parse::<i64>().unwrap();
        let by_staff = world
            .reply(&topic, "ap-p1", "<p>Staff will delete this</p>")
            .await
            .remote;
        let by_author = world
            .person(
                "bob",
                "post",
                json!({ "topic_id": number(&topic), "raw": "Bob will delete this." }),
            )
            .await;
        changed(&world, &mut cursor).await;
        world.hints().await;
        world
            .person("admin1", "delete", json!({ "post_id": number(&by_staff) }))
            .await;
        assert_eq!(
            changed(&world, &mut cursor).await.len(),
            1,
            "the count falls"
        );
        world
            .person("bob", "delete", json!({ "post_id": by_author["id"] }))
            .await;
        let thread = world.thread(&topic).await;
        for remote in [&by_staff, &id(&by_author["id"])] {
            assert_eq!(
                post(&thread, remote).sighting,
                Sighting::Deleted,
                "{profile:?} {remote}"
            );
        }
        let hints = world.hints().await;
        let deleted = hints.iter().filter(|(name, hint)| {
            let item = hint.as_ref().and_then(|hint| hint.item.as_ref());
            name == "post_destroyed" && item.is_some_and(|item| item.sighting == Sighting::Deleted)
        });
        assert_eq!(deleted.count(), 2, "{profile:?}");

        world
            .person(
                "admin1",
                "delete_topic",
                json!({ "topic_id": number(&topic) }),
            )
            .await;
        assert_eq!(
            changed(&world, &mut cursor).await,
            BTreeSet::from([topic.clone()]),
            "vanished"
        );
        assert!(
            changed(&world, &mut cursor).await.is_empty(),
            "reported once"
        );
        let thread = world.thread(&topic).await;
        assert_eq!(
            (thread.topic.sighting, thread.posts.len()),
            (Sighting::Deleted, 0)
        );
        world
            .person(
                "admin1",
                "recover_topic",
                json!({ "topic_id": number(&topic) }),
            )
            .await;
        assert_eq!(
            changed(&world, &mut cursor).await,
            BTreeSet::from([topic.clone()])
        );
        present(&world.thread(&topic).await.topic);
        let missing = world.thread(&"99999".into()).await;
        assert_eq!(missing.topic.sighting, Sighting::Missing);
    }
}

#[tokio::test]
async fn what_is_not_for_everyone_is_withheld() {
    for profile in PROFILES {
        let world = World::start(profile).await;
        let made = world
            .topic("ap-t1", "A thread with secrets", "<p>Start</p>")
            .await;
        let topic: i64 = made.remote.as_str().parse().unwrap();
        let reply = world
            .reply(&made.remote, "ap-p1", "<p>This will be hidden</p>")
            .await;
        world.hints().await;
        world
            .sim(
                Method::PUT,
                &format!("posts/{}/hidden", reply.remote),
                json!({ "enabled": true }),
            )
            .await;
        let thread = world.thread(&made.remote).await;
        assert!(
            matches!(post(&thread, &reply.remote).sighting, Sighting::Withheld(_)),
            "{profile:?}"
        );

        let whisper =
            json!({ "topic_id": topic, "raw": "Only staff may read this.", "whisper": true });
        let whisper = world.person("admin1", "post", whisper).await;
        let thread = world.thread(&made.remote).await;
        assert_eq!(whisper["post_type"], 4);
        assert!(
            thread
                .posts
                .iter()
                .all(|post| post.remote != id(&whisper["id"])),
            "{profile:?}"
        );
        let message = json!({ "title": "A private message", "recipients": ["bob"], "raw": "Nobody else may read this." });
        let message = world.person("alice", "post", message).await;
        let private = world.thread(&id(&message["topic_id"])).await;
        assert!(matches!(private.topic.sighting, Sighting::Withheld(_)));
        assert!(private.posts.is_empty());
        for (name, hint) in world.hints().await {
            let is_secret = hint
                .as_ref()
                .is_some_and(|hint| hint.topic == id(&message["topic_id"]));
            assert!(!is_secret, "{name} of a private message");
        }
        world
            .person(
                "admin1",
                "status",
                json!({ "topic_id": topic, "status": "visible", "enabled": false }),
            )
            .await;
        let thread = world.thread(&made.remote).await;
        assert!(matches!(thread.topic.sighting, Sighting::Withheld(_)));
        assert!(thread.posts.is_empty() && !thread.is_complete);
    }
}

#[tokio::test]
async fn moved_posts_are_found_where_they_are() {
    for profile in PROFILES {
        let world = World::start(profile).await;
        let made = world
            .topic("ap-t1", "A thread that is split", "<p>Start</p>")
            .await;
        let topic: i64 = made.remote.as_str().parse().unwrap();
        let stays = world
            .reply(&made.remote, "ap-p1", "<p>I stay here</p>")
            .await
            .remote;
        let moves = world
            .reply(&made.remote, "ap-p2", "<p>I am moved</p>")
            .await
            .remote;
        world.hints().await;
        let number: i64 = moves.as_str().parse().unwrap();
        let split = json!({ "topic_id": topic, "post_ids": [number], "title": "The other thread here", "category": "intro-bio" });
        let other = world.person("admin1", "move", split).await;
        let source = world.thread(&made.remote).await;
        assert_eq!(
            source
                .posts
                .iter()
                .map(|post| &post.remote)
                .collect::<Vec<_>>(),
            [&stays],
            "{profile:?}"
        );
        assert!(source.is_complete);
        assert!(
            world
                .hints()
                .await
                .iter()
                .any(|(_, hint)| hint.as_ref().is_some_and(|hint| hint.topic == made.remote))
        );
        let destination = world.thread(&id(&other["topic_id"])).await;
        assert_eq!(
            present(&destination.topic).body().unwrap().source,
            "I am moved"
        );
    }
}

#[tokio::test]
async fn a_long_list_is_read_to_its_end_and_then_only_where_there_is_news() {
    for profile in PROFILES {
        let world = World::start(profile).await;
        for number in 0..130 {
            let topic = json!({ "title": format!("Topic number {number} of many"), "category": "intro-bio", "raw": format!("The text of topic {number}.") });
            world.person("admin1", "post", topic).await;
        }
        let mut cursor = None;
        assert_eq!(changed(&world, &mut cursor).await.len(), 130, "{profile:?}");
        let before = world.listed().await;
        assert!(before >= 2, "more than one page");
        for _ in 0..2 {
            assert!(changed(&world, &mut cursor).await.is_empty());
        }
        assert_eq!(
            world.listed().await - before,
            2,
            "{profile:?}: a quiet look is one page"
        );
        let reply = world
            .person(
                "alice",
                "post",
                json!({ "topic_id": 5, "raw": "A new word on an old topic." }),
            )
            .await;
        assert_eq!(
            changed(&world, &mut cursor).await,
            BTreeSet::from([id(&reply["topic_id"])])
        );
    }
}
