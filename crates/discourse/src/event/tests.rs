//! Deliveries by example.

use model::{Class, Sighting};
use serde_json::{Value, json};

use super::*;

fn read(name: &str, body: &Value, places: &Places) -> Option<Hint> {
    try_read(name, &serde_json::to_vec(body).unwrap(), places).unwrap()
}

fn try_read(name: &str, body: &[u8], places: &Places) -> Result<Option<Hint>, Trouble> {
    let markup = markup::Context::default();
    let reader = Reader {
        service_user: "system",
        markup: std::sync::Arc::new(markup.clone()),
        key_of: &|_| None,
    };
    interpret(RawEvent { name, body }, &reader, &People::default(), places)
}

fn post(changes: &Value) -> Value {
    let mut post = json!({
        "id": 35, "topic_id": 22, "post_number": 3, "post_type": 1, "username": "alice", "user_id": 2,
        "raw": "Hello", "category_id": 5, "topic_archetype": "regular", "reply_to_post_number": null,
        "deleted_at": null, "user_deleted": false, "hidden": false,
    });
    for (name, value) in changes.as_object().unwrap() {
        post[name] = value.clone();
    }
    json!({ "post": post })
}

#[test]
fn a_reply_is_shown_as_an_item() {
    let hint = read("post_edited", &post(&json!({})), &Places::default()).unwrap();
    assert_eq!(
        (hint.topic.as_str(), hint.course.unwrap().as_str()),
        ("22", "5")
    );
    let item = hint.item.unwrap();
    assert_eq!((item.remote.as_str(), item.parent), ("35", None));
    assert_eq!(item.container.unwrap().as_str(), "22");
    let Sighting::Present(record) = item.sighting else {
        panic!("it is there")
    };
    assert_eq!(record.body().unwrap().source, "Hello");
}

#[test]
fn what_nobody_may_mirror_gives_no_hint() {
    let places = Places::default();
    let private = json!({ "topic_archetype": "private_message", "category_id": null });
    assert_eq!(read("post_created", &post(&private), &places), None);
    assert_eq!(
        read("post_created", &post(&json!({ "post_type": 4 })), &places),
        None
    );
    let topic = json!({ "topic": { "id": 22, "title": "t", "archetype": "private_message" } });
    assert_eq!(read("topic_created", &topic, &places), None);
    assert_eq!(read("ping", &json!({ "ping": "OK" }), &places), None);
    assert_eq!(read("post_liked", &json!({ "like": {} }), &places), None);
}

#[test]
fn first_posts_and_small_actions_point_at_the_topic_only() {
    for changes in [
        json!({ "post_number": 1 }),
        json!({ "post_type": 3, "action_code": "split_topic" }),
    ] {
        let hint = read("post_created", &post(&changes), &Places::default()).unwrap();
        assert_eq!((hint.topic.as_str(), hint.item), ("22", None), "{changes}");
    }
}

#[test]
fn an_answer_to_an_unknown_post_is_no_item() {
    let places = Places::default();
    let answer = post(&json!({ "reply_to_post_number": 2 }));
    assert_eq!(read("post_created", &answer, &places).unwrap().item, None);
    places.learn(
        34,
        Place {
            topic: 22,
            number: 2,
        },
    );
    let item = read("post_created", &answer, &places)
        .unwrap()
        .item
        .unwrap();
    assert_eq!(item.parent.unwrap().as_str(), "34");
}

#[test]
fn a_body_that_is_not_json_is_invalid() {
    for body in [&b"payload=%7B"[..], b"{}", b"[]", b""] {
        let trouble = try_read("post_created", body, &Places::default()).unwrap_err();
        assert_eq!(
            (trouble.failure.code.as_str(), trouble.failure.class),
            ("SYNC-2316", Class::Invalid)
        );
    }
}

#[test]
fn signatures_of_another_form_are_refused() {
    for header in [
        "",
        "sha256=",
        "sha1=00",
        "sha256=zz",
        &format!("sha256={}", "g".repeat(64)),
    ] {
        assert!(!signature_is_valid(b"secret", b"body", header), "{header}");
    }
}
