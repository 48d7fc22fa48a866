//! One running forum: the state behind a lock, and the way of a request through it.
//!
//! Order of a request: read-only parameters, faults, authentication and limits, route, scope,
//! the endpoint, call log. The lock is never held across an await.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequest, Multipart, Request};
use axum::response::Response;
use http::header::{CONTENT_TYPE, REFERER, USER_AGENT};
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::act::reap;
use crate::answer::Answer;
use crate::auth::{self, Actor};
use crate::clock::{MINUTE, SECOND};
use crate::control;
use crate::fault::FaultKind;
use crate::hook::deliver;
use crate::import::{self, ImportError};
use crate::log::Call as LoggedCall;
use crate::option::{ADMIN_KEY, ADMIN_USERNAME, Options};
use crate::param::{FilePart, Params};
use crate::route::{self, Call};
use crate::seed;
use crate::serve::Wire;
use crate::state::World;

/// The largest body taken.
const LARGEST_BODY: usize = 64 * 1_024 * 1_024;

/// Why a simulator could not be started.
#[derive(Debug)]
pub enum SimError {
    /// A site setting of this name does not exist or has another type.
    Setting(String),
    /// A recorded topic could not be loaded.
    Import(ImportError),
}

impl std::fmt::Display for SimError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Setting(name) => write!(f, "no such site setting, or wrong type: {name}"),
            Self::Import(error) => write!(f, "import: {error}"),
        }
    }
}

impl std::error::Error for SimError {}

struct Inner {
    world: Mutex<World>,
    options: Options,
    work: Notify,
    delivered: Notify,
    deliverer: Mutex<bool>,
}

/// A running forum. Clones share it.
#[derive(Clone)]
pub struct Sim {
    inner: Arc<Inner>,
}

impl Sim {
    /// Makes a forum with its content and imports.
    ///
    /// # Errors
    /// An unknown site setting, or a recorded topic that cannot be loaded.
    pub fn new(options: Options) -> Result<Self, SimError> {
        let world = build(&options)?;
        Ok(Self {
            inner: Arc::new(Inner {
                world: Mutex::new(world),
                options,
                work: Notify::new(),
                delivered: Notify::new(),
                deliverer: Mutex::new(false),
            }),
        })
    }

    /// The forum as an axum application.
    pub fn router(&self) -> Router {
        let sim = self.clone();
        Router::new().fallback(move |request: Request| {
            let sim = sim.clone();
            async move { Ok::<Response, Infallible>(sim.respond(request).await) }
        })
    }

    /// The first line of a sandbox: address, key, users and categories.
    pub fn hello(&self) -> Value {
        self.with(|world| hello(world))
    }

    /// Sets the address in absolute links, once the port is known.
    pub fn set_base_url(&self, url: &str) {
        url.trim_end_matches('/')
            .clone_into(&mut self.lock().base_url);
    }

    /// Starts again from the options.
    pub(crate) fn reset(&self) -> Result<(), SimError> {
        let mut fresh = build(&self.inner.options)?;
        let mut world = self.lock();
        fresh.base_url.clone_from(&world.base_url);
        *world = fresh;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.inner
            .world
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a function on the state.
    pub(crate) fn with<T>(&self, run: impl FnOnce(&mut World) -> T) -> T {
        run(&mut self.lock())
    }

    /// Wakes whoever waits for deliveries.
    pub(crate) fn delivered(&self) -> &Notify {
        &self.inner.delivered
    }

    /// Starts the sender of web hooks if there is work and none runs.
    pub(crate) fn kick(&self) {
        let waits = self.with(|world| world.hooks.next_due().is_some() || !world.jobs.is_empty());
        if !waits {
            return;
        }
        let mut running = self
            .inner
            .deliverer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if *running {
            self.inner.work.notify_one();
        } else if tokio::runtime::Handle::try_current().is_ok() {
            *running = true;
            tokio::spawn(deliver::run(self.clone()));
        }
    }

    /// Waits until something may be due; false when nothing is planned and the sender may end.
    pub(crate) async fn rest_or_stop(&self) -> bool {
        let wait_ms = {
            let mut running = self
                .inner
                .deliverer
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let world = self.lock();
            let due = world
                .hooks
                .next_due()
                .into_iter()
                .chain(world.jobs.keys().map(|(due, _)| *due))
                .min();
            match due {
                None => {
                    *running = false;
                    return false;
                }
                // A held or frozen queue is looked at again when somebody kicks.
                Some(_) if world.hooks.faults.held || world.clock.is_frozen() => MINUTE,
                Some(due) => (due - world.now()).clamp(1, MINUTE),
            }
        };
        let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or(1));
        // Either end is fine: woken or not, the sender looks again.
        tokio::time::timeout(wait, self.inner.work.notified())
            .await
            .unwrap_or_default();
        true
    }

    async fn respond(&self, request: Request) -> Response {
        let wire = request
            .extensions()
            .get::<axum::extract::ConnectInfo<Wire>>()
            .map(|info| info.0.clone());
        let (method, uri, headers) = {
            (
                request.method().clone(),
                request.uri().clone(),
                request.headers().clone(),
            )
        };
        let with_body = method != Method::HEAD;
        let is_get = matches!(method, Method::GET | Method::HEAD);
        let path = uri.path().to_owned();
        let query = uri.query().unwrap_or("").to_owned();
        let params = match read_params(request, &query, is_get).await {
            Ok(read) => read,
            Err(answer) => return answer.into_response(with_body),
        };
        if path.starts_with("/_sim/") {
            let answer = control::handle(self, method.as_str(), &path, &params.params).await;
            self.kick();
            return answer.into_response(with_body);
        }
        let asked = Asked {
            method: method.as_str().to_owned(),
            path,
            query,
            headers,
            ip: wire
                .as_ref()
                .map_or_else(|| "127.0.0.1".to_owned(), |wire| wire.ip.clone()),
            read: params,
        };
        let done = self.with(|world| process(world, &asked));
        self.kick();
        self.finish(done, wire, with_body).await
    }

    /// Carries out the part of a fault that happens on the wire.
    async fn finish(&self, done: Done, wire: Option<Wire>, with_body: bool) -> Response {
        if done.wait_ms > 0 {
            let forever = std::future::pending::<()>();
            let wait = Duration::from_millis(done.wait_ms);
            tokio::time::timeout(wait, forever)
                .await
                .unwrap_or_default();
        }
        let mut response = done.answer.into_response(with_body);
        if done.cut {
            if let Some(wire) = wire {
                wire.cut();
            } else {
                // Without a connection the loss can only be marked.
                response = Answer::bare(599).into_response(false);
                response
                    .headers_mut()
                    .insert("x-sim-lost-answer", http::HeaderValue::from_static("1"));
            }
        }
        response
    }
}

fn build(options: &Options) -> Result<World, SimError> {
    let mut known = crate::setting::Settings::new(options.profile);
    for (name, value) in &options.settings {
        known
            .set(name, value)
            .map_err(|_| SimError::Setting(name.clone()))?;
    }
    let mut world = World::new(options);
    seed::fill(&mut world, options);
    for path in &options.import {
        import::load(&mut world, path).map_err(SimError::Import)?;
    }
    Ok(world)
}

fn hello(world: &World) -> Value {
    let users: Vec<Value> = world
        .users
        .values()
        .map(|user| {
            json!({
                "id": user.id, "username": user.username,
                "external_id": user.sso.as_ref().map(|record| record.external_id.clone()),
            })
        })
        .collect();
    let categories: Vec<Value> = world
        .categories
        .values()
        .map(|row| json!({ "id": row.id, "name": row.name, "slug": row.slug }))
        .collect();
    json!({
        "url": world.base_url, "api_key": ADMIN_KEY, "api_username": ADMIN_USERNAME,
        "users": users, "categories": categories,
    })
}

/// A request's parameters, and whether a GET came with a JSON body.
struct Read {
    params: Params,
    get_with_body: bool,
}

/// A request with everything that the state needs to answer it.
struct Asked {
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    ip: String,
    read: Read,
}

/// An answer and what is to happen on the wire.
struct Done {
    answer: Answer,
    wait_ms: u64,
    cut: bool,
}

impl Done {
    fn plain(answer: Answer) -> Self {
        Self {
            answer,
            wait_ms: 0,
            cut: false,
        }
    }
}

async fn read_params(request: Request, query: &str, is_get: bool) -> Result<Read, Answer> {
    let mut params = Params::default();
    params.add_form(query);
    let media = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
        .to_owned();
    if media.starts_with("multipart/form-data") {
        read_multipart(request, &mut params).await?;
        return Ok(Read {
            params,
            get_with_body: false,
        });
    }
    let body = axum::body::to_bytes(request.into_body(), LARGEST_BODY)
        .await
        .map_err(|_| Answer::bare(413))?;
    let is_json = media.starts_with("application/json") || media.ends_with("+json");
    let get_with_body = is_get && is_json && !body.is_empty();
    if is_json && !body.is_empty() {
        let value = serde_json::from_slice(&body).map_err(|_| Answer::framework(400))?;
        params.add_json(value);
    } else if !body.is_empty() {
        let text = std::str::from_utf8(&body).map_err(|_| Answer::framework(400))?;
        params.add_form(text);
    }
    Ok(Read {
        params,
        get_with_body,
    })
}

async fn read_multipart(request: Request, params: &mut Params) -> Result<(), Answer> {
    let bad = || Answer::framework(400);
    let (mut parts, body) = request.into_parts();
    parts
        .extensions
        .insert(axum::extract::DefaultBodyLimit::max(LARGEST_BODY));
    let request = Request::from_parts(parts, body);
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|_| bad())?;
    while let Some(field) = form.next_field().await.map_err(|_| bad())? {
        let name = field.name().unwrap_or("").to_owned();
        let file = field.file_name().map(ToOwned::to_owned);
        let data = field.bytes().await.map_err(|_| bad())?;
        match file {
            Some(file) => params.files.push(FilePart { name: file, data }),
            None => params.add_pair(&name, String::from_utf8(data.to_vec()).map_err(|_| bad())?),
        }
    }
    Ok(())
}

/// One request against the state.
fn process(world: &mut World, asked: &Asked) -> Done {
    reap::run(world);
    let found = route::find(&asked.method, &asked.path);
    let template = found.as_ref().map_or("", |(route, _)| route.template);
    let plain = route::strip_json(&asked.path);
    let fault = world.faults.take(&asked.method, plain, &mut world.rng);
    let mut user = None;
    let done = faulty(world, asked, fault, found, &mut user);
    let path = if asked.query.is_empty() {
        asked.path.clone()
    } else {
        format!("{}?{}", asked.path, asked.query)
    };
    let status = if done.cut { 0 } else { done.answer.status };
    let at_ms = world.now();
    world.log.add(LoggedCall {
        number: 0,
        method: asked.method.clone(),
        template,
        path,
        user,
        status,
        at_ms,
    });
    done
}

type Found = Option<(&'static route::Route, Vec<String>)>;

fn faulty(
    world: &mut World,
    asked: &Asked,
    fault: Option<FaultKind>,
    found: Found,
    user: &mut Option<String>,
) -> Done {
    let committed = |world: &mut World, user: &mut Option<String>, found: Found, commit: bool| {
        if commit {
            serve(world, asked, found, user);
        }
    };
    match fault {
        None => Done::plain(serve(world, asked, found, user)),
        Some(FaultKind::LostAnswer) => Done {
            cut: true,
            ..Done::plain(serve(world, asked, found, user))
        },
        Some(FaultKind::Timeout { wait_ms, commit }) => {
            let answer = if commit {
                serve(world, asked, found, user)
            } else {
                Answer::proxy_page(504)
            };
            Done {
                answer,
                wait_ms,
                cut: false,
            }
        }
        Some(FaultKind::Error500 { commit }) => {
            committed(world, user, found, commit);
            Done::plain(Answer::framework(500))
        }
        Some(FaultKind::BadGateway { commit }) => {
            committed(world, user, found, commit);
            Done::plain(Answer::proxy_page(502))
        }
        Some(FaultKind::Limited { wait_s }) => {
            let text = "You\u{2019}ve performed this action too many times. Please wait {left} \
                        before trying again.";
            Done::plain(Answer::limited(
                text,
                wait_s,
                Some("admin_api_key_rate_limit"),
            ))
        }
        Some(FaultKind::LimitedByIp { wait_s }) => {
            Done::plain(Answer::limited_by_ip(wait_s, "ip_10_secs_limit"))
        }
        Some(FaultKind::EditBefore { raw, username }) => {
            control::person::edit_before(world, found.as_ref(), raw, username);
            Done::plain(serve(world, asked, found, user))
        }
        Some(FaultKind::StaleList) => {
            let old = world.faults.remembered(&list_key(asked, None));
            Done::plain(old.unwrap_or_else(|| serve(world, asked, found, user)))
        }
    }
}

/// What tells one list from another for the stale-list fault.
fn list_key(asked: &Asked, user: Option<&str>) -> String {
    let header = |name: &str| {
        asked
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let user = user.or_else(|| header("api-username")).unwrap_or("");
    format!("{}?{}|{}", asked.path, asked.query, user.to_lowercase())
}

/// The way of a request without faults.
fn serve(world: &mut World, asked: &Asked, found: Found, user: &mut Option<String>) -> Answer {
    match serve_or_refuse(world, asked, found, user) {
        Ok(answer) | Err(answer) => answer,
    }
}

fn serve_or_refuse(
    world: &mut World,
    asked: &Asked,
    found: Found,
    user: &mut Option<String>,
) -> Result<Answer, Answer> {
    let counted = count_ip(world, &asked.ip)?;
    let (actor, key) = auth::authenticate(world, &asked.headers)?;
    if counted && actor.is_api {
        world.limits.undo(&format!("ip10:{}", asked.ip));
        world.limits.undo(&format!("ip60:{}", asked.ip));
    }
    *user = actor
        .id
        .and_then(|id| world.users.get(&id))
        .map(|user| user.username.clone());
    let is_get = matches!(asked.method.as_str(), "GET" | "HEAD");
    if !is_get && !actor.is_api {
        return Err(Answer::bad_csrf());
    }
    if asked.read.get_with_body && world.switches.get_body_413 {
        return Err(Answer::bare(413));
    }
    let (route, vars) = found.ok_or_else(Answer::not_found)?;
    if let Some(scopes) = key.and_then(|key| key.scopes)
        && !auth::scope_allows(&scopes, &asked.method, route.template)
    {
        return Err(Answer::bad_credentials());
    }
    if !is_get && world.faults.read_only {
        return Err(Answer::read_only());
    }
    let header = |name| {
        asked
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    };
    let client = format!("{}|{}|{}", asked.ip, header(USER_AGENT), header(REFERER));
    let mut call = Call {
        world,
        actor,
        params: &asked.read.params,
        vars,
        path: &asked.path,
        query: &asked.query,
        client: &client,
    };
    let answer = (route.run)(&mut call);
    if is_get
        && route::is_list(route.template)
        && let Ok(answer) = &answer
    {
        remember(world, asked, actor, answer);
    }
    answer
}

fn remember(world: &mut World, asked: &Asked, actor: Actor, answer: &Answer) {
    let name = actor
        .id
        .and_then(|id| world.users.get(&id))
        .map(|user| user.username.clone());
    let key = list_key(asked, name.as_deref());
    world.faults.remember(key, answer);
}

/// The two counters by address, checked before anybody is known (contract section 3).
fn count_ip(world: &mut World, ip: &str) -> Result<bool, Answer> {
    if !world.ip_limits {
        return Ok(false);
    }
    let now = world.now();
    let limits = [
        ("ip10", 50, 10 * SECOND, "ip_10_secs_limit"),
        ("ip60", 200, MINUTE, "ip_60_secs_limit"),
    ];
    for (name, most, window, code) in limits {
        world
            .limits
            .pass(&format!("{name}:{ip}"), most, window, now)
            .map_err(|wait_s| Answer::limited_by_ip(wait_s, code))?;
    }
    Ok(true)
}
