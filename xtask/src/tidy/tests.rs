//! Every rule catches its violation, in a small made-up tree, and a clean tree passes.

use std::collections::BTreeSet;

use super::finding::Level;
use super::graph::{Graph, Package};
use super::tree::Tree;
use super::{RULES, check};

const MANIFEST: &str = "[package]\nname = \"x\"\n\n[lints]\nworkspace = true\n";
const LIB: &str = "//! Says what it is for.\n";

/// A tree that breaks no rule.
fn clean() -> Vec<(String, String)> {
    let files = [
        (
            "ARCHITECTURE.md",
            "# Map\n\n## Invariants\n\n1. Layers. (tidy: `layer`)\n",
        ),
        ("CHANGELOG.md", "# Changes\n"),
        ("crates/model/Cargo.toml", MANIFEST),
        ("crates/model/src/lib.rs", LIB),
    ];
    files
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .to_vec()
}

fn package(name: &str, uses: &[&str], tests_use: &[&str]) -> Package {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let folder = if name == "xtask" {
        name.to_owned()
    } else {
        format!("crates/{name}")
    };
    Package {
        name: name.to_owned(),
        folder,
        uses: owned(uses),
        tests_use: owned(tests_use),
    }
}

/// The clean tree with files put over it (an empty text removes one), and packages.
fn findings(files: &[(&str, &str)], packages: Vec<Package>) -> Vec<String> {
    let mut texts = clean();
    texts.retain(|(path, _)| !files.iter().any(|(over, _)| over == path));
    let over = files.iter().filter(|(_, text)| !text.is_empty());
    texts.extend(over.map(|(path, text)| ((*path).to_owned(), (*text).to_owned())));
    let found = check(&Tree::of(texts), &Graph { packages });
    found
        .iter()
        .filter(|finding| finding.level == Level::Error)
        .map(|finding| format!("{}:{}: {}", finding.path, finding.line, finding.rule))
        .collect()
}

/// The one file over the clean tree gives exactly these findings.
#[track_caller]
fn gives(path: &str, text: &str, expected: &[&str]) {
    assert_eq!(
        findings(&[(path, text)], Vec::new()),
        expected,
        "{path}: {text:?}"
    );
}

/// The body of a Rust module gives exactly these `line: rule`.
#[track_caller]
fn module_gives(body: &str, expected: &[&str]) {
    let path = "crates/store/src/lib.rs";
    let expected: Vec<String> = expected
        .iter()
        .map(|rest| format!("{path}:{rest}"))
        .collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    gives(path, &format!("{LIB}{body}"), &expected);
}

/// The packages give exactly these findings.
#[track_caller]
fn graph_gives(packages: Vec<Package>, expected: &[&str]) {
    assert_eq!(findings(&[], packages), expected);
}

#[test]
fn a_clean_tree_passes() {
    let packages = vec![
        package("model", &["serde"], &["proptest"]),
        package("engine", &["model"], &[]),
        package("store", &["model", "tokio"], &["connector"]),
        package("connector", &["model"], &[]),
        package("xtask", &["tokio"], &[]),
    ];
    assert_eq!(findings(&[], packages), Vec::<String>::new());
}

#[test]
fn every_rule_has_a_test_here() {
    let text = include_str!("tests.rs");
    let missing: BTreeSet<_> = RULES
        .iter()
        .filter(|rule| !text.contains(&format!(": {rule}\"")))
        .collect();
    assert!(missing.is_empty(), "no test expects {missing:?}");
}

#[test]
fn layers() {
    let store = || package("store", &["model"], &[]);
    let model = || package("model", &[], &[]);
    graph_gives(
        vec![model(), store(), package("engine", &["store"], &[])],
        &["crates/engine/Cargo.toml:1: layer"],
    );
    // A sideways test dependency, and a simulator that shares types with the client.
    graph_gives(
        vec![
            package("canvas", &[], &[]),
            package("discourse", &[], &["canvas"]),
        ],
        &["crates/discourse/Cargo.toml:1: layer"],
    );
    graph_gives(
        vec![
            package("canvas", &[], &[]),
            package("canvas-sim", &[], &["canvas"]),
        ],
        &["crates/canvas-sim/Cargo.toml:1: layer"],
    );
    graph_gives(
        vec![package("extra", &[], &[])],
        &["crates/extra/Cargo.toml:1: layer"],
    );
}

#[test]
fn a_cycle_through_tests_is_found_at_both_ends() {
    let packages = vec![
        package("engine", &[], &["connector"]),
        package("connector", &["engine"], &[]),
    ];
    let found = findings(&[], packages);
    let expected = [
        "crates/connector/Cargo.toml:1: layer",
        "crates/connector/Cargo.toml:1: layer",
        "crates/engine/Cargo.toml:1: layer",
    ];
    assert_eq!(
        found, expected,
        "the forbidden edge, and the cycle from both crates"
    );
}

#[test]
fn a_layer_finding_points_at_the_line_of_the_dependency() {
    let manifest = format!("{MANIFEST}\n[dependencies]\nstore.workspace = true\n");
    let packages = vec![
        package("store", &[], &[]),
        package("model", &["store"], &[]),
    ];
    let found = findings(&[("crates/model/Cargo.toml", &manifest)], packages);
    assert_eq!(found, ["crates/model/Cargo.toml:8: layer"]);
}

#[test]
fn folder_names() {
    let mut moved = package("store", &[], &[]);
    moved.folder = "crates/storage".to_owned();
    graph_gives(vec![moved], &["crates/storage/Cargo.toml:1: folder-name"]);
}

#[test]
fn impure_dependencies_of_pure_layers() {
    graph_gives(
        vec![
            package("engine", &["rand"], &[]),
            package("markup", &[], &["rand"]),
        ],
        &["crates/engine/Cargo.toml:1: purity"],
    );
}

#[test]
fn impure_code_in_pure_layers() {
    let path = "crates/model/src/lib.rs";
    for body in [
        "async fn f() {}",
        "fn f() { let x = async { 1 }; }",
        "use std::{collections::BTreeMap, fs};",
        "fn f() { assert!(std::env::args().count() > 1); }",
        "use std::time::{Duration, SystemTime};",
    ] {
        gives(
            path,
            &format!("{LIB}{body}\n"),
            &["crates/model/src/lib.rs:2: purity"],
        );
    }
    gives(path, &format!("{LIB}use std::time::Duration;\n"), &[]);
    gives(
        path,
        &format!("{LIB}#[cfg(test)]\nmod tests {{\n    use std::fs;\n}}\n"),
        &[],
    );
    gives(
        "crates/store/src/lib.rs",
        &format!("{LIB}use std::fs;\nasync fn f() {{}}\n"),
        &[],
    );
}

#[test]
fn clocks_and_random_sources() {
    for call in [
        "SystemTime::now()",
        "std::time::Instant::now()",
        "rand::rng()",
        "Uuid::now_v7()",
    ] {
        module_gives(&format!("fn f() {{ {call}; }}\n"), &["2: clock"]);
    }
    module_gives("#[test]\nfn f() { Instant::now(); }\n", &[]);
    // The binary may, in one file.
    let text = format!("{LIB}fn f() {{ SystemTime::now(); rand::rng(); }}\n");
    let (clock, main) = (
        "crates/antiphon/src/clock.rs",
        "crates/antiphon/src/main.rs",
    );
    let with_module = format!("{LIB}mod clock;\n");
    assert!(findings(&[(clock, &text), (main, &with_module)], Vec::new()).is_empty());
    let both = format!("{LIB}mod clock;\nfn f() {{ SystemTime::now(); }}\n");
    let found = findings(&[(clock, &text), (main, &both)], Vec::new());
    assert_eq!(found, ["crates/antiphon/src/main.rs:3: clock"]);
}

#[test]
fn the_step_neither_spawns_nor_waits() {
    let root = (
        "crates/runner/src/lib.rs",
        "//! Runs.\nmod step;\nmod worker;\n",
    );
    let body = format!("{LIB}async fn f() {{ tokio::spawn(g()); sleep(x).await; select! {{}} }}\n");
    let (step, worker) = ("crates/runner/src/step.rs", "crates/runner/src/worker.rs");
    let found = findings(&[root, (step, &body), (worker, &body)], Vec::new());
    let expected = "crates/runner/src/step.rs:2: step";
    assert_eq!(found, [expected, expected, expected]);
}

#[test]
fn the_simulation_uses_only_the_step() {
    let path = "crates/simulation/src/lib.rs";
    let text = format!("{LIB}use runner::{{step::Step, worker}};\n");
    gives(path, &text, &["crates/simulation/src/lib.rs:2: simulation"]);
    gives(path, &format!("{LIB}use runner::step;\n"), &[]);
}

#[test]
fn wire_types_and_rows_stay_inside() {
    let with = |path: &str, text: &str| {
        let file = path.replace("lib", "wire");
        findings(&[(path, text), (&file, LIB)], Vec::new())
    };
    let path = "crates/canvas/src/lib.rs";
    assert_eq!(
        with(path, "//! X.\npub mod wire;\n"),
        ["crates/canvas/src/lib.rs:2: wire"]
    );
    let found = with(path, "//! X.\nmod wire;\npub use wire::Topic;\n");
    assert_eq!(found, ["crates/canvas/src/lib.rs:3: wire"]);
    assert!(with(path, "//! X.\nmod wire;\npub use client::Client;\n").is_empty());
}

#[test]
fn module_names() {
    module_gives("mod helpers {}\n", &["2: module-name"]);
    let lib = ("crates/store/src/lib.rs", "//! X.\nmod table;\nmod job;\n");
    let old = ("crates/store/src/table/mod.rs", LIB);
    let job = ("crates/store/src/job.rs", LIB);
    let found = findings(&[lib, old, job], Vec::new());
    assert_eq!(found, ["crates/store/src/table/mod.rs:1: module-name"]);
    gives(
        "crates/store/tests/common/start.rs",
        LIB,
        &["crates/store/tests/common/start.rs:1: module-name"],
    );
}

#[test]
fn module_documents() {
    for text in ["fn f() {}\n", "#![expect(x)]\n//! Late.\n", "//!\n"] {
        gives(
            "crates/store/tests/a.rs",
            text,
            &["crates/store/tests/a.rs:1: module-doc"],
        );
    }
}

#[test]
fn dead_files() {
    gives(
        "crates/store/src/lost.rs",
        LIB,
        &["crates/store/src/lost.rs:1: orphan"],
    );
    gives("crates/store/src/bin/tool.rs", LIB, &[]);
    let lib = (
        "crates/store/src/lib.rs",
        "//! X.\nmod a;\n#[cfg(test)]\nmod check;\n",
    );
    let a = ("crates/store/src/a.rs", "//! X.\nmod b;\n");
    let b = ("crates/store/src/a/b.rs", LIB);
    let check = (
        "crates/store/src/check.rs",
        "//! X.\nfn f() { Instant::now(); }\n",
    );
    assert!(
        findings(&[lib, a, b, check], Vec::new()).is_empty(),
        "a `cfg(test)` file is a test"
    );
}

#[test]
fn syntax_errors() {
    gives(
        "crates/store/src/lib.rs",
        "//! X.\nfn f( {}\n",
        &["crates/store/src/lib.rs:2: syntax"],
    );
}

#[test]
fn file_sizes() {
    let lines = |count: usize| "const X: u8 = 0;\n".repeat(count);
    module_gives(&lines(499), &[]);
    module_gives(&lines(500), &["1: file-size"]);
    module_gives(
        &format!("// tidy: long because it is a table.\n{}", lines(700)),
        &[],
    );
    module_gives(
        &format!("// tidy: long because\n{}", lines(700)),
        &["1: file-size"],
    );
    module_gives(
        &format!("// tidy: long because it is.\n{}", lines(799)),
        &["1: file-size"],
    );
    module_gives(
        &format!("#[cfg(test)]\nmod tests {{\n{}}}\n", lines(900)),
        &[],
    );
    // A warning only.
    let text = format!("{LIB}{}", lines(300));
    let texts = vec![("crates/store/src/lib.rs".to_owned(), text)];
    let found = check(&Tree::of(texts), &Graph::default());
    assert!(
        found
            .iter()
            .any(|f| f.level == Level::Warning && f.rule == "file-size")
    );
}

#[test]
fn function_sizes() {
    let function = |lines: usize| format!("fn f() {{\n{}}}\n", "    g();\n".repeat(lines - 2));
    module_gives(&function(80), &[]);
    module_gives(&function(81), &["2: function-size"]);
    module_gives(&format!("#[test]\n{}", function(90)), &[]);
    module_gives(
        &format!("impl X {{\n{}}}\n", function(81)),
        &["3: function-size"],
    );
}

#[test]
fn parameters() {
    module_gives("fn f(a: u8, b: u8, c: u8, d: u8, e: u8) {}\n", &[]);
    module_gives(
        "fn f(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8) {}\n",
        &["2: parameters"],
    );
    let method = "impl X { fn f(&self, a: u8, b: u8, c: u8, d: u8, e: u8) {} }\n";
    module_gives(method, &["2: parameters"]);
}

#[test]
fn white_space() {
    module_gives("fn f() {} \n", &["2: whitespace"]);
    module_gives("fn f() {\n\tg();\n}\n", &["3: whitespace"]);
    module_gives("const S: &str = \"a \n\tb\";\n", &[]);
    gives("docs/a.md", "text", &["docs/a.md:1: whitespace"]);
    gives("docs/a.md", "text\n\n", &["docs/a.md:2: whitespace"]);
    gives(
        "docs/a.md",
        "text  \ntext\r\n",
        &["docs/a.md:1: whitespace", "docs/a.md:1: whitespace"],
    );
}

#[test]
fn line_lengths() {
    let text = "x".repeat(120);
    module_gives(&format!("// {text}\n"), &["2: line-length"]);
    module_gives(&format!("// https://{text}\n"), &[]);
    module_gives(&format!("const S: &str = \"{text}\";\n"), &[]);
    module_gives(&format!("const S: &str = \"\n{text} {text}\n\";\n"), &[]);
    module_gives(
        &format!("#[test]\nfn f() {{\n    g(\"{text}\");\n}}\n"),
        &[],
    );
    gives("docs/a.md", &format!("{text}{text}\n"), &[]);
}

#[test]
fn banned_words() {
    for word in [
        concat!("/wo", "rk/main"),
        concat!("// TO", "DO: later"),
        concat!("FIX", "ME"),
    ] {
        gives(
            "docs/a.md",
            &format!("See {word}\n"),
            &["docs/a.md:1: banned-word"],
        );
    }
    gives("docs/a.md", "home/work/ and MASTODONS\n", &[]);
}

#[test]
fn unfinished_work() {
    module_gives(concat!("fn f() { to", "do!() }\n"), &["2: unfinished"]);
    module_gives(
        concat!("fn f() { g(|| unimple", "mented!(\"x\")) }\n"),
        &["2: unfinished"],
    );
    module_gives(
        "#[test]\n#[ignore = \"slow\"]\nfn f() {}\n",
        &["3: unfinished"],
    );
    module_gives(
        "/// ```ignore\n/// f();\n/// ```\nfn f() {}\n",
        &["2: unfinished"],
    );
    let skip = concat!("@pytest.mark.", "skip\ndef test_a(): pass\n");
    gives(
        "tests/python/test_a.py",
        skip,
        &["tests/python/test_a.py:1: unfinished"],
    );
}

#[test]
fn manifests() {
    let path = "crates/store/Cargo.toml";
    gives(
        path,
        "[package]\nname = \"store\"\n",
        &["crates/store/Cargo.toml:1: manifest"],
    );
    gives(path, "[package\n", &["crates/store/Cargo.toml:1: manifest"]);
    let own = format!("{MANIFEST}\n[dev-dependencies]\nserde.workspace = true\ntoml = \"1\"\n");
    gives(path, &own, &["crates/store/Cargo.toml:9: manifest"]);
}

#[test]
fn error_pages() {
    let code = format!("{LIB}const CODE: &str = \"SYNC-1234\";\n");
    let lib = ("crates/store/src/lib.rs", code.as_str());
    assert_eq!(
        findings(&[lib], Vec::new()),
        ["crates/store/src/lib.rs:2: error-page"]
    );
    let page = ("docs/errors/SYNC-1234.md", "# SYNC-1234: lost\n");
    assert!(findings(&[lib, page], Vec::new()).is_empty());
    assert_eq!(
        findings(&[page], Vec::new()),
        ["docs/errors/SYNC-1234.md:1: error-page"]
    );
    let untitled = ("docs/errors/SYNC-1234.md", "# Lost\n");
    assert_eq!(
        findings(&[lib, untitled], Vec::new()),
        ["docs/errors/SYNC-1234.md:1: error-page"]
    );
}

#[test]
fn decisions() {
    let page = ("docs/decisions/0001-sql.md", "# SQL\n");
    let index = ("docs/decisions/README.md", "# Decisions\n");
    assert!(
        findings(&[page], Vec::new()).is_empty(),
        "an index is not required"
    );
    assert_eq!(
        findings(&[page, index], Vec::new()),
        ["docs/decisions/0001-sql.md:1: decision"]
    );
    gives(
        "docs/decisions/sql.md",
        "# SQL\n",
        &["docs/decisions/sql.md:1: decision"],
    );
}

#[test]
fn invariants() {
    let path = "ARCHITECTURE.md";
    let finding = "ARCHITECTURE.md:3: invariant";
    let lib = (
        "crates/store/src/lib.rs",
        "//! X.\nmod claim {\n    fn one_each() {}\n}\n",
    );
    let check = |item: &str, expected: &[&str]| {
        let text =
            format!("# Invariants\n\n{item}\n\n## Outside? No, below\n\n# Other\n\n- Free.\n");
        assert_eq!(
            findings(&[(path, &text), lib], Vec::new()),
            expected,
            "{item}"
        );
    };
    check(
        "1. Only one. (test: `store::claim::tests::one_each`)",
        &[finding],
    );
    check("1. Only one. (test: `store::claim::one_each`)", &[]);
    check(
        "1. Only\n   one. (test: `store/src/lib.rs` `one_each`)",
        &[],
    );
    check("1. Only one. (test: `store::claim::two_each`)", &[finding]);
    check(
        "1. Only one. (test: `store/src/other.rs` `one_each`)",
        &[finding],
    );
    check("1. Only one. (tidy: `no-such-rule`)", &[finding]);
    check("1. Only one.", &[finding]);
    gives(path, "# Map\n", &["ARCHITECTURE.md:1: invariant"]);
    gives(path, "", &["ARCHITECTURE.md:1: invariant"]);
}

#[test]
fn change_log() {
    gives("CHANGELOG.md", "", &["CHANGELOG.md:1: changelog"]);
}
