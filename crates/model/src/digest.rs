//! A short fingerprint of canonical content.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The first 16 bytes of a SHA-256 in lower-case hex (32 characters).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub String);

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use std::fmt::Write as _;
        let hash = Sha256::digest(bytes);
        let mut hex = String::with_capacity(32);
        for byte in hash.iter().take(16) {
            // Writing into a String cannot fail.
            write!(hex, "{byte:02x}").unwrap_or(());
        }
        Self(hex)
    }

    /// The digest's hex text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
