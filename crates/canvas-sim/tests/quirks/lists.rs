//! Paging.

use crate::client::{ALICE, Client, TINA, at};
use canvas_sim::{Content, Profile};
use serde_json::json;

fn next(link: &str) -> Option<String> {
    let part = link.split(',').find(|p| p.ends_with("rel=\"next\""))?;
    let url = part.trim_start_matches('<').split('>').next()?;
    Some(url.strip_prefix("http://canvas.test").unwrap().to_owned())
}

#[tokio::test]
async fn offset_pages_shift_under_writes() {
    let c = Client::empty();
    let id = c.topic(json!({})).await;
    for _ in 0..4 {
        c.entry(id, None, ALICE).await;
    }
    let first = c.get(&format!("{}/entries?per_page=2", at(id)), TINA).await;
    c.entry(id, None, ALICE).await;
    let second = c.get(&next(&first.headers["link"]).unwrap(), TINA).await;
    assert_eq!(
        first.body[1]["id"], second.body[0]["id"],
        "the last row comes again"
    );
}

#[tokio::test]
async fn enrollments_have_bookmarks_today_and_numbers_in_2019() {
    let c = Client::term();
    let mut path = "/api/v1/courses/1/enrollments?per_page=3".to_owned();
    let mut seen = Vec::new();
    loop {
        let answer = c.get(&path, TINA).await;
        seen.extend(
            answer
                .body
                .as_array()
                .unwrap()
                .iter()
                .map(|e| e["id"].as_u64().unwrap()),
        );
        assert!(!answer.headers["link"].contains("rel=\"last\""));
        match next(&answer.headers["link"]) {
            Some(url) => {
                assert!(url.contains("page=bookmark:"), "{url}");
                path = url;
            }
            None => break,
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 10);
    assert_eq!(
        c.get("/api/v1/courses/1/enrollments?page=nonsense", TINA)
            .await
            .status,
        404
    );
    let old = Client::new(Profile::Canvas2019, Content::Term);
    let link = old
        .get("/api/v1/courses/1/enrollments?per_page=3", TINA)
        .await
        .headers["link"]
        .clone();
    assert!(
        link.contains("page=2&per_page=3>; rel=\"next\"") && link.contains("rel=\"last\""),
        "{link}"
    );
}

#[tokio::test]
async fn etags_save_the_body_and_not_the_cost() {
    let c = Client::empty();
    let id = c.topic(json!({})).await;
    let first = c.get(&at(id), TINA).await;
    let request = http::Request::builder()
        .uri(at(id))
        .header("authorization", format!("Bearer {TINA}"))
        .header("if-none-match", &first.headers["etag"])
        .body(axum::body::Body::empty())
        .unwrap();
    let second = c.raw(request).await;
    assert_eq!((second.status, second.body.as_str()), (304, Some("")));
    assert_eq!(
        second.headers["x-request-cost"],
        first.headers["x-request-cost"]
    );
}

#[tokio::test]
async fn who_sees_which_keys_of_people() {
    let c = Client::term();
    let path = "/api/v1/courses/1/users?include[]=email&user_ids[]=4";
    let keys = |token: &'static str| {
        let c = &c;
        async move {
            let row = c.get(path, token).await.body[0].clone();
            ["sis_import_id", "sis_user_id", "login_id", "email"].map(|k| row.get(k).is_some())
        }
    };
    assert_eq!(keys(crate::client::ADMIN).await, [true, true, true, true]);
    assert_eq!(keys(TINA).await, [false, true, true, true]);
    assert_eq!(keys("canvas-ta-token").await, [false, false, true, true]);
    assert_eq!(keys(ALICE).await, [false, false, false, false]);
}

#[tokio::test]
async fn announcements_of_several_courses() {
    let c = Client::term();
    c.pass(1).await;
    let path = "/api/v1/announcements?context_codes[]=course_1&context_codes[]=course_2&start_date=2020-01-01&end_date=2030-01-01";
    let rows = c.get(path, ALICE).await.body;
    assert_eq!(rows.as_array().unwrap().len(), 3, "{rows}");
    assert!(rows[0].get("context_code").is_some());
    assert_eq!(
        c.get("/api/v1/announcements", ALICE).await.body,
        json!({"message": "Missing context_codes"})
    );
    // Heidi (10) is not in course 2: the whole call fails.
    assert_eq!(c.get(path, "canvas-student-8-token").await.status, 403);
}
