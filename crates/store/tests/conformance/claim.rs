//! Which operations are claimed, when, and by whom.

use model::{EntityId, Kind, System, Timestamp};
use store::{Change, Error, NewOperation, OperationKind, OperationState, Outcome, Priority};

use super::database::Database;
use super::sample::{
    NOW, after, claim_one, claim_subjects, enqueue, entity, entity_id, finish, replica, running,
    save, store_course, wish,
};

/// Claims one operation after the other until nothing is left.
async fn order(db: &Database, now: Timestamp) -> Vec<String> {
    let mut subjects = Vec::new();
    loop {
        let claimed = claim_subjects(&db.store, "w", now).await;
        if claimed.is_empty() {
            return subjects;
        }
        subjects.extend(claimed);
    }
}

fn urgent(name: &str, priority: Priority) -> NewOperation {
    NewOperation {
        priority,
        ..wish(name, priority.as_str())
    }
}

pub async fn claims_follow_priority(db: Database) {
    let wishes = Priority::ALL.iter().rev().enumerate();
    let wishes = wishes.map(|(n, priority)| urgent(&n.to_string(), *priority));
    enqueue(&db.store, wishes.collect::<Vec<_>>()).await;
    let expected: Vec<&str> = Priority::ALL
        .iter()
        .map(|priority| priority.as_str())
        .collect();
    assert_eq!(order(&db, NOW).await, expected);
}

pub async fn waiting_raises_priority(db: Database) {
    let day = 86_400_000;
    let old = urgent("1", Priority::Background);
    let new = |name, priority| NewOperation {
        at: after(day),
        not_before: after(day),
        ..urgent(name, priority)
    };
    let wishes = [old, new("2", Priority::Critical), new("3", Priority::Bulk)];
    enqueue(&db.store, wishes).await;
    assert_eq!(
        order(&db, after(day)).await,
        ["background", "critical", "bulk"]
    );
}

pub async fn a_batch_is_claimed_together(db: Database) {
    let member = |name: &str, key: &str, priority| NewOperation {
        batch_key: key.to_owned(),
        priority,
        ..wish(name, name)
    };
    let wishes = [
        member("a", "t1", Priority::Background),
        member("b", "t2", Priority::Normal),
        member("c", "t1", Priority::Interactive),
        member("d", "t1", Priority::Normal),
    ];
    enqueue(&db.store, wishes).await;
    let first = db.store.claim("w", NOW, 60_000, 2).await.unwrap();
    let subjects: Vec<&str> = first.iter().map(|one| one.subject.as_str()).collect();
    assert_eq!(subjects, ["c", "d"]);
    for operation in &first {
        assert_eq!(operation.state, OperationState::InProgress);
        assert_eq!(operation.lease_owner.as_deref(), Some("w"));
        assert_eq!(operation.lease_until, Some(after(60_000)));
        assert_eq!((operation.attempt_count, operation.run_count), (1, 1));
    }
    assert_eq!(claim_subjects(&db.store, "v", NOW).await, ["b"]);
    assert!(claim_subjects(&db.store, "v", NOW).await.is_empty());
    for operation in &first {
        finish(&db.store, operation, Outcome::Completed, after(1))
            .await
            .unwrap();
    }
    assert_eq!(claim_subjects(&db.store, "v", after(1)).await, ["a"]);
}

pub async fn a_batch_key_has_one_holder(db: Database) {
    let member = |name: &str| NewOperation {
        batch_key: "t1".to_owned(),
        ..wish(name, name)
    };
    enqueue(&db.store, [member("a")]).await;
    let held = claim_one(&db.store, "w", NOW).await;
    enqueue(&db.store, [member("b")]).await;
    // Not for others, and not for the holder either: it works on its batch.
    assert!(claim_subjects(&db.store, "v", after(1)).await.is_empty());
    assert!(claim_subjects(&db.store, "w", after(1)).await.is_empty());
    assert_eq!(db.store.ready_at(after(1)).await.unwrap(), Some(after(1)));
    finish(&db.store, &held, Outcome::Completed, after(2))
        .await
        .unwrap();
    assert_eq!(claim_subjects(&db.store, "v", after(2)).await, ["b"]);
}

pub async fn later_operations_wait_for_their_time(db: Database) {
    let later = NewOperation {
        not_before: after(100),
        ..wish("a", "a")
    };
    enqueue(&db.store, [later]).await;
    assert!(claim_subjects(&db.store, "w", after(99)).await.is_empty());
    assert_eq!(claim_subjects(&db.store, "w", after(100)).await, ["a"]);
}

pub async fn paused_scopes_rest(db: Database) {
    let wishes = [
        NewOperation {
            course: Some(entity_id("c1")),
            system: None,
            ..wish("a", "course")
        },
        wish("b", "system"),
        NewOperation {
            kind: OperationKind::Sweep,
            system: Some(System::Discourse),
            ..wish("c", "kind")
        },
    ];
    enqueue(&db.store, wishes).await;
    let pause = |scope: String| Change::Pause {
        scope,
        who: "ada".to_owned(),
        why: "test".to_owned(),
        at: NOW,
    };
    let scopes = [
        format!("course:{}", entity_id("c1")),
        "system:canvas".to_owned(),
        "kind:sweep".to_owned(),
        "all".to_owned(),
    ];
    let pauses = scopes.clone().map(pause).into();
    db.store.commit(pauses).await.unwrap();
    assert_eq!(db.store.ready_at(NOW).await.unwrap(), None);
    let [course, system, kind, all] = scopes;
    for (scope, free) in [
        (all, None),
        (kind, Some("kind")),
        (course, Some("course")),
        (system, Some("system")),
    ] {
        assert!(claim_subjects(&db.store, "w", NOW).await.is_empty());
        assert_eq!(db.store.ready_at(NOW).await.unwrap(), None);
        db.store
            .commit(vec![Change::Resume { scope }])
            .await
            .unwrap();
        let claimed = claim_subjects(&db.store, "w", NOW).await;
        assert_eq!(claimed, free.into_iter().collect::<Vec<_>>());
    }
}

fn waiting_for(name: &str, blocker: &str) -> NewOperation {
    NewOperation {
        entity: Some(entity_id(name)),
        blocked_on: Some(blocker.to_owned()),
        ..wish(name, name)
    }
}

pub async fn blocked_operations_wait_for_what_they_need(db: Database) {
    store_course(&db.store, "c1").await;
    let topic = entity(Kind::Topic, "t1", "c1");
    let there = format!("{}@discourse", topic.id);
    let wishes = [
        waiting_for("a", &there),
        waiting_for("b", topic.id.as_str()),
        waiting_for("c", &format!("{}@canvas", entity_id("c1"))),
    ];
    enqueue(&db.store, wishes).await;
    // What is there already is not waited for.
    assert_eq!(claim_subjects(&db.store, "w", NOW).await, ["c"]);
    assert!(claim_subjects(&db.store, "w", NOW).await.is_empty());
    assert_eq!(db.store.ready_at(NOW).await.unwrap(), None);
    save(&db.store, &topic).await;
    assert_eq!(claim_subjects(&db.store, "w", NOW).await, ["b"]);
    assert!(claim_subjects(&db.store, "w", NOW).await.is_empty());
    let mut created = db.store.entity(&topic.id).await.unwrap().unwrap();
    created
        .replicas
        .insert(System::Discourse, replica("d-1", "x"));
    save(&db.store, &created).await;
    assert_eq!(claim_subjects(&db.store, "w", NOW).await, ["a"]);
    // A trigger that waits for nothing lets a blocked one go.
    enqueue(
        &db.store,
        [waiting_for("e", &format!("{}@canvas", entity_id("no")))],
    )
    .await;
    enqueue(&db.store, [wish("f", "e")]).await;
    assert_eq!(claim_subjects(&db.store, "w", NOW).await, ["e"]);
}

pub async fn cycles_are_refused(db: Database) {
    let on = |id: EntityId| format!("{id}@canvas");
    enqueue(&db.store, [waiting_for("a", &on(entity_id("b")))]).await;
    enqueue(&db.store, [waiting_for("b", &on(entity_id("c")))]).await;
    for blocker in ["a", "c"] {
        let closing = Change::Enqueue(waiting_for("c", &on(entity_id(blocker))));
        let refused = db.store.commit(vec![closing]).await;
        let cycle = Error::Cycle {
            subject: "c".to_owned(),
        };
        assert_eq!(refused, Err(cycle));
    }
    enqueue(&db.store, [waiting_for("c", &on(entity_id("d")))]).await;
}

pub async fn ready_at_tells_the_next_time(db: Database) {
    assert_eq!(db.store.ready_at(NOW).await.unwrap(), None);
    let at = |name: &str, ms| NewOperation {
        not_before: after(ms),
        ..wish(name, name)
    };
    enqueue(&db.store, [at("a", 500), at("b", 300)]).await;
    assert_eq!(db.store.ready_at(NOW).await.unwrap(), Some(after(300)));
    assert_eq!(
        db.store.ready_at(after(400)).await.unwrap(),
        Some(after(400))
    );
    let claimed = claim_one(&db.store, "w", after(400)).await;
    assert_eq!(claimed.subject, "b");
    assert_eq!(
        db.store.ready_at(after(400)).await.unwrap(),
        Some(after(500))
    );
    assert_eq!(db.store.next_expiry().await.unwrap(), Some(after(60_400)));
}

pub async fn nothing_is_claimed_for_nothing(db: Database) {
    assert!(claim_subjects(&db.store, "w", NOW).await.is_empty());
    running(&db.store, "a", "a", "w").await;
    enqueue(&db.store, [wish("b", "b")]).await;
    assert_eq!(db.store.claim("w", NOW, 1, 0).await.unwrap(), []);
}
