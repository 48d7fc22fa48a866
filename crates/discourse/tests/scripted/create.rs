//! Creates: identity, keys, stand-ins, the review queue.

use super::*;

#[tokio::test]
async fn a_reply_is_made_as_its_author_under_its_key() {
    let script = Script::default();
    let mut stored = post(36, 3, "Hello there");
    stored["reply_to_post_number"] = json!(2);
    script
        .on("GET", "/posts/35.json", 200, &post(35, 2, "b"))
        .on("POST", "/posts.json", 200, &stored);
    let forum = script.start().await;
    let write = Write {
        parent: Some("35".into()),
        ..reply(Some("c2"))
    };
    let result = forum.write(&write).await.unwrap();
    assert_eq!(
        (result.remote.as_str(), result.is_attributed),
        ("36", false)
    );
    assert_eq!(result.record.body().unwrap().source, "Hello there");
    assert_eq!(
        result.record.author.unwrap().key.as_deref(),
        Some("c2"),
        "learned from the write"
    );
    let create = &script.asked()[1];
    assert_eq!(create.header("Api-User-External-Id"), Some("c2"));
    assert_eq!(create.header("Api-Username"), None);
    assert_eq!(
        create.body,
        json!({
            "topic_id": 22, "raw": "Hello there", "reply_to_post_number": 2,
            "embed_url": "https://antiphon.invalid/p/ap-1", "created_at": "2026-01-05T13:19:34.880Z",
            "skip_validations": true, "auto_track": false,
        })
    );
}

#[tokio::test]
async fn a_person_who_cannot_be_acted_for_is_named_in_the_text() {
    let attributed = |raw: &str| {
        let mut stored = post(36, 3, raw);
        stored["username"] = json!("system");
        stored["user_id"] = json!(-1);
        stored
    };
    let text = markup::attribute(
        "Hello there",
        markup::Dialect::DiscourseMarkdown,
        "Alice Lee",
        "Canvas",
    );
    let script = Script::default();
    script
        .on("POST", "/posts.json", 403, &forbidden())
        .on("POST", "/posts.json", 200, &attributed(&text))
        // Without a key, and with one that no header can carry, nobody is tried.
        .on("POST", "/posts.json", 200, &attributed(&text))
        .on("POST", "/posts.json", 200, &attributed(&text));
    let forum = script.start().await;
    for key in [Some("c2"), None, Some("schlüssel 2")] {
        let result = forum.write(&reply(key)).await.unwrap();
        assert!(result.is_attributed);
        assert_eq!(result.record.body().unwrap().source, "Hello there");
        assert_eq!(result.record.author.unwrap().name, "Alice Lee");
    }
    let asked = script.asked();
    let service: Vec<_> = asked
        .iter()
        .filter(|request| request.header("Api-Username").is_some())
        .collect();
    assert_eq!((asked.len(), service.len()), (4, 3));
    assert!(
        service
            .iter()
            .all(|request| request.body["raw"] == text.as_str())
    );
}

#[tokio::test]
async fn the_service_account_stands_in_where_the_author_may_not_write_but_never_past_moderation() {
    let refused = json!({ "action": "create_post", "errors": ["Something has gone wrong."] });
    let mut closed = topic(&[], None);
    closed["closed"] = json!(true);
    for (status, seen) in [(404, not_found()), (403, forbidden()), (200, closed)] {
        let script = Script::default();
        script
            .on("POST", "/posts.json", 422, &refused)
            .on("GET", "/embed/info.json", 404, &not_found())
            .on("GET", "/t/22.json", status, &seen)
            .on("POST", "/posts.json", 200, &post(36, 3, "Hello there"));
        script
            .start()
            .await
            .write(&reply(Some("c2")))
            .await
            .unwrap();
        assert_eq!(
            script.asked()[2].header("Api-User-External-Id"),
            Some("c2"),
            "{status}"
        );
    }
    // The topic is open for the author: the text itself was refused.
    let script = Script::default();
    script
        .on("POST", "/posts.json", 422, &refused)
        .on("GET", "/embed/info.json", 404, &not_found())
        .on("GET", "/t/22.json", 200, &topic(&[], None))
        .on("GET", "/t/22.json", 200, &topic(&[], None));
    let error = script
        .start()
        .await
        .write(&reply(Some("c2")))
        .await
        .unwrap_err();
    assert_eq!(
        (error.0.code.as_str(), error.0.class),
        ("SYNC-2306", Class::Invalid)
    );
    // The review queue refused it: no other way is tried.
    let script = Script::default();
    script
        .on(
            "POST",
            "/posts.json",
            422,
            &json!({ "action": "created_post", "errors": [["is blocked"]] }),
        )
        .on("GET", "/embed/info.json", 404, &not_found())
        .on("GET", "/t/22.json", 200, &topic(&[], None));
    let error = script
        .start()
        .await
        .write(&reply(Some("c2")))
        .await
        .unwrap_err();
    assert_eq!(error.0.code, "SYNC-2306");
    assert!(
        error.0.message.contains("is blocked"),
        "{}",
        error.0.message
    );
    assert_eq!(
        script
            .asked()
            .iter()
            .filter(|request| request.method == "POST")
            .count(),
        1
    );
}

#[tokio::test]
async fn a_queued_post_is_held_and_never_sent_again() {
    let script = Script::default();
    script.on(
        "POST",
        "/posts.json",
        200,
        &json!({ "success": true, "action": "enqueued", "pending_count": 1, "pending_post": { "id": 17 } }),
    );
    let error = script
        .start()
        .await
        .write(&reply(Some("c2")))
        .await
        .unwrap_err();
    assert_eq!(
        (error.0.code.as_str(), error.0.class),
        ("SYNC-2312", Class::Guard)
    );
    assert_eq!(script.asked().len(), 1);
}

#[tokio::test]
async fn a_topic_is_made_then_closed_then_read_back() {
    let script = Script::default();
    let mut stored = topic(&[post(34, 1, "First")], Some(&[34]));
    stored["closed"] = json!(true);
    stored["title"] = json!("Photosynthesis, cleaned");
    stored["external_id"] = json!("ap-1");
    script
        .on("POST", "/posts.json", 200, &post(34, 1, "First"))
        .on("PUT", "/t/22/status.json", 200, &json!({ "success": "OK" }))
        .on("GET", "/t/22.json", 200, &stored)
        .on("GET", "/c/5/show.json", 200, &category());
    let write = write(Action::Create, Kind::Topic, topic_record());
    let result = script.start().await.write(&write).await.unwrap();
    assert_eq!(result.remote.as_str(), "22");
    assert_eq!(
        result.record.text(Field::Title),
        Some("Photosynthesis, cleaned")
    );
    assert_eq!(result.record.flag(Field::Locked), Some(true));
    let asked = script.asked();
    assert_eq!(asked[0].body["external_id"], "ap-1");
    assert_eq!(asked[0].body["category"], 5);
    assert_eq!(asked[0].body.get("embed_url"), None);
    assert_eq!(
        asked[1].body,
        json!({ "status": "closed", "enabled": "true" })
    );
    assert_eq!(asked[1].header("Api-Username"), Some("system"));
    assert_eq!(
        asked.len(),
        4,
        "the author is known from the write, and nothing is pinned"
    );
}

#[tokio::test]
async fn what_fails_after_a_create_is_an_unknown_outcome() {
    let script = Script::default();
    script
        .on("POST", "/posts.json", 200, &post(34, 1, "First"))
        .on(
            "PUT",
            "/t/22/status.json",
            429,
            &json!({ "errors": ["wait"], "extras": { "wait_seconds": 24 } }),
        );
    let write = write(Action::Create, Kind::Topic, topic_record());
    let error = script.start().await.write(&write).await.unwrap_err();
    assert_eq!(
        (error.0.class, error.0.retry_after_ms),
        (Class::UnknownOutcome, Some(24_000))
    );
}

#[tokio::test]
async fn a_taken_key_leads_to_the_item_or_is_held() {
    let taken = json!({ "action": "create_post", "errors": ["External has already been taken"] });
    let broken = json!({ "status": 500, "error": "Internal Server Error" });
    let write = write(Action::Create, Kind::Topic, topic_record());
    for (status, refusal) in [(422, &taken), (500, &broken)] {
        let script = Script::default();
        let place = (
            "Location",
            "http://forum/t/photosynthesis/22.json".to_owned(),
        );
        script
            .on("POST", "/posts.json", status, refusal)
            .add(
                "GET",
                "/t/external_id/ap-1.json",
                (301, vec![place], String::new()),
            )
            .on(
                "GET",
                "/t/22.json",
                200,
                &topic(&[post(34, 1, "First")], Some(&[34])),
            )
            .on("GET", "/c/5/show.json", 200, &category())
            .on("GET", "/admin/users/2.json", 200, &user());
        assert_eq!(
            script
                .start()
                .await
                .write(&write)
                .await
                .unwrap()
                .remote
                .as_str(),
            "22"
        );
        assert_eq!(
            script
                .asked()
                .iter()
                .filter(|request| request.method == "POST")
                .count(),
            1
        );
    }
    for (status, refusal, code, class) in [
        (422, &taken, "SYNC-2313", Class::Guard),
        (500, &broken, "SYNC-2307", Class::UnknownOutcome),
    ] {
        let script = Script::default();
        script.on("POST", "/posts.json", status, refusal).on(
            "GET",
            "/t/external_id/ap-1.json",
            404,
            &not_found(),
        );
        let error = script.start().await.write(&write).await.unwrap_err();
        assert_eq!((error.0.code.as_str(), error.0.class), (code, class));
    }
}
