//! The shape of the configuration file.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Invalid;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) database: Database,
    pub(super) canvas: Canvas,
    pub(super) discourse: Discourse,
    #[serde(default)]
    pub(super) web: Web,
    #[serde(default)]
    pub(super) sync: Sync,
    #[serde(default)]
    pub(super) people: People,
    #[serde(default)]
    pub(super) notify: super::notify::Section,
    #[serde(default)]
    pub(super) maintenance: Maintenance,
    #[serde(default)]
    pub(super) course: Vec<Course>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Maintenance {
    pub(super) keep_completed: Option<String>,
    pub(super) keep_failed: Option<String>,
    #[serde(default)]
    pub(super) keep_by_kind: std::collections::BTreeMap<String, String>,
    pub(super) keep_deliveries: Option<String>,
    pub(super) keep_history: Option<String>,
    pub(super) keep_transactions: Option<String>,
    pub(super) keep_hours: Option<String>,
    pub(super) archive: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Database {
    pub(super) url: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Canvas {
    pub(super) url: String,
    pub(super) token: Option<String>,
    pub(super) token_file: Option<PathBuf>,
    #[serde(default)]
    pub(super) person_key: PersonKey,
}

/// Which Canvas id the forum's accounts carry as their `external_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PersonKey {
    /// The numeric Canvas user id.
    #[default]
    CanvasId,
    /// The SIS user id.
    SisId,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Discourse {
    pub(super) url: String,
    pub(super) api_key: Option<String>,
    pub(super) api_key_file: Option<PathBuf>,
    #[serde(default = "system_user")]
    pub(super) api_username: String,
    pub(super) webhook_secret: Option<String>,
    pub(super) webhook_secret_file: Option<PathBuf>,
    pub(super) connect_secret: Option<String>,
    pub(super) connect_secret_file: Option<PathBuf>,
    pub(super) calls_per_minute: Option<u32>,
}

fn system_user() -> String {
    "system".to_owned()
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Web {
    pub(super) listen: Option<String>,
    pub(super) public_url: Option<String>,
    pub(super) session: Option<String>,
    #[serde(default)]
    pub(super) frame_ancestors: Vec<String>,
    pub(super) widget_secret: Option<String>,
    pub(super) widget_secret_file: Option<PathBuf>,
    #[serde(default)]
    pub(super) open_metrics: bool,
    pub(super) token: Option<String>,
    pub(super) token_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sync {
    pub(super) strategy: Option<String>,
    pub(super) fallback: Option<String>,
    #[serde(default)]
    pub(super) strategy_by_kind: std::collections::BTreeMap<String, String>,
    pub(super) feed_interval: Option<String>,
    pub(super) sweep_interval: Option<String>,
    pub(super) two_looks_interval: Option<String>,
    pub(super) skew_margin: Option<String>,
    pub(super) audience_interval: Option<String>,
    pub(super) lease: Option<String>,
    #[serde(default)]
    pub(super) isolation: std::collections::BTreeMap<String, String>,
    pub(super) workers: Option<usize>,
    #[serde(default)]
    pub(super) accept_plan: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct People {
    #[serde(default)]
    pub(super) groups: Vec<String>,
    #[serde(default)]
    pub(super) provision: Provision,
    #[serde(default)]
    pub(super) category_access: bool,
    pub(super) interval: Option<String>,
    pub(super) drop_grace: Option<String>,
}

/// For whom accounts are made on the forum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Provision {
    /// For nobody.
    #[default]
    Never,
    /// For everybody who takes part in a course and has none.
    Enrolled,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Course {
    pub(super) canvas: Name,
    pub(super) discourse: Name,
    pub(super) strategy: Option<String>,
    #[serde(default)]
    pub(super) read_only: bool,
    pub(super) delete_budget: Option<u64>,
    pub(super) accept_wider_audience: Option<String>,
    pub(super) empty_thread: Option<u64>,
    pub(super) edit_budget: Option<u64>,
    #[serde(rename = "match")]
    pub(super) matching: Option<String>,
    #[serde(default)]
    pub(super) link_likely: bool,
}

/// An id or a name.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Name {
    Number(u64),
    Text(String),
}

impl Name {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

/// Reads the text; an unknown key names its line and the key that was probably meant.
pub(super) fn parse(text: &str, path: &Path) -> Result<File, Invalid> {
    toml::from_str(text).map_err(|error| {
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map_or(1, |before| before.matches('\n').count() + 1);
        let message = error.message().to_owned();
        let hint =
            suggestion(&message).map_or_else(String::new, |key| format!(" Did you mean `{key}`?"));
        Invalid(format!("{}, line {line}: {message}.{hint}", path.display()))
    })
}

/// The expected key nearest to the unknown one; both stand in backticks in the parser's message.
fn suggestion(message: &str) -> Option<String> {
    if !message.starts_with("unknown field") {
        return None;
    }
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = names.next()?;
    names
        .map(|name| (strsim::damerau_levenshtein(unknown, name), name))
        .min()
        .filter(|(distance, _)| *distance <= 4)
        .map(|(_, name)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_names_line_and_likely_key() {
        let text = "[database]\nurl = \"sqlite:a.db\"\n[canvas]\nurl = \"x\"\ntokn = \"t\"\n[discourse]\nurl = \"y\"\n";
        let error = parse(text, Path::new("a.toml")).unwrap_err().to_string();
        assert!(error.contains("a.toml, line 5"), "{error}");
        assert!(error.contains("Did you mean `token`?"), "{error}");
    }

    #[test]
    fn a_missing_section_is_named() {
        let error = parse("[database]\nurl = \"sqlite:a.db\"\n", Path::new("a.toml")).unwrap_err();
        assert!(error.to_string().contains("canvas"), "{error}");
    }
}
