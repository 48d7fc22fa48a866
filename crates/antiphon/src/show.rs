//! Output of commands: lines and JSON objects.

use std::io::Write as _;

use serde_json::Value;

/// Prints one line; a reader that has gone away is no error of ours.
pub(crate) fn line(text: &str) {
    let mut stdout = std::io::stdout().lock();
    if writeln!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .is_err()
    {
        tracing::debug!("standard output is closed");
    }
}

/// Prints one JSON object on one line.
pub(crate) fn object(value: &Value) {
    line(&value.to_string());
}
