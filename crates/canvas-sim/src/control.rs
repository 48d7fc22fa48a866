//! The control API under `/_sim/`: what a test or a demonstration does to the simulated world.
//! It has no login. Described in `docs/sandbox-canvas.md`.

mod person;
mod rows;

pub(crate) use rows::reindex;

use crate::fault::Fault;
use crate::request::form;
use crate::switches::{Profile, Switches};
use crate::{Shared, clock, deliver, seed, snapshot};
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

type Sim = State<Arc<Shared>>;

fn refused(message: impl std::fmt::Display) -> Response {
    (
        StatusCode::BAD_REQUEST,
        Json(json!({"error": message.to_string()})),
    )
        .into_response()
}

fn ok(body: Value) -> Response {
    Json(body).into_response()
}

/// All routes of the control API.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(hello))
        .route("/clock", get(get_clock).post(set_clock))
        .route("/profile", post(set_profile))
        .route(
            "/switches",
            get(get_switches).post(set_switches).patch(set_switches),
        )
        .route(
            "/faults",
            get(get_faults).post(add_fault).delete(clear_faults),
        )
        .route("/faults/{id}", delete(remove_fault))
        .route("/calls", get(get_calls).delete(clear_calls))
        .route("/counters", get(get_counters))
        .route("/bucket", post(fill_bucket))
        .route("/state", get(get_state))
        .route("/topics/{id}", get(get_topic))
        .route("/rows", post(rows::upsert))
        .route("/act", post(person::act))
        .route("/views/build", post(build_views))
        .route("/reset", post(reset))
        .route(
            "/snapshot",
            get(get_snapshot).put(put_snapshot).post(file_snapshot),
        )
        .route("/live-events", get(get_events).delete(clear_events))
        .route("/live-events/deliver", post(deliver_events))
}

async fn hello(State(shared): Sim) -> Response {
    ok(seed::hello(&shared.world()))
}

fn clock_json(shared: &Shared) -> Value {
    let world = shared.world();
    json!({"now_ms": world.now(), "now": clock::precise(world.now()),
           "frozen": world.clock.is_frozen()})
}

async fn get_clock(State(shared): Sim) -> Response {
    ok(clock_json(&shared))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetClock {
    now_ms: Option<i64>,
    /// ISO 8601.
    now: Option<String>,
    advance_ms: Option<i64>,
    frozen: Option<bool>,
}

async fn set_clock(State(shared): Sim, Json(set): Json<SetClock>) -> Response {
    {
        let mut world = shared.world();
        let now_ms = match set.now.as_deref().map(|text| clock::parse(text, 0)) {
            Some(None) => return refused("now is no ISO 8601 time"),
            Some(at) => at,
            None => set.now_ms,
        };
        if let Some(frozen) = set.frozen {
            world.clock.freeze(frozen);
        }
        if let Some(now_ms) = now_ms {
            world.clock.set_ms(now_ms);
        }
        if let Some(by_ms) = set.advance_ms {
            world.clock.advance_ms(by_ms);
        }
        world.tick();
    }
    ok(clock_json(&shared))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetProfile {
    profile: Profile,
}

async fn set_profile(State(shared): Sim, Json(set): Json<SetProfile>) -> Response {
    let mut world = shared.world();
    let url = world.switches.live_events_url.take();
    world.profile = set.profile;
    world.switches = Switches::new(set.profile);
    world.switches.live_events_url = url;
    ok(json!(world.switches))
}

async fn get_switches(State(shared): Sim) -> Response {
    ok(json!(shared.world().switches))
}

async fn set_switches(State(shared): Sim, Json(set): Json<Value>) -> Response {
    let mut world = shared.world();
    let mut all = json!(world.switches);
    crate::json::put(&mut all, set);
    match serde_json::from_value(all) {
        Ok(switches) => {
            world.switches = switches;
            ok(json!(world.switches))
        }
        Err(error) => refused(error),
    }
}

async fn get_faults(State(shared): Sim) -> Response {
    ok(json!(shared.world().faults.all()))
}

async fn add_fault(State(shared): Sim, Json(fault): Json<Value>) -> Response {
    match serde_json::from_value::<Fault>(fault) {
        Ok(fault) => ok(json!({"id": shared.world().faults.add(fault)})),
        Err(error) => refused(error),
    }
}

async fn clear_faults(State(shared): Sim) -> Response {
    shared.world().faults.clear();
    StatusCode::NO_CONTENT.into_response()
}

async fn remove_fault(State(shared): Sim, Path(id): Path<u64>) -> Response {
    let was_there = shared.world().faults.remove(id);
    if was_there {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    }
    .into_response()
}

async fn get_calls(State(shared): Sim, RawQuery(query): RawQuery) -> Response {
    let params = form(&query.unwrap_or_default());
    let number = |name: &str| {
        params
            .get(name)
            .and_then(Value::as_str)
            .and_then(|t| t.parse().ok())
    };
    let after = number("after").unwrap_or(0);
    let limit = number("limit")
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(1000);
    let world = shared.world();
    ok(json!({"total": world.log.total(), "calls": world.log.since(after, limit)}))
}

async fn clear_calls(State(shared): Sim) -> Response {
    shared.world().log.clear();
    StatusCode::NO_CONTENT.into_response()
}

async fn get_counters(State(shared): Sim) -> Response {
    let world = shared.world();
    ok(json!({"total": world.log.total(), "endpoints": world.log.counters()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FillBucket {
    token: String,
    count: f64,
}

async fn fill_bucket(State(shared): Sim, Json(fill): Json<FillBucket>) -> Response {
    let mut world = shared.world();
    let now = world.now();
    world.buckets.fill(&fill.token, fill.count, now);
    StatusCode::NO_CONTENT.into_response()
}

async fn get_state(State(shared): Sim) -> Response {
    let world = shared.world();
    let mut data = json!(world.data);
    if let Value::Object(map) = &mut data {
        map.remove("files");
        map.insert("now_ms".to_owned(), json!(world.now()));
    }
    ok(data)
}

async fn get_topic(State(shared): Sim, Path(id): Path<u64>) -> Response {
    let world = shared.world();
    match world.topic(id) {
        Some(topic) => {
            let entries: Vec<_> = world.data.entries_in(topic).collect();
            ok(json!({"topic": topic, "entries": entries}))
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BuildViews {
    /// Only this topic.
    topic: Option<u64>,
}

async fn build_views(State(shared): Sim, Json(wanted): Json<BuildViews>) -> Response {
    shared.world().build_views(wanted.topic);
    StatusCode::NO_CONTENT.into_response()
}

async fn reset(State(shared): Sim) -> Response {
    let mut world = shared.world();
    world.data = world.first.clone();
    world.profile = world.options.profile;
    world.switches = Switches::new(world.profile);
    let url = world.options.live_events_url.clone();
    world.switches.live_events_url = url;
    world.clock = clock::Clock::new(Arc::clone(&world.options.now));
    world.faults.clear();
    world.buckets.clear();
    world.log.clear();
    world.outbox = crate::live_event::Outbox::default();
    StatusCode::NO_CONTENT.into_response()
}

async fn get_snapshot(State(shared): Sim) -> Response {
    ok(json!(shared.world().data))
}

async fn put_snapshot(State(shared): Sim, Json(data): Json<Value>) -> Response {
    match serde_json::from_value(data) {
        Ok(data) => {
            shared.world().data = data;
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => refused(error),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FileSnapshot {
    Save(PathBuf),
    Load(PathBuf),
}

async fn file_snapshot(State(shared): Sim, Json(wanted): Json<FileSnapshot>) -> Response {
    let mut world = shared.world();
    let result = match wanted {
        FileSnapshot::Save(path) => snapshot::save(&path, &world.data),
        FileSnapshot::Load(path) => snapshot::load(&path).map(|data| world.data = data),
    };
    match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refused(error),
    }
}

async fn get_events(State(shared): Sim) -> Response {
    let world = shared.world();
    ok(
        json!({"waiting": world.outbox.waiting, "sent": world.outbox.sent,
              "failed": world.outbox.failed}),
    )
}

async fn clear_events(State(shared): Sim) -> Response {
    shared.world().outbox = crate::live_event::Outbox::default();
    StatusCode::NO_CONTENT.into_response()
}

async fn deliver_events(State(shared): Sim) -> Response {
    let accepted = deliver::deliver(&shared).await;
    ok(json!({"accepted": accepted}))
}
