//! Deliveries, cursors and pauses.

use model::System;
use store::{Change, Event};

use super::database::Database;
use super::sample::{NOW, after, stale};

fn delivery(id: &str, body: &str, at: i64) -> Event {
    Event {
        id: id.to_owned(),
        system: System::Discourse,
        name: "post_created".to_owned(),
        delivery_id: Some("77".to_owned()),
        body: body.to_owned(),
        received_at: after(at),
    }
}

fn done(id: &str) -> Change {
    Change::EventDone {
        id: id.to_owned(),
        result: "queued".to_owned(),
        at: after(9),
    }
}

pub async fn deliveries_wait_until_handled(db: Database) {
    let (one, two) = (delivery("b", "{\"a\":1}", 0), delivery("a", "{\"a\":2}", 5));
    db.store.add_event(two.clone()).await.unwrap();
    db.store.add_event(one.clone()).await.unwrap();
    // Another process has it too.
    let seen = db.second().await.events(9).await.unwrap();
    assert_eq!(seen, [one.clone(), two.clone()]);
    assert_eq!(db.store.events(1).await.unwrap(), [one]);
    db.store.commit(vec![done("b")]).await.unwrap();
    assert_eq!(db.store.events(9).await.unwrap(), [two]);
    assert_eq!(
        db.store.commit(vec![done("b")]).await,
        stale("webhook_event")
    );
}

pub async fn a_waiting_delivery_is_stored_once(db: Database) {
    db.store.add_event(delivery("e1", "same", 0)).await.unwrap();
    db.store.add_event(delivery("e2", "same", 1)).await.unwrap();
    let mut other_name = delivery("e3", "same", 2);
    "post_edited".clone_into(&mut other_name.name);
    db.store.add_event(other_name).await.unwrap();
    let ids = async || -> Vec<String> {
        let events = db.store.events(9).await.unwrap();
        events.into_iter().map(|event| event.id).collect()
    };
    assert_eq!(ids().await, ["e1", "e3"]);
    // Once it is handled, the world may have changed: it counts again.
    db.store.commit(vec![done("e1")]).await.unwrap();
    db.store.add_event(delivery("e4", "same", 3)).await.unwrap();
    assert_eq!(ids().await, ["e3", "e4"]);
}

pub async fn cursors_move(db: Database) {
    assert_eq!(db.store.cursor("feed").await.unwrap(), None);
    for value in ["1", "2"] {
        let change = Change::SetCursor {
            name: "feed".to_owned(),
            value: value.to_owned(),
            at: NOW,
        };
        db.store.commit(vec![change]).await.unwrap();
        let read = db.store.cursor("feed").await.unwrap();
        assert_eq!(read.as_deref(), Some(value));
    }
}

pub async fn pauses_are_listed(db: Database) {
    let pause = |scope: &str, why: &str| Change::Pause {
        scope: scope.to_owned(),
        who: "ada".to_owned(),
        why: why.to_owned(),
        at: NOW,
    };
    let changes = vec![pause("system:canvas", "upgrade"), pause("all", "first")];
    db.store.commit(changes).await.unwrap();
    db.store.commit(vec![pause("all", "second")]).await.unwrap();
    let pauses = db.store.pauses().await.unwrap();
    let words: Vec<(&str, &str)> = pauses
        .iter()
        .map(|pause| (pause.scope.as_str(), pause.why.as_str()))
        .collect();
    assert_eq!(words, [("all", "second"), ("system:canvas", "upgrade")]);
    assert_eq!((pauses[0].who.as_str(), pauses[0].since), ("ada", NOW));
    let resume = || Change::Resume {
        scope: "all".to_owned(),
    };
    db.store.commit(vec![resume(), resume()]).await.unwrap();
    assert_eq!(db.store.pauses().await.unwrap().len(), 1);
}
