//! Rules about what code may touch: I/O, clocks, randomness, tasks (invariants of section 3).
//!
//! Works on paths as they are written; a type that is renamed on import escapes it, which the
//! `disallowed_methods` lint then catches.

use super::finding::Finding;
use super::layer::{self, PURE_LAYER_MAX};
use super::syntax::Mention;
use super::tree::{File, Tree};

/// Parts of the standard library that reach the world.
const WORLD: &[&[&str]] = &[
    &["std", "env"],
    &["std", "fs"],
    &["std", "io"],
    &["std", "net"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "time", "Instant"],
    &["std", "time", "SystemTime"],
];

/// How the real clock and the real random source are reached.
const CLOCKS: &[&[&str]] = &[
    &["SystemTime", "now"],
    &["Instant", "now"],
    &["Timestamp", "now"],
    &["Zoned", "now"],
    &["Utc", "now"],
    &["Uuid", "now_v7"],
    &["Uuid", "new_v4"],
    &["rand", "rng"],
    &["rand", "random"],
    &["rand", "make_rng"],
    &["OsRng"],
    &["SysRng"],
    &["ThreadRng"],
    &["from_os_rng"],
    &["from_entropy"],
];

/// Crates that may reach them, each in one file.
const CLOCK_OWNERS: &[&str] = &[
    "simulation",
    "antiphon",
    "api-client",
    "canvas-sim",
    "discourse-sim",
    "queue-bench",
];

/// What the sync step must not do, so that a simulation can drive it by hand (invariant 6).
const STEP_FORBIDDEN: &[&str] = &[
    "tokio",
    "spawn",
    "spawn_blocking",
    "spawn_local",
    "sleep",
    "JoinSet",
    "Instant",
    "timeout",
];

/// Checks all rules about reaching the world.
pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in tree.rust().filter(|file| !file.is_test) {
        pure_layers(file, findings);
        step(file, findings);
        simulation(file, findings);
    }
    clock(tree, findings);
}

/// What a file mentions outside its tests.
fn mentions(file: &File) -> impl Iterator<Item = &Mention> {
    let all = file.syntax.iter().flat_map(|syntax| &syntax.mentions);
    all.filter(|mention| !file.is_test_line(mention.line))
}

fn pure_layers(file: &File, findings: &mut Vec<Finding>) {
    let row = file.crate_name().and_then(layer::row);
    if row.is_none_or(|row| row.layer > PURE_LAYER_MAX) {
        return;
    }
    for mention in mentions(file) {
        let what = mention.text();
        let message = if mention
            .segments
            .iter()
            .any(|part| part == "async" || part == "await")
        {
            format!("`{what}` in a pure layer: nothing here waits")
        } else if WORLD.iter().any(|path| mention.starts_with(path)) {
            format!("`{what}` in a pure layer: return a value and let a higher layer act")
        } else {
            continue;
        };
        findings.push(Finding::error(&file.path, mention.line, "purity", message));
    }
}

fn clock(tree: &Tree, findings: &mut Vec<Finding>) {
    let mut owners: Vec<(&str, &str)> = Vec::new();
    for file in tree.rust().filter(|file| !file.is_test) {
        let Some(name) = file.crate_name() else {
            continue;
        };
        let first = owners
            .iter()
            .find(|(owner, _)| *owner == name)
            .map(|(_, path)| *path);
        for mention in mentions(file).filter(|mention| is_clock(mention)) {
            let may = CLOCK_OWNERS.contains(&name) && first.is_none_or(|path| path == file.path);
            if may {
                owners.push((name, &file.path));
                continue;
            }
            let what = mention.text();
            let cure = match first {
                Some(path) => format!("`{path}` is the one place for it"),
                None => "take the clock or generator you were given".to_owned(),
            };
            let message = format!("`{what}` reads the real clock or randomness; {cure}");
            findings.push(Finding::error(&file.path, mention.line, "clock", message));
        }
    }
}

fn is_clock(mention: &Mention) -> bool {
    CLOCKS.iter().any(|path| mention.ends_with(path))
}

fn step(file: &File, findings: &mut Vec<Finding>) {
    let is_step = file.path == "crates/runner/src/step.rs"
        || file.path.starts_with("crates/runner/src/step/");
    if !is_step {
        return;
    }
    for mention in mentions(file) {
        let is_forbidden = STEP_FORBIDDEN
            .iter()
            .any(|word| mention.segments.iter().any(|s| s == word))
            || (mention.is_macro && mention.ends_with(&["select"]));
        if is_forbidden {
            let message = format!(
                "`{}`: the step awaits only the store and the connectors, so that a simulation can drive it",
                mention.text()
            );
            findings.push(Finding::error(&file.path, mention.line, "step", message));
        }
    }
}

/// The simulation drives the step; workers and timers of the runner are not its business.
fn simulation(file: &File, findings: &mut Vec<Finding>) {
    if file.crate_name() != Some("simulation") {
        return;
    }
    for mention in mentions(file).filter(|mention| mention.starts_with(&["runner"])) {
        let is_worker = mention.segments.get(1).is_some_and(|part| part == "worker");
        if is_worker {
            let message = format!(
                "`{}`: its loops own time, which the simulation owns",
                mention.text()
            );
            findings.push(Finding::error(
                &file.path,
                mention.line,
                "simulation",
                message,
            ));
        }
    }
}
