//! Several processes on one database at the same time.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::{Kind, OperationId, Status};
use store::{
    AttemptResult, Change, Claim, Finished, NewOperation, Operation, OperationFilter,
    OperationState, Outcome, Store,
};

use super::database::{Database, Engine};
use super::sample::{
    NOW, after, entity, entity_id, finish, operation_id, save, store_course, wish,
};

const WORKERS: usize = 8;
const KEYS: usize = 60;
/// The members of a key follow each other in the queue: that is where workers meet.
const MEMBERS: usize = 6;

/// What all workers write down.
#[derive(Default)]
struct Notes {
    held: Mutex<BTreeSet<String>>,
    done: Mutex<Vec<String>>,
}

/// Claims and finishes until nothing is left, and notes who holds what at the same time.
async fn work(store: Store, owner: String, notes: Arc<Notes>) {
    let Notes { held, done } = notes.as_ref();
    let mut idle = 0;
    while idle < 20 {
        let batch = store.claim(&owner, NOW, 60_000, 3).await.unwrap();
        let Some(first) = batch.first() else {
            idle += 1;
            tokio::task::yield_now().await;
            continue;
        };
        idle = 0;
        let key = first.batch_key.clone();
        assert!(batch.iter().all(|one| one.batch_key == key));
        assert!(held.lock().unwrap().insert(key.clone()), "{key} twice");
        tokio::task::yield_now().await;
        // Others see the key free once the last one has ended.
        let (last, rest) = batch.split_last().unwrap();
        for operation in rest {
            end(&store, operation, done).await;
        }
        held.lock().unwrap().remove(&key);
        end(&store, last, done).await;
    }
}

async fn end(store: &Store, operation: &Operation, done: &Mutex<Vec<String>>) {
    done.lock().unwrap().push(operation.subject.clone());
    finish(store, operation, Outcome::Completed, after(1))
        .await
        .unwrap();
}

pub async fn eight_workers_never_share_a_batch(db: Database) {
    let wishes = (0..KEYS * MEMBERS).map(|n| {
        Change::Enqueue(NewOperation {
            batch_key: format!("key{}", n / MEMBERS),
            ..wish(&format!("{n:04}"), &format!("s{n:04}"))
        })
    });
    db.store.commit(wishes.collect()).await.unwrap();
    let notes = Arc::new(Notes::default());
    let mut workers = tokio::task::JoinSet::new();
    for n in 0..WORKERS {
        let store = db.second().await;
        workers.spawn(work(store, format!("w{n}"), Arc::clone(&notes)));
    }
    while let Some(result) = workers.join_next().await {
        result.unwrap();
    }
    let mut done = notes.done.lock().unwrap().clone();
    done.sort();
    let expected: Vec<String> = (0..KEYS * MEMBERS).map(|n| format!("s{n:04}")).collect();
    assert_eq!(done, expected, "each once, all of them");
    assert!(db.store.queue_counts().await.unwrap().is_empty());
}

pub async fn wishes_at_once_become_one(db: Database) {
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..WORKERS {
        let store = db.second().await;
        let wish = NewOperation {
            reason: format!("r{n}"),
            ..wish(&n.to_string(), "s")
        };
        tasks.spawn(async move { store.commit(vec![Change::Enqueue(wish)]).await });
    }
    while let Some(result) = tasks.join_next().await {
        assert_eq!(result.unwrap(), Ok(()));
    }
    let filter = OperationFilter {
        state: Some(OperationState::Pending),
        limit: 99,
        ..OperationFilter::default()
    };
    let waiting = db.store.operations(&filter).await.unwrap();
    assert_eq!(waiting.len(), 1);
    let reasons: BTreeSet<&str> = waiting[0].reason.split(", ").collect();
    assert_eq!(reasons.len(), WORKERS);
}

pub async fn an_entity_is_saved_once(db: Database) {
    store_course(&db.store, "c1").await;
    save(&db.store, &entity(Kind::Topic, "t1", "c1")).await;
    let topic = db.store.entity(&entity_id("t1")).await.unwrap().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..WORKERS {
        let store = db.second().await;
        let mut topic = topic.clone();
        topic.status = Status::Pending;
        topic.created_at = after(i64::try_from(n).unwrap());
        tasks.spawn(async move { store.commit(vec![Change::SaveEntity(topic)]).await });
    }
    let results = tasks.join_all().await;
    let won = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(won, 1, "{results:?}");
    let stale = store::Error::Stale { what: "entity" };
    assert!(
        results
            .iter()
            .filter_map(|result| result.as_ref().err())
            .all(|error| *error == stale)
    );
}

pub async fn starting_at_once_makes_one_schema(db: Database) {
    // The database has its schema already: begin again with an empty one.
    let url = match db.engine {
        Engine::File => format!("{}-new", db.url),
        Engine::Memory | Engine::Postgres => {
            let tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()";
            let names = db.raw_rows(tables).await;
            db.raw(&format!("DROP TABLE {} CASCADE", names.join(", ")))
                .await;
            db.url.clone()
        }
    };
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..WORKERS {
        let url = url.clone();
        tasks.spawn(async move { Store::open(&url).await.map(|_| ()) });
    }
    for result in tasks.join_all().await {
        assert_eq!(result, Ok(()));
    }
}

pub async fn a_commit_that_is_cut_short_is_whole_or_nothing(db: Database) {
    let mut cut = 0;
    for n in 0..60_u64 {
        let name = format!("c{n}");
        let course = entity(Kind::Course, &name, &name);
        let cursor = Change::SetCursor {
            name: name.clone(),
            value: "1".to_owned(),
            at: NOW,
        };
        let changes = vec![
            Change::SaveEntity(course),
            Change::Enqueue(wish(&name, &name)),
            cursor,
        ];
        let time = Duration::from_micros(n * 100);
        let result = tokio::time::timeout(time, db.store.commit(changes)).await;
        let is_there = db.store.entity(&entity_id(&name)).await.unwrap().is_some();
        let has_cursor = db.store.cursor(&name).await.unwrap().is_some();
        assert_eq!(is_there, has_cursor, "{name}");
        if result.is_ok() {
            assert!(is_there, "{name}");
        } else {
            cut += 1;
        }
    }
    // SQLite runs inline: nothing can come between.
    assert_eq!(cut > 0, db.engine == Engine::Postgres, "{cut}");
}

pub async fn a_lost_connection_is_replaced(db: Database) {
    let name = format!("lost{}", std::process::id());
    let url = format!("{}&application_name={name}", db.url);
    let store = Store::open(&url).await.unwrap();
    store_course(&store, "c1").await;
    db.raw(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'"
    ))
    .await;
    // The one call that meets the dead connection may say so; the next has a new one.
    let id = entity_id("c1");
    for _ in 0..20 {
        match store.entity(&id).await {
            Ok(read) => {
                assert!(read.is_some());
                store_course(&store, "c2").await;
                return;
            }
            Err(error) => assert!(matches!(error, store::Error::Unavailable(_)), "{error:?}"),
        }
    }
    panic!("the pool kept the dead connections");
}

const CLAIMERS: usize = 16;
const JOBS: usize = 960;
const KEYS_IN_ORDER: usize = 24;

fn job(n: usize) -> OperationId {
    operation_id(&format!("{n:04}"))
}

/// Whoever has an operation of a key finds the one before it completed.
async fn check_order(store: &Store, claimed: &[Operation]) {
    for one in claimed {
        let n: usize = one.id.as_str().parse().unwrap();
        if let Some(before) = n.checked_sub(KEYS_IN_ORDER) {
            let before = store.operation(&job(before)).await.unwrap().unwrap();
            assert_eq!(before.state, OperationState::Completed, "{n}");
        }
    }
}

/// Claims, and now and then hangs with its work until others have taken it over; then its results come late.
async fn claim_in_order(
    store: Store,
    number: usize,
    clock: Arc<AtomicI64>,
    done: Arc<Mutex<Vec<String>>>,
) {
    let owner = format!("w{number}");
    let mut finished = Vec::new();
    let mut turns = 0;
    let mut idle = 0;
    while idle < 200 || !finished.is_empty() {
        let claim = Claim {
            owner: owner.clone(),
            now: after(clock.load(Ordering::SeqCst)),
            lease_ms: 15_000,
            keys: 3,
            per_key: 1,
        };
        let sent: Vec<Finished> = std::mem::take(&mut finished);
        let answer = store.exchange(claim, sent.clone()).await.unwrap();
        for one in sent {
            if !answer.refused.contains(&one.operation) {
                done.lock().unwrap().push(one.operation.as_str().to_owned());
            }
        }
        check_order(&store, &answer.claimed).await;
        turns += 1;
        if number < 3 && turns == 4 {
            // It hangs: the time passes, somebody sees it, and what it held is done by others.
            clock.fetch_add(20_000, Ordering::SeqCst);
            let now = after(clock.load(Ordering::SeqCst));
            store.recover_expired(now).await.unwrap();
        }
        idle = if answer.claimed.is_empty() {
            idle + 1
        } else {
            0
        };
        if idle > 0 {
            let now = after(clock.load(Ordering::SeqCst));
            store.recover_expired(now).await.unwrap();
            tokio::task::yield_now().await;
        }
        finished = answer
            .claimed
            .into_iter()
            .map(|one| Finished {
                attempt: one.run_count,
                operation: one.id,
                outcome: Outcome::Completed,
                at: after(clock.load(Ordering::SeqCst)),
            })
            .collect();
    }
}

pub async fn sixteen_claimers_run_each_once_and_in_order(db: Database) {
    let wishes = (0..JOBS).map(|n| {
        Change::Enqueue(NewOperation {
            batch_key: format!("key{}", n % KEYS_IN_ORDER),
            ..wish(&format!("{n:04}"), &format!("s{n:04}"))
        })
    });
    db.store.commit(wishes.collect()).await.unwrap();
    let (clock, done) = (
        Arc::new(AtomicI64::new(0)),
        Arc::new(Mutex::new(Vec::new())),
    );
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..CLAIMERS {
        let store = db.second().await;
        tasks.spawn(claim_in_order(
            store,
            number,
            Arc::clone(&clock),
            Arc::clone(&done),
        ));
    }
    while let Some(result) = tasks.join_next().await {
        result.unwrap();
    }
    let mut done = done.lock().unwrap().clone();
    assert_eq!(done.len(), JOBS);
    done.sort();
    done.dedup();
    assert_eq!(done.len(), JOBS, "none twice");
    assert!(db.store.queue_counts().await.unwrap().is_empty());
    let mut lost = 0;
    for n in 0..JOBS {
        let attempts = db.store.attempts(&job(n)).await.unwrap();
        assert_eq!(attempts.last().unwrap().result, AttemptResult::Completed);
        lost += attempts.len() - 1;
    }
    assert!(lost > 0, "somebody was taken for dead");
}

pub async fn a_doze_ends_with_a_wake(db: Database) {
    let other = db.second().await;
    let doze = db.store.doze("w", NOW, 60_000).await.unwrap();
    store_course(&other, "c1").await;
    other
        .commit(vec![Change::Enqueue(wish("a", "a"))])
        .await
        .unwrap();
    tokio::time::timeout(Duration::from_secs(5), doze.woken())
        .await
        .unwrap();
}
