//! The schema, the statements over it, and databases that are not as they should be.

use std::path::Path;

use expect_test::expect;
use model::Kind;
use store::{Change, Error, Store};

use super::database::{Database, Engine};
use super::sample::{NOW, entity, entity_id, save, store_course};

pub async fn every_statement_prepares(db: Database) {
    let checked = db.store.check_statements().await.unwrap();
    assert!(checked > 60, "{checked}");
}

pub async fn the_split_statements_are_known(_: Database) {
    let expected = expect![[r"
        overview.SIZE
        operation.INSERT_PENDING
        operation.PROMOTE
        operation.TAKE
        operation.TAKE_GUARDED
        operation.JOIN
        operation.KEEP_OPERATION
        operation.KEEP_ATTEMPT
        operation.TAKE_OUT
        operation.LOOK
        operation.HOLDERS
        operation.INHERIT
        operation.YIELD
        operation.GIVE
        queue_count.ADD"]];
    expected.assert_eq(&Store::split_statements().join("\n"));
}

pub async fn the_version_is_the_newest(db: Database) {
    let version = db.store.schema_version().await;
    assert_eq!(version, Ok(store::newest_version()));
    assert_eq!(db.store.integrity().await, Ok(Vec::new()));
}

/// Everything that the engine knows about the tables, one fact a line.
async fn catalogue(db: &Database) -> Vec<String> {
    if db.engine == Engine::File {
        let all = "SELECT type || ' ' || name || ' ' || COALESCE(sql, '') FROM sqlite_master ORDER BY name";
        let facts = db.raw_rows(all).await;
        // Line ends and indents are no part of a definition.
        let words = facts
            .iter()
            .map(|fact| fact.split_whitespace().collect::<Vec<_>>());
        return words.map(|words| words.join(" ")).collect();
    }
    let queries = [
        "SELECT table_name || ' ' || ordinal_position || ' ' || column_name || ' ' || data_type || ' ' || is_nullable
         || ' ' || COALESCE(column_default, '') FROM information_schema.columns
         WHERE table_schema = current_schema() ORDER BY 1",
        "SELECT replace(indexdef, current_schema() || '.', '') FROM pg_indexes
         WHERE schemaname = current_schema() ORDER BY 1",
        "SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
         WHERE connamespace = current_schema()::regnamespace ORDER BY 1",
        "SELECT relname || ' ' || COALESCE(array_to_string(reloptions, ','), '') FROM pg_class
         WHERE relnamespace = current_schema()::regnamespace ORDER BY 1",
    ];
    let mut facts = Vec::new();
    for query in queries {
        facts.extend(db.raw_rows(query).await);
    }
    facts
}

pub async fn both_roads_lead_to_the_same_schema(db: Database) {
    let fresh = catalogue(&db).await;
    assert!(fresh.len() > 30, "{}", fresh.len());
    let mut other = db.clone();
    if db.engine == Engine::File {
        other.url = format!("{}-migrated", db.url);
    } else {
        let tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()";
        let names = db.raw_rows(tables).await;
        db.raw(&format!("DROP TABLE {} CASCADE", names.join(", ")))
            .await;
    }
    other.store = Store::open_by_migrations(&other.url).await.unwrap();
    assert_eq!(
        other.store.schema_version().await,
        Ok(store::newest_version())
    );
    assert_eq!(catalogue(&other).await, fresh);
}

pub async fn a_newer_schema_is_refused(db: Database) {
    db.raw("UPDATE meta SET value = '99' WHERE name = 'schema_version'")
        .await;
    let refused = Store::open(&db.url).await.unwrap_err();
    let known = store::newest_version();
    assert_eq!(refused, Error::NewerSchema { found: 99, known });
    let text = refused.to_string();
    assert!(
        text.contains("99") && text.contains(&known.to_string()),
        "{text}"
    );
}

pub async fn a_spoilt_row_is_named(db: Database) {
    store_course(&db.store, "c1").await;
    db.raw("UPDATE replica SET record = '{\"fields\":' WHERE system = 'canvas'")
        .await;
    let id = entity_id("c1");
    let read = db.store.entity(&id).await;
    let corrupt = Error::Corrupt {
        table: "replica",
        column: "record",
        row: id.as_str().to_owned(),
    };
    assert_eq!(read, Err(corrupt));
    db.raw("UPDATE replica SET record = '{}'").await;
    db.raw("UPDATE entity SET kind = 'nonsense'").await;
    let Err(Error::Corrupt { table, column, .. }) = db.store.entity(&id).await else {
        panic!("the kind is unknown")
    };
    assert_eq!((table, column), ("entity", "kind"));
}

pub async fn everything_is_there_after_reopening(db: Database) {
    store_course(&db.store, "c1").await;
    save(&db.store, &entity(Kind::Topic, "t1", "c1")).await;
    let again = db.second().await;
    let read = again.entity(&entity_id("t1")).await.unwrap();
    assert_eq!(read, db.store.entity(&entity_id("t1")).await.unwrap());
    assert!(read.is_some());
}

pub async fn other_files_are_refused(db: Database) {
    let path = format!("{}-text", db.path());
    std::fs::write(&path, "This is a letter, not a database. ".repeat(100)).unwrap();
    let refused = Store::open(&format!("sqlite:{path}")).await.unwrap_err();
    assert_eq!(refused, Error::NotADatabase(path.clone()));
    assert!(
        std::fs::read_to_string(&path)
            .unwrap()
            .starts_with("This is a letter")
    );
    for address in ["mysql://secret@host/db", "a.db", "sqlite:"] {
        let refused = Store::open(address).await.unwrap_err();
        let Error::Address(text) = &refused else {
            panic!("{address}: {refused}")
        };
        assert!(!text.contains("secret"), "{text}");
    }
}

pub async fn a_server_that_is_not_there_is_unavailable(_: Database) {
    let refused = Store::open("postgres://somebody:secret@127.0.0.1:1/nothing").await;
    let Err(Error::Unavailable(text)) = refused.map(|_| ()) else {
        panic!("nothing listens there")
    };
    assert!(!text.contains("secret"), "{text}");
}

pub async fn copies_are_whole(db: Database) {
    store_course(&db.store, "c1").await;
    let path = format!("{}-copy", db.path());
    db.store.backup_to(Path::new(&path)).await.unwrap();
    store_course(&db.store, "c2").await;
    let copy = Store::open(&format!("sqlite:{path}")).await.unwrap();
    assert!(copy.entity(&entity_id("c1")).await.unwrap().is_some());
    assert_eq!(copy.entity(&entity_id("c2")).await.unwrap(), None);
    assert_eq!(copy.integrity().await, Ok(Vec::new()));
    let twice = db.store.backup_to(Path::new(&path)).await;
    assert!(matches!(twice, Err(Error::Unavailable(_))), "{twice:?}");
}

pub async fn a_file_is_inspected_and_free_pages_go_back(db: Database) {
    for number in 0..200 {
        let name = format!("fact:{number}");
        let words = "x".repeat(2_000);
        db.store.set_fact(&name, Some(&words)).await.unwrap();
    }
    for number in 0..200 {
        let name = format!("fact:{number}");
        db.store.set_fact(&name, None).await.unwrap();
    }
    let freed = db.store.tidy(20).await.unwrap();
    // The map of the pages shrinks with them.
    assert!((20..30).contains(&freed), "{freed}");
    assert!(db.store.tidy(100_000).await.unwrap() > 20);
    assert_eq!(db.store.tidy(100_000).await, Ok(0));
    let path = format!("{}-copy", db.path());
    db.store.backup_to(Path::new(&path)).await.unwrap();
    let found = Store::inspect(Path::new(&path)).unwrap();
    assert_eq!(found, (store::newest_version(), Vec::new()));
    std::fs::write(&path, "no database").unwrap();
    assert!(Store::inspect(Path::new(&path)).is_err());
}

pub async fn a_locked_file_says_so(db: Database) {
    let holder = rusqlite::Connection::open(db.path()).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let change = Change::SetCursor {
        name: "feed".to_owned(),
        value: "1".to_owned(),
        at: NOW,
    };
    let locked = db.store.commit(vec![change.clone()]).await;
    assert_eq!(locked, Err(Error::Locked));
    holder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(db.store.commit(vec![change]).await, Ok(()));
}
