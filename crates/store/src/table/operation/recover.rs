//! Operations whose run ended without an outcome: lost with their worker, or given back by it.

use model::{Failure, Timestamp};

use super::{Stored, columns, left, put_on_hold, read, requeue};
use crate::error::{Result, poison_lost, poison_returned};
use crate::operation::AttemptResult;
use crate::session::Session;
use crate::sql::statements;
use crate::table::{attempt, lease, worker};
use crate::value::{Value, count};

statements! { "operation";
    TAKE_OF_OWNER = concat!("DELETE FROM operation WHERE id IN (SELECT id FROM operation WHERE state = 'in_progress'
        AND lease_owner = $1 ORDER BY id LIMIT $2) AND state = 'in_progress' AND lease_owner = $1
        RETURNING ", columns!()),
}

/// How many runs are taken back in one transaction.
pub(crate) const STEP: usize = 500;
/// Losses in a row after which an operation is held: it may be what kills the workers.
const LOSSES_MAX: i64 = 5;
/// Returns in a row after which an operation is held: something persistent is in its way.
const RETURNS_MAX: i64 = 20;
/// Returns in a row that are repeated at once.
const RETURNS_AT_ONCE: i64 = 3;

/// Takes back up to 500 operations of one owner whose time has run out; `None` when there is no such owner.
pub(crate) async fn expired(session: &mut Session, now: Timestamp) -> Result<Option<usize>> {
    lease::delete_expired(session, now).await?;
    let Some(owner) = worker::expired(session, now).await? else {
        return Ok(None);
    };
    if !worker::lock_expired(session, &owner, now).await? {
        return Ok(Some(0));
    }
    lose(session, &owner, now).await.map(Some)
}

/// Takes back up to 500 operations of a dead owner, and forgets the owner when that was all; returns how many.
pub(crate) async fn lose(session: &mut Session, owner: &str, now: Timestamp) -> Result<usize> {
    let runs = take(session, owner, STEP).await?;
    let recovered = runs.len();
    for mut run in runs {
        run.lost_count += 1;
        attempt::add(session, &run, AttemptResult::Lost, None, now).await?;
        let poison = (run.lost_count >= LOSSES_MAX).then(|| poison_lost(run.lost_count));
        put_back(session, run, poison, (now, now)).await?;
    }
    if recovered < STEP {
        worker::forget(session, owner).await?;
    }
    Ok(recovered)
}

/// Takes runs of an owner out of the table and passes their turns on.
async fn take(session: &mut Session, owner: &str, limit: usize) -> Result<Vec<Stored>> {
    let values = [Value::from(owner), count(limit)];
    let rows = session.query(&TAKE_OF_OWNER, &values).await?;
    let mut runs = rows.into_iter().map(read).collect::<Result<Vec<_>>>()?;
    runs.sort_by(|a, b| (a.rank_ms, &a.operation.id).cmp(&(b.rank_ms, &b.operation.id)));
    for run in &runs {
        left(session, run).await?;
    }
    Ok(runs)
}

/// Takes back everything that an owner runs; returns how many. Repeated returns wait longer and longer.
pub(crate) async fn of_owner(session: &mut Session, owner: &str, now: Timestamp) -> Result<usize> {
    let runs = take(session, owner, usize::MAX).await?;
    let returned = runs.len();
    for mut run in runs {
        run.returned_count += 1;
        attempt::add(session, &run, AttemptResult::GivenBack, None, now).await?;
        // Nothing failed: the count of attempts is about failures.
        run.operation.attempt_count = run.operation.attempt_count.saturating_sub(1);
        let returns = run.returned_count;
        let poison = (returns >= RETURNS_MAX).then(|| poison_returned(returns));
        put_back(session, run, poison, (now.plus_ms(pause_ms(returns)), now)).await?;
    }
    Ok(returned)
}

fn pause_ms(returns: i64) -> i64 {
    let beyond = returns.saturating_sub(RETURNS_AT_ONCE).clamp(0, 9);
    if beyond == 0 { 0 } else { 50_i64 << beyond }
}

async fn put_back(
    session: &mut Session,
    mut run: Stored,
    poison: Option<Failure>,
    (not_before, now): (Timestamp, Timestamp),
) -> Result<()> {
    if let Some(failure) = poison {
        return put_on_hold(session, run, &failure, now).await;
    }
    // Nothing failed that we know of: what is repeated at once keeps its place, before what its key queued later.
    let rank_ms = run.rank_ms;
    run.wait_until(not_before, now);
    if not_before <= now {
        run.rank_ms = run.rank_ms.min(rank_ms);
    }
    requeue(session, run).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_returns_wait_longer_up_to_half_a_minute() {
        let pauses: Vec<i64> = (1..=RETURNS_MAX).map(pause_ms).collect();
        assert_eq!(pauses.first(), Some(&0));
        assert_eq!(pauses.get(3), Some(&100));
        assert_eq!(pauses.last(), Some(&25_600));
        assert!(pauses.is_sorted());
    }
}
