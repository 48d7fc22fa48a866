//! What operators do has its effect, its line in the audit log, and its limits.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use model::{ConflictState, Field, System};
use serde_json::Value;
use store::{Change, OperationSearch, OperationState};

use super::world::{World, course};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

async fn states(world: &World) -> Vec<OperationState> {
    let search = OperationSearch {
        limit: 1_000,
        ..OperationSearch::default()
    };
    let found = world.state.store.search_operations(&search).await.unwrap();
    found.iter().map(|operation| operation.state).collect()
}

#[tokio::test]
async fn many_operations_are_changed_by_filter_within_the_agreed_number() {
    let world = World::new().await;
    let more = (10..1_005)
        .map(|number| Change::Enqueue(world.wish(number)))
        .collect();
    world.state.store.commit(more).await.unwrap();
    let act = |extra: &str| {
        format!(r#"{{"verb":"hold","filter":{{"state":"pending"}},"reason":"test",{extra}}}"#)
    };
    let answer = world
        .call(
            "operator",
            "POST",
            "/api/v1/operations/act",
            &act("\"max_changes\":0,\"dry_run\":true"),
        )
        .await;
    assert_eq!(json(&answer.text)["would_change"], 1_000);
    let answer = world
        .call(
            "operator",
            "POST",
            "/api/v1/operations/act",
            &act("\"max_changes\":999"),
        )
        .await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        answer.text
    );
    assert!(
        states(&world)
            .await
            .iter()
            .all(|state| *state == OperationState::Pending)
    );
    let answer = world
        .call(
            "operator",
            "POST",
            "/api/v1/operations/act",
            &act("\"max_changes\":1000"),
        )
        .await;
    assert_eq!(json(&answer.text)["changed"], 1_000, "{}", answer.text);
    assert!(
        states(&world)
            .await
            .iter()
            .all(|state| *state == OperationState::Held)
    );
    let release = r#"{"verb":"release","filter":{"state":"held"},"max_changes":1000}"#;
    let answer = world
        .call("operator", "POST", "/api/v1/operations/act", release)
        .await;
    assert_eq!(json(&answer.text)["changed"], 1_000, "{}", answer.text);
    let lines = world
        .state
        .store
        .audit(Some("token:operator"), None, 1_000)
        .await
        .unwrap();
    assert!(
        lines
            .iter()
            .any(|line| line.entry.act == "operation hold" && line.entry.why == "test")
    );
}

#[tokio::test]
async fn the_page_asks_before_it_acts() {
    let world = World::new().await;
    let form = "verb=cancel&scope=filter&state=pending&reason=because";
    let asked = world.call("operator", "POST", "/queue/act", form).await;
    assert!(
        asked.text.contains("cancel 5 operations?"),
        "{}",
        asked.text
    );
    assert_eq!(states(&world).await.len(), 5);
    let too_few = world
        .call(
            "operator",
            "POST",
            "/queue/act",
            &format!("{form}&agreed=4"),
        )
        .await;
    assert_eq!(too_few.status, StatusCode::UNPROCESSABLE_ENTITY);
    let silent = world
        .call(
            "operator",
            "POST",
            "/queue/act",
            "verb=cancel&scope=filter&state=pending&agreed=5",
        )
        .await;
    assert_eq!(
        silent.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "a reason is needed"
    );
    let done = world
        .call(
            "operator",
            "POST",
            "/queue/act",
            &format!("{form}&agreed=5"),
        )
        .await;
    assert!(
        done.text.contains("5 changed, 0 had moved on"),
        "{}",
        done.text
    );
    assert_eq!(states(&world).await, []);
}

#[tokio::test]
async fn a_repeated_write_is_done_once() {
    let world = World::new().await;
    let send = |key: &'static str, body: &'static str| {
        let request = Request::builder()
            .method("POST")
            .uri("/api/v1/tokens")
            .header(
                header::AUTHORIZATION,
                format!("Bearer {}", world.tokens["admin"]),
            )
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", key)
            .body(Body::from(body))
            .unwrap();
        world.send(request)
    };
    let body = r#"{"label":"backup","role":"viewer"}"#;
    let first = send("k1", body).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    assert_eq!(send("k1", body).await.text, first.text);
    assert_ne!(send("k2", body).await.text, first.text);
    let other = send("k1", r#"{"label":"other","role":"viewer"}"#).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(json(&other.text)["code"], "SYNC-6005");
}

#[tokio::test]
async fn a_conflict_is_decided_by_taking_by_blocks_and_by_writing() {
    let world = World::new().await;
    let path = format!("/conflicts/{}/resolve", world.conflict);
    let text = || async {
        let entity = world
            .state
            .store
            .entity(&course("topic"))
            .await
            .unwrap()
            .unwrap();
        entity
            .replica(System::Local)
            .unwrap()
            .record
            .body()
            .unwrap()
            .source
            .clone()
    };
    for (form, wanted) in [
        ("take=discourse", "shared\n\nright "),
        ("take=blocks&block1=both", "shared\n\nleft "),
        ("take=written&body=my+own+words", "my own words"),
        ("take=base", "shared"),
    ] {
        let answer = world.call("operator", "POST", &path, form).await;
        assert_eq!(
            answer.status,
            StatusCode::SEE_OTHER,
            "{form}: {}",
            answer.text
        );
        assert!(text().await.starts_with(wanted), "{form}: {}", text().await);
        if form.contains("both") {
            assert!(text().await.contains("right "), "{}", text().await);
        }
        let conflict = world
            .state
            .store
            .conflict(&world.conflict)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(conflict.state, ConflictState::Resolved);
        assert_eq!(conflict.decided_by, "operator:token:operator");
        assert_eq!(conflict.sides.len(), 2, "no side is ever dropped");
    }
    let entity = world
        .state
        .store
        .entity(&course("topic"))
        .await
        .unwrap()
        .unwrap();
    for system in System::REMOTE {
        assert!(
            entity.replica(system).unwrap().owed.contains(&Field::Body),
            "{system} is owed the text"
        );
    }
    let wrong = world.call("operator", "POST", &path, "take=nonsense").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn scopes_rest_and_go_on() {
    let world = World::new().await;
    for scope in [
        "everything",
        "system:moodle",
        "course:",
        "kind:nothing",
        "all\r\nx",
    ] {
        let body = serde_json::json!({ "scope": scope, "reason": "x" }).to_string();
        let answer = world
            .call("operator", "POST", "/api/v1/pauses", &body)
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{scope}");
    }
    let answer = world
        .call(
            "operator",
            "POST",
            "/api/v1/pauses",
            r#"{"scope":"system:canvas","reason":"exam"}"#,
        )
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(world.get("viewer", "/").await.text.contains("exam"));
    world
        .call(
            "operator",
            "POST",
            "/api/v1/pauses/resume",
            r#"{"scope":"system:canvas"}"#,
        )
        .await;
    assert_eq!(world.state.store.pauses().await.unwrap(), []);
}

#[tokio::test]
async fn a_resolved_group_opens_again_when_it_is_seen_again() {
    let world = World::new().await;
    let standing = || async {
        let answer = world.get("viewer", "/api/v1/errors").await;
        json(&answer.text)["errors"][0]["standing"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(standing().await, "open");
    let note = |verb: &str| {
        format!(
            r#"{{"code":"SYNC-2301","system":"canvas","kind":"topic","verb":"{verb}","reason":"x"}}"#
        )
    };
    for (verb, wanted) in [("mute", "muted"), ("open", "open"), ("resolve", "resolved")] {
        let answer = world
            .call("operator", "POST", "/api/v1/errors/note", &note(verb))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_eq!(standing().await, wanted);
    }
    world
        .clock
        .now
        .fetch_add(1_000, std::sync::atomic::Ordering::SeqCst);
    let line = world.line("failed", Some(super::world::failure()));
    world
        .state
        .store
        .commit(vec![Change::Log(line)])
        .await
        .unwrap();
    world
        .clock
        .now
        .fetch_add(60_000, std::sync::atomic::Ordering::SeqCst);
    crate::tally::advance(&world.state, "test").await.unwrap();
    assert_eq!(standing().await, "open");
}

const FORCE: &str =
    r#"{"verb":"force","side":"discourse","ids":["ID"],"reason":"the right one","max_changes":1}"#;

fn topic_act(text: &str) -> String {
    text.replace("ID", course("topic").as_str())
}

#[tokio::test]
async fn a_forced_item_keeps_every_side_and_is_queued_once_for_each_key() {
    let world = World::new().await;
    let act = topic_act(FORCE);
    let dry = act.replace("\"max_changes\":1", "\"max_changes\":0,\"dry_run\":true");
    let answer = world
        .call("operator", "POST", "/api/v1/entities/act", &dry)
        .await;
    let preview = json(&answer.text);
    assert_eq!(preview["would_change"], 1, "{}", answer.text);
    assert_eq!(preview["writes"]["canvas"]["edit"], 1, "{}", answer.text);
    let refused = act.replace("\"max_changes\":1", "\"max_changes\":0");
    let answer = world
        .call("operator", "POST", "/api/v1/entities/act", &refused)
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let silent = act.replace("the right one", " ");
    let answer = world
        .call("operator", "POST", "/api/v1/entities/act", &silent)
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let store = &world.state.store;
    let open = store.open_conflict(&course("topic")).await.unwrap();
    assert!(open.is_some(), "nothing of that changed anything");

    let answer = world
        .call("operator", "POST", "/api/v1/entities/act", &act)
        .await;
    assert_eq!(json(&answer.text)["changed"], 1, "{}", answer.text);
    let filter = store::ConflictFilter {
        entity: Some(course("topic")),
        limit: 10,
        ..store::ConflictFilter::default()
    };
    let conflicts = store.conflicts(&filter).await.unwrap();
    assert_eq!(conflicts.len(), 2);
    for conflict in &conflicts {
        assert_eq!(conflict.state, ConflictState::Resolved);
        assert_eq!(conflict.decided_by, "operator:token:operator");
        let canvas = &conflict.sides[&System::Canvas];
        assert!(canvas.body().unwrap().source.contains("left"));
    }
    let entity = store.entity(&course("topic")).await.unwrap().unwrap();
    let local = entity.replica(System::Local).unwrap();
    assert!(local.record.body().unwrap().source.contains("right"));
    let search = OperationSearch {
        entity: Some(course("topic")),
        limit: 10,
        ..OperationSearch::default()
    };
    let queued = store.search_operations(&search).await.unwrap();
    assert_eq!(queued.len(), 1);
    assert_eq!(queued[0].reason, "force");
    let line = &store.audit(None, None, 1).await.unwrap()[0];
    assert_eq!(line.entry.act, "entity force from discourse");
    assert_eq!(line.entry.why, "the right one");
}

#[tokio::test]
async fn items_are_skipped_held_and_let_go_by_filter() {
    let world = World::new().await;
    let act = |verb: &str, status: &str| {
        format!(
            r#"{{"verb":"{verb}","filter":{{"kind":"topic","status":"{status}"}},"reason":"exam","max_changes":5}}"#
        )
    };
    let status = async || {
        let found = world.state.store.entity(&course("topic")).await.unwrap();
        found.unwrap().status.as_str()
    };
    for (verb, before, after) in [
        ("hold", "conflict", "held"),
        ("release", "held", "conflict"),
        ("skip", "conflict", "skipped"),
        ("unskip", "skipped", "conflict"),
        ("reset", "conflict", "pending"),
    ] {
        let body = act(verb, before);
        let answer = world
            .call("operator", "POST", "/api/v1/entities/act", &body)
            .await;
        assert_eq!(json(&answer.text)["changed"], 1, "{verb}: {}", answer.text);
        assert_eq!(status().await, after, "{verb}");
        // What fits no more is not done twice.
        let answer = world
            .call("operator", "POST", "/api/v1/entities/act", &body)
            .await;
        assert_eq!(json(&answer.text)["changed"], 0, "{verb}");
    }
    let strange = [
        r#"{"verb":"force","ids":["x"],"max_changes":1}"#,
        r#"{"verb":"skip","max_changes":1}"#,
        r#"{"verb":"skip","filter":{"status":"strange"},"max_changes":1}"#,
        r#"{"verb":"skip","filter":{"colour":"red"},"max_changes":1}"#,
    ];
    for body in strange {
        let answer = world
            .call("operator", "POST", "/api/v1/entities/act", body)
            .await;
        assert!(answer.status.is_client_error(), "{body}: {}", answer.text);
    }
    let answer = world
        .call(
            "viewer",
            "POST",
            "/api/v1/entities/act",
            &act("skip", "pending"),
        )
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}
