//! Live Events.

use crate::client::{ALICE, Client, TINA, at};
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

type Inbox = Arc<Mutex<Vec<Value>>>;

async fn receive(State(inbox): State<Inbox>, axum::Json(event): axum::Json<Value>) {
    inbox.lock().unwrap().push(event);
}

/// A receiver on a real port.
async fn receiver() -> (String, Inbox) {
    let inbox = Inbox::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/events", post(receive))
        .with_state(Arc::clone(&inbox));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, inbox)
}

fn names(inbox: &Inbox) -> Vec<String> {
    inbox
        .lock()
        .unwrap()
        .iter()
        .map(|e| e["metadata"]["event_name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn creates_are_told_and_edits_of_entries_are_not() {
    let c = Client::empty();
    let (url, inbox) = receiver().await;
    c.switch(json!({"live_events_url": url})).await;
    let id = c.topic(json!({"message": "x".repeat(9_000)})).await;
    let entry = c.entry(id, None, ALICE).await;
    let path = format!("{}/entries/{entry}", at(id));
    c.call("PUT", &path, ALICE, json!({"message": "edited"}))
        .await;
    c.call("DELETE", &path, ALICE, Value::Null).await;
    c.call("PUT", &at(id), TINA, json!({"pinned": true})).await;
    c.control(
        "/act",
        json!({"as": "bob", "do": "post", "topic": id, "message": "browser"}),
    )
    .await;
    c.call("DELETE", &at(id), TINA, Value::Null).await;
    assert_eq!(c.sim.deliver_events().await, 6);
    assert_eq!(
        names(&inbox),
        [
            "discussion_topic_created",
            "discussion_entry_created",
            "discussion_entry_submitted",
            "discussion_topic_updated",
            "discussion_entry_created",
            "discussion_topic_updated"
        ]
    );
    let events = inbox.lock().unwrap();
    assert_eq!(
        events[0]["body"]["discussion_topic_id"],
        format!("1000000000000{id}")
    );
    assert_eq!(events[0]["body"]["context_id"], "1", "local");
    assert_eq!(events[0]["body"]["body"].as_str().unwrap().len(), 8192);
    assert_eq!(events[1]["body"]["discussion_entry_id"], entry.to_string());
    assert!(
        events[1]["body"]
            .get("parent_discussion_entry_id")
            .is_none()
    );
    assert_eq!(events[1]["metadata"]["user_id"], "10000000000003");
    assert!(
        events[4]["metadata"].get("developer_key_id").is_none(),
        "a person in the browser"
    );
    assert_eq!(events[5]["body"]["workflow_state"], "deleted");
}

#[tokio::test]
async fn events_are_doubled_lost_and_reversed() {
    let c = Client::empty();
    let (url, inbox) = receiver().await;
    c.switch(
        json!({"live_events_url": url, "live_events_copies": 2, "live_events_reversed": true}),
    )
    .await;
    let id = c.topic(json!({})).await;
    c.call("PUT", &at(id), TINA, json!({"title": "n"})).await;
    c.sim.deliver_events().await;
    assert_eq!(
        names(&inbox),
        [
            "discussion_topic_updated",
            "discussion_topic_updated",
            "discussion_topic_created",
            "discussion_topic_created"
        ]
    );
    c.switch(json!({"live_events_copies": 0})).await;
    c.topic(json!({})).await;
    assert_eq!(c.sim.deliver_events().await, 0);
}
