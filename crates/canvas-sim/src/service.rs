//! The HTTP service around the world: throttling, faults, login, dispatch, headers, call log.
//! Holds the lock only while nothing is awaited.

use crate::answer::{Answer, Content, Fail, stringify_ids, throttled};
use crate::auth::{self, Caller};
use crate::calllog::Call;
use crate::connection::Scissors;
use crate::fault::Kind;
use crate::live_event::Origin;
use crate::request::{self, Request};
use crate::route::{self, Ctx};
use crate::world::World;
use crate::{Shared, control, id};
use axum::body::Body;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::response::Response;
use axum::{Router, extract};
use http::{HeaderName, HeaderValue, header};
use serde_json::{Value, json};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

/// The whole service.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .nest("/_sim", control::router())
        .fallback(handle)
        .layer(DefaultBodyLimit::disable())
        .with_state(shared)
}

/// What is to be done with an answer.
enum Sending {
    Send(Box<Answer>, Option<Caller>, Option<f64>),
    /// Close the connection without an answer.
    Lose,
    /// Break the connection off in the middle.
    Break(Box<Answer>, usize),
    /// Let the client wait, then close the connection.
    Hang(u64),
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    scissors: Option<extract::Extension<ConnectInfo<Scissors>>>,
    request: extract::Request,
) -> Response {
    let mut request = request::read(request).await;
    let key = request.token().unwrap_or_else(|| request.client_ip.clone());
    let (latency_ms, fault) = {
        let mut world = shared.world();
        let fault = world.faults.take(&request.method, &request.path);
        if let Some(refusal) = admit(&mut world, &request, &key, fault.as_ref()) {
            return build(refusal, &request, None, None);
        }
        (world.switches.latency_ms, fault)
    };
    let reservation = Reservation {
        shared: &shared,
        key: &key,
        is_open: true,
    };
    if latency_ms > 0 {
        wait(latency_ms).await;
    }
    let is_hopeless = matches!(fault, Some(Kind::LostRequest))
        || matches!(
            fault,
            Some(Kind::TimeOut {
                after_commit: false,
                ..
            })
        );
    let sending = if is_hopeless {
        let mut world = shared.world();
        log(
            &mut world,
            &request,
            None,
            "(not reached)",
            (0, fault.as_ref()),
        );
        match fault {
            Some(Kind::TimeOut { wait_ms, .. }) => Sending::Hang(wait_ms),
            _ => Sending::Lose,
        }
    } else {
        work(&mut shared.world(), &mut request, &key, fault.as_ref())
    };
    reservation.close();
    shared.events.notify_one();
    let cut = |bytes: usize| {
        if let Some(extract::Extension(ConnectInfo(scissors))) = &scissors {
            scissors.cut_after(bytes);
        }
    };
    match sending {
        Sending::Send(answer, caller, remaining) => build(*answer, &request, caller, remaining),
        Sending::Lose => {
            cut(0);
            lost()
        }
        Sending::Break(answer, bytes) => {
            cut(bytes);
            build(*answer, &request, None, None)
        }
        Sending::Hang(wait_ms) => {
            wait(wait_ms).await;
            cut(0);
            lost()
        }
    }
}

/// Waits real time without the sleep that the house rules forbid elsewhere.
async fn wait(ms: u64) {
    let never = std::future::pending::<()>();
    drop(tokio::time::timeout(Duration::from_millis(ms), never).await);
}

/// A request that is being worked on; its reservation is given back however it ends.
struct Reservation<'a> {
    shared: &'a Shared,
    key: &'a str,
    is_open: bool,
}

impl Reservation<'_> {
    /// The work has charged the bucket itself.
    fn close(mut self) {
        self.is_open = false;
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if self.is_open {
            let mut world = self.shared.world();
            let World {
                buckets, switches, ..
            } = &mut *world;
            buckets.finish(self.key, 0.0, switches);
        }
    }
}

/// Refuses a request that the rate limiter stops; it was not executed then.
fn admit(world: &mut World, request: &Request, key: &str, fault: Option<&Kind>) -> Option<Answer> {
    let now = world.now();
    let World {
        buckets, switches, ..
    } = world;
    let remaining = match buckets.admit(key, now, switches) {
        Err(full) => full.remaining,
        Ok(()) if fault == Some(&Kind::Throttle) => {
            buckets.finish(key, 0.0, switches);
            0.0
        }
        Ok(()) => return None,
    };
    let status = world.switches.throttle_status;
    log(world, request, None, "(throttled)", (status, fault));
    Some(throttled(status).header("x-rate-limit-remaining", format!("{remaining:?}")))
}

fn log(
    world: &mut World,
    request: &Request,
    caller: Option<&Caller>,
    template: &str,
    end: (u16, Option<&Kind>),
) {
    let query = request
        .query
        .as_object()
        .filter(|q| !q.is_empty() && !q.contains_key("access_token"));
    let path = match query {
        Some(query) => format!("{}?{}", request.path, Value::Object(query.clone())),
        None => request.path.clone(),
    };
    let document = request.params.text("query").unwrap_or_default();
    let call = Call {
        number: 0,
        is_mutation: template == "/api/graphql" && document.trim_start().starts_with("mutation"),
        at_ms: world.now(),
        method: request.method.to_string(),
        template: template.to_owned(),
        path,
        user_id: caller.map(|c| c.user_id),
        real_user_id: caller.and_then(|c| c.real_user_id),
        status: end.0,
        fault: end.1.map(|kind| kind.name().to_owned()),
    };
    world.log.add(call);
}

fn base_of(world: &World, request: &Request) -> String {
    if world.base_url.is_empty() {
        format!("http://{}", request.host.as_deref().unwrap_or("localhost"))
    } else {
        world.base_url.clone()
    }
}

/// `include[]` is dropped silently for scoped keys, except `uuid` (contract canvas §2.1).
fn drop_includes(request: &mut Request) {
    let words = request.params.list("include");
    if words.is_empty() {
        return;
    }
    let kept: Vec<String> = words.into_iter().filter(|w| w == "uuid").collect();
    request.params.0.insert("include".to_owned(), json!(kept));
}

fn broken_json() -> Answer {
    Answer::text(
        400,
        "<!DOCTYPE html><html><body>Bad Request</body></html>",
        "text/html; charset=utf-8",
    )
}

fn bad_gateway() -> Answer {
    let page = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>";
    Answer::text(502, page, "text/html")
}

/// Login and dispatch. Gives the template of the route as well.
fn run(
    world: &mut World,
    request: &mut Request,
    fault: Option<&Kind>,
    caller: &mut Option<Caller>,
) -> (Result<Answer, Fail>, String) {
    let path = request.path.clone();
    let Some((route, args)) = route::find(request.method.as_str(), &path) else {
        return (Err(Fail::NotFound), "(unknown)".to_owned());
    };
    let template = route.template(&args);
    match auth::authenticate(world, request, fault == Some(&Kind::ExpiredToken)) {
        Ok(found) => *caller = found,
        Err(fail) => return (Err(fail), template),
    }
    if caller.is_none() && !route.is_open {
        return (Err(auth::no_token()), template);
    }
    if fault == Some(&Kind::NotPermitted) {
        return (Err(Fail::NotPermitted), template);
    }
    if request.is_broken {
        return (Ok(broken_json()), template);
    }
    if caller.as_ref().is_some_and(|c| c.is_scoped) {
        drop_includes(request);
    }
    let base = base_of(world, request);
    world.origin = Origin {
        user_id: caller.as_ref().map(|c| c.user_id),
        real_user_id: caller.as_ref().and_then(|c| c.real_user_id),
        method: request.method.to_string(),
        url: format!("{base}{}", request.path),
        hostname: base
            .split_once("://")
            .map_or(base.as_str(), |(_, host)| host)
            .to_owned(),
        user_agent: request.header("user-agent").to_owned(),
        client_ip: request.client_ip.clone(),
        request_id: world.data.uuid(),
        is_api: true,
    };
    let ctx = Ctx {
        request,
        args,
        caller: caller.clone(),
        base,
        fault: fault.cloned(),
    };
    ((route.handler)(world, &ctx), template)
}

fn work(world: &mut World, request: &mut Request, key: &str, fault: Option<&Kind>) -> Sending {
    world.tick();
    let mut caller = None;
    let (result, template) = match fault {
        Some(Kind::ErrorBeforeCommit) => (Err(Fail::Internal), "(not reached)".to_owned()),
        Some(Kind::BadGateway) => (Ok(bad_gateway()), "(not reached)".to_owned()),
        _ => run(world, request, fault, &mut caller),
    };
    let result = match fault {
        Some(Kind::ErrorAfterCommit) => Err(Fail::Internal),
        _ => result,
    };
    let report = if matches!(result, Err(Fail::Internal)) {
        world.next_report_id()
    } else {
        0
    };
    let status = world.switches.not_permitted_status;
    let mut answer = result.unwrap_or_else(|fail| fail.answer(status, report));
    if answer.status == 422
        && let Content::Json(body) = &mut answer.content
    {
        crate::json::set(body, "error_report_id", json!(world.next_report_id()));
    }
    if request.wants_string_ids()
        && let Content::Json(body) = &mut answer.content
    {
        stringify_ids(body);
    }
    let World {
        buckets, switches, ..
    } = &mut *world;
    let cost = switches.request_cost;
    let remaining = buckets.finish(key, cost, switches);
    answer.headers.push(("x-request-cost", format!("{cost:?}")));
    let is_lost = matches!(fault, Some(Kind::LostAnswer | Kind::TimeOut { .. }));
    let logged = if is_lost { 0 } else { answer.status };
    log(world, request, caller.as_ref(), &template, (logged, fault));
    match fault {
        Some(Kind::LostAnswer) => Sending::Lose,
        Some(Kind::TimeOut { wait_ms, .. }) => Sending::Hang(*wait_ms),
        Some(Kind::ResetMidBody { after_bytes }) => Sending::Break(Box::new(answer), *after_bytes),
        _ => Sending::Send(Box::new(answer), caller, Some(remaining)),
    }
}

fn etag(body: &[u8]) -> String {
    let mut first = DefaultHasher::new();
    body.hash(&mut first);
    let mut second = DefaultHasher::new();
    (first.finish(), body).hash(&mut second);
    format!("W/\"{:016x}{:016x}\"", first.finish(), second.finish())
}

/// An answer whose body breaks off: what a lost answer is without a real connection.
fn lost() -> Response {
    let broken = std::io::Error::new(
        std::io::ErrorKind::ConnectionReset,
        "answer lost by an ordered fault",
    );
    let body = Body::from_stream(futures_util::stream::once(async {
        Err::<bytes::Bytes, _>(broken)
    }));
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::BAD_GATEWAY;
    response
        .headers_mut()
        .insert("x-sim-lost", HeaderValue::from_static("1"));
    response
}

fn build(
    answer: Answer,
    request: &Request,
    caller: Option<Caller>,
    remaining: Option<f64>,
) -> Response {
    let mut status = answer.status();
    let (bytes, content_type) = match answer.content {
        Content::Json(body) => {
            let text = serde_json::to_vec(&body).unwrap_or_default();
            (
                bytes::Bytes::from(text),
                Some("application/json; charset=utf-8".to_owned()),
            )
        }
        Content::Text(text, kind) => (bytes::Bytes::from(text), Some(kind.to_owned())),
        Content::Bytes(bytes, kind) => (bytes, Some(kind)),
        Content::Empty => (bytes::Bytes::new(), None),
    };
    let mut headers = answer.headers;
    let is_tagged = status == http::StatusCode::OK || status == http::StatusCode::CREATED;
    if is_tagged {
        let tag = etag(&bytes);
        let is_same = request.method == http::Method::GET && request.header("if-none-match") == tag;
        headers.push(("etag", tag));
        headers.push((
            "cache-control",
            "max-age=0, private, must-revalidate".to_owned(),
        ));
        if is_same {
            status = http::StatusCode::NOT_MODIFIED;
        }
    }
    if let Some(remaining) = remaining {
        headers.push(("x-rate-limit-remaining", format!("{remaining:?}")));
    }
    if let Some(caller) = caller {
        headers.push(("x-canvas-user-id", id::global(caller.user_id)));
        if let Some(real) = caller.real_user_id {
            headers.push(("x-canvas-real-user-id", id::global(real)));
        }
    }
    let body = if status == http::StatusCode::NOT_MODIFIED {
        Body::empty()
    } else {
        Body::from(bytes)
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let map = response.headers_mut();
    if let Some(kind) = content_type.and_then(|k| HeaderValue::from_str(&k).ok()) {
        map.insert(header::CONTENT_TYPE, kind);
    }
    for (name, value) in headers {
        // A value that is no legal header text (a file name, say) is left out.
        if let Ok(value) = HeaderValue::from_str(&value)
            && !value.is_empty()
        {
            map.insert(HeaderName::from_static(name), value);
        }
    }
    response
}
