//! Topics and announcements.

use crate::client::{ADMIN, ALICE, BOB, Client, TINA, at};
use canvas_sim::{Content, Profile};
use serde_json::{Value, json};

const TOPICS: &str = "/api/v1/courses/1/discussion_topics";

#[tokio::test]
async fn a_moderator_gets_a_draft_and_a_student_does_not() {
    let c = Client::empty();
    let teacher = c
        .call("POST", TOPICS, TINA, json!({"title": "a", "message": "m"}))
        .await;
    assert_eq!(
        (teacher.status, &teacher.body["published"]),
        (200, &json!(false))
    );
    let student = c
        .call("POST", TOPICS, ALICE, json!({"title": "b", "message": "m"}))
        .await;
    assert_eq!(student.body["published"], true);
    let id = teacher.body["id"].as_u64().unwrap();
    assert_eq!(c.get(&at(id), ALICE).await.status, 403);
    assert!(teacher.body.get("updated_at").is_none());
}

#[tokio::test]
async fn announcements_are_closed_and_a_put_may_open_them() {
    for (profile, after_put) in [(Profile::Canvas2019, true), (Profile::Current, false)] {
        let c = Client::new(profile, Content::Empty);
        let id = c
            .topic(json!({"is_announcement": true, "published": null}))
            .await;
        assert_eq!(c.get(&at(id), TINA).await.body["locked"], true);
        let answer = c
            .call("PUT", &at(id), TINA, json!({"message": "new"}))
            .await;
        assert_eq!(answer.body["locked"], after_put, "{profile:?}");
        let answer = c
            .call(
                "PUT",
                &at(id),
                TINA,
                json!({"message": "newer", "locked": true}),
            )
            .await;
        assert_eq!(answer.body["locked"], true);
    }
}

#[tokio::test]
async fn a_student_s_announcement_is_a_discussion() {
    let c = Client::empty();
    let body = json!({"title": "a", "message": "m", "is_announcement": true});
    let answer = c.call("POST", TOPICS, ALICE, body).await;
    assert_eq!(
        (answer.status, &answer.body["is_announcement"]),
        (200, &json!(false))
    );
}

#[tokio::test]
async fn lists_keep_announcements_apart_and_children_away() {
    let c = Client::term();
    let plain = c.get(&format!("{TOPICS}?per_page=100"), ADMIN).await.body;
    let rows = plain.as_array().unwrap();
    assert!(
        rows.iter()
            .all(|t| t["is_announcement"] == false && t["root_topic_id"].is_null())
    );
    assert!(
        rows.iter().any(|t| t["published"] == false),
        "drafts are listed for staff"
    );
    assert!(
        rows.iter()
            .any(|t| t["anonymous_state"] == "full_anonymity" && t["author"].is_null())
    );
    let news = c
        .get(&format!("{TOPICS}?only_announcements=true"), ADMIN)
        .await
        .body;
    assert_eq!(news.as_array().unwrap().len(), 2);
    let group = c
        .get("/api/v1/groups/1/discussion_topics", ADMIN)
        .await
        .body;
    assert!(group[0]["title"].as_str().unwrap().ends_with(" - Team Oak"));
}

#[tokio::test]
async fn anonymous_topics_hide_from_rest_and_their_authors_from_graphql() {
    let c = Client::empty();
    let id = c.topic(json!({"anonymous_state": "full_anonymity"})).await;
    let posted = c.post(id, None, ALICE, "<p>secret</p>").await;
    assert_eq!(
        (posted.status, &posted.body["user_id"]),
        (201, &Value::Null)
    );
    for tail in ["", "/view", "/entries", "/entry_list"] {
        assert_eq!(
            c.get(&format!("{}{tail}", at(id)), ADMIN).await.status,
            404,
            "{tail}"
        );
    }
    let list = c.get(TOPICS, ADMIN).await.body;
    assert_eq!(list[0]["anonymous_state"], "full_anonymity");
    let query = format!("{{legacyNode(type: Discussion, _id: {id}) {{... on Discussion {{
        author {{_id}} anonymousAuthor {{id}}
        discussionEntriesConnection {{nodes {{author {{_id}} anonymousAuthor {{id shortName}} message}}}} }} }} }}");
    let node = &c.graphql(&query, ADMIN).await["data"]["legacyNode"];
    assert_eq!(node["author"]["_id"], "2", "staff stay named");
    let entry = &node["discussionEntriesConnection"]["nodes"][0];
    assert!(entry["author"].is_null(), "{entry}");
    assert!(
        entry["anonymousAuthor"]["shortName"]
            .as_str()
            .unwrap()
            .starts_with("Anonymous ")
    );
    let body = json!({"title": "a", "message": "m", "anonymous_state": "full_anonymity", "assignment": {"points_possible": 1}});
    let graded = c.call("POST", TOPICS, TINA, body).await;
    assert_eq!(
        (graded.status, &graded.body["errors"]["anonymous_state"]),
        (400, &json!("Anonymous discussions cannot be graded"))
    );
}

#[tokio::test]
async fn a_delayed_topic_shows_its_lock_and_later_fires() {
    let c = Client::empty();
    let id = c
        .topic(json!({"delayed_post_at": "2026-06-02T12:00:00Z"}))
        .await;
    let student = c.get(&at(id), ALICE).await.body;
    assert_eq!(
        student["message"],
        "This topic is locked until Jun 2, 2026 at  5am."
    );
    assert_eq!(
        (&student["locked_for_user"], &student["published"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(c.post(id, None, ALICE, "x").await.status, 403);
    assert_eq!(c.get(&at(id), TINA).await.body["message"], "<p>m</p>");
    c.pass(25 * 3_600_000).await;
    let student = c.get(&at(id), ALICE).await.body;
    assert_eq!(student["message"], "<p>m</p>");
    assert_eq!(student["posted_at"], "2026-06-02T12:00:00Z");
    assert_eq!(student["last_reply_at"], "2026-06-02T12:00:00Z");
}

#[tokio::test]
async fn the_initial_post_opens_the_replies() {
    let c = Client::empty();
    let id = c.topic(json!({"require_initial_post": true})).await;
    c.entry(id, None, BOB).await;
    for tail in ["/view", "/entries", "/entry_list?ids[]=1"] {
        let answer = c.get(&format!("{}{tail}", at(id)), ALICE).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (403, Some("require_initial_post"))
        );
    }
    let query = format!("{{legacyNode(type: Discussion, _id: {id}) {{... on Discussion {{ initialPostRequiredForCurrentUser
        discussionEntriesConnection {{nodes {{_id}}}} }} }} }}");
    let node = &c.graphql(&query, ALICE).await["data"]["legacyNode"];
    assert_eq!(node["discussionEntriesConnection"]["nodes"], json!([]));
    assert_eq!(node["initialPostRequiredForCurrentUser"], true);
    c.entry(id, None, ALICE).await;
    assert_eq!(
        c.get(&format!("{}/entries", at(id)), ALICE)
            .await
            .body
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn deleting_answers_the_raw_record_twice_and_then_404() {
    let c = Client::empty();
    let id = c.topic(json!({})).await;
    for _ in 0..2 {
        let answer = c.call("DELETE", &at(id), TINA, Value::Null).await;
        assert_eq!(
            (
                answer.status,
                &answer.body["discussion_topic"]["workflow_state"]
            ),
            (200, &json!("deleted"))
        );
    }
    assert_eq!(c.get(&at(id), ADMIN).await.status, 404);
    assert_eq!(
        c.call("PUT", &at(id), TINA, json!({"title": "x"}))
            .await
            .status,
        404
    );
    let node = c
        .graphql(
            &format!("{{legacyNode(type: Discussion, _id: {id}) {{id}}}}"),
            ADMIN,
        )
        .await;
    assert!(
        node["data"]["legacyNode"].is_object(),
        "legacyNode still knows it"
    );
    c.control(
        "/act",
        json!({"as": "tina", "do": "restore_topic", "topic": id}),
    )
    .await;
    assert_eq!(c.get(&at(id), ADMIN).await.status, 200);
}

#[tokio::test]
async fn last_reply_at_has_a_minute_of_rest_today_and_none_in_2019() {
    for (profile, moves) in [(Profile::Current, false), (Profile::Canvas2019, true)] {
        let c = Client::new(profile, Content::Empty);
        let id = c.topic(json!({})).await;
        let before = c.get(&at(id), TINA).await.body["last_reply_at"].clone();
        c.pass(59_000).await;
        c.entry(id, None, ALICE).await;
        let after = c.get(&at(id), TINA).await.body["last_reply_at"].clone();
        assert_eq!(before != after, moves, "{profile:?}");
        c.pass(2_000).await;
        c.entry(id, None, ALICE).await;
        assert_ne!(c.get(&at(id), TINA).await.body["last_reply_at"], before);
    }
}

#[tokio::test]
async fn section_topics_hide_from_other_sections() {
    let c = Client::term();
    let id = c.topic(json!({"specific_sections": "2"})).await;
    // Alice (3) is in section 1, Bob (4) in section 2.
    assert_eq!(c.get(&at(id), ALICE).await.status, 403);
    let topic = c
        .get(&format!("{}?include[]=sections", at(id)), BOB)
        .await
        .body;
    assert_eq!(topic["sections"][0]["id"], 2);
    let body = json!({"title": "x", "message": "m", "specific_sections": "2", "assignment": {"points_possible": 1}});
    let refused = c.call("POST", TOPICS, TINA, body).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body["error_report_id"].is_u64());
}
