//! The stages that cargo runs: build, tests, doc tests.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use cargo_metadata::Message;
use tokio::process::Command;

use super::prerequisite;
use crate::stage::Stages;

const BUILD_LIMIT: Duration = Duration::from_mins(20);
const TEST_LIMIT: Duration = Duration::from_mins(20);

/// The program that the Python suite starts.
const BINARY: &str = "antiphon";

fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(root);
    command
}

/// Builds all that the tests run and returns the path of the program.
pub async fn build(root: &Path, stages: &Stages) -> anyhow::Result<PathBuf> {
    let arguments = [
        "build",
        "--workspace",
        "--message-format=json-render-diagnostics",
    ];
    let output = stages
        .capture("cargo build", BUILD_LIMIT, &mut cargo(root, &arguments))
        .await?;
    executable(&output).context("cargo built no program `antiphon`")
}

/// The path of the program in cargo's messages.
fn executable(messages: &str) -> Option<PathBuf> {
    Message::parse_stream(messages.as_bytes())
        .filter_map(Result::ok)
        .find_map(|message| {
            let Message::CompilerArtifact(artifact) = message else {
                return None;
            };
            let is_it = artifact.target.name == BINARY && artifact.target.is_bin();
            artifact.executable.filter(|_| is_it).map(PathBuf::from)
        })
}

/// Runs every Rust test but those in documents.
pub async fn test(root: &Path, stages: &Stages, postgres: (&str, &str)) -> anyhow::Result<()> {
    let has_nextest = prerequisite::output("cargo", &["nextest", "--version"]).is_some();
    let arguments: &[&str] = if has_nextest {
        &["nextest", "run", "--workspace", "--no-fail-fast"]
    } else {
        &[
            "test",
            "--workspace",
            "--lib",
            "--bins",
            "--tests",
            "--no-fail-fast",
        ]
    };
    let mut command = cargo(root, arguments);
    command.env(postgres.0, postgres.1);
    stages.run("Rust tests", TEST_LIMIT, &mut command).await
}

/// Runs the tests in documents.
pub async fn doc_test(root: &Path, stages: &Stages) -> anyhow::Result<()> {
    let mut command = cargo(root, &["test", "--workspace", "--doc", "--quiet"]);
    stages.run("Rust doc tests", TEST_LIMIT, &mut command).await
}

#[cfg(test)]
mod tests {
    use super::executable;

    #[test]
    fn finds_the_program_among_cargo_messages() {
        let artifact = |name: &str, kind: &str, path: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"x","manifest_path":"x",
                "target":{{"kind":["{kind}"],"crate_types":["{kind}"],"name":"{name}",
                "src_path":"x","edition":"2024","doc":true,"doctest":true,"test":true}},
                "profile":{{"opt_level":"0","debuginfo":0,"debug_assertions":true,
                "overflow_checks":true,"test":false}},"features":[],"filenames":[],
                "executable":{path},"fresh":true}}"#
            )
            .replace('\n', "")
        };
        let lines = [
            artifact("antiphon", "custom-build", "null"),
            artifact("xtask", "bin", "\"a/xtask\""),
            artifact("antiphon", "bin", "\"a/antiphon\""),
        ];
        let path = executable(&lines.join("\n")).unwrap();
        assert_eq!(path.to_str().unwrap(), "a/antiphon");
        assert_eq!(executable(&lines[..2].join("\n")), None);
        assert_eq!(executable("not json\n"), None);
    }
}
