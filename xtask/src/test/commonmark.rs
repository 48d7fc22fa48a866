//! CommonMark's own examples, from its public package: the markup crate is held against them.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command;

use super::prerequisite;
use crate::stage::Stages;

const PACKAGE: &str = "commonmark-spec@0.31.2";
const LIMIT: Duration = Duration::from_mins(3);

/// Puts `spec.txt` into `target/commonmark`, once.
pub async fn prepare(root: &Path, stages: &Stages) -> anyhow::Result<()> {
    let folder = root.join("target/commonmark");
    if folder.join("spec.txt").is_file() {
        return Ok(());
    }
    if prerequisite::find("npm").is_none() {
        prerequisite::install("npm", &["npm"], stages).await?;
    }
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("{} cannot be made", folder.display()))?;
    let fetch = format!(
        "npm pack --silent {PACKAGE} && tar -xzf commonmark-spec-*.tgz --strip-components=1 package/spec.txt"
    );
    let mut command = Command::new("sh");
    command.args(["-c", &fetch]).current_dir(&folder);
    stages
        .run("CommonMark's examples", LIMIT, &mut command)
        .await
}
