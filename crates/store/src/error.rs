//! What can go wrong with the database, and what each error means for whoever asked.
//!
//! "Not found" is no error but an `Option`. Nothing here knows SQL or which engine runs.

use model::{Class, Failure};

/// What a store call returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the database did not do what was asked. Codes `SYNC-4xxx`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A guard missed: somebody else changed it first. Nothing of the commit stays.
    #[error("the {what} was changed by somebody else in the meantime")]
    Stale {
        /// The table or thing whose guard missed.
        what: &'static str,
    },
    /// A newer program has migrated the database.
    #[error(
        "the database has schema version {found}, but this program knows versions up to {known}"
    )]
    NewerSchema {
        /// The version in the database.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// A stored value does not read back.
    #[error("table {table}, row {row}: the value in column {column} cannot be read")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's first column, as a rule its id.
        row: String,
    },
    /// The database cannot be reached or does not answer.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// No room is left where the database lies.
    #[error("the disk that holds the database is full")]
    Full,
    /// The file is something else.
    #[error("{0} is not a database of this program")]
    NotADatabase(String),
    /// The database may be read only.
    #[error("the database cannot be written: {0}")]
    ReadOnly(String),
    /// Another process kept the database locked for longer than we wait.
    #[error("another process keeps the database locked")]
    Locked,
    /// The file is damaged.
    #[error("the database file is damaged: {0}")]
    Damaged(String),
    /// The address is not one of a database.
    #[error("\"{0}\" is no database address")]
    Address(String),
    /// Operations would wait for each other for ever.
    #[error("{subject} would wait for something that waits for it")]
    Cycle {
        /// The subject of the refused operation.
        subject: String,
    },
    /// The engine cannot do this.
    #[error("{0}")]
    Unsupported(&'static str),
    /// Our own mistake.
    #[error("a database call of ours is wrong: {0}")]
    Bug(String),
}

impl Error {
    /// Whether the same call can succeed later without anybody doing anything.
    pub fn retry(&self) -> bool {
        match self {
            Self::Stale { .. } | Self::Unavailable(_) | Self::Full | Self::Locked => true,
            Self::NewerSchema { .. }
            | Self::Corrupt { .. }
            | Self::NotADatabase(_)
            | Self::ReadOnly(_)
            | Self::Damaged(_)
            | Self::Address(_)
            | Self::Cycle { .. }
            | Self::Unsupported(_)
            | Self::Bug(_) => false,
        }
    }

    /// The error as it is stored and shown, with its stable code and what to do.
    pub fn failure(&self) -> Failure {
        let (code, class, remedy) = self.describe();
        Failure::new(code, class, format!("{self}."), remedy)
    }

    fn describe(&self) -> (&'static str, Class, &'static str) {
        match self {
            Self::Stale { .. } => (
                "SYNC-4001",
                Class::Conflict,
                "It is looked at again by itself.",
            ),
            Self::NewerSchema { .. } => (
                "SYNC-4002",
                Class::Configuration,
                "Start the newer program, or restore the backup from before its first start.",
            ),
            Self::Corrupt { .. } => (
                "SYNC-4003",
                Class::Bug,
                "Run the integrity check; reset the entity or restore a backup, and report it.",
            ),
            Self::Unavailable(_) => (
                "SYNC-4004",
                Class::Transient,
                "Check that the database runs and can be reached.",
            ),
            Self::Full => (
                "SYNC-4005",
                Class::Transient,
                "Make room; work goes on by itself.",
            ),
            Self::NotADatabase(_) => (
                "SYNC-4006",
                Class::Configuration,
                "Check the path in the configuration.",
            ),
            Self::ReadOnly(_) => (
                "SYNC-4007",
                Class::Configuration,
                "Give this program's account the right to write the database and its folder.",
            ),
            Self::Locked => (
                "SYNC-4008",
                Class::Transient,
                "Find the process that holds it if this goes on.",
            ),
            Self::Damaged(_) => (
                "SYNC-4009",
                Class::Configuration,
                "Stop the service and restore the last backup.",
            ),
            Self::Address(_) => (
                "SYNC-4010",
                Class::Configuration,
                "Write sqlite:PATH or postgres://USER@HOST/DATABASE.",
            ),
            Self::Cycle { .. } => (
                "SYNC-4011",
                Class::Bug,
                "Queue the operation without naming what it waits for, and report it.",
            ),
            Self::Unsupported(_) => (
                "SYNC-4012",
                Class::Configuration,
                "Use the database's own tools.",
            ),
            Self::Bug(_) => ("SYNC-4099", Class::Bug, "Report it with the log."),
        }
    }
}

/// The failure of an operation whose runs were lost too often.
pub(crate) fn poison_lost(losses: i64) -> Failure {
    Failure::new(
        "SYNC-4020",
        Class::Guard,
        format!("The worker died or hung {losses} times in a row while it ran this operation."),
        "Look into the log for what it did; release the operation once that is mended.",
    )
}

/// The failure of an operation that was given back too often.
pub(crate) fn poison_returned(returns: i64) -> Failure {
    Failure::new(
        "SYNC-4021",
        Class::Guard,
        format!("The operation was given back without an outcome {returns} times in a row."),
        "Look into the log for the cause; release the operation once that is mended.",
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn all() -> Vec<Error> {
        vec![
            Error::Stale { what: "entity" },
            Error::NewerSchema { found: 9, known: 1 },
            Error::Corrupt {
                table: "entity",
                column: "kind",
                row: "e1".to_owned(),
            },
            Error::Unavailable("refused".to_owned()),
            Error::Full,
            Error::NotADatabase("a.db".to_owned()),
            Error::ReadOnly("a.db".to_owned()),
            Error::Locked,
            Error::Damaged("page 3".to_owned()),
            Error::Address("mysql:".to_owned()),
            Error::Cycle {
                subject: "entity:1".to_owned(),
            },
            Error::Unsupported("no"),
            Error::Bug("x".to_owned()),
        ]
    }

    #[test]
    fn every_error_has_its_own_code_and_a_remedy() {
        let codes: BTreeSet<String> = all().iter().map(|error| error.failure().code).collect();
        assert_eq!(codes.len(), all().len());
        for error in all() {
            let failure = error.failure();
            assert!(!failure.remedy.is_empty());
            assert_eq!(failure.class.is_retried(), error.retry(), "{error}");
        }
    }

    #[test]
    fn a_newer_schema_names_both_versions() {
        let text = Error::NewerSchema { found: 9, known: 1 }.to_string();
        assert!(text.contains('9') && text.contains('1'), "{text}");
    }
}
