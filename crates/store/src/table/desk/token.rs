//! Table `api_token`: tokens of programs that call the admin API.

use model::Timestamp;

use crate::desk::{ApiToken, Role};
use crate::error::Result;
use crate::session::Session;
use crate::sql::statements;
use crate::value::{Row, Value, json};

macro_rules! columns {
    () => {
        "SELECT id, label, digest, role, courses, made_by, made_ms, until_ms, revoked_ms FROM api_token "
    };
}

statements! { "api_token";
    ADD = "INSERT INTO api_token (id, label, digest, role, courses, made_by, made_ms, until_ms, revoked_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL)",
    REVOKE = "UPDATE api_token SET revoked_ms = $2 WHERE id = $1 AND revoked_ms IS NULL",
    BY_DIGEST = concat!(columns!(), "WHERE digest = $1"),
    LIST = concat!(columns!(), "ORDER BY id"),
}

pub(crate) async fn add(session: &mut Session, token: &ApiToken) -> Result<()> {
    let values = [
        Value::from(&token.id),
        Value::from(&token.label),
        Value::from(&token.digest),
        Value::from(token.role.as_str()),
        json(&token.courses)?,
        Value::from(&token.made_by),
        Value::from(token.made_at),
        Value::from(token.until),
    ];
    session.guarded(&ADD, &values).await
}

pub(crate) async fn revoke(session: &mut Session, id: &str, at: Timestamp) -> Result<()> {
    session
        .guarded(&REVOKE, &[Value::from(id), Value::from(at)])
        .await
}

pub(crate) async fn by_digest(session: &mut Session, digest: &str) -> Result<Option<ApiToken>> {
    let row = session.first(&BY_DIGEST, &[Value::from(digest)]).await?;
    row.map(read).transpose()
}

pub(crate) async fn list(session: &mut Session) -> Result<Vec<ApiToken>> {
    let rows = session.query(&LIST, &[]).await?;
    rows.into_iter().map(read).collect()
}

fn read(mut row: Row) -> Result<ApiToken> {
    Ok(ApiToken {
        id: row.text("id")?,
        label: row.text("label")?,
        digest: row.text("digest")?,
        role: row.name("role", Role::parse)?,
        courses: row.json("courses")?,
        made_by: row.text("made_by")?,
        made_at: row.time("made_ms")?,
        until: row.optional_time("until_ms")?,
        revoked_at: row.optional_time("revoked_ms")?,
    })
}
