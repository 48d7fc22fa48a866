//! Edits and their guards.

use super::*;

#[tokio::test]
async fn an_edit_is_guarded_by_both_names_and_has_a_reason() {
    let script = Script::default();
    script
        .on(
            "PUT",
            "/posts/35.json",
            200,
            &json!({ "post": post(35, 2, "New text") }),
        )
        .on(
            "PUT",
            "/posts/35.json",
            409,
            &json!({ "errors": ["edited"] }),
        );
    let forum = script.start().await;
    let result = forum
        .write(&edit_of_post("Old text", "New text"))
        .await
        .unwrap();
    assert_eq!(result.record.body().unwrap().source, "New text");
    let error = forum
        .write(&edit_of_post("Old text", "New text"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.0.code.as_str(), error.0.class),
        ("SYNC-2311", Class::Conflict)
    );
    let asked = script.asked();
    assert_eq!(
        asked[0].body["post"],
        json!({ "raw": "New text", "raw_old": "Old text", "original_text": "Old text", "edit_reason": "ap-reason-1" })
    );
    assert_eq!(asked[0].header("Api-Username"), Some("system"));
}

#[tokio::test]
async fn an_edit_without_a_stored_text_to_guard_it_reads_first() {
    // The decision was made on a text that is not there any more.
    let script = Script::default();
    script.on(
        "GET",
        "/posts/35.json",
        200,
        &post(35, 2, "Somebody's newer text"),
    );
    let mut edit = edit_of_post("Old text", "New text");
    let expected = Body {
        dialect: Dialect::CanvasHtml,
        source: "<p>Old text</p>".to_owned(),
        canonical: "Old text".to_owned(),
    };
    edit.expected = Some(Record::default().with(Field::Body, Value::Body(expected)));
    let error = script.start().await.write(&edit).await.unwrap_err();
    assert_eq!(error.0.class, Class::Conflict);
    assert_eq!(script.asked().len(), 1);
}

#[tokio::test]
async fn an_attribution_stays_through_an_edit() {
    let dialect = markup::Dialect::DiscourseMarkdown;
    let stored = |text: &str| markup::attribute(text, dialect, "Alice Lee", "Canvas");
    let mut after = post(35, 2, &stored("New text"));
    after["username"] = json!("system");
    after["user_id"] = json!(-1);
    let mut before = after.clone();
    before["raw"] = json!(stored("Old text"));
    let script = Script::default();
    script.on("GET", "/posts/35.json", 200, &before).on(
        "PUT",
        "/posts/35.json",
        200,
        &json!({ "post": after }),
    );
    let forum = script.start().await;
    // The first look gives the mark, as a thread would.
    let mut look = edit_of_post("Old text", "Old text");
    look.mark = None;
    let seen = forum.write(&look).await.unwrap();
    let edit = Write {
        mark: seen.mark,
        ..edit_of_post("Old text", "New text")
    };
    let result = forum.write(&edit).await.unwrap();
    assert_eq!(result.record.body().unwrap().source, "New text");
    let put = &script.asked()[1].body["post"];
    assert_eq!(put["original_text"], stored("Old text"));
    assert_eq!(put["raw"], stored("New text"));
}

#[tokio::test]
async fn a_topics_text_alone_is_one_call() {
    let script = Script::default();
    script.on(
        "PUT",
        "/posts/34.json",
        200,
        &json!({ "post": post(34, 1, "New") }),
    );
    let edit = edit_of_topic(&[(Field::Body, body("New"))]);
    let result = script.start().await.write(&edit).await.unwrap();
    assert_eq!(result.record.body().unwrap().source, "New");
    assert_eq!(
        result.record.text(Field::Title),
        Some("Photosynthesis"),
        "the rest is as it was"
    );
    assert_eq!(script.asked().len(), 1);
}

#[tokio::test]
async fn a_title_is_guarded_by_the_server_or_read_first() {
    let rename = edit_of_topic(&[(Field::Title, Value::Text("New title".to_owned()))]);
    let renamed = json!({ "basic_topic": { "id": 22, "title": "New title" } });
    for (version, reads) in [("2026.1.0", 0), ("3.1.0.beta2", 1)] {
        let script = Script::default();
        script
            .on(
                "GET",
                "/about.json",
                200,
                &json!({ "about": { "version": version, "admins": [] } }),
            )
            .on(
                "GET",
                "/session/current.json",
                200,
                &json!({ "current_user": { "username": "system", "admin": true } }),
            )
            .on("GET", "/t/22.json", 200, &{
                let mut now = topic(&[post(34, 1, "First")], Some(&[34]));
                now["closed"] = json!(true);
                now
            })
            .on("GET", "/c/5/show.json", 200, &category())
            .on("GET", "/admin/users/2.json", 200, &user())
            .on("PUT", "/t/-/22.json", 200, &renamed);
        let forum = script.start().await;
        assert_eq!(forum.probe().await.unwrap().version, version);
        let result = forum.write(&rename).await.unwrap();
        assert_eq!(result.record.text(Field::Title), Some("New title"));
        let asked = script.asked();
        assert_eq!(
            asked
                .iter()
                .filter(|request| request.path == "/t/22.json")
                .count(),
            reads,
            "{version}"
        );
        assert_eq!(
            asked.last().unwrap().body,
            json!({ "title": "New title", "original_title": "Photosynthesis" })
        );
    }
    // Renamed by somebody meanwhile.
    let script = Script::default();
    let mut now = topic(&[post(34, 1, "First")], Some(&[34]));
    now["title"] = json!("Somebody's title");
    script
        .on("GET", "/t/22.json", 200, &now)
        .on("GET", "/c/5/show.json", 200, &category())
        .on("GET", "/admin/users/2.json", 200, &user());
    let error = script.start().await.write(&rename).await.unwrap_err();
    assert_eq!(error.0.class, Class::Conflict);
}

#[tokio::test]
async fn a_global_pin_is_undone_as_one() {
    let script = Script::default();
    let mut now = topic(&[post(34, 1, "First")], Some(&[34]));
    now["pinned_globally"] = json!(true);
    now["pinned"] = json!(true);
    script
        .on("GET", "/t/22.json", 200, &now)
        .on("GET", "/c/5/show.json", 200, &category())
        .on("GET", "/admin/users/2.json", 200, &user())
        .on("PUT", "/t/22/status.json", 200, &json!({ "success": "OK" }))
        .on("PUT", "/t/22/status.json", 200, &json!({ "success": "OK" }));
    let mut unpin = edit_of_topic(&[(Field::Pinned, Value::Flag(false))]);
    let expected = topic_record().with(Field::Pinned, Value::Flag(true));
    unpin.expected = Some(expected);
    let result = script.start().await.write(&unpin).await.unwrap();
    assert_eq!(result.record.flag(Field::Pinned), Some(false));
    let states: Vec<Json> = script
        .asked()
        .iter()
        .filter(|asked| asked.method == "PUT")
        .map(|asked| asked.body["status"].clone())
        .collect();
    assert_eq!(states, ["pinned_globally", "pinned"]);
}

#[tokio::test]
async fn a_topic_that_is_gone_or_withheld_is_not_edited() {
    let rename = edit_of_topic(&[(Field::Title, Value::Text("New title".to_owned()))]);
    let states = [
        (
            json!({ "deleted_at": "2026-01-05T13:19:34.880Z" }),
            Class::NotFound,
        ),
        (json!({ "visible": false }), Class::Guard),
    ];
    for (changes, class) in states {
        let mut now = topic(&[post(34, 1, "First")], Some(&[34]));
        for (name, value) in changes.as_object().unwrap() {
            now[name] = value.clone();
        }
        let script = Script::default();
        script
            .on("GET", "/t/22.json", 200, &now)
            .on("GET", "/c/5/show.json", 200, &category())
            .on("GET", "/admin/users/2.json", 200, &user());
        let error = script.start().await.write(&rename).await.unwrap_err();
        assert_eq!(error.0.class, class, "{changes}");
        assert!(script.asked().iter().all(|asked| asked.method == "GET"));
    }
}
