//! CommonMark's own examples, from its public package: the markup crate is held against them.

use std::path::Path;

use super::npm::{self, Wanted};
use crate::stage::Stages;

const EXAMPLES: Wanted = Wanted {
    what: "CommonMark's examples",
    package: "commonmark-spec",
    version: "0.31.2",
    file: "spec.txt",
};

/// Puts `spec.txt` into `target/commonmark`, once.
pub async fn prepare(root: &Path, stages: &Stages) -> anyhow::Result<()> {
    npm::fetch(&EXAMPLES, &root.join("target/commonmark"), stages).await
}
