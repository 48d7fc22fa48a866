//! A request as the routes see it: path, parameters, headers, files.
//! Form, multipart and JSON bodies become one parameter tree, as Rails does it. Knows no route.

use axum::body::Body;
use axum::extract::{FromRequest as _, Multipart};
use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Map, Value};

/// An uploaded part.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    /// Form field name, e.g. `attachment`.
    pub field: String,
    pub filename: String,
    pub content_type: String,
    pub bytes: Bytes,
}

/// A request with its body read.
#[derive(Debug)]
pub(crate) struct Request {
    pub method: Method,
    pub path: String,
    /// Query parameters alone, for Link headers.
    pub query: Value,
    /// Query and body parameters.
    pub params: Params,
    pub headers: HeaderMap,
    pub files: Vec<Upload>,
    pub is_json: bool,
    /// The body was JSON that does not parse.
    pub is_broken: bool,
    pub host: Option<String>,
    /// Test-only name for who calls without a token.
    pub client_ip: String,
}

/// A parameter that may be absent, null, or a value: the three mean different things on PUT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Given<T> {
    Absent,
    Null,
    Value(T),
}

impl<T> Given<T> {
    /// A present parameter.
    pub(crate) fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Value)
    }

    /// The value, if there is one.
    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// Writes a present parameter into a column.
    pub(crate) fn apply(self, column: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Null => *column = None,
            Self::Value(value) => *column = Some(value),
        }
    }
}

/// A parameter tree.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(pub Map<String, Value>);

/// A scalar as the text that Rails would see.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// The reading of `value_to_boolean`: anything but a known "true" word is false.
pub(crate) fn truth(value: &Value) -> bool {
    scalar(value).is_some_and(|t| {
        matches!(
            t.to_lowercase().as_str(),
            "true" | "1" | "t" | "yes" | "y" | "on"
        )
    })
}

impl Params {
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).and_then(scalar)
    }

    /// A text that may be absent or null.
    pub(crate) fn given(&self, name: &str) -> Given<String> {
        if self.has(name) {
            Given::from(self.text(name))
        } else {
            Given::Absent
        }
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name).filter(|v| !v.is_null()).map(truth)
    }

    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.flag(name).unwrap_or(false)
    }

    /// `name[]=a&name[]=b`, a JSON list, or one scalar.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        match self.0.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(scalar).collect(),
            Some(value) => scalar(value).into_iter().collect(),
            None => Vec::new(),
        }
    }

    pub(crate) fn includes(&self, word: &str) -> bool {
        self.list("include").iter().any(|w| w == word)
    }
}

/// Puts `a[b][]=x` where it belongs.
fn insert(map: &mut Map<String, Value>, key: &str, value: Value) {
    let (name, rest) = match key.split_once('[') {
        Some((name, rest)) if !name.is_empty() => (name, Some(rest)),
        _ => (key, None),
    };
    let Some(rest) = rest else {
        map.insert(name.to_owned(), value);
        return;
    };
    let (inner, tail) = rest.split_once(']').unwrap_or((rest, ""));
    if inner.is_empty() {
        let slot = map
            .entry(name.to_owned())
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(items) = slot {
            items.push(value);
        } else {
            *slot = Value::Array(vec![value]);
        }
        return;
    }
    let slot = map
        .entry(name.to_owned())
        .or_insert_with(|| Value::Object(Map::new()));
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    if let Value::Object(nested) = slot {
        insert(nested, &format!("{inner}{tail}"), value);
    }
}

/// Parses a query string or a form body.
pub(crate) fn form(text: &str) -> Map<String, Value> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(text).unwrap_or_default();
    let mut map = Map::new();
    for (key, value) in pairs {
        insert(&mut map, &key, Value::String(value));
    }
    map
}

async fn multipart(request: http::Request<Body>) -> (Map<String, Value>, Vec<Upload>) {
    let mut map = Map::new();
    let mut files = Vec::new();
    let Ok(mut parts) = Multipart::from_request(request, &()).await else {
        return (map, files);
    };
    while let Ok(Some(part)) = parts.next_field().await {
        let field = part.name().unwrap_or_default().to_owned();
        let filename = part.file_name().map(str::to_owned);
        let content_type = part
            .content_type()
            .unwrap_or("application/octet-stream")
            .to_owned();
        let Ok(bytes) = part.bytes().await else { break };
        if let Some(filename) = filename {
            files.push(Upload {
                field,
                filename,
                content_type,
                bytes,
            });
        } else {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            insert(&mut map, &field, Value::String(text));
        }
    }
    (map, files)
}

/// Reads a whole request.
pub(crate) async fn read(request: http::Request<Body>) -> Request {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let query = form(request.uri().query().unwrap_or_default());
    let headers = request.headers().clone();
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    let content_type = header("content-type").to_owned();
    let host = Some(header("host").to_owned()).filter(|h| !h.is_empty());
    let mut is_json = false;
    let mut is_broken = false;
    let mut files = Vec::new();
    let mut body = Map::new();
    if content_type.starts_with("multipart/form-data") {
        (body, files) = multipart(request).await;
    } else {
        let bytes = axum::body::to_bytes(request.into_body(), usize::MAX)
            .await
            .unwrap_or_default();
        if content_type.contains("json") {
            is_json = true;
            match serde_json::from_slice(&bytes) {
                Ok(Value::Object(map)) => body = map,
                Ok(other) => {
                    body.insert("_json".to_owned(), other);
                }
                Err(_) => is_broken = !bytes.is_empty(),
            }
        } else {
            body = form(&String::from_utf8_lossy(&bytes));
        }
    }
    let mut all = query.clone();
    all.extend(body);
    Request {
        method,
        path,
        query: Value::Object(query),
        params: Params(all),
        headers,
        files,
        is_json,
        is_broken,
        host,
        client_ip: "127.0.0.1".to_owned(),
    }
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    }

    /// The token of the header or of `access_token`.
    pub(crate) fn token(&self) -> Option<String> {
        let header = self.header("authorization");
        header
            .split_once(' ')
            .filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim().to_owned())
            .or_else(|| self.params.text("access_token"))
    }

    pub(crate) fn wants_string_ids(&self) -> bool {
        self.header("accept").contains("canvas-string-ids")
    }

    pub(crate) fn file(&self, field: &str) -> Option<&Upload> {
        self.files.iter().find(|f| f.field == field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rails_parameters_become_a_tree() {
        let map =
            form("ids[]=1&ids[]=2&assignment[points_possible]=5&a[b][]=x&per_page=1&per_page=100");
        assert_eq!(
            Value::Object(map),
            json!({"ids": ["1", "2"], "assignment": {"points_possible": "5"},
                   "a": {"b": ["x"]}, "per_page": "100"})
        );
    }

    #[test]
    fn booleans_are_read_like_rails() {
        assert!(truth(&json!("1")) && truth(&json!(true)) && truth(&json!("True")));
        assert!(!truth(&json!("0")) && !truth(&json!("nonsense")) && !truth(&json!(null)));
    }
}
