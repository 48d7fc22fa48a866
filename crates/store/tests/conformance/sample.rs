//! Small entities and operations for the tests.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Author, Body, Class, Dialect, Entity, EntityId, Existence, Failure, Field, Kind, OperationId,
    Record, RemoteId, Replica, Status, System, Timestamp, Value,
};
use store::{
    Change, HistoryEntry, NewOperation, Operation, OperationKind, Outcome, Priority, Store,
};

/// The time at which the tests begin.
pub const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// A time after [`NOW`].
pub fn after(ms: i64) -> Timestamp {
    NOW.plus_ms(ms)
}

/// An entity's id from a short name.
pub fn entity_id(name: &str) -> EntityId {
    EntityId(format!("{name:0>26}"))
}

/// An operation's id from a short name.
pub fn operation_id(name: &str) -> OperationId {
    OperationId(format!("{name:0>26}"))
}

/// A record with every sort of field.
pub fn record(words: &str) -> Record {
    let body = Body {
        dialect: Dialect::CanvasHtml,
        source: format!("<p>{words}</p>"),
        canonical: words.to_owned(),
    };
    let tags = ["a".to_owned(), "b".to_owned()].into();
    let mut record = Record::default()
        .with(Field::Title, Value::Text(format!("About {words}")))
        .with(Field::Body, Value::Body(body))
        .with(Field::Locked, Value::Flag(true))
        .with(Field::Tags, Value::Set(tags));
    record.author = Some(Author {
        key: Some("17".to_owned()),
        remote: Some(RemoteId::from("u17")),
        name: "Ada".to_owned(),
    });
    record.created_at = Some(NOW);
    record.edited_at = Some(after(5));
    record
}

/// A replica with this id.
pub fn replica(remote: &str, words: &str) -> Replica {
    Replica {
        remote: RemoteId::from(remote),
        vector: [(System::Canvas, 2), (System::Local, 1)]
            .into_iter()
            .collect(),
        record: record(words),
        existence: Existence::Present,
        mark: None,
        seen_at: NOW,
        generation: 1,
        base: None,
        owed: BTreeSet::new(),
    }
}

/// An entity with a replica in Canvas (`c-NAME`) and one here.
pub fn entity(kind: Kind, name: &str, course: &str) -> Entity {
    let id = entity_id(name);
    let replicas: BTreeMap<System, Replica> = [
        (System::Canvas, replica(&format!("c-{name}"), name)),
        (System::Local, replica(id.as_str(), name)),
    ]
    .into();
    Entity {
        id,
        kind,
        course: entity_id(course),
        container: None,
        parent: None,
        shadow: Some(record(name)),
        replicas,
        status: Status::InSync,
        reason: None,
        revision: 0,
        created_at: NOW,
        updated_at: NOW,
    }
}

/// A course, stored.
pub async fn store_course(store: &Store, name: &str) -> Entity {
    let course = entity(Kind::Course, name, name);
    save(store, &course).await;
    course
}

/// Stores an entity.
pub async fn save(store: &Store, entity: &Entity) {
    let change = Change::SaveEntity(entity.clone());
    store.commit(vec![change]).await.unwrap();
}

/// A wish to look at a subject, its own batch, ready at [`NOW`].
pub fn wish(name: &str, subject: &str) -> NewOperation {
    NewOperation {
        id: operation_id(name),
        kind: OperationKind::Thread,
        subject: subject.to_owned(),
        entity: None,
        course: None,
        system: Some(System::Canvas),
        remote: Some(RemoteId::from("1/7")),
        batch_key: subject.to_owned(),
        reason: "event".to_owned(),
        priority: Priority::Normal,
        not_before: NOW,
        blocked_on: None,
        at: NOW,
    }
}

/// Queues wishes, each in its own commit.
pub async fn enqueue(store: &Store, wishes: impl IntoIterator<Item = NewOperation>) {
    for wish in wishes {
        store.commit(vec![Change::Enqueue(wish)]).await.unwrap();
    }
}

/// Queues one wish and claims it at once for `owner`.
pub async fn running(store: &Store, name: &str, subject: &str, owner: &str) -> Operation {
    enqueue(store, [wish(name, subject)]).await;
    claim_one(store, owner, NOW).await
}

/// Claims exactly one operation.
pub async fn claim_one(store: &Store, owner: &str, now: Timestamp) -> Operation {
    let mut claimed = store.claim(owner, now, 60_000, 10).await.unwrap();
    assert_eq!(claimed.len(), 1, "{claimed:?}");
    claimed.remove(0)
}

/// The subjects of everything that a claim takes.
pub async fn claim_subjects(store: &Store, owner: &str, now: Timestamp) -> Vec<String> {
    let claimed = store.claim(owner, now, 60_000, 10).await.unwrap();
    claimed.into_iter().map(|one| one.subject).collect()
}

/// Ends a run.
pub async fn finish(
    store: &Store,
    operation: &Operation,
    outcome: Outcome,
    at: Timestamp,
) -> store::Result<()> {
    let owner = operation.lease_owner.clone().unwrap_or_default();
    let change = Change::Finish {
        operation: operation.id.clone(),
        owner,
        outcome,
        at,
    };
    store.commit(vec![change]).await
}

/// A failure of a class.
pub fn failure(class: Class) -> Failure {
    Failure {
        retry_after_ms: Some(250),
        ..Failure::new("SYNC-9999", class, "It went wrong.".to_owned(), "Wait.")
    }
}

/// A line of the journal.
pub fn line(id: &str, at: Timestamp, action: &str) -> HistoryEntry {
    HistoryEntry {
        id: id.to_owned(),
        at,
        entity: Some(entity_id("e")),
        course: Some(entity_id("c")),
        system: Some(System::Discourse),
        action: action.to_owned(),
        operation: Some(operation_id("o")),
        text: format!("{action} happened."),
        failure: Some(failure(Class::Transient)),
    }
}

/// The error of a missed guard.
pub fn stale<T>(what: &'static str) -> store::Result<T> {
    Err(store::Error::Stale { what })
}
