//! Table `node`: the processes that run workers.

use model::Timestamp;

use crate::error::Result;
use crate::record::Node;
use crate::session::Session;
use crate::sql::statements;
use crate::value::{Value, count};

statements! { "node";
    SEEN = "INSERT INTO node (id, name, role, version, workers, started_ms, seen_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (id) DO UPDATE SET seen_ms = excluded.seen_ms",
    FORGET = "DELETE FROM node WHERE seen_ms < $1",
    REMOVE = "DELETE FROM node WHERE id = $1",
    LIST = "SELECT id, name, role, version, workers, started_ms, seen_ms FROM node ORDER BY started_ms, id",
}

/// Notes that a process lives, and forgets those that were not seen since a time.
pub(crate) async fn seen(session: &mut Session, node: &Node, before: Timestamp) -> Result<()> {
    let values = [
        Value::from(&node.id),
        Value::from(&node.name),
        Value::from(&node.role),
        Value::from(&node.version),
        count(node.workers),
        Value::from(node.started_at),
        Value::from(node.seen_at),
    ];
    session.guarded(&SEEN, &values).await?;
    session.execute(&FORGET, &[Value::from(before)]).await?;
    Ok(())
}

/// Removes a process that has ended.
pub(crate) async fn remove(session: &mut Session, id: &str) -> Result<()> {
    session
        .execute(&REMOVE, &[Value::from(id)])
        .await
        .map(|_| ())
}

/// The processes, oldest first.
pub(crate) async fn list(session: &mut Session) -> Result<Vec<Node>> {
    let rows = session.query(&LIST, &[]).await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(Node {
                id: row.text("id")?,
                name: row.text("name")?,
                role: row.text("role")?,
                version: row.text("version")?,
                workers: row.number("workers")?,
                started_at: row.time("started_ms")?,
                seen_at: row.time("seen_ms")?,
            })
        })
        .collect()
}
