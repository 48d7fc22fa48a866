//! Failures: one place decides the code, class and remedy of everything that Canvas or the way to it answers.
//!
//! The body is read, not only the status: Canvas says 401 and 403 for different things (contract canvas §3.2).

use api_client::{Response, excerpt};
use model::{Class, Failure};
use serde_json::Value;

/// How much of Canvas's own words goes into a message, in characters.
const WORDS_CHARS: usize = 200;
/// What a request reserves in the bucket, and what leaks from it per second (contract canvas §4).
const UP_FRONT: f64 = 50.0;
const OUTFLOW: f64 = 10.0;

/// Why a call did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Token,
    Scope,
    NotPermitted,
    /// "Invalid as_user_id": we may not act as this person.
    NoActingAs,
    /// The reader must post first.
    InitialPost,
    Throttled,
    NotFound,
    Invalid,
    Server,
    /// 503 without a body: a view that is not built.
    NotReady,
    NoAnswer,
    Unreachable,
    Unexpected,
    TooLong,
    CannotRestore,
    FileLost,
    WrongId,
    SignedEvent,
    Setup,
    NoAnnouncement,
    Unsupported,
}

impl Reason {
    /// The stable code; reasons that an operator mends the same way share one.
    fn code(self) -> &'static str {
        match self {
            Self::Token => "SYNC-2101",
            Self::Scope => "SYNC-2102",
            Self::NotPermitted | Self::NoActingAs | Self::InitialPost => "SYNC-2103",
            Self::Throttled => "SYNC-2104",
            Self::NotFound => "SYNC-2105",
            Self::Invalid => "SYNC-2106",
            Self::Server | Self::NotReady => "SYNC-2107",
            Self::NoAnswer => "SYNC-2108",
            Self::Unreachable => "SYNC-2109",
            Self::Unexpected => "SYNC-2110",
            Self::TooLong => "SYNC-2111",
            Self::CannotRestore => "SYNC-2112",
            Self::FileLost => "SYNC-2113",
            Self::WrongId | Self::Unsupported => "SYNC-2114",
            Self::SignedEvent => "SYNC-2115",
            Self::Setup => "SYNC-2116",
            Self::NoAnnouncement => "SYNC-2117",
        }
    }

    /// The class, for a read.
    fn class(self) -> Class {
        match self {
            Self::Token | Self::Scope | Self::SignedEvent | Self::Setup => Class::Configuration,
            Self::NotPermitted | Self::NoActingAs | Self::InitialPost | Self::NoAnnouncement => {
                Class::Permission
            }
            Self::Throttled => Class::Throttled,
            Self::NotFound => Class::NotFound,
            Self::Invalid | Self::TooLong | Self::CannotRestore | Self::FileLost => Class::Invalid,
            Self::Server
            | Self::NotReady
            | Self::NoAnswer
            | Self::Unreachable
            | Self::Unexpected => Class::Transient,
            Self::WrongId | Self::Unsupported => Class::Bug,
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Token => {
                "Make a new access token for the service account and set it as canvas.token."
            }
            Self::Scope => {
                "Add the missing scope to the developer key, or use a key that enforces none."
            }
            Self::NotPermitted | Self::NoActingAs | Self::InitialPost => {
                "Give the service account (or the author) the right to do this in Canvas, or skip the item."
            }
            Self::Throttled => "Nothing: the work goes on when Canvas's rate limit allows it.",
            Self::NotFound => {
                "Look whether it was deleted in Canvas or hidden from the service account."
            }
            Self::Invalid => "Change the text or the setting that Canvas names, then retry.",
            Self::Server | Self::NotReady => {
                "Look at Canvas's status page or log if it does not pass."
            }
            Self::NoAnswer => "Nothing: what was written is looked for before it is written again.",
            Self::Unreachable => "Check canvas.url, the network, and the server's certificate.",
            Self::Unexpected => {
                "Check that canvas.url is Canvas itself and not a login page or proxy before it."
            }
            Self::TooLong => "Shorten the text in the system where it was written.",
            Self::CannotRestore => {
                "Restore it in Canvas by hand; topics are on the course's undelete page (/courses/ID/undelete)."
            }
            Self::FileLost => "Edit the reply in Canvas by hand, or let the token use GraphQL.",
            Self::WrongId | Self::Unsupported => "Report this with the operation's history.",
            Self::SignedEvent => {
                "Switch off \"Sign Payload\" for the subscription and keep its address secret."
            }
            Self::Setup => {
                "Correct canvas.url: it must be the address of Canvas, such as https://canvas.example.edu."
            }
            Self::NoAnnouncement => "Give the service account the right to create announcements.",
        }
    }

    /// Whether a write with this end may have been done all the same (contract canvas §3.1: 500 after storing).
    fn is_unknown_for_write(self) -> bool {
        matches!(
            self,
            Self::Server | Self::NotReady | Self::NoAnswer | Self::Unexpected
        )
    }
}

/// A call that did not succeed: what the caller needs to decide about another way, and what the outside learns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub reason: Reason,
    pub failure: Box<Failure>,
}

impl Trouble {
    pub(crate) fn new(reason: Reason, message: String) -> Self {
        Self::of_call(reason, false, message)
    }

    pub(crate) fn of_call(reason: Reason, is_write: bool, message: String) -> Self {
        let class = if is_write && reason.is_unknown_for_write() {
            Class::UnknownOutcome
        } else {
            reason.class()
        };
        let failure = Failure::new(reason.code(), class, message, reason.remedy());
        Self {
            reason,
            failure: Box::new(failure),
        }
    }

    fn waiting_ms(mut self, ms: i64) -> Self {
        self.failure.retry_after_ms = Some(ms);
        self
    }

    /// Whether the author cannot do this, so that the service account has to.
    pub(crate) fn is_refusal_of_person(&self) -> bool {
        matches!(self.reason, Reason::NotPermitted | Reason::NoActingAs)
    }
}

impl From<Trouble> for connector::Error {
    fn from(trouble: Trouble) -> Self {
        Self(*trouble.failure)
    }
}

/// Classifies an answer that is not a success.
pub(crate) fn of_answer(call: &str, is_write: bool, response: &Response) -> Trouble {
    let reason = reason(response);
    let status = response.status;
    let words = words(response);
    let message = if words.is_empty() {
        format!("Canvas answered {call} with {status}.")
    } else {
        format!("Canvas answered {call} with {status}: {words}")
    };
    let trouble = Trouble::of_call(reason, is_write, message);
    if reason == Reason::Throttled {
        trouble.waiting_ms(wait_ms(response))
    } else {
        trouble
    }
}

/// Classifies a call without an answer.
pub(crate) fn of_error(is_write: bool, error: &api_client::Error) -> Trouble {
    use api_client::Error as E;
    let reason = match error {
        E::NotSent { .. } => Reason::Unreachable,
        E::NoAnswer { .. } => Reason::NoAnswer,
        E::TooLarge { .. } | E::NotJson { .. } | E::ForeignHost { .. } => Reason::Unexpected,
        E::Setup { .. } => Reason::Setup,
        E::BudgetWait { .. } => Reason::Throttled,
    };
    let trouble = Trouble::of_call(reason, is_write, format!("Canvas: {error}."));
    match error {
        E::BudgetWait { ms, .. } => trouble.waiting_ms(i64::try_from(*ms).unwrap_or(i64::MAX)),
        _ => trouble,
    }
}

/// The table of contract canvas §3.
fn reason(response: &Response) -> Reason {
    let text = response.text();
    match response.status {
        401 if response.header("www-authenticate").is_some() => Reason::Token,
        401 | 403 if is_acting_refused(&text) => Reason::NoActingAs,
        401 if text.contains("Insufficient scopes") => Reason::Scope,
        403 if text.contains("Rate Limit Exceeded") => Reason::Throttled,
        403 if text.trim() == "require_initial_post" => Reason::InitialPost,
        401 | 403 => Reason::NotPermitted,
        404 => Reason::NotFound,
        429 => Reason::Throttled,
        400 | 409 | 413 | 422 => Reason::Invalid,
        503 if text.trim().is_empty() => Reason::NotReady,
        500.. => Reason::Server,
        _ => Reason::Unexpected,
    }
}

/// The error is a text there, not a list (contract canvas §2.2).
fn is_acting_refused(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|body| {
        matches!(
            body.get("errors").and_then(Value::as_str),
            Some("Invalid as_user_id" | "Cannot change masquerade")
        )
    })
}

/// Canvas's own words about it, short and without secrets; empty when it says nothing.
fn words(response: &Response) -> String {
    let text = response.text();
    match serde_json::from_str::<Value>(&text) {
        Ok(body) => {
            let mut found = Vec::new();
            collect(
                body.get("errors").or_else(|| body.get("message")),
                &mut found,
            );
            excerpt(&found.join("; "), WORDS_CHARS)
        }
        // A page of the load balancer says nothing that helps.
        Err(_) if text.contains('<') => String::new(),
        Err(_) => excerpt(&text, WORDS_CHARS),
    }
}

/// All messages in an error body of any of Canvas's forms, with the field they are about.
fn collect(value: Option<&Value>, found: &mut Vec<String>) {
    match value {
        Some(Value::String(text)) => found.push(text.clone()),
        Some(Value::Array(items)) => items.iter().for_each(|item| collect(Some(item), found)),
        Some(Value::Object(fields)) => {
            if let Some(message) = fields.get("message") {
                collect(Some(message), found);
                return;
            }
            for (field, value) in fields {
                let mut inner = Vec::new();
                collect(Some(value), &mut inner);
                found.extend(inner.into_iter().map(|text| format!("{field}: {text}")));
            }
        }
        _ => {}
    }
}

/// Until the bucket has room for one more request; no header says it (contract canvas §4).
fn wait_ms(response: &Response) -> i64 {
    let remaining: f64 = response
        .header("x-rate-limit-remaining")
        .and_then(|text| text.trim().parse().ok())
        .filter(|number: &f64| number.is_finite())
        .unwrap_or(0.0);
    let seconds = ((UP_FRONT - remaining) / OUTFLOW).clamp(1.0, 600.0).ceil();
    // Whole seconds between 1 and 600: counting them is exact and needs no conversion of floats.
    (1..=600_u16)
        .find(|count| f64::from(*count) >= seconds)
        .map_or(600_000, |count| i64::from(count) * 1_000)
}

#[cfg(test)]
mod tests;
