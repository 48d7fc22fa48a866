//! Rules about where code lies: file and module names, module documents, dead files.
//!
//! Looks at names and declarations only, never at what the code does.

use std::collections::HashSet;

use super::finding::Finding;
use super::tree::{File, Tree};

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &[
    "util", "utils", "common", "helper", "helpers", "manager", "managers", "misc",
];

/// Checks all rules about places and names.
pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    let declared = declared_files(tree);
    for file in tree.rust() {
        module_names(file, findings);
        module_document(file, findings);
        wire_modules(file, findings);
        if let Some((line, message)) = &file.broken {
            findings.push(Finding::error(&file.path, *line, "syntax", message.clone()));
        }
        if is_module_of_source(&file.path) && !declared.contains(&file.path) {
            let message = "no `mod` declares this file, so nothing compiles it";
            findings.push(Finding::error(&file.path, 1, "orphan", message));
        }
    }
}

fn module_names(file: &File, findings: &mut Vec<Finding>) {
    let mut add = |line, message| {
        findings.push(Finding::error(&file.path, line, "module-name", message));
    };
    if file.path.ends_with("/mod.rs") {
        add(
            1,
            "use `foo.rs` with a folder `foo/` beside it, not `mod.rs`".to_owned(),
        );
    }
    for part in file.path.trim_end_matches(".rs").split('/') {
        if EMPTY_NAMES.contains(&part) {
            add(1, format!("`{part}` says nothing; name what is inside"));
        }
    }
    for (name, line) in file.syntax.iter().flat_map(|syntax| &syntax.module_names) {
        if EMPTY_NAMES.contains(&name.as_str()) {
            add(*line, format!("`{name}` says nothing; name what is inside"));
        }
    }
}

fn module_document(file: &File, findings: &mut Vec<Finding>) {
    let first = file.text.lines().next().unwrap_or_default();
    if !first.starts_with("//! ") {
        let message = "begin with `//!`: what the module is for and what it must not know";
        findings.push(Finding::error(&file.path, 1, "module-doc", message));
    }
}

/// Wire types never leave `canvas` and `discourse`; rows never leave `store` (invariant 7).
fn wire_modules(file: &File, findings: &mut Vec<Finding>) {
    let kept = match file.path.as_str() {
        "crates/canvas/src/lib.rs" | "crates/discourse/src/lib.rs" => "wire",
        "crates/store/src/lib.rs" => "row",
        _ => return,
    };
    for (number, line) in file.lines() {
        let line = line.trim_start();
        let is_public = [format!("pub mod {kept}"), format!("pub use {kept}")]
            .iter()
            .chain([
                &format!("pub use self::{kept}"),
                &format!("pub use crate::{kept}"),
            ])
            .any(|start| {
                line.strip_prefix(start.as_str()).is_some_and(|rest| {
                    !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
                })
            });
        if is_public {
            let message = format!("`{kept}` is this crate's own business; translate to records");
            findings.push(Finding::error(&file.path, number, "wire", message));
        }
    }
}

/// Whether some `mod` should declare the file: all of `src/` but crate roots and binaries.
fn is_module_of_source(path: &str) -> bool {
    let Some((_, inner)) = path.split_once("src/") else {
        return false;
    };
    let is_binary = inner
        .strip_prefix("bin/")
        .is_some_and(|rest| !rest.contains('/'));
    !matches!(inner, "lib.rs" | "main.rs") && !is_binary && !inner.ends_with("/main.rs")
}

/// Every file that a `mod` of some file stands for.
fn declared_files(tree: &Tree) -> HashSet<String> {
    let mut declared = HashSet::new();
    for file in tree.rust() {
        let folder = file.module_folder();
        for module in file.syntax.iter().flat_map(|syntax| &syntax.modules) {
            let path = module.path.join("/");
            declared.insert(format!("{folder}/{path}.rs"));
            declared.insert(format!("{folder}/{path}/mod.rs"));
        }
    }
    declared
}
