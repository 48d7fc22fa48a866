//! Nobody gets what the role does not allow, and nobody's browser can be made to ask for it.

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use store::ChainCheck;

use super::world::{HOSTILE, PASSWORD, World, course};
use crate::endpoint::{ENDPOINTS, Need};

fn path(world: &World, path: &str) -> String {
    let id = match path {
        path if path.contains("conflicts") => world.conflict.clone(),
        path if path.contains("course") => course("one").to_string(),
        _ => "nothing".to_owned(),
    };
    path.replace("{id}", &id)
}

#[tokio::test]
async fn every_address_asks_for_its_role() {
    let world = World::new().await;
    for endpoint in ENDPOINTS {
        let path = path(&world, endpoint.path);
        let nobody = Request::builder()
            .method(endpoint.method)
            .uri(&path)
            .body(Body::empty())
            .unwrap();
        let answer = world.send(nobody).await.status;
        if endpoint.need != Need::Nothing {
            let is_closed = answer == StatusCode::UNAUTHORIZED || answer == StatusCode::SEE_OTHER;
            assert!(is_closed, "{} {path} for nobody: {answer}", endpoint.method);
        }
        for (role, allowed) in [
            (
                "viewer",
                matches!(endpoint.need, Need::Nothing | Need::Own | Need::View),
            ),
            ("operator", endpoint.need != Need::Administer),
            ("admin", true),
            (
                "teacher",
                matches!(endpoint.need, Need::Nothing | Need::Own | Need::OwnOperate),
            ),
        ] {
            // An address without need checks for itself; what it answers is tested where it stands.
            if endpoint.need == Need::Nothing {
                continue;
            }
            let answer = world.call(role, endpoint.method, &path, "").await.status;
            let is_refused = answer == StatusCode::FORBIDDEN;
            assert_eq!(
                is_refused, !allowed,
                "{} {path} for {role}: {answer}",
                endpoint.method
            );
            assert!(
                !answer.is_server_error(),
                "{} {path} for {role}: {answer}",
                endpoint.method
            );
        }
    }
    let refused = world
        .state
        .store
        .audit(Some("token:viewer"), None, 1_000)
        .await
        .unwrap();
    assert!(
        refused.iter().any(|line| line.entry.result == "refused"),
        "refusals are audited"
    );
    assert!(matches!(
        world.state.store.check_audit().await,
        Ok(ChainCheck::Whole(_))
    ));
}

#[tokio::test]
async fn a_teacher_sees_no_other_course() {
    let world = World::new().await;
    let (one, conflict) = (course("one"), world.conflict.clone());
    for path in [
        format!("/course/{one}"),
        format!("/history?course={one}"),
        format!("/conflicts?course={one}"),
        format!("/conflicts/{conflict}"),
        format!("/item/{}", course("topic")),
        format!("/api/v1/history?course={one}"),
        format!("/api/v1/conflicts/{conflict}"),
        format!("/api/v1/entities/{}", course("topic")),
    ] {
        let answer = world.get("teacher", &path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    // Asked for by the id of a thread, it gets the own course only.
    let answer = world
        .get(
            "teacher",
            &format!("/api/v1/history?thread={}", course("topic")),
        )
        .await;
    assert!(answer.text.contains("\"history\":[]"), "{}", answer.text);
    let answer = world.get("teacher", "/api/v1/status").await;
    assert!(!answer.text.contains(one.as_str()), "{}", answer.text);
    let path = format!("/api/v1/conflicts/{conflict}/resolve");
    let taken = world.call("teacher", "POST", &path, r#"{"take":"canvas"}"#);
    assert_eq!(taken.await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_viewer_finds_no_button_that_acts() {
    let world = World::new().await;
    for path in [
        "/",
        "/queue",
        "/errors",
        &format!("/conflicts/{}", world.conflict),
        &format!("/course/{}", course("one")),
    ] {
        let answer = world.get("viewer", path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let posts: Vec<&str> = answer.text.matches("method=\"post\"").collect();
        // Signing out is the one form.
        assert_eq!(posts.len(), 1, "{path}");
        let operator = world.get("operator", path).await;
        assert!(
            operator.text.matches("method=\"post\"").count() > 1,
            "{path}"
        );
    }
}

#[tokio::test]
async fn hostile_words_are_words_on_every_page() {
    let world = World::new().await;
    let topic = course("topic");
    let pages: Vec<String> = ENDPOINTS
        .iter()
        .filter(|endpoint| {
            endpoint.method == "GET"
                && !endpoint.path.contains("{id}")
                && !endpoint.path.starts_with("/api/v1")
        })
        .map(|endpoint| endpoint.path.to_owned())
        .chain([
            format!("/item/{topic}?text=1"),
            format!("/conflicts/{}", world.conflict),
            format!("/course/{}", course("one")),
            format!("/history?thread={topic}&course=%22%3E%3Cscript%3E&action=%3Cscript%3E"),
            "/queue?code=%22%3E%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
            "/sign-in?next=%22%3E%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
            "/audit?who=%22%3E%3Cscript%3E".to_owned(),
        ])
        .collect();
    for path in pages.iter().filter(|path| *path != "/script.js") {
        let answer = world.get("admin", path).await;
        assert!(
            !answer.status.is_server_error(),
            "{path}: {}",
            answer.status
        );
        for dangerous in ["<script>", "<img", "onerror=alert(2)>"] {
            assert!(!answer.text.contains(dangerous), "{path} has {dangerous}");
        }
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        assert_eq!(
            answer.headers[header::X_CONTENT_TYPE_OPTIONS],
            "nosniff",
            "{path}"
        );
    }
    let detail = world
        .get("admin", &format!("/conflicts/{}", world.conflict))
        .await;
    assert!(
        detail.text.contains("&lt;script&gt;"),
        "the words themselves are shown"
    );
    assert!(HOSTILE.contains("<script>"));
}

#[tokio::test]
async fn a_form_of_another_site_does_nothing() {
    let world = World::new().await;
    let (status, cookie) = world.sign_in("operator", PASSWORD, None).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let cookie = cookie.unwrap();
    let page = world.page(&cookie, "/").await.text;
    let csrf = page
        .split("name=\"csrf\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let pause = |csrf: &str, extra: Option<(&'static str, &'static str)>| {
        let form = serde_urlencoded::to_string([
            ("csrf", csrf),
            ("scope", "all"),
            ("verb", "pause"),
            ("reason", "test"),
        ]);
        let mut request = Request::builder()
            .method("POST")
            .uri("/pause")
            .header(header::COOKIE, &cookie)
            .header(header::HOST, "us.example.edu")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some((name, value)) = extra {
            request = request.header(name, value);
        }
        request.body(Body::from(form.unwrap())).unwrap()
    };
    for (given, extra) in [
        ("", None),
        ("0123", None),
        (csrf, Some(("origin", "https://evil.example"))),
        (csrf, Some(("origin", "null"))),
        (csrf, Some(("sec-fetch-site", "cross-site"))),
        (csrf, Some(("sec-fetch-site", "same-site"))),
    ] {
        let answer = world.send(pause(given, extra)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{given} {extra:?}");
        assert_eq!(world.state.store.pauses().await.unwrap(), []);
    }
    let answer = world
        .send(pause(csrf, Some(("origin", "https://us.example.edu"))))
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(world.state.store.pauses().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_session_known_beforehand_is_worth_nothing() {
    let world = World::new().await;
    let planted = "antiphon_session=0000000000000000";
    let (_, cookie) = world.sign_in("viewer", PASSWORD, Some(planted)).await;
    let cookie = cookie.unwrap();
    assert_ne!(cookie, planted);
    assert_eq!(world.page(planted, "/").await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.page(&cookie, "/").await.status, StatusCode::OK);
    // Signing in again ends the session before.
    let (_, newer) = world.sign_in("viewer", PASSWORD, Some(&cookie)).await;
    assert_eq!(world.page(&cookie, "/").await.status, StatusCode::SEE_OTHER);
    // An idle session ends, and so does an old one.
    let newer = newer.unwrap();
    assert_eq!(world.page(&newer, "/").await.status, StatusCode::OK);
    world.clock.now.fetch_add(9 * 3_600_000, Ordering::SeqCst);
    assert_eq!(world.page(&newer, "/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn passwords_cannot_be_tried_out() {
    let world = World::new().await;
    for _ in 0..5 {
        assert_eq!(
            world.sign_in("viewer", "wrong password", None).await.0,
            StatusCode::UNAUTHORIZED
        );
    }
    // Also the right one is not taken any more, so that a guesser learns nothing.
    assert_eq!(
        world.sign_in("viewer", PASSWORD, None).await.0,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(
        world.sign_in("operator", PASSWORD, None).await.0,
        StatusCode::SEE_OTHER
    );
    world.clock.now.fetch_add(15 * 60_000, Ordering::SeqCst);
    assert_eq!(
        world.sign_in("viewer", PASSWORD, None).await.0,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn revoked_and_forged_tokens_open_nothing() {
    let mut world = World::new().await;
    let tokens = world.state.store.api_tokens().await.unwrap();
    let viewer = tokens.iter().find(|token| token.label == "viewer").unwrap();
    assert!(
        !viewer.digest.contains(&world.tokens["viewer"]),
        "only a digest is stored"
    );
    crate::revoke_token(
        &world.state,
        &crate::Caller::command_line(),
        &viewer.id,
        "test",
    )
    .await
    .unwrap();
    assert_eq!(
        world.get("viewer", "/api/v1/status").await.status,
        StatusCode::UNAUTHORIZED
    );
    world.tokens.insert("digest", viewer.digest.clone());
    assert_eq!(
        world.get("digest", "/api/v1/status").await.status,
        StatusCode::UNAUTHORIZED
    );
    world.tokens.insert("configured", "configured".to_owned());
    assert_eq!(
        world.get("configured", "/api/v1/tokens").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn paths_lead_nowhere_else() {
    let world = World::new().await;
    for path in [
        "/..%2f..%2fetc%2fpasswd",
        "/style.css/../../Cargo.toml",
        "/item/..%2F..%2Fetc",
        "/course/%2e%2e",
        "/nothing",
    ] {
        let answer = world.get("admin", path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_widget_needs_its_signature_and_its_frame() {
    let world = World::new().await;
    let path = crate::widget_path("widget key", "status", &course("one"));
    let open = |path: String| Request::builder().uri(path).body(Body::empty()).unwrap();
    let answer = world.send(open(path.clone())).await;
    assert_eq!(answer.status, StatusCode::OK);
    let policy = answer.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(
        policy.contains("frame-ancestors https://canvas.example.edu"),
        "{policy}"
    );
    for forged in [
        path.replace(course("one").as_str(), course("two").as_str()),
        path.replace("/status", "/history"),
        path.split("&sig").next().unwrap().to_owned() + "&sig=",
    ] {
        assert_eq!(
            world.send(open(forged.clone())).await.status,
            StatusCode::FORBIDDEN,
            "{forged}"
        );
    }
}
