//! Automation for people who work on Antiphon: house rules, the whole test run, benches.
//!
//! Knows the layout of the tree and the tools around it; knows nothing of what the product does.

mod bench;
mod stage;
mod test;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

/// Automation for people who work on Antiphon.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the countable house rules; prints `path:line: rule: message` for each violation.
    Tidy {
        /// Also list what is only a warning (files that grow too long).
        #[arg(long)]
        warnings: bool,
    },
    /// Set up what the tests need (Python venv, PostgreSQL) and run all of them.
    Test {
        /// Leave out the doc tests and the Python suite.
        #[arg(long)]
        quick: bool,
    },
    /// Take a picture of every page, light and dark, wide and on a phone, into `target/screenshots`.
    Screenshots,
    /// Run a benchmark in a release build and print its figures.
    Bench {
        /// Which benchmark, for example `sync`.
        name: String,
        /// Passed on to the benchmark as they are.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            stage::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let root = root()?;
    match command {
        Command::Tidy { warnings } => tidy::run(&root, warnings),
        Command::Test { quick } => test::run(&root, quick),
        Command::Screenshots => test::screenshots(&root),
        Command::Bench { name, arguments } => bench::run(&root, &name, &arguments),
    }
}

/// The folder of the workspace manifest.
fn root() -> anyhow::Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.parent().context("xtask lies outside a workspace")?;
    Ok(root.to_path_buf())
}
