//! The feed of a category.

use super::*;

fn list(topics: &[(i64, i64)], more: bool) -> Json {
    let topics: Vec<Json> = topics
        .iter()
        .map(
            |(id, posts)| json!({ "id": id, "title": "t", "category_id": 5, "posts_count": posts }),
        )
        .collect();
    let more = more.then_some("/c/bio/5/l/latest?page=1");
    json!({ "topic_list": { "topics": topics, "more_topics_url": more } })
}

fn latest(posts: &[(i64, i64, i64)]) -> Json {
    let posts: Vec<Json> = posts
        .iter()
        .map(|(id, topic, category)| json!({ "id": id, "topic_id": topic, "category_id": category, "post_number": 2 }))
        .collect();
    json!({ "latest_posts": posts })
}

fn ids(changes: &connector::Changes) -> Vec<&str> {
    changes.topics.iter().map(model::RemoteId::as_str).collect()
}

#[tokio::test]
async fn changes_are_read_to_the_first_page_without_news() {
    let path = "/c/bio/5/l/latest.json";
    let script = Script::default();
    script
        .on("GET", "/posts.json", 200, &latest(&[(88, 21, 5)]))
        .on("GET", "/c/5/show.json", 200, &category())
        .on("GET", path, 200, &list(&[(20, 1), (21, 1), (22, 1)], true))
        .on("GET", path, 200, &list(&[(22, 1), (23, 1)], false));
    let forum = script.start().await;
    let first = forum.changes(&"5".into(), None).await.unwrap();
    assert_eq!(
        ids(&first),
        ["21", "22", "23"],
        "all of them, without the description"
    );
    let cursor = first.cursor;

    // Nothing new on the first page: one more call looks for posts that stand further down.
    script
        .on("GET", path, 200, &list(&[(21, 1), (22, 1)], true))
        .on(
            "GET",
            "/posts.json",
            200,
            &latest(&[(90, 23, 5), (89, 77, 6), (88, 21, 5)]),
        );
    let second = forum.changes(&"5".into(), Some(&cursor)).await.unwrap();
    assert_eq!(ids(&second), ["23"]);

    // A changed line, a new topic, and one that is gone.
    script.on("GET", path, 200, &list(&[(24, 1), (22, 2), (21, 1)], false));
    let third = forum
        .changes(&"5".into(), Some(&second.cursor))
        .await
        .unwrap();
    assert_eq!(ids(&third), ["24", "22", "23"]);
    script.on("GET", path, 200, &list(&[(24, 1), (22, 2), (21, 1)], false));
    let fourth = forum
        .changes(&"5".into(), Some(&third.cursor))
        .await
        .unwrap();
    assert!(
        fourth.topics.is_empty(),
        "a vanished topic is reported once"
    );
    assert_eq!(script.left(), 0);
}

#[tokio::test]
async fn a_category_whose_slug_changed_is_found_again() {
    let script = Script::default();
    let mut renamed = category();
    renamed["category"]["slug"] = json!("biology");
    script
        .on("GET", "/posts.json", 200, &latest(&[(88, 21, 5)]))
        .on("GET", "/c/5/show.json", 200, &category())
        .add(
            "GET",
            "/c/bio/5/l/latest.json",
            (
                301,
                vec![("Location", "/c/biology/5".to_owned())],
                String::new(),
            ),
        )
        .on("GET", "/c/5/show.json", 200, &renamed)
        .on(
            "GET",
            "/c/biology/5/l/latest.json",
            200,
            &list(&[(21, 1)], false),
        );
    let changes = script
        .start()
        .await
        .changes(&"5".into(), None)
        .await
        .unwrap();
    assert_eq!(ids(&changes), ["21"]);
}
