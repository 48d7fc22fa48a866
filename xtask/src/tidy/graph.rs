//! The packages of the workspace and what they depend on, as plain data.

use std::path::Path;

use anyhow::Context as _;
use cargo_metadata::{DependencyKind, MetadataCommand};

/// The packages of the workspace.
#[derive(Debug, Default)]
pub struct Graph {
    /// In no order.
    pub packages: Vec<Package>,
}

/// One package of ours.
#[derive(Debug)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its folder relative to the root, with `/`.
    pub folder: String,
    /// Names of packages it needs to build, ours and others'.
    pub uses: Vec<String>,
    /// Names of packages its tests need on top.
    pub tests_use: Vec<String>,
}

impl Graph {
    /// Asks cargo; needs no network.
    pub fn load(root: &Path) -> anyhow::Result<Self> {
        let metadata = MetadataCommand::new()
            .current_dir(root)
            .no_deps()
            .exec()
            .context("cargo metadata failed")?;
        let mut packages = Vec::new();
        for package in &metadata.packages {
            let manifest = package.manifest_path.as_std_path();
            let folder = manifest.parent().context("a manifest without a folder")?;
            let folder = folder.strip_prefix(root).unwrap_or(folder);
            let of_kind = |test: bool| {
                package
                    .dependencies
                    .iter()
                    .filter(|dependency| (dependency.kind == DependencyKind::Development) == test)
                    .map(|dependency| dependency.name.clone())
                    .collect()
            };
            packages.push(Package {
                name: package.name.to_string(),
                folder: folder.to_string_lossy().replace('\\', "/"),
                uses: of_kind(false),
                tests_use: of_kind(true),
            });
        }
        Ok(Self { packages })
    }

    /// The package called `name`, if it is ours.
    pub fn get(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }
}
