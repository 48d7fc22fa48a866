//! A worker whose work does nothing: it claims, notes the job, and records its end with the next claim.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use store::{Claim, Finished, Operation, Outcome, Store};
use tokio::task::JoinSet;

use crate::clock;

/// How long a lease lasts, in milliseconds: the service's own default.
pub(crate) const LEASE_MS: i64 = 12_000;
/// How long an idle loop waits before it looks again: wakes make it fast, this makes it right. The first waits are for
/// commits that were under way when it said that it is idle.
const POLLS: [u64; 4] = [4, 16, 64, 500];
/// The smallest and the largest number of jobs in one claim. The number doubles while work takes milliseconds, so that
/// slow work is not held back by a worker that has claimed more than it can run.
const BATCH: (usize, usize) = (8, 512);
/// A batch that took longer than this halves the next.
const QUICK: Duration = Duration::from_millis(20);

/// What is called for each job.
pub(crate) type Handler = Arc<dyn Fn(&Operation) -> anyhow::Result<()> + Send + Sync>;

/// Workers that run until they are told to stop.
pub(crate) struct Workers {
    tasks: JoinSet<anyhow::Result<()>>,
    stop: Arc<AtomicBool>,
}

impl Workers {
    /// Starts `loops` claiming loops and what keeps their leases.
    pub(crate) fn start(store: &Store, loops: usize, handler: &Handler) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for number in 0..loops {
            let owner = format!("{}-{number}", clock::id(clock::now()));
            tasks.spawn(keep(store.clone(), owner.clone(), Arc::clone(&stop)));
            tasks.spawn(work(
                store.clone(),
                owner,
                Arc::clone(handler),
                Arc::clone(&stop),
            ));
        }
        tasks.spawn(recover(store.clone(), Arc::clone(&stop)));
        Self { tasks, stop }
    }

    /// Runs for ever, or until one of them fails.
    pub(crate) async fn join(mut self) -> anyhow::Result<()> {
        while let Some(ended) = self.tasks.join_next().await {
            ended??;
        }
        Ok(())
    }

    /// Ends them after their present batch.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        // What waits, waits for a time or a wake only: it holds nothing.
        self.tasks.abort_all();
        while let Some(ended) = self.tasks.join_next().await {
            match ended {
                Ok(result) => result?,
                Err(error) if error.is_cancelled() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

async fn work(
    store: Store,
    owner: String,
    handler: Handler,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<()> {
    let mut finished = Vec::new();
    let mut keys = BATCH.0;
    while !stop.load(Ordering::Relaxed) || !finished.is_empty() {
        let started = clock::start();
        let claimed = exchange(&store, &owner, keys, std::mem::take(&mut finished)).await?;
        if claimed.is_empty() {
            claim_after_wake(&store, &owner).await?;
            continue;
        }
        let is_full = claimed.len() >= keys;
        finished = run(claimed, &handler)?;
        keys = match started.elapsed() {
            quick if quick < QUICK && is_full => keys.saturating_mul(2).min(BATCH.1),
            slow if slow > QUICK => (keys / 2).max(BATCH.0),
            _ => keys,
        };
    }
    Ok(())
}

/// Waits until there may be something to claim.
async fn claim_after_wake(store: &Store, owner: &str) -> anyhow::Result<()> {
    let now = clock::now();
    let doze = store.doze(owner, now, LEASE_MS).await?;
    for poll in POLLS {
        let now = clock::now();
        if store.ready_at(now).await?.is_some_and(|at| at <= now) {
            return Ok(());
        }
        tokio::select! {
            () = doze.woken() => return Ok(()),
            () = clock::wait(Duration::from_millis(poll)) => {}
        }
    }
    Ok(())
}

/// Stores ends and claims up to `keys` jobs, one of each key.
pub(crate) async fn exchange(
    store: &Store,
    owner: &str,
    keys: usize,
    finished: Vec<Finished>,
) -> anyhow::Result<Vec<Operation>> {
    let claim = Claim {
        owner: owner.to_owned(),
        now: clock::now(),
        lease_ms: LEASE_MS,
        keys,
        per_key: 1,
    };
    Ok(store.exchange(claim, finished).await?.claimed)
}

/// Calls the handler for each job; returns their ends.
pub(crate) fn run(claimed: Vec<Operation>, handler: &Handler) -> anyhow::Result<Vec<Finished>> {
    let at = clock::now();
    claimed
        .into_iter()
        .map(|operation| {
            handler(&operation)?;
            Ok(Finished {
                attempt: operation.run_count,
                operation: operation.id,
                outcome: Outcome::Completed,
                at,
            })
        })
        .collect()
}

async fn keep(store: Store, owner: String, stop: Arc<AtomicBool>) -> anyhow::Result<()> {
    let every = Duration::from_millis(u64::try_from(LEASE_MS / 3)?);
    while !stop.load(Ordering::Relaxed) {
        clock::wait(every).await;
        store.heartbeat(&owner, clock::now(), LEASE_MS).await?;
    }
    Ok(())
}

async fn recover(store: Store, stop: Arc<AtomicBool>) -> anyhow::Result<()> {
    while !stop.load(Ordering::Relaxed) {
        store.recover_expired(clock::now()).await?;
        clock::wait(Duration::from_secs(1)).await;
    }
    Ok(())
}
