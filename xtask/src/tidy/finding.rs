//! One place where a house rule is broken.

use std::fmt;

/// Whether a finding fails the build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Fails the build.
    Error,
    /// Only said when asked for.
    Warning,
}

/// A broken rule and where. The order of the fields is the order of the report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Path relative to the root, with `/`.
    pub path: String,
    /// First line is 1.
    pub line: usize,
    /// A name from [`super::RULES`].
    pub rule: &'static str,
    /// What is wrong and what to do.
    pub message: String,
    /// Whether it fails the build.
    pub level: Level,
}

impl Finding {
    /// A finding that fails the build.
    pub fn error(path: &str, line: usize, rule: &'static str, message: impl Into<String>) -> Self {
        let (path, message) = (path.to_owned(), message.into());
        Self {
            path,
            line,
            rule,
            message,
            level: Level::Error,
        }
    }

    /// A finding that is only said when asked for.
    pub fn warning(path: &str, line: usize, rule: &'static str, message: String) -> Self {
        Self {
            level: Level::Warning,
            ..Self::error(path, line, rule, message)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "",
            Level::Warning => "warning: ",
        };
        write!(
            f,
            "{}:{}: {}: {level}{}",
            self.path, self.line, self.rule, self.message
        )
    }
}
