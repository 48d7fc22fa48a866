//! Faults that a test orders: what goes wrong, for which requests, how often.
//! Decides only; the service carries the faults out.

use http::Method;
use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Kind {
    /// The write is done, then the connection closes without an answer.
    LostAnswer,
    /// The connection closes before anything is done.
    LostRequest,
    /// The request is done (or not), then no answer comes for this long.
    TimeOut {
        /// Real milliseconds.
        #[serde(default = "a_minute")]
        wait_ms: u64,
        /// Whether the write is done first.
        #[serde(default = "yes")]
        after_commit: bool,
    },
    /// 500, nothing done.
    ErrorBeforeCommit,
    /// 500 although the write is done.
    ErrorAfterCommit,
    /// 502 with an HTML page, nothing done.
    BadGateway,
    /// The rate limiter refuses.
    Throttle,
    /// The token counts as expired.
    ExpiredToken,
    /// Whoever asks may not do it.
    NotPermitted,
    /// `/view` shows what it showed before the last changes.
    StaleView,
    /// `/view` answers 503.
    ViewNotReady,
    /// Lists and GraphQL connections lack what is newer than this.
    StaleList {
        /// Simulated milliseconds.
        #[serde(default = "a_minute_signed")]
        lag_ms: i64,
    },
    /// Somebody edits the entry or topic just before this write.
    EditBeforeWrite {
        /// The words.
        #[serde(default = "other_words")]
        message: String,
        /// Who; the teacher with the lowest id unless given.
        #[serde(default)]
        user_id: Option<u64>,
    },
    /// The answer breaks off after this many bytes of the HTTP stream.
    ResetMidBody {
        /// Bytes that still arrive.
        #[serde(default = "some_bytes")]
        after_bytes: usize,
    },
}

impl Kind {
    /// The word in the call log.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::LostAnswer => "lost_answer",
            Self::LostRequest => "lost_request",
            Self::TimeOut { .. } => "time_out",
            Self::ErrorBeforeCommit => "error_before_commit",
            Self::ErrorAfterCommit => "error_after_commit",
            Self::BadGateway => "bad_gateway",
            Self::Throttle => "throttle",
            Self::ExpiredToken => "expired_token",
            Self::NotPermitted => "not_permitted",
            Self::StaleView => "stale_view",
            Self::ViewNotReady => "view_not_ready",
            Self::StaleList { .. } => "stale_list",
            Self::EditBeforeWrite { .. } => "edit_before_write",
            Self::ResetMidBody { .. } => "reset_mid_body",
        }
    }
}

fn a_minute() -> u64 {
    60_000
}
fn a_minute_signed() -> i64 {
    60_000
}
fn yes() -> bool {
    true
}
fn other_words() -> String {
    "<p>edited in between</p>".to_owned()
}
fn some_bytes() -> usize {
    200
}

/// An ordered fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Fault {
    #[serde(default)]
    pub id: u64,
    /// Only this method; any when absent.
    #[serde(default)]
    pub method: Option<String>,
    /// A path prefix, or with `*` a pattern for the whole path.
    #[serde(default)]
    pub path: String,
    /// How many requests are struck.
    #[serde(default = "once")]
    pub count: u64,
    /// How many matching requests pass first.
    #[serde(default)]
    pub skip: u64,
    #[serde(flatten)]
    pub what: Kind,
}

fn once() -> u64 {
    1
}

/// All ordered faults.
#[derive(Default)]
pub(crate) struct Faults {
    faults: Vec<Fault>,
    last_id: u64,
}

/// `*` stands for any run of characters; without one the pattern is a prefix.
fn matches_path(pattern: &str, path: &str) -> bool {
    if !pattern.contains('*') {
        return path.starts_with(pattern);
    }
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else {
        return rest.is_empty();
    };
    for piece in middle {
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

impl Faults {
    pub(crate) fn add(&mut self, mut fault: Fault) -> u64 {
        self.last_id = self.last_id.saturating_add(1);
        fault.id = self.last_id;
        self.faults.push(fault);
        self.last_id
    }

    pub(crate) fn all(&self) -> &[Fault] {
        &self.faults
    }

    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let before = self.faults.len();
        self.faults.retain(|f| f.id != id);
        before != self.faults.len()
    }

    pub(crate) fn clear(&mut self) {
        self.faults.clear();
    }

    pub(crate) fn has_stale_view(&self) -> bool {
        self.faults.iter().any(|f| f.what == Kind::StaleView)
    }

    /// The fault that strikes this request; it is used up by one.
    pub(crate) fn take(&mut self, method: &Method, path: &str) -> Option<Kind> {
        if self.faults.is_empty() {
            return None;
        }
        let mut struck = None;
        for fault in &mut self.faults {
            let is_meant = fault
                .method
                .as_ref()
                .is_none_or(|m| m.eq_ignore_ascii_case(method.as_str()))
                && matches_path(&fault.path, path);
            if !is_meant {
                continue;
            }
            if fault.skip > 0 {
                fault.skip = fault.skip.saturating_sub(1);
                continue;
            }
            if fault.count > 0 {
                fault.count = fault.count.saturating_sub(1);
                struck = Some(fault.what.clone());
                break;
            }
        }
        self.faults.retain(|f| f.count > 0);
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert!(matches_path("/api/v1/courses", "/api/v1/courses/1"));
        assert!(matches_path(
            "*/entries",
            "/api/v1/courses/1/discussion_topics/2/entries"
        ));
        assert!(!matches_path(
            "*/entries",
            "/api/v1/courses/1/discussion_topics/2/entries/3"
        ));
        assert!(matches_path(
            "/api/*/discussion_topics/*/view",
            "/api/v1/courses/1/discussion_topics/2/view"
        ));
        assert!(matches_path("*", "/anything"));
        assert!(!matches_path("/a*b", "/xab"));
    }

    #[test]
    fn a_fault_skips_strikes_and_ends() {
        let mut faults = Faults::default();
        let fault: Fault = serde_json::from_str(
            r#"{"kind": "lost_answer", "method": "post", "path": "*/entries", "count": 2, "skip": 1}"#,
        )
        .unwrap();
        faults.add(fault);
        let mut hits = 0;
        for _ in 0..5 {
            assert!(faults.take(&Method::GET, "/x/entries").is_none());
            hits += usize::from(faults.take(&Method::POST, "/x/entries").is_some());
        }
        assert_eq!(hits, 2);
        assert!(faults.all().is_empty());
    }
}
