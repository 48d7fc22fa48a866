//! The text files of the project, read once, with their Rust syntax.
//!
//! Knows which files are ours and which are tests; knows no rule.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::syntax::{self, Syntax};

/// Folders that hold nothing of ours.
const SKIPPED_FOLDERS: &[&str] = &[
    ".git",
    ".venv",
    "target",
    "node_modules",
    "__pycache__",
    ".pytest_cache",
];

/// Names that end like this are text of ours.
const TEXT_SUFFIXES: &[&str] = &[
    "rs", "toml", "md", "sql", "py", "sh", "txt", "json", "jsonl", "yml", "yaml", "html", "css",
    "js", "svg", "cfg", "ini",
];

/// A depth that no folder of ours reaches; stops a loop of links.
const DEPTH_MAX: usize = 20;

/// All text files, sorted by path.
#[derive(Debug, Default)]
pub struct Tree {
    /// The files.
    pub files: Vec<File>,
}

/// One text file.
#[derive(Debug)]
pub struct File {
    /// Path relative to the root, with `/`.
    pub path: String,
    /// The whole text.
    pub text: String,
    /// What the parser found, for Rust files that parse.
    pub syntax: Option<Syntax>,
    /// Line and message of the parse error, for Rust files that do not parse.
    pub broken: Option<(usize, String)>,
    /// Whether the whole file is test code.
    pub is_test: bool,
}

impl Tree {
    /// Reads the tree from disk.
    pub fn load(root: &Path) -> anyhow::Result<Self> {
        let mut found = Vec::new();
        walk(root, "", 0, &mut found)?;
        Ok(Self::of(found))
    }

    /// A tree from paths and texts.
    pub fn of(texts: Vec<(String, String)>) -> Self {
        let mut files: Vec<File> = texts.into_iter().map(File::of).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let test_modules: HashSet<String> = files.iter().flat_map(test_module_paths).collect();
        for file in &mut files {
            file.is_test |= test_modules.contains(&file.path);
        }
        Self { files }
    }

    /// The file at `path`.
    pub fn get(&self, path: &str) -> Option<&File> {
        let index = self
            .files
            .binary_search_by(|file| file.path.as_str().cmp(path))
            .ok()?;
        self.files.get(index)
    }

    /// The Rust files.
    pub fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.suffix() == "rs")
    }
}

impl File {
    fn of((path, text): (String, String)) -> Self {
        let (mut syntax, mut broken) = (None, None);
        if suffix(&path) == "rs" {
            match syntax::parse(&text) {
                Ok(parsed) => syntax = Some(parsed),
                Err(error) => broken = Some((error.span().start().line, error.to_string())),
            }
        }
        let is_test = ["/tests/", "/benches/", "/examples/", "/tests.rs"]
            .iter()
            .any(|part| format!("/{path}").contains(part));
        Self {
            path,
            text,
            syntax,
            broken,
            is_test,
        }
    }

    /// What follows the last dot of the name, or nothing.
    pub fn suffix(&self) -> &str {
        suffix(&self.path)
    }

    /// The lines, numbered from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    /// Whether line `line` is test code.
    pub fn is_test_line(&self, line: usize) -> bool {
        self.is_test
            || self
                .syntax
                .as_ref()
                .is_some_and(|syntax| syntax.test_lines.iter().any(|range| range.contains(&line)))
    }

    /// The name of the crate that the file belongs to.
    pub fn crate_name(&self) -> Option<&str> {
        let rest = self.path.strip_prefix("crates/")?;
        rest.split_once('/').map(|(name, _)| name)
    }

    /// The folder in which the modules that this file declares lie.
    pub fn module_folder(&self) -> String {
        let (folder, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let is_root = matches!(name, "lib.rs" | "main.rs" | "mod.rs") || folder.ends_with("/bin");
        if is_root {
            folder.to_owned()
        } else {
            self.path.trim_end_matches(".rs").to_owned()
        }
    }
}

/// What follows the last dot of a path's name, or nothing.
pub fn suffix(path: &str) -> &str {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    name.rsplit_once('.').map_or("", |(_, suffix)| suffix)
}

/// The files of modules that `file` declares under `#[cfg(test)]`.
fn test_module_paths(file: &File) -> Vec<String> {
    let folder = file.module_folder();
    let modules = file.syntax.iter().flat_map(|syntax| &syntax.modules);
    modules
        .filter(|module| module.is_test)
        .map(|module| format!("{folder}/{}.rs", module.path.join("/")))
        .collect()
}

fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    found: &mut Vec<(String, String)>,
) -> anyhow::Result<()> {
    anyhow::ensure!(
        depth < DEPTH_MAX,
        "folders nest too deeply at {}",
        folder.display()
    );
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() && !SKIPPED_FOLDERS.contains(&name.as_str()) {
            walk(&entry.path(), &format!("{path}/"), depth + 1, found)?;
        } else if kind.is_file() && is_ours(&path) {
            let bytes = fs::read(entry.path()).with_context(|| format!("cannot read {path}"))?;
            let text = String::from_utf8(bytes).with_context(|| format!("{path} is not UTF-8"))?;
            found.push((path, text));
        }
    }
    Ok(())
}

/// Whether the file at `path` is text that the rules are for.
fn is_ours(path: &str) -> bool {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    // A lock file is generated; a file without a suffix is a script or a licence.
    name != "Cargo.lock"
        && !name.starts_with("LICENSE")
        && (TEXT_SUFFIXES.contains(&suffix(path))
            || path.starts_with(".ci/")
            || name == ".gitignore")
}
