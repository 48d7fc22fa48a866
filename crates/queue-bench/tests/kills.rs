//! Four worker processes on one PostgreSQL while one of them is killed every second: each job ends once.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio_postgres::{Client, NoTls};

const BENCH: &str = env!("CARGO_BIN_EXE_queue-bench");
const PROCESSES: usize = 4;
/// A few keys that all workers want: whoever queues meets them all the time.
const KEYS: &str = "5";
const JOBS: u64 = 4_000;

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn command(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(BENCH);
    command
        .args(arguments)
        .env("Q_PG", url)
        .env("Q_KEYS", KEYS)
        .stdout(Stdio::null());
    command
}

/// A worker that does not outlive a test that fails.
struct Worker(Child);

impl Worker {
    fn start(url: &str) -> Self {
        Self(command(url, &["serve"]).spawn().unwrap())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

async fn number(client: &Client, query: &str) -> i64 {
    client.query_one(query, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_job_ends_once_while_workers_are_killed() {
    let Ok(server) = std::env::var("ANTIPHON_TEST_POSTGRES") else {
        let is_enough = std::env::var("ANTIPHON_TEST_SQLITE_ONLY").is_ok_and(|value| value == "1");
        assert!(
            is_enough,
            "set ANTIPHON_TEST_POSTGRES; `cargo xtask test` does"
        );
        return;
    };
    let schema = format!("kills{}", std::process::id());
    let client = connect(&server).await;
    client
        .batch_execute(&format!(
            "CREATE SCHEMA {schema}; SET search_path = {schema}"
        ))
        .await
        .unwrap();
    let separator = if server.contains('?') { '&' } else { '?' };
    let url = format!("{server}{separator}options=-csearch_path%3D{schema}");
    assert!(command(&url, &["setup"]).status().unwrap().success());
    let mut workers: Vec<Worker> = (0..PROCESSES).map(|_| Worker::start(&url)).collect();
    let jobs = JOBS.to_string();
    let producer = command(&url, &["single", jobs.as_str()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    for round in 0..5 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        *workers.get_mut(round % PROCESSES).unwrap() = Worker::start(&url);
    }
    let end = producer.wait_with_output().unwrap();
    assert!(
        end.status.success(),
        "{}",
        String::from_utf8_lossy(&end.stdout)
    );
    let mut left = 1;
    for _ in 0..600 {
        left = number(&client, "SELECT count(*) FROM operation").await;
        if left == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(workers);
    let jobs = i64::try_from(JOBS).unwrap();
    assert_eq!(left, 0);
    let ended = "SELECT count(*) FROM operation_history WHERE state = 'completed'";
    assert_eq!(number(&client, ended).await, jobs);
    let completed = "SELECT count(*) FROM attempt WHERE result = 'completed'";
    assert_eq!(number(&client, completed).await, jobs);
    let others = "SELECT count(*) FROM attempt WHERE result NOT IN ('completed', 'lost')";
    assert_eq!(number(&client, others).await, 0);
    let counted = "SELECT COALESCE(SUM(amount), 0)::bigint FROM queue_count";
    assert_eq!(number(&client, counted).await, 0);
    client
        .batch_execute(&format!("DROP SCHEMA {schema} CASCADE"))
        .await
        .unwrap();
}
