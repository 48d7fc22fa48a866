//! Tokens, masquerading, throttling.

use crate::client::{ADMIN, ALICE, Client, TINA, at};
use canvas_sim::{Content, Profile};
use http::Request;
use serde_json::{Value, json};

#[tokio::test]
async fn token_problems_are_challenged() {
    let c = Client::empty();
    for (token, words) in [
        ("", "user authorization required"),
        ("bad", "Invalid access token."),
        ("canvas-expired-token", "Expired access token."),
        ("canvas-revoked-token", "Revoked access token."),
    ] {
        let answer = c.get("/api/v1/users/self", token).await;
        assert_eq!(answer.status, 401);
        assert_eq!(
            answer.headers["www-authenticate"],
            "Bearer realm=\"canvas-lms\""
        );
        assert_eq!(answer.body["errors"][0]["message"], words);
    }
}

#[tokio::test]
async fn not_permitted_is_401_or_403_without_a_challenge() {
    for (profile, status) in [(Profile::Canvas2019, 401), (Profile::Current, 403)] {
        let c = Client::new(profile, Content::Empty);
        let answer = c.get("/api/v1/accounts/1/users", ALICE).await;
        assert_eq!(answer.status, status);
        assert!(!answer.headers.contains_key("www-authenticate"));
        assert_eq!(answer.body["status"], "unauthorized");
    }
}

#[tokio::test]
async fn masquerading_names_both_users_and_fails_with_a_string() {
    let c = Client::empty();
    for form in ["3", "sis_user_id:SIS-ALICE", "sis_login_id:ALICE"] {
        let answer = c
            .get(&format!("/api/v1/users/self?as_user_id={form}"), ADMIN)
            .await;
        assert_eq!(answer.body["id"], 3);
        assert_eq!(answer.headers["x-canvas-user-id"], "10000000000003");
        assert_eq!(answer.headers["x-canvas-real-user-id"], "10000000000001");
    }
    for (who, token) in [("999", ADMIN), ("sis_user_id:NOPE", ADMIN), ("3", TINA)] {
        let answer = c
            .get(&format!("/api/v1/users/self?as_user_id={who}"), token)
            .await;
        assert_eq!(
            (answer.status, &answer.body),
            (401, &json!({"errors": "Invalid as_user_id"}))
        );
        assert!(!answer.headers.contains_key("www-authenticate"));
    }
    c.control(
        "/act",
        json!({"as": "admin", "do": "merge_user", "user": 4, "into": 3}),
    )
    .await;
    let answer = c.get("/api/v1/users/self?as_user_id=4", ADMIN).await;
    assert_eq!(
        answer.body,
        json!({"errors": "Invalid as_user_id", "merged_into_user_id": 3})
    );
}

#[tokio::test]
async fn a_scoped_key_loses_includes_and_graphql() {
    let c = Client::empty();
    let token = "canvas-scoped-token";
    let answer = c
        .get(
            "/api/v1/courses/1/users?include[]=email&include[]=uuid",
            token,
        )
        .await;
    assert_eq!(answer.status, 200);
    assert!(answer.body[0].get("email").is_none() && answer.body[0].get("uuid").is_some());
    let answer = c.get("/api/v1/courses/1/sections", token).await;
    assert_eq!(
        answer.body["errors"][0]["message"],
        "Insufficient scopes on access token."
    );
    assert!(!answer.headers.contains_key("www-authenticate"));
    let body = c.graphql("{course(id: 1) {name}}", token).await;
    assert_eq!(body, json!({"data": {"course": null}}));
}

#[tokio::test]
async fn tokens_are_refreshed_and_expire() {
    let c = Client::empty();
    let body = json!({"grant_type": "refresh_token", "refresh_token": "canvas-admin-refresh"});
    let answer = c.call("POST", "/login/oauth2/token", "", body).await;
    assert_eq!(answer.body["expires_in"], 3600);
    assert!(answer.body.get("refresh_token").is_none());
    let token = answer.body["access_token"].as_str().unwrap().to_owned();
    assert_eq!(c.get("/api/v1/users/self", &token).await.status, 200);
    c.pass(3_600_000).await;
    assert_eq!(c.get("/api/v1/users/self", &token).await.status, 401);
    let answer = c
        .call("DELETE", "/login/oauth2/token", TINA, Value::Null)
        .await;
    assert_eq!(answer.status, 200);
    let answer = c.get("/api/v1/users/self", TINA).await;
    assert_eq!(answer.body["errors"][0]["message"], "Revoked access token.");
}

#[tokio::test]
async fn throttled_requests_are_not_executed() {
    for (profile, status, words) in [
        (
            Profile::Canvas2019,
            403,
            "403 Forbidden (Rate Limit Exceeded)\n",
        ),
        (
            Profile::Current,
            429,
            "429 Too Many Requests (Rate Limit Exceeded)\n",
        ),
    ] {
        let c = Client::new(profile, Content::Empty);
        let topic = c.topic(json!({})).await;
        c.control("/bucket", json!({"token": ALICE, "count": 590.0}))
            .await;
        let answer = c.post(topic, None, ALICE, "x").await;
        assert_eq!((answer.status, answer.body.as_str()), (status, Some(words)));
        assert!(!answer.headers.contains_key("x-request-cost"));
        assert_eq!(answer.headers["x-rate-limit-remaining"], "-40.0");
        assert_eq!(
            c.get(&at(topic), TINA).await.body["discussion_subentry_count"],
            0
        );
        // Ten units leak in a second; 50 are needed.
        c.pass(5_000).await;
        let answer = c.post(topic, None, ALICE, "x").await;
        assert_eq!(answer.status, 201);
        assert_eq!(answer.headers["x-request-cost"], "0.3");
    }
}

#[tokio::test]
async fn string_ids_on_request() {
    let c = Client::empty();
    let topic = c.topic(json!({})).await;
    let request = Request::builder()
        .uri(at(topic))
        .header("authorization", format!("Bearer {TINA}"))
        .header("accept", "application/json+canvas-string-ids")
        .body(axum::body::Body::empty())
        .unwrap();
    let body = c.raw(request).await.body;
    assert_eq!(
        (&body["id"], &body["author"]["id"]),
        (&json!(topic.to_string()), &json!("2"))
    );
    assert_eq!(body["discussion_subentry_count"], 0);
}
