//! Lists page by key, filter and export; the OpenAPI file is the one in the tree.

use axum::http::{StatusCode, header};
use serde_json::Value;
use store::Change;

use super::world::{World, course};
use crate::endpoint::ENDPOINTS;

#[tokio::test]
async fn every_page_answers_and_is_small() {
    let world = World::new().await;
    let lines = (0..2_000)
        .map(|_| Change::Log(world.line("changed", None)))
        .collect();
    world.state.store.commit(lines).await.unwrap();
    for endpoint in ENDPOINTS
        .iter()
        .filter(|endpoint| endpoint.method == "GET" && !endpoint.path.contains("{id}"))
    {
        if endpoint.path.starts_with("/widget") {
            continue;
        }
        let answer = world.get("admin", endpoint.path).await;
        assert_eq!(
            answer.status,
            StatusCode::OK,
            "{}: {}",
            endpoint.path,
            answer.text
        );
        assert!(
            answer.text.len() < 150_000,
            "{}: {} bytes",
            endpoint.path,
            answer.text.len()
        );
    }
}

#[tokio::test]
async fn history_pages_follow_each_other_without_gaps() {
    let world = World::new().await;
    let lines = (0..25)
        .map(|_| Change::Log(world.line("edit", None)))
        .collect();
    world.state.store.commit(lines).await.unwrap();
    let (mut seen, mut cursor) = (std::collections::BTreeSet::new(), String::new());
    for _ in 0..10 {
        let path = format!(
            "/api/v1/history?action=edit&course={}&limit=10{cursor}",
            course("one")
        );
        let page: Value = serde_json::from_str(&world.get("viewer", &path).await.text).unwrap();
        for entry in page["history"].as_array().unwrap() {
            assert!(
                seen.insert(entry["id"].as_str().unwrap().to_owned()),
                "twice: {entry}"
            );
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&before={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 25);
    let failed = world.get("viewer", "/api/v1/history?result=failed").await;
    let failed: Value = serde_json::from_str(&failed.text).unwrap();
    assert_eq!(failed["history"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn every_list_is_exported() {
    let world = World::new().await;
    for path in [
        "/",
        "/history",
        "/queue",
        "/conflicts",
        "/errors",
        "/performance",
        "/maintenance",
        "/audit",
        "/setup",
    ] {
        let csv = world.get("viewer", &format!("{path}?format=csv")).await;
        assert_eq!(
            csv.headers[header::CONTENT_TYPE],
            "text/csv; charset=utf-8",
            "{path}"
        );
        assert!(csv.text.lines().count() > 1, "{path}: {}", csv.text);
        let rows: Value = serde_json::from_str(
            &world
                .get("viewer", &format!("{path}?format=json"))
                .await
                .text,
        )
        .unwrap();
        assert!(
            rows.as_array().is_some_and(|rows| !rows.is_empty()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn metrics_hold_the_agreed_names_and_need_a_token() {
    let world = World::new().await;
    let answer = world.get("viewer", "/metrics").await;
    for name in [
        "sync_lag_seconds",
        "queue_depth",
        "queue_oldest_seconds",
        "held_jobs",
        "conflicts_open 1",
        "db_bytes",
    ] {
        assert!(answer.text.contains(name), "{name}: {}", answer.text);
    }
    assert!(!answer.text.contains("<script>"));
    assert_eq!(
        world.get("teacher", "/metrics").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[test]
fn the_openapi_file_is_the_one_in_the_tree() {
    let made = serde_json::to_string_pretty(&crate::openapi()).unwrap() + "\n";
    expect_test::expect_file!["../../../../docs/openapi.json"].assert_eq(&made);
}

/// The names that look like metrics in an expression: words with an underscore before a space, a brace or a bracket.
fn metrics_in(expression: &str) -> Vec<String> {
    let is_word = |c: char| c.is_ascii_lowercase() || c == '_';
    let words = expression.split(|c: char| !is_word(c));
    words
        .filter(|word| word.contains('_'))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn the_shipped_dashboard_and_rules_name_metrics_that_exist() {
    let world = World::new().await;
    let text = world.get("viewer", "/metrics").await.text;
    let dashboard = include_str!("../../../../contrib/grafana-dashboard.json");
    let dashboard: serde_json::Value = serde_json::from_str(dashboard).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let mut expressions: Vec<String> = panels
        .map(|panel| panel["targets"][0]["expr"].as_str().unwrap().to_owned())
        .collect();
    let rules = include_str!("../../../../contrib/prometheus-rules.yml");
    let lines = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("expr: "));
    expressions.extend(lines.map(str::to_owned));
    assert_eq!(rules.matches("- alert:").count(), 5);
    assert_eq!(expressions.len(), 17);
    for expression in &expressions {
        let names = metrics_in(expression);
        assert!(!names.is_empty(), "{expression}");
        for name in names {
            assert!(
                text.contains(&format!("# TYPE {name} ")),
                "{name} of {expression}"
            );
        }
    }
}
