//! Payloads to items: what is taken off, and what has no words.

use super::*;

fn place() -> TopicId {
    TopicId {
        course: "1".to_owned(),
        topic: "7".to_owned(),
    }
}

/// Translates with service account 2 and person 9 as the Test Student.
fn check(post: &Post, look: impl Fn(&RemoteItem)) {
    let members = Members::default();
    let ctx = markup::Context::default();
    let hosts = ["https://c.edu".to_owned()];
    let reader = Reader {
        service: "2",
        markup: std::sync::Arc::new(ctx.clone()),
        hosts: &hosts,
        person_key: PersonKey::CanvasId,
        members: &members,
    };
    look(&reader.post(&place(), post));
}

fn entry(json: &str, people: &str) -> Post {
    let people: Vec<User> = serde_json::from_str(people).unwrap();
    Post::of_entry(serde_json::from_str(json).unwrap(), &people).unwrap()
}

fn present(item: &RemoteItem) -> &Record {
    match &item.sighting {
        Sighting::Present(record) => record,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_entry_becomes_a_record_without_noise_and_marks() {
    let post = entry(
        r#"{"id":70,"user_id":"3","parent_id":69,"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:05Z","attachment":{"id":5},
            "message":"<p><a href=\"https://c.edu/courses/1/files/2/download?verifier=V\" data-api-endpoint=\"x\">f</a></p><span data-antiphon=\"ap-k\"></span>"}"#,
        r#"[{"id":3,"display_name":"Al"}]"#,
    );
    check(&post, |item| {
        let record = present(item);
        assert_eq!(item.remote, RemoteId::from("1/7/70"));
        assert_eq!(item.parent, Some(RemoteId::from("1/7/69")));
        assert_eq!(item.container, Some(RemoteId::from("1/7")));
        assert_eq!(item.key, Some(CreateKey::from("ap-k")));
        assert_eq!(
            record.body().unwrap().source,
            "<p><a href=\"/courses/1/files/2/download\">f</a></p>"
        );
        let author = record.author.clone().unwrap();
        assert_eq!(
            (author.key.as_deref(), author.name.as_str()),
            (Some("3"), "Al")
        );
        assert_eq!(
            record.edited_at,
            Some(record.created_at.unwrap().plus_ms(5_000))
        );
        let mark = Mark::read(item.mark.as_deref()).unwrap();
        assert_eq!(
            (mark.file.as_deref(), mark.key.as_deref()),
            (Some("5"), Some("ap-k"))
        );
    });
}

#[test]
fn only_the_service_account_can_attribute() {
    let body = markup::attribute("<p>hi</p>", markup::Dialect::CanvasHtml, "Ann", "Discourse");
    for (user, name, source) in [("2", "Ann", "<p>hi</p>"), ("3", "", body.as_str())] {
        let post = Post {
            id: "70".to_owned(),
            author: Some(user.to_owned()),
            message: Some(body.clone()),
            ..Post::default()
        };
        check(&post, |item| {
            let record = present(item);
            assert_eq!(record.body().unwrap().source, source);
            let author = record.author.clone().unwrap();
            assert_eq!(author.name, name);
            assert_eq!(author.key.is_none(), user == "2");
        });
    }
}

#[test]
fn tombstones_test_students_and_anonymous_authors_have_no_words() {
    let gone = entry(
        r#"{"id":1,"deleted":true,"user":{"id":3,"display_name":"Al"},"message":null}"#,
        "[]",
    );
    check(&gone, |item| assert_eq!(item.sighting, Sighting::Deleted));
    let test = entry(
        r#"{"id":1,"user_id":9,"message":"x"}"#,
        r#"[{"id":9,"display_name":"Test","fake_student":true}]"#,
    );
    check(&test, |item| {
        assert!(matches!(item.sighting, Sighting::Withheld(_)));
    });
    let node = r#"{"_id":"1","author":null,"anonymousAuthor":{"id":"x"},"message":"words"}"#;
    let hidden = Post::of_node(serde_json::from_str(node).unwrap()).unwrap();
    check(&hidden, |item| {
        assert!(matches!(item.sighting, Sighting::Withheld(_)));
    });
}
