//! What the tests of the pages need: a browser with its driver, and axe-core, which finds barriers.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command;

use super::prerequisite;
use crate::stage::Stages;

const PACKAGE: &str = "axe-core@4.14.1";
const LIMIT: Duration = Duration::from_mins(3);

/// Makes sure that Chromium, its driver and `target/axe/axe.min.js` are there.
pub async fn prepare(root: &Path, stages: &Stages) -> anyhow::Result<()> {
    if prerequisite::find("chromium").is_none() || prerequisite::find("chromedriver").is_none() {
        let packages = ["chromium", "chromium-driver"];
        prerequisite::install("Chromium with its driver", &packages, stages).await?;
    }
    let folder = root.join("target/axe");
    if folder.join("axe.min.js").is_file() {
        return Ok(());
    }
    if prerequisite::find("npm").is_none() {
        prerequisite::install("npm", &["npm"], stages).await?;
    }
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("{} cannot be made", folder.display()))?;
    let fetch = format!(
        "npm pack --silent {PACKAGE} && tar -xzf axe-core-*.tgz --strip-components=1 package/axe.min.js"
    );
    let mut command = Command::new("sh");
    command.args(["-c", &fetch]).current_dir(&folder);
    stages.run("axe-core", LIMIT, &mut command).await
}
