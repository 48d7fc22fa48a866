//! What the tests of the pages need: a browser with its driver, and axe-core, which finds barriers.

use std::path::Path;

use super::npm::{self, Wanted};
use super::prerequisite;
use crate::stage::Stages;

const AXE: Wanted = Wanted {
    what: "axe-core",
    package: "axe-core",
    version: "4.14.1",
    file: "axe.min.js",
};

/// Makes sure that Chromium, its driver and `target/axe/axe.min.js` are there.
pub async fn prepare(root: &Path, stages: &Stages) -> anyhow::Result<()> {
    if prerequisite::find("chromium").is_none() || prerequisite::find("chromedriver").is_none() {
        let packages = ["chromium", "chromium-driver"];
        prerequisite::install("Chromium with its driver", &packages, stages).await?;
    }
    npm::fetch(&AXE, &root.join("target/axe"), stages).await
}
