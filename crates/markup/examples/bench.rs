//! Figures of the converter: what it keeps on each corpus, how fast it is on one thread, and how much memory it takes.
//!
//! `cargo xtask bench markup`. Speed is bytes of input per second of processor time, so that other
//! work on the machine does not count.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

#[path = "../tests/outline/parsed.rs"]
mod outline;
#[path = "../tests/outline/post.rs"]
mod post;
#[path = "../tests/outline/score.rs"]
mod score;

use markup::{Context, canvas_to_discourse, discourse_to_canvas};
use std::time::Duration;

fn main() {
    let mut arguments = std::env::args().skip(1);
    if let (Some("--peak"), Some(name), Some(way)) = (
        arguments.next().as_deref(),
        arguments.next(),
        arguments.next(),
    ) {
        println!("{}", peak(&body(&name), &way));
        return;
    }
    table();
    speed();
    memory();
}

fn table() {
    println!(
        "| corpus | bodies | text | structure | fixpoint | drift | activated | became live | kept |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for row in score::all() {
        println!("{row}");
        if std::env::args().any(|argument| argument == "--short") {
            println!("{}", row.short.join("\n"));
        }
    }
    println!();
}

fn speed() {
    let ctx = Context::default();
    let posts = post::posts(400);
    let html: Vec<String> = posts
        .iter()
        .map(|raw| discourse_to_canvas(raw, &ctx).text)
        .collect();
    let forth = rate(&html, |body| canvas_to_discourse(body, &ctx).text.len());
    let back = rate(&posts, |body| discourse_to_canvas(body, &ctx).text.len());
    println!("| conversion | MB per processor second |");
    println!("|---|---|");
    println!("| Canvas HTML to Discourse Markdown | {forth:.1} |");
    println!("| Discourse Markdown to Canvas HTML | {back:.1} |");
}

/// Megabytes of input per second of processor time: the best of five rounds.
fn rate(bodies: &[String], convert: impl Fn(&str) -> usize) -> f64 {
    let bytes: usize = bodies.iter().map(String::len).sum();
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let start = processor_time();
        for body in bodies {
            std::hint::black_box(convert(body));
        }
        best = best.min(processor_time().checked_sub(start).unwrap());
    }
    f64::from(u32::try_from(bytes).unwrap()) / 1e6 / best.as_secs_f64()
}

/// Processor time of this thread, as Linux counts it.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanos = stat.split_whitespace().next().unwrap().parse().unwrap();
    Duration::from_nanos(nanos)
}

/// Length of the bodies whose conversion is watched for memory, in bytes: the longest that is converted.
const LONG: usize = 1 << 20;

const BODIES: &[&str] = &[
    "posts as HTML",
    "posts as Markdown",
    "words",
    "stars",
    "brackets",
    "tags",
    "quotes in quotes",
    "one table",
];

/// Peak memory of converting long bodies, each in a process of its own, so that none sees what another left.
fn memory() {
    println!("\n| body of 1 MiB | peak memory to Markdown | peak memory to HTML |");
    println!("|---|---|---|");
    for name in BODIES {
        let measured = |way: &str| {
            let own = std::env::current_exe().unwrap();
            let output = std::process::Command::new(own)
                .args(["--peak", name, way])
                .output()
                .unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let kib: f64 = text.trim().parse().unwrap();
            kib / 1024.0
        };
        let (forth, back) = (measured("markdown"), measured("html"));
        println!("| {name} | {forth:.0} x | {back:.0} x |");
    }
}

fn body(name: &str) -> String {
    let posts = post::posts(400);
    let filled = |pieces: &[String]| {
        let mut text = String::with_capacity(LONG);
        for piece in pieces.iter().cycle() {
            if text.len() + piece.len() + 2 > LONG {
                break;
            }
            text.push_str(piece);
            text.push_str("\n\n");
        }
        text
    };
    let repeated = |piece: &str| piece.repeat(LONG / piece.len());
    match name {
        "posts as HTML" => {
            let ctx = Context::default();
            let html = posts.iter().map(|raw| discourse_to_canvas(raw, &ctx).text);
            filled(&html.collect::<Vec<_>>())
        }
        "posts as Markdown" => filled(&posts),
        "words" => repeated("some words "),
        "stars" => repeated("*"),
        "brackets" => repeated("["),
        "tags" => repeated("<b>x</b> "),
        "quotes in quotes" => repeated("> > > a\n"),
        "one table" => format!("<table>{}</table>", "<tr><td>a</td></tr>".repeat(LONG / 20)),
        other => unreachable!("no body is called {other}"),
    }
}

/// By how many KiB one conversion raises the memory that this process holds.
fn peak(body: &str, way: &str) -> u64 {
    let ctx = Context::default();
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = status("VmRSS:");
    let output = match way {
        "markdown" => canvas_to_discourse(body, &ctx),
        _ => discourse_to_canvas(body, &ctx),
    };
    std::hint::black_box(output);
    status("VmHWM:").saturating_sub(before)
}

/// A line of the process's status, in KiB.
fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
