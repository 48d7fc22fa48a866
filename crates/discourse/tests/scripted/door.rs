//! Probe, courses, limits, impossible calls.

use super::*;

#[tokio::test]
async fn the_door_is_checked_at_the_probe() {
    let about = json!({ "about": { "version": "2026.1.0", "admins": [{ "username": "admin1" }] } });
    let session = |admin: bool| json!({ "current_user": { "username": "system", "admin": admin } });
    let script = Script::default();
    script.add("GET", "/about.json", (403, vec![], forbidden().to_string()));
    let error = script.start().await.probe().await.unwrap_err();
    assert_eq!(
        (error.0.code.as_str(), error.0.class),
        ("SYNC-2301", Class::Configuration)
    );

    let script = Script::default();
    script.on("GET", "/about.json", 200, &about).on(
        "GET",
        "/session/current.json",
        200,
        &session(false),
    );
    let error = script.start().await.probe().await.unwrap_err();
    assert_eq!(
        (error.0.code.as_str(), error.0.class),
        ("SYNC-2302", Class::Configuration)
    );

    // A key bound to one user: posts are attributed without trying.
    let script = Script::default();
    script
        .on("GET", "/about.json", 200, &about)
        .on("GET", "/session/current.json", 200, &session(true))
        .on("GET", "/session/current.json", 403, &forbidden())
        .on("POST", "/posts.json", 200, &post(36, 3, "Hello there"));
    let forum = script.start().await;
    let found = forum.probe().await.unwrap();
    assert!(
        !found.impersonates && found.has_feed && found.guards_edits && !found.limits.is_empty()
    );
    assert_eq!(forum.capabilities(), found);
    forum.write(&reply(Some("c2"))).await.unwrap();
    assert_eq!(script.asked()[2].header("Api-Username"), Some("admin1"));
    assert_eq!(script.asked()[3].header("Api-Username"), Some("system"));
}

#[tokio::test]
async fn a_course_is_found_by_id_slug_or_name() {
    let script = Script::default();
    script
        .on("GET", "/c/5/show.json", 200, &category())
        .on("GET", "/c/bio/find_by_slug.json", 200, &category())
        .on("GET", "/c/Bio/find_by_slug.json", 404, &not_found())
        .on(
            "GET",
            "/categories.json",
            200,
            &json!({ "category_list": { "categories": [category()["category"]] } }),
        )
        .on("GET", "/c/6/show.json", 404, &not_found());
    let forum = script.start().await;
    for name in ["5", "bio", "Bio"] {
        let course = forum.course(name).await.unwrap().unwrap();
        assert_eq!(
            (course.kind, course.remote.as_str()),
            (Kind::Course, "5"),
            "{name}"
        );
        let Sighting::Present(record) = course.sighting else {
            panic!("{name}")
        };
        assert_eq!(record.text(Field::Title), Some("Bio"));
    }
    assert_eq!(forum.course("6").await.unwrap(), None);
}

#[tokio::test]
async fn after_a_429_nothing_is_sent_until_the_wait_is_over() {
    let script = Script::default();
    script.add("GET", "/t/22.json", (429, vec![("Retry-After", "9".to_owned())], "Slow down, too many requests from this IP address.\nPlease retry again in 9 seconds.\nError code: ip_10_secs_limit.\n".to_owned()));
    let forum = script.start().await;
    for _ in 0..2 {
        let error = forum.thread(&"22".into()).await.unwrap_err();
        assert_eq!(
            (error.0.code.as_str(), error.0.class),
            ("SYNC-2304", Class::Throttled)
        );
        assert!(
            error
                .0
                .retry_after_ms
                .is_some_and(|ms| ms > 8_000 && ms <= 9_000),
            "{error}"
        );
    }
    assert_eq!(script.asked().len(), 1);
}

#[tokio::test]
async fn kinds_that_are_not_written_here_are_our_mistake() {
    let forum = Script::default().start().await;
    let like = write(Action::Create, Kind::Like, Record::default());
    assert_eq!(forum.write(&like).await.unwrap_err().0.class, Class::Bug);
    let bad_id = Write {
        remote: Some("abc".into()),
        ..edit_of_post("a", "b")
    };
    assert_eq!(forum.write(&bad_id).await.unwrap_err().0.class, Class::Bug);
    assert_eq!(
        forum.thread(&"x".into()).await.unwrap_err().0.class,
        Class::Bug
    );
    assert_eq!(
        forum
            .find(Kind::Course, &"5".into(), &"ap-1".into())
            .await
            .unwrap_err()
            .0
            .class,
        Class::Bug
    );
}
