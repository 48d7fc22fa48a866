//! Answers and the error table of contract canvas §3. Knows no route and no state.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

/// What is in the body.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Json(Value),
    /// Text and its content type.
    Text(String, &'static str),
    /// A file and its content type.
    Bytes(Bytes, String),
    Empty,
}

/// An answer before headers that every answer gets.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub content: Content,
}

impl Answer {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content: Content::Json(body),
        }
    }

    pub(crate) fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content: Content::Empty,
        }
    }

    pub(crate) fn text(status: u16, text: &str, content_type: &'static str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content: Content::Text(text.to_owned(), content_type),
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Why a request failed.
#[derive(Clone, Debug)]
pub(crate) enum Fail {
    /// Not found, deleted, or hidden.
    NotFound,
    /// A malformed page word.
    BadPage,
    /// Authenticated but not permitted.
    NotPermitted,
    /// No login, where a page (not the API) asks for one.
    LoginNeeded,
    /// The caller must post first.
    InitialPost,
    /// Rule violation with a body of its own.
    Json(u16, Value),
    /// Status without a body.
    Empty(u16),
    /// A token problem: body, and whether `WWW-Authenticate` is sent.
    Token(Value, bool),
    /// A bug.
    Internal,
}

/// Result of a route.
pub(crate) type Outcome = Result<Answer, Fail>;

/// A model validation error on one field.
pub(crate) fn invalid(field: &str, attribute: &str, message: &str) -> Fail {
    Fail::Json(
        400,
        json!({"errors": {field: [{"attribute": attribute, "type": message, "message": message}]}}),
    )
}

/// A controller rule with plain text for one field.
pub(crate) fn refused(field: &str, message: &str) -> Fail {
    Fail::Json(400, json!({"errors": {field: message}}))
}

/// A `{"message":..}` error with status 400.
pub(crate) fn bad(message: &str) -> Fail {
    Fail::Json(400, json!({"message": message}))
}

impl Fail {
    /// The answer, given the status of "not permitted" and a fresh report number.
    pub(crate) fn answer(self, not_permitted_status: u16, report_id: u64) -> Answer {
        match self {
            Self::NotFound => Answer::json(
                404,
                json!({"errors": [{"message": "The specified resource does not exist."}]}),
            ),
            Self::BadPage => Answer::json(
                404,
                json!({"errors": [{"message": "An error occurred.", "error_code": "not_found"}]}),
            ),
            Self::NotPermitted => Answer::json(
                not_permitted_status,
                json!({"status": "unauthorized",
                       "errors": [{"message": "user not authorized to perform that action"}]}),
            ),
            Self::LoginNeeded => Answer::json(
                401,
                json!({"status": "unauthenticated",
                       "errors": [{"message": "user authorization required"}]}),
            ),
            // Labelled JSON although it is bare text (contract canvas §3.1).
            Self::InitialPost => Answer::text(
                403,
                "require_initial_post",
                "application/json; charset=utf-8",
            ),
            Self::Json(status, body) => Answer::json(status, body),
            Self::Empty(status) => Answer::empty(status),
            Self::Token(body, is_challenged) => {
                let answer = Answer::json(401, body);
                if is_challenged {
                    answer.header("www-authenticate", "Bearer realm=\"canvas-lms\"".to_owned())
                } else {
                    answer
                }
            }
            Self::Internal => Answer::json(
                500,
                json!({"errors": [{"message": "An error occurred.",
                                   "error_code": "internal_server_error"}],
                       "error_report_id": report_id}),
            ),
        }
    }
}

/// The answer to a throttled request (contract canvas §3.1, §4).
pub(crate) fn throttled(status: u16) -> Answer {
    let words = if status == 429 {
        "429 Too Many Requests (Rate Limit Exceeded)\n"
    } else {
        "403 Forbidden (Rate Limit Exceeded)\n"
    };
    Answer::text(status, words, "text/plain; charset=utf-8")
}

/// Turns `id`, `*_id` and `*_ids` into text, as `Accept: application/json+canvas-string-ids` asks.
pub(crate) fn stringify_ids(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map.iter_mut() {
                let is_id = key == "id"
                    || key == "ids"
                    || key.ends_with("_id")
                    || key.ends_with("_ids")
                    || key == "topic_children"
                    || key == "unread_entries"
                    || key == "forced_entries";
                if is_id {
                    stringify(inner);
                } else {
                    stringify_ids(inner);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(stringify_ids),
        _ => {}
    }
}

fn stringify(value: &mut Value) {
    match value {
        Value::Number(number) => *value = Value::String(number.to_string()),
        Value::Array(items) => items.iter_mut().for_each(stringify),
        Value::Object(_) => stringify_ids(value),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_text_and_nothing_else_does() {
        let mut value =
            json!({"id": 1, "parent_id": null, "ids": [2], "count": 3, "user": {"id": 4}});
        stringify_ids(&mut value);
        assert_eq!(
            value,
            json!({"id": "1", "parent_id": null, "ids": ["2"], "count": 3, "user": {"id": "4"}})
        );
    }
}
