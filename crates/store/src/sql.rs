//! Statements: one text in the portable subset, or two texts where that is declared.
//!
//! Knows nothing of what a statement means.

use std::sync::OnceLock;

use crate::backend::Engine;

/// One fixed statement.
pub(crate) struct Sql {
    /// The table, as errors name it.
    pub(crate) table: &'static str,
    /// The statement's name in its table's module.
    pub(crate) name: &'static str,
    portable: &'static str,
    /// PostgreSQL's own text, if it must differ.
    postgres: Option<&'static str>,
    /// The one engine that it is for, if the other does the same in another way.
    only: Option<Engine>,
    numbered: OnceLock<String>,
}

impl Sql {
    pub(crate) const fn new(
        table: &'static str,
        name: &'static str,
        portable: &'static str,
        postgres: Option<&'static str>,
    ) -> Self {
        Self {
            table,
            name,
            portable,
            postgres,
            only: None,
            numbered: OnceLock::new(),
        }
    }

    /// The same for one engine alone.
    pub(crate) const fn only(mut self, engine: Engine) -> Self {
        self.only = Some(engine);
        self
    }

    /// Whether an engine runs it.
    pub(crate) fn is_for(&self, engine: Engine) -> bool {
        self.only.is_none_or(|only| only == engine)
    }

    /// The text for PostgreSQL, with parameters `$1 … $n`.
    pub(crate) fn postgres(&self) -> &'static str {
        self.postgres.unwrap_or(self.portable)
    }

    /// The text for SQLite, where `$1` would be a name and not a number: `?1 … ?n`. Made once.
    pub(crate) fn sqlite(&self) -> &str {
        self.numbered
            .get_or_init(|| self.portable.replace('$', "?"))
    }

    /// Whether SQLite's text reads its rows from the table `given` instead of running once for each.
    pub(crate) fn reads_given(&self) -> bool {
        self.portable.contains("temp.given")
    }

    /// Whether the engines run different texts.
    pub(crate) fn is_split(&self) -> bool {
        self.postgres.is_some() || self.only.is_some()
    }
}

/// Declares a table's statements and `ALL`, the list of them. `; postgres "…"` and `; only Sqlite` declare a split.
macro_rules! statements {
    ($table:literal; $($name:ident = $text:expr $(; postgres $postgres:expr)? $(; only $engine:ident)?,)+) => {
        $(
            static $name: $crate::sql::Sql = $crate::sql::Sql::new(
                $table,
                stringify!($name),
                $text,
                $crate::sql::statements!(@split $($postgres)?),
            )$(.only($crate::backend::Engine::$engine))?;
        )+
        /// Every statement of this table.
        pub(crate) static ALL: &[&$crate::sql::Sql] = &[$(&$name),+];
    };
    (@split) => { None };
    (@split $postgres:expr) => { Some($postgres) };
}

/// Fifty parameters, `$1` to `$50`, for `IN (…)`.
macro_rules! fifty {
    () => {
        "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, \
         $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, \
         $41, $42, $43, $44, $45, $46, $47, $48, $49, $50"
    };
}

pub(crate) use {fifty, statements};
