//! The layer table (design section 3): which crate may use which.
//!
//! The table is the only place that says so; ARCHITECTURE.md explains it.

use super::finding::Finding;
use super::graph::{Graph, Package};
use super::tree::Tree;

/// One row of the table.
pub struct Row {
    /// The crate.
    pub name: &'static str,
    /// 0 is the lowest; a crate uses only lower layers.
    pub layer: u8,
    /// Crates of ours that it may be built from.
    pub may_use: &'static [&'static str],
    /// Crates of ours that its tests may use on top: ports, doubles and simulators, never a
    /// second concrete system.
    pub tests_may_use: &'static [&'static str],
}

/// The highest layer without I/O, clock and randomness.
pub const PURE_LAYER_MAX: u8 = 2;

/// The table. The simulators use nothing of ours, so that no shared type hides a shared mistake.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    Row { name: "model", layer: 0, may_use: &[], tests_may_use: &[] },
    Row { name: "markup", layer: 1, may_use: &["model"], tests_may_use: &[] },
    Row { name: "engine", layer: 2, may_use: &["markup", "model"], tests_may_use: &["connector"] },
    Row { name: "connector", layer: 3, may_use: &["model"], tests_may_use: &["markup"] },
    Row { name: "api-client", layer: 3, may_use: &[], tests_may_use: &["canvas-sim", "discourse-sim"] },
    Row { name: "canvas-sim", layer: 3, may_use: &[], tests_may_use: &[] },
    Row { name: "discourse-sim", layer: 3, may_use: &[], tests_may_use: &[] },
    Row { name: "store", layer: 4, may_use: &["model"], tests_may_use: &["connector", "engine"] },
    Row {
        name: "canvas", layer: 4,
        may_use: &["connector", "api-client", "markup", "model"],
        tests_may_use: &["canvas-sim", "engine", "store"],
    },
    Row {
        name: "discourse", layer: 4,
        may_use: &["connector", "api-client", "markup", "model"],
        tests_may_use: &["discourse-sim", "engine", "store"],
    },
    Row { name: "notice", layer: 4, may_use: &["api-client", "model"], tests_may_use: &[] },
    Row {
        name: "runner", layer: 5,
        may_use: &["store", "notice", "connector", "engine", "model"],
        tests_may_use: &["markup", "canvas-sim", "discourse-sim"],
    },
    Row {
        name: "web", layer: 5,
        may_use: &["store", "engine", "markup", "model"],
        tests_may_use: &["connector", "canvas-sim", "discourse-sim"],
    },
    Row {
        name: "simulation", layer: 6,
        may_use: &["runner", "store", "connector", "engine", "model"],
        tests_may_use: &["markup"],
    },
    Row {
        name: "antiphon", layer: 6,
        may_use: &[
            "web", "runner", "store", "notice", "canvas", "discourse", "connector", "api-client", "engine",
            "markup", "model", "canvas-sim", "discourse-sim",
        ],
        tests_may_use: &[],
    },
    Row { name: "queue-bench", layer: 6, may_use: &["store", "model"], tests_may_use: &[] },
    Row { name: "xtask", layer: 0, may_use: &[], tests_may_use: &[] },
];

/// Crates that do I/O, read a clock, draw randomness or wait: not for layers 0 to 2.
const IMPURE: &[&str] = &[
    "async-std",
    "async-trait",
    "axum",
    "chrono",
    "deadpool-postgres",
    "fastrand",
    "futures",
    "futures-util",
    "getrandom",
    "hyper",
    "hyper-util",
    "log",
    "rand",
    "rand_chacha",
    "refinery",
    "reqwest",
    "rusqlite",
    "smol",
    "sqlx",
    "tempfile",
    "time",
    "tokio",
    "tokio-postgres",
    "tower",
    "tracing",
    "tracing-subscriber",
    "ureq",
    "uuid",
];

/// Checks the package graph against the table.
pub fn check(tree: &Tree, graph: &Graph, findings: &mut Vec<Finding>) {
    for package in &graph.packages {
        let place = Place { tree, package };
        folder_name(&place, findings);
        let Some(row) = row(&package.name) else {
            let message = "is not in the layer table (xtask/src/tidy/layer.rs)";
            findings.push(place.finding(None, "layer", format!("`{}` {message}", package.name)));
            continue;
        };
        uses(&place, row, graph, findings);
        purity(&place, row, findings);
    }
    cycles(tree, graph, findings);
}

/// The row of a crate.
pub fn row(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.name == name)
}

/// Where findings about one package point to.
struct Place<'a> {
    tree: &'a Tree,
    package: &'a Package,
}

impl Place<'_> {
    /// A finding at the line of the manifest that names `dependency`.
    fn finding(&self, dependency: Option<&str>, rule: &'static str, message: String) -> Finding {
        let path = format!("{}/Cargo.toml", self.package.folder);
        let line = dependency.and_then(|name| {
            let manifest = self.tree.get(&path)?;
            let mut lines = manifest.lines();
            lines
                .find(|(_, line)| is_entry(line, name))
                .map(|(number, _)| number)
        });
        Finding::error(&path, line.unwrap_or(1), rule, message)
    }
}

fn is_entry(line: &str, name: &str) -> bool {
    line.strip_prefix(name)
        .is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
}

fn folder_name(place: &Place<'_>, findings: &mut Vec<Finding>) {
    let Package { name, folder, .. } = place.package;
    let expected = if name == "xtask" {
        name.clone()
    } else {
        format!("crates/{name}")
    };
    if *folder != expected {
        let message = format!("crate `{name}` lies in `{folder}`, not in `{expected}`");
        findings.push(place.finding(None, "folder-name", message));
    }
}

fn uses(place: &Place<'_>, row: &Row, graph: &Graph, findings: &mut Vec<Finding>) {
    let name = row.name;
    let ours = |names: &[String]| -> Vec<String> {
        names
            .iter()
            .filter(|name| graph.get(name).is_some())
            .cloned()
            .collect()
    };
    for used in ours(&place.package.uses) {
        if !row.may_use.contains(&used.as_str()) {
            let message = format!("`{name}` may not use `{used}`; the layer table forbids it");
            findings.push(place.finding(Some(&used), "layer", message));
        }
    }
    for used in ours(&place.package.tests_use) {
        let may =
            row.may_use.contains(&used.as_str()) || row.tests_may_use.contains(&used.as_str());
        if !may {
            let message = format!("tests of `{name}` may not use `{used}`; see the layer table");
            findings.push(place.finding(Some(&used), "layer", message));
        }
    }
}

fn purity(place: &Place<'_>, row: &Row, findings: &mut Vec<Finding>) {
    if row.layer > PURE_LAYER_MAX || row.name == "xtask" {
        return;
    }
    for used in place
        .package
        .uses
        .iter()
        .filter(|used| IMPURE.contains(&used.as_str()))
    {
        let message = format!(
            "`{}` is pure (layer {}): `{used}` does I/O, reads a clock, waits or draws randomness",
            row.name, row.layer
        );
        findings.push(place.finding(Some(used), "purity", message));
    }
}

/// Cargo allows a cycle through dev-dependencies; we do not, since it hides a layer error.
fn cycles(tree: &Tree, graph: &Graph, findings: &mut Vec<Finding>) {
    for package in &graph.packages {
        let mut seen = Vec::new();
        let mut open = vec![package];
        while let Some(next) = open.pop() {
            for used in next.uses.iter().chain(&next.tests_use) {
                if *used == package.name {
                    let message = format!("`{used}` needs `{}` and the other way round", next.name);
                    let place = Place { tree, package };
                    findings.push(place.finding(None, "layer", message));
                }
                if let Some(used) = graph.get(used).filter(|used| !seen.contains(&used.name)) {
                    seen.push(used.name.clone());
                    open.push(used);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{TABLE, row};

    #[test]
    fn the_table_itself_points_only_down() {
        for entry in TABLE {
            for used in entry.may_use {
                let used = row(used).unwrap();
                assert!(
                    used.layer < entry.layer,
                    "{} uses {}",
                    entry.name,
                    used.name
                );
            }
            for used in entry.tests_may_use {
                assert!(row(used).is_some(), "{} uses {used}", entry.name);
                assert!(!["canvas", "discourse", "web", "runner"].contains(used));
            }
        }
    }

    #[test]
    fn only_the_binary_names_concrete_connectors() {
        for entry in TABLE.iter().filter(|entry| entry.name != "antiphon") {
            for concrete in ["canvas", "discourse"] {
                assert!(
                    !entry.may_use.contains(&concrete),
                    "{} uses {concrete}",
                    entry.name
                );
            }
        }
    }
}
