//! Which operation moves which timestamp, against the recorded database times.

use crate::fixture;
use crate::replay::Stage;
use serde_json::{Value, json};

/// The times that the recording watches.
#[derive(Debug, PartialEq, Clone)]
struct Times {
    topic_updated: Value,
    last_reply: Value,
    posted: Value,
    entry_updated: Value,
}

struct Play {
    stage: Stage,
    topic: u64,
    entry: u64,
}

impl Play {
    async fn times(&self) -> Times {
        let dump = self
            .stage
            .json(
                "GET",
                &format!("/_sim/topics/{}", self.topic),
                "",
                &Value::Null,
            )
            .await
            .body;
        let rows = dump["entries"].as_array().unwrap();
        let entry = rows.iter().find(|e| e["id"] == self.entry);
        Times {
            topic_updated: dump["topic"]["updated_at"].clone(),
            last_reply: dump["topic"]["last_reply_at"].clone(),
            posted: dump["topic"]["posted_at"].clone(),
            entry_updated: entry.map_or(Value::Null, |e| e["updated_at"].clone()),
        }
    }

    async fn call(&self, method: &str, tail: &str, who: &str, body: Value) -> u16 {
        let path = format!("/api/v1/courses/1/discussion_topics/{}{tail}", self.topic);
        self.stage.json(method, &path, who, &body).await.status
    }

    async fn post(&mut self, parent: Option<u64>) -> u16 {
        let tail = parent.map_or_else(
            || "/entries".to_owned(),
            |p| format!("/entries/{p}/replies"),
        );
        let path = format!("/api/v1/courses/1/discussion_topics/{}{tail}", self.topic);
        let answer = self
            .stage
            .json("POST", &path, "alice", &json!({"message": "new"}))
            .await;
        self.entry = answer.body["id"].as_u64().unwrap();
        answer.status
    }

    async fn create_topic(&mut self, published: bool) {
        let body = json!({"title": "Times", "message": "<p>x</p>", "published": published,
                          "discussion_type": "threaded", "allow_rating": true});
        let answer = self
            .stage
            .json(
                "POST",
                "/api/v1/courses/1/discussion_topics",
                "teacher",
                &body,
            )
            .await;
        self.topic = answer.body["id"].as_u64().unwrap();
    }

    async fn entry_call(&self, method: &str, tail: &str, who: &str, body: Value) -> u16 {
        self.call(method, &format!("/entries/{}{tail}", self.entry), who, body)
            .await
    }

    async fn pass(&self, ms: i64) {
        self.stage
            .control("/clock", json!({"advance_ms": ms}))
            .await;
    }

    /// Does what a row of the recording names; `None` for an unknown name.
    #[expect(clippy::too_many_lines, reason = "a table of operations")]
    async fn perform(&mut self, operation: &str) -> Option<u16> {
        Some(match operation {
            "edit entry text by author" | "edit entry, same text, same editor" => {
                self.entry_call("PUT", "", "alice", json!({"message": "a"}))
                    .await
            }
            "edit entry, same text, other editor" => {
                self.entry_call("PUT", "", "teacher", json!({"message": "a"}))
                    .await
            }
            "like entry" => {
                self.entry_call("POST", "/rating", "bob", json!({"rating": 1}))
                    .await
            }
            "unlike entry" => {
                self.entry_call("POST", "/rating", "bob", json!({"rating": 0}))
                    .await
            }
            "mark entry read" => self.entry_call("PUT", "/read", "bob", Value::Null).await,
            "mark topic read" => self.call("PUT", "/read", "bob", Value::Null).await,
            "mark all read" => self.call("PUT", "/read_all", "bob", Value::Null).await,
            "subscribe" => self.call("PUT", "/subscribed", "bob", Value::Null).await,
            "GET view" => self.call("GET", "/view", "bob", Value::Null).await,
            "edit topic message" | "edit topic, same values" => {
                self.call("PUT", "", "teacher", json!({"message": "<p>y</p>"}))
                    .await
            }
            "edit topic title by another" => {
                self.call("PUT", "", "admin", json!({"title": "Other"}))
                    .await
            }
            "lock" => {
                self.call("PUT", "", "teacher", json!({"locked": true}))
                    .await
            }
            "unlock" => {
                self.call("PUT", "", "teacher", json!({"locked": false}))
                    .await
            }
            "pin" => {
                self.call("PUT", "", "teacher", json!({"pinned": true}))
                    .await
            }
            "unpin" => {
                self.call("PUT", "", "teacher", json!({"pinned": false}))
                    .await
            }
            "change delayed_post_at to the future" => {
                self.call(
                    "PUT",
                    "",
                    "teacher",
                    json!({"delayed_post_at": "2030-01-01T00:00:00Z"}),
                )
                .await
            }
            "remove delayed_post_at" => {
                self.call("PUT", "", "teacher", json!({"delayed_post_at": null}))
                    .await
            }
            "publish again" | "publish a draft" => {
                self.call("PUT", "", "teacher", json!({"published": true}))
                    .await
            }
            "unpublish" => {
                self.call("PUT", "", "teacher", json!({"published": false}))
                    .await
            }
            "delete reply-less entry"
            | "delete it again"
            | "delete entry, last_reply_at 3 h old" => {
                self.entry_call("DELETE", "", "alice", Value::Null).await
            }
            "edit entry, last_reply_at 3 h old" => {
                self.entry_call("PUT", "", "alice", json!({"message": "later"}))
                    .await
            }
            "delete topic" => self.call("DELETE", "", "teacher", Value::Null).await,
            "create reply within 60 s" => self.post(Some(self.entry)).await,
            name if name.starts_with("create entry") => self.post(None).await,
            _ => return None,
        })
    }
}

#[tokio::test]
async fn operations_move_the_recorded_timestamps() {
    let Some(recorded) = fixture::file("timestamps.json") else {
        return;
    };
    let mut play = Play {
        stage: Stage::new().await,
        topic: 0,
        entry: 0,
    };
    play.create_topic(true).await;
    for row in recorded["rows"].as_array().unwrap() {
        let operation = row["operation"].as_str().unwrap();
        match operation {
            "create entry, last_reply_at 58 s old" => play.pass(58_000).await,
            "create entry, last_reply_at 65 s old" => play.pass(65_000).await,
            "edit entry, last_reply_at 3 h old" => play.pass(3 * 3_600_000).await,
            "publish a draft" => play.create_topic(false).await,
            _ => play.pass(2_000).await,
        }
        play.pass(2_000).await;
        let before = play.times().await;
        let status = play
            .perform(operation)
            .await
            .unwrap_or_else(|| panic!("unknown operation {operation}"));
        let after = play.times().await;
        assert_eq!(row["status"], status, "{operation}");
        let moved = |name: &str, a: &Value, b: &Value| {
            if let Some(expected) = row[name].as_bool() {
                assert_eq!(expected, a != b, "{operation}: {name}");
            }
        };
        moved(
            "topic.updated_at",
            &before.topic_updated,
            &after.topic_updated,
        );
        moved("topic.last_reply_at", &before.last_reply, &after.last_reply);
        moved("topic.posted_at", &before.posted, &after.posted);
        if !operation.starts_with("create") {
            moved(
                "entry.updated_at",
                &before.entry_updated,
                &after.entry_updated,
            );
        }
    }
}
