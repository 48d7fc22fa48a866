//! Operations whose run ended without an outcome: lost with their worker, or given back by it.

use std::collections::BTreeSet;

use model::{Failure, Timestamp};

use super::{Stored, columns, put_on_hold, read, requeue};
use crate::error::{Result, poison_lost, poison_returned};
use crate::operation::AttemptResult;
use crate::session::Session;
use crate::sql::statements;
use crate::table::{attempt, lease};
use crate::value::Value;

statements! { "operation";
    TAKE_EXPIRED = concat!("DELETE FROM operation WHERE id IN (SELECT id FROM operation WHERE state = 'in_progress'
        AND lease_until_ms <= $1 ORDER BY lease_until_ms LIMIT 500) AND state = 'in_progress' AND lease_until_ms <= $1
        RETURNING ", columns!()),
    TAKE_OF_OWNER = concat!("DELETE FROM operation WHERE state = 'in_progress' AND lease_owner = $1
        RETURNING ", columns!()),
}

/// Losses in a row after which an operation is held: it may be what kills the workers.
const LOSSES_MAX: i64 = 5;
/// Returns in a row after which an operation is held: something persistent is in its way.
const RETURNS_MAX: i64 = 20;
/// Returns in a row that are repeated at once.
const RETURNS_AT_ONCE: i64 = 3;

/// Takes back up to 500 operations whose lease has run out; returns how many.
pub(crate) async fn expired(session: &mut Session, now: Timestamp) -> Result<usize> {
    let rows = session.query(&TAKE_EXPIRED, &[Value::from(now)]).await?;
    let recovered = rows.len();
    for row in rows {
        let mut run = read(row)?;
        run.lost_count += 1;
        attempt::add(session, &run, AttemptResult::Lost, None, now).await?;
        let poison = (run.lost_count >= LOSSES_MAX).then(|| poison_lost(run.lost_count));
        put_back(session, run, poison, (now, now)).await?;
    }
    lease::delete_expired(session, now).await?;
    Ok(recovered)
}

/// Takes back everything that an owner runs; returns how many. Repeated returns wait longer and longer.
pub(crate) async fn of_owner(session: &mut Session, owner: &str, now: Timestamp) -> Result<usize> {
    let rows = session.query(&TAKE_OF_OWNER, &[Value::from(owner)]).await?;
    let returned = rows.len();
    let mut keys = BTreeSet::new();
    for row in rows {
        let mut run = read(row)?;
        run.returned_count += 1;
        attempt::add(session, &run, AttemptResult::GivenBack, None, now).await?;
        // Nothing failed: the count of attempts is about failures.
        run.operation.attempt_count = run.operation.attempt_count.saturating_sub(1);
        keys.insert(run.operation.batch_key.clone());
        let returns = run.returned_count;
        let poison = (returns >= RETURNS_MAX).then(|| poison_returned(returns));
        put_back(session, run, poison, (now.plus_ms(pause_ms(returns)), now)).await?;
    }
    for key in keys {
        lease::release_unused(session, &key, owner).await?;
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
    run.wait_until(not_before, now);
    requeue(session, &run).await
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
