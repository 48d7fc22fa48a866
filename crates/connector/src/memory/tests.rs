//! The twin's own promises.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use model::{Body, Dialect, Field, Value};

use super::*;

fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the twin never waits"),
    }
}

fn record(text: &str) -> Record {
    Record::default().with(
        Field::Body,
        Value::Body(Body {
            dialect: Dialect::DiscourseMarkdown,
            source: text.to_owned(),
            canonical: text.to_owned(),
        }),
    )
}

fn create(key: &str) -> Write {
    Write {
        action: Action::Create,
        kind: Kind::Topic,
        remote: None,
        container: RemoteId::from("course"),
        parent: None,
        key: CreateKey::from(key),
        record: record("a"),
        fields: [Field::Body].into(),
        expected: None,
        mark: None,
        reason: String::new(),
    }
}

#[test]
fn a_lost_answer_leaves_an_item_that_can_be_found() {
    let twin = Memory::new(System::Canvas, false);
    twin.plan_write_fault(Some(Fault::After));
    let error = now(twin.write(&create("k"))).unwrap_err();
    assert_eq!(error.0.class, Class::UnknownOutcome);
    let found = now(twin.find(
        Kind::Topic,
        &RemoteId::from("course"),
        &CreateKey::from("k"),
    ));
    assert!(found.unwrap().is_some());
}

#[test]
fn a_guarded_edit_of_another_text_is_a_conflict() {
    let twin = Memory::new(System::Discourse, true);
    let made = now(twin.write(&create("k"))).unwrap();
    twin.person_edits(
        &made.remote,
        Field::Body,
        record("b").fields[&Field::Body].clone(),
    );
    let edit = Write {
        action: Action::Edit,
        remote: Some(made.remote),
        expected: Some(made.record),
        record: record("c"),
        ..create("k")
    };
    assert_eq!(now(twin.write(&edit)).unwrap_err().0.class, Class::Conflict);
}

#[test]
fn the_feed_names_each_changed_topic_once() {
    let twin = Memory::new(System::Canvas, false);
    let course = RemoteId::from("course");
    let topic = twin.person_starts_topic(&course, record("a"));
    twin.person_answers(&topic, None, record("b"));
    let first = now(twin.changes(&course, None)).unwrap();
    assert_eq!(first.topics, vec![topic.clone()]);
    let second = now(twin.changes(&course, Some(&first.cursor))).unwrap();
    assert!(second.topics.is_empty());
}
