//! `simulation [--seed N] [--seeds COUNT] [--steps N] [--detailed]`: runs seeds from the first on and shows every finding.

use std::process::ExitCode;

use simulation::{Options, Summary, run};

/// What the command line asks for.
struct Wanted {
    seed: u64,
    seeds: u64,
    steps: u32,
    is_detailed: bool,
}

fn wanted(mut words: impl Iterator<Item = String>) -> Option<Wanted> {
    let mut wanted = Wanted {
        seed: 0,
        seeds: 1,
        steps: 80,
        is_detailed: false,
    };
    while let Some(word) = words.next() {
        if word == "--detailed" {
            wanted.is_detailed = true;
            continue;
        }
        let number: u64 = words.next()?.parse().ok()?;
        match word.as_str() {
            "--seed" => wanted.seed = number,
            "--seeds" => wanted.seeds = number,
            "--steps" => wanted.steps = u32::try_from(number).ok()?,
            _ => return None,
        }
    }
    Some(wanted)
}

fn add(total: Summary, one: Summary) -> Summary {
    Summary {
        acts: total.acts + one.acts,
        faults: total.faults + one.faults,
        crashes: total.crashes + one.crashes,
        writes: total.writes + one.writes,
        entities: total.entities + one.entities,
        in_sync: total.in_sync + one.in_sync,
    }
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is the command's output"
)]
fn main() -> ExitCode {
    let Some(wanted) = wanted(std::env::args().skip(1)) else {
        eprintln!("usage: simulation [--seed N] [--seeds COUNT] [--steps N] [--detailed]");
        return ExitCode::from(2);
    };
    let mut total = Summary::default();
    let mut findings = 0_u64;
    for seed in wanted.seed..wanted.seed.saturating_add(wanted.seeds) {
        let steps = wanted.steps;
        match run(Options {
            seed,
            steps,
            is_detailed: wanted.is_detailed,
        }) {
            Ok(summary) => total = add(total, summary),
            Err(finding) => {
                findings += 1;
                println!("{finding}\n");
            }
        }
    }
    println!("{} seeds, {findings} findings, {total:?}", wanted.seeds);
    ExitCode::from(u8::from(findings > 0))
}
