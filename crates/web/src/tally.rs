//! Counts the journal's hours in the background, so that pages need not.

use std::time::Duration;

use model::Timestamp;

use crate::state::State;

/// Entries younger than this are left for the next time: their commits may still be under way.
const SETTLED_MS: i64 = 30_000;
/// How many entries one commit counts.
const BATCH: usize = 2_000;
/// How often it is done.
const PACE: Duration = Duration::from_secs(10);
/// How long one process keeps the duty.
const LEASE_MS: i64 = 60_000;
/// How long counted hours and kept answers stay.
const HOURS_KEPT_MS: i64 = 3_660 * 86_400_000;
const ANSWERS_KEPT_MS: i64 = 86_400_000;

/// Counts until `state` stops.
pub(crate) async fn keep(state: State) {
    let owner = state.stamp.id();
    let mut stopping = state.stopping.subscribe();
    let mut pace = tokio::time::interval(PACE);
    loop {
        tokio::select! {
            _ = stopping.wait_for(|is_stopping| *is_stopping) => return,
            _ = pace.tick() => {}
        }
        if let Err(error) = advance(&state, &owner).await {
            tracing::warn!(%error, "the journal's hours could not be counted; it is tried again");
        }
    }
}

/// Counts all that is settled; returns how many entries that were.
pub(crate) async fn advance(state: &State, owner: &str) -> store::Result<usize> {
    let now = state.stamp.now();
    if !state
        .store
        .take_lease("tally", owner, now, LEASE_MS)
        .await?
    {
        return Ok(0);
    }
    let before = |ms: i64| Timestamp(now.0.saturating_sub(ms));
    let mut counted = 0;
    loop {
        let some = state
            .store
            .count_history(before(SETTLED_MS), now, BATCH)
            .await?;
        counted += some;
        if some < BATCH || *state.stopping.borrow() {
            break;
        }
        let now = state.stamp.now();
        if !state
            .store
            .take_lease("tally", owner, now, LEASE_MS)
            .await?
        {
            break;
        }
        tokio::task::yield_now().await;
    }
    state
        .store
        .prune_desk(before(ANSWERS_KEPT_MS), before(HOURS_KEPT_MS))
        .await?;
    Ok(counted)
}
