//! Deletes and restores.

use super::*;

#[tokio::test]
async fn a_delete_never_takes_newer_words_along() {
    let delete = |expected: &str| Write {
        action: Action::Delete,
        ..edit_of_post(expected, expected)
    };
    let script = Script::default();
    script
        .on("GET", "/posts/35.json", 200, &post(35, 2, "Newer"))
        .on("GET", "/posts/35.json", 200, &post(35, 2, "Same"));
    script.add("DELETE", "/posts/35.json", (200, vec![], String::new()));
    let forum = script.start().await;
    assert_eq!(
        forum.write(&delete("Older")).await.unwrap_err().0.class,
        Class::Conflict
    );
    assert!(forum.write(&delete("Same")).await.unwrap().record.deleted);
    // Already gone, in both ways.
    let mut tombstone = post(35, 2, "Same");
    tombstone["deleted_at"] = json!("2026-01-05T13:19:34.880Z");
    script.on("GET", "/posts/35.json", 200, &tombstone).on(
        "GET",
        "/posts/35.json",
        404,
        &not_found(),
    );
    for _ in 0..2 {
        assert!(forum.write(&delete("Same")).await.unwrap().record.deleted);
    }
    assert_eq!(
        script
            .asked()
            .iter()
            .filter(|asked| asked.method == "DELETE")
            .count(),
        1
    );
}

#[tokio::test]
async fn a_restore_brings_back_and_then_writes_what_is_wanted() {
    let mut stub = post(35, 2, "(post deleted by author)");
    stub["user_deleted"] = json!(true);
    let script = Script::default();
    script
        .on("GET", "/posts/35.json", 200, &stub)
        .on(
            "PUT",
            "/posts/35/recover.json",
            200,
            &post(35, 2, "Old text"),
        )
        .on("GET", "/posts/35.json", 200, &post(35, 2, "Old text"))
        .on(
            "PUT",
            "/posts/35.json",
            200,
            &json!({ "post": post(35, 2, "New text") }),
        );
    let restore = Write {
        action: Action::Restore,
        ..edit_of_post("Old text", "New text")
    };
    let result = script.start().await.write(&restore).await.unwrap();
    assert_eq!(result.record.body().unwrap().source, "New text");
    assert_eq!(script.asked()[3].body["post"]["original_text"], "Old text");
}
