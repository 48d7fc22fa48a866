//! Replays the recorded exchanges of a really running Canvas (April 2019) against the simulator in
//! its 2019 profile and compares status, headers and bodies. Every difference that stays is named in
//! `known.rs` with its reason; the test fails if an unlisted one appears or a listed one goes away.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::string_slice,
    reason = "tests"
)]

mod compare;
mod corpus;
mod fixture;
mod known;
mod replay;
mod setup;
mod timestamps;

use fixture::Recording;
use replay::Stage;

#[tokio::test]
async fn recorded_exchanges_are_played_alike() {
    let Some(recordings) = fixture::recordings() else {
        return;
    };
    let mut stage = Stage::new().await;
    let mut unexpected = Vec::new();
    let mut healed = Vec::new();
    let mut alike = 0;
    for recording in &recordings {
        let differences = play(&mut stage, recording).await;
        let listed = known::DIFFERENCES
            .iter()
            .find(|(number, _)| *number == recording.number);
        match (differences.is_empty(), listed) {
            (true, None) => alike += 1,
            (true, Some((number, reason))) => healed.push(format!("{number}: {reason}")),
            (false, Some(_)) => {}
            (false, None) => {
                let differences: Vec<_> = differences.into_iter().take(8).collect();
                unexpected.push(format!(
                    "{}\n    {}",
                    recording.name,
                    differences.join("\n    ")
                ));
            }
        }
    }
    let total = recordings.len();
    println!("{alike} of {total} recordings are played alike");
    assert!(
        unexpected.is_empty(),
        "unlisted differences ({}):\n{}",
        unexpected.len(),
        unexpected.join("\n")
    );
    assert!(
        healed.is_empty(),
        "listed, but alike now:\n{}",
        healed.join("\n")
    );
    assert!(alike * 100 >= total * 80, "only {alike} of {total}");
}

async fn play(stage: &mut Stage, recording: &Recording) -> Vec<String> {
    setup::before(stage, recording.number).await;
    let answer = stage.send(recording).await;
    compare::answers(&recording.response, &answer)
}
