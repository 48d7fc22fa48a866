//! What the connector asks and what it makes of the answers, one exchange at a time. The answers have the shapes of
//! recorded ones; whole conversations are tested against the simulator in `connector.rs`.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use connector::Connector;
use model::{
    Action, Author, Body, Class, Dialect, Field, Kind, Record, Sighting, Timestamp, Value, Write,
};
use serde_json::{Value as Json, json};

use crate::server::{Raw, Script};

mod create;
mod door;
mod edit;
mod feed;
mod read;
mod remove;
mod server;

const NOT_FOUND: &str =
    r#"{"errors":["The requested URL or resource could not be found."],"error_type":"not_found"}"#;

fn not_found() -> Json {
    serde_json::from_str(NOT_FOUND).unwrap()
}

fn forbidden() -> Json {
    json!({ "errors": ["You are not permitted to view the requested resource."], "error_type": "invalid_access" })
}

fn post(id: i64, number: i64, raw: &str) -> Json {
    json!({
        "id": id, "topic_id": 22, "post_number": number, "post_type": 1, "username": "alice",
        "name": "Alice Lee", "user_id": 2, "raw": raw, "version": 1,
        "created_at": "2026-01-05T13:19:34.880Z", "updated_at": "2026-01-05T13:19:34.880Z",
    })
}

fn topic(posts: &[Json], stream: Option<&[i64]>) -> Json {
    json!({
        "id": 22, "title": "Photosynthesis", "category_id": 5, "archetype": "regular", "visible": true,
        "closed": false, "pinned": false, "pinned_globally": false, "chunk_size": 1000,
        "post_stream": { "posts": posts, "stream": stream },
    })
}

fn category() -> Json {
    json!({ "category": { "id": 5, "name": "Bio", "slug": "bio", "topic_url": "/t/about-the-bio-category/20" } })
}

fn user() -> Json {
    json!({ "id": 2, "username": "alice", "single_sign_on_record": { "external_id": "c2" } })
}

fn body(markdown: &str) -> Value {
    Value::Body(Body {
        dialect: Dialect::DiscourseMarkdown,
        source: markdown.to_owned(),
        canonical: markup::canonical_markdown(markdown, &markup::Context::default()),
    })
}

fn alice(key: Option<&str>) -> Author {
    Author {
        key: key.map(str::to_owned),
        remote: None,
        name: "Alice Lee".to_owned(),
    }
}

fn write(action: Action, kind: Kind, record: Record) -> Write {
    let is_topic = kind == Kind::Topic;
    let is_create = action == Action::Create;
    Write {
        action,
        kind,
        remote: (!is_create).then(|| if is_topic { "22".into() } else { "35".into() }),
        container: if is_topic { "5".into() } else { "22".into() },
        parent: None,
        key: "ap-1".into(),
        fields: record.fields.keys().copied().collect(),
        record,
        expected: None,
        mark: None,
        reason: "ap-reason-1".to_owned(),
    }
}

fn reply(key: Option<&str>) -> Write {
    let record = Record {
        author: Some(alice(key)),
        created_at: Some(Timestamp(1_767_619_174_880)),
        ..Record::default()
    };
    write(
        Action::Create,
        Kind::Post,
        record.with(Field::Body, body("Hello there")),
    )
}

fn topic_record() -> Record {
    Record {
        author: Some(alice(Some("c2"))),
        ..Record::default()
    }
    .with(Field::Title, Value::Text("Photosynthesis".to_owned()))
    .with(Field::Body, body("First"))
    .with(Field::Locked, Value::Flag(true))
    .with(Field::Pinned, Value::Flag(false))
}

fn edit_of_post(expected: &str, wanted: &str) -> Write {
    Write {
        expected: Some(Record::default().with(Field::Body, body(expected))),
        ..write(
            Action::Edit,
            Kind::Post,
            Record::default().with(Field::Body, body(wanted)),
        )
    }
}

fn edit_of_topic(changes: &[(Field, Value)]) -> Write {
    let expected = topic_record();
    let mut record = expected.clone();
    for (field, value) in changes {
        record.fields.insert(*field, value.clone());
    }
    Write {
        expected: Some(expected),
        fields: changes
            .iter()
            .map(|(field, _)| *field)
            .collect::<BTreeSet<_>>(),
        mark: Some(r#"{"p":34}"#.to_owned()),
        ..write(Action::Edit, Kind::Topic, record)
    }
}
