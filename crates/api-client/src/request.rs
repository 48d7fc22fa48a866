//! One request as a value, so that it can be sent again and logged.

use bytes::Bytes;
use http::Method;

/// The body of a request.
#[derive(Debug, Clone, Default)]
pub enum Payload {
    /// No body.
    #[default]
    None,
    /// A JSON document.
    Json(serde_json::Value),
    /// `application/x-www-form-urlencoded` pairs; keys may repeat.
    Form(Vec<(String, String)>),
    /// `multipart/form-data` parts in order.
    Multipart(Vec<Part>),
}

/// One part of a multipart body.
#[derive(Debug, Clone)]
pub struct Part {
    /// The field's name.
    pub name: String,
    /// What it holds.
    pub content: PartContent,
}

/// The content of a multipart part.
#[derive(Debug, Clone)]
pub enum PartContent {
    /// A plain field.
    Text(String),
    /// A file.
    File {
        /// The name given to the server.
        file_name: String,
        /// The media type, e.g. `image/png`.
        content_type: String,
        /// The bytes.
        bytes: Bytes,
    },
}

/// One call.
#[derive(Debug, Clone)]
pub struct Request {
    /// A short name for log and counters, e.g. `topic.view`.
    pub name: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// A path that begins with `/` and is appended to the base URL, or an absolute URL of the same host.
    pub path: String,
    /// Query pairs, added to those that `path` may already have.
    pub query: Vec<(String, String)>,
    /// Headers of this request only.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Payload,
    /// Whether it changes something there: then it is sent at most once.
    pub is_write: bool,
}

impl Request {
    /// A read by GET.
    pub fn get(name: &'static str, path: impl Into<String>) -> Self {
        Self {
            name,
            method: Method::GET,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Payload::None,
            is_write: false,
        }
    }

    /// A write with the given method.
    pub fn write(name: &'static str, method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            is_write: true,
            ..Self::get(name, path)
        }
    }

    /// The request with one more query pair.
    #[must_use]
    pub fn with_query(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((key.into(), value.into()));
        self
    }

    /// The request with one more header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The request with this body.
    #[must_use]
    pub fn with_body(mut self, body: Payload) -> Self {
        self.body = body;
        self
    }
}
