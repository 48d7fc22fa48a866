//! Rules that tie documents to code: error pages, decisions, invariants, the change log.
//!
//! Checks that what a document names exists; cannot check that it is true.

use std::collections::BTreeMap;

use super::RULES;
use super::finding::Finding;
use super::tree::{File, Tree, suffix};

const ERROR_PAGES: &str = "docs/errors/";
const DECISIONS: &str = "docs/decisions/";
const ARCHITECTURE: &str = "ARCHITECTURE.md";

/// Checks all rules about documents.
pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    error_pages(tree, findings);
    decisions(tree, findings);
    invariants(tree, findings);
    if tree.get("CHANGELOG.md").is_none() {
        let message = "there is no change log";
        findings.push(Finding::error("CHANGELOG.md", 1, "changelog", message));
    }
}

/// Every error code has a page and every page has a code.
fn error_pages(tree: &Tree, findings: &mut Vec<Finding>) {
    let mut used: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    for file in tree
        .rust()
        .filter(|file| !file.is_test && file.crate_name().is_some())
    {
        for (number, line) in file
            .lines()
            .filter(|(number, _)| !file.is_test_line(*number))
        {
            for code in error_codes(line) {
                used.entry(code).or_insert((&file.path, number));
            }
        }
    }
    for (code, (path, line)) in &used {
        let page = format!("{ERROR_PAGES}{code}.md");
        if tree.get(&page).is_none() {
            let message = format!("{code} has no page {page}");
            findings.push(Finding::error(path, *line, "error-page", message));
        }
    }
    for (file, name) in pages(tree, ERROR_PAGES) {
        let mut add = |message| findings.push(Finding::error(&file.path, 1, "error-page", message));
        if !used.contains_key(name) {
            add(format!(
                "no code raises {name}: delete the page or mend its name"
            ));
        }
        if !file.text.starts_with(&format!("# {name}")) {
            add(format!("the page does not begin with `# {name}`"));
        }
    }
}

/// The Markdown pages directly in a folder but its index, with their names.
fn pages<'a>(tree: &'a Tree, folder: &'a str) -> impl Iterator<Item = (&'a File, &'a str)> {
    tree.files.iter().filter_map(move |file| {
        let name = file.path.strip_prefix(folder)?.strip_suffix(".md")?;
        (name != "README" && !name.contains('/')).then_some((file, name))
    })
}

/// The error codes in a line: `SYNC-` and four digits.
fn error_codes(line: &str) -> impl Iterator<Item = &str> {
    const DIGITS: usize = 4;
    line.match_indices("SYNC-").filter_map(|(at, prefix)| {
        let code = line.get(at..at + prefix.len() + DIGITS)?;
        let rest = line.get(at + prefix.len() + DIGITS..)?;
        let digits = code.strip_prefix(prefix)?;
        let is_code = digits.chars().all(|c| c.is_ascii_digit())
            && !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
        is_code.then_some(code)
    })
}

/// Decisions are `0001-title.md`; where there is an index, all stand in it.
fn decisions(tree: &Tree, findings: &mut Vec<Finding>) {
    let index = tree.get(&format!("{DECISIONS}README.md"));
    for (file, name) in pages(tree, DECISIONS) {
        let mut add = |message| findings.push(Finding::error(&file.path, 1, "decision", message));
        let number = name.split('-').next().unwrap_or_default();
        if number.len() != 4 || !number.chars().all(|c| c.is_ascii_digit()) {
            add("the name is not `0001-title.md`".to_owned());
        }
        if index.is_some_and(|index| !index.text.contains(&format!("{name}.md"))) {
            add(format!("is missing from {DECISIONS}README.md"));
        }
    }
}

/// Every invariant of ARCHITECTURE.md ends with what proves it.
fn invariants(tree: &Tree, findings: &mut Vec<Finding>) {
    let mut add = |line, message: String| {
        findings.push(Finding::error(ARCHITECTURE, line, "invariant", message));
    };
    let Some(file) = tree.get(ARCHITECTURE) else {
        add(1, "there is no ARCHITECTURE.md".to_owned());
        return;
    };
    let items = invariant_items(file);
    if items.is_empty() {
        add(
            1,
            "there is no list under a heading \"Invariants\"".to_owned(),
        );
    }
    for (line, text) in items {
        match proofs(&text) {
            None => add(
                line,
                "end it with (test: `crate::module::name`), (test: `file.rs` `name`) or (tidy: `rule`)"
                    .to_owned(),
            ),
            Some(proofs) => {
                for proof in proofs.iter().filter(|proof| !holds(tree, proof)) {
                    add(line, format!("names {proof}, which does not exist"));
                }
            }
        }
    }
}

/// The list items under the heading "Invariants", each with its first line.
fn invariant_items(file: &File) -> Vec<(usize, String)> {
    let mut items: Vec<(usize, String)> = Vec::new();
    let mut level = None;
    for (number, line) in file.lines() {
        let hashes = line.len() - line.trim_start_matches('#').len();
        if hashes > 0 {
            let is_inside = level.is_some_and(|level| hashes > level);
            if !is_inside {
                level = line.to_lowercase().contains("invariant").then_some(hashes);
            }
        } else if level.is_some() && is_item(line) {
            items.push((number, line.trim().to_owned()));
        } else if let (Some((_, text)), true) = (items.last_mut(), line.starts_with(' ')) {
            text.push(' ');
            text.push_str(line.trim());
        }
    }
    items
}

fn is_item(line: &str) -> bool {
    let after_number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with("- ")
        || line.starts_with("* ")
        || (after_number.len() < line.len() && after_number.starts_with(". "))
}

/// What an invariant names as its proof.
#[derive(Debug, PartialEq, Eq)]
enum Proof {
    /// A rule of tidy.
    Rule(String),
    /// A test by crate, modules and name.
    Path(String),
    /// A test by file and name.
    InFile(String, String),
}

impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rule(rule) => write!(f, "the tidy rule `{rule}`"),
            Self::Path(path) => write!(f, "the test `{path}`"),
            Self::InFile(file, name) => write!(f, "the test `{name}` in `{file}`"),
        }
    }
}

/// Reads the last bracket of an item: `(test: …)`, `(tests: …)`, `(tidy: …)`, joined by `;`.
fn proofs(item: &str) -> Option<Vec<Proof>> {
    let inner = item.trim_end_matches('.').strip_suffix(')')?;
    let start = ["(test: ", "(tests: ", "(tidy: "]
        .iter()
        .filter_map(|s| inner.rfind(s))
        .min()?;
    let inner = inner.get(start + 1..)?;
    let mut proofs = Vec::new();
    for part in inner.split(';') {
        let (kind, names) = part.trim().split_once(':')?;
        let mut file = None;
        for name in names.split('`').skip(1).step_by(2) {
            let name = name.trim_end_matches("()").to_owned();
            proofs.push(match (kind, &file) {
                ("tidy", _) => Proof::Rule(name),
                _ if matches!(suffix(&name), "rs" | "py") => {
                    file = Some(name);
                    continue;
                }
                (_, Some(file)) => Proof::InFile(file.clone(), name),
                (_, None) => Proof::Path(name),
            });
        }
    }
    (!proofs.is_empty()).then_some(proofs)
}

fn holds(tree: &Tree, proof: &Proof) -> bool {
    match proof {
        Proof::Rule(rule) => RULES.contains(&rule.as_str()),
        Proof::InFile(path, name) => tree.files.iter().any(|file| {
            (file.path == *path || file.path.ends_with(&format!("/{path}"))) && defines(file, name)
        }),
        Proof::Path(path) => {
            let mut parts: Vec<&str> = path.split("::").collect();
            let name = parts.pop().unwrap_or_default();
            let Some((owner, modules)) = parts.split_first() else {
                return false;
            };
            tree.rust()
                .any(|file| is_in(file, owner, modules) && defines(file, name))
        }
    }
}

/// Whether a file of crate `owner` is, or holds, the module path.
fn is_in(file: &File, owner: &str, modules: &[&str]) -> bool {
    let is_owner = match file.crate_name() {
        Some(name) => name.replace('-', "_") == owner.replace('-', "_"),
        None => file.path.starts_with(&format!("{owner}/")),
    };
    let folders: Vec<&str> = file.path.trim_end_matches(".rs").split('/').collect();
    let inline = file.syntax.iter().flat_map(|syntax| &syntax.module_names);
    let inline: Vec<&str> = inline.map(|(name, _)| name.as_str()).collect();
    is_owner
        && modules
            .iter()
            .all(|module| folders.contains(module) || inline.contains(module))
}

fn defines(file: &File, name: &str) -> bool {
    let keyword = if file.suffix() == "py" { "def" } else { "fn" };
    ["(", "<"]
        .iter()
        .any(|after| file.text.contains(&format!("{keyword} {name}{after}")))
}

#[cfg(test)]
mod tests {
    use super::{Proof, error_codes, proofs};

    #[test]
    fn finds_error_codes_and_nothing_else() {
        let line = "SYNC-1234, SYNC-12, SYNC-12345, \"SYNC-0001\" SYNC-";
        assert_eq!(
            error_codes(line).collect::<Vec<_>>(),
            ["SYNC-1234", "SYNC-0001"]
        );
    }

    #[test]
    fn reads_proofs_in_all_their_forms() {
        let item = "- No (really) echo. (tests: `a::b::c`, `x/y.rs` `d` `e()`; tidy: `layer`)";
        let expected = [
            Proof::Path("a::b::c".to_owned()),
            Proof::InFile("x/y.rs".to_owned(), "d".to_owned()),
            Proof::InFile("x/y.rs".to_owned(), "e".to_owned()),
            Proof::Rule("layer".to_owned()),
        ];
        assert_eq!(proofs(item).unwrap(), expected);
        for item in [
            "- No proof.",
            "- Half (test: `a::b`) a proof",
            "- (test: none)",
        ] {
            assert_eq!(proofs(item), None, "{item}");
        }
    }
}
