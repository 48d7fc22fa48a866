//! What a client needs to know about its server.

/// A text that must not be printed: `Debug` shows `****` and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself; every use is a place where it could leak.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("****")
    }
}

/// A limit on calls in a sliding window, kept by this client alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// How many calls may start inside the window.
    pub calls: u32,
    /// The length of the window in milliseconds.
    pub per_ms: u64,
    /// How long a call may wait for its turn in milliseconds; a longer wait is [`crate::Error::BudgetWait`].
    pub max_wait_ms: u64,
}

/// How to reach one server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The server's address, with a path prefix where it has one; `https`, or `http` for tests.
    pub base_url: String,
    /// Headers of every request, credentials above all; never sent to another host.
    pub headers: Vec<(String, Secret)>,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// The longest time for one attempt in milliseconds, reading the body included.
    pub timeout_ms: u64,
    /// The largest answer that is read, in bytes after decompression.
    pub max_body_bytes: usize,
    /// How many requests may be under way at once; 0 counts as 1.
    pub max_in_flight: usize,
    /// The call budget; `None` when the server limits by other means.
    pub budget: Option<Budget>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_in_debug_output() {
        let settings = Settings {
            base_url: "https://x".to_owned(),
            headers: vec![("Authorization".to_owned(), Secret::new("Bearer geheim"))],
            user_agent: "t".to_owned(),
            timeout_ms: 1,
            max_body_bytes: 1,
            max_in_flight: 1,
            budget: None,
        };
        assert!(!format!("{settings:?}").contains("geheim"));
        assert!(format!("{settings:?}").contains("****"));
    }
}
