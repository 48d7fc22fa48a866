//! Signing in and out: a new session each time, so that one known beforehand is worth nothing.

use axum::Form;
use axum::extract::{Query, Request, State as Shared};
use axum::http::{HeaderValue, StatusCode, header as name};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{Extension, extract::FromRequest as _};
use maud::{Markup, html};
use serde::Deserialize;
use store::{Account, AuditEntry, Change, DeskChange, LoginSession};

use super::{COOKIE, Caller, cookie, header, origin, password, secret};
use crate::page::layout;
use crate::problem::Problem;
use crate::state::State;

/// A session that nobody used for so long has ended.
pub(crate) const IDLE_MS: i64 = 8 * 3_600_000;
/// The use of a session is noted no more often than this.
pub(crate) const TOUCH_MS: i64 = 60_000;
/// The window in which wrong passwords are counted.
const WINDOW_MS: i64 = 15 * 60_000;
/// Wrong passwords in a window for one name from one address, for a name, and from an address.
const TRIES: u32 = 5;
const TRIES_OF_NAME: u32 = 30;
const TRIES_OF_ORIGIN: u32 = 60;

#[derive(Deserialize)]
pub(crate) struct Back {
    next: Option<String>,
}

/// `GET /sign-in`.
pub(crate) async fn form(Query(back): Query<Back>) -> Markup {
    show(back.next.as_deref(), None)
}

fn show(next: Option<&str>, error: Option<&str>) -> Markup {
    layout::bare(
        "Sign in",
        &html! {
            main.narrow id="main" {
                h1 { "Antiphon" }
                p { "Canvas, Discourse and the local database, in step." }
                @if let Some(error) = error { p.alert role="alert" { (error) } }
                form.stack method="post" action="/sign-in" {
                    input type="hidden" name="next" value=(next.unwrap_or("/"));
                    label { "Name" input name="name" autocomplete="username" required autofocus; }
                    label { "Password" input name="password" type="password" autocomplete="current-password" required; }
                    button.primary { "Sign in" }
                }
                p.hint { "An admin makes accounts: " code { "antiphon user add NAME --role viewer" } }
            }
        },
    )
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
    next: Option<String>,
}

/// `POST /sign-in`.
pub(crate) async fn enter(Shared(state): Shared<State>, request: Request) -> Response {
    if !header::is_own_origin(request.headers()) {
        let problem = Problem::new(StatusCode::FORBIDDEN, "SYNC-6003");
        return problem
            .detail("The form comes from another site.")
            .page(None);
    }
    let from = origin(&request);
    let old = cookie(request.headers()).map(secret::digest);
    let Ok(Form(given)) = Form::<Credentials>::from_request(request, &()).await else {
        let page = show(None, Some("Type a name and a password."));
        return (StatusCode::UNPROCESSABLE_ENTITY, page).into_response();
    };
    match check(&state, &given, &from).await {
        Ok(Some(account)) => match open(&state, &account, (&from, old)).await {
            Ok(cookie) => {
                let next = safe_target(given.next.as_deref());
                ([(name::SET_COOKIE, cookie)], Redirect::to(&next)).into_response()
            }
            Err(error) => Problem::from(error).page(None),
        },
        Ok(None) => {
            let page = show(
                given.next.as_deref(),
                Some("The name or the password is wrong."),
            );
            (StatusCode::UNAUTHORIZED, page).into_response()
        }
        Err(problem) => problem.page(None),
    }
}

/// Only a path of ours, so that the form cannot be made to lead elsewhere.
fn safe_target(next: Option<&str>) -> String {
    let next = next.unwrap_or("/");
    let is_ours = next.starts_with('/')
        && !next.starts_with("//")
        && next
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_ours {
        next.to_owned()
    } else {
        "/".to_owned()
    }
}

async fn check(state: &State, given: &Credentials, from: &str) -> Result<Option<Account>, Problem> {
    let now = state.stamp.now();
    let pair = format!("{}@{from}", given.name);
    let may_try = state
        .throttle
        .enter("origin", from, now, (TRIES_OF_ORIGIN, WINDOW_MS))
        && state
            .throttle
            .enter("name", &given.name, now, (TRIES_OF_NAME, WINDOW_MS))
        && state
            .throttle
            .enter("sign-in", &pair, now, (TRIES, WINDOW_MS));
    if !may_try {
        audit(state, &given.name, from, "too many tries").await?;
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "SYNC-6004")
            .detail("Too many wrong passwords. Try again in 15 minutes."));
    }
    let account = state.store.account(&given.name).await?;
    let stored = account.as_ref().map(|account| account.password.clone());
    let typed = given.password.clone();
    let permit = state.hashing.acquire().await;
    let is_right =
        tokio::task::spawn_blocking(move || password::is_right(&typed, stored.as_deref()));
    let is_right = is_right.await.unwrap_or(false);
    drop(permit);
    if !is_right {
        audit(state, &given.name, from, "wrong name or password").await?;
        return Ok(None);
    }
    for (what, whom) in [
        ("sign-in", pair.as_str()),
        ("name", &given.name),
        ("origin", from),
    ] {
        state.throttle.forget(what, whom);
    }
    Ok(account)
}

async fn audit(state: &State, who: &str, from: &str, result: &str) -> store::Result<()> {
    let entry = AuditEntry {
        at: state.stamp.now(),
        who: who.chars().take(64).collect(),
        act: "sign in".to_owned(),
        subject: String::new(),
        why: String::new(),
        origin: from.to_owned(),
        result: result.to_owned(),
    };
    let change = Change::Desk(DeskChange::Audit(entry));
    state.store.commit(vec![change]).await
}

async fn open(
    state: &State,
    account: &Account,
    (from, old): (&str, Option<String>),
) -> store::Result<HeaderValue> {
    let now = state.stamp.now();
    let cookie = secret::hex(&state.stamp.secret());
    let session = LoginSession {
        digest: secret::digest(&cookie),
        account: account.name.clone(),
        csrf: secret::hex(&state.stamp.secret()),
        began_at: now,
        seen_at: now,
        until: now.plus_ms(state.site.session_ms),
    };
    let mut changes = Vec::new();
    changes.extend(old.map(|digest| Change::Desk(DeskChange::CloseSession(digest))));
    changes.push(Change::Desk(DeskChange::OpenSession(session)));
    state.store.commit(changes).await?;
    audit(state, &account.name, from, "done").await?;
    Ok(set_cookie(state, &cookie, state.site.session_ms / 1_000))
}

fn set_cookie(state: &State, value: &str, seconds: i64) -> HeaderValue {
    let secure = if state.site.is_secure { "; Secure" } else { "" };
    let text =
        format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// `POST /sign-out`.
pub(crate) async fn leave(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
) -> Response {
    if let Some(digest) = caller.session {
        let close = Change::Desk(DeskChange::CloseSession(digest));
        if let Err(error) = state.store.commit(vec![close]).await {
            return Problem::from(error).page(None);
        }
    }
    let cookie = set_cookie(&state, "", 0);
    ([(name::SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_leads_only_to_our_own_pages() {
        assert_eq!(safe_target(Some("/queue?state=held")), "/queue?state=held");
        for hostile in [
            "//evil",
            "https://evil",
            "/\\evil",
            "/a\r\nSet-Cookie: x",
            "javascript:x",
            "",
        ] {
            assert_eq!(safe_target(Some(hostile)), "/", "{hostile}");
        }
    }
}
