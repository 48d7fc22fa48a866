//! The journal, the log of sync transactions, and the end of what was kept long enough.

use model::{Action, Class, Kind, OperationId, Phase, Step, System, VersionVector};
use store::{Change, HistoryEntry, HistoryFilter, Isolation, TransactionResult};

use super::database::Database;
use super::sample::{NOW, after, entity, entity_id, failure, line, record, stale};

fn all() -> HistoryFilter {
    HistoryFilter {
        limit: 99,
        ..HistoryFilter::default()
    }
}

pub async fn history_is_listed_newest_first(db: Database) {
    let other = HistoryEntry {
        entity: Some(entity_id("f")),
        ..line("h2", after(2), "changed")
    };
    let bare = HistoryEntry {
        entity: None,
        course: Some(entity_id("d")),
        system: None,
        operation: None,
        failure: None,
        ..line("h3", after(3), "swept")
    };
    let entries = [
        line("h1", after(1), "edit"),
        other,
        bare,
        line("h4", after(4), "edit"),
    ];
    let changes = entries.clone().map(Change::Log).into();
    db.store.commit(changes).await.unwrap();
    let again = db.store.commit(vec![Change::Log(entries[0].clone())]).await;
    assert_eq!(again, stale("history"));

    let mut newest_first: Vec<HistoryEntry> = entries.into();
    newest_first.reverse();
    assert_eq!(db.store.history(&all()).await.unwrap(), newest_first);
    let ids = async |filter: HistoryFilter| -> Vec<String> {
        let entries = db.store.history(&filter).await.unwrap();
        entries.into_iter().map(|entry| entry.id).collect()
    };
    let of_entity = HistoryFilter {
        entity: Some(entity_id("e")),
        ..all()
    };
    assert_eq!(ids(of_entity.clone()).await, ["h4", "h1"]);
    let next_page = HistoryFilter {
        before: Some("h4".to_owned()),
        ..of_entity
    };
    assert_eq!(ids(next_page).await, ["h1"]);
    let of_course = HistoryFilter {
        course: Some(entity_id("c")),
        limit: 2,
        ..all()
    };
    assert_eq!(ids(of_course).await, ["h4", "h2"]);
    let edits = HistoryFilter {
        action: Some("edit".to_owned()),
        ..all()
    };
    assert_eq!(ids(edits).await, ["h4", "h1"]);
}

pub async fn deletes_are_counted(db: Database) {
    let entries = [
        line("h1", after(1), "delete"),
        line("h2", after(2), "delete"),
        line("h3", after(3), "deleted"),
        HistoryEntry {
            course: Some(entity_id("d")),
            ..line("h4", after(4), "delete")
        },
    ];
    db.store
        .commit(entries.map(Change::Log).into())
        .await
        .unwrap();
    let course = entity_id("c");
    for (since, count) in [(NOW, 2), (after(2), 1), (after(3), 0)] {
        assert_eq!(db.store.deletes_since(&course, since).await, Ok(count));
    }
}

fn begin(id: &str, parent: Option<&str>) -> Change {
    Change::BeginTransaction {
        id: id.to_owned(),
        operation: OperationId::from("o"),
        entity: entity_id("t1"),
        isolation: Isolation::RepeatableRead,
        at: NOW,
        parent: parent.map(str::to_owned),
        before: Box::new(entity(Kind::Topic, "t1", "c1")),
        vector: VersionVector::new().incremented(System::Local),
    }
}

fn step(number: u32, phase: Phase) -> Step {
    Step {
        number,
        system: System::Discourse,
        action: Action::Edit,
        phase,
        before: Some(record("old")),
        after: (phase == Phase::Apply).then(|| record("new")),
        failure: (phase == Phase::Skip).then(|| failure(Class::Conflict)),
        at: after(i64::from(number)),
    }
}

fn end(id: &str, result: TransactionResult) -> Change {
    Change::EndTransaction {
        id: id.to_owned(),
        result,
        at: after(9),
    }
}

pub async fn transactions_keep_their_lines(db: Database) {
    let steps = [
        step(1, Phase::Prepare),
        step(1, Phase::Apply),
        step(1, Phase::Apply),
        step(2, Phase::Skip),
    ];
    let mut changes = vec![begin("x1", None), begin("x2", Some("x1"))];
    changes.extend(steps.clone().map(|step| Change::TransactionStep {
        transaction: "x2".to_owned(),
        step,
    }));
    db.store.commit(changes).await.unwrap();
    let prepared = db.store.prepared(&[entity_id("t1")]).await.unwrap();
    assert_eq!(prepared.len(), 2);
    assert_eq!(prepared[1].transaction.steps, steps);
    assert_eq!(prepared[1].before, entity(Kind::Topic, "t1", "c1"));
    assert_eq!((&prepared[1].cause, &prepared[1].stuck), (&None, &None));
    let ended = vec![end("x2", TransactionResult::Committed)];
    db.store.commit(ended).await.unwrap();
    let transactions = db.store.transactions(&entity_id("t1")).await.unwrap();
    assert_eq!(transactions.len(), 2);
    assert_eq!(
        (transactions[0].ended, transactions[0].steps.len()),
        (None, 0)
    );
    let child = &transactions[1];
    assert_eq!(child.parent.as_deref(), Some("x1"));
    assert_eq!(child.isolation, Isolation::RepeatableRead);
    assert_eq!(child.ended, Some((after(9), TransactionResult::Committed)));
    assert_eq!(child.steps, steps);

    let twice = db
        .store
        .commit(vec![end("x2", TransactionResult::RolledBack)]);
    assert_eq!(twice.await, stale("sync_transaction"));
    // A parent that rolls back undoes its committed children.
    let undo = Change::TransactionStep {
        transaction: "x2".to_owned(),
        step: step(1, Phase::Compensate),
    };
    db.store.commit(vec![undo]).await.unwrap();
    let nowhere = Change::TransactionStep {
        transaction: "x9".to_owned(),
        step: step(1, Phase::Apply),
    };
    assert_eq!(
        db.store.commit(vec![nowhere]).await,
        stale("sync_transaction")
    );
}

pub async fn a_transaction_turns_back_once(db: Database) {
    let turn_back = || Change::TurnBack {
        id: "x1".to_owned(),
        cause: failure(Class::Invalid),
    };
    let stick = || Change::Stick {
        id: "x1".to_owned(),
        why: failure(Class::Permission),
    };
    db.store.commit(vec![begin("x1", None)]).await.unwrap();
    // Only what is being undone can be stuck.
    assert_eq!(
        db.store.commit(vec![stick()]).await,
        stale("sync_transaction")
    );
    db.store.commit(vec![turn_back()]).await.unwrap();
    assert_eq!(
        db.store.commit(vec![turn_back()]).await,
        stale("sync_transaction")
    );
    db.store.commit(vec![stick()]).await.unwrap();
    let prepared = db.store.prepared(&[entity_id("t1")]).await.unwrap();
    assert_eq!(prepared[0].cause, Some(failure(Class::Invalid)));
    assert_eq!(prepared[0].stuck, Some(failure(Class::Permission)));
    let ended = vec![end("x1", TransactionResult::RolledBack)];
    db.store.commit(ended).await.unwrap();
    assert_eq!(db.store.prepared(&[entity_id("t1")]).await, Ok(Vec::new()));
}
