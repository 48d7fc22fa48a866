//! Entries: threads, views, files, ratings.

use crate::client::{ADMIN, ALICE, BOB, Client, TINA, at};
use canvas_sim::{Content, Profile};
use serde_json::{Value, json};

#[tokio::test]
async fn replies_find_their_parent_by_type() {
    let c = Client::new(Profile::Canvas2019, Content::Empty);
    for (kind, parent_of) in [
        ("threaded", Some(1_u64)),
        ("side_comment", Some(0)),
        ("flat", None),
    ] {
        let id = c.topic(json!({"discussion_type": kind})).await;
        let root = c.entry(id, None, ALICE).await;
        let reply = c.entry(id, Some(root), BOB).await;
        let deep = c.post(id, Some(reply), ALICE, "x").await.body;
        assert_eq!(
            deep["parent_id"],
            parent_of.map_or(Value::Null, |n| json!(root + n)),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_nested_reply_makes_a_topic_threaded_today() {
    let c = Client::empty();
    let id = c.topic(json!({})).await;
    let root = c.entry(id, None, ALICE).await;
    let reply = c.entry(id, Some(root), BOB).await;
    let deep = c.entry(id, Some(reply), ALICE).await;
    c.call(
        "PUT",
        &at(id),
        TINA,
        json!({"discussion_type": "side_comment"}),
    )
    .await;
    assert_eq!(
        c.post(id, Some(deep), BOB, "x").await.body["parent_id"],
        deep
    );
}

#[tokio::test]
async fn depth_and_length_have_limits() {
    let c = Client::empty();
    let id = c.topic(json!({})).await;
    let mut parent = c.entry(id, None, ALICE).await;
    for _ in 0..49 {
        parent = c.entry(id, Some(parent), BOB).await;
    }
    let answer = c.post(id, Some(parent), BOB, "51").await;
    assert_eq!(
        answer.body["errors"]["base"][0]["message"],
        "Maximum entry depth reached"
    );
    assert_eq!(
        c.post(id, None, ALICE, &"ü".repeat(65_535)).await.status,
        201
    );
    assert_eq!(
        c.post(id, None, ALICE, &"ü".repeat(65_536)).await.status,
        400
    );
    assert_eq!(
        c.post(id, None, ALICE, &"&".repeat(20_000)).await.status,
        201,
        "counted before escaping"
    );
}

#[tokio::test]
async fn tombstones_keep_their_children() {
    let c = Client::empty();
    let id = c.topic(json!({})).await;
    let root = c.entry(id, None, ALICE).await;
    let child = c.entry(id, Some(root), BOB).await;
    let path = format!("{}/entries/{root}", at(id));
    for _ in 0..2 {
        let answer = c.call("DELETE", &path, ALICE, Value::Null).await;
        assert_eq!((answer.status, answer.body.as_str()), (204, Some("")));
    }
    let view = c.get(&format!("{}/view", at(id)), BOB).await.body;
    assert_eq!(
        (
            &view["view"][0]["deleted"],
            &view["view"][0]["replies"][0]["id"]
        ),
        (&json!(true), &json!(child))
    );
    assert!(view["view"][0].get("message").is_none() && view["view"][0].get("user_id").is_none());
    assert_eq!(
        c.get(&format!("{}/entries", at(id)), BOB).await.body,
        json!([])
    );
    assert_eq!(c.get(&format!("{path}/replies"), BOB).await.status, 404);
    let list = c
        .get(&format!("{}/entry_list?ids[]={root}", at(id)), BOB)
        .await;
    assert_eq!(list.body[0]["user"]["id"], 3, "the author is still there");
    assert!(
        list.headers["link"].contains("/entries?ids%5B%5D="),
        "the wrong link"
    );
    assert_eq!(
        c.get(
            &format!("{}/entry_list?ids[]={root}&ids[]=999", at(id)),
            BOB
        )
        .await
        .status,
        404
    );
    assert_eq!(
        c.call("PUT", &path, ALICE, json!({"message": "x"}))
            .await
            .status,
        404
    );
    let restored = c.graphql(&format!("mutation {{restoreDeletedDiscussionEntry(input: {{discussionEntryId: {root}}}) {{discussionEntry {{deleted message}} errors {{message}}}} }}"), TINA).await;
    assert_eq!(
        restored["data"]["restoreDeletedDiscussionEntry"]["discussionEntry"]["deleted"], false,
        "{restored}"
    );
}

#[tokio::test]
async fn the_view_lags_behind_edits_but_not_behind_new_entries() {
    let c = Client::empty();
    let id = c.topic(json!({})).await;
    let old = c.entry(id, None, ALICE).await;
    c.switch(json!({"view_lag_ms": 5_000})).await;
    let path = format!("{}/view?include_new_entries=1", at(id));
    c.call(
        "PUT",
        &format!("{}/entries/{old}", at(id)),
        ALICE,
        json!({"message": "<p>edited</p>"}),
    )
    .await;
    let new = c.entry(id, Some(old), BOB).await;
    let view = c.get(&path, TINA).await.body;
    assert_eq!(view["view"][0]["message"], "<p>e</p>");
    assert_eq!(
        (
            view["new_entries"].as_array().unwrap().len(),
            &view["new_entries"][0]["id"]
        ),
        (1, &json!(new))
    );
    c.pass(5_001).await;
    let view = c.get(&path, TINA).await.body;
    assert_eq!(view["view"][0]["message"], "<p>edited</p>");
    assert_eq!(
        (&view["view"][0]["replies"][0]["id"], &view["new_entries"]),
        (&json!(new), &json!([]))
    );
    c.switch(json!({"view_503": true})).await;
    let answer = c.get(&path, TINA).await;
    assert_eq!((answer.status, answer.body.as_str()), (503, Some("")));
}

#[tokio::test]
async fn the_built_part_may_leak_string_ids() {
    let c = Client::empty();
    let id = c.topic(json!({})).await;
    let entry = c.entry(id, None, ALICE).await;
    c.switch(json!({"view_string_ids": true})).await;
    let view = c.get(&format!("{}/view", at(id)), TINA).await.body;
    assert_eq!(view["view"][0]["id"], entry.to_string());
    assert_eq!(view["participants"][0]["id"], 3);
}

#[tokio::test]
async fn ratings_count_people_and_move_no_time() {
    let c = Client::empty();
    let id = c.topic(json!({"allow_rating": true})).await;
    let entry = c.entry(id, None, ALICE).await;
    let path = format!("{}/entries/{entry}/rating", at(id));
    c.pass(5_000).await;
    for (token, rating) in [(ALICE, 1), (BOB, 1), (BOB, 0)] {
        assert_eq!(
            c.call("POST", &path, token, json!({"rating": rating}))
                .await
                .status,
            204
        );
    }
    let row = c.get(&format!("{}/entries", at(id)), BOB).await.body[0].clone();
    assert_eq!(
        (&row["rating_count"], &row["rating_sum"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(row["created_at"], row["updated_at"]);
    let bad = c.call("POST", &path, BOB, json!({"rating": 2})).await;
    assert_eq!(
        (bad.status, &bad.body["message"]),
        (400, &json!("Invalid rating given"))
    );
}

#[tokio::test]
async fn who_may_edit_and_delete() {
    let c = Client::empty();
    let id = c.topic(json!({})).await;
    let entry = c.entry(id, None, ALICE).await;
    let path = format!("{}/entries/{entry}", at(id));
    assert_eq!(
        c.call("PUT", &path, BOB, json!({"message": "x"}))
            .await
            .status,
        403
    );
    assert_eq!(
        c.call("PUT", &path, TINA, json!({"message": "x"}))
            .await
            .body["editor_id"],
        2
    );
    c.call(
        "PUT",
        "/api/v1/courses/1/settings",
        TINA,
        json!({"allow_student_discussion_editing": false}),
    )
    .await;
    assert_eq!(
        c.call("PUT", &path, ALICE, json!({"message": "y"}))
            .await
            .status,
        403
    );
    assert_eq!(
        c.call(
            "PUT",
            &format!("{path}?as_user_id=3"),
            ADMIN,
            json!({"message": "y"})
        )
        .await
        .status,
        403
    );
    c.call("PUT", &at(id), TINA, json!({"locked": true})).await;
    assert_eq!(c.post(id, None, ALICE, "late").await.status, 403);
    assert_eq!(c.post(id, None, TINA, "late").await.status, 201);
}

#[tokio::test]
async fn html_is_sanitised_on_the_way_in_and_dressed_on_the_way_out() {
    let c = Client::empty();
    let id = c.topic(json!({})).await;
    let sent = "<p id=\"x\" data-antiphon-ref=\"r\">a<script>b</script><!-- c --><a href=\"/courses/1/pages/p\">d</a><span data-k=\"\"></span></p>";
    let answer = c.post(id, None, ALICE, sent).await.body;
    assert_eq!(
        answer["message"],
        "<p data-antiphon-ref=\"r\">ab<a href=\"http://canvas.test/courses/1/pages/p\" data-api-endpoint=\"http://canvas.test/api/v1/courses/1/pages/p\" data-api-returntype=\"Page\">d</a><span data-k=\"\"></span></p>"
    );
    c.switch(json!({"theme_tags": true})).await;
    let row = c.get(&format!("{}/entries", at(id)), BOB).await.body[0]["message"].clone();
    let text = row.as_str().unwrap();
    assert!(
        text.starts_with("<link rel=\"stylesheet\"") && text.ends_with("</script>"),
        "{text}"
    );
}
