//! `simulation`: runs seeds until the first finding, counts what happened, and proves that deliberate bugs are found.

use std::collections::BTreeMap;
use std::process::{Command, ExitCode};
use std::time::Instant;

use simulation::{Finding, Mutation, Options, Summary, run};

const USAGE: &str = "usage: simulation [--seed FIRST] [--seeds COUNT] [--seconds MOST] [--steps N] [--fresh] [--all] \
    [--detailed] [--mutations]";
/// A mutation that so many seeds do not catch is not caught.
const MUTATION_SEEDS: u64 = 2_000;
/// From so many seeds on every counter must have moved.
const SEEDS_FOR_COVERAGE: u64 = 10_000;
/// What must happen in a long run, beside what happened anyway.
const COVERAGE: [&str; 36] = [
    "fault: Before",
    "fault: After",
    "fault: Refused",
    "fault: Stale",
    "worker stalls",
    "worker: lost a race",
    "leases run out",
    "crash: in a write",
    "crash: elsewhere",
    "news: lost",
    "news: delivery",
    "overwritten unseen",
    "operator: decides",
    "operator: decides again",
    "write: create",
    "write: edit",
    "write: delete",
    "write: restore",
    "write fails: transient",
    "write fails: unknown_outcome",
    "write fails: invalid",
    "write fails: conflict",
    "path: merged",
    "path: agreed",
    "path: found",
    "path: echo",
    "path: missing",
    "path: held",
    "path: rolled_back",
    "path: taken_back",
    "conflict: prefer_canvas by strategy",
    "conflict: prefer_discourse by strategy",
    "conflict: prefer_most_recent by strategy",
    "conflict: merge_prefer_canvas by strategy",
    "conflict: merge_prefer_discourse by strategy",
    "conflict: manual by operator",
];

/// What the command line asks for.
struct Wanted {
    seed: u64,
    seeds: u64,
    seconds: u64,
    steps: u32,
    is_detailed: bool,
    goes_on: bool,
    mutations: bool,
}

fn wanted(mut words: impl Iterator<Item = String>) -> Option<Wanted> {
    let mut wanted = Wanted {
        seed: 0,
        seeds: 1,
        seconds: u64::MAX,
        steps: 80,
        is_detailed: false,
        goes_on: false,
        mutations: false,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--detailed" => wanted.is_detailed = true,
            "--all" => wanted.goes_on = true,
            "--mutations" => wanted.mutations = true,
            "--fresh" => wanted.seed = fresh(),
            "--seed" => wanted.seed = words.next()?.parse().ok()?,
            "--seeds" => wanted.seeds = words.next()?.parse().ok()?,
            "--seconds" => wanted.seconds = words.next()?.parse().ok()?,
            "--steps" => wanted.steps = words.next()?.parse().ok()?,
            _ => return None,
        }
    }
    Some(wanted)
}

/// A first seed that no earlier run had.
#[expect(
    clippy::disallowed_methods,
    reason = "chooses the runs; no run can see it"
)]
fn fresh() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs().saturating_mul(1_000))
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

fn commit() -> String {
    let output = Command::new("git")
        .args(["rev-parse", "--short", "HEAD"])
        .output();
    output
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map_or_else(|| "unknown".to_owned(), |text| text.trim().to_owned())
}

#[expect(clippy::print_stdout, reason = "this is the command's output")]
fn show(finding: &Finding) {
    println!("commit {}\n{finding}\n", commit());
}

/// Runs the seeds; `false` when a promise was broken or, in a long run, something never happened.
#[expect(clippy::print_stdout, reason = "this is the command's output")]
#[expect(
    clippy::disallowed_methods,
    reason = "measures itself; no run can see it"
)]
fn play(wanted: &Wanted) -> bool {
    let start = Instant::now();
    let mut total = Summary::default();
    let mut counters: BTreeMap<String, u64> = BTreeMap::new();
    let (mut done, mut findings) = (0_u64, 0_u64);
    for seed in wanted.seed..wanted.seed.saturating_add(wanted.seeds) {
        if start.elapsed().as_secs() >= wanted.seconds {
            break;
        }
        done += 1;
        let options = Options {
            seed,
            steps: wanted.steps,
            mutation: None,
            is_detailed: wanted.is_detailed,
        };
        match run(options) {
            Ok((summary, counted)) => {
                total = add(total, summary);
                for (what, count) in counted {
                    *counters.entry(what).or_insert(0) += count;
                }
            }
            Err(finding) => {
                findings += 1;
                show(&finding);
                if !wanted.goes_on {
                    break;
                }
            }
        }
    }
    let tenths = u64::try_from(start.elapsed().as_millis() / 100)
        .unwrap_or(u64::MAX)
        .max(1);
    for what in COVERAGE {
        counters.entry(what.to_owned()).or_insert(0);
    }
    for (what, count) in &counters {
        println!("{count:>9} {what}");
    }
    let never = COVERAGE
        .iter()
        .filter(|what| counters.get(**what) == Some(&0))
        .count();
    println!(
        "{done} seeds, {} per second, {findings} findings, {never} things never happened, {total:?}",
        done * 10 / tenths
    );
    findings == 0 && (done < SEEDS_FOR_COVERAGE || never == 0)
}

/// Shows after how many seeds each deliberate bug is found; `false` when one is not.
#[expect(clippy::print_stdout, reason = "this is the command's output")]
fn prove(wanted: &Wanted) -> bool {
    let mut is_proved = true;
    for mutation in Mutation::ALL {
        let caught = (0..MUTATION_SEEDS).find_map(|number| {
            let options = Options {
                seed: wanted.seed + number,
                steps: wanted.steps,
                mutation: Some(mutation),
                is_detailed: false,
            };
            run(options).err().map(|finding| (number + 1, finding))
        });
        if let Some((seeds, finding)) = caught {
            let what: String = finding.what.chars().take(70).collect();
            let what = what.replace('\n', " ");
            println!("{:<16} {seeds:>5} seeds: {what}", format!("{mutation:?}"));
        } else {
            is_proved = false;
            println!(
                "{:<16} not caught by {MUTATION_SEEDS} seeds",
                format!("{mutation:?}")
            );
        }
    }
    is_proved
}

#[expect(clippy::print_stderr, reason = "this is the command's output")]
fn main() -> ExitCode {
    let Some(wanted) = wanted(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let is_good = if wanted.mutations {
        prove(&wanted)
    } else {
        play(&wanted)
    };
    ExitCode::from(u8::from(!is_good))
}
