//! The way of one request through the state: faults, authentication, limits, route, call log.

use http::HeaderMap;
use http::header::{REFERER, USER_AGENT};

use super::read::Read;
use crate::act::reap;
use crate::answer::Answer;
use crate::auth::{self, Actor};
use crate::clock::{MINUTE, SECOND};
use crate::control;
use crate::fault::FaultKind;
use crate::log::Call as LoggedCall;
use crate::route::{self, Call};
use crate::state::World;

/// A request with everything that the state needs to answer it.
pub struct Asked {
    /// The HTTP method.
    pub method: String,
    /// The path as sent.
    pub path: String,
    /// The query as sent.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The client's address.
    pub ip: String,
    /// The parameters.
    pub read: Read,
}

/// An answer and what is to happen on the wire.
pub struct Done {
    /// The answer.
    pub answer: Answer,
    /// How long the answer waits, milliseconds.
    pub wait_ms: u64,
    /// Whether the connection is closed instead.
    pub cut: bool,
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

/// One request against the state.
pub fn process(world: &mut World, asked: &Asked) -> Done {
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

#[cfg(test)]
mod tests;
