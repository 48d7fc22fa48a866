//! A commit happens whole or not at all.

use model::{Kind, Status};
use store::{Change, Error, HistoryFilter, OperationFilter};

use super::database::Database;
use super::sample::{NOW, entity, entity_id, line, stale, store_course, wish};

pub async fn a_failing_change_leaves_nothing(db: Database) {
    let course = store_course(&db.store, "c1").await;
    let mut held = course.clone();
    held.revision = 1;
    held.status = Status::Held;
    let changes = vec![
        Change::SaveEntity(held),
        Change::SaveEntity(entity(Kind::Topic, "t1", "c1")),
        Change::Enqueue(wish("o1", "s1")),
        Change::Log(line("h1", NOW, "changed")),
        Change::SetCursor {
            name: "feed".to_owned(),
            value: "7".to_owned(),
            at: NOW,
        },
        Change::EventDone {
            id: "no such event".to_owned(),
            result: "queued".to_owned(),
            at: NOW,
        },
        Change::Enqueue(wish("o2", "s2")),
    ];
    assert_eq!(db.store.commit(changes).await, stale("webhook_event"));

    let read = db.store.entity(&course.id).await.unwrap().unwrap();
    assert_eq!((read.status, read.revision), (Status::InSync, 1));
    assert_eq!(db.store.entity(&entity_id("t1")).await.unwrap(), None);
    assert_eq!(db.store.cursor("feed").await.unwrap(), None);
    let operations = OperationFilter {
        limit: 9,
        ..OperationFilter::default()
    };
    assert_eq!(db.store.operations(&operations).await.unwrap(), []);
    let history = HistoryFilter {
        limit: 9,
        ..HistoryFilter::default()
    };
    assert_eq!(db.store.history(&history).await.unwrap(), []);
    // And the store goes on.
    store_course(&db.store, "c2").await;
}

pub async fn references_are_checked_at_the_end(db: Database) {
    store_course(&db.store, "c1").await;
    let mut parent = entity(Kind::Post, "p2", "c1");
    parent.container = Some(entity_id("t1"));
    let mut child = parent.clone();
    child.id = entity_id("p1");
    child.replicas.clear();
    child.parent = Some(parent.id.clone());
    let topic = entity(Kind::Topic, "t1", "c1");
    let children_first = [child, parent, topic].map(Change::SaveEntity);
    db.store.commit(children_first.into()).await.unwrap();
    assert_eq!(db.store.thread(&entity_id("t1")).await.unwrap().len(), 3);

    let mut orphan = entity(Kind::Post, "p9", "c1");
    orphan.parent = Some(entity_id("nobody"));
    let lost = db.store.commit(vec![Change::SaveEntity(orphan)]).await;
    assert!(matches!(lost, Err(Error::Bug(_))), "{lost:?}");
    assert_eq!(db.store.entity(&entity_id("p9")).await.unwrap(), None);
    store_course(&db.store, "c2").await;
}

pub async fn an_empty_commit_is_fine(db: Database) {
    assert_eq!(db.store.commit(Vec::new()).await, Ok(()));
}
