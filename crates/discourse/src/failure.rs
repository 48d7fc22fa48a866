//! Failures: one place decides the class and the code of everything that Discourse or the way to it answers.
//!
//! The body is read, not only the status (contract discourse §4). Must not know what the caller wanted to achieve,
//! beyond whether it was a write.

use model::{Class, Failure};

use crate::wire::refusal::Words;

/// A call that did not succeed: the classified failure, and what a caller needs to decide about another way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// `action` of the answer to a create.
    pub action: Option<String>,
    /// The answer was larger than what is read.
    pub is_too_large: bool,
    /// What the outside learns.
    pub failure: Box<Failure>,
}

impl Trouble {
    /// Whether the answer had this status.
    pub(crate) fn is(&self, status: u16) -> bool {
        self.status == Some(status)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self {
            status: None,
            action: None,
            is_too_large: false,
            failure: Box::new(failure),
        }
    }
}

impl From<Trouble> for connector::Error {
    fn from(trouble: Trouble) -> Self {
        Self(*trouble.failure)
    }
}

/// An answer that is not a success.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    /// The name of the call, for the message.
    pub call: &'a str,
    /// Whether the call changes something.
    pub is_write: bool,
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
    /// The header `Retry-After`.
    pub retry_after: Option<&'a str>,
    /// The server says whom it took us for (header `X-Discourse-Username`).
    pub has_user: bool,
    /// The server is known to say so for those it lets in: its silence then means that the key was refused.
    pub names_users: bool,
}

impl Answer<'_> {
    /// The classified failure.
    pub(crate) fn trouble(&self) -> Trouble {
        let words = Words::parse(self.body);
        let failure = Box::new(self.classify(&words));
        Trouble {
            status: Some(self.status),
            action: words.action,
            is_too_large: false,
            failure,
        }
    }

    fn classify(&self, words: &Words) -> Failure {
        match self.status {
            403 if self.is_key_refused(words) => refused_key(&self.message(words)),
            403 => Failure::new(
                "SYNC-2303",
                Class::Permission,
                self.message(words),
                "Give the acting user the right to do this in Discourse, or skip the item.",
            ),
            404 | 410 if words.is_ours => not_found(&self.message(words)),
            409 => conflict(&self.message(words)),
            429 => self.throttled(words),
            503 if words.error_type.as_deref() == Some("read_only") => Failure::new(
                "SYNC-2314",
                Class::Transient,
                self.message(words),
                "Wait until the backup or upgrade has ended; the work goes on by itself.",
            ),
            400 | 413 | 422 => Failure::new(
                "SYNC-2306",
                Class::Invalid,
                self.message(words),
                "Change the text, or relax the site setting that the message is about \
                 (min_post_length, min_topic_title_length, max_post_length, body_min_entropy), then retry.",
            ),
            500.. => Failure::new(
                "SYNC-2307",
                after_send(self.is_write),
                self.message(words),
                "Look at the Discourse server's own log if it does not pass.",
            ),
            _ => unexpected(self.call, self.is_write, &format!("status {}", self.status)),
        }
    }

    fn is_key_refused(&self, words: &Words) -> bool {
        let says_so = words.text.contains("key is invalid")
            || words.error_type.as_deref() == Some("not_logged_in");
        says_so || (self.names_users && !self.has_user)
    }

    fn throttled(&self, words: &Words) -> Failure {
        let header = self
            .retry_after
            .and_then(|text| text.trim().parse::<i64>().ok())
            .map(|seconds| seconds.saturating_mul(1_000));
        // A wait of zero seconds is a real answer (contract discourse §3): one second is the least that makes sense.
        let wait_ms = words.wait_ms.or(header).unwrap_or(10_000).max(1_000);
        throttled(&self.message(words), wait_ms)
    }

    fn message(&self, words: &Words) -> String {
        let call = self.call;
        let status = self.status;
        if words.text.is_empty() {
            format!("Discourse answered {call} with {status}.")
        } else {
            format!("Discourse answered {call} with {status}: {}", words.text)
        }
    }
}

/// The class of something that went wrong after the request may have reached the server.
fn after_send(is_write: bool) -> Class {
    if is_write {
        Class::UnknownOutcome
    } else {
        Class::Transient
    }
}

/// SYNC-2301: the key or the acting user is refused.
pub(crate) fn refused_key(message: &str) -> Failure {
    Failure::new(
        "SYNC-2301",
        Class::Configuration,
        message.to_owned(),
        "Check the API key, its allowed addresses, and that the acting user exists and is active; \
         keys unused for 180 days are revoked.",
    )
}

/// SYNC-2302: the acting user does not see everything.
pub(crate) fn not_admin(user: &str) -> Failure {
    Failure::new(
        "SYNC-2302",
        Class::Configuration,
        format!(
            "The acting user {user:?} is no admin of the forum, so deletions and hidden posts cannot be seen."
        ),
        "Let the key act as `system` or as an admin.",
    )
}

/// SYNC-2304: slow down.
pub(crate) fn throttled(message: &str, wait_ms: i64) -> Failure {
    let mut failure = Failure::new(
        "SYNC-2304",
        Class::Throttled,
        message.to_owned(),
        "Nothing to do: it goes on after the wait. If it happens all day, raise max_admin_api_reqs_per_minute \
         on the server.",
    );
    failure.retry_after_ms = Some(wait_ms);
    failure
}

/// SYNC-2305: not there.
pub(crate) fn not_found(message: &str) -> Failure {
    Failure::new(
        "SYNC-2305",
        Class::NotFound,
        message.to_owned(),
        "Look in Discourse whether the item was deleted for good or the acting user lost the right to see it.",
    )
}

/// SYNC-2308: sent, no answer.
pub(crate) fn no_answer(call: &str, is_write: bool, why: &str) -> Failure {
    Failure::new(
        "SYNC-2308",
        after_send(is_write),
        format!("Discourse gave no answer to {call}: {why}."),
        "Nothing to do unless it stays: then check the network and the server's load.",
    )
}

/// SYNC-2309: not reached.
pub(crate) fn unreachable(call: &str, why: &str) -> Failure {
    Failure::new(
        "SYNC-2309",
        Class::Transient,
        format!("Discourse was not reached for {call}: {why}."),
        "Check the address, DNS, TLS certificate and firewall between here and the forum.",
    )
}

/// SYNC-2310: an answer that makes no sense.
pub(crate) fn unexpected(call: &str, is_write: bool, why: &str) -> Failure {
    Failure::new(
        "SYNC-2310",
        after_send(is_write),
        format!("Discourse's answer to {call} was not understood: {why}."),
        "Check that the configured address is the forum's own and that no proxy or login page answers in its place.",
    )
}

/// SYNC-2311: somebody else was faster.
pub(crate) fn conflict(message: &str) -> Failure {
    Failure::new(
        "SYNC-2311",
        Class::Conflict,
        message.to_owned(),
        "Nothing to do: it is looked at again and both texts are kept.",
    )
}

/// SYNC-2312: the post waits for a moderator.
pub(crate) fn queued(call: &str) -> Failure {
    Failure::new(
        "SYNC-2312",
        Class::Guard,
        format!(
            "Discourse put the post of {call} into the review queue. On approval it gets a new id and loses our key, \
             so sending it again would make it twice."
        ),
        "Approve or reject it in Discourse's review queue, link the approved post by hand, \
         and exempt the course's groups from approval.",
    )
}

/// SYNC-2313: the key belongs to a deleted topic.
pub(crate) fn key_taken(words: &str) -> Failure {
    Failure::new(
        "SYNC-2313",
        Class::Guard,
        format!(
            "The topic's key is taken by a topic that cannot be seen, most likely a deleted one: {words}"
        ),
        "Recover that topic in Discourse, or reset the item's sync state so that it gets a new key.",
    )
}

/// SYNC-2315: what holds the item is deleted.
pub(crate) fn container_deleted(what: &str) -> Failure {
    Failure::new(
        "SYNC-2315",
        Class::Guard,
        format!(
            "The Discourse topic that holds {what} is deleted, so the post can be neither found nor made."
        ),
        "Recover the topic in Discourse, or delete the discussion on the other side too.",
    )
}

/// SYNC-2319: it is there, but nothing may be written to it.
pub(crate) fn not_writable(why: &str) -> Failure {
    Failure::new(
        "SYNC-2319",
        Class::Guard,
        why.to_owned(),
        "Recover or list the topic in Discourse, or delete or skip the discussion on the other side.",
    )
}

/// SYNC-2316: a webhook body that cannot be read.
pub(crate) fn unreadable_event(name: &str, why: &str) -> Failure {
    Failure::new(
        "SYNC-2316",
        Class::Invalid,
        format!("The body of the webhook {name:?} could not be read: {why}."),
        "Set the webhook's content type to application/json in Discourse; polling finds the change meanwhile.",
    )
}

/// SYNC-2317: we were asked for something that cannot be.
pub(crate) fn bug(what: &str) -> Failure {
    Failure::new(
        "SYNC-2317",
        Class::Bug,
        format!("The Discourse connector was asked for something impossible: {what}."),
        "Report it with this item's history.",
    )
}

/// SYNC-2318: the connector cannot be set up, or the address leads elsewhere.
pub(crate) fn misconfigured(why: &str) -> Failure {
    Failure::new(
        "SYNC-2318",
        Class::Configuration,
        format!("The Discourse address or settings do not work: {why}."),
        "Set the forum's final https address, as the browser shows it, and a valid acting user.",
    )
}

#[cfg(test)]
mod tests;
