//! From the file's shape to checked settings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine::Limits;
use engine::matching::Mode;
use model::{Kind, Policy, Strategy};
use runner::upkeep::Plan;
use runner::{CourseSettings, PeopleSettings, Settings};
use store::{Isolation, OperationKind};

use super::file::{self, File, PersonKey};
use super::notify::{self, Notify};
use super::people;
use super::{Invalid, Secret};

/// Everything the program needs to know, checked.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) database_url: String,
    pub(crate) canvas_url: String,
    pub(crate) canvas_token: Secret,
    pub(crate) person_key: PersonKey,
    pub(crate) discourse_url: String,
    pub(crate) discourse_key: Secret,
    pub(crate) discourse_user: String,
    pub(crate) discourse_calls_per_minute: Option<u32>,
    pub(crate) webhook_secret: Option<Secret>,
    pub(crate) connect_secret: Option<Secret>,
    pub(crate) listen: String,
    pub(crate) web_token: Option<Secret>,
    pub(crate) public_url: Option<String>,
    pub(crate) session_ms: i64,
    pub(crate) frame_ancestors: Vec<String>,
    pub(crate) widget_secret: Option<Secret>,
    pub(crate) has_open_metrics: bool,
    pub(crate) workers: usize,
    pub(crate) notify: Notify,
    pub(crate) plan: Plan,
    pub(crate) settings: Settings,
}

impl Config {
    /// The names of the channels by which people are told.
    pub(crate) fn channel_names(&self) -> Vec<String> {
        let channels = self.notify.channels.iter();
        channels.map(|channel| channel.name.clone()).collect()
    }

    /// The configuration for people to read; secrets are masked and addresses of databases lose theirs.
    pub(crate) fn shown(&self) -> Vec<(String, String)> {
        let masked = |secret: Option<&Secret>| if secret.is_some() { "****" } else { "not set" };
        let database = match self.database_url.split_once("://") {
            Some((scheme, rest)) => format!(
                "{scheme}://…{}",
                rest.rsplit('@').next().unwrap_or_default()
            ),
            None => self.database_url.clone(),
        };
        let pairs = [
            ("database.url", database),
            ("canvas.url", self.canvas_url.clone()),
            ("canvas.token", masked(Some(&self.canvas_token)).to_owned()),
            ("discourse.url", self.discourse_url.clone()),
            (
                "discourse.api_key",
                masked(Some(&self.discourse_key)).to_owned(),
            ),
            ("discourse.api_username", self.discourse_user.clone()),
            (
                "discourse.webhook_secret",
                masked(self.webhook_secret.as_ref()).to_owned(),
            ),
            (
                "discourse.connect_secret",
                masked(self.connect_secret.as_ref()).to_owned(),
            ),
            ("people.groups", people::names(&self.settings.people)),
            ("web.listen", self.listen.clone()),
            (
                "web.public_url",
                self.public_url
                    .clone()
                    .unwrap_or_else(|| "not set".to_owned()),
            ),
            ("web.token", masked(self.web_token.as_ref()).to_owned()),
            (
                "web.widget_secret",
                masked(self.widget_secret.as_ref()).to_owned(),
            ),
            ("web.frame_ancestors", self.frame_ancestors.join(" ")),
            (
                "sync.strategy",
                self.settings.policy.strategy.as_str().to_owned(),
            ),
            ("sync.workers", self.workers.to_string()),
            ("notify.channels", self.channel_names().join(" ")),
        ];
        let mut shown: Vec<(String, String)> = pairs
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        for course in &self.settings.courses {
            let strategy = course.strategy.map_or("default", Strategy::as_str);
            let value = format!(
                "Canvas {} ↔ Discourse {}, strategy {strategy}{}",
                course.canvas,
                course.discourse,
                match (course.is_read_only, &course.accepted_audience) {
                    (true, _) => ", read only".to_owned(),
                    (false, Some(reason)) => format!(", readers not compared: {reason}"),
                    (false, None) => String::new(),
                }
            );
            shown.push(("course".to_owned(), value));
        }
        shown
    }
}

/// Checks a parsed file; paths in it are relative to `folder`.
pub(super) fn check(file: File, folder: &Path) -> Result<Config, Invalid> {
    let File {
        database,
        canvas,
        discourse,
        web,
        sync,
        people,
        notify,
        maintenance,
        course,
    } = file;
    let canvas_token = secret(folder, "canvas.token", canvas.token, canvas.token_file)?
        .ok_or_else(|| missing("canvas.token"))?;
    let discourse_key = secret(
        folder,
        "discourse.api_key",
        discourse.api_key,
        discourse.api_key_file,
    )?
    .ok_or_else(|| missing("discourse.api_key"))?;
    let webhook_secret = secret(
        folder,
        "discourse.webhook_secret",
        discourse.webhook_secret,
        discourse.webhook_secret_file,
    )?;
    let connect_secret = secret(
        folder,
        "discourse.connect_secret",
        discourse.connect_secret,
        discourse.connect_secret_file,
    )?;
    let people = people::check(people, connect_secret.is_some())?;
    let web_token = secret(folder, "web.token", web.token, web.token_file)?;
    let widget_secret = secret(
        folder,
        "web.widget_secret",
        web.widget_secret,
        web.widget_secret_file,
    )?;
    let public_url = web
        .public_url
        .map(|url| web_url("web.public_url", &url))
        .transpose()?;
    let session_ms = duration("web.session", web.session, 12 * 3_600_000)?.max(60_000);
    let workers = sync.workers.unwrap_or(4).clamp(1, 64);
    Ok(Config {
        database_url: database_url(&database.url, folder)?,
        canvas_url: web_url("canvas.url", &canvas.url)?,
        canvas_token,
        person_key: canvas.person_key,
        discourse_url: web_url("discourse.url", &discourse.url)?,
        discourse_key,
        discourse_user: discourse.api_username,
        discourse_calls_per_minute: discourse.calls_per_minute,
        webhook_secret,
        connect_secret,
        listen: web.listen.unwrap_or_else(|| "127.0.0.1:7070".to_owned()),
        web_token,
        public_url,
        session_ms,
        frame_ancestors: frame_ancestors(web.frame_ancestors)?,
        widget_secret,
        has_open_metrics: web.open_metrics,
        workers,
        notify: notify::check(notify, folder)?,
        plan: super::plan::check(maintenance, folder)?,
        settings: settings(sync, people, course)?,
    })
}

fn settings(
    sync: file::Sync,
    people: PeopleSettings,
    courses: Vec<file::Course>,
) -> Result<Settings, Invalid> {
    let defaults = Policy::default();
    let strategy = optional_strategy("sync.strategy", sync.strategy)?;
    let fallback = optional_strategy("sync.fallback", sync.fallback)?;
    if fallback == Some(Strategy::PreferMostRecent) {
        return Err(Invalid(
            "sync.fallback: prefer_most_recent cannot be its own fallback.".to_owned(),
        ));
    }
    let mut kind_strategies = Vec::new();
    for (kind, strategy) in sync.strategy_by_kind {
        let known = Kind::parse(&kind).ok_or_else(|| {
            Invalid(format!(
                "sync.strategy_by_kind: there is no kind `{kind}`; use topic or post."
            ))
        })?;
        kind_strategies.push((known, strategy_of("sync.strategy_by_kind", &strategy)?));
    }
    Ok(Settings {
        policy: Policy {
            strategy: strategy.unwrap_or(defaults.strategy),
            fallback: fallback.unwrap_or(defaults.fallback),
            skew_margin_ms: duration(
                "sync.skew_margin",
                sync.skew_margin,
                defaults.skew_margin_ms,
            )?,
            two_looks_ms: duration(
                "sync.two_looks_interval",
                sync.two_looks_interval,
                defaults.two_looks_ms,
            )?,
            is_read_only: false,
        },
        kind_strategies,
        accept_plan: sync.accept_plan,
        courses: course_settings(courses)?,
        people,
        feed_interval_ms: duration("sync.feed_interval", sync.feed_interval, 30_000)?.max(100),
        sweep_interval_ms: duration("sync.sweep_interval", sync.sweep_interval, 3_600_000)?
            .max(1_000),
        audience_interval_ms: duration("sync.audience_interval", sync.audience_interval, 900_000)?,
        lease_ms: duration("sync.lease", sync.lease, 12_000)?.max(1_000),
        isolations: isolations(&sync.isolation)?,
    })
}

/// The isolation of what is stored, by the kind of the operation.
fn isolations(
    names: &BTreeMap<String, String>,
) -> Result<BTreeMap<OperationKind, Isolation>, Invalid> {
    let invalid = |key: &str, what: &str, known: &str| {
        Invalid(format!("sync.isolation.{key}: {what}; use one of {known}."))
    };
    names
        .iter()
        .map(|(key, name)| {
            let kind = OperationKind::parse(key).ok_or_else(|| {
                invalid(key, "there is no such kind of operation", "entity, thread")
            })?;
            let isolation = Isolation::parse(name).ok_or_else(|| {
                let known = "read_committed, repeatable_read, serializable";
                invalid(key, &format!("there is no isolation `{name}`"), known)
            })?;
            Ok((kind, isolation))
        })
        .collect()
}

fn course_settings(courses: Vec<file::Course>) -> Result<Vec<CourseSettings>, Invalid> {
    let mut checked: Vec<CourseSettings> = Vec::new();
    for course in courses {
        let limits = Limits::default();
        let limits = match course.delete_budget {
            Some(budget) => Limits {
                deletes_min: budget,
                deletes_percent: 0,
                ..limits
            },
            None => limits,
        };
        let limits = Limits {
            empty_min: course.empty_thread.unwrap_or(limits.empty_min),
            edits_max: course.edit_budget.unwrap_or(limits.edits_max),
            ..limits
        };
        let course = CourseSettings {
            canvas: course.canvas.into_text(),
            discourse: course.discourse.into_text(),
            strategy: optional_strategy("course.strategy", course.strategy)?,
            limits,
            is_read_only: course.read_only,
            matching: mode(course.matching.as_deref())?,
            links_likely: course.link_likely,
            accepted_audience: accepted(course.accept_wider_audience)?,
        };
        let twin = checked
            .iter()
            .find(|other| other.canvas == course.canvas || other.discourse == course.discourse);
        if twin.is_some() {
            return Err(Invalid(format!(
                "[[course]]: Canvas course {} or category {} is mapped twice; each may stand once.",
                course.canvas, course.discourse
            )));
        }
        checked.push(course);
    }
    Ok(checked)
}

/// What is done with content that is there when the pair is connected.
fn mode(name: Option<&str>) -> Result<Mode, Invalid> {
    let Some(name) = name else {
        return Ok(Mode::default());
    };
    Mode::parse(name).ok_or_else(|| {
        let names: Vec<&str> = Mode::ALL.iter().map(|mode| mode.as_str()).collect();
        Invalid(format!(
            "course.match: there is no mode `{name}`; use one of {}.",
            names.join(", ")
        ))
    })
}

/// A reason that says something: the next person must be able to understand it.
fn accepted(reason: Option<String>) -> Result<Option<String>, Invalid> {
    match reason {
        Some(reason) if reason.trim().chars().count() < 10 => Err(Invalid(
            "course.accept_wider_audience: write a reason of at least 10 letters: why may people outside the course read it?"
                .to_owned(),
        )),
        reason => Ok(reason),
    }
}

pub(super) fn missing(key: &str) -> Invalid {
    Invalid(format!("{key} is missing; give it or {key}_file."))
}

pub(super) fn secret(
    folder: &Path,
    key: &str,
    value: Option<String>,
    path: Option<PathBuf>,
) -> Result<Option<Secret>, Invalid> {
    match (value, path) {
        (Some(_), Some(_)) => Err(Invalid(format!(
            "{key} and {key}_file are both given; keep one."
        ))),
        (Some(value), None) if value.trim().is_empty() => Err(Invalid(format!("{key} is empty."))),
        (Some(value), None) => Ok(Some(Secret::new(value))),
        (None, Some(path)) => {
            let path = folder.join(path);
            let text = std::fs::read_to_string(&path).map_err(|error| {
                Invalid(format!(
                    "{key}_file {} cannot be read: {error}.",
                    path.display()
                ))
            })?;
            match text.trim() {
                "" => Err(Invalid(format!("{key}_file {} is empty.", path.display()))),
                text => Ok(Some(Secret::new(text))),
            }
        }
        (None, None) => Ok(None),
    }
}

fn web_url(key: &str, url: &str) -> Result<String, Invalid> {
    let is_web = url.starts_with("http://") || url.starts_with("https://");
    if is_web {
        return Ok(url.trim_end_matches('/').to_owned());
    }
    Err(Invalid(format!(
        "{key}: expected an address like https://canvas.example.edu, found `{url}`."
    )))
}

/// Origins only: anything else could slip a directive into the policy.
fn frame_ancestors(origins: Vec<String>) -> Result<Vec<String>, Invalid> {
    for origin in &origins {
        let host = origin
            .strip_prefix("https://")
            .or_else(|| origin.strip_prefix("http://"));
        let is_origin = host.is_some_and(|host| {
            !host.is_empty()
                && host
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || ".-:*".contains(c))
        });
        if !is_origin {
            return Err(Invalid(format!(
                "web.frame_ancestors: expected an origin like https://canvas.example.edu, found `{origin}`."
            )));
        }
    }
    Ok(origins)
}

/// A relative SQLite path is relative to the configuration file, not to where the command was typed.
fn database_url(url: &str, folder: &Path) -> Result<String, Invalid> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(url.to_owned());
    }
    match url.strip_prefix("sqlite:") {
        Some(path) if !path.is_empty() && !path.starts_with(':') => {
            Ok(format!("sqlite:{}", folder.join(path).display()))
        }
        Some(path) if path.starts_with(':') => Ok(url.to_owned()),
        _ => Err(Invalid(format!(
            "database.url: expected sqlite:FILE or postgres://…, found `{url}`."
        ))),
    }
}

fn optional_strategy(key: &str, text: Option<String>) -> Result<Option<Strategy>, Invalid> {
    text.map(|text| strategy_of(key, &text)).transpose()
}

fn strategy_of(key: &str, text: &str) -> Result<Strategy, Invalid> {
    Strategy::parse(text).ok_or_else(|| {
        let names: Vec<&str> = Strategy::ALL
            .iter()
            .map(|strategy| strategy.as_str())
            .collect();
        Invalid(format!(
            "{key}: there is no strategy `{text}`; use one of {}.",
            names.join(", ")
        ))
    })
}

/// A duration with its unit: `500ms`, `30s`, `10m`, `1h`, `90d`.
pub(super) fn duration(key: &str, text: Option<String>, default_ms: i64) -> Result<i64, Invalid> {
    let Some(text) = text else {
        return Ok(default_ms);
    };
    duration_ms(&text).ok_or_else(|| {
        Invalid(format!(
            "{key}: expected a duration like `30s`, `10m` or `2h`, found `{text}`."
        ))
    })
}

/// A duration with its unit in milliseconds.
pub(crate) fn duration_ms(text: &str) -> Option<i64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text.strip_prefix(digits)? {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let count = digits.parse::<i64>().ok().filter(|count| *count >= 0)?;
    Some(count.saturating_mul(factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        let parse = |text: &str| duration("k", Some(text.to_owned()), 0).ok();
        assert_eq!(parse("30s"), Some(30_000));
        assert_eq!(parse("250ms"), Some(250));
        assert_eq!(parse("2h"), Some(7_200_000));
        assert_eq!(parse("30"), None);
        assert_eq!(parse("-1s"), None);
        assert_eq!(parse("s"), None);
    }

    #[test]
    fn a_relative_database_lies_beside_the_configuration() {
        let folder = Path::new("/etc/antiphon");
        assert_eq!(
            database_url("sqlite:a.db", folder).unwrap(),
            "sqlite:/etc/antiphon/a.db"
        );
        assert_eq!(
            database_url("sqlite::memory:", folder).unwrap(),
            "sqlite::memory:"
        );
        assert!(database_url("mysql://x", folder).is_err());
    }

    #[test]
    fn frames_are_allowed_by_origin_only() {
        let check = |origin: &str| frame_ancestors(vec![origin.to_owned()]).is_ok();
        assert!(check("https://canvas.example.edu"));
        assert!(check("http://localhost:3000"));
        for wrong in [
            "*",
            "https://",
            "https://a.edu/path",
            "https://a; script-src *",
            "canvas.edu",
        ] {
            assert!(!check(wrong), "{wrong}");
        }
    }

    #[test]
    fn wider_readers_need_a_reason() {
        let check = |reason: &str| accepted(Some(reason.to_owned())).is_ok();
        assert!(check("An open course, published for everybody"));
        assert!(!check(""));
        assert!(!check("   yes    "));
        assert!(accepted(None).unwrap().is_none());
    }

    #[test]
    fn a_secret_is_never_shown() {
        assert_eq!(format!("{:?}", Secret::new("s3cret")), "****");
    }
}
