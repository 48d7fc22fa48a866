//! Tables `account` and `login_session`: who may sign in, and who is signed in.

use model::Timestamp;

use crate::desk::{Account, LoginSession, Role};
use crate::error::Result;
use crate::session::Session;
use crate::sql::statements;
use crate::value::{Row, Value, json};

statements! { "account";
    SAVE = "INSERT INTO account (name, password, role, courses, created_ms) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (name) DO UPDATE SET password = excluded.password, role = excluded.role,
        courses = excluded.courses",
    BY_NAME = "SELECT name, password, role, courses, created_ms FROM account WHERE name = $1",
    LIST = "SELECT name, password, role, courses, created_ms FROM account ORDER BY name",
    REMOVE = "DELETE FROM account WHERE name = $1",
    OPEN = "INSERT INTO login_session (digest, account, csrf, began_ms, seen_ms, until_ms)
        VALUES ($1, $2, $3, $4, $5, $6)",
    SESSION = "SELECT digest, account, csrf, began_ms, seen_ms, until_ms FROM login_session WHERE digest = $1",
    TOUCH = "UPDATE login_session SET seen_ms = $2 WHERE digest = $1 AND seen_ms < $2",
    CLOSE = "DELETE FROM login_session WHERE digest = $1",
    CLOSE_ALL = "DELETE FROM login_session WHERE account = $1",
    PRUNE = "DELETE FROM login_session WHERE until_ms <= $1",
}

pub(crate) async fn save(session: &mut Session, account: &Account) -> Result<()> {
    let values = [
        Value::from(&account.name),
        Value::from(&account.password),
        Value::from(account.role.as_str()),
        json(&account.courses)?,
        Value::from(account.created_at),
    ];
    session.guarded(&SAVE, &values).await?;
    // Who had the old password or the old role has to sign in again.
    let values = [Value::from(&account.name)];
    session.execute(&CLOSE_ALL, &values).await.map(|_| ())
}

pub(crate) async fn remove(session: &mut Session, name: &str) -> Result<()> {
    session.execute(&CLOSE_ALL, &[Value::from(name)]).await?;
    session.guarded(&REMOVE, &[Value::from(name)]).await
}

pub(crate) async fn by_name(session: &mut Session, name: &str) -> Result<Option<Account>> {
    let row = session.first(&BY_NAME, &[Value::from(name)]).await?;
    row.map(read).transpose()
}

pub(crate) async fn list(session: &mut Session) -> Result<Vec<Account>> {
    let rows = session.query(&LIST, &[]).await?;
    rows.into_iter().map(read).collect()
}

fn read(mut row: Row) -> Result<Account> {
    Ok(Account {
        name: row.text("name")?,
        password: row.text("password")?,
        role: row.name("role", Role::parse)?,
        courses: row.json("courses")?,
        created_at: row.time("created_ms")?,
    })
}

pub(crate) async fn open(session: &mut Session, login: &LoginSession) -> Result<()> {
    session
        .execute(&PRUNE, &[Value::from(login.began_at)])
        .await?;
    let values = [
        Value::from(&login.digest),
        Value::from(&login.account),
        Value::from(&login.csrf),
        Value::from(login.began_at),
        Value::from(login.seen_at),
        Value::from(login.until),
    ];
    session.guarded(&OPEN, &values).await
}

pub(crate) async fn touch(session: &mut Session, digest: &str, at: Timestamp) -> Result<()> {
    let values = [Value::from(digest), Value::from(at)];
    session.execute(&TOUCH, &values).await.map(|_| ())
}

pub(crate) async fn close(session: &mut Session, digest: &str) -> Result<()> {
    let values = [Value::from(digest)];
    session.execute(&CLOSE, &values).await.map(|_| ())
}

pub(crate) async fn session(session: &mut Session, digest: &str) -> Result<Option<LoginSession>> {
    let row = session.first(&SESSION, &[Value::from(digest)]).await?;
    row.map(|mut row| {
        Ok(LoginSession {
            digest: row.text("digest")?,
            account: row.text("account")?,
            csrf: row.text("csrf")?,
            began_at: row.time("began_ms")?,
            seen_at: row.time("seen_ms")?,
            until: row.time("until_ms")?,
        })
    })
    .transpose()
}
