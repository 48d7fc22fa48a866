//! The countable house rules, checked from the files and the package graph.
//!
//! A rule is a function from the [`Tree`] (or the [`Graph`]) to findings; it prints nothing and
//! reads nothing from disk, so every rule has a test with a small made-up tree that breaks it.
//! Checks that compare committed generated files (CLI help, configuration reference) with what
//! the program prints belong here too once the program can print them: add a module, add its
//! rule to [`RULES`] and call it in [`check`].

mod document;
mod finding;
mod graph;
mod layer;
mod manifest;
mod purity;
mod shape;
mod size;
mod syntax;
mod text;
mod tree;

#[cfg(test)]
mod tests;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use self::finding::{Finding, Level};
use self::graph::Graph;
use self::tree::Tree;

/// Every rule, by the name that stands in its findings.
pub const RULES: &[&str] = &[
    "banned-word",
    "changelog",
    "clock",
    "decision",
    "error-page",
    "file-size",
    "folder-name",
    "function-size",
    "invariant",
    "layer",
    "line-length",
    "manifest",
    "module-doc",
    "module-name",
    "orphan",
    "parameters",
    "purity",
    "simulation",
    "step",
    "syntax",
    "unfinished",
    "whitespace",
    "wire",
];

/// Checks the tree at `root`, prints what was found and fails when a rule is broken.
pub fn run(root: &Path, with_warnings: bool) -> anyhow::Result<ExitCode> {
    let tree = Tree::load(root)?;
    let graph = Graph::load(root)?;
    let findings = check(&tree, &graph);
    let (errors, warnings): (Vec<_>, Vec<_>) = findings
        .iter()
        .partition(|finding| finding.level == Level::Error);

    let mut out = std::io::stdout().lock();
    for finding in &errors {
        writeln!(out, "{finding}")?;
    }
    for finding in warnings.iter().filter(|_| with_warnings) {
        writeln!(out, "{finding}")?;
    }
    writeln!(
        out,
        "tidy: {} files, {} rules, {} violations, {} warnings{}",
        tree.files.len(),
        RULES.len(),
        errors.len(),
        warnings.len(),
        if warnings.is_empty() || with_warnings {
            ""
        } else {
            " (list them with --warnings)"
        },
    )?;
    Ok(if errors.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs every rule; the findings come sorted by file and line.
fn check(tree: &Tree, graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    text::check(tree, &mut findings);
    size::check(tree, &mut findings);
    shape::check(tree, &mut findings);
    purity::check(tree, &mut findings);
    document::check(tree, &mut findings);
    manifest::check(tree, &mut findings);
    layer::check(tree, graph, &mut findings);
    findings.sort();
    findings.dedup();
    findings
}
