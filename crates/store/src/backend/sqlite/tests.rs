//! What SQLite's own errors become, made to happen for real.

use super::*;

static FILL: Sql = Sql::new(
    "cursor",
    "FILL",
    "INSERT INTO filler (words) VALUES ($1)",
    None,
);
static FLOAT: Sql = Sql::new("cursor", "FLOAT", "SELECT 1.5", None);
static BLOB: Sql = Sql::new("cursor", "BLOB", "SELECT x'00ff'", None);
static BROKEN: Sql = Sql::new("cursor", "BROKEN", "SELECT nothing FROM nowhere", None);

async fn writer(database: &Database) -> Session {
    database.writer().await.unwrap()
}

async fn with_filler() -> Database {
    let database = Database::open(":memory:").unwrap();
    let mut session = writer(&database).await;
    session
        .script("CREATE TABLE filler (words TEXT NOT NULL UNIQUE)")
        .unwrap();
    session.commit().unwrap();
    database
}

#[tokio::test]
async fn a_full_disk_is_told_and_leaves_nothing() {
    let database = with_filler().await;
    let mut session = writer(&database).await;
    session.script("PRAGMA max_page_count = 10").unwrap();
    let words = [Value::from("x".repeat(100_000).as_str())];
    assert_eq!(session.execute(&FILL, &words), Err(Error::Full));
    drop(session);
    let mut session = writer(&database).await;
    session.script("PRAGMA max_page_count = 100000").unwrap();
    assert_eq!(session.execute(&FILL, &words), Ok(1));
    session.commit().unwrap();
}

#[tokio::test]
async fn a_database_that_may_not_be_written_says_so() {
    let database = with_filler().await;
    let mut session = writer(&database).await;
    session.script("PRAGMA query_only = true").unwrap();
    let result = session.execute(&FILL, &[Value::from("x")]);
    assert!(matches!(result, Err(Error::ReadOnly(_))), "{result:?}");
}

#[tokio::test]
async fn a_value_twice_is_a_missed_guard() {
    let database = with_filler().await;
    let mut session = writer(&database).await;
    assert_eq!(session.execute(&FILL, &[Value::from("x")]), Ok(1));
    let again = session.execute(&FILL, &[Value::from("x")]);
    assert_eq!(again, Err(Error::Stale { what: "cursor" }));
}

#[tokio::test]
async fn dropping_a_transaction_undoes_it() {
    let database = with_filler().await;
    let mut session = writer(&database).await;
    session.execute(&FILL, &[Value::from("x")]).unwrap();
    drop(session);
    let mut session = writer(&database).await;
    assert_eq!(session.execute(&FILL, &[Value::from("x")]), Ok(1));
}

#[tokio::test]
async fn only_text_and_integers_come_out() {
    let database = with_filler().await;
    let mut session = database.reader().await;
    for sql in [&FLOAT, &BLOB] {
        assert!(matches!(session.query(sql, &[]), Err(Error::Bug(_))));
    }
}

#[tokio::test]
async fn a_wrong_statement_names_itself() {
    let database = with_filler().await;
    let mut session = database.reader().await;
    let Err(Error::Bug(text)) = session.query(&BROKEN, &[]) else {
        panic!("it cannot be prepared")
    };
    assert!(text.starts_with("cursor.BROKEN: "), "{text}");
    let Err(Error::Bug(text)) = session.execute(&FILL, &[]) else {
        panic!("a parameter is missing")
    };
    assert!(text.contains("takes 1 parameters"), "{text}");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let Err(Error::Unavailable(text)) = Database::open("/nowhere/at/all/a.db") else {
        panic!("there is no such folder")
    };
    assert!(text.contains("/nowhere/at/all"), "{text}");
    assert!(matches!(Database::open(""), Err(Error::Address(_))));
}
