//! The whole database as one JSON file.

use crate::Error;
use crate::state::Data;
use std::path::Path;

/// Writes a snapshot.
pub(crate) fn save(path: &Path, data: &Data) -> Result<(), Error> {
    let text = serde_json::to_vec(data).map_err(|source| Error::Format {
        path: path.to_owned(),
        source,
    })?;
    std::fs::write(path, text).map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })
}

/// Reads a snapshot.
pub(crate) fn load(path: &Path) -> Result<Data, Error> {
    let text = std::fs::read(path).map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })?;
    serde_json::from_slice(&text).map_err(|source| Error::Format {
        path: path.to_owned(),
        source,
    })
}
