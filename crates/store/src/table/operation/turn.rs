//! Whose turn it is within a batch key. One operation of a key has it, waiting or running; when it goes, the next one
//! gets it: so claims never look for what else the key does, however long its queue is.
//!
//! Two transactions that meet at one key on PostgreSQL: whoever queues locks the holder against its end, and two new
//! holders miss the unique index, which the store answers by running the loser again.

use std::collections::BTreeMap;

use super::Stored;
use crate::error::Result;
use crate::operation::OperationState;
use crate::session::Session;
use crate::sql::statements;
use crate::value::Value;

macro_rules! holders {
    () => {
        "SELECT o.batch_key, o.id, o.rank_ms, o.state, o.lease_owner FROM operation o WHERE o.turn = 2 AND o.batch_key"
    };
}

macro_rules! yield_turn {
    ($keys:literal) => {
        concat!(
            "UPDATE operation SET turn = 1 WHERE turn = 2 AND state = 'pending' AND batch_key ", $keys,
            " AND EXISTS (SELECT 1 FROM operation b WHERE b.batch_key = operation.batch_key AND b.turn = 1 \
             AND (b.rank_ms, b.id) < (operation.rank_ms, operation.id))"
        )
    };
}

statements! { "operation";
    HOLDERS = concat!(holders!(), " IN (SELECT a FROM temp.given)");
        postgres concat!(holders!(), " = ANY($1::text[]) ORDER BY o.id FOR KEY SHARE OF o"),
    STAND_BACK = "UPDATE operation SET turn = 1 WHERE id = $1 AND turn = 2 AND state = 'pending'",
    INHERIT = "UPDATE operation SET turn = 2 WHERE id IN (SELECT min(c.id) FROM operation c
            WHERE c.state = 'in_progress' AND c.turn = 0 AND c.batch_key = ANY($1::text[]) AND NOT EXISTS (SELECT 1
            FROM operation h WHERE h.batch_key = c.batch_key AND h.turn = 2) GROUP BY c.batch_key)"; only Postgres,
    YIELD = yield_turn!("IN (SELECT a FROM temp.given)"); postgres yield_turn!("= ANY($1::text[])"),
    // SQLite's text does the work of the other too.
    GIVE = "UPDATE operation SET turn = 2 WHERE rowid IN (SELECT COALESCE((SELECT c.rowid FROM operation c
            WHERE c.batch_key = k.a AND c.state = 'in_progress' AND c.turn = 0 ORDER BY c.id LIMIT 1),
            (SELECT n.rowid FROM operation n WHERE n.batch_key = k.a AND n.turn = 1 ORDER BY n.rank_ms, n.id LIMIT 1))
        FROM temp.given AS k
        WHERE NOT EXISTS (SELECT 1 FROM operation h WHERE h.batch_key = k.a AND h.turn = 2))";
        postgres "UPDATE operation SET turn = 2 WHERE turn + 0 = 1 AND id IN (SELECT n.id FROM unnest($1::text[]) AS k (key)
            CROSS JOIN LATERAL (SELECT o.id FROM operation o WHERE o.batch_key = k.key AND o.turn = 1
                ORDER BY o.rank_ms, o.id LIMIT 1) AS n
            WHERE NOT EXISTS (SELECT 1 FROM operation h WHERE h.batch_key = k.key AND h.turn = 2)) RETURNING id",
}

/// Who has the turn of a key.
pub(crate) struct Holder {
    pub(crate) id: String,
    pub(crate) rank_ms: i64,
    /// The owner, when it runs.
    pub(crate) runner: Option<String>,
}

fn rows(keys: &[&str]) -> Vec<Vec<Value>> {
    keys.iter().map(|key| vec![Value::from(*key)]).collect()
}

/// How often a key without a holder is looked at again by work that was undone before.
const LOOKS: usize = 8;

/// Who has the turn of each of some keys. The holders cannot end before this transaction does.
///
/// PostgreSQL does not show the holder that took over from one whose end was waited for. Work that was undone for that
/// would be undone for ever on a busy key, so it looks again.
pub(crate) async fn holders(
    session: &mut Session,
    keys: &[&str],
) -> Result<BTreeMap<String, Holder>> {
    let mut found = lock_holders(session, keys).await?;
    let looks = if session.undone > 0 { LOOKS } else { 0 };
    for _ in 0..looks {
        let left: Vec<&str> = keys
            .iter()
            .copied()
            .filter(|key| !found.contains_key(*key))
            .collect();
        if left.is_empty() {
            break;
        }
        found.extend(lock_holders(session, &left).await?);
    }
    Ok(found)
}

async fn lock_holders(session: &mut Session, keys: &[&str]) -> Result<BTreeMap<String, Holder>> {
    let found = session.many(&HOLDERS, &[], &rows(keys)).await?;
    found
        .into_iter()
        .map(|mut row| {
            let key = row.text("batch_key")?;
            let id = row.text("id")?;
            let rank_ms = row.integer("rank_ms")?;
            let state = row.name("state", OperationState::parse)?;
            let owner = row.optional_text("lease_owner")?;
            let runner = owner.filter(|_| state == OperationState::InProgress);
            let holder = Holder {
                id,
                rank_ms,
                runner,
            };
            Ok((key, holder))
        })
        .collect()
}

/// Takes the turn from a waiting holder; `false` when it has been claimed meanwhile.
pub(crate) async fn stand_back(session: &mut Session, holder: &str) -> Result<bool> {
    let values = [Value::from(holder)];
    Ok(session.execute(&STAND_BACK, &values).await? > 0)
}

/// Gives the turn of keys whose holder has gone to who runs beside it, or else to the next that waits.
///
/// SQLite does not say whether there was one: whoever ended the holder looks at the queue next in any case.
pub(crate) async fn pass_on(session: &mut Session, keys: &[&str]) -> Result<()> {
    let rows = rows(keys);
    if !session.is_sqlite() {
        session.many(&INHERIT, &[], &rows).await?;
    }
    for _ in session.many(&GIVE, &[], &rows).await? {
        session.made_ready();
    }
    Ok(())
}

/// Puts the turns of keys right after an operation of theirs came or changed its rank.
pub(crate) async fn settle(session: &mut Session, keys: &[&str]) -> Result<()> {
    session.many(&YIELD, &[], &rows(keys)).await?;
    pass_on(session, keys).await
}

/// Decides which of some due operations that are about to be stored get their key's turn; the answer has their
/// places among `stored`.
pub(crate) async fn assign(session: &mut Session, stored: &mut [Stored]) -> Result<()> {
    let mut best: BTreeMap<String, usize> = BTreeMap::new();
    for (index, one) in stored.iter().enumerate() {
        if !one.is_due() {
            continue;
        }
        match best.get_mut(&one.operation.batch_key) {
            None => {
                best.insert(one.operation.batch_key.clone(), index);
            }
            Some(known) => {
                if stored.get(*known).is_none_or(|known| one.is_before(known)) {
                    *known = index;
                }
            }
        }
    }
    for one in stored.iter_mut() {
        one.turn = i64::from(one.is_due());
    }
    let keys: Vec<&str> = best.keys().map(String::as_str).collect();
    let holders = holders(session, &keys).await?;
    for (key, index) in &best {
        let Some(one) = stored.get_mut(*index) else {
            continue;
        };
        let gets_it = match holders.get(key) {
            None => true,
            Some(holder) if holder.runner.is_some() => false,
            Some(holder) => {
                let is_before =
                    (one.rank_ms, one.operation.id.as_str()) < (holder.rank_ms, holder.id.as_str());
                is_before && stand_back(session, &holder.id).await?
            }
        };
        if gets_it {
            one.turn = 2;
        }
    }
    Ok(())
}
