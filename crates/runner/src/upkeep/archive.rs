//! The archive of ended operations: compressed JSON lines whose last line holds their number and checksum.
//!
//! A file is named after its first line and is written whole before anything is removed, so that writing it again
//! after a crash makes the same file.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The longest file that is read, in bytes after decompression.
const LONGEST: u64 = 1 << 30;

/// Why an archive could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk.
    #[error("{0}: {1}")]
    Disk(PathBuf, std::io::Error),
    /// The file is not what was written.
    #[error("{0} is not whole: {1}")]
    Damaged(PathBuf, String),
}

fn hex(hash: Sha256) -> String {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(64);
    for byte in hash.finalize() {
        // Writing into a String cannot fail.
        write!(hex, "{byte:02x}").unwrap_or(());
    }
    hex
}

/// Writes operations into a file of their own and returns its path; it is on the disk when this returns.
pub fn write(folder: &Path, lines: &[Value]) -> Result<PathBuf, Error> {
    let name = lines
        .first()
        .and_then(|line| line.get("id")?.as_str())
        .filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .unwrap_or("unnamed");
    let path = folder.join(format!("operations-{name}.jsonl.gz"));
    let part = folder.join(format!("operations-{name}.part"));
    let disk = |error| Error::Disk(path.clone(), error);
    std::fs::create_dir_all(folder).map_err(disk)?;
    let mut file = File::create(&part).map_err(disk)?;
    let mut packed = GzEncoder::new(&mut file, Compression::default());
    let mut hash = Sha256::new();
    for line in lines {
        let text = format!("{line}\n");
        hash.update(text.as_bytes());
        packed.write_all(text.as_bytes()).map_err(disk)?;
    }
    let end = json!({ "end": { "format": 1, "lines": lines.len(), "sha256": hex(hash) } });
    writeln!(packed, "{end}").map_err(disk)?;
    packed.finish().map_err(disk)?;
    file.sync_all().map_err(disk)?;
    std::fs::rename(&part, &path).map_err(disk)?;
    // The name is worth nothing before the folder is on the disk too.
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(disk)?;
    Ok(path)
}

/// Reads a file back; nothing is returned of one that is not whole.
pub fn read(path: &Path) -> Result<Vec<Value>, Error> {
    let disk = |error| Error::Disk(path.to_owned(), error);
    let damaged = |text: &str| Error::Damaged(path.to_owned(), text.to_owned());
    let file = File::open(path).map_err(disk)?;
    let unpacked = std::io::Read::take(MultiGzDecoder::new(file), LONGEST);
    let mut reader = BufReader::new(unpacked);
    let mut hash = Sha256::new();
    let mut lines: Vec<Value> = Vec::new();
    let mut text = String::new();
    loop {
        text.clear();
        if reader
            .read_line(&mut text)
            .map_err(|error| damaged(&error.to_string()))?
            == 0
        {
            return Err(damaged("its last line is missing"));
        }
        let line: Value =
            serde_json::from_str(&text).map_err(|error| damaged(&error.to_string()))?;
        if let Some(end) = line.get("end") {
            // The packing has a checksum of its own behind the last line.
            text.clear();
            let rest = reader
                .read_line(&mut text)
                .map_err(|error| damaged(&error.to_string()))?;
            let is_whole = rest == 0
                && end.get("sha256").and_then(Value::as_str) == Some(hex(hash).as_str())
                && end.get("lines").and_then(Value::as_u64) == u64::try_from(lines.len()).ok();
            return if is_whole {
                Ok(lines)
            } else {
                Err(damaged("its checksum does not fit"))
            };
        }
        hash.update(text.as_bytes());
        lines.push(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_comes_back_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let lines: Vec<Value> = (0..100)
            .map(|number| json!({ "id": format!("01A{number:03}"), "note": "Grüße\n" }))
            .collect();
        let path = write(folder.path(), &lines).unwrap();
        assert_eq!(write(folder.path(), &lines).unwrap(), path);
        assert_eq!(read(&path).unwrap(), lines);
        let bytes = std::fs::read(&path).unwrap();
        for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            assert!(read(&path).is_err(), "{cut} bytes");
        }
        let fewer = &lines[1..];
        let other = write(folder.path(), fewer).unwrap();
        let mut joined = std::fs::read(&other).unwrap();
        joined.truncate(joined.len() - 20);
        std::fs::write(&path, joined).unwrap();
        assert!(read(&path).is_err());
    }
}
