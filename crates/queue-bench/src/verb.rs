//! The verbs: what each measures and prints.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use serde_json::{Value, json};
use store::{OperationState, Store};

use crate::clock::{self, rounded};
use crate::job;
use crate::place::Place;
use crate::say;
use crate::suite::Options;
use crate::worker::{self, Handler, Workers};

/// What to do; the database is named by `Q_PG` or `Q_SQLITE`.
#[derive(Debug, Parser)]
#[command(name = "queue-bench")]
pub(crate) enum Verb {
    /// Begin with an empty database.
    Setup,
    /// Insert N jobs one after the other, each waited for.
    Single { n: u64 },
    /// Insert N jobs through the bulk call.
    Bulk { n: u64 },
    /// Run N jobs that wait already.
    Drain { n: u64 },
    /// Insert N jobs into the idle queue and measure how long until each starts.
    Latency { n: u64 },
    /// Run jobs for ever.
    Serve,
    /// Say what is there.
    Stats,
    /// Insert N jobs and complete them, so that the history is long.
    Finish { n: u64 },
    /// Measure N claims of one job each, with their ends.
    Claims { n: u64 },
    /// Measure everything, with processes of this program.
    Suite(Options),
}

impl Verb {
    pub(crate) async fn run(self, place: &Place) -> anyhow::Result<()> {
        let line = match self {
            Self::Setup => {
                place.renew().await?;
                json!({ "ok": 1 })
            }
            Self::Single { n } => single(place, n).await?,
            Self::Bulk { n } => bulk(place, n).await?,
            Self::Drain { n } => drain(place, n).await?,
            Self::Latency { n } => latency(place, n).await?,
            Self::Serve => return serve(place).await,
            Self::Stats => stats(&place.open().await?).await?,
            Self::Finish { n } => finish(place, n).await?,
            Self::Claims { n } => claims(place, n).await?,
            Self::Suite(_) => anyhow::bail!("the suite is no single verb"),
        };
        say(&line);
        Ok(())
    }
}

fn rate(n: u64, time: Duration) -> Value {
    let seconds = time.as_secs_f64();
    json!({ "n": n, "s": rounded(seconds), "per_s": (count(n) / seconds.max(1e-9)).round() })
}

fn count(n: u64) -> f64 {
    u32::try_from(n).map_or(f64::MAX, f64::from)
}

fn with(mut line: Value, more: &Value) -> Value {
    if let (Some(line), Some(more)) = (line.as_object_mut(), more.as_object()) {
        line.extend(more.clone());
    }
    line
}

async fn single(place: &Place, n: u64) -> anyhow::Result<Value> {
    let store = place.open().await?;
    let start = clock::start();
    for number in 0..n {
        store.commit(job::bulk(number, 1, place.keys)).await?;
    }
    Ok(rate(n, start.elapsed()))
}

async fn bulk(place: &Place, n: u64) -> anyhow::Result<Value> {
    let store = place.open().await?;
    let start = clock::start();
    insert(&store, n, place.keys).await?;
    Ok(rate(n, start.elapsed()))
}

async fn insert(store: &Store, n: u64, keys: u64) -> anyhow::Result<()> {
    let mut number = 0;
    while number < n {
        let some = (n - number).min(job::BULK);
        store.commit(job::bulk(number, some, keys)).await?;
        number += some;
    }
    Ok(())
}

/// What the handler of a drain writes down.
#[derive(Default)]
struct Notes {
    first: Option<Instant>,
    last: Option<Instant>,
    /// How often each job ran.
    runs: BTreeMap<u64, u32>,
    /// The last job of each key.
    keys: BTreeMap<u64, u64>,
    out_of_order: u64,
}

impl Notes {
    fn note(&mut self, number: u64, keys: u64) {
        let now = clock::start();
        self.first.get_or_insert(now);
        self.last = Some(now);
        *self.runs.entry(number).or_insert(0) += 1;
        if let Some(key) = number.checked_rem(keys)
            && let Some(before) = self.keys.insert(key, number)
            && before > number
        {
            self.out_of_order += 1;
        }
    }
}

async fn drain(place: &Place, n: u64) -> anyhow::Result<Value> {
    let store = place.open().await?;
    let notes = Arc::new(Mutex::new(Notes::default()));
    let keys = place.keys;
    let shared = Arc::clone(&notes);
    let handler: Handler = Arc::new(move |operation| {
        let number = job::number(operation).context("not a job of ours")?;
        let mut notes = shared.lock().unwrap_or_else(PoisonError::into_inner);
        notes.note(number, keys);
        Ok(())
    });
    let start = clock::start();
    let workers = Workers::start(&store, loops(place), &handler);
    let ran = || {
        let notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
        u64::try_from(notes.runs.len()).unwrap_or(0)
    };
    // Asking all the time would be measured too.
    while ran() < n || unfinished(&store).await? > 0 {
        clock::wait(Duration::from_millis(1)).await;
    }
    let time = start.elapsed();
    workers.stop().await?;
    let notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
    let since = |at: Option<Instant>| {
        at.map(|at| rounded(at.saturating_duration_since(start).as_secs_f64()))
    };
    let dup: u64 = notes.runs.values().map(|runs| u64::from(*runs) - 1).sum();
    let more = json!({
        "first_s": since(notes.first),
        "handled_s": since(notes.last),
        "dup": dup,
        "missing": n.saturating_sub(u64::try_from(notes.runs.len())?),
        "out_of_order": notes.out_of_order,
        "rss_mb": clock::peak_mb(),
        "cpu_s": clock::cpu_s(),
    });
    Ok(with(rate(n, time), &more))
}

/// SQLite has one writer: a second loop would only wait for it. On PostgreSQL one loop works while the other waits.
fn loops(place: &Place) -> usize {
    if place.is_sqlite() { 1 } else { 2 }
}

async fn unfinished(store: &Store) -> anyhow::Result<u64> {
    let counts = store.queue_counts().await?;
    let waiting = counts
        .iter()
        .filter(|count| count.state != OperationState::Failed);
    Ok(waiting.map(|count| count.count).sum())
}

async fn latency(place: &Place, n: u64) -> anyhow::Result<Value> {
    let store = place.open().await?;
    let (sender, mut started) = tokio::sync::mpsc::unbounded_channel();
    let handler: Handler = Arc::new(move |_| Ok(sender.send(clock::start())?));
    let workers = Workers::start(&store, 1, &handler);
    clock::wait(Duration::from_millis(300)).await;
    let mut times = Vec::new();
    for number in 0..n {
        let start = clock::start();
        store.commit(job::bulk(number, 1, place.keys)).await?;
        let at = started.recv().await.context("the worker has ended")?;
        times.push(at.saturating_duration_since(start).as_secs_f64() * 1_000.0);
        clock::wait(Duration::from_millis(2 + (number.wrapping_mul(7)) % 11)).await;
    }
    workers.stop().await?;
    times.sort_by(f64::total_cmp);
    let at = |share: usize| {
        let place = times.len().saturating_sub(1).saturating_mul(share) / 100;
        times.get(place).copied().map(rounded)
    };
    Ok(json!({
        "n": n,
        "p50_ms": at(50),
        "p99_ms": at(99),
        "max_ms": at(100),
        "rss_mb": clock::peak_mb(),
    }))
}

async fn serve(place: &Place) -> anyhow::Result<()> {
    let store = place.open().await?;
    let _lock = recover(place, &store).await?;
    let log = match &place.log {
        Some(path) => Some(Mutex::new(
            OpenOptions::new().create(true).append(true).open(path)?,
        )),
        None => None,
    };
    let handler: Handler = Arc::new(move |operation| {
        let number = job::number(operation).context("not a job of ours")?;
        if let Some(log) = &log {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.write_all(format!("{number}\n").as_bytes())?;
        }
        Ok(())
    });
    let workers = Workers::start(&store, loops(place), &handler);
    say(&json!({ "ready": 1 }));
    workers.join().await
}

/// On SQLite, whoever holds the lock is alone, and what an earlier process was running is free at once.
async fn recover(place: &Place, store: &Store) -> anyhow::Result<Option<File>> {
    let Some(path) = place.url.strip_prefix("sqlite:") else {
        return Ok(None);
    };
    let lock = File::create(format!("{path}.lock"))?;
    lock.try_lock().context("another worker serves the file")?;
    store.recover_all(clock::now()).await?;
    Ok(Some(lock))
}

async fn stats(store: &Store) -> anyhow::Result<Value> {
    let mut states: BTreeMap<&str, u64> = BTreeMap::new();
    for count in store.queue_counts().await? {
        *states.entry(count.state.as_str()).or_insert(0) += count.count;
    }
    Ok(json!({ "unfinished": unfinished(store).await?, "states": states }))
}

async fn finish(place: &Place, n: u64) -> anyhow::Result<Value> {
    let store = place.open().await?;
    let handler: Handler = Arc::new(|_| Ok(()));
    let start = clock::start();
    let mut left = n;
    while left > 0 {
        let some = left.min(50_000);
        insert(&store, some, 0).await?;
        let workers = Workers::start(&store, loops(place), &handler);
        while unfinished(&store).await? > 0 {
            clock::wait(Duration::from_millis(20)).await;
        }
        workers.stop().await?;
        left -= some;
    }
    Ok(rate(n, start.elapsed()))
}

/// Claims single jobs and ends each with the next claim.
async fn claims(place: &Place, n: u64) -> anyhow::Result<Value> {
    let store = place.open().await?;
    let handler: Handler = Arc::new(|_| Ok(()));
    let mut finished = Vec::new();
    let mut times = Vec::new();
    for _ in 0..n {
        let start = clock::start();
        let claimed = worker::exchange(&store, "claims", 1, std::mem::take(&mut finished)).await?;
        times.push(start.elapsed().as_secs_f64() * 1_000.0);
        finished = worker::run(claimed, &handler)?;
    }
    store.give_back("claims", clock::now()).await?;
    times.sort_by(f64::total_cmp);
    let p50 = times.get(times.len() / 2).copied().map(rounded);
    Ok(json!({ "n": n, "claim_p50_ms": p50, "rss_mb": clock::peak_mb() }))
}
