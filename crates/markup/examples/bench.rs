//! Figures of the converter: what it keeps on each corpus, and how fast it is on one thread.
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
    table();
    speed();
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
