//! Programs of the machine that the tests need: finds them, installs them where that is allowed.

use std::path::{Path, PathBuf};
use std::process::{Command as BlockingCommand, Stdio};
use std::time::Duration;

use tokio::process::Command;

use crate::stage::Stages;

const INSTALL_LIMIT: Duration = Duration::from_mins(10);

/// Where a program lies, links resolved, if the search path has it.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = output("sh", &["-c", &format!("command -v {program}")])?;
    Path::new(path.trim()).canonicalize().ok()
}

/// What a program prints, if it starts and succeeds.
pub fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = BlockingCommand::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether we run as the superuser.
pub fn is_root() -> bool {
    output("id", &["-u"]).is_some_and(|id| id.trim() == "0")
}

/// Installs Debian packages when we may, else says what to install.
pub async fn install(what: &str, packages: &[&str], stages: &Stages) -> anyhow::Result<()> {
    let list = packages.join(" ");
    anyhow::ensure!(
        is_root() && find("apt-get").is_some(),
        "{what} is missing and cannot be installed from here: run `apt-get install {list}` as \
         root (Debian, Ubuntu), or install it your system's way, and try again"
    );
    stages.note(&format!(
        "{what} is missing: installing {list} with apt-get"
    ));
    let apt = || {
        let mut command = Command::new("apt-get");
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .arg("--quiet");
        command
    };
    stages
        .run("apt-get update", INSTALL_LIMIT, apt().arg("update"))
        .await?;
    let mut command = apt();
    command
        .args(["install", "--yes", "--no-install-recommends"])
        .args(packages);
    stages
        .run("apt-get install", INSTALL_LIMIT, &mut command)
        .await
}

#[cfg(test)]
mod tests {
    use super::{find, output};

    #[test]
    fn finds_what_is_there_and_not_what_is_not() {
        let shell = find("sh").unwrap();
        assert!(
            shell.is_absolute() && shell.is_file(),
            "{}",
            shell.display()
        );
        assert_eq!(find("no-such-program-here"), None);
        assert_eq!(output("sh", &["-c", "echo x"]).as_deref(), Some("x\n"));
        assert_eq!(output("sh", &["-c", "echo x; exit 1"]), None);
        assert_eq!(output("no-such-program-here", &[]), None);
    }
}
