//! Table `queue_count`: how many operations stand where, without counting them.

use crate::error::Result;
use crate::operation::{OperationState, Priority};
use crate::session::Session;
use crate::sql::statements;
use crate::table::operation::read_priority;
use crate::value::Value;

statements! { "queue_count";
    ADD = "INSERT INTO queue_count (shard, state, priority, amount) VALUES ($1, $2, $3, $4)
        ON CONFLICT (shard, state, priority) DO UPDATE SET amount = queue_count.amount + excluded.amount";
        postgres "INSERT INTO queue_count (shard, state, priority, amount)
        SELECT $1, n.state, n.priority, n.amount FROM unnest($2::text[], $3::bigint[], $4::bigint[])
        AS n (state, priority, amount)
        ON CONFLICT (shard, state, priority) DO UPDATE SET amount = queue_count.amount + excluded.amount",
    SUMS = "SELECT state, priority, CAST(SUM(amount) AS BIGINT) FROM queue_count GROUP BY state, priority
        HAVING SUM(amount) > 0 ORDER BY state, priority",
}

/// One change, as [`add`] takes it.
pub(crate) fn row(state: OperationState, priority: Priority, change: i64) -> Vec<Value> {
    vec![
        Value::from(state.as_str()),
        Value::from(priority.level()),
        Value::from(change),
    ]
}

/// Adds changes to the counts of a shard.
pub(crate) async fn add(session: &mut Session, shard: i64, rows: &[Vec<Value>]) -> Result<()> {
    session
        .many(&ADD, &[Value::from(shard)], rows)
        .await
        .map(|_| ())
}

/// The counts that are not zero.
pub(crate) async fn sums(session: &mut Session) -> Result<Vec<(OperationState, Priority, u64)>> {
    let rows = session.query(&SUMS, &[]).await?;
    rows.into_iter()
        .map(|mut row| {
            let state = row.name("state", OperationState::parse)?;
            let priority = read_priority(&mut row)?;
            Ok((state, priority, row.number("amount")?))
        })
        .collect()
}
