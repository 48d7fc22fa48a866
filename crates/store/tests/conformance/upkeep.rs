//! What maintenance finds, removes and puts back.

use model::{
    Action, Class, CreateKey, Intent, IntentId, IntentState, Kind, Status, System, Timestamp,
    VersionVector,
};
use store::{Change, Ended, Event, HistoryEntry, OperationKind, OperationState, Outcome, Outworn};

use super::database::Database;
use super::sample::{
    NOW, after, entity, entity_id, failure, finish, operation_id, record, running, save,
    store_course, wish,
};

const DAY_MS: i64 = 86_400_000;

fn ended(state: OperationState, before: Timestamp) -> Ended {
    Ended {
        state,
        kind: OperationKind::Thread,
        before,
    }
}

pub async fn ended_operations_go_to_the_archive_and_come_back(db: Database) {
    for (name, outcome) in [
        ("a", Outcome::Completed),
        ("b", Outcome::Failed(failure(Class::Invalid))),
    ] {
        let mut wished = wish(name, name);
        wished.kind = OperationKind::Thread;
        let operation = running(&db.store, name, name, "w").await;
        assert_eq!(operation.kind, wished.kind);
        finish(&db.store, &operation, outcome, after(5))
            .await
            .unwrap();
    }
    let failed = ended(OperationState::Failed, after(6));
    assert_eq!(
        db.store
            .count_ended(&ended(OperationState::Failed, after(5)))
            .await,
        Ok(0)
    );
    assert_eq!(db.store.count_ended(&failed).await, Ok(1));
    let before = db
        .store
        .operation(&operation_id("b"))
        .await
        .unwrap()
        .unwrap();
    let attempts = db.store.attempts(&before.id).await.unwrap();
    assert_eq!(attempts.len(), 1);
    let lines = db.store.ended(&failed, 10).await.unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["id"], before.id.as_str());
    assert_eq!(lines[0]["attempts"].as_array().unwrap().len(), 1);
    let count = async || {
        let counts = db.store.queue_counts().await.unwrap();
        counts
            .iter()
            .filter(|count| count.state == OperationState::Failed)
            .map(|count| count.count)
            .sum::<u64>()
    };
    assert_eq!(count().await, 1);
    assert_eq!(db.store.remove_ended(vec![before.id.clone()]).await, Ok(1));
    assert_eq!(db.store.remove_ended(vec![before.id.clone()]).await, Ok(0));
    assert_eq!(db.store.operation(&before.id).await, Ok(None));
    assert_eq!(db.store.attempts(&before.id).await, Ok(Vec::new()));
    assert_eq!(count().await, 0);
    assert!(
        db.store
            .operation(&operation_id("a"))
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(db.store.import_ended(lines.clone()).await, Ok(1));
    assert_eq!(db.store.import_ended(lines).await, Ok(0));
    assert_eq!(
        db.store.operation(&before.id).await,
        Ok(Some(before.clone()))
    );
    assert_eq!(db.store.attempts(&before.id).await, Ok(attempts));
    assert_eq!(count().await, 1);
    let strange = serde_json::json!({ "id": 17 });
    assert!(db.store.import_ended(vec![strange]).await.is_err());
}

fn line(id: &str, at: Timestamp) -> HistoryEntry {
    HistoryEntry {
        id: format!("{id:0>26}"),
        at,
        entity: None,
        course: None,
        system: None,
        action: "edit".to_owned(),
        operation: None,
        text: "Edited.".to_owned(),
        failure: None,
    }
}

fn intent(name: &str) -> Intent {
    Intent {
        id: IntentId(format!("{name:0>26}")),
        entity: entity_id("t1"),
        system: System::Canvas,
        action: Action::Edit,
        key: CreateKey::from("ap-1"),
        record: record("words"),
        fields: [].into(),
        expected: None,
        vector: VersionVector::new(),
        operation: operation_id("gone"),
        state: IntentState::Open,
        created_at: NOW,
    }
}

pub async fn outworn_rows_go_in_steps(db: Database) {
    let store = &db.store;
    store_course(store, "c1").await;
    save(store, &entity(Kind::Topic, "t1", "c1")).await;
    let mut changes: Vec<Change> = ["h1", "h2", "h3"]
        .iter()
        .map(|id| Change::Log(line(id, after(1))))
        .collect();
    for name in ["i1", "i2"] {
        changes.push(Change::OpenIntent(intent(name)));
    }
    changes.push(Change::CloseIntent {
        id: IntentId(format!("{:0>26}", "i1")),
        state: IntentState::Applied,
        receipt: None,
        at: after(2),
    });
    store.commit(changes).await.unwrap();
    for id in ["e1", "e2"] {
        let event = Event {
            id: id.to_owned(),
            system: System::Discourse,
            name: "post".to_owned(),
            delivery_id: None,
            body: id.to_owned(),
            received_at: NOW,
        };
        store.add_event(event).await.unwrap();
    }
    let done = Change::EventDone {
        id: "e1".to_owned(),
        result: "queued".to_owned(),
        at: after(3),
    };
    store.commit(vec![done]).await.unwrap();
    let far = after(1_000);
    // What is not counted into the statistics yet stays.
    assert_eq!(store.count_outworn(Outworn::Journal, far).await, Ok(0));
    assert_eq!(store.remove_outworn(Outworn::Journal, far, 10).await, Ok(0));
    assert_eq!(store.count_history(far.plus_ms(1), far, 100).await, Ok(3));
    assert_eq!(store.count_outworn(Outworn::Journal, far).await, Ok(3));
    for (sort, due) in [
        (Outworn::Journal, 3),
        (Outworn::Intents, 1),
        (Outworn::Deliveries, 1),
    ] {
        assert_eq!(store.count_outworn(sort, NOW).await, Ok(0), "{sort:?}");
        assert_eq!(store.count_outworn(sort, far).await, Ok(due), "{sort:?}");
        let first = store.remove_outworn(sort, far, 2).await.unwrap();
        assert_eq!(first, due.min(2), "{sort:?}");
        let rest = store.remove_outworn(sort, far, 2).await.unwrap();
        assert_eq!(first + rest, due, "{sort:?}");
    }
    let open = store.open_intents(&[entity_id("t1")]).await.unwrap();
    assert_eq!(open.len(), 1, "an open intent is never outworn");
    assert_eq!(store.events(10).await.unwrap().len(), 1);
}

pub async fn hours_become_days_and_no_count_is_lost(db: Database) {
    let store = &db.store;
    let midnight = Timestamp(NOW.0 - NOW.0.rem_euclid(DAY_MS));
    let mut changes = Vec::new();
    for number in 0..48_i64 {
        let at = midnight.plus_ms(number * 1_800_000);
        changes.push(Change::Log(line(&format!("h{number:02}"), at)));
    }
    changes.push(Change::Log(line(
        "h99",
        midnight.plus_ms(DAY_MS + 5_000_000),
    )));
    store.commit(changes).await.unwrap();
    let end = midnight.plus_ms(2 * DAY_MS);
    assert_eq!(
        store.count_history(end.plus_ms(DAY_MS), end, 100).await,
        Ok(49)
    );
    let total = async || {
        let hours = store.tallies(midnight, end, None).await.unwrap();
        (
            hours.len(),
            hours.iter().map(|hour| hour.count).sum::<u64>(),
        )
    };
    assert_eq!(total().await, (25, 49));
    let before = midnight.plus_ms(DAY_MS);
    assert_eq!(store.count_outworn(Outworn::Hours, before).await, Ok(23));
    let mut folded = 0;
    while let Ok(some @ 1..) = store.remove_outworn(Outworn::Hours, before, 7).await {
        folded += some;
        assert_eq!(total().await.1, 49);
    }
    assert_eq!((folded, total().await), (23, (2, 49)));
}

pub async fn what_was_left_behind_is_found(db: Database) {
    let store = &db.store;
    store_course(store, "c1").await;
    for (name, status) in [
        ("t1", Status::InSync),
        ("t2", Status::Pending),
        ("t3", Status::Pending),
    ] {
        let mut topic = entity(Kind::Topic, name, "c1");
        topic.status = status;
        save(store, &topic).await;
    }
    let mut post = entity(Kind::Post, "p1", "c1");
    post.container = Some(entity_id("t3"));
    post.status = Status::Pending;
    save(store, &post).await;
    let mut wished = wish("o", "entity:t3");
    wished.entity = Some(entity_id("t3"));
    let changes = vec![Change::Enqueue(wished), Change::OpenIntent(intent("i1"))];
    store.commit(changes).await.unwrap();
    assert_eq!(store.left_behind(NOW, 10).await, Ok(Vec::new()));
    let left = store.left_behind(after(1), 10).await.unwrap();
    let found: Vec<_> = left
        .iter()
        .map(|left| (left.entity.clone(), left.has_intent))
        .collect();
    // The topic that waits and its post have an operation.
    assert_eq!(found, [(entity_id("t2"), false), (entity_id("t1"), true)]);
    assert_eq!(left[0].topic, entity_id("t2"));
}

pub async fn facts_are_kept_and_taken_once(db: Database) {
    let store = &db.store;
    assert_eq!(store.fact("a:1").await, Ok(None));
    for (name, value) in [("a:2", "two"), ("a:1", "one"), ("b:1", "other")] {
        store.set_fact(name, Some(value)).await.unwrap();
    }
    store.set_fact("a:1", Some("1")).await.unwrap();
    assert_eq!(store.fact("a:1").await, Ok(Some("1".to_owned())));
    let found = store.facts("a:").await.unwrap();
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a:1", "a:2"]);
    assert_eq!(store.take_fact("a:1", "one").await, Ok(false));
    assert_eq!(store.take_fact("a:1", "1").await, Ok(true));
    assert_eq!(store.take_fact("a:1", "1").await, Ok(false));
    store.set_fact("a:2", None).await.unwrap();
    assert_eq!(store.facts("a:").await, Ok(Vec::new()));
}

pub async fn two_entities_become_one(db: Database) {
    let store = &db.store;
    store_course(store, "c1").await;
    let mut gone = entity(Kind::Topic, "t2", "c1");
    let copy = gone.replicas.remove(&System::Canvas).unwrap();
    gone.replicas.insert(System::Discourse, copy.clone());
    save(store, &entity(Kind::Topic, "t1", "c1")).await;
    save(store, &gone).await;
    let mut post = entity(Kind::Post, "p1", "c1");
    post.container = Some(entity_id("t2"));
    save(store, &post).await;
    let mut wished = wish("o", "entity:t2");
    wished.entity = Some(entity_id("t2"));
    store.commit(vec![Change::Enqueue(wished)]).await.unwrap();
    let mut kept = store.entity(&entity_id("t1")).await.unwrap().unwrap();
    kept.replicas.insert(System::Discourse, copy.clone());
    let mut old = kept.clone();
    old.revision = 7;
    let refused = store.join_entities(old, entity_id("t2"), NOW).await;
    assert!(
        matches!(refused, Err(store::Error::Stale { .. })),
        "{refused:?}"
    );
    assert!(
        store.entity(&entity_id("t2")).await.unwrap().is_some(),
        "all or nothing"
    );
    store
        .join_entities(kept, entity_id("t2"), NOW)
        .await
        .unwrap();
    assert_eq!(store.entity(&entity_id("t2")).await, Ok(None));
    let found = store
        .entity_by_remote(System::Discourse, Kind::Topic, &copy.remote)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.id, entity_id("t1"));
    let thread = store.thread(&entity_id("t1")).await.unwrap();
    assert_eq!(thread.len(), 2, "the post came along");
    let cancelled = store.operation(&operation_id("o")).await.unwrap().unwrap();
    assert_eq!(cancelled.state, OperationState::Cancelled);
}
