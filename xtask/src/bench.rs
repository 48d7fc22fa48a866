//! Starts a benchmark in a release build.
//!
//! The benchmarks are hidden commands of the program itself, or an example or a program of their own; this
//! file knows only how to reach them.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

/// Runs benchmark `name` with its own arguments and passes its exit code on.
pub fn run(root: &Path, name: &str, arguments: &[String]) -> anyhow::Result<ExitCode> {
    let target: &[&str] = match name {
        "markup" => &["markup", "--example", "bench", "--"],
        "queue" => &["queue-bench", "--bin", "queue-bench", "--", "suite"],
        _ => &["antiphon", "--bin", "antiphon", "--", "bench", name],
    };
    let status = Command::new("cargo")
        .args(["run", "--release", "--quiet", "--package"])
        .args(target)
        .args(arguments)
        .current_dir(root)
        .status()
        .context("cannot start cargo")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
