//! A rough figure, printed; fails only when something is badly wrong.

use crate::client::{ADMIN, Client, at};
use serde_json::json;
use tower::ServiceExt as _;

#[tokio::test]
async fn thousands_of_requests_a_second() {
    let c = Client::term();
    c.switch(json!({"throttling": false})).await;
    let id = c.topic(json!({})).await;
    let router = c.sim.router();
    let count = 3_000_u32;
    let start = tokio::time::Instant::now();
    for n in 0..count {
        let (method, path, body) = match n % 3 {
            0 => (
                "POST",
                format!("{}/entries", at(id)),
                "{\"message\": \"<p>hello</p>\"}",
            ),
            1 => ("GET", format!("{}/entries?per_page=10", at(id)), ""),
            _ => ("GET", at(id), ""),
        };
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {ADMIN}"))
            .header("content-type", "application/json")
            .body(axum::body::Body::from(body))
            .unwrap();
        assert!(
            router
                .clone()
                .oneshot(request)
                .await
                .unwrap()
                .status()
                .is_success()
        );
    }
    let rate = f64::from(count) / start.elapsed().as_secs_f64();
    println!("{rate:.0} requests a second");
    assert!(
        rate > 300.0,
        "{rate:.0} requests a second in an unoptimised build"
    );
}
