//! Classifies what Canvas answers, by body and not only by status (contract canvas §3.2).

use api_client::{Response, excerpt};
use connector::Error;
use model::{Class, Failure};
use serde_json::Value;

/// How many characters of the server's own words are shown.
const WORDS_MAX: usize = 200;

fn failure(code: &str, class: Class, message: String, remedy: &str) -> Error {
    Error(Failure::new(code, class, message, remedy))
}

/// A mistake of ours.
pub(crate) fn bug(what: &str) -> Error {
    failure(
        "SYNC-2110",
        Class::Bug,
        format!("Canvas connector: {what}."),
        "Report it.",
    )
}

/// An answer that does not look like Canvas.
pub(crate) fn unexpected(what: &str) -> Error {
    failure(
        "SYNC-2110",
        Class::Transient,
        format!("Canvas gave an answer we do not understand: {what}."),
        "It is tried again by itself; check that the address is a Canvas server if it goes on.",
    )
}

/// Something Canvas cannot do at all.
pub(crate) fn cannot(code: &str, what: &str, remedy: &str) -> Error {
    failure(code, Class::Invalid, what.to_owned(), remedy)
}

/// A request without an answer.
pub(crate) fn from_client(error: &api_client::Error, is_write: bool) -> Error {
    match error {
        api_client::Error::NotSent { .. } => failure(
            "SYNC-2109",
            Class::Transient,
            format!("Canvas cannot be reached: {error}."),
            "It is tried again by itself.",
        ),
        api_client::Error::BudgetWait { ms, .. } => {
            let mut waiting = Failure::new(
                "SYNC-2104",
                Class::Throttled,
                "Our own budget of calls to Canvas is used up.".to_owned(),
                "It goes on by itself.",
            );
            waiting.retry_after_ms = i64::try_from(*ms).ok();
            Error(waiting)
        }
        api_client::Error::ForeignHost { .. } | api_client::Error::Setup { .. } => {
            bug(&error.to_string())
        }
        _ if is_write && error.is_outcome_unknown() => failure(
            "SYNC-2108",
            Class::UnknownOutcome,
            format!("Canvas gave no answer to a write: {error}."),
            "We look before we repeat it.",
        ),
        _ => failure(
            "SYNC-2108",
            Class::Transient,
            format!("Canvas gave no answer: {error}."),
            "It is tried again by itself.",
        ),
    }
}

/// An answer that is no success.
pub(crate) fn from_response(response: &Response, is_write: bool) -> Error {
    let body: Value = response.json().unwrap_or(Value::Null);
    let text = response.text();
    let has_challenge = response.header("www-authenticate").is_some();
    match response.status {
        401 if has_challenge => failure(
            "SYNC-2101",
            Class::Configuration,
            format!("Canvas refuses our token: {}.", words(&body, &text)),
            "Make a new token in Canvas (Account, Settings, New access token) and put it into the configuration.",
        ),
        401 if is_masquerade(&body) => failure(
            "SYNC-2103",
            Class::Permission,
            "Canvas does not let us act for this user.".to_owned(),
            "Give the service account the permission \"Become other users\", or the user is gone.",
        ),
        401 if text.contains("Insufficient scopes") => failure(
            "SYNC-2102",
            Class::Configuration,
            "Our token's developer key does not allow this call.".to_owned(),
            "Add the scope to the developer key, or use a key without scopes.",
        ),
        403 if text.contains("Rate Limit Exceeded") => throttled(response),
        429 => throttled(response),
        403 if text.trim() == "require_initial_post" => failure(
            "SYNC-2103",
            Class::Permission,
            "Canvas shows this topic's replies only to people who have posted.".to_owned(),
            "Give the service account rights to read all topics.",
        ),
        401 | 403 => failure(
            "SYNC-2103",
            Class::Permission,
            format!("Canvas does not permit it: {}.", words(&body, &text)),
            "Check the service account's role in the course.",
        ),
        404 => failure(
            "SYNC-2105",
            Class::NotFound,
            "Canvas has no such item.".to_owned(),
            "It is looked at again by itself.",
        ),
        400 | 409 | 413 | 422 => failure(
            "SYNC-2106",
            Class::Invalid,
            format!("Canvas refuses it: {}.", words(&body, &text)),
            "Change the text or the setting that Canvas names, then retry.",
        ),
        // A create can be stored and still be answered with 500 (contract canvas §3.1).
        500.. if is_write && response.status != 503 => failure(
            "SYNC-2107",
            Class::UnknownOutcome,
            format!("Canvas failed with {} while writing.", response.status),
            "We look before we repeat it.",
        ),
        500.. => failure(
            "SYNC-2107",
            Class::Transient,
            format!("Canvas failed with {}.", response.status),
            "It is tried again by itself.",
        ),
        status => unexpected(&format!("status {status}")),
    }
}

fn is_masquerade(body: &Value) -> bool {
    // A string here, a list everywhere else (contract canvas §2.2).
    body.get("errors")
        .and_then(Value::as_str)
        .is_some_and(|text| text.contains("as_user_id") || text.contains("masquerade"))
}

/// Waits until the bucket has room for one request again: `(needed - remaining) / 10` seconds (contract canvas §4).
fn throttled(response: &Response) -> Error {
    let remaining: f64 = response
        .header("x-rate-limit-remaining")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0.0);
    let mut seconds = 1_i64;
    while seconds < 60 && remaining + f64::from(i32::try_from(seconds).unwrap_or(60)) * 10.0 < 50.0
    {
        seconds += 1;
    }
    let mut failure = Failure::new(
        "SYNC-2104",
        Class::Throttled,
        "Canvas asks us to slow down.".to_owned(),
        "It goes on by itself.",
    );
    failure.retry_after_ms = Some(seconds.saturating_mul(1_000));
    Error(failure)
}

/// The server's own words, shortened; the start of the body when it has none.
fn words(body: &Value, text: &str) -> String {
    let mut found = Vec::new();
    collect(body.get("errors").unwrap_or(body), &mut found, 0);
    let joined = if found.is_empty() {
        text.to_owned()
    } else {
        found.join("; ")
    };
    excerpt(joined.trim_end_matches('.'), WORDS_MAX)
}

fn collect(value: &Value, found: &mut Vec<String>, depth: u32) {
    if depth > 6 || found.len() > 8 {
        return;
    }
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(values) => values
            .iter()
            .for_each(|value| collect(value, found, depth + 1)),
        Value::Object(values) => match values.get("message") {
            Some(message) => collect(message, found, depth + 1),
            None => values
                .values()
                .for_each(|value| collect(value, found, depth + 1)),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The errors of a GraphQL answer: at the root, or of one mutation (contract canvas §17).
pub(crate) fn from_graphql(errors: &[Value]) -> Error {
    let mut found = Vec::new();
    for error in errors {
        collect(error, &mut found, 0);
    }
    let text = excerpt(&found.join("; "), WORDS_MAX);
    let lower = text.to_lowercase();
    if lower.contains("not found") {
        return failure(
            "SYNC-2105",
            Class::NotFound,
            "Canvas has no such item.".to_owned(),
            "It is looked at again by itself.",
        );
    }
    if lower.contains("permission") || lower.contains("not authorized") {
        return failure(
            "SYNC-2103",
            Class::Permission,
            format!("Canvas does not permit it: {text}."),
            "Check the service account's role in the course.",
        );
    }
    failure(
        "SYNC-2106",
        Class::Invalid,
        format!("Canvas refuses it: {text}."),
        "Change the text or the setting that Canvas names, then retry.",
    )
}
