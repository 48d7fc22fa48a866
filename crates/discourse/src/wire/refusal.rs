//! The words of an answer that is not a success (contract discourse §4).

use serde_json::Value;

/// How many characters of the remote's words are kept.
const KEPT: usize = 200;

/// What the body of a refusal says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Words {
    /// The body is one of Discourse's own JSON shapes, so it is not a proxy's page.
    pub is_ours: bool,
    /// `error_type`, e.g. `invalid_access`.
    pub error_type: Option<String>,
    /// `action`: `create_post` when the post itself was refused, `created_post` when the review queue refused it.
    pub action: Option<String>,
    /// All messages in one line, cut.
    pub text: String,
    /// How long to wait, in milliseconds.
    pub wait_ms: Option<i64>,
}

impl Words {
    /// Reads a body; one that is not JSON gives its first line.
    pub(crate) fn parse(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => Self::of_json(&value),
            Err(_) => Self::of_text(&String::from_utf8_lossy(body)),
        }
    }

    fn of_json(value: &Value) -> Self {
        let text_of = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let mut messages = Vec::new();
        match value.get("errors") {
            Some(errors) => flatten(errors, &mut messages),
            None => flatten(value, &mut messages),
        }
        if messages.is_empty() {
            messages.extend(text_of("message").or_else(|| text_of("error")));
        }
        let extras = value.get("extras");
        let wait_ms = extras
            .and_then(|extras| extras.get("wait_seconds"))
            .and_then(Value::as_i64)
            .map(|seconds| seconds.saturating_mul(1_000));
        Self {
            is_ours: value.is_array()
                || ["errors", "error", "failed"]
                    .iter()
                    .any(|name| value.get(name).is_some()),
            error_type: text_of("error_type"),
            action: text_of("action"),
            text: cut(&messages.join(" ")),
            wait_ms,
        }
    }

    /// The text form of the limit by client address has three lines: words, "Please retry again in N seconds.", code.
    fn of_text(text: &str) -> Self {
        let seconds = text.lines().find_map(|line| {
            line.strip_prefix("Please retry again in ")?
                .split(' ')
                .next()?
                .parse::<i64>()
                .ok()
        });
        let first = text
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty())
            .unwrap_or_default();
        let is_page = first.starts_with('<');
        Self {
            text: if is_page { String::new() } else { cut(first) },
            wait_ms: seconds.map(|seconds| seconds.saturating_mul(1_000)),
            ..Self::default()
        }
    }
}

/// Collects the texts of a list, however deep (the review queue nests them).
fn flatten(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| flatten(item, into)),
        _ => {}
    }
}

fn cut(text: &str) -> String {
    text.chars().take(KEPT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_nests_its_errors() {
        let words = Words::parse(
            br#"{"action":"created_post","errors":[["is too short","seems unclear"]]}"#,
        );
        assert_eq!(words.text, "is too short seems unclear");
        assert_eq!(words.action.as_deref(), Some("created_post"));
        assert!(words.is_ours);
    }

    #[test]
    fn a_bare_list_and_a_framework_error_are_read() {
        assert_eq!(Words::parse(br#"["BAD CSRF"]"#).text, "BAD CSRF");
        let words = Words::parse(br#"{"status":500,"error":"Internal Server Error"}"#);
        assert_eq!(words.text, "Internal Server Error");
        assert!(words.is_ours);
    }

    #[test]
    fn the_text_form_of_a_limit_tells_the_wait() {
        let words = Words::parse(b"Slow down, too many requests from this IP address.\nPlease retry again in 9 seconds.\nError code: ip_10_secs_limit.\n");
        assert_eq!(words.wait_ms, Some(9_000));
        assert!(!words.is_ours);
    }

    #[test]
    fn a_page_gives_no_words_and_long_ones_are_cut() {
        assert_eq!(
            Words::parse(b"<html><body>Bad Gateway</body></html>").text,
            ""
        );
        let long = format!(r#"{{"errors":["{}"]}}"#, "ä".repeat(500));
        assert_eq!(Words::parse(long.as_bytes()).text.chars().count(), KEPT);
    }
}
