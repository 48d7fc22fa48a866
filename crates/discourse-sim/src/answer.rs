//! What a request ends in: status, body and headers, and the error shapes of contract section 4.
//!
//! Knows nothing about axum's request side or the state.

use axum::body::Body as WireBody;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::{Value, json};

/// The content type that public clients compare exactly (contract section 19).
pub const JSON: &str = "application/json; charset=utf-8";

/// The body of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// JSON.
    Json(Value),
    /// Plain text.
    Text(String),
    /// A page or a redirect notice.
    Html(String),
    /// A file with its media type.
    File(Bytes, String),
    /// Nothing.
    Empty,
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Body,
    /// Headers besides the content type.
    pub headers: Vec<(&'static str, String)>,
}

/// A request's outcome: both sides are answers, the error side ends the work early.
pub type Outcome = Result<Answer, Answer>;

impl Answer {
    fn new(status: u16, body: Body) -> Self {
        Self {
            status,
            body,
            headers: Vec::new(),
        }
    }

    /// 200 with JSON.
    pub fn json(value: Value) -> Self {
        Self::new(200, Body::Json(value))
    }

    /// Any status with JSON.
    pub fn json_status(status: u16, value: Value) -> Self {
        Self::new(status, Body::Json(value))
    }

    /// 200 with plain text.
    pub fn text(text: String) -> Self {
        Self::new(200, Body::Text(text))
    }

    /// 200 without a body, as many writes answer (contract section 2).
    pub fn empty() -> Self {
        Self::new(200, Body::Empty)
    }

    /// 200 with `{"success":"OK"}`.
    pub fn ok() -> Self {
        Self::json(json!({ "success": "OK" }))
    }

    /// 200 with a file.
    pub fn file(data: Bytes, media_type: String) -> Self {
        Self::new(200, Body::File(data, media_type))
    }

    /// Any status without a body.
    pub fn bare(status: u16) -> Self {
        Self::new(status, Body::Empty)
    }

    /// 301 with the notice page of the framework.
    pub fn moved(location: String) -> Self {
        let page = format!(
            "<html><body>You are being <a href=\"{}\">redirected</a>.</body></html>",
            location.replace('&', "&amp;")
        );
        let mut answer = Self::new(301, Body::Html(page));
        answer.headers.push(("location", location));
        answer
    }

    /// `{"errors":[…]}` with an optional `error_type`.
    pub fn errors(status: u16, texts: &[String], error_type: Option<&str>) -> Self {
        let mut body = json!({ "errors": texts });
        if let (Some(map), Some(kind)) = (body.as_object_mut(), error_type) {
            map.insert("error_type".to_owned(), json!(kind));
        }
        Self::json_status(status, body)
    }

    /// 422 with the errors of a failed `POST /posts` (contract section 4).
    pub fn create_failed(texts: &[String]) -> Self {
        Self::json_status(422, json!({ "action": "create_post", "errors": texts }))
    }

    /// 422 with a plain list of errors.
    pub fn invalid(texts: &[String]) -> Self {
        Self::errors(422, texts, None)
    }

    /// 422 with one error.
    pub fn invalid_one(text: &str) -> Self {
        Self::invalid(&[text.to_owned()])
    }

    /// 404 `not_found`.
    pub fn not_found() -> Self {
        Self::errors(404, &[NOT_FOUND.to_owned()], Some("not_found"))
    }

    /// 404 of `GET /t/{id}`, which carries a page in its extras.
    pub fn topic_not_found() -> Self {
        let html = "\n\n<div class=\"page-not-found\">\n  <h1 class=\"title\">Oops! That page \
                    doesn\u{2019}t exist or is private.</h1>\n</div>\n";
        Self::json_status(
            404,
            json!({
                "errors": [NOT_FOUND], "error_type": "not_found",
                "extras": { "title": "Page Not Found", "html": html, "group": null },
            }),
        )
    }

    /// 403 `invalid_access`.
    pub fn forbidden() -> Self {
        Self::errors(403, &[FORBIDDEN.to_owned()], Some("invalid_access"))
    }

    /// 403 of an unknown key or user, or a scope that does not fit.
    pub fn bad_credentials() -> Self {
        let text = format!("{FORBIDDEN} The API username or key is invalid.");
        Self::errors(403, &[text], Some("invalid_access"))
    }

    /// 403 `not_logged_in`.
    pub fn not_logged_in() -> Self {
        let text = "You need to be logged in to do that.".to_owned();
        Self::errors(403, &[text], Some("not_logged_in"))
    }

    /// 403 of a write without a key.
    pub fn bad_csrf() -> Self {
        Self::new(403, Body::Text("[\"BAD CSRF\"]".to_owned()))
    }

    /// 400 `invalid_parameters`.
    pub fn bad_parameter(name: &str) -> Self {
        let text = format!("You supplied invalid parameters to the request: {name}");
        Self::errors(400, &[text], Some("invalid_parameters"))
    }

    /// 400 for a required parameter that is absent.
    pub fn missing_parameter(name: &str) -> Self {
        let text = format!("param is missing or the value is empty: {name}");
        Self::errors(400, &[text], None)
    }

    /// 409 of a failed compare-and-set (contract section 9).
    pub fn conflict() -> Self {
        let text = "That post was edited by another user and your changes can no longer be saved.";
        Self::errors(409, &[text.to_owned()], None)
    }

    /// An error of the framework itself, without `errors`.
    pub fn framework(status: u16) -> Self {
        let text = match status {
            400 => "Bad Request",
            404 => "Not Found",
            _ => "Internal Server Error",
        };
        Self::json_status(status, json!({ "status": status, "error": text }))
    }

    /// 429 in JSON; `code` goes into the rate-limit header (contract section 3).
    pub fn limited(text: &str, wait_s: i64, code: Option<&str>) -> Self {
        let left = time_left(wait_s);
        let mut answer = Self::json_status(
            429,
            json!({
                "errors": [text.replace("{left}", &left)], "error_type": "rate_limit",
                "extras": { "wait_seconds": wait_s, "time_left": left },
            }),
        );
        answer.headers.push(("retry-after", wait_s.to_string()));
        if let Some(code) = code {
            answer
                .headers
                .push(("discourse-rate-limit-error-code", code.to_owned()));
        }
        answer
    }

    /// 429 in plain text, before authentication.
    pub fn limited_by_ip(wait_s: i64, code: &str) -> Self {
        let text = format!(
            "Slow down, too many requests from this IP address.\nPlease retry again in {wait_s} \
             seconds.\nError code: {code}.\n"
        );
        let mut answer = Self::new(429, Body::Text(text));
        answer.headers.push(("retry-after", wait_s.to_string()));
        answer
            .headers
            .push(("discourse-rate-limit-error-code", code.to_owned()));
        answer
    }

    /// 503 while the forum is read-only.
    pub fn read_only() -> Self {
        let text = "The site is in read only mode. Interactions are disabled.".to_owned();
        Self::errors(503, &[text], Some("read_only"))
    }

    /// A page of a proxy in front of the forum.
    pub fn proxy_page(status: u16) -> Self {
        let page = format!(
            "<html>\r\n<head><title>{status} Bad Gateway</title></head>\r\n<body>\r\n<center><h1>\
             {status} Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
        );
        Self::new(status, Body::Html(page))
    }

    /// The JSON body, if it is one.
    #[cfg(test)]
    pub fn value(&self) -> Option<&Value> {
        match &self.body {
            Body::Json(value) => Some(value),
            Body::Text(_) | Body::Html(_) | Body::File(..) | Body::Empty => None,
        }
    }

    /// Turns the answer into a response; `with_body` is false for HEAD.
    pub fn into_response(self, with_body: bool) -> Response {
        let (data, media_type) = match self.body {
            Body::Json(value) => (Bytes::from(value.to_string()), JSON.to_owned()),
            Body::Text(text) => (Bytes::from(text), "text/plain; charset=utf-8".to_owned()),
            Body::Html(text) => (Bytes::from(text), "text/html; charset=utf-8".to_owned()),
            Body::File(data, media_type) => (data, media_type),
            Body::Empty => (Bytes::new(), "text/plain; charset=utf-8".to_owned()),
        };
        let data = if with_body { data } else { Bytes::new() };
        let mut response = Response::new(WireBody::from(data));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if let Ok(value) = HeaderValue::from_str(&media_type) {
            headers.insert(CONTENT_TYPE, value);
        }
        headers.insert(
            CACHE_CONTROL,
            HeaderValue::from_static("no-cache, no-store"),
        );
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

const NOT_FOUND: &str = "The requested URL or resource could not be found.";
const FORBIDDEN: &str = "You are not permitted to view the requested resource.";

/// The words for a waiting time (contract section 3).
pub fn time_left(wait_s: i64) -> String {
    match wait_s {
        ..=3 => "a few seconds".to_owned(),
        4..60 => format!("{wait_s} seconds"),
        60..3_600 => plural(wait_s / 60, "minute"),
        _ => plural(wait_s / 3_600, "hour"),
    }
}

fn plural(count: i64, unit: &str) -> String {
    if count == 1 {
        format!("1 {unit}")
    } else {
        format!("{count} {unit}s")
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, time_left};

    #[test]
    fn waiting_times_have_words() {
        assert_eq!(time_left(3), "a few seconds");
        assert_eq!(time_left(24), "24 seconds");
        assert_eq!(time_left(60), "1 minute");
        assert_eq!(time_left(22 * 3_600 + 5), "22 hours");
    }

    #[test]
    fn a_limit_says_when_to_come_back() {
        let answer = Answer::limited("Please wait {left} before.", 13, Some("code"));
        assert_eq!(answer.status, 429);
        let body = answer.value().unwrap();
        assert_eq!(body["errors"][0], "Please wait 13 seconds before.");
        assert_eq!(body["extras"]["wait_seconds"], 13);
        let response = answer.into_response(true);
        assert_eq!(response.headers()["retry-after"], "13");
        assert_eq!(
            response.headers()["discourse-rate-limit-error-code"],
            "code"
        );
    }
}
