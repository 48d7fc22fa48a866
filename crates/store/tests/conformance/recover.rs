//! Runs that end without an outcome.

use store::{AttemptResult, OperationState, Outcome};

use super::database::Database;
use super::sample::{
    NOW, after, claim_one, claim_subjects, enqueue, finish, operation_id, running, stale, wish,
};

pub async fn expired_leases_return(db: Database) {
    let first = running(&db.store, "a", "s", "w").await;
    assert_eq!(db.store.recover_expired(after(59_999)).await, Ok(0));
    assert_eq!(db.store.recover_expired(after(60_000)).await, Ok(1));
    let second = claim_one(&db.store, "v", after(60_000)).await;
    assert_eq!((second.id.clone(), second.attempt_count), (first.id, 2));
    let attempts = db.store.attempts(&second.id).await.unwrap();
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].result, AttemptResult::Lost);
    assert_eq!(
        (attempts[0].owner.as_str(), attempts[0].started_at),
        ("w", NOW)
    );
}

pub async fn late_results_are_refused(db: Database) {
    let first = running(&db.store, "a", "s", "w").await;
    db.store.recover_expired(after(60_000)).await.unwrap();
    let late = finish(&db.store, &first, Outcome::Completed, after(60_001)).await;
    assert_eq!(late, stale("operation"));
    let second = claim_one(&db.store, "v", after(60_002)).await;
    let late = finish(&db.store, &first, Outcome::Completed, after(60_003)).await;
    assert_eq!(late, stale("operation"));
    finish(&db.store, &second, Outcome::Completed, after(60_004))
        .await
        .unwrap();
}

pub async fn poison_is_held(db: Database) {
    enqueue(&db.store, [wish("a", "s")]).await;
    for n in 0..5 {
        claim_one(&db.store, "w", after(n * 100_000)).await;
        let end = after(n * 100_000 + 60_000);
        assert_eq!(db.store.recover_expired(end).await, Ok(1));
    }
    let held = db
        .store
        .operation(&operation_id("a"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(held.state, OperationState::Held);
    let failure = held.failure.unwrap();
    assert_eq!(failure.code, "SYNC-4020");
    assert!(failure.message.contains('5'), "{failure}");
    let attempts = db.store.attempts(&held.id).await.unwrap();
    assert_eq!(attempts.len(), 5);
    assert!(
        claim_subjects(&db.store, "w", after(900_000))
            .await
            .is_empty()
    );
}

pub async fn given_back_work_is_ready_at_once(db: Database) {
    let first = running(&db.store, "a", "s", "w").await;
    running(&db.store, "b", "r", "v").await;
    assert_eq!(db.store.give_back("w", after(1)).await, Ok(1));
    assert_eq!(db.store.give_back("w", after(1)).await, Ok(0));
    let again = claim_one(&db.store, "w", after(1)).await;
    assert_eq!(
        (again.id, again.attempt_count, again.run_count),
        (first.id.clone(), 1, 2)
    );
    let attempts = db.store.attempts(&first.id).await.unwrap();
    assert_eq!(attempts[0].result, AttemptResult::GivenBack);
    let other = db
        .store
        .operation(&operation_id("b"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(other.state, OperationState::InProgress);
}

pub async fn work_that_always_comes_back_is_held(db: Database) {
    enqueue(&db.store, [wish("a", "s")]).await;
    let mut now = NOW;
    for _ in 0..20 {
        now = db.store.ready_at(now).await.unwrap().unwrap();
        claim_one(&db.store, "w", now).await;
        assert_eq!(db.store.give_back("w", now).await, Ok(1));
    }
    assert!(now.since_ms(NOW) > 60_000, "it slows down");
    let held = db
        .store
        .operation(&operation_id("a"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(held.state, OperationState::Held);
    assert_eq!(held.failure.unwrap().code, "SYNC-4021");
}
