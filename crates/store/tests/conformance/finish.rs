//! How operations join, run and end.

use model::{Class, System};
use store::{
    AttemptResult, Change, NewOperation, Operation, OperationFilter, OperationState, Outcome,
    Priority,
};

use super::database::Database;
use super::sample::{
    NOW, after, claim_one, claim_subjects, enqueue, entity_id, failure, finish, operation_id,
    running, stale, wish,
};

async fn get(db: &Database, name: &str) -> Operation {
    db.store
        .operation(&operation_id(name))
        .await
        .unwrap()
        .unwrap()
}

fn again(at: i64) -> Outcome {
    Outcome::Retry {
        not_before: after(at),
        failure: failure(Class::Transient),
    }
}

pub async fn a_second_wish_joins_the_first(db: Database) {
    let first = NewOperation {
        not_before: after(500),
        entity: None,
        ..wish("a", "s")
    };
    let second = NewOperation {
        reason: "feed".to_owned(),
        priority: Priority::Interactive,
        not_before: after(200),
        entity: Some(entity_id("e")),
        system: Some(System::Discourse),
        at: after(100),
        ..wish("b", "s")
    };
    let third = NewOperation {
        reason: "event".to_owned(),
        priority: Priority::Bulk,
        not_before: after(900),
        ..wish("c", "s")
    };
    enqueue(&db.store, [first, second, third]).await;
    let joined = get(&db, "a").await;
    assert_eq!(joined.reason, "event, feed");
    assert_eq!(joined.priority, Priority::Interactive);
    assert_eq!(joined.not_before, after(200));
    assert_eq!(joined.entity, Some(entity_id("e")));
    assert_eq!((joined.system, joined.remote), (None, None));
    assert_eq!(db.store.operation(&operation_id("b")).await.unwrap(), None);
    // A word inside another is a word of its own.
    let part = NewOperation {
        reason: "eve".to_owned(),
        ..wish("d", "s")
    };
    enqueue(&db.store, [part]).await;
    assert_eq!(get(&db, "a").await.reason, "event, feed, eve");
    // While one runs, the next waits beside it.
    claim_one(&db.store, "w", after(200)).await;
    enqueue(&db.store, [wish("e", "s")]).await;
    assert_eq!(get(&db, "e").await.state, OperationState::Pending);
}

pub async fn completed_operations_move_to_history(db: Database) {
    let operation = running(&db.store, "a", "s", "w").await;
    finish(&db.store, &operation, Outcome::Completed, after(7))
        .await
        .unwrap();
    let ended = get(&db, "a").await;
    assert_eq!(ended.state, OperationState::Completed);
    assert_eq!((ended.updated_at, ended.created_at), (after(7), NOW));
    assert_eq!((ended.lease_owner, ended.failure), (None, None));
    let attempts = db.store.attempts(&operation.id).await.unwrap();
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].result, AttemptResult::Completed);
    assert_eq!(
        (attempts[0].started_at, attempts[0].ended_at),
        (NOW, after(7))
    );
    assert_eq!(attempts[0].owner, "w");
    let twice = finish(&db.store, &operation, Outcome::Completed, after(8)).await;
    assert_eq!(twice, stale("operation"));
}

pub async fn failed_operations_stay_visible(db: Database) {
    let operation = running(&db.store, "a", "s", "w").await;
    let why = failure(Class::Invalid);
    let outcome = Outcome::Failed(why.clone());
    finish(&db.store, &operation, outcome, after(7))
        .await
        .unwrap();
    let filter = OperationFilter {
        state: Some(OperationState::Failed),
        limit: 9,
        ..OperationFilter::default()
    };
    let failed = db.store.operations(&filter).await.unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].failure, Some(why.clone()));
    let attempts = db.store.attempts(&operation.id).await.unwrap();
    assert_eq!(attempts[0].failure, Some(why));
    // It does not stand in the way of a new one.
    enqueue(&db.store, [wish("b", "s")]).await;
    assert_eq!(claim_subjects(&db.store, "w", NOW).await, ["s"]);
}

pub async fn a_retry_waits_with_its_failure(db: Database) {
    let operation = running(&db.store, "a", "s", "w").await;
    finish(&db.store, &operation, again(100), after(1))
        .await
        .unwrap();
    let waiting = get(&db, "a").await;
    assert_eq!(waiting.state, OperationState::Pending);
    assert_eq!(waiting.failure, Some(failure(Class::Transient)));
    assert_eq!((waiting.not_before, waiting.attempt_count), (after(100), 1));
    assert!(claim_subjects(&db.store, "w", after(99)).await.is_empty());
    let second = claim_one(&db.store, "w", after(100)).await;
    assert_eq!((second.attempt_count, second.run_count), (2, 2));
}

pub async fn a_retry_joins_a_newer_wish(db: Database) {
    let operation = running(&db.store, "a", "s", "w").await;
    let newer = NewOperation {
        reason: "feed".to_owned(),
        priority: Priority::Critical,
        not_before: after(50),
        ..wish("b", "s")
    };
    enqueue(&db.store, [newer]).await;
    finish(&db.store, &operation, again(100), after(1))
        .await
        .unwrap();
    let joined = get(&db, "b").await;
    assert_eq!(joined.reason, "feed, event");
    assert_eq!(
        (joined.priority, joined.not_before),
        (Priority::Critical, after(50))
    );
    assert_eq!(joined.failure, Some(failure(Class::Transient)));
    assert_eq!((joined.attempt_count, joined.run_count), (1, 0));
    let old = get(&db, "a").await;
    assert_eq!(old.state, OperationState::Cancelled);
    let note = old.note.unwrap();
    assert!(note.contains(operation_id("b").as_str()), "{note}");
    let attempts = db.store.attempts(&operation.id).await.unwrap();
    assert_eq!(attempts[0].result, AttemptResult::Retry);
    claim_one(&db.store, "w", after(50)).await;
}

pub async fn cancelled_runs_say_why(db: Database) {
    let operation = running(&db.store, "a", "s", "w").await;
    let outcome = Outcome::Cancelled {
        reason: "skipped".to_owned(),
    };
    finish(&db.store, &operation, outcome, after(1))
        .await
        .unwrap();
    let ended = get(&db, "a").await;
    assert_eq!(ended.state, OperationState::Cancelled);
    assert_eq!(ended.note.as_deref(), Some("skipped"));
}

pub async fn foreign_owners_finish_nothing(db: Database) {
    let mut operation = running(&db.store, "a", "s", "w").await;
    operation.lease_owner = Some("v".to_owned());
    let foreign = finish(&db.store, &operation, Outcome::Completed, after(1)).await;
    assert_eq!(foreign, stale("operation"));
    assert_eq!(get(&db, "a").await.state, OperationState::InProgress);
    assert_eq!(db.store.attempts(&operation.id).await.unwrap(), []);
    let pending = Change::Finish {
        operation: operation_id("nobody"),
        owner: "w".to_owned(),
        outcome: Outcome::Completed,
        at: NOW,
    };
    assert_eq!(db.store.commit(vec![pending]).await, stale("operation"));
}

pub async fn a_subject_runs_once(db: Database) {
    let first = running(&db.store, "a", "s", "w").await;
    // Even under another batch key.
    let other_key = NewOperation {
        batch_key: "elsewhere".to_owned(),
        ..wish("b", "s")
    };
    enqueue(&db.store, [other_key]).await;
    assert!(claim_subjects(&db.store, "v", after(1)).await.is_empty());
    finish(&db.store, &first, Outcome::Completed, after(2))
        .await
        .unwrap();
    assert_eq!(claim_subjects(&db.store, "v", after(2)).await, ["s"]);
}

fn start(name: &str, subject: &str, key: &str, owner: &str) -> Change {
    Change::Start {
        operation: NewOperation {
            batch_key: key.to_owned(),
            ..wish(name, subject)
        },
        owner: owner.to_owned(),
        lease_until: after(60_000),
    }
}

pub async fn started_operations_need_the_lease(db: Database) {
    let foreign = db
        .store
        .commit(vec![start("b", "entity:1", "t", "w")])
        .await;
    assert_eq!(foreign, stale("lease"));
    let thread = running(&db.store, "a", "t", "w").await;
    let foreign = db
        .store
        .commit(vec![start("b", "entity:1", "t", "v")])
        .await;
    assert_eq!(foreign, stale("lease"));
    db.store
        .commit(vec![start("b", "entity:1", "t", "w")])
        .await
        .unwrap();
    let started = get(&db, "b").await;
    assert_eq!(started.state, OperationState::InProgress);
    assert_eq!(
        (started.attempt_count, started.lease_until),
        (1, Some(after(60_000)))
    );
    let twice = db
        .store
        .commit(vec![start("c", "entity:1", "t", "w")])
        .await;
    assert_eq!(twice, stale("operation"));
    // The key is free when the last of it has ended.
    enqueue(&db.store, [wish("d", "t")]).await;
    finish(&db.store, &thread, Outcome::Completed, after(1))
        .await
        .unwrap();
    assert!(claim_subjects(&db.store, "v", after(1)).await.is_empty());
    finish(&db.store, &started, Outcome::Completed, after(2))
        .await
        .unwrap();
    assert_eq!(claim_subjects(&db.store, "v", after(2)).await, ["t"]);
}

fn retarget(name: &str, owner: &str, subject: &str) -> Change {
    Change::Retarget {
        operation: operation_id(name),
        owner: owner.to_owned(),
        subject: subject.to_owned(),
        entity: entity_id("e"),
        batch_key: subject.to_owned(),
    }
}

pub async fn a_running_operation_changes_its_subject(db: Database) {
    let operation = running(&db.store, "a", "remote:canvas:topic:1/7", "w").await;
    let foreign = db.store.commit(vec![retarget("a", "v", "thread:e")]).await;
    assert_eq!(foreign, stale("operation"));
    db.store
        .commit(vec![retarget("a", "w", "thread:e")])
        .await
        .unwrap();
    let moved = get(&db, "a").await;
    assert_eq!(moved.subject, "thread:e");
    assert_eq!(moved.entity, Some(entity_id("e")));
    // The new thread is taken, the old name is free.
    let wishes = [wish("b", "thread:e"), wish("c", "remote:canvas:topic:1/7")];
    enqueue(&db.store, wishes).await;
    let claimed = claim_subjects(&db.store, "v", after(1)).await;
    assert_eq!(claimed, ["remote:canvas:topic:1/7"]);
    assert!(claim_subjects(&db.store, "v", after(1)).await.is_empty());
    finish(&db.store, &operation, Outcome::Completed, after(2))
        .await
        .unwrap();
    assert_eq!(claim_subjects(&db.store, "v", after(2)).await, ["thread:e"]);
}

pub async fn a_busy_thread_refuses_retargeting(db: Database) {
    running(&db.store, "a", "thread:e", "v").await;
    let unknown = running(&db.store, "b", "remote:x", "w").await;
    let refused = db.store.commit(vec![retarget("b", "w", "thread:e")]).await;
    assert_eq!(refused, stale("lease"));
    assert_eq!(get(&db, "b").await.subject, "remote:x");
    finish(&db.store, &unknown, again(10), after(1))
        .await
        .unwrap();
}

pub async fn attempts_are_numbered(db: Database) {
    enqueue(&db.store, [wish("a", "s")]).await;
    for n in 1..4 {
        let operation = claim_one(&db.store, "w", after(n * 10)).await;
        finish(&db.store, &operation, again(n), after(n * 10 + 5))
            .await
            .unwrap();
    }
    let attempts = db.store.attempts(&operation_id("a")).await.unwrap();
    let numbers: Vec<(u32, store::AttemptResult)> = attempts
        .iter()
        .map(|one| (one.number, one.result))
        .collect();
    assert_eq!(numbers, [1, 2, 3].map(|n| (n, AttemptResult::Retry)));
}

pub async fn waiting_subjects_are_listed(db: Database) {
    let member = |name: &str, ms| NewOperation {
        batch_key: "t".to_owned(),
        not_before: after(ms),
        ..wish(name, name)
    };
    enqueue(&db.store, [member("a", 0)]).await;
    claim_one(&db.store, "w", NOW).await;
    enqueue(
        &db.store,
        [member("b", 900), member("c", 100), wish("d", "d")],
    )
    .await;
    let waiting = db.store.waiting_subjects("t").await.unwrap();
    let expected = [("c".to_owned(), after(100)), ("b".to_owned(), after(900))];
    assert_eq!(waiting, expected);
}
