//! Rules about the crates' manifests: shared lints and shared versions.

use super::finding::Finding;
use super::tree::{File, Tree};

/// The tables of a manifest that list dependencies.
const TABLES: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

/// Checks every manifest but the root's.
pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in &tree.files {
        if file.path.ends_with("/Cargo.toml") {
            manifest(file, findings);
        }
    }
}

fn manifest(file: &File, findings: &mut Vec<Finding>) {
    let mut add = |line: usize, message: String| {
        findings.push(Finding::error(&file.path, line, "manifest", message));
    };
    let table = match file.text.parse::<toml::Table>() {
        Ok(table) => table,
        Err(error) => {
            add(1, format!("is not TOML: {}", error.message()));
            return;
        }
    };
    let is_shared = |value: Option<&toml::Value>| {
        value
            .and_then(|value| value.get("workspace"))
            .and_then(toml::Value::as_bool)
            == Some(true)
    };
    if !is_shared(table.get("lints")) {
        add(
            1,
            "takes no part in the shared lints: `[lints] workspace = true`".to_owned(),
        );
    }
    for kind in TABLES {
        let entries = table.get(*kind).and_then(toml::Value::as_table);
        for (name, value) in entries.into_iter().flatten() {
            if !is_shared(Some(value)) {
                let is_entry = |line: &str| line.starts_with(name.as_str());
                let line = file
                    .lines()
                    .find(|(_, line)| is_entry(line))
                    .map_or(1, |(n, _)| n);
                add(
                    line,
                    format!("`{name}` has a version of its own; put it into the root's table"),
                );
            }
        }
    }
}
