//! Small read-only views of one course for a frame in Canvas or Discourse. The address is signed, so that nobody can
//! ask for another course; it shows no names and no words.

use axum::extract::{Query, State as Shared};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use model::{EntityId, Status};
use serde::Deserialize;
use store::HistorySearch;

use crate::access::secret;
use crate::page::layout::{self, badge, span};
use crate::problem::Problem;
use crate::state::State;
use crate::summary::{Course, Summary};

#[derive(Deserialize)]
pub(crate) struct Signed {
    course: String,
    sig: String,
}

/// The signed path of a widget, `status` or `history`.
pub fn widget_path(key: &str, name: &str, course: &EntityId) -> String {
    let signature = secret::sign(key, &format!("widget:{name}:{course}"));
    format!("/widget/{name}?course={course}&sig={signature}")
}

/// `GET /widget/status`.
pub(crate) async fn status(Shared(state): Shared<State>, Query(signed): Query<Signed>) -> Response {
    let course = match open(&state, "status", &signed).await {
        Ok(course) => course,
        Err(problem) => return problem.into_response(),
    };
    let lag = course.lag_ms(state.stamp.now());
    framed(
        &state,
        &html! {
            h1 { (course.name) } p { (badge(course.verdict())) }
            dl {
                dt { "In sync" } dd { (course.count(Status::InSync)) }
                dt { "Waiting" } dd { (course.count(Status::Pending)) }
                dt { "For a person" } dd {
                    (course.count(Status::Held) + course.count(Status::Failed) + course.open_conflicts) }
                dt { "Oldest change waits" } dd { @match lag { Some(ms) => (span(ms)), None => "nothing waits" } }
            }
        },
    )
}

/// `GET /widget/history`.
pub(crate) async fn history(
    Shared(state): Shared<State>,
    Query(signed): Query<Signed>,
) -> Response {
    let course = match open(&state, "history", &signed).await {
        Ok(course) => course,
        Err(problem) => return problem.into_response(),
    };
    let search = HistorySearch {
        course: Some(course.id.clone()),
        limit: 20,
        ..HistorySearch::default()
    };
    match state.store.search_history(&search).await {
        Ok(entries) => framed(
            &state,
            &html! { h1 { (course.name) } (crate::page::history::short(&entries)) },
        ),
        Err(error) => Problem::from(error).into_response(),
    }
}

async fn open(state: &State, name: &str, signed: &Signed) -> Result<Course, Problem> {
    let refused = || {
        Problem::new(StatusCode::FORBIDDEN, "SYNC-6002").detail("The address is not signed by us.")
    };
    let key = state.site.widget_secret.as_deref().ok_or_else(refused)?;
    let wanted = secret::sign(key, &format!("widget:{name}:{}", signed.course));
    if !secret::is_same(wanted.as_bytes(), signed.sig.as_bytes()) {
        return Err(refused());
    }
    let summary = Summary::everything(state).await?;
    let course = summary
        .courses
        .into_iter()
        .find(|course| course.id.as_str() == signed.course);
    course.ok_or_else(|| Problem::not_found("course"))
}

fn framed(state: &State, body: &Markup) -> Response {
    let ancestors = match state.site.frame_ancestors.as_slice() {
        [] => "'none'".to_owned(),
        some => some.join(" "),
    };
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
    );
    let page = layout::bare("Course", &html! { main.narrow id="main" { (body) } });
    let mut response = page.into_response();
    if let Ok(value) = HeaderValue::from_str(&policy) {
        response
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, value);
    }
    response
}
