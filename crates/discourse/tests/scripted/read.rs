//! Threads and look-ups.

use super::*;

#[tokio::test]
async fn a_thread_is_one_call_and_one_for_each_new_author() {
    let script = Script::default();
    let posts = [post(34, 1, "First"), post(35, 2, "Second")];
    for _ in 0..2 {
        script.on("GET", "/t/22.json", 200, &topic(&posts, Some(&[34, 35])));
    }
    script.on("GET", "/c/5/show.json", 200, &category()).on(
        "GET",
        "/admin/users/2.json",
        200,
        &user(),
    );
    let forum = script.start().await;
    let thread = forum.thread(&"22".into()).await.unwrap();
    assert!(thread.is_complete);
    assert_eq!(thread.posts.len(), 1);
    let Sighting::Present(record) = &thread.posts[0].sighting else {
        panic!("{thread:?}")
    };
    assert_eq!(record.author.as_ref().unwrap().key.as_deref(), Some("c2"));
    let again = forum.thread(&"22".into()).await.unwrap();
    assert_eq!(again, thread);
    let asked = script.asked();
    assert_eq!(
        asked.len(),
        4,
        "the category and the user are asked for once"
    );
    for part in ["print=true", "include_raw=1", "show_deleted=true"] {
        assert!(asked[0].query.contains(part), "{}", asked[0].query);
    }
    for request in &asked {
        assert_eq!(request.header("Api-Key"), Some("the-key"));
        assert_eq!(request.header("Api-Username"), Some("system"));
        assert_eq!(request.header("Api-User-External-Id"), None);
    }
    assert_eq!(forum.calls().iter().map(|(_, count)| count).sum::<u64>(), 4);
}

#[tokio::test]
async fn long_topics_are_read_to_the_end_whatever_the_server_says_there() {
    let ends: [Raw; 2] = [
        (404, vec![], NOT_FOUND.to_owned()),
        (
            301,
            vec![("Location", "/t/x/22.json?page=1".to_owned())],
            String::new(),
        ),
    ];
    for end in ends {
        let script = Script::default();
        let mut first = topic(&[post(34, 1, "a"), post(35, 2, "b")], None);
        first["chunk_size"] = json!(2);
        let mut second = topic(&[post(36, 3, "c"), post(37, 4, "d")], None);
        second["chunk_size"] = json!(2);
        script
            .on("GET", "/t/22.json", 200, &first)
            .on("GET", "/t/22.json", 200, &second)
            .add("GET", "/t/22.json", end)
            .on("GET", "/c/5/show.json", 200, &category())
            .on("GET", "/admin/users/2.json", 200, &user());
        let thread = script.start().await.thread(&"22".into()).await.unwrap();
        assert_eq!(thread.posts.len(), 3);
        assert_eq!(script.left(), 0);
    }
}

#[tokio::test]
async fn a_thread_with_a_page_that_is_missing_is_not_complete() {
    let script = Script::default();
    script
        .on(
            "GET",
            "/t/22.json",
            200,
            &topic(&[post(34, 1, "a"), post(35, 2, "b")], Some(&[34, 35, 36])),
        )
        .on("GET", "/t/22.json", 404, &not_found())
        .on("GET", "/c/5/show.json", 200, &category())
        .on("GET", "/admin/users/2.json", 200, &user());
    let thread = script.start().await.thread(&"22".into()).await.unwrap();
    assert_eq!((thread.posts.len(), thread.is_complete), (1, false));
}

#[tokio::test]
async fn small_pages_are_read_when_large_ones_are_refused_or_too_large() {
    let script = Script::default();
    let posts = [post(34, 1, "a")];
    script
        .on("GET", "/t/22.json", 422, &json!({ "errors": ["limit"] }))
        .on("GET", "/t/22.json", 200, &topic(&posts, Some(&[34])))
        .on("GET", "/c/5/show.json", 200, &category())
        .on("GET", "/admin/users/2.json", 200, &user());
    assert!(
        script
            .start()
            .await
            .thread(&"22".into())
            .await
            .unwrap()
            .is_complete
    );
    assert!(!script.asked()[1].query.contains("print"));

    let script = Script::default();
    script
        .on(
            "GET",
            "/t/22.json",
            200,
            &topic(&[post(34, 1, &"a".repeat(5_000))], Some(&[34])),
        )
        .on("GET", "/t/22.json", 200, &topic(&posts, Some(&[34])))
        .on("GET", "/c/5/show.json", 200, &category())
        .on("GET", "/admin/users/2.json", 200, &user());
    assert!(
        script
            .start_with(3_000)
            .await
            .thread(&"22".into())
            .await
            .unwrap()
            .is_complete
    );
}

#[tokio::test]
async fn texts_that_the_topic_left_out_are_asked_for() {
    let script = Script::default();
    let mut bare = post(35, 2, "");
    bare.as_object_mut().unwrap().remove("raw");
    script
        .on(
            "GET",
            "/t/22.json",
            200,
            &topic(&[post(34, 1, "a"), bare], Some(&[34, 35])),
        )
        .on("GET", "/c/5/show.json", 200, &category())
        .on(
            "GET",
            "/t/22/posts.json",
            200,
            &json!({ "post_stream": { "posts": [post(35, 2, "b")] } }),
        )
        .on("GET", "/admin/users/2.json", 200, &user());
    let thread = script.start().await.thread(&"22".into()).await.unwrap();
    let Sighting::Present(record) = &thread.posts[0].sighting else {
        panic!("{thread:?}")
    };
    assert_eq!(record.body().unwrap().source, "b");
}

#[tokio::test]
async fn absence_needs_the_forums_own_words() {
    let script = Script::default();
    script
        .on("GET", "/t/22.json", 404, &not_found())
        .add(
            "GET",
            "/t/22.json",
            (404, vec![], "<html>no such site</html>".to_owned()),
        )
        .add(
            "GET",
            "/t/22.json",
            (
                301,
                vec![("Location", "https://elsewhere/".to_owned())],
                String::new(),
            ),
        );
    let forum = script.start().await;
    let missing = forum.thread(&"22".into()).await.unwrap();
    assert_eq!(
        (missing.topic.sighting, missing.is_complete),
        (Sighting::Missing, false)
    );
    for _ in 0..2 {
        let error = forum.thread(&"22".into()).await.unwrap_err();
        assert_eq!(
            (error.0.code.as_str(), error.0.class),
            ("SYNC-2310", Class::Transient)
        );
    }
}

#[tokio::test]
async fn finding_a_post_reads_it_and_its_parent() {
    let script = Script::default();
    let mut answer = post(36, 3, "Hello there");
    answer["reply_to_post_number"] = json!(2);
    script
        .on(
            "GET",
            "/embed/info.json",
            200,
            &json!({ "topic_id": 22, "post_id": 36 }),
        )
        .on("GET", "/posts/36.json", 200, &answer)
        .on("GET", "/admin/users/2.json", 200, &user())
        .on("GET", "/posts/by_number/22/2.json", 200, &post(35, 2, "b"))
        .on("GET", "/embed/info.json", 404, &not_found());
    let forum = script.start().await;
    let found = forum
        .find(Kind::Post, &"22".into(), &"ap-1".into())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.remote.as_str(), found.parent.unwrap().as_str()),
        ("36", "35")
    );
    assert_eq!(found.key.unwrap().as_str(), "ap-1");
    assert!(
        script.asked()[0]
            .query
            .contains("antiphon.invalid%2Fp%2Fap-1")
    );
    assert_eq!(
        forum
            .find(Kind::Post, &"22".into(), &"ap-1".into())
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn the_look_up_of_a_post_in_a_deleted_topic_is_held_not_repeated() {
    let script = Script::default();
    let mut gone = topic(&[], None);
    gone["deleted_at"] = json!("2026-01-05T13:19:34.880Z");
    script
        .on(
            "GET",
            "/embed/info.json",
            500,
            &json!({ "status": 500, "error": "Internal Server Error" }),
        )
        .on("GET", "/t/22.json", 200, &gone);
    let error = script
        .start()
        .await
        .find(Kind::Post, &"22".into(), &"ap-1".into())
        .await
        .unwrap_err();
    assert_eq!(
        (error.0.code.as_str(), error.0.class),
        ("SYNC-2315", Class::Guard)
    );
}
