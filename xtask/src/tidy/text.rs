//! Rules about plain text: white space, line length, words that must not stand here.
//!
//! Knows no Rust beyond what tells it where string literals and tests are.

use super::finding::Finding;
use super::tree::{File, Tree};

/// The longest line of code, in characters. Prose (Markdown) and data are exempt.
const LINE_LENGTH_MAX: usize = 120;

/// Files with a line length limit. Markdown and TOML put one sentence or table row on a line.
const LIMITED_SUFFIXES: &[&str] = &["rs", "py", "sql", "sh", "css", "js"];

/// Words that must not stand in the tree, each with the reason. Written in halves so that this
/// file obeys its own rule.
const BANNED: &[(&str, &str)] = &[
    (
        concat!("/wo", "rk/"),
        "names a folder of somebody's machine",
    ),
    (
        concat!("/fa", "rm/"),
        "names a folder of somebody's machine",
    ),
    (
        concat!("/ro", "ot/"),
        "names a folder of somebody's machine",
    ),
    (
        concat!("/tmp/anti", "phon"),
        "names a folder of somebody's machine; take a temporary one",
    ),
    (
        concat!(".lib", "rary/"),
        "names a folder of somebody's machine",
    ),
    (concat!("FIX", "ME"), "finish it or open an issue"),
    (concat!("TO", "DO"), "finish it or open an issue"),
    (concat!("<<<<", "<<< "), "is a merge conflict"),
    (concat!(">>>>", ">>> "), "is a merge conflict"),
];

/// Macros and attributes that leave work undone or tests unrun.
const UNFINISHED_MACROS: &[&str] = &["todo", "unimplemented"];

/// The same in Python tests: a prerequisite that is missing is an error, not a skip.
const UNFINISHED_PYTHON: &[&str] = &[
    "pytest.mark.skip",
    "pytest.skip(",
    "pytest.mark.xfail",
    "pytest.importorskip",
];

/// Checks all text rules.
pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in &tree.files {
        white_space(file, findings);
        line_length(file, findings);
        banned_words(file, findings);
        unfinished(file, findings);
    }
}

fn white_space(file: &File, findings: &mut Vec<Finding>) {
    let mut add = |line, message: &str| {
        findings.push(Finding::error(&file.path, line, "whitespace", message));
    };
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        add(
            file.text.lines().count(),
            "the file does not end with a newline",
        );
    }
    if file.text.ends_with("\n\n") {
        add(
            file.text.lines().count(),
            "empty lines at the end of the file",
        );
    }
    if file.text.contains('\r') {
        add(1, "carriage returns; lines end with a plain newline");
    }
    for (number, line) in file.lines() {
        if is_in_long_literal(file, number) {
            continue;
        }
        if line.ends_with([' ', '\t']) {
            add(number, "white space at the end of the line");
        }
        if line.contains('\t') {
            add(number, "a tab; indent with spaces, write \\t in strings");
        }
    }
}

fn line_length(file: &File, findings: &mut Vec<Finding>) {
    if !LIMITED_SUFFIXES.contains(&file.suffix()) {
        return;
    }
    for (number, line) in file.lines() {
        let length = line.chars().count();
        let is_exempt = length <= LINE_LENGTH_MAX
            || line.contains("://")
            || is_in_long_literal(file, number)
            || is_long_literal(file, number);
        if !is_exempt {
            let message = format!("{length} characters; at most {LINE_LENGTH_MAX}");
            findings.push(Finding::error(&file.path, number, "line-length", message));
        }
    }
}

/// Inside a literal of several lines white space and length are content (snapshots, SQL, HTML).
fn is_in_long_literal(file: &File, line: usize) -> bool {
    file.syntax.as_ref().is_some_and(|syntax| {
        syntax.literals.iter().any(|literal| {
            literal.first_line < literal.last_line
                && (literal.first_line..=literal.last_line).contains(&line)
        })
    })
}

/// One long literal may stand on a line: the formatter does not break it, and words cut in two are harder to read.
fn is_long_literal(file: &File, line: usize) -> bool {
    file.syntax.as_ref().is_some_and(|syntax| {
        syntax
            .literals
            .iter()
            .any(|literal| literal.last_line == line && literal.end_column > LINE_LENGTH_MAX - 10)
    })
}

fn banned_words(file: &File, findings: &mut Vec<Finding>) {
    for (number, line) in file.lines() {
        for (word, reason) in BANNED {
            if has_word(line, word) {
                let message = format!("\"{word}\" {reason}");
                findings.push(Finding::error(&file.path, number, "banned-word", message));
            }
        }
    }
}

/// Whether `word` stands in `line` and is not the middle of a longer name or path.
fn has_word(line: &str, word: &str) -> bool {
    let is_letter_after = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphanumeric());
    let is_name = word.chars().all(char::is_alphanumeric);
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).unwrap_or_default();
        let after = line.get(at + word.len()..).unwrap_or_default();
        let glued = before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '}');
        !glued && (!is_name || !is_letter_after(after))
    })
}

fn unfinished(file: &File, findings: &mut Vec<Finding>) {
    let mut add = |line, message: String| {
        findings.push(Finding::error(&file.path, line, "unfinished", message));
    };
    if let Some(syntax) = &file.syntax {
        for mention in syntax.mentions.iter().filter(|mention| mention.is_macro) {
            if UNFINISHED_MACROS
                .iter()
                .any(|name| mention.ends_with(&[name]))
            {
                add(
                    mention.line,
                    format!("`{}!` is not finished work", mention.text()),
                );
            }
        }
        for line in &syntax.ignored {
            add(
                *line,
                "an ignored test proves nothing: mend it or delete it".to_owned(),
            );
        }
    }
    for (number, line) in file.lines() {
        if file.suffix() == "rs" && line.trim_start().starts_with("/// ```ignore") {
            add(
                number,
                "an ignored doc test proves nothing: mend it or make it `text`".to_owned(),
            );
        }
        let skip = UNFINISHED_PYTHON.iter().find(|word| line.contains(**word));
        if let (true, Some(word)) = (file.suffix() == "py", skip) {
            add(
                number,
                format!("`{word}` skips a test; a missing prerequisite is an error"),
            );
        }
    }
}
