//! Causes of failures and what is told of them. Knows no channel and no table; holds no words of people.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Class, Failure};
use crate::kind::{Kind, System};

/// Where a failure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Our settings, our limits or our own mistake.
    Ours,
    /// Canvas answered so.
    Canvas,
    /// Discourse answered so.
    Discourse,
    /// Nobody answered.
    Network,
}

impl Origin {
    /// The stable lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Canvas => "canvas",
            Self::Discourse => "discourse",
            Self::Network => "network",
        }
    }
}

/// The codes of connectors that got no connection or no answer (docs/errors).
const NETWORK: [&str; 4] = ["SYNC-2108", "SYNC-2109", "SYNC-2308", "SYNC-2309"];

/// The system whose connector uses this code; `None` for our own codes.
pub fn system_of_code(code: &str) -> Option<System> {
    if code.starts_with("SYNC-21") {
        Some(System::Canvas)
    } else if code.starts_with("SYNC-23") {
        Some(System::Discourse)
    } else {
        None
    }
}

/// What failures have in common that have one cause.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cause {
    /// The stable code.
    pub code: String,
    /// The system it happened in; `None` for ourselves.
    pub system: Option<System>,
    /// The kind of thing it happened to, when it was one thing.
    pub kind: Option<Kind>,
}

impl Cause {
    /// The cause of a failure that happened to a thing of `kind` in `system`; the code tells a system that is not given.
    pub fn of(failure: &Failure, system: Option<System>, kind: Option<Kind>) -> Self {
        Self {
            system: system
                .filter(|system| *system != System::Local)
                .or_else(|| system_of_code(&failure.code)),
            code: failure.code.clone(),
            kind,
        }
    }

    /// Reads a cause from its three words; the empty word is "none". `None` for a word that does not exist.
    pub fn parse(code: &str, system: &str, kind: &str) -> Option<Self> {
        let system = match system {
            "" => None,
            system => Some(System::parse(system)?),
        };
        let kind = match kind {
            "" => None,
            kind => Some(Kind::parse(kind)?),
        };
        let code = code.to_owned();
        Some(Self { code, system, kind })
    }

    /// The system's name, or nothing.
    pub fn system_name(&self) -> &'static str {
        self.system.map_or("", System::as_str)
    }

    /// The kind's name, or nothing.
    pub fn kind_name(&self) -> &'static str {
        self.kind.map_or("", Kind::as_str)
    }

    /// Where failures of this cause and class come from.
    pub fn origin(&self, class: Class) -> Origin {
        if NETWORK.contains(&self.code.as_str()) {
            return Origin::Network;
        }
        match (class, self.system) {
            (Class::Bug | Class::Guard | Class::Configuration, _)
            | (_, None | Some(System::Local)) => Origin::Ours,
            (_, Some(System::Canvas)) => Origin::Canvas,
            (_, Some(System::Discourse)) => Origin::Discourse,
        }
    }
}

impl std::fmt::Display for Cause {
    /// `SYNC-2306 topic in Discourse`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.code)?;
        if let Some(kind) = self.kind {
            write!(f, " {}", kind.as_str())?;
        }
        if let Some(system) = self.system {
            write!(f, " in {}", system.title())?;
        }
        Ok(())
    }
}

/// What people were told of a cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// How many failures there had been when this episode began.
    pub counted_from: u64,
    /// The episode that people were told of; `None` while they know nothing.
    pub episode: Option<String>,
    /// When they were last told.
    pub at: Option<Timestamp>,
    /// How many failures of the episode they were last told of.
    pub count: u64,
}

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A cause that people do not know yet.
    Opened,
    /// It goes on.
    Updated,
    /// It is over.
    Resolved,
    /// Nothing happened: somebody tries the channel.
    Test,
}

impl NoticeKind {
    /// The stable lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Updated => "updated",
            Self::Resolved => "resolved",
            Self::Test => "test",
        }
    }
}

/// A message to those who run the service; holds no words that people or remotes wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The same for every message of one episode.
    pub episode: String,
    /// What it is about.
    pub kind: NoticeKind,
    /// The cause.
    pub cause: Cause,
    /// Its class.
    pub class: Class,
    /// How many failures of the episode there are.
    pub count: u64,
    /// When the cause was first seen.
    pub first_at: Timestamp,
    /// When it was last seen.
    pub last_at: Timestamp,
    /// When this was written.
    pub at: Timestamp,
}

impl Notice {
    /// A message that only tries a channel.
    pub fn test(id: String, at: Timestamp) -> Self {
        let cause = Cause {
            code: "test".to_owned(),
            system: None,
            kind: None,
        };
        Self {
            episode: id,
            kind: NoticeKind::Test,
            cause,
            class: Class::Transient,
            count: 0,
            first_at: at,
            last_at: at,
            at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_is_told_by_code_class_and_system() {
        let origin = |code: &str, class, system| {
            let failure = Failure::new(code, class, String::new(), "");
            Cause::of(&failure, system, None).origin(class)
        };
        assert_eq!(origin("SYNC-2109", Class::Transient, None), Origin::Network);
        assert_eq!(origin("SYNC-2306", Class::Invalid, None), Origin::Discourse);
        assert_eq!(
            origin("SYNC-2107", Class::Transient, Some(System::Canvas)),
            Origin::Canvas
        );
        assert_eq!(
            origin("SYNC-2101", Class::Configuration, None),
            Origin::Ours
        );
        assert_eq!(
            origin("SYNC-5003", Class::Guard, Some(System::Canvas)),
            Origin::Ours
        );
        assert_eq!(origin("SYNC-3003", Class::Transient, None), Origin::Ours);
    }

    #[test]
    fn a_cause_is_read_back_from_its_words() {
        let cause = Cause {
            code: "SYNC-2306".to_owned(),
            system: Some(System::Discourse),
            kind: Some(Kind::Post),
        };
        let words = (cause.system_name(), cause.kind_name());
        assert_eq!(
            Cause::parse(&cause.code, words.0, words.1),
            Some(cause.clone())
        );
        assert_eq!(Cause::parse("SYNC-2306", "nowhere", ""), None);
        assert_eq!(cause.to_string(), "SYNC-2306 post in Discourse");
    }
}
