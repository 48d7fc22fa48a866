//! The Python environment with the public clients, in `.venv`.
//!
//! It is made anew only when the pinned requirements have changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command;

use super::prerequisite;
use crate::stage::Stages;

const REQUIREMENTS: &str = "tests/python/requirements.txt";
const FOLDER: &str = ".venv";
/// A copy of the requirements that the environment was made from; written last.
const STAMP: &str = "made-from-requirements.txt";
const LIMIT: Duration = Duration::from_mins(5);

/// Makes sure that the environment is there and returns its interpreter.
pub async fn prepare(root: &Path, stages: &Stages) -> anyhow::Result<PathBuf> {
    let requirements = fs::read_to_string(root.join(REQUIREMENTS))
        .with_context(|| format!("cannot read {REQUIREMENTS}"))?;
    let folder = root.join(FOLDER);
    let python = folder.join("bin/python");
    if is_fresh(&folder, &requirements) {
        stages.note("Python environment: unchanged");
        return Ok(python);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot remove the old .venv")?;
    }
    let check = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 9))";
    if prerequisite::output("python3", &["-c", check]).is_none() {
        let packages = ["python3", "python3-venv"];
        prerequisite::install("Python 3.9 with venv", &packages, stages).await?;
    }
    let mut make = Command::new("python3");
    make.args(["-m", "venv"]).arg(&folder);
    stages.run("Python environment", LIMIT, &mut make).await?;
    let mut fill = Command::new(&python);
    fill.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ])
    .args(["--requirement", REQUIREMENTS])
    .current_dir(root);
    stages.run("Python packages", LIMIT, &mut fill).await?;
    fs::write(folder.join(STAMP), requirements)?;
    Ok(python)
}

/// Whether the environment was made, to its end, from these requirements, and still works.
fn is_fresh(folder: &Path, requirements: &str) -> bool {
    let python = folder.join("bin/python").to_string_lossy().into_owned();
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|stamp| stamp == requirements)
        && prerequisite::output(&python, &["-c", "import pytest"]).is_some()
}

#[cfg(test)]
mod tests {
    use super::{STAMP, is_fresh};

    #[test]
    fn an_environment_is_fresh_only_when_complete_and_from_the_same_requirements() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_fresh(folder.path(), "a==1\n"), "nothing there");
        std::fs::write(folder.path().join(STAMP), "a==1\n").unwrap();
        assert!(!is_fresh(folder.path(), "a==1\n"), "no interpreter");
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink("/bin/true", bin.join("python")).unwrap();
        assert!(is_fresh(folder.path(), "a==1\n"));
        assert!(!is_fresh(folder.path(), "a==2\n"), "other requirements");
    }
}
