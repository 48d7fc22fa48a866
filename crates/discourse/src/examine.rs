//! Whether this forum is set up as it should be (`D4xx`): reads only.

use ::connector::{Connector as _, Examination, Finding, Verdict};
use model::{Class, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use crate::connector::Discourse;
use crate::failure::Trouble;
use crate::site::Call;

/// The end of the address at which the service takes deliveries.
const HOOK_PATH: &str = "/webhook/discourse";
/// What cannot be checked when the key is refused.
const NEEDS_KEY: [&str; 11] = [
    "D403", "D404", "D405", "D406", "D407", "D408", "D409", "D410", "D411", "D412", "D413",
];
/// Settings that refuse or rewrite mirrored text, with the largest value that does not (contract discourse §12).
const LIMITS: [(&str, i64); 7] = [
    ("min_post_length", 1),
    ("min_first_post_length", 1),
    ("min_topic_title_length", 3),
    ("body_min_entropy", 1),
    ("title_min_entropy", 1),
    ("unique_posts_mins", 0),
    ("title_prettify", 0),
];
/// Settings by which people, as whom we write, are slowed down.
const PACES: [&str; 2] = ["rate_limit_create_post", "rate_limit_create_topic"];

/// A web hook; what else it has does not matter.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Hook {
    id: i64,
    payload_url: String,
    secret: Option<String>,
    active: bool,
    #[serde(rename = "wildcard_web_hook")]
    takes_all: bool,
    #[serde(rename = "web_hook_event_types")]
    ticked: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Hooks {
    web_hooks: Vec<Hook>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Deliveries {
    web_hook_events: Vec<Delivery>,
    total_rows_web_hook_events: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Delivery {
    created_at: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SiteSettings {
    site_settings: Vec<Setting>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Setting {
    setting: String,
    value: Value,
}

impl Discourse {
    pub(crate) async fn find_faults(&self, wish: &Examination) -> Vec<Finding> {
        let about = Call::get("read_about", "/about.json".to_owned());
        let mut found = Vec::new();
        match self.site.send(about).await {
            Ok(answer) => {
                let date = answer.header("Date").and_then(date);
                found.push(Finding::new("D401", Verdict::Ok, "it answers"));
                found.push(Finding::of_clock("D105", date, wish.now));
            }
            Err(trouble) => return refused(&trouble),
        }
        let probed = match self.probe().await {
            Ok(probed) => probed,
            Err(error) => {
                found.push(Finding::new("D402", Verdict::Fail, error.0.message));
                found.extend(Finding::skipped(&NEEDS_KEY, "the key is refused"));
                return found;
            }
        };
        found.push(Finding::new("D402", Verdict::Ok, "the key is an admin's"));
        let is_known = is_supported(&probed.version);
        let version = format!("version {}", probed.version);
        found.push(Finding::when("D403", is_known, Verdict::Warn, version));
        let cause = if probed.impersonates {
            "the key is for all users"
        } else {
            "the key is bound to one user"
        };
        found.push(Finding::when(
            "D413",
            probed.impersonates,
            Verdict::Warn,
            cause,
        ));
        found.push(self.categories(&wish.courses).await);
        found.extend(self.hooks(wish).await);
        found.extend(self.settings(probed.impersonates).await);
        found
    }

    async fn categories(&self, names: &[String]) -> Finding {
        let mut bad = Vec::new();
        for name in names {
            match self.course(name).await {
                Ok(Some(_)) => {}
                Ok(None) => bad.push(name.clone()),
                Err(error) => bad.push(format!("{name} ({})", error.0.code)),
            }
        }
        if bad.is_empty() {
            return Finding::new("D404", Verdict::Ok, format!("{} categories", names.len()));
        }
        Finding::new(
            "D404",
            Verdict::Fail,
            format!("categories {}", bad.join(", ")),
        )
    }

    async fn hooks(&self, wish: &Examination) -> Vec<Finding> {
        let call = Call::get("read_hooks", "/admin/api/web_hooks.json".to_owned());
        let hooks: Hooks = match self.site.read(call).await {
            Ok(hooks) => hooks,
            Err(trouble) => {
                let mut found = vec![Finding::new("D405", Verdict::Warn, trouble.failure.message)];
                found.extend(Finding::skipped(
                    &["D406", "D407", "D408"],
                    "no web hook is seen",
                ));
                return found;
            }
        };
        let ours: Vec<&Hook> = hooks
            .web_hooks
            .iter()
            .filter(|hook| hook.payload_url.trim_end_matches('/').ends_with(HOOK_PATH))
            .collect();
        let mut found = of_hooks(&ours, wish.hook_secret.as_deref());
        match ours.iter().find(|hook| hook.active).or(ours.first()) {
            Some(hook) => found.extend(self.deliveries(hook.id, wish.now).await),
            None => found.extend(Finding::skipped(&["D407", "D408"], "there is no web hook")),
        }
        found
    }

    async fn deliveries(&self, hook: i64, now: Timestamp) -> Vec<Finding> {
        let failed = match self.log_of(hook, Some("failed")).await {
            Err(trouble) => Finding::new("D407", Verdict::Warn, trouble.failure.message),
            Ok(log) => {
                let count = log.total_rows_web_hook_events;
                let cause = format!("{count} failed deliveries are in the log");
                Finding::when("D407", count == 0, Verdict::Warn, cause)
            }
        };
        let last = match self.log_of(hook, None).await {
            Err(trouble) => Finding::new("D408", Verdict::Warn, trouble.failure.message),
            Ok(log) => {
                let newest = log.web_hook_events.first();
                let at = newest
                    .and_then(|row| row.created_at.as_deref())
                    .and_then(time);
                match at {
                    None => Finding::new("D408", Verdict::Warn, "nothing was ever delivered"),
                    Some(at) => {
                        let minutes = now.since_ms(at).max(0) / 60_000;
                        Finding::new("D408", Verdict::Ok, format!("{minutes} minutes ago"))
                    }
                }
            }
        };
        vec![failed, last]
    }

    async fn log_of(&self, hook: i64, status: Option<&str>) -> Result<Deliveries, Trouble> {
        let path = format!("/admin/api/web_hook_events/{hook}.json");
        let mut call = Call::get("read_deliveries", path).with(&[("limit", "1")]);
        if let Some(status) = status {
            call = call.with(&[("status", status)]);
        }
        self.site.read(call).await
    }

    async fn settings(&self, impersonates: bool) -> Vec<Finding> {
        let call = Call::get("read_settings", "/admin/site_settings.json".to_owned());
        match self.site.read::<SiteSettings>(call).await {
            Ok(settings) => of_settings(&settings.site_settings, impersonates),
            Err(trouble) => {
                let codes = ["D409", "D410", "D411", "D412"];
                Finding::skipped(&codes, &trouble.failure.message)
            }
        }
    }
}

/// No answer, or an answer that refuses the key.
fn refused(trouble: &Trouble) -> Vec<Finding> {
    let is_key = matches!(
        trouble.failure.class,
        Class::Configuration | Class::Permission
    );
    let cause = trouble.failure.message.clone();
    let is_there = is_key && !trouble.failure.message.is_empty();
    let mut found = if is_there {
        vec![
            Finding::new("D401", Verdict::Ok, "it answers"),
            Finding::new("D402", Verdict::Fail, cause),
        ]
    } else {
        let verdict = if trouble.failure.class == Class::Throttled {
            Verdict::Warn
        } else {
            Verdict::Fail
        };
        let mut found = vec![Finding::new("D401", verdict, cause)];
        found.extend(Finding::skipped(&["D402"], "the forum does not answer"));
        found
    };
    let why = "the forum does not let us in";
    found.extend(Finding::skipped(&["D105"], why));
    found.extend(Finding::skipped(&NEEDS_KEY, why));
    found
}

fn of_hooks(ours: &[&Hook], secret: Option<&str>) -> Vec<Finding> {
    let Some(hook) = ours.iter().find(|hook| hook.active).or(ours.first()) else {
        let text = "no web hook leads to us: changes are found by polling only";
        let mut found = vec![Finding::new("D405", Verdict::Warn, text)];
        found.extend(Finding::skipped(&["D406"], "there is no web hook"));
        return found;
    };
    let present = if !hook.active {
        Finding::new("D405", Verdict::Fail, "the web hook is switched off")
    } else if !hook.takes_all && hook.ticked.is_empty() {
        Finding::new("D405", Verdict::Fail, "no event of the web hook is ticked")
    } else {
        Finding::new("D405", Verdict::Ok, "active")
    };
    let theirs = hook.secret.as_deref().filter(|secret| !secret.is_empty());
    let signed = match (theirs, secret) {
        (None, _) => Finding::new(
            "D406",
            Verdict::Fail,
            "deliveries are not signed, so none is taken",
        ),
        (Some(_), None) => Finding::new(
            "D406",
            Verdict::Fail,
            "our webhook_secret is not set, so no delivery is taken",
        ),
        // Some servers show stars instead.
        (Some(theirs), Some(ours)) if theirs != ours && !theirs.contains('*') => Finding::new(
            "D406",
            Verdict::Fail,
            "it is signed with another secret than ours",
        ),
        _ => Finding::new("D406", Verdict::Ok, "signed"),
    };
    vec![present, signed]
}

fn of_settings(settings: &[Setting], impersonates: bool) -> Vec<Finding> {
    let value = |name: &str| {
        let found = settings.iter().find(|setting| setting.setting == name)?;
        Some(match &found.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    };
    let number = |name: &str| match value(name)?.as_str() {
        "true" => Some(1),
        "false" => Some(0),
        text => text.parse::<i64>().ok(),
    };
    let is_on = |name: &str| number(name) == Some(1);
    let mut refusing: Vec<&str> = LIMITS
        .iter()
        .filter(|(name, most)| number(name).is_some_and(|found| found > *most))
        .map(|(name, _)| *name)
        .collect();
    if number("allow_duplicate_topic_titles") == Some(0) {
        refusing.push("allow_duplicate_topic_titles");
    }
    let slowing: Vec<&str> = PACES
        .into_iter()
        .filter(|name| impersonates && number(name).is_some_and(|seconds| seconds > 0))
        .collect();
    let list = |names: &[&str]| match names {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    let retry = if is_on("retry_web_hook_events") {
        "on"
    } else {
        "off: a delivery that we did not take is lost"
    };
    vec![
        Finding::when("D409", is_on("retry_web_hook_events"), Verdict::Warn, retry),
        Finding::when("D410", refusing.is_empty(), Verdict::Warn, list(&refusing)),
        Finding::when("D411", slowing.is_empty(), Verdict::Warn, list(&slowing)),
        match value("discourse_math_enabled").as_deref() {
            Some("true") => Finding::new("D412", Verdict::Ok, "on"),
            Some(_) => Finding::new(
                "D412",
                Verdict::Warn,
                "off: formulas of Canvas show as text",
            ),
            None => Finding::new("D412", Verdict::Skipped, "the forum has no such setting"),
        },
    ]
}

/// Whether a version is one that the sandbox plays: 3.1 or newer, or a calendar version.
fn is_supported(version: &str) -> bool {
    let mut parts = version
        .split(['.', '-'])
        .map(|part| part.parse::<u32>().ok());
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor) >= (3, 1),
        _ => false,
    }
}

fn date(text: &str) -> Option<Timestamp> {
    let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp(zoned.timestamp().as_millisecond()))
}

fn time(text: &str) -> Option<Timestamp> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(hook: &Hook, secret: Option<&str>) -> Vec<Verdict> {
        let found = of_hooks(&[hook], secret);
        found.iter().map(|finding| finding.verdict).collect()
    }

    #[test]
    fn a_hook_must_be_active_ticked_and_signed_by_us() {
        use Verdict::{Fail, Ok};
        let good = Hook {
            active: true,
            takes_all: true,
            secret: Some("a secret of ours".to_owned()),
            ..Hook::default()
        };
        let ours = Some("a secret of ours");
        assert_eq!(verdicts(&good, ours), [Ok, Ok]);
        assert_eq!(verdicts(&good, None), [Ok, Fail]);
        assert_eq!(verdicts(&good, Some("another")), [Ok, Fail]);
        let hook = |change: fn(&mut Hook)| {
            let mut hook = good.clone();
            change(&mut hook);
            hook
        };
        assert_eq!(verdicts(&hook(|it| it.active = false), ours), [Fail, Ok]);
        assert_eq!(verdicts(&hook(|it| it.takes_all = false), ours), [Fail, Ok]);
        assert_eq!(
            verdicts(&hook(|it| it.secret = Some(String::new())), ours),
            [Ok, Fail]
        );
        assert_eq!(
            of_hooks(&[], ours).first().map(|it| it.verdict),
            Some(Verdict::Warn)
        );
    }

    #[test]
    fn settings_that_refuse_mirrored_text_are_named() {
        let setting = |name: &str, value: Value| Setting {
            setting: name.to_owned(),
            value,
        };
        let found = of_settings(
            &[
                setting("min_post_length", Value::from("20")),
                setting("unique_posts_mins", Value::from(0)),
                setting("allow_duplicate_topic_titles", Value::from(false)),
                setting("rate_limit_create_post", Value::from("5")),
                setting("retry_web_hook_events", Value::from("true")),
                setting("discourse_math_enabled", Value::from("false")),
            ],
            true,
        );
        let told: Vec<_> = found
            .iter()
            .map(|it| (it.code, it.verdict, it.cause.as_str()))
            .collect();
        assert_eq!(told[0], ("D409", Verdict::Ok, "on"));
        let refusing = "min_post_length, allow_duplicate_topic_titles";
        assert_eq!(told[1], ("D410", Verdict::Warn, refusing));
        assert_eq!(told[2], ("D411", Verdict::Warn, "rate_limit_create_post"));
        assert_eq!(told[3].1, Verdict::Warn);
        let calm = of_settings(&[], false);
        assert_eq!(calm[0].verdict, Verdict::Warn);
        assert_eq!(calm[1].verdict, Verdict::Ok);
        assert_eq!(calm[2].verdict, Verdict::Ok);
        assert_eq!(calm[3].verdict, Verdict::Skipped);
    }

    #[test]
    fn old_versions_are_told() {
        for (version, known) in [
            ("3.1.0.beta2", true),
            ("2026.1.0-latest", true),
            ("3.0.6", false),
            ("2.9", false),
            ("", false),
        ] {
            assert_eq!(is_supported(version), known, "{version}");
        }
    }
}
