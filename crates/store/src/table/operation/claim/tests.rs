//! The plans of the statements that a worker runs all day, over a queue of 20,000 rows.

use super::*;
use crate::sql::Sql;
use crate::store::Store;

const ROWS: usize = 20_000;

/// A queue of many subjects in 1,000 batches: a quarter ready, a quarter due, half for later.
async fn full_queue() -> Store {
    let store = Store::open("sqlite::memory:").await.unwrap();
    let mut session = store.backend.writer().await.unwrap();
    let rows: Vec<String> = (0..ROWS)
        .map(|n| {
            let (turn, not_before) = match n % 4 {
                0 => (if n < 1_000 { 2 } else { 1 }, 0),
                1 => (0, 500),
                _ => (0, 1_000_000),
            };
            format!(
                "('o{n:06}', 'thread', 's{n}', 'b{}', 'test', 2, {n}, {not_before}, {turn}, 'pending', \
                 0, 0, 0, 0, 0, 0)",
                n % 1_000
            )
        })
        .collect();
    let script = format!(
        "INSERT INTO operation (id, kind, subject, batch_key, reason, priority, rank_ms, not_before_ms, turn, state, \
         attempt_count, run_count, lost_count, returned_count, created_ms, updated_ms) VALUES {}",
        rows.join(", ")
    );
    session.script(&script).await.unwrap();
    session.commit().await.unwrap();
    store
}

async fn plan(store: &Store, sql: &'static Sql, values: &[Value]) -> String {
    let text = format!("EXPLAIN QUERY PLAN {}", sql.sqlite());
    let explain: &'static str = Box::leak(text.into_boxed_str());
    let explain: &'static Sql = Box::leak(Box::new(Sql::new("operation", "PLAN", explain, None)));
    let rows = store
        .reader()
        .await
        .unwrap()
        .query(explain, values)
        .await
        .unwrap();
    let lines: Vec<String> = rows
        .into_iter()
        .map(|mut row| {
            for column in ["id", "parent", "notused"] {
                row.integer(column).unwrap();
            }
            row.text("detail").unwrap()
        })
        .collect();
    lines.join("\n")
}

#[tokio::test]
async fn claims_read_their_indexes_and_sort_nothing() {
    let store = full_queue().await;
    let now = Value::from(1_000_i64);
    let take = |limit: i64| vec![Value::from("w"), now.clone(), Value::from(limit)];
    let cases: [(&'static Sql, Vec<Value>, &str); 5] = [
        (&IS_ANY_READY, vec![], "operation_ready"),
        (&IS_ANY_DUE, vec![now.clone()], "operation_waiting"),
        (&PROMOTE, vec![now.clone()], "operation_waiting"),
        (&TAKE, take(100), "operation_ready"),
        (&NEXT_WAITING, vec![], "operation_waiting"),
    ];
    for (sql, values, index) in cases {
        let plan = plan(&store, sql, &values).await;
        assert!(plan.contains(index), "{}: {plan}", sql.name);
        assert!(!plan.contains("TEMP B-TREE"), "{}: {plan}", sql.name);
        let scans = plan.lines().filter(|line| {
            line.trim_start().starts_with("SCAN") && !line.contains("USING") && !line.contains(" p")
        });
        assert_eq!(scans.count(), 0, "{}: {plan}", sql.name);
    }
    let mut values = take(100);
    values.push(Value::from("b1"));
    let plan = plan(&store, &JOIN, &values).await;
    assert!(plan.contains("operation_next"), "{plan}");
}

#[tokio::test]
async fn a_long_queue_is_worked_off_in_order() {
    let store = full_queue().await;
    let now = Timestamp(1_000);
    let mut taken = 0;
    let mut last = String::new();
    for _ in 0..20 {
        let batch = store.claim("w", now, 1_000, 200).await.unwrap();
        let first = batch.first().unwrap();
        assert!(
            first.id.as_str() > last.as_str(),
            "{} after {last}",
            first.id
        );
        last = first.id.as_str().to_owned();
        assert!(batch.iter().all(|one| one.batch_key == first.batch_key));
        taken += batch.len();
    }
    assert!(taken >= 200, "{taken}");
}
