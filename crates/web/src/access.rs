//! Who is asking, what that person or token may do, and the one gate in front of every address.
//!
//! An address that is not in the table of [`crate::endpoint`] is not answered, so that nothing is open by default.

pub(crate) mod account;
pub(crate) mod header;
pub(crate) mod password;
pub(crate) mod secret;
pub(crate) mod sign_in;
pub(crate) mod throttle;

use std::net::SocketAddr;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, MatchedPath, Request, State as Shared};
use axum::http::{HeaderMap, Method, StatusCode, header as name};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use model::EntityId;
use store::{AuditEntry, Change, DeskChange, Role};

use crate::endpoint::{self, Need};
use crate::problem::Problem;
use crate::state::State;

/// The name of the session's cookie.
pub(crate) const COOKIE: &str = "antiphon_session";
/// The largest form that is read before its sender is known to mean it, in bytes.
const FORM_MAX: usize = crate::BODY_MAX;
/// How many requests a caller of the admin API may make in a minute.
const API_PER_MINUTE: u32 = 600;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account's name, `token:LABEL`, or `command line`.
    pub who: String,
    /// What it may do.
    pub role: Role,
    /// The courses of a teacher.
    pub courses: Vec<EntityId>,
    /// From where.
    pub origin: String,
    /// What its forms carry; `None` for a token.
    pub(crate) csrf: Option<String>,
    /// The session's digest; `None` for a token.
    pub(crate) session: Option<String>,
}

impl Caller {
    /// The person at the command line, who can read the database anyway.
    pub fn command_line() -> Self {
        Self {
            who: "command line".to_owned(),
            role: Role::Admin,
            courses: Vec::new(),
            origin: "command line".to_owned(),
            csrf: None,
            session: None,
        }
    }

    /// Whether it may do what an address needs.
    pub(crate) fn may(&self, need: Need) -> bool {
        match need {
            Need::Nothing | Need::Own => true,
            Need::View => self.role != Role::Teacher,
            Need::Operate => matches!(self.role, Role::Operator | Role::Admin),
            Need::OwnOperate => self.role != Role::Viewer,
            Need::Administer => self.role == Role::Admin,
        }
    }

    /// Whether it may see a course.
    pub(crate) fn may_see(&self, course: &EntityId) -> bool {
        self.role != Role::Teacher || self.courses.contains(course)
    }

    /// The courses it is limited to; `None` when it is not.
    pub(crate) fn limit(&self) -> Option<&[EntityId]> {
        (self.role == Role::Teacher).then_some(self.courses.as_slice())
    }

    /// A line for the audit log.
    pub(crate) fn audit(&self, state: &State, act: &str, subject: &str, why: &str) -> AuditEntry {
        AuditEntry {
            at: state.stamp.now(),
            who: self.who.clone(),
            act: act.to_owned(),
            subject: shorten(subject),
            why: shorten(why),
            origin: self.origin.clone(),
            result: "done".to_owned(),
        }
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(500).collect()
}

/// From where a request comes.
pub(crate) fn origin(request: &Request) -> String {
    request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or_else(|| "unknown".to_owned(), |info| info.0.ip().to_string())
}

/// The gate.
pub(crate) async fn gate(
    Shared(state): Shared<State>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.extensions().get::<MatchedPath>().cloned();
    let path = path.as_ref().map_or("", MatchedPath::as_str);
    let Some(need) = endpoint::need(request.method(), path) else {
        let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "SYNC-6007");
        return problem
            .detail("There is no such address or method.")
            .into_response();
    };
    if need == Need::Nothing {
        return next.run(request).await;
    }
    let is_api = path.starts_with("/api/") || path == "/metrics";
    let (headers, from) = (request.headers().clone(), origin(&request));
    let caller = match find(&state, &headers, from).await {
        Ok(Some(caller)) => caller,
        Ok(None) => return unknown(is_api, &request),
        Err(error) => return Problem::from(error).into_response(),
    };
    if is_api
        && !state.throttle.enter(
            "api",
            &caller.who,
            state.stamp.now(),
            (API_PER_MINUTE, 60_000),
        )
    {
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "SYNC-6004");
        return problem
            .detail("More than 600 requests in a minute; wait a minute.")
            .into_response();
    }
    if !caller.may(need) {
        let subject = format!("{} {}", request.method(), request.uri().path());
        return refuse(&state, &caller, &subject, is_api).await;
    }
    if caller.csrf.is_some() && !request.method().is_safe() {
        request = match check_form(&caller, request).await {
            Ok(request) => request,
            Err(problem) => return problem.into_response(),
        };
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

fn unknown(is_api: bool, request: &Request) -> Response {
    let is_page = !is_api && request.method() == Method::GET;
    if is_page {
        let back = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        let back = percent_encoding::utf8_percent_encode(back, percent_encoding::NON_ALPHANUMERIC);
        return Redirect::to(&format!("/sign-in?next={back}")).into_response();
    }
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "SYNC-6001");
    let mut response = problem
        .detail("Send `Authorization: Bearer TOKEN`, or sign in.")
        .into_response();
    let value = axum::http::HeaderValue::from_static("Bearer");
    response.headers_mut().insert(name::WWW_AUTHENTICATE, value);
    response
}

async fn refuse(state: &State, caller: &Caller, subject: &str, is_api: bool) -> Response {
    let mut entry = caller.audit(state, "refused", subject, "");
    "refused".clone_into(&mut entry.result);
    let change = Change::Desk(DeskChange::Audit(entry));
    if let Err(error) = state.store.commit(vec![change]).await {
        tracing::error!(%error, "a refusal could not be audited");
    }
    let problem = Problem::new(StatusCode::FORBIDDEN, "SYNC-6002")
        .detail(&format!("A {} may not do this.", caller.role));
    if is_api {
        return problem.into_response();
    }
    problem.page(Some(caller))
}

/// Finds out who asks: a bearer token first, then the cookie.
pub(crate) async fn find(
    state: &State,
    headers: &HeaderMap,
    origin: String,
) -> store::Result<Option<Caller>> {
    if let Some(token) = bearer(headers) {
        return by_token(state, token, origin).await;
    }
    match cookie(headers) {
        Some(secret) => by_cookie(state, secret, origin).await,
        None => Ok(None),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(name::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

/// The session's secret in the cookie.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(name::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// Whether the request carries the configured token or an admin's or operator's token.
pub(crate) async fn is_bearer(state: &State, headers: &HeaderMap) -> bool {
    let Some(token) = bearer(headers) else {
        return false;
    };
    match by_token(state, token, String::new()).await {
        Ok(caller) => caller.is_some_and(|caller| caller.may(Need::Operate)),
        Err(error) => {
            tracing::error!(%error, "a token could not be looked up");
            false
        }
    }
}

async fn by_token(state: &State, token: &str, origin: String) -> store::Result<Option<Caller>> {
    let configured = state.token.as_deref();
    if configured.is_some_and(|known| secret::is_same(known.as_bytes(), token.as_bytes())) {
        return Ok(Some(Caller {
            who: "token:configuration".to_owned(),
            origin,
            ..Caller::command_line()
        }));
    }
    let now = state.stamp.now();
    let found = state.store.api_token(&secret::digest(token)).await?;
    let valid = found
        .filter(|token| token.revoked_at.is_none() && token.until.is_none_or(|until| until > now));
    Ok(valid.map(|token| Caller {
        who: format!("token:{}", token.label),
        role: token.role,
        courses: token.courses,
        origin,
        csrf: None,
        session: None,
    }))
}

async fn by_cookie(state: &State, given: &str, origin: String) -> store::Result<Option<Caller>> {
    let digest = secret::digest(given);
    let now = state.stamp.now();
    let Some(session) = state.store.login_session(&digest).await? else {
        return Ok(None);
    };
    if session.until <= now || now.since_ms(session.seen_at) > sign_in::IDLE_MS {
        return Ok(None);
    }
    let Some(account) = state.store.account(&session.account).await? else {
        return Ok(None);
    };
    if now.since_ms(session.seen_at) > sign_in::TOUCH_MS {
        let touch = DeskChange::TouchSession {
            digest: digest.clone(),
            at: now,
        };
        state.store.commit(vec![Change::Desk(touch)]).await?;
    }
    Ok(Some(Caller {
        who: account.name,
        role: account.role,
        courses: account.courses,
        origin,
        csrf: Some(session.csrf),
        session: Some(digest),
    }))
}

/// Whether a request that changes something was sent by one of our own pages.
async fn check_form(caller: &Caller, request: Request) -> Result<Request, Problem> {
    let refused = |why: &str| Problem::new(StatusCode::FORBIDDEN, "SYNC-6003").detail(why);
    if !header::is_own_origin(request.headers()) {
        return Err(refused("The request comes from another site."));
    }
    let (parts, body) = request.into_parts();
    let bytes: Bytes = to_bytes(body, FORM_MAX)
        .await
        .map_err(|_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "SYNC-6005"))?;
    let in_header = parts
        .headers
        .get("x-csrf-token")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let given = in_header.or_else(|| {
        let fields: Vec<(String, String)> = serde_urlencoded::from_bytes(&bytes).ok()?;
        fields
            .into_iter()
            .find(|(name, _)| name == "csrf")
            .map(|(_, value)| value)
    });
    let wanted = caller.csrf.as_deref().unwrap_or_default();
    if !given.is_some_and(|given| secret::is_same(given.as_bytes(), wanted.as_bytes())) {
        return Err(refused(
            "The form is too old; load the page again and repeat.",
        ));
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}
