//! Records and sightings by example.

use serde_json::{Value as Json, json};

use super::*;

fn check(act: impl FnOnce(Reader<'_>)) {
    let markup = markup::Context::default();
    let key_of = |user| (user == 2).then(|| "c2".to_owned());
    act(Reader {
        service_user: "System",
        markup: std::sync::Arc::new(markup.clone()),
        key_of: &key_of,
    });
}

fn post(changes: &Json) -> Post {
    let mut post = json!({
        "id": 34, "topic_id": 22, "post_number": 1, "post_type": 1, "username": "alice", "name": "Alice Lee",
        "user_id": 2, "raw": "Hello", "created_at": "2026-01-05T13:19:34.880Z",
    });
    for (name, value) in changes.as_object().unwrap() {
        post[name] = value.clone();
    }
    serde_json::from_value(post).unwrap()
}

fn topic(changes: &Json) -> Topic {
    let mut topic = json!({
        "id": 22, "title": "Photosynthesis", "category_id": 5, "archetype": "regular", "visible": true,
        "closed": true, "pinned": false, "pinned_globally": true, "external_id": "ap-1",
        "post_stream": { "posts": [{
            "id": 34, "post_number": 1, "post_type": 1, "username": "alice", "user_id": 2, "raw": "Hello",
        }], "stream": [34] },
    });
    for (name, value) in changes.as_object().unwrap() {
        topic[name] = value.clone();
    }
    serde_json::from_value(topic).unwrap()
}

#[test]
fn a_topic_has_title_body_and_states() {
    check(|reader| {
        let item = reader.topic(&topic(&json!({})), None);
        assert_eq!(item.key.unwrap().as_str(), "ap-1");
        assert_eq!(item.container.unwrap().as_str(), "5");
        let mark = Mark::read(item.mark.as_deref());
        assert_eq!((mark.first_post, mark.is_global_pin), (Some(34), true));
        let Sighting::Present(record) = item.sighting else {
            panic!("it is there")
        };
        assert_eq!(record.text(Field::Title), Some("Photosynthesis"));
        assert_eq!(record.flag(Field::Locked), Some(true));
        assert_eq!(record.flag(Field::Pinned), Some(true));
        assert_eq!(record.body().unwrap().source, "Hello");
        assert_eq!(record.author.unwrap().key.as_deref(), Some("c2"));
    });
}

#[test]
fn what_must_not_be_mirrored_is_withheld_and_what_is_gone_is_deleted() {
    let first = |changes: Json| {
        let mut post = json!({ "id": 34, "post_number": 1, "post_type": 1, "raw": "x" });
        for (name, value) in changes.as_object().unwrap() {
            post[name] = value.clone();
        }
        json!({ "post_stream": { "posts": [post] } })
    };
    let withheld = [
        json!({ "archetype": "private_message", "category_id": null }),
        json!({ "archetype": "private_message", "deleted_at": "2026-01-05T13:19:34.880Z" }),
        json!({ "category_id": null }),
        json!({ "visible": false }),
        json!({ "post_stream": { "posts": [] } }),
        first(json!({ "hidden": true })),
        first(json!({ "deleted_at": "2026-01-05T13:19:34.880Z" })),
        first(json!({ "raw": null })),
        first(json!({ "post_type": 4 })),
    ];
    let deleted = [
        json!({ "deleted_at": "2026-01-05T13:19:34.880Z" }),
        first(json!({ "user_deleted": true })),
    ];
    check(|reader| {
        for changes in &withheld {
            let sighting = reader.topic(&topic(changes), None).sighting;
            assert!(
                matches!(sighting, Sighting::Withheld(_)),
                "{changes}: {sighting:?}"
            );
        }
        for changes in &deleted {
            assert_eq!(
                reader.topic(&topic(changes), None).sighting,
                Sighting::Deleted,
                "{changes}"
            );
        }
    });
}

#[test]
fn the_description_of_a_category_is_withheld() {
    let category: Category =
        serde_json::from_value(json!({ "id": 5, "topic_url": "/t/about-the-course-category/22" }))
            .unwrap();
    check(|reader| {
        let sighting = reader.topic(&topic(&json!({})), Some(&category)).sighting;
        assert!(matches!(sighting, Sighting::Withheld(_)));
    });
}

#[test]
fn an_attribution_is_taken_off_the_service_accounts_posts_only() {
    let dialect = markup::Dialect::DiscourseMarkdown;
    let raw = markup::attribute("Hello", dialect, "Bob Lee", "Canvas");
    check(|reader| {
        let ours = post(&json!({ "username": "system", "user_id": -1, "raw": raw }));
        let (record, stored) = reader.post_record(&ours).unwrap();
        assert_eq!(record.body().unwrap().source, "Hello");
        assert_eq!(stored.as_deref(), Some(raw.as_str()));
        let author = record.author.unwrap();
        assert_eq!((author.name.as_str(), author.key), ("Bob Lee", None));

        let theirs = post(&json!({ "raw": raw }));
        let (record, stored) = reader.post_record(&theirs).unwrap();
        assert_eq!(record.body().unwrap().source, raw);
        assert_eq!(stored, None);
    });
}

#[test]
fn whispers_and_small_actions_are_no_items() {
    check(|reader| {
        for kind in [3, 4, 9] {
            assert_eq!(
                reader.post(&post(&json!({ "post_type": kind })), 22, None),
                None,
                "{kind}"
            );
        }
        assert!(
            reader
                .post(&post(&json!({ "post_type": 2 })), 22, None)
                .is_some()
        );
    });
}
