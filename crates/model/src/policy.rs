//! The conflict strategies and their settings (design section 6).

use serde::{Deserialize, Serialize};

/// Who wins what when two changes are concurrent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The Canvas record wins whole; then local, then Discourse.
    PreferCanvas,
    /// The Discourse record wins whole; then local, then Canvas.
    PreferDiscourse,
    /// The newest edit by the systems' own clocks wins, outside the skew margin.
    PreferMostRecent,
    /// Fields merge; overlaps go to Canvas.
    MergePreferCanvas,
    /// Fields merge; overlaps go to Discourse.
    MergePreferDiscourse,
    /// Nothing is decided: both stay, a person is asked.
    Manual,
}

impl Strategy {
    /// All strategies.
    pub const ALL: [Self; 6] = [
        Self::PreferCanvas,
        Self::PreferDiscourse,
        Self::PreferMostRecent,
        Self::MergePreferCanvas,
        Self::MergePreferDiscourse,
        Self::Manual,
    ];

    /// The stable lower-case name used in configuration, database, CLI and API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreferCanvas => "prefer_canvas",
            Self::PreferDiscourse => "prefer_discourse",
            Self::PreferMostRecent => "prefer_most_recent",
            Self::MergePreferCanvas => "merge_prefer_canvas",
            Self::MergePreferDiscourse => "merge_prefer_discourse",
            Self::Manual => "manual",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|strategy| strategy.as_str() == text)
    }
}

/// What `prefer_most_recent` does inside the skew margin; every strategy but itself.
pub type Fallback = Strategy;

/// Everything `reconcile` needs to know about how one entity's conflicts are decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The strategy of the narrowest scope that names one.
    pub strategy: Strategy,
    /// Used by `prefer_most_recent` when the times are too close to tell.
    pub fallback: Fallback,
    /// Two edit times closer than this are not told apart, in milliseconds.
    pub skew_margin_ms: i64,
    /// A missing item counts as deleted only when it is still missing this much later, in milliseconds.
    pub two_looks_ms: i64,
    /// Nothing is written; the course is over or paused.
    pub is_read_only: bool,
}

impl Default for Policy {
    /// The defaults of `ux.md` section 9 and design section 6.
    fn default() -> Self {
        Self {
            strategy: Strategy::MergePreferCanvas,
            fallback: Strategy::Manual,
            skew_margin_ms: 2_000,
            two_looks_ms: 600_000,
            is_read_only: false,
        }
    }
}
