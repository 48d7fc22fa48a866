//! Starts a benchmark in a release build.
//!
//! The benchmarks are hidden commands of the program itself; this file knows only how to reach them.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

/// Runs benchmark `name` with its own arguments and passes its exit code on.
pub fn run(root: &Path, name: &str, arguments: &[String]) -> anyhow::Result<ExitCode> {
    let status = Command::new("cargo")
        .args(["run", "--release", "--quiet", "--package", "antiphon"])
        .args(["--bin", "antiphon", "--", "bench", name])
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
