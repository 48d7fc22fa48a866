//! Pinned seeds: each must end without a finding.

use simulation::{Options, run};

/// Seeds that every build runs.
const SEEDS: std::ops::Range<u64> = 0..60;
/// Seeds that found something once: an undone write whose answer was lost, numbers of changes that were given twice, two
/// texts with one time, a tombstone that owed nothing, a field that was set back, an item that came back changed, a
/// tombstone that hid an older text.
const FOUND: [u64; 8] = [
    201_533, 300_460, 301_716, 303_845, 306_066, 414_630, 502_312, 704_838,
];
/// Events of each before the faults stop.
const STEPS: u32 = 80;

#[test]
fn pinned_seeds_have_no_findings() {
    let mut acts = 0;
    let mut in_sync = 0;
    for seed in SEEDS.chain(FOUND) {
        let (summary, _) = run(Options {
            seed,
            steps: STEPS,
            mutation: None,
            is_detailed: false,
        })
        .unwrap_or_else(|finding| panic!("{finding}"));
        acts += summary.acts;
        in_sync += summary.in_sync;
    }
    assert!(
        acts > 1_000 && in_sync > 200,
        "the runs were empty: {acts} acts, {in_sync} in step"
    );
}

#[test]
fn a_seed_always_runs_the_same_way() {
    let options = Options {
        seed: 7,
        steps: STEPS,
        mutation: None,
        is_detailed: false,
    };
    assert_eq!(run(options), run(options));
}
