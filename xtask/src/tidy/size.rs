//! Rules about sizes: files, functions, parameters (design section 14).
//!
//! Test code has no limits here: a table of cases is as long as it must be.

use super::finding::Finding;
use super::tree::{File, Tree};

/// The aim for a file, in lines without tests.
const FILE_LINES_AIM: usize = 300;
/// Above this a file says why it is long.
const FILE_LINES_EXPLAIN: usize = 500;
/// Above this a file is split.
const FILE_LINES_MAX: usize = 800;
/// The comment that says why a file is long.
const EXPLANATION: &str = concat!("// tidy: long ", "because ");
/// From the signature to the closing brace, comments included: clippy's limit of 70 counts only the body's code.
const FUNCTION_LINES_MAX: usize = 80;
/// With the receiver.
const PARAMETERS_MAX: usize = 5;

/// Checks all size rules.
pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in tree.rust().filter(|file| !file.is_test) {
        file_size(file, findings);
        functions(file, findings);
    }
}

fn file_size(file: &File, findings: &mut Vec<Finding>) {
    let lines = file
        .lines()
        .filter(|(number, _)| !file.is_test_line(*number))
        .count();
    let is_explained = file.lines().any(|(_, line)| {
        line.trim_start()
            .strip_prefix(EXPLANATION)
            .is_some_and(|reason| !reason.trim().is_empty())
    });
    let error = |message| Finding::error(&file.path, 1, "file-size", message);
    if lines > FILE_LINES_MAX {
        findings.push(error(format!(
            "{lines} lines without tests; split at {FILE_LINES_MAX}"
        )));
    } else if lines > FILE_LINES_EXPLAIN && !is_explained {
        findings.push(error(format!(
            "{lines} lines without tests; above {FILE_LINES_EXPLAIN} a line `{EXPLANATION}…` says why"
        )));
    } else if lines > FILE_LINES_AIM {
        let message = format!("{lines} lines without tests; aim for under {FILE_LINES_AIM}");
        findings.push(Finding::warning(&file.path, 1, "file-size", message));
    }
}

fn functions(file: &File, findings: &mut Vec<Finding>) {
    let functions = file.syntax.iter().flat_map(|syntax| &syntax.functions);
    for function in functions.filter(|function| !file.is_test_line(function.line)) {
        let mut add = |rule, message| {
            findings.push(Finding::error(&file.path, function.line, rule, message));
        };
        let (name, lines, parameters) = (&function.name, function.lines, function.parameters);
        if lines > FUNCTION_LINES_MAX {
            add(
                "function-size",
                format!("`{name}` has {lines} lines; at most {FUNCTION_LINES_MAX}"),
            );
        }
        if parameters > PARAMETERS_MAX {
            let message = format!(
                "`{name}` has {parameters} parameters; above {PARAMETERS_MAX} make a struct"
            );
            add("parameters", message);
        }
    }
}
