//! What operators do by hand.

use model::Class;
use store::{
    Change, NewOperation, Operation, OperationFilter, OperationState, Outcome, Priority, QueueCount,
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

async fn change(db: &Database, change: Change) -> store::Result<()> {
    db.store.commit(vec![change]).await
}

fn retry(name: &str, ms: i64) -> Change {
    Change::Retry {
        operation: operation_id(name),
        at: after(ms),
    }
}

fn hold(name: &str) -> Change {
    Change::Hold {
        operation: operation_id(name),
        who: "ada".to_owned(),
        why: "looks odd".to_owned(),
        at: after(1),
    }
}

fn release(name: &str) -> Change {
    Change::Release {
        operation: operation_id(name),
        at: after(2),
    }
}

fn cancel(name: &str) -> Change {
    Change::Cancel {
        operation: operation_id(name),
        who: "ada".to_owned(),
        why: "not needed".to_owned(),
        at: after(3),
    }
}

pub async fn failed_operations_can_be_retried(db: Database) {
    let operation = running(&db.store, "a", "s", "w").await;
    let failed = Outcome::Failed(failure(Class::Invalid));
    finish(&db.store, &operation, failed, after(1))
        .await
        .unwrap();
    change(&db, retry("a", 5)).await.unwrap();
    let waiting = get(&db, "a").await;
    assert_eq!(waiting.state, OperationState::Pending);
    assert_eq!((waiting.attempt_count, waiting.run_count), (0, 1));
    assert_eq!(waiting.reason, "event, retried");
    assert_eq!(waiting.failure, Some(failure(Class::Invalid)));
    let second = claim_one(&db.store, "w", after(5)).await;
    assert_eq!((second.attempt_count, second.run_count), (1, 2));
    finish(&db.store, &second, Outcome::Completed, after(6))
        .await
        .unwrap();
    let attempts = db.store.attempts(&operation.id).await.unwrap();
    assert_eq!(attempts.len(), 2, "the first attempt stays");
    assert_eq!(change(&db, retry("a", 7)).await, stale("operation"));
    assert_eq!(change(&db, retry("nobody", 7)).await, stale("operation"));
}

pub async fn a_retry_by_hand_joins_a_waiting_one(db: Database) {
    let operation = running(&db.store, "a", "s", "w").await;
    let failed = Outcome::Failed(failure(Class::Invalid));
    finish(&db.store, &operation, failed, after(1))
        .await
        .unwrap();
    let later = NewOperation {
        not_before: after(9_000),
        ..wish("b", "s")
    };
    enqueue(&db.store, [later]).await;
    change(&db, retry("a", 5)).await.unwrap();
    assert_eq!(get(&db, "a").await.state, OperationState::Cancelled);
    let claimed = claim_one(&db.store, "w", after(5)).await;
    assert_eq!(claimed.id, operation_id("b"));
    assert!(claimed.reason.contains("retried"));
}

pub async fn held_operations_are_released(db: Database) {
    let operation = running(&db.store, "a", "s", "w").await;
    let held = Outcome::Held(failure(Class::Guard));
    finish(&db.store, &operation, held, after(1)).await.unwrap();
    assert_eq!(get(&db, "a").await.state, OperationState::Held);
    assert_eq!(get(&db, "a").await.failure, Some(failure(Class::Guard)));
    assert!(claim_subjects(&db.store, "w", after(1)).await.is_empty());
    assert_eq!(db.store.ready_at(after(1)).await.unwrap(), None);
    change(&db, release("a")).await.unwrap();
    assert_eq!(change(&db, release("a")).await, stale("operation"));
    let again = claim_one(&db.store, "w", after(2)).await;
    assert!(again.reason.contains("released"));
    // A second one that is held takes the place of the first.
    enqueue(&db.store, [wish("b", "s")]).await;
    let held = Outcome::Held(failure(Class::Guard));
    finish(&db.store, &again, held, after(3)).await.unwrap();
    let second = claim_one(&db.store, "w", after(3)).await;
    let held = Outcome::Held(failure(Class::Guard));
    finish(&db.store, &second, held, after(4)).await.unwrap();
    assert_eq!(get(&db, "a").await.state, OperationState::Cancelled);
    assert_eq!(get(&db, "b").await.state, OperationState::Held);
}

pub async fn waiting_operations_can_be_held(db: Database) {
    enqueue(&db.store, [wish("a", "s")]).await;
    change(&db, hold("a")).await.unwrap();
    let held = get(&db, "a").await;
    assert_eq!(held.state, OperationState::Held);
    let failure = held.failure.unwrap();
    assert!(failure.message.contains("ada: looks odd"), "{failure}");
    assert_eq!(change(&db, hold("a")).await, stale("operation"));
    change(&db, retry("a", 4)).await.unwrap();
    assert_eq!(claim_subjects(&db.store, "w", after(4)).await, ["s"]);
}

pub async fn cancelled_operations_end(db: Database) {
    enqueue(&db.store, [wish("a", "s"), wish("b", "r")]).await;
    change(&db, hold("b")).await.unwrap();
    for name in ["a", "b"] {
        change(&db, cancel(name)).await.unwrap();
        let ended = get(&db, name).await;
        assert_eq!(ended.state, OperationState::Cancelled);
        assert_eq!(ended.note.as_deref(), Some("cancelled by ada: not needed"));
        assert_eq!(change(&db, cancel(name)).await, stale("operation"));
    }
    assert!(claim_subjects(&db.store, "w", after(9)).await.is_empty());
    change(&db, retry("a", 10)).await.unwrap();
    assert_eq!(claim_subjects(&db.store, "w", after(10)).await, ["s"]);
}

pub async fn priorities_can_be_changed(db: Database) {
    enqueue(&db.store, [wish("a", "s"), wish("b", "r")]).await;
    let raise = Change::Reprioritise {
        operation: operation_id("b"),
        priority: Priority::Critical,
        at: after(1),
    };
    change(&db, raise.clone()).await.unwrap();
    assert_eq!(claim_subjects(&db.store, "w", after(1)).await, ["r"]);
    assert_eq!(change(&db, raise).await, stale("operation"));
}

pub async fn running_operations_are_left_alone(db: Database) {
    running(&db.store, "a", "s", "w").await;
    for by_hand in [retry("a", 1), hold("a"), release("a"), cancel("a")] {
        assert_eq!(change(&db, by_hand).await, stale("operation"));
    }
    assert_eq!(get(&db, "a").await.state, OperationState::InProgress);
}

pub async fn operations_are_listed_and_counted(db: Database) {
    for name in ["a", "b", "c"] {
        let operation = running(&db.store, name, name, "w").await;
        let outcome = match name {
            "a" => Outcome::Completed,
            _ => Outcome::Failed(failure(Class::Invalid)),
        };
        finish(&db.store, &operation, outcome, after(5))
            .await
            .unwrap();
    }
    let of_entity = NewOperation {
        entity: Some(entity_id("e")),
        course: Some(entity_id("c1")),
        priority: Priority::Bulk,
        ..wish("d", "d")
    };
    enqueue(&db.store, [of_entity, wish("e", "e"), wish("f", "f")]).await;
    change(&db, hold("e")).await.unwrap();
    let list = async |filter: OperationFilter| -> String {
        let operations = db.store.operations(&filter).await.unwrap();
        operations.iter().map(|one| one.subject.as_str()).collect()
    };
    let all = OperationFilter {
        limit: 99,
        ..OperationFilter::default()
    };
    let in_state = |state| OperationFilter {
        state: Some(state),
        ..all.clone()
    };
    assert_eq!(list(all.clone()).await, "fedcba");
    let page = OperationFilter {
        before: Some(operation_id("e")),
        limit: 2,
        ..all.clone()
    };
    assert_eq!(list(page).await, "dc");
    assert_eq!(list(in_state(OperationState::Failed)).await, "cb");
    assert_eq!(list(in_state(OperationState::Held)).await, "e");
    assert_eq!(list(in_state(OperationState::Pending)).await, "fd");
    let by_entity = OperationFilter {
        entity: Some(entity_id("e")),
        ..all.clone()
    };
    assert_eq!(list(by_entity).await, "d");
    let by_course = OperationFilter {
        course: Some(entity_id("c1")),
        ..all
    };
    assert_eq!(list(by_course).await, "d");
    let count = |state, priority, count, oldest| QueueCount {
        state,
        priority,
        count,
        oldest,
    };
    let mut counts = db.store.queue_counts().await.unwrap();
    counts.sort_by_key(|count| (count.state, count.priority));
    let expected = [
        count(OperationState::Pending, Priority::Normal, 1, NOW),
        count(OperationState::Pending, Priority::Bulk, 1, NOW),
        count(OperationState::Failed, Priority::Normal, 2, after(5)),
        count(OperationState::Held, Priority::Normal, 1, NOW),
    ];
    assert_eq!(counts, expected);
}
