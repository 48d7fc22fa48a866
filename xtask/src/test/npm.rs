//! Single files out of npm's packages, for tests only.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command;

use super::prerequisite;
use crate::stage::Stages;

const LIMIT: Duration = Duration::from_mins(3);

/// One file of a package.
pub struct Wanted {
    /// What it is, for the log.
    pub what: &'static str,
    /// The package.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The file's path in the package.
    pub file: &'static str,
}

/// Puts the file into a folder, once; installs npm first where it is missing and we may.
pub async fn fetch(wanted: &Wanted, folder: &Path, stages: &Stages) -> anyhow::Result<()> {
    if folder.join(wanted.file).is_file() {
        return Ok(());
    }
    if prerequisite::find("npm").is_none() {
        prerequisite::install("npm", &["npm"], stages).await?;
    }
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{} cannot be made", folder.display()))?;
    let Wanted {
        package,
        version,
        file,
        ..
    } = wanted;
    let fetch = format!(
        "npm pack --silent {package}@{version} && tar -xzf {package}-*.tgz --strip-components=1 package/{file}"
    );
    let mut command = Command::new("sh");
    command.args(["-c", &fetch]).current_dir(folder);
    stages.run(wanted.what, LIMIT, &mut command).await
}
