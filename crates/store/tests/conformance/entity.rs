//! Entities with their replicas, intents and conflicts.

use model::{
    Action, Conflict, ConflictState, CreateKey, Entity, EntityId, Existence, Field, Intent,
    IntentId, IntentState, Kind, RemoteId, Status, Strategy, System,
};
use store::{Change, ConflictFilter, EntityFilter};

use super::database::Database;
use super::sample::{
    NOW, after, entity, entity_id, failure, operation_id, record, replica, save, stale,
    store_course,
};

/// An entity as it is stored: the revision has moved.
fn stored(entity: &Entity, revision: i64) -> Entity {
    Entity {
        revision,
        ..entity.clone()
    }
}

/// Body sources are not part of the comparison of records, so they are compared apart.
fn sources(entity: &Entity) -> Vec<String> {
    let records = entity.replicas.values().map(|replica| &replica.record);
    let bodies = records.filter_map(model::Record::body);
    bodies.map(|body| body.source.clone()).collect()
}

pub async fn entities_come_back_whole(db: Database) {
    let course = store_course(&db.store, "c1").await;
    let mut topic = entity(Kind::Topic, "t1", "c1");
    topic.container = Some(course.id.clone());
    topic.status = Status::Held;
    topic.reason = Some(failure(model::Class::Guard));
    let canvas = topic.replicas.get_mut(&System::Canvas).unwrap();
    canvas.existence = Existence::Missing { since: after(3) };
    canvas.mark = Some("{\"v\":1}".to_owned());
    canvas.base = Some(record("before"));
    canvas.owed = [Field::Title, Field::Body].into();
    canvas.generation = 4;
    canvas.record.deleted = true;
    save(&db.store, &topic).await;

    let read = db.store.entity(&topic.id).await.unwrap().unwrap();
    assert_eq!(read, stored(&topic, 1));
    assert_eq!(sources(&read), sources(&topic));
    let remote = RemoteId::from("c-t1");
    let by_remote = db
        .store
        .entity_by_remote(System::Canvas, Kind::Topic, &remote);
    assert_eq!(by_remote.await.unwrap(), Some(read.clone()));
    let other_kind = db
        .store
        .entity_by_remote(System::Canvas, Kind::Post, &remote);
    assert_eq!(other_kind.await.unwrap(), None);
    let course_remote = RemoteId::from("c-c1");
    let found = db.store.course_by_remote(System::Canvas, &course_remote);
    assert_eq!(found.await.unwrap(), Some(stored(&course, 1)));

    let mut changed = read;
    changed.replicas.remove(&System::Canvas);
    changed
        .replicas
        .insert(System::Discourse, replica("d-9", "other"));
    changed.shadow = None;
    changed.status = Status::Pending;
    changed.reason = None;
    changed.updated_at = after(9);
    save(&db.store, &changed).await;
    let read = db.store.entity(&topic.id).await.unwrap();
    assert_eq!(read, Some(stored(&changed, 2)));
    assert_eq!(db.store.entity(&entity_id("no")).await.unwrap(), None);
}

pub async fn an_old_revision_is_refused(db: Database) {
    let course = store_course(&db.store, "c1").await;
    let again = db.store.commit(vec![Change::SaveEntity(course.clone())]);
    assert_eq!(again.await, stale("entity"));
    let mut one = stored(&course, 1);
    let mut two = one.clone();
    one.status = Status::Pending;
    two.status = Status::Failed;
    save(&db.store, &one).await;
    let late = db.store.commit(vec![Change::SaveEntity(two)]);
    assert_eq!(late.await, stale("entity"));
    let read = db.store.entity(&course.id).await.unwrap();
    assert_eq!(read, Some(stored(&one, 2)));
}

pub async fn an_item_has_one_entity(db: Database) {
    store_course(&db.store, "c1").await;
    save(&db.store, &entity(Kind::Topic, "t1", "c1")).await;
    let mut thief = entity(Kind::Topic, "t2", "c1");
    thief
        .replicas
        .insert(System::Canvas, replica("c-t1", "stolen"));
    let stolen = db.store.commit(vec![Change::SaveEntity(thief.clone())]);
    assert_eq!(stolen.await, stale("replica"));
    assert_eq!(db.store.entity(&thief.id).await.unwrap(), None);
    // Another system or kind may use the same id.
    thief.kind = Kind::Post;
    save(&db.store, &thief).await;
}

pub async fn threads_come_topic_first(db: Database) {
    store_course(&db.store, "c1").await;
    let mut topic = entity(Kind::Topic, "t9", "c1");
    topic.created_at = after(50);
    save(&db.store, &topic).await;
    for (name, age) in [("p2", 7), ("p1", 7), ("p3", 1)] {
        let mut post = entity(Kind::Post, name, "c1");
        post.container = Some(topic.id.clone());
        post.created_at = after(age);
        save(&db.store, &post).await;
    }
    let mut elsewhere = entity(Kind::Post, "p4", "c1");
    elsewhere.container = Some(entity_id("c1"));
    save(&db.store, &elsewhere).await;
    let thread = db.store.thread(&topic.id).await.unwrap();
    let ids: Vec<&EntityId> = thread.iter().map(|entity| &entity.id).collect();
    let expected = ["t9", "p3", "p1", "p2"].map(entity_id);
    assert_eq!(ids, expected.iter().collect::<Vec<_>>());
    assert!(thread.iter().all(|entity| entity.replicas.len() == 2));
    assert_eq!(db.store.child_count(&topic.id).await, Ok(3));
    assert_eq!(db.store.thread(&entity_id("no")).await.unwrap(), []);
}

pub async fn pages_follow_each_other(db: Database) {
    store_course(&db.store, "c1").await;
    store_course(&db.store, "c2").await;
    for n in 0..7 {
        let course = if n % 2 == 0 { "c1" } else { "c2" };
        let mut topic = entity(Kind::Topic, &format!("t{n}"), course);
        topic.status = if n < 3 { Status::Held } else { Status::InSync };
        save(&db.store, &topic).await;
    }
    let list = async |filter: EntityFilter| -> Vec<EntityId> {
        let entities = db.store.entities(&filter).await.unwrap();
        entities.into_iter().map(|entity| entity.id).collect()
    };
    let topics = EntityFilter {
        kind: Some(Kind::Topic),
        limit: 3,
        ..EntityFilter::default()
    };
    let first = list(topics.clone()).await;
    assert_eq!(first, ["t0", "t1", "t2"].map(entity_id));
    let next = EntityFilter {
        after: first.last().cloned(),
        limit: 100,
        ..topics.clone()
    };
    assert_eq!(list(next).await, ["t3", "t4", "t5", "t6"].map(entity_id));
    let in_course = EntityFilter {
        course: Some(entity_id("c2")),
        limit: 100,
        ..EntityFilter::default()
    };
    assert_eq!(
        list(in_course.clone()).await,
        ["c2", "t1", "t3", "t5"].map(entity_id)
    );
    let held_in_course = EntityFilter {
        status: Some(Status::Held),
        ..in_course
    };
    assert_eq!(list(held_in_course).await, [entity_id("t1")]);
    let held = EntityFilter {
        status: Some(Status::Held),
        after: Some(entity_id("t0")),
        limit: 100,
        ..EntityFilter::default()
    };
    assert_eq!(list(held).await, ["t1", "t2"].map(entity_id));
    assert_eq!(list(EntityFilter::default()).await, []);
}

pub async fn many_remote_ids_at_once(db: Database) {
    store_course(&db.store, "c1").await;
    let mut changes = Vec::new();
    for n in 0..120 {
        changes.push(Change::SaveEntity(entity(
            Kind::Post,
            &format!("p{n:03}"),
            "c1",
        )));
    }
    db.store.commit(changes).await.unwrap();
    let mut remotes: Vec<RemoteId> = (0..119).map(|n| RemoteId(format!("c-p{n:03}"))).collect();
    remotes.push(RemoteId::from("unknown"));
    remotes.extend(remotes.clone());
    let find = db
        .store
        .entities_by_remotes(System::Canvas, Kind::Post, &remotes);
    let found = find.await.unwrap();
    assert_eq!(found.len(), 119);
    assert!(found.is_sorted_by_key(|entity| entity.id.clone()));
    assert!(found.iter().all(|entity| entity.replicas.len() == 2));
    let none = db
        .store
        .entities_by_remotes(System::Canvas, Kind::Post, &[]);
    assert_eq!(none.await.unwrap(), []);
    let ids: Vec<EntityId> = found.iter().map(|entity| entity.id.clone()).collect();
    assert_eq!(db.store.open_intents(&ids).await.unwrap(), []);
}

pub async fn entities_are_counted(db: Database) {
    store_course(&db.store, "c1").await;
    for (name, kind, status) in [
        ("t1", Kind::Topic, Status::Held),
        ("p1", Kind::Post, Status::InSync),
        ("p2", Kind::Post, Status::InSync),
        ("l1", Kind::Like, Status::InSync),
    ] {
        let mut one = entity(kind, name, "c1");
        one.status = status;
        save(&db.store, &one).await;
    }
    assert_eq!(db.store.items_in_course(&entity_id("c1")).await, Ok(3));
    assert_eq!(db.store.items_in_course(&entity_id("c2")).await, Ok(0));
    let counts = db.store.entity_status_counts().await.unwrap();
    let posts: Vec<u64> = counts
        .iter()
        .filter(|count| count.kind == Kind::Post && count.status == Status::InSync)
        .map(|count| count.count)
        .collect();
    assert_eq!(posts, [2]);
    assert_eq!(counts.iter().map(|count| count.count).sum::<u64>(), 5);
}

pub async fn strange_text_survives(db: Database) {
    store_course(&db.store, "c1").await;
    let words = "nul \0, quotes ' \" \\, percent %_, emoji 👩‍🏫, \u{feff}, line\r\n, long "
        .to_owned()
        + &"x".repeat(300_000);
    let mut topic = entity(Kind::Topic, "t1", "c1");
    topic.replicas.insert(
        System::Canvas,
        replica("it's; DROP TABLE entity --", &words),
    );
    save(&db.store, &topic).await;
    let read = db.store.entity(&topic.id).await.unwrap().unwrap();
    assert_eq!(read, stored(&topic, 1));
    assert_eq!(sources(&read), sources(&topic));
    // Where a text is a column of its own, PostgreSQL cannot store a NUL.
    let mut nul = entity(Kind::Topic, "t2", "c1");
    nul.replicas.insert(System::Canvas, replica("a\0b", "x"));
    save(&db.store, &nul).await;
    let read = db.store.entity(&nul.id).await.unwrap().unwrap();
    let remote = &read.replicas[&System::Canvas].remote;
    assert_eq!(remote.as_str(), "a\u{fffd}b");
}

fn intent(id: &str, entity: &str) -> Intent {
    Intent {
        id: IntentId::from(id),
        entity: entity_id(entity),
        system: System::Discourse,
        action: Action::Create,
        key: CreateKey::from("ap-1"),
        record: record("wanted"),
        fields: [Field::Title].into(),
        expected: Some(record("old").digest()),
        vector: [(System::Canvas, 3)].into_iter().collect(),
        operation: operation_id("o"),
        state: IntentState::Open,
        created_at: NOW,
    }
}

pub async fn intents_open_and_close(db: Database) {
    store_course(&db.store, "c1").await;
    save(&db.store, &entity(Kind::Topic, "t1", "c1")).await;
    let (one, two) = (intent("i1", "t1"), intent("i2", "c1"));
    let open = vec![
        Change::OpenIntent(two.clone()),
        Change::OpenIntent(one.clone()),
    ];
    db.store.commit(open).await.unwrap();
    let both = ["t1", "c1"].map(entity_id);
    let read = db.store.open_intents(&both).await.unwrap();
    assert_eq!(read, [one.clone(), two.clone()]);
    let of_one = db.store.open_intents(&both[..1]).await.unwrap();
    assert_eq!(of_one, std::slice::from_ref(&one));

    let close = |state| Change::CloseIntent {
        id: one.id.clone(),
        state,
        receipt: Some(record("wanted").digest()),
        at: after(1),
    };
    db.store
        .commit(vec![close(IntentState::Applied)])
        .await
        .unwrap();
    let again = db.store.commit(vec![close(IntentState::Abandoned)]);
    assert_eq!(again.await, stale("intent"));
    assert_eq!(db.store.open_intents(&both).await.unwrap(), [two]);
}

pub async fn conflicts_are_kept_and_reopened(db: Database) {
    store_course(&db.store, "c1").await;
    save(&db.store, &entity(Kind::Topic, "t1", "c1")).await;
    let mut conflict = Conflict {
        id: "k1".to_owned(),
        entity: entity_id("t1"),
        state: ConflictState::Open,
        strategy: Strategy::Manual,
        decided_by: String::new(),
        base: Some(record("base")),
        sides: [
            (System::Canvas, record("a")),
            (System::Discourse, record("b")),
        ]
        .into(),
        result: None,
        fields: [Field::Body].into(),
        opened_at: NOW,
        resolved_at: None,
    };
    let keep = async |conflict: &Conflict| {
        let change = Change::SaveConflict(conflict.clone());
        db.store.commit(vec![change]).await
    };
    keep(&conflict).await.unwrap();
    let open = db.store.open_conflict(&entity_id("t1")).await.unwrap();
    assert_eq!(open, Some(conflict.clone()));
    conflict.state = ConflictState::Resolved;
    "operator:ada".clone_into(&mut conflict.decided_by);
    conflict.result = Some(record("a"));
    conflict.resolved_at = Some(after(4));
    keep(&conflict).await.unwrap();
    assert_eq!(
        db.store.conflict("k1").await.unwrap(),
        Some(conflict.clone())
    );
    assert_eq!(
        db.store.open_conflict(&entity_id("t1")).await.unwrap(),
        None
    );
    let list = async |state, limit| {
        let filter = ConflictFilter {
            state,
            limit,
            ..ConflictFilter::default()
        };
        db.store.conflicts(&filter).await.unwrap().len()
    };
    assert_eq!(list(Some(ConflictState::Open), 9).await, 0);
    assert_eq!(list(Some(ConflictState::Resolved), 9).await, 1);
    assert_eq!(list(None, 0).await, 0);
    // An id is never taken over by another entity.
    conflict.entity = entity_id("c1");
    assert_eq!(keep(&conflict).await, stale("conflict"));
}
