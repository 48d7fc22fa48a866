//! Everything that can be written, read back by the next look, on every kind of server.

use connector::Connector as _;
use model::{Action, Class, Field, Kind, RemoteId, Sighting, Value, WriteResult};
use serde_json::json;

use crate::world::{
    ALL, Mode, World, canonical, change, create, html, markdown, record, source, topic_record,
    words,
};

/// Bodies with the constructs that servers change when they store and show them.
const BODIES: [&str; 8] = [
    "plain words",
    "# Title\n\nTwo *kinds* of **emphasis** and `code`.\n\n- one\n- two\n  - deeper",
    "a [link](https://example.org/a?b=1&c=2) and <b>tags</b> & ampersands < > \"quotes\"",
    "> quoted\n\nafter",
    "```python\nprint(1 < 2)\n```",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "äöü 中文 🎉 \u{a0}x",
    "inline $x^2$ and\n\n$$\n\\frac{a}{b}\n$$",
];

fn course() -> RemoteId {
    RemoteId::from("1")
}

#[tokio::test]
async fn the_probe_tells_what_each_server_can() {
    for mode in ALL {
        let world = World::empty(mode).await;
        let found = world.canvas.probe().await.unwrap();
        assert_eq!(found, world.canvas.capabilities());
        assert_eq!(found.acting_as, "Ada Admin (user 1)");
        assert_eq!(found.restores_posts, mode == Mode::Current, "{mode:?}");
        assert_eq!(found.keeps_versions, mode == Mode::Current);
        assert_eq!(found.has_feed, mode != Mode::RestOnly);
        assert!(!found.guards_edits && !found.restores_topics);
        assert!(!found.limits.is_empty());
        assert_eq!(world.calls(), 2);
    }
}

#[tokio::test]
async fn courses_are_found_by_id_and_sis_id() {
    for mode in ALL {
        let world = World::empty(mode).await;
        for name in ["1", "sis_course_id:SIS-BIO101", " 1 "] {
            let item = world.canvas.course(name).await.unwrap().unwrap();
            assert_eq!(item.remote, course());
            assert_eq!(
                record(&item).text(Field::Title),
                Some("Introduction to Biology")
            );
        }
        for name in ["99", "sis_course_id:no/../such", "x", ""] {
            assert_eq!(world.canvas.course(name).await.unwrap(), None, "{name}");
        }
    }
}

#[tokio::test]
async fn bodies_come_back_as_they_were_sent() {
    for mode in ALL {
        let world = World::empty(mode).await;
        let topic = world.topic(json!({})).await;
        for (number, raw) in BODIES.iter().enumerate() {
            let key = format!("ap-{number}");
            let sent = words(raw);
            let write = create(Kind::Post, &topic, &key, sent.clone());
            let made = world.write(&write).await;
            assert_eq!(canonical(&made.record), canonical(&sent), "{mode:?}: {raw}");
            assert!(!made.is_attributed);
            let seen = world.seen(&topic, &made.remote).await;
            assert_eq!(
                canonical(record(&seen)),
                canonical(&sent),
                "{mode:?}: {raw}"
            );
            assert_eq!(seen.key, Some(write.key));
            assert!(!source(record(&seen)).contains("data-antiphon"));
            assert_eq!(seen.mark, made.mark);
            assert_eq!(record(&seen).author, made.record.author);
        }
    }
}

#[tokio::test]
async fn a_topic_lives_through_edits_locks_and_pins() {
    for mode in ALL {
        let world = World::empty(mode).await;
        let sent = topic_record("A title & <more>", "hello **all**");
        let made = world
            .write(&create(Kind::Topic, &course(), "ap-t", sent.clone()))
            .await;
        assert!(made.record.same_content(&sent), "{mode:?}: {made:?}");
        let author = made.record.author.clone().unwrap();
        assert_eq!(
            (author.key.as_deref(), author.name.as_str()),
            (Some("2"), "Tina Thomas")
        );

        let thread = world.thread(&made.remote).await;
        assert!(record(&thread.topic).same_content(&sent), "{thread:?}");
        assert!(thread.is_complete && thread.posts.is_empty());
        assert_eq!(thread.topic.key.unwrap().as_str(), "ap-t");

        let mut item = world.thread(&made.remote).await.topic;
        let steps: [(Field, Value); 5] = [
            (Field::Title, Value::Text("Other".to_owned())),
            (Field::Body, markdown("other *words*")),
            (Field::Locked, Value::Flag(true)),
            (Field::Pinned, Value::Flag(true)),
            (Field::Locked, Value::Flag(false)),
        ];
        for (field, value) in steps {
            let wanted = record(&item).clone().with(field, value.clone());
            // Only the named field may be written: the others are stale on purpose.
            let mut stale = wanted
                .clone()
                .with(Field::Title, Value::Text("stale".to_owned()));
            stale.fields.insert(field, value);
            let result = world
                .write(&change(Action::Edit, &item, stale, &[field]))
                .await;
            item = world.thread(&made.remote).await.topic;
            assert!(
                record(&item).same_content(&wanted),
                "{mode:?} {field:?}: {item:?}"
            );
            assert!(result.record.same_content(&wanted));
            assert_eq!(item.key.as_ref().unwrap().as_str(), "ap-t");
        }
        let delete = change(Action::Delete, &item, record(&item).clone(), &[]);
        assert!(world.write(&delete).await.record.deleted);
        // A second deletion is accepted, as the first one's answer may be lost.
        world.write(&delete).await;
        let restore = change(Action::Restore, &item, record(&item).clone(), &[]);
        let failure = world.refused(&restore).await;
        assert_eq!(
            (failure.code.as_str(), failure.class),
            ("SYNC-2112", Class::Invalid)
        );
    }
}

#[tokio::test]
async fn an_edit_of_an_announcement_leaves_its_comments_closed() {
    for mode in ALL {
        let world = World::empty(mode).await;
        let mut sent = topic_record("News", "read this").with(Field::Locked, Value::Flag(true));
        sent.announcement = true;
        let made = world
            .write(&create(Kind::Topic, &course(), "ap-a", sent.clone()))
            .await;
        assert!(
            made.record.announcement && made.record.same_content(&sent),
            "{made:?}"
        );
        assert!(made.is_attributed);
        let item = world.thread(&made.remote).await.topic;
        assert!(record(&item).announcement, "{mode:?}: {item:?}");
        assert_eq!(record(&item).author.clone().unwrap().name, "Tina Thomas");

        let wanted = record(&item)
            .clone()
            .with(Field::Body, markdown("read that"));
        for forgets_expected in [false, true] {
            let mut edit = change(Action::Edit, &item, wanted.clone(), &[Field::Body]);
            if forgets_expected {
                edit.expected = None;
                edit.mark = None;
            }
            let result = world.write(&edit).await;
            assert!(result.record.announcement);
            assert_eq!(result.record.flag(Field::Locked), Some(true));
            let seen = world.thread(&made.remote).await.topic;
            assert!(record(&seen).same_content(&wanted), "{seen:?}");
            assert_eq!(record(&seen).author.clone().unwrap().name, "Tina Thomas");
        }
    }
}

async fn reply(
    world: &World,
    topic: &RemoteId,
    parent: Option<&RemoteId>,
    key: &str,
) -> WriteResult {
    let mut write = create(Kind::Post, topic, key, words(&format!("words of {key}")));
    write.parent = parent.cloned();
    world.write(&write).await
}

#[tokio::test]
async fn replies_nest_and_tombstones_keep_their_children() {
    for mode in ALL {
        let world = World::empty(mode).await;
        let topic = world.topic(json!({})).await;
        let root = reply(&world, &topic, None, "ap-1").await.remote;
        let inner = reply(&world, &topic, Some(&root), "ap-2").await.remote;
        let deep = reply(&world, &topic, Some(&inner), "ap-3").await.remote;
        let item = world.seen(&topic, &inner).await;
        let delete = change(Action::Delete, &item, record(&item).clone(), &[]);
        world.write(&delete).await;

        let thread = world.thread(&topic).await;
        assert!(thread.is_complete, "{mode:?}");
        let shape: Vec<_> = thread
            .posts
            .iter()
            .map(|item| {
                (
                    item.remote.clone(),
                    item.parent.clone(),
                    item.sighting == Sighting::Deleted,
                )
            })
            .collect();
        let expected = [
            (root.clone(), None, false),
            (inner.clone(), Some(root), true),
            (deep, Some(inner.clone()), false),
        ];
        assert_eq!(shape, expected, "{mode:?}");

        let restored = world
            .canvas
            .write(&change(Action::Restore, &item, record(&item).clone(), &[]))
            .await;
        if mode == Mode::Current {
            let restored = restored.unwrap();
            assert_eq!(restored.remote, inner);
            assert!(restored.record.same_content(record(&item)));
            assert!(record(&world.seen(&topic, &inner).await).same_content(record(&item)));
        } else {
            assert_eq!(restored.unwrap_err().0.code, "SYNC-2112");
            assert_eq!(world.seen(&topic, &inner).await.sighting, Sighting::Deleted);
        }
    }
}

#[tokio::test]
async fn an_edit_keeps_what_it_does_not_touch() {
    for mode in ALL {
        let world = World::empty(mode).await;
        let topic = world.topic(json!({})).await;
        let kept =
            "<p style=\"text-align: center;\"><span style=\"color: #ff0000;\">red</span> stays</p>";
        let message = format!("{kept}<p>old words</p>");
        let post = world.post("alice", &topic, &message).await;
        let item = world.seen(&topic, &post).await;
        // As the forum had it from us, with one word changed there.
        let forum = markup::canvas_to_discourse(source(record(&item)), &markup::Context::default());
        let raw = forum.text.replace("old words", "new words");
        assert_ne!(raw, forum.text);
        let edited = record(&item).clone().with(Field::Body, markdown(&raw));
        let result = world
            .write(&change(Action::Edit, &item, edited.clone(), &[Field::Body]))
            .await;
        assert_eq!(canonical(&result.record), canonical(&edited), "{mode:?}");
        let stored = world.row("entries", &post).await;
        let stored = stored["message"].as_str().unwrap();
        assert!(
            stored.contains("color") && stored.contains("new words"),
            "{mode:?}: {stored}"
        );
        // It was no create of ours: it gets no mark.
        assert!(!stored.contains("data-antiphon"), "{stored}");
        let author = result.record.author.unwrap();
        assert_eq!(author.key.as_deref(), Some("3"));
    }
}

#[tokio::test]
async fn a_file_survives_an_edit_or_the_edit_is_refused() {
    for mode in ALL {
        let world = World::empty(mode).await;
        let topic = world.topic(json!({})).await;
        let post = world.post("alice", &topic, "<p>with file</p>").await;
        let entry =
            json!({"entry": crate::world::last(&post), "filename": "a.txt", "content": "x"});
        world.act("alice", "attach", entry).await;
        let item = world.seen(&topic, &post).await;
        let edited = record(&item).clone().with(Field::Body, markdown("edited"));
        let edit = change(Action::Edit, &item, edited, &[Field::Body]);
        for knows_mark in [true, false] {
            let mut edit = edit.clone();
            edit.mark = edit.mark.filter(|_| knows_mark);
            if mode == Mode::Current {
                world.write(&edit).await;
            } else {
                let failure = world.refused(&edit).await;
                assert_eq!(
                    (failure.code.as_str(), failure.class),
                    ("SYNC-2113", Class::Invalid)
                );
            }
            let row = world.row("entries", &post).await;
            assert!(!row["attachment_id"].is_null(), "{mode:?}");
        }
    }
}

#[tokio::test]
async fn a_quote_survives_an_edit() {
    let world = World::empty(Mode::Current).await;
    let topic = world.topic(json!({})).await;
    let root = world.post("alice", &topic, "<p>quote me</p>").await;
    let more = json!({"topic": crate::world::last(&topic), "parent": crate::world::last(&root), "quoted": crate::world::last(&root), "message": "<p>quoting</p>"});
    let made = world.act("bob", "post", more).await;
    let post = RemoteId(format!("{topic}/{}", made["entry_id"]));
    let item = world.seen(&topic, &post).await;
    let edited = record(&item)
        .clone()
        .with(Field::Body, markdown("quoting still"));
    world
        .write(&change(Action::Edit, &item, edited, &[Field::Body]))
        .await;
    let row = world.row("entries", &post).await;
    assert!(!row["quoted_entry_id"].is_null(), "{row}");
}

#[tokio::test]
async fn too_long_words_are_not_sent() {
    let world = World::empty(Mode::Current).await;
    let topic = world.topic(json!({})).await;
    let mark = "<span data-antiphon=\"ap-x\"></span>".len();
    let frame = "<p></p>".len() + mark;
    for (length, fits) in [(65_535 - frame, true), (65_536 - frame, false)] {
        let body = html(&format!("<p>{}</p>", "ä".repeat(length)));
        let mut sent = words("x");
        sent.fields.insert(Field::Body, body);
        let write = create(Kind::Post, &topic, "ap-x", sent);
        let result = world.canvas.write(&write).await;
        match result {
            Ok(_) => assert!(fits),
            Err(error) => {
                assert!(!fits, "{error}");
                assert_eq!(
                    (error.0.code.as_str(), error.0.class),
                    ("SYNC-2111", Class::Invalid)
                );
            }
        }
    }
    let long = topic_record(&"t".repeat(256), "x");
    let failure = world
        .refused(&create(Kind::Topic, &course(), "ap-y", long))
        .await;
    assert_eq!(failure.code, "SYNC-2111");
    assert_eq!(world.copies("ap-y").await, 0);
}

#[tokio::test]
async fn a_thread_costs_two_calls_where_graphql_has_entries() {
    let world = World::empty(Mode::Current).await;
    let topic = world.topic(json!({})).await;
    for number in 0..101 {
        world
            .post("alice", &topic, &format!("<p>{number}</p>"))
            .await;
    }
    world.thread(&topic).await;
    let before = world.calls();
    let thread = world.thread(&topic).await;
    assert_eq!(thread.posts.len(), 101);
    let ids: Vec<_> = thread
        .posts
        .iter()
        .map(|item| item.remote.clone())
        .collect();
    let mut sorted = ids.clone();
    sorted.sort_by_key(|id| crate::world::last(id).parse::<u64>().unwrap());
    assert_eq!(ids, sorted);
    assert_eq!(world.calls() - before, 3);
}

#[tokio::test]
async fn ids_of_others_are_refused_without_a_call() {
    let world = World::empty(Mode::Current).await;
    for topic in ["", "1", "1/2/3", "x/y", "1/2?x=1"] {
        let error = world
            .canvas
            .thread(&RemoteId::from(topic))
            .await
            .unwrap_err();
        assert_eq!(error.0.class, Class::Bug, "{topic}");
    }
    let mut write = create(Kind::Person, &course(), "ap-p", words("x"));
    assert_eq!(world.refused(&write).await.class, Class::Bug);
    write.kind = Kind::Post;
    write.container = RemoteId::from("1/2");
    write.parent = Some(RemoteId::from("../../3"));
    assert_eq!(world.refused(&write).await.class, Class::Bug);
    write.action = Action::Edit;
    assert_eq!(world.refused(&write).await.class, Class::Bug);
    assert_eq!(world.calls(), 0);
}
