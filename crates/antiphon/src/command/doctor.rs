//! `doctor`: looks whether everything is set up as it should be, with the service's own configuration and network.
//!
//! It reads and changes nothing; only `--test-notify` sends messages. Its text has no secret and nobody's words.

mod database;
mod health;
mod host;
pub(crate) mod table;

use std::path::Path;
use std::process::ExitCode;

use connector::{Connector, Examination, Finding, Verdict};
use serde_json::json;

use crate::arguments::Doctor;
use crate::config::{self, Config, Secret};
use crate::show::{line, object};
use crate::wiring;

/// At least one warning.
const WARNED: u8 = 1;
/// At least one failure.
const FAILED: u8 = 2;

pub(crate) async fn run(path: &Path, options: Doctor) -> anyhow::Result<ExitCode> {
    let config = config::load(path)?;
    let store = database::open(&config).await;
    let remotes = wiring::connectors(&config);
    let (canvas, discourse) = match &remotes {
        Ok((canvas, discourse)) => (Some(canvas.as_ref()), Some(discourse.as_ref())),
        Err(_) => (None, None),
    };
    let names = |discourse: bool| Examination {
        courses: course_names(&config, discourse),
        hook_secret: config
            .webhook_secret
            .as_ref()
            .map(|secret| Secret::reveal(secret).to_owned()),
        now: wiring::now(),
    };
    let (of_canvas, of_discourse) = (names(false), names(true));
    let (canvas, discourse, database, health, delivery) = tokio::join!(
        examine(canvas, ("D301", &of_canvas)),
        examine(discourse, ("D401", &of_discourse)),
        database::examine(&config, &store),
        health::examine(&config, store.as_ref().ok()),
        delivery(&config, options.test_notify),
    );
    let mut found = host::examine(&config);
    for part in [
        canvas,
        discourse,
        database,
        health,
        delivery,
        release(&config),
    ] {
        found.extend(part);
    }
    found.sort_by_key(|finding| finding.code);
    for finding in &found {
        show(finding, options.output.json);
    }
    let worst = found.iter().map(|finding| finding.verdict).max();
    if !options.output.json {
        summary(&found);
    }
    Ok(match worst {
        Some(Verdict::Fail) => ExitCode::from(FAILED),
        Some(Verdict::Warn) => ExitCode::from(WARNED),
        _ => ExitCode::SUCCESS,
    })
}

fn course_names(config: &Config, discourse: bool) -> Vec<String> {
    let courses = config.settings.courses.iter();
    courses
        .map(|course| {
            let name = if discourse {
                &course.discourse
            } else {
                &course.canvas
            };
            name.clone()
        })
        .collect()
}

async fn examine(
    connector: Option<&dyn Connector>,
    (code, wish): (&'static str, &Examination),
) -> Vec<Finding> {
    match connector {
        Some(connector) => connector.examine(wish).await,
        None => vec![Finding::new(
            code,
            Verdict::Fail,
            "the address cannot be used",
        )],
    }
}

/// `D7xx`. A test message is sent only when it is asked for: a check that runs every hour must not wake anybody.
async fn delivery(config: &Config, is_asked: bool) -> Vec<Finding> {
    let channels = &config.notify.channels;
    let cause = format!("{} channels", channels.len());
    let mut found = vec![Finding::when(
        "D701",
        !channels.is_empty(),
        Verdict::Warn,
        cause,
    )];
    if !is_asked || channels.is_empty() {
        let why = "say --test-notify to send a test message";
        found.extend(Finding::skipped(&["D702"], why));
        return found;
    }
    let mut bad = Vec::new();
    for channel in channels {
        if let Err(error) = super::notify::send_test(channel, config).await {
            bad.push(format!("{} ({error})", channel.name));
        }
    }
    let cause = if bad.is_empty() {
        format!("{} channels took a test message", channels.len())
    } else {
        bad.join(", ")
    };
    found.push(Finding::when("D702", bad.is_empty(), Verdict::Fail, cause));
    found
}

/// `D8xx`.
fn release(config: &Config) -> Vec<Finding> {
    let is_plain = |url: &str| url.starts_with("http://") && !is_local(url);
    let plain: Vec<&str> = [
        ("canvas.url", config.canvas_url.as_str()),
        ("discourse.url", config.discourse_url.as_str()),
        ("web.public_url", config.public_url.as_deref().unwrap_or("")),
    ]
    .into_iter()
    .filter(|(_, url)| is_plain(url))
    .map(|(key, _)| key)
    .collect();
    let cause = if plain.is_empty() {
        "none".to_owned()
    } else {
        format!("{} without TLS", plain.join(", "))
    };
    vec![
        Finding::new(
            "D801",
            Verdict::Ok,
            format!("antiphon {}", env!("CARGO_PKG_VERSION")),
        ),
        Finding::when("D802", plain.is_empty(), Verdict::Warn, cause),
    ]
}

fn is_local(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    ["127.", "localhost", "[::1]"]
        .iter()
        .any(|local| host.starts_with(local))
}

fn show(finding: &Finding, is_json: bool) {
    let check = table::check_of(finding.code);
    let (title, remedy) = check.map_or(("", ""), |check| (check.title, check.remedy));
    let is_well = matches!(finding.verdict, Verdict::Ok | Verdict::Skipped);
    let address = format!("docs/doctor.md#{}", finding.code.to_lowercase());
    if is_json {
        object(&json!({
            "code": finding.code, "verdict": finding.verdict.as_str(), "title": title,
            "cause": finding.cause, "remedy": if is_well { "" } else { remedy }, "documentation": address,
        }));
        return;
    }
    let verdict = finding.verdict.as_str();
    line(&format!(
        "{} {verdict:<7} {title}: {}",
        finding.code, finding.cause
    ));
    if !is_well {
        line(&format!("             {remedy} See {address}."));
    }
}

fn summary(found: &[Finding]) {
    let count = |verdict| found.iter().filter(|it| it.verdict == verdict).count();
    line(&format!(
        "{} ok, {} warnings, {} failures, {} skipped.",
        count(Verdict::Ok),
        count(Verdict::Warn),
        count(Verdict::Fail),
        count(Verdict::Skipped),
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_elsewhere_needs_tls() {
        assert!(is_local("http://127.0.0.1:3000"));
        assert!(is_local("http://localhost"));
        assert!(!is_local("http://forum.example.edu"));
    }
}
