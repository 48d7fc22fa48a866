//! `backup create|verify|restore|accept-restore`.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use model::{Class, Failure};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::Store;

use super::restore::accept;
use crate::arguments::{Backup, BackupFile};
use crate::config::{self, Config};
use crate::exit::Usage;
use crate::show::{line, object};
use crate::wiring;

/// What stands beside a copy.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    /// The version of the program that made it.
    version: String,
    /// The schema version of the database.
    schema: i64,
    made_ms: i64,
    bytes: u64,
    sha256: String,
}

pub(crate) async fn run(path: &Path, verb: Backup) -> anyhow::Result<ExitCode> {
    let config = config::load(path)?;
    match verb {
        Backup::Create(options) => create(&config, options).await,
        Backup::Verify(options) => {
            let manifest = verify(&options.file)?;
            told(&options, &manifest, "is whole")
        }
        Backup::Restore(options) => restore(&config, options).await,
        Backup::AcceptRestore(options) => accept(&config, options).await,
    }
}

fn told(options: &BackupFile, manifest: &Manifest, what: &str) -> anyhow::Result<ExitCode> {
    if options.output.json {
        object(
            &serde_json::json!({ "file": options.file, "backup": serde_json::to_value(manifest)? }),
        );
    } else {
        line(&format!(
            "{} {what}: {} bytes, schema version {}, SHA-256 {}.",
            options.file.display(),
            manifest.bytes,
            manifest.schema,
            manifest.sha256
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// The path of the configured SQLite file; a PostgreSQL database is refused with what to do instead.
fn sqlite(config: &Config) -> anyhow::Result<PathBuf> {
    wiring::database_file(config).ok_or_else(|| {
        wiring::failed(Failure::new(
            "SYNC-1010",
            Class::Configuration,
            "This command copies SQLite files; the configured database is not one.".to_owned(),
            "Back PostgreSQL up with pg_dump or your server's own backups; see docs/maintenance.md.",
        ))
    })
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn sum(path: &Path) -> anyhow::Result<(u64, String)> {
    let mut file =
        File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hash.update(buffer.get(..count).unwrap_or_default());
        bytes += u64::try_from(count).unwrap_or(0);
    }
    let mut hex = String::with_capacity(64);
    for byte in hash.finalize() {
        use std::fmt::Write as _;
        write!(hex, "{byte:02x}")?;
    }
    Ok((bytes, hex))
}

async fn create(config: &Config, options: BackupFile) -> anyhow::Result<ExitCode> {
    sqlite(config)?;
    let store = wiring::open(config).await?;
    let stored = |error: store::Error| wiring::failed(error.failure());
    store.backup_to(&options.file).await.map_err(stored)?;
    let (bytes, sha256) = sum(&options.file)?;
    let manifest = Manifest {
        format: 1,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        schema: store.schema_version().await.map_err(stored)?,
        made_ms: wiring::now().0,
        bytes,
        sha256,
    };
    let text = serde_json::to_string_pretty(&manifest)?;
    std::fs::write(beside(&options.file, ".json"), text)
        .context("The checksum cannot be written")?;
    let fact =
        serde_json::json!({ "file": options.file, "made_ms": manifest.made_ms, "bytes": bytes });
    store
        .set_fact("backup:last", Some(&fact.to_string()))
        .await
        .map_err(stored)?;
    told(&options, &manifest, "was written")
}

fn verify(path: &Path) -> anyhow::Result<Manifest> {
    let damaged = |text: String| -> anyhow::Error {
        wiring::failed(Failure::new(
            "SYNC-1011",
            Class::Invalid,
            format!("{} cannot be used: {text}.", path.display()),
            "Take another copy.",
        ))
    };
    let text = std::fs::read_to_string(beside(path, ".json"))
        .map_err(|error| damaged(format!("its checksum file cannot be read: {error}")))?;
    let manifest: Manifest = serde_json::from_str(&text)
        .map_err(|error| damaged(format!("its checksum file is spoilt: {error}")))?;
    let (bytes, sha256) = sum(path)?;
    if bytes != manifest.bytes || sha256 != manifest.sha256 {
        return Err(damaged("its checksum does not fit".to_owned()));
    }
    let (schema, findings) = Store::inspect(path).map_err(|error| damaged(error.to_string()))?;
    if let Some(finding) = findings.first() {
        return Err(damaged(finding.clone()));
    }
    if schema > store::newest_version() {
        return Err(damaged(format!(
            "a newer program made it (schema version {schema})"
        )));
    }
    Ok(manifest)
}

async fn restore(config: &Config, options: BackupFile) -> anyhow::Result<ExitCode> {
    let target = sqlite(config)?;
    for path in [
        target.clone(),
        beside(&target, "-wal"),
        beside(&target, "-shm"),
    ] {
        if path.exists() {
            return Err(Usage(format!(
                "{} is there already: a copy is restored onto an empty place only. Move it away first.",
                path.display()
            ))
            .into());
        }
    }
    let manifest = verify(&options.file)?;
    // Under another name until it is marked: no service ever finds an unmarked restored database.
    let part = beside(&target, ".restoring");
    std::fs::copy(&options.file, &part)
        .with_context(|| format!("{} cannot be written", part.display()))?;
    let stored = |error: store::Error| wiring::failed(error.failure());
    {
        let store = Store::open(&format!("sqlite:{}", part.display()))
            .await
            .map_err(stored)?;
        let mark = serde_json::json!({ "restored_ms": wiring::now(), "made_ms": manifest.made_ms });
        store
            .set_fact(wiring::RESTORED, Some(&mark.to_string()))
            .await
            .map_err(stored)?;
        store.end_leases().await.map_err(stored)?;
        let whole = beside(&target, ".marked");
        store.backup_to(&whole).await.map_err(stored)?;
        std::fs::rename(&whole, &target)?;
    }
    for ending in ["", "-wal", "-shm"] {
        let path = beside(&part, ending);
        if path.exists() {
            std::fs::remove_file(&path)
                .with_context(|| format!("{} cannot be removed", path.display()))?;
        }
    }
    let code = told(&options, &manifest, "was restored")?;
    if !options.output.json {
        line(
            "The service now looks and compares, and writes nothing until `antiphon backup accept-restore`.",
        );
    }
    Ok(code)
}
