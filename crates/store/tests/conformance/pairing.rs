//! What is known of a newly connected pair, and how its items are forgotten again.

use model::{Kind, System};
use store::{Change, EntityFilter, Match, MatchState, OperationState, Pairing};

use super::database::Database;
use super::sample::{NOW, entity, entity_id, operation_id, save, store_course, wish};

fn found(state: MatchState) -> Match {
    Match {
        id: "m1".to_owned(),
        course: entity_id("c1"),
        kind: Kind::Topic,
        state: state.as_str().to_owned(),
        evidence: vec!["title".to_owned()],
        canvas: vec![entity_id("t1")],
        discourse: vec![entity_id("t2")],
        title: "Tides".to_owned(),
        posts: 0,
    }
}

pub async fn a_new_pair_waits_until_it_is_matched_and_accepted(db: Database) {
    let store = &db.store;
    let course = entity_id("c1");
    let nothing = store.pairing(&course).await.unwrap();
    assert_eq!(
        nothing,
        Pairing::default(),
        "what was there before is an ordinary course"
    );
    store.commit(Pairing::begin(&course)).await.unwrap();
    store
        .commit(Pairing::begin(&entity_id("c2")))
        .await
        .unwrap();
    let asked = found(MatchState::Unclear);
    let mut changes = asked.save().unwrap();
    changes.push(Pairing::matched(&course, true));
    changes.push(Pairing::compare_posts(&course, &entity_id("t9"), true));
    store.commit(changes).await.unwrap();
    let pairing = store.pairing(&course).await.unwrap();
    assert!(pairing.is_unaccepted && !pairing.is_unmatched);
    assert_eq!(
        (pairing.topics.clone(), pairing.open.clone()),
        (vec![entity_id("t9")], vec![asked])
    );
    assert!(pairing.asks_about(&entity_id("t2")) && !pairing.asks_about(&entity_id("t3")));
    let done = found(MatchState::Accepted);
    let mut changes = done.save().unwrap();
    changes.push(Pairing::accepted(&course, true));
    changes.push(Pairing::compare_posts(&course, &entity_id("t9"), false));
    store.commit(changes).await.unwrap();
    assert_eq!(store.pairing(&course).await, Ok(Pairing::default()));
    assert_eq!(store.matches(&course).await, Ok(vec![done.clone()]));
    store.commit(done.remove()).await.unwrap();
    assert_eq!(store.matches(&course).await, Ok(Vec::new()));
    assert!(
        store.pairing(&entity_id("c2")).await.unwrap().is_unmatched,
        "the other one still waits"
    );
}

pub async fn items_of_a_course_are_forgotten(db: Database) {
    let store = &db.store;
    for course in ["c1", "c2"] {
        store_course(store, course).await;
    }
    save(store, &entity(Kind::Topic, "t1", "c1")).await;
    save(store, &entity(Kind::Topic, "t2", "c2")).await;
    let mut post = entity(Kind::Post, "p1", "c1");
    post.container = Some(entity_id("t1"));
    save(store, &post).await;
    let mut wished = wish("o", "entity:t1");
    wished.entity = Some(entity_id("t1"));
    wished.course = Some(entity_id("c1"));
    let name = format!("feed:{}:{}", System::Canvas, entity_id("c1"));
    let moved = Change::SetCursor {
        name: name.clone(),
        value: "5".to_owned(),
        at: NOW,
    };
    store
        .commit(vec![Change::Enqueue(wished), moved])
        .await
        .unwrap();
    assert_eq!(store.is_written(&entity_id("c1")).await, Ok(false));
    let forget = Change::ForgetItems {
        course: entity_id("c1"),
        at: NOW,
    };
    store.commit(vec![forget]).await.unwrap();
    let everything = EntityFilter {
        limit: 10,
        ..EntityFilter::default()
    };
    let left = store.entities(&everything).await.unwrap();
    let mut names: Vec<_> = left.iter().map(|entity| entity.id.clone()).collect();
    names.sort();
    assert_eq!(names, [entity_id("c1"), entity_id("c2"), entity_id("t2")]);
    assert_eq!(
        store.cursor(&name).await,
        Ok(None),
        "the course is read from the start"
    );
    let cancelled = store.operation(&operation_id("o")).await.unwrap().unwrap();
    assert_eq!(cancelled.state, OperationState::Cancelled);
}
