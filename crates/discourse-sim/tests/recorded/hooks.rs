//! Deliveries: the fields of each recorded event against those that the replay made.

use crate::compare;
use serde_json::Value;
use std::path::Path;

/// Events that no rule here makes, with the reason.
const NOT_MADE: &[(&str, &str)] = &[
    ("user_badge_granted", "badges are not simulated"),
    ("user_logged_in", "nobody logs in by password here"),
    ("user_logged_out", "nobody logs in by password here"),
    (
        "reviewable_score_updated",
        "scores of reviewables are not simulated",
    ),
];

/// Fields that only the recorded objects have, with the reason.
const FIELDS: &[(&str, &str)] = &[(
    "reviewable",
    "recorded ones are of flagged posts, ours of queued posts",
)];

/// Compares by event and by whether it is a small action.
pub fn compare(folder: &Path, deliveries: &[(String, Value)]) {
    let mut problems = Vec::new();
    let mut compared = 0;
    let mut files: Vec<_> = std::fs::read_dir(folder.join("webhooks"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let recorded: Value =
            serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let body = match &recorded["body"] {
            Value::String(text) => serde_json::from_str(text).unwrap(),
            other => other.clone(),
        };
        let event = name.split('-').next().unwrap();
        if NOT_MADE.iter().any(|(listed, _)| *listed == event) {
            continue;
        }
        let root = body.as_object().unwrap().keys().next().unwrap().clone();
        if FIELDS.iter().any(|(listed, _)| *listed == root) {
            continue;
        }
        let code = body.pointer("/post/action_code");
        let has_key = body.pointer("/topic/external_id").is_some();
        let ours = deliveries.iter().find(|(other, value)| {
            other == event
                && value.pointer("/post/action_code") == code
                && value.pointer("/topic/external_id").is_some() == has_key
        });
        let Some((_, ours)) = ours else {
            problems.push(format!("{name}: no such event was made"));
            continue;
        };
        compared += 1;
        let found: Vec<String> = compare::differences(&body, ours)
            .into_iter()
            .filter(|text| text.contains("missing here") || text.contains("not recorded"))
            .filter(|text| !text.contains(".reply_to_user"))
            .collect();
        if !found.is_empty() {
            problems.push(format!("{name}: {}", found.join("\n      ")));
        }
    }
    assert!(
        problems.is_empty(),
        "{} problems:\n{}",
        problems.len(),
        problems.join("\n")
    );
    assert!(compared > 50, "only {compared} deliveries compared");
}
