//! An answer, whole and in memory.

use bytes::Bytes;
use http::HeaderMap;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::link;
use crate::redact::excerpt;

/// How much of an answer goes into an error, in characters.
const EXCERPT_CHARS: usize = 200;

/// What the server answered; any status.
#[derive(Debug, Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Bytes,
}

impl Response {
    /// Whether the status is 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body read as JSON. Some servers put `while(1);` before it (contract canvas §10); it is skipped.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let body = self.body.strip_prefix(b"while(1);").unwrap_or(&self.body);
        serde_json::from_slice(body).map_err(|error| Error::NotJson {
            status: self.status,
            // serde's own text can quote the body, so only the place is told.
            reason: format!("line {} column {}", error.line(), error.column()),
            excerpt: self.excerpt(),
        })
    }

    /// The body as text; bytes that are not UTF-8 become replacement characters.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The beginning of the body, redacted, for messages and logs.
    pub fn excerpt(&self) -> String {
        let head = self
            .body
            .get(..4 * EXCERPT_CHARS)
            .unwrap_or(self.body.as_ref());
        excerpt(&String::from_utf8_lossy(head), EXCERPT_CHARS)
    }

    /// A header's value, when it is there and plain text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The URL of the next page: `rel="next"` of the `Link` headers (RFC 8288).
    pub fn next_link(&self) -> Option<String> {
        self.headers
            .get_all("link")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .find_map(|value| link::with_relation(value, "next"))
    }
}
