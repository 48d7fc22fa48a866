//! What the connector writes and reads back.

use connector::Connector;
use model::{Action, Field, Kind, Sighting, Value};

use crate::world::{
    PROFILES, World, body, by, change, create, post, present, reply_of_alice, seen,
};

#[tokio::test]
async fn a_topic_lives_through_everything() {
    for profile in PROFILES {
        let world = World::start(profile).await;
        let forum = &world.forum;
        let mut new = world.new_topic(
            "ap-t1",
            "photosynthesis in the dark",
            "<p>Where does it <b>go</b>?</p>",
        );
        new.record = new.record.with(Field::Pinned, Value::Flag(true));
        let made = forum.write(&new).await.unwrap();
        assert_eq!(
            made.record.text(Field::Title),
            Some("Photosynthesis in the dark"),
            "as it was cleaned"
        );
        assert_eq!(made.record.flag(Field::Pinned), Some(true));
        assert_eq!(made.record.flag(Field::Locked), Some(false));
        assert_eq!(made.record.body(), new.record.body(), "{profile:?}");
        assert!(!made.is_attributed);
        assert_eq!(
            made.record.author.as_ref().unwrap().key.as_deref(),
            Some("2")
        );

        let thread = world.thread(&made.remote).await;
        assert!(thread.is_complete && thread.posts.is_empty());
        assert_eq!(thread.topic.key.as_ref().unwrap().as_str(), "ap-t1");
        assert_eq!(thread.topic.container.as_ref(), Some(&world.course));
        assert_eq!(present(&thread.topic).digest(), made.record.digest());

        let title = |text: &str| (Field::Title, Value::Text(text.to_owned()));
        let text = |html: &str| (Field::Body, body(html));
        let flag = |field, on| (field, Value::Flag(on));
        let edits = [
            vec![title("Photosynthesis by night")],
            vec![text("<p>It stays.</p>")],
            vec![
                title("Photosynthesis by day"),
                text("<ul><li>one</li><li>two</li></ul>"),
            ],
            vec![flag(Field::Locked, true)],
            vec![
                flag(Field::Locked, false),
                flag(Field::Pinned, false),
                title("Photosynthesis at dawn"),
            ],
        ];
        let mut now = made;
        for changes in edits {
            let write = change(Action::Edit, Kind::Topic, &now, &changes);
            now = forum.write(&write).await.unwrap();
            assert!(
                now.record.same_content(&write.record),
                "{profile:?}: {changes:?}: {:?}",
                now.record
            );
            let thread = world.thread(&now.remote).await;
            assert_eq!(
                present(&thread.topic).digest(),
                now.record.digest(),
                "{profile:?}: {changes:?}"
            );
        }

        let gone = forum
            .write(&change(Action::Delete, Kind::Topic, &now, &[]))
            .await
            .unwrap();
        assert!(gone.record.deleted);
        let thread = world.thread(&now.remote).await;
        assert_eq!(
            (thread.topic.sighting, thread.is_complete),
            (Sighting::Deleted, false)
        );
        let again = forum
            .write(&change(Action::Delete, Kind::Topic, &now, &[]))
            .await
            .unwrap();
        assert!(again.record.deleted, "a second delete is no error");
        let back = change(
            Action::Restore,
            Kind::Topic,
            &now,
            &[text("<p>Back again.</p>")],
        );
        let back = forum.write(&back).await.unwrap();
        assert_eq!(back.remote, now.remote);
        assert_eq!(
            Some(present(&world.thread(&now.remote).await.topic).digest()),
            Some(back.record.digest())
        );
        assert_eq!(back.record.body().unwrap().source, "Back again.");
    }
}

#[tokio::test]
async fn replies_nest_change_and_come_back() {
    for profile in PROFILES {
        let world = World::start(profile).await;
        let topic = world
            .topic("ap-t1", "A thread with answers", "<p>Start</p>")
            .await
            .remote;
        let first = world.reply(&topic, "ap-p1", "<p>First</p>").await;
        let mut nested = create(
            Kind::Post,
            &topic,
            "ap-p2",
            by("4", "Bob Stone").with(Field::Body, body("<p>Second</p>")),
        );
        nested.parent = Some(first.remote.clone());
        let second = world.forum.write(&nested).await.unwrap();
        let deep = {
            let mut write = reply_of_alice(&topic, "ap-p3", "<p>Third</p>");
            write.parent = Some(second.remote.clone());
            write
        };
        // A connector that remembers nothing finds the parent's place by itself.
        let third = world.stranger().await.write(&deep).await.unwrap();

        let thread = world.thread(&topic).await;
        assert!(thread.is_complete);
        let shape: Vec<_> = thread
            .posts
            .iter()
            .map(|post| (post.remote.clone(), post.parent.clone()))
            .collect();
        assert_eq!(
            shape,
            [
                (first.remote.clone(), None),
                (second.remote.clone(), Some(first.remote.clone())),
                (third.remote.clone(), Some(second.remote.clone())),
            ]
        );
        let authors: Vec<_> = thread
            .posts
            .iter()
            .map(|post| present(post).author.clone().unwrap().key.unwrap())
            .collect();
        assert_eq!(authors, ["3", "4", "3"]);
        assert_eq!(present(&thread.posts[0]).digest(), first.record.digest());

        let edit = change(
            Action::Edit,
            Kind::Post,
            &second,
            &[(Field::Body, body("<p>Second, <i>edited</i></p>"))],
        );
        let edited = world.forum.write(&edit).await.unwrap();
        assert_eq!(edited.record.body(), edit.record.body());
        let unchanged = world
            .forum
            .write(&change(Action::Edit, Kind::Post, &edited, &[]))
            .await
            .unwrap();
        assert_eq!(unchanged.record.digest(), edited.record.digest());

        let deleted = world
            .forum
            .write(&change(Action::Delete, Kind::Post, &edited, &[]))
            .await
            .unwrap();
        assert!(deleted.record.deleted);
        let thread = world.thread(&topic).await;
        assert_eq!(post(&thread, &second.remote).sighting, Sighting::Deleted);
        assert_eq!(
            post(&thread, &third.remote).parent,
            Some(second.remote.clone()),
            "answers keep their parent"
        );
        assert!(thread.is_complete);
        let restored = world
            .forum
            .write(&change(Action::Restore, Kind::Post, &edited, &[]))
            .await
            .unwrap();
        assert_eq!(
            (restored.remote, restored.record.digest()),
            (second.remote, edited.record.digest())
        );
    }
}

#[tokio::test]
async fn what_is_sent_is_what_is_stored() {
    const BODIES: [&str; 14] = [
        "<p>Plain</p>",
        "<p>Two</p><p>paragraphs &amp; an <code>entity &lt;x&gt;</code></p>",
        "<p>Line<br>break</p>",
        "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>",
        "<ol start=\"3\"><li>three</li><li>four</li></ol>",
        "<table><thead><tr><th>h</th><th>i</th></tr></thead><tbody><tr><td>1</td><td>2 | 3</td></tr></tbody></table>",
        "<pre><code>let x = 1;\n\n  y</code></pre>",
        "<blockquote><p>quoted</p></blockquote>",
        "<h2>Heading</h2><p>#not-a-heading 1. not a list * [not](a-link) $5 and $6</p>",
        "<p>mail @alice and :smile: and [quote] and &#35;tag</p>",
        "<p><a href=\"https://example.org/a?b=c&amp;d=e\">link</a> and https://example.org/bare</p>",
        "<p style=\"text-align: center\"><span style=\"color: red\">red</span> <u>under</u> <del>gone</del></p>",
        "<p>😀 Привет \u{202e}rtl\u{202c} e\u{301}</p>",
        "<p>trailing   blanks   </p><p>&nbsp;</p><p>after an empty one</p>",
    ];
    for profile in PROFILES {
        let world = World::start(profile).await;
        let topic = world
            .topic("ap-t1", "Bodies of every kind", "<p>Start</p>")
            .await
            .remote;
        let mut last = None;
        for (number, html) in BODIES.iter().enumerate() {
            let write = reply_of_alice(&topic, &format!("ap-p{number}"), html);
            let made = world.forum.write(&write).await.unwrap();
            assert_eq!(
                made.record.digest(),
                write.record.digest(),
                "{profile:?}: {html}"
            );
            let thread = world.thread(&topic).await;
            assert_eq!(
                present(post(&thread, &made.remote)).digest(),
                write.record.digest(),
                "{profile:?}: {html}"
            );
            if let Some(before) = last.replace(made) {
                let edit = change(
                    Action::Edit,
                    Kind::Post,
                    &before,
                    &[(Field::Body, body(html))],
                );
                let edited = world.forum.write(&edit).await.unwrap();
                assert_eq!(
                    edited.record.digest(),
                    edit.record.digest(),
                    "{profile:?}: {html}"
                );
            }
        }
    }
}

#[tokio::test]
async fn who_has_no_account_is_named_and_the_name_survives_edits() {
    for profile in PROFILES {
        let world = World::start(profile).await;
        let topic = world
            .topic("ap-t1", "A thread with guests", "<p>Start</p>")
            .await
            .remote;
        // 99 has no account; Bob's is suspended.
        world
            .sim(
                api_client::Method::PUT,
                "users/bob",
                serde_json::json!({ "suspended": true }),
            )
            .await;
        for (key, name) in [("99", "Gu_est *Star*"), ("4", "Bob Stone")] {
            let record = by(key, name).with(Field::Body, body("<p>Hello</p>"));
            let write = create(Kind::Post, &topic, &format!("ap-g{key}"), record);
            let made = world.forum.write(&write).await.unwrap();
            assert!(made.is_attributed, "{profile:?}");
            assert_eq!(made.record.digest(), write.record.digest());
            let thread = world.thread(&topic).await;
            let item = post(&thread, &made.remote);
            assert_eq!(present(item).author.as_ref().unwrap().name, name);
            let edit = change(
                Action::Edit,
                Kind::Post,
                &seen(item),
                &[(Field::Body, body("<p>Bye</p>"))],
            );
            let edited = world.forum.write(&edit).await.unwrap();
            assert_eq!(edited.record.digest(), edit.record.digest());
            let thread = world.thread(&topic).await;
            let record = present(post(&thread, &made.remote));
            assert_eq!(record.digest(), edited.record.digest());
            assert_eq!(record.author.as_ref().unwrap().name, name);
        }
        let raw = world
            .sim(
                api_client::Method::GET,
                &format!("topics/{topic}"),
                serde_json::Value::Null,
            )
            .await;
        assert!(raw.to_string().contains("wrote in Canvas"), "{raw}");
    }
}

#[tokio::test]
async fn the_service_account_answers_in_closed_topics() {
    for profile in PROFILES {
        let world = World::start(profile).await;
        let made = world
            .topic("ap-t1", "A thread to be closed", "<p>Start</p>")
            .await;
        let lock = change(
            Action::Edit,
            Kind::Topic,
            &made,
            &[(Field::Locked, Value::Flag(true))],
        );
        world.forum.write(&lock).await.unwrap();
        let late = world
            .reply(&made.remote, "ap-p1", "<p>Too late for Alice</p>")
            .await;
        assert!(late.is_attributed, "{profile:?}");
    }
}

#[tokio::test]
async fn old_words_keep_their_date_and_few_calls_are_made() {
    let world = World::start(discourse_sim::Profile::Current).await;
    let topic = world
        .topic("ap-t1", "A thread of last year", "<p>Start</p>")
        .await
        .remote;
    let mut write = reply_of_alice(&topic, "ap-p1", "<p>Old</p>");
    write.record.created_at = Some(model::Timestamp(1_700_000_000_123));
    let made = world.forum.write(&write).await.unwrap();
    assert_eq!(made.record.created_at, write.record.created_at);
    world.thread(&topic).await;
    let total = |calls: Vec<(String, u64)>| calls.iter().map(|(_, count)| count).sum::<u64>();
    let before = total(world.forum.calls());
    world
        .forum
        .write(&reply_of_alice(&topic, "ap-p2", "<p>New</p>"))
        .await
        .unwrap();
    assert_eq!(
        total(world.forum.calls()) - before,
        1,
        "a reply is one call"
    );
    let thread = world.thread(&topic).await;
    assert_eq!(
        total(world.forum.calls()) - before,
        2,
        "a thread whose people are known is one call"
    );
    let edit = change(
        Action::Edit,
        Kind::Post,
        &seen(&thread.posts[0]),
        &[(Field::Body, body("<p>Edit</p>"))],
    );
    world.forum.write(&edit).await.unwrap();
    assert_eq!(
        total(world.forum.calls()) - before,
        3,
        "an edit is one call"
    );
}
