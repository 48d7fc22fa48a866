//! Table `audit`: what people did, chained line by line so that a change of it shows.

use std::fmt::Write as _;

use model::Digest;

use crate::desk::{AuditEntry, AuditLine, ChainCheck};
use crate::error::{Error, Result};
use crate::session::Session;
use crate::sql::statements;
use crate::value::{Row, Value, count};

macro_rules! columns {
    () => {
        "SELECT number, at_ms, who, act, subject, why, origin, result, digest FROM audit "
    };
}

statements! { "audit";
    // Reads the head and keeps it for this transaction: lines are added one after the other.
    TAKE_HEAD = "INSERT INTO meta (name, value) VALUES ('audit_head', '0:')
        ON CONFLICT (name) DO UPDATE SET value = meta.value RETURNING name, value",
    SET_HEAD = "UPDATE meta SET value = $1 WHERE name = 'audit_head'",
    HEAD = "SELECT name, value FROM meta WHERE name = 'audit_head'",
    ADD = "INSERT INTO audit (number, at_ms, who, act, subject, why, origin, result, digest)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    PAGE = concat!(columns!(), "WHERE number < $1 ORDER BY number DESC LIMIT $2"),
    PAGE_OF_WHO = concat!(columns!(), "WHERE number < $1 AND who = $3 ORDER BY number DESC LIMIT $2"),
    CHAIN = concat!(columns!(), "WHERE number > $1 ORDER BY number LIMIT $2"),
}

/// How many lines a check reads at once.
const STRIDE: usize = 1_000;

/// The digest of a line: over its place, its words, each with its length, and the digest before it.
fn digest(number: i64, entry: &AuditEntry, before: &str) -> String {
    let mut text = format!("{number}\n{}\n{before}\n", entry.at.0);
    for part in [
        &entry.who,
        &entry.act,
        &entry.subject,
        &entry.why,
        &entry.origin,
        &entry.result,
    ] {
        // Writing into a String cannot fail.
        writeln!(text, "{}:{part}", part.len()).unwrap_or(());
    }
    Digest::of(text.as_bytes()).as_str().to_owned()
}

fn parse(head: &str) -> Result<(i64, String)> {
    head.split_once(':')
        .and_then(|(number, digest)| Some((number.parse().ok()?, digest.to_owned())))
        .ok_or(Error::Corrupt {
            table: "meta",
            column: "value",
            row: "audit_head".to_owned(),
        })
}

/// Adds a line at the end of the chain.
pub(crate) async fn add(session: &mut Session, entry: &AuditEntry) -> Result<()> {
    let head = session.first(&TAKE_HEAD, &[]).await?;
    let mut head = head.ok_or(Error::Stale { what: "audit" })?;
    head.text("name")?;
    let (number, before) = parse(&head.text("value")?)?;
    let number = number.saturating_add(1);
    // What cannot be stored as it is must not be in the digest either.
    let clean = |text: &str| text.replace('\0', "\u{fffd}");
    let entry = AuditEntry {
        at: entry.at,
        who: clean(&entry.who),
        act: clean(&entry.act),
        subject: clean(&entry.subject),
        why: clean(&entry.why),
        origin: clean(&entry.origin),
        result: clean(&entry.result),
    };
    let digest = digest(number, &entry, &before);
    let values = [
        Value::from(number),
        Value::from(entry.at),
        Value::from(&entry.who),
        Value::from(&entry.act),
        Value::from(&entry.subject),
        Value::from(&entry.why),
        Value::from(&entry.origin),
        Value::from(&entry.result),
        Value::from(&digest),
    ];
    session.guarded(&ADD, &values).await?;
    let head = format!("{number}:{digest}");
    session.guarded(&SET_HEAD, &[Value::from(&head)]).await
}

/// A page of lines, newest first, by everyone or by one.
pub(crate) async fn page(
    session: &mut Session,
    who: Option<&str>,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<AuditLine>> {
    let mut values = vec![Value::from(before.unwrap_or(i64::MAX)), count(limit)];
    let rows = match who {
        Some(who) => {
            values.push(Value::from(who));
            session.query(&PAGE_OF_WHO, &values).await?
        }
        None => session.query(&PAGE, &values).await?,
    };
    rows.into_iter().map(read).collect()
}

/// Walks the chain from its beginning.
pub(crate) async fn check(session: &mut Session) -> Result<ChainCheck> {
    let (mut number, mut before) = (0_i64, String::new());
    loop {
        let rows = session
            .query(&CHAIN, &[Value::from(number), count(STRIDE)])
            .await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let line = read(row)?;
            let wanted = number.saturating_add(1);
            if line.number != wanted || line.digest != digest(wanted, &line.entry, &before) {
                return Ok(ChainCheck::Broken(wanted));
            }
            (number, before) = (wanted, line.digest);
        }
    }
    let head = match session.first(&HEAD, &[]).await? {
        Some(mut row) => {
            row.text("name")?;
            parse(&row.text("value")?)?
        }
        None => (0, String::new()),
    };
    if head == (number, before) {
        return Ok(ChainCheck::Whole(number));
    }
    Ok(ChainCheck::Broken(number.saturating_add(1)))
}

fn read(mut row: Row) -> Result<AuditLine> {
    Ok(AuditLine {
        number: row.integer("number")?,
        entry: AuditEntry {
            at: row.time("at_ms")?,
            who: row.text("who")?,
            act: row.text("act")?,
            subject: row.text("subject")?,
            why: row.text("why")?,
            origin: row.text("origin")?,
            result: row.text("result")?,
        },
        digest: row.text("digest")?,
    })
}
