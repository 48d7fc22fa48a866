//! Reading the recordings.

use serde_json::Value;
use std::path::PathBuf;

/// One recorded exchange.
pub struct Recording {
    pub number: u32,
    pub name: String,
    pub request: Value,
    pub response: Value,
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/fixtures/canvas/live-2019-04"
    ))
}

/// One of the collected files, or `None` (with one line) when the folder is missing.
pub fn file(name: &str) -> Option<Value> {
    let Ok(text) = std::fs::read(folder().join(name)) else {
        println!("fixtures not present");
        return None;
    };
    Some(serde_json::from_slice(&text).unwrap())
}

/// All numbered recordings in order, or `None` (with one line) when the folder is missing.
pub fn recordings() -> Option<Vec<Recording>> {
    let Ok(entries) = std::fs::read_dir(folder()) else {
        println!("fixtures not present");
        return None;
    };
    let mut names: Vec<String> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|n| n.starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    names.sort();
    let read = |name: &String| {
        let text = std::fs::read(folder().join(name)).unwrap();
        let mut value: Value = serde_json::from_slice(&text).unwrap();
        Recording {
            number: name[..3].parse().unwrap(),
            name: name.trim_end_matches(".json").to_owned(),
            request: value["request"].take(),
            response: value["response"].take(),
        }
    };
    Some(names.iter().map(read).collect())
}
