//! Replays the numbered exchanges of a really running Discourse 3.1 against the simulator and
//! compares status, shape, chosen values and effects. What differs is listed by number in
//! `difference.rs` with the reason; an unlisted difference fails, and so does a listed one that is
//! none any more.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "tests"
)]

mod compare;
mod difference;
mod hooks;
mod idmap;
mod prelude;
mod replay;
mod tables;

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The recordings beside the project, if they are there.
fn fixtures(folder: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/fixtures/discourse")
        .join(folder);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("fixtures not present");
    None
}

#[tokio::test]
async fn the_simulator_answers_like_the_recorded_server() {
    let Some(folder) = fixtures("live-3.1") else {
        return;
    };
    let mut replay = replay::Replay::new(&folder);
    replay.run().await;
    let listed: BTreeMap<&str, &str> = difference::LISTED.iter().copied().collect();
    let mut problems = Vec::new();
    for (number, found) in &replay.results {
        match (found.is_empty(), listed.contains_key(number.as_str())) {
            (false, false) => problems.push(format!("{number}: {}", found.join("\n      "))),
            (true, true) => problems.push(format!("{number}: listed as different, but is equal")),
            _ => {}
        }
    }
    for number in listed.keys() {
        if !replay.results.contains_key(*number) {
            problems.push(format!("{number}: listed, but there is no such recording"));
        }
    }
    let compared = replay.results.len() - listed.len();
    let total = replay.results.len() + replay.tables;
    eprintln!(
        "{compared} of {total} numbered recordings equal, {} listed",
        listed.len()
    );
    assert!(
        problems.is_empty(),
        "{} problems:\n{}",
        problems.len(),
        problems.join("\n")
    );
    assert!(
        compared * 100 >= total * 80,
        "only {compared} of {total} are equal"
    );
    hooks::compare(&folder, &replay.sim_deliveries);
}
