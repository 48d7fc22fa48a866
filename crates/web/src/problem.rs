//! What is answered when something cannot be done: problem+json for programs, a page for people, one code for both.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::html;
use serde_json::json;

use crate::access::Caller;
use crate::change::ChangeError;
use crate::page::layout;

/// A refusal or failure.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    code: String,
    detail: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &str) -> Self {
        Self {
            status,
            code: code.to_owned(),
            detail: String::new(),
        }
    }

    #[must_use]
    pub(crate) fn detail(mut self, detail: &str) -> Self {
        detail.clone_into(&mut self.detail);
        self
    }

    /// A request that does not make sense.
    pub(crate) fn invalid(detail: &str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "SYNC-6005").detail(detail)
    }

    /// Something that is not there, or not for this caller: the two are not told apart.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "SYNC-6006").detail(&format!("There is no such {what}."))
    }

    /// The status and the problem's JSON.
    pub(crate) fn json(&self) -> (StatusCode, serde_json::Value) {
        let value = json!({
            "type": format!("/errors/{}", self.code),
            "title": self.status.canonical_reason().unwrap_or("Problem"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });
        (self.status, value)
    }

    /// The answer to a person.
    pub(crate) fn page(self, caller: Option<&Caller>) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Problem");
        let body = html! {
            h1 { (title) }
            p.alert role="alert" { (self.detail) " " code { (self.code) } }
            p { a href="/" { "Back to the status" } }
        };
        let page = match caller {
            Some(caller) => layout::page(caller, title, "", &body),
            None => layout::bare(title, &html! { main.narrow id="main" { (body) } }),
        };
        (self.status, page).into_response()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, value) = self.json();
        let mut response = (status, value.to_string()).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        let failure = error.failure();
        let status = match &error {
            store::Error::Stale { .. } => StatusCode::CONFLICT,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        if status == StatusCode::SERVICE_UNAVAILABLE {
            tracing::error!(%error, "the database could not answer a page");
        }
        Self::new(status, &failure.code).detail(&failure.message)
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::NotFound(_) => {
                Self::new(StatusCode::NOT_FOUND, "SYNC-6006").detail(&error.to_string())
            }
            ChangeError::Refused(text) => Self::invalid(&text),
            ChangeError::Store(error) => error.into(),
        }
    }
}
