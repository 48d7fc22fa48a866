//! `bench sync`: people change things in both built-in servers while the service runs; JSON on standard output.
//!
//! Everything is in one process, over loopback, without latency: the memory figure includes both servers.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use api_client::{Client, Method, Payload, Request, Secret};
use model::{Kind, RemoteId, System, Timestamp};
use runner::World;
use serde_json::{Value, json};
use store::HistoryFilter;
use tokio::sync::oneshot;

use super::demo::{self, Servers};
use crate::arguments::BenchSync;
use crate::config;
use crate::show::object;
use crate::wiring;

/// One change of a person: where it was made, when its answer came.
struct Made {
    system: System,
    kind: Kind,
    remote: RemoteId,
    action: &'static str,
    at: Timestamp,
}

pub(crate) async fn run(options: BenchSync) -> anyhow::Result<ExitCode> {
    let folder = tempfile::tempdir().context("No temporary folder can be made")?;
    let (listener, url) = demo::listen().await?;
    let servers = demo::start(&url, true).await?;
    let database = options
        .database
        .clone()
        .unwrap_or_else(|| "sqlite:bench.db".to_owned());
    let text = configuration(&servers, &database, options.workers);
    let path = folder.path().join("bench.toml");
    std::fs::write(&path, text)?;
    let config = config::load(&path)?;
    let world = wiring::world(&config, wiring::open(&config).await?).await?;
    runner::course::ensure(&world)
        .await
        .map_err(super::sync::course_error)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let service = tokio::spawn({
        let (config, world) = (config.clone(), world.clone());
        async move {
            super::serve::serve(&config, world, listener, async {
                stopped.await.unwrap_or(());
            })
            .await
        }
    });
    let people = People::new(&servers)?;
    // The built-in Canvas throttles like a real one; what is measured here is this program.
    people
        .post(
            System::Canvas,
            "/_sim/switches",
            json!({ "throttling": false, "request_cost": 0.0 }),
        )
        .await?;
    let topics = people.start_topics(options.topics).await?;
    quiet(&world).await?;
    let calls_before = calls(&world);
    let start = wiring::now();
    let made = people.change(&world, &topics, options.changes).await?;
    let people_ms = wiring::now().since_ms(start);
    quiet(&world).await?;
    let (waits, last) = waits(&world, &made, start).await?;
    report(
        &world,
        &options,
        &Figures {
            made: made.len(),
            people_ms,
            waits,
            last_ms: last.since_ms(start),
            calls_before,
        },
    )?;
    stop.send(()).unwrap_or(());
    service.await.context("The service ended badly")??;
    Ok(ExitCode::SUCCESS)
}

fn configuration(servers: &Servers, database: &str, workers: usize) -> String {
    format!(
        r#"
[database]
url = "{database}"
[canvas]
url = "{}"
token = "{}"
[discourse]
url = "{}"
api_key = "{}"
webhook_secret = "{}"
calls_per_minute = 0
[sync]
feed_interval = "500ms"
accept_plan = true
workers = {workers}
[[course]]
canvas = 1
discourse = "intro-bio"
accept_wider_audience = "Built-in servers: nobody real reads them"
"#,
        servers.canvas_url,
        servers.canvas_token,
        servers.discourse_url,
        servers.discourse_key,
        demo::WEBHOOK_SECRET,
    )
}

struct Figures {
    made: usize,
    people_ms: i64,
    waits: Vec<i64>,
    last_ms: i64,
    calls_before: [u64; 2],
}

fn report(world: &World, options: &BenchSync, figures: &Figures) -> anyhow::Result<()> {
    let after = calls(world);
    let [canvas_before, discourse_before] = figures.calls_before;
    let [canvas, discourse] = after;
    let made = u32::try_from(figures.made.max(1)).unwrap_or(1);
    let total =
        u32::try_from((canvas - canvas_before) + (discourse - discourse_before)).unwrap_or(0);
    let per_change = f64::from(total) / f64::from(made);
    let seconds = f64::from(i32::try_from(figures.last_ms.max(1)).unwrap_or(1)) / 1_000.0;
    let at = |share: usize| {
        let index = figures.waits.len().saturating_sub(1) * share / 100;
        figures.waits.get(index).copied()
    };
    object(&json!({
        "changes": figures.made,
        "written": figures.waits.len(),
        "threads": options.topics,
        "workers": options.workers,
        "people_ms": figures.people_ms,
        "seconds": seconds,
        "changes_per_s": f64::from(made) / seconds,
        "wait_p50_ms": at(50),
        "wait_p99_ms": at(99),
        "calls_canvas": canvas - canvas_before,
        "calls_discourse": discourse - discourse_before,
        "calls_per_change": per_change,
        "reads_per_change": per_change - 1.0,
        "peak_memory_mb": peak_memory_mb()?,
    }));
    Ok(())
}

fn calls(world: &World) -> [u64; 2] {
    [&world.canvas, &world.discourse]
        .map(|connector| connector.calls().iter().map(|(_, count)| count).sum())
}

/// The highest resident memory of this process so far.
fn peak_memory_mb() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("no VmHWM")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024)
}

/// Waits until the queue and the event store are empty for a while.
#[expect(
    clippy::disallowed_methods,
    reason = "the bench waits for the service as a person would"
)]
async fn quiet(world: &World) -> anyhow::Result<()> {
    let mut calm = 0;
    while calm < 15 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let is_idle =
            world.store.events(1).await?.is_empty() && world.store.queue_counts().await?.is_empty();
        calm = if is_idle { calm + 1 } else { 0 };
    }
    Ok(())
}

/// How long each change waited until it was written, sorted, and when the last one was.
async fn waits(
    world: &World,
    made: &[Made],
    start: Timestamp,
) -> anyhow::Result<(Vec<i64>, Timestamp)> {
    let mut waits = Vec::new();
    let mut last = start;
    for change in made {
        let found = world
            .store
            .entity_by_remote(change.system, change.kind, &change.remote)
            .await?;
        let Some(entity) = found else { continue };
        let filter = HistoryFilter {
            entity: Some(entity.id),
            limit: 50,
            ..HistoryFilter::default()
        };
        let history = world.store.history(&filter).await?;
        let written = history
            .iter()
            .filter(|entry| entry.action == change.action && entry.at >= change.at.plus_ms(-50))
            .map(|entry| entry.at)
            .min();
        if let Some(at) = written {
            waits.push(at.since_ms(change.at).max(0));
            last = last.max(at);
        }
    }
    waits.sort_unstable();
    Ok((waits, last))
}

/// Clients that act as the people of the course.
struct People {
    canvas: Client,
    discourse: Client,
}

impl People {
    fn new(servers: &Servers) -> anyhow::Result<Self> {
        let client = |url: &str, name: &str, secret: String| {
            Client::new(api_client::Settings {
                base_url: url.to_owned(),
                headers: vec![(name.to_owned(), Secret::new(secret))],
                user_agent: "people".to_owned(),
                timeout_ms: 30_000,
                max_body_bytes: 8 * 1024 * 1024,
                max_in_flight: 8,
                budget: None,
            })
        };
        Ok(Self {
            canvas: client(
                &servers.canvas_url,
                "Authorization",
                format!("Bearer {}", servers.canvas_token),
            )?,
            discourse: client(
                &servers.discourse_url,
                "Api-Key",
                servers.discourse_key.clone(),
            )?,
        })
    }

    async fn post(&self, system: System, path: &str, body: Value) -> anyhow::Result<Value> {
        let (client, headers) = match system {
            System::Canvas => (&self.canvas, Vec::new()),
            _ => (
                &self.discourse,
                vec![("Api-Username".to_owned(), "alice".to_owned())],
            ),
        };
        let request = Request {
            headers,
            body: Payload::Json(body),
            ..Request::write("person", Method::POST, path)
        };
        let response = client.send(request).await?;
        anyhow::ensure!(
            response.is_success(),
            "{path} answered {}: {}",
            response.status,
            response.excerpt()
        );
        Ok(response.json()?)
    }

    /// Starts topics in Discourse; returns their ids.
    async fn start_topics(&self, count: usize) -> anyhow::Result<Vec<String>> {
        let mut topics = Vec::new();
        for number in 0..count {
            let body = json!({
                "title": format!("Question number {number} of the bench"),
                "raw": format!("What do you think about question {number}?"),
                "category": 5,
                "skip_validations": true,
            });
            let body = with_category(body, &self.category().await?);
            let made = self.post(System::Discourse, "/posts.json", body).await?;
            topics.push(
                made.get("topic_id")
                    .map(ToString::to_string)
                    .context("no topic id")?,
            );
        }
        Ok(topics)
    }

    async fn category(&self) -> anyhow::Result<Value> {
        let response = self
            .discourse
            .send(
                Request::get("person", "/c/intro-bio/find_by_slug.json")
                    .with_header("Api-Username", "alice"),
            )
            .await?;
        let answer: Value = response.json()?;
        answer
            .pointer("/category/id")
            .cloned()
            .context("no category")
    }

    /// Half of the changes are replies in Discourse, the other half entries in Canvas.
    async fn change(
        &self,
        world: &World,
        topics: &[String],
        count: usize,
    ) -> anyhow::Result<Vec<Made>> {
        let mut places = Vec::new();
        for topic in topics {
            let remote = RemoteId(topic.clone());
            let entity = world
                .store
                .entity_by_remote(System::Discourse, Kind::Topic, &remote)
                .await?;
            let canvas = entity
                .as_ref()
                .and_then(|entity| entity.replica(System::Canvas));
            let canvas = canvas
                .context("a topic did not reach Canvas")?
                .remote
                .0
                .clone();
            places.push((topic.clone(), canvas));
        }
        let mut made = Vec::new();
        for number in 0..count {
            let Some((topic, canvas)) = places.get((number / 2) % places.len()) else {
                break;
            };
            made.push(if number % 2 == 0 {
                self.reply(topic, number).await?
            } else {
                self.enter(canvas, number).await?
            });
        }
        Ok(made)
    }

    async fn reply(&self, topic: &str, number: usize) -> anyhow::Result<Made> {
        let body = json!({
            "topic_id": topic,
            "raw": format!("Reply number {number} with *some* words and a list:\n\n- one\n- two"),
            "skip_validations": true,
        });
        let answer = self.post(System::Discourse, "/posts.json", body).await?;
        let id = answer
            .get("id")
            .map(ToString::to_string)
            .context("no post id")?;
        Ok(made(System::Discourse, id))
    }

    async fn enter(&self, topic: &str, number: usize) -> anyhow::Result<Made> {
        let (course, id) = topic.split_once('/').context("no Canvas topic")?;
        let path = format!("/api/v1/courses/{course}/discussion_topics/{id}/entries?as_user_id=4");
        let body = json!({ "message": format!("<p>Entry number {number} with <strong>some</strong> words.</p>") });
        let answer = self.post(System::Canvas, &path, body).await?;
        let entry = answer
            .get("id")
            .map(ToString::to_string)
            .context("no entry id")?;
        Ok(made(System::Canvas, format!("{topic}/{entry}")))
    }
}

fn with_category(mut body: Value, category: &Value) -> Value {
    if let Some(object) = body.as_object_mut() {
        object.insert("category".to_owned(), category.clone());
    }
    body
}

fn made(system: System, remote: String) -> Made {
    Made {
        system,
        kind: Kind::Post,
        remote: RemoteId(remote),
        action: "create",
        at: wiring::now(),
    }
}
