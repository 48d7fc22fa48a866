//! Looks for inputs that break the converter: `cargo run --release -p markup --example fuzz -- SECONDS [SEED]`.
//!
//! Mutates the corpora, so that what is tried is near to what people write. Checked for each input: no panic, no
//! slow conversion, a second trip changes nothing, what leaves is clean, both canonical forms agree, and a merge is
//! total. Stops at the first finding with the input that shows it. (Coverage-guided fuzzing needs another toolchain;
//! this runs on the one that builds the project.)
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a development tool, which measures time"
)]

use markup::{
    Context, Dialect, Side, canonical_html, canonical_markdown, canvas_to_discourse,
    discourse_to_canvas, merge, sanitise,
};
use rand::prelude::*;
use rand_chacha::ChaCha8Rng;
use std::time::{Duration, Instant};

/// Longest input, in bytes.
const MAX_INPUT: usize = 20_000;
/// Slower than this is a finding: a hundred times what such an input usually takes.
const SLOW: Duration = Duration::from_millis(500);

const PIECES: &[&str] = &[
    "*",
    "**",
    "_",
    "~~",
    "`",
    "```",
    "\n",
    "\n\n",
    "    ",
    "\t",
    "# ",
    "> ",
    "- ",
    "1. ",
    "---",
    "|",
    "| a |\n|---|\n",
    "[",
    "]",
    "](",
    "![",
    "<",
    ">",
    "&",
    "&amp;",
    "&#",
    "$",
    "$$",
    "\\",
    "@",
    ":",
    "#",
    "[x]",
    "[^1]",
    "[^1]: n",
    "[quote]",
    "[/quote]",
    "[details=\"x\"]",
    "[/details]",
    "[spoiler]",
    "[/spoiler]",
    "[u]",
    "[/u]",
    "<p>",
    "</p>",
    "<b>",
    "</b>",
    "<a href=\"",
    "\">",
    "<table><tr><td>",
    "</td></tr></table>",
    "<ul><li>",
    "</li></ul>",
    "<pre>",
    "</pre>",
    "<!--",
    "-->",
    "<script>",
    "</script>",
    "<style>",
    "<svg>",
    "<math>",
    "<img src=x onerror=alert(1)>",
    "javascript:",
    "data:",
    "<iframe src=\"//e.org\">",
    "\u{a0}",
    "\u{2060}",
    "\u{200b}",
    "\0",
    "\r",
    "\u{f0000}",
    "é",
    "漢",
    "👍🏽",
    "http://e.org",
    "<span data-dsc-opaque=\"",
    "<blockquote data-dsc-quote=\"a\">",
    "<span data-mention=\"7\">",
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds: u64 = arguments.next().map_or(60, |text| text.parse().unwrap());
    let seed: u64 = arguments.next().map_or(1, |text| text.parse().unwrap());
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let seeds = corpus();
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut tried = 0u64;
    let mut bytes = 0;
    while Instant::now() < end {
        let input = mutate(&seeds, &mut random);
        bytes += input.len();
        let other = mutate(&seeds, &mut random);
        check(&input, &other);
        tried += 1;
    }
    println!("{tried} inputs, {bytes} bytes in {seconds} s from seed {seed}: no finding");
}

fn corpus() -> Vec<String> {
    let mut all = Vec::new();
    for (name, field) in [("canvas", "html"), ("discourse", "raw"), ("literal", "")] {
        let path = format!("{}/corpus/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let list: Vec<serde_json::Value> =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        all.extend(
            list.iter()
                .map(|one| one.get(field).unwrap_or(one).as_str().unwrap().to_owned()),
        );
    }
    all
}

fn mutate(seeds: &[String], random: &mut ChaCha8Rng) -> String {
    let mut text: Vec<char> = seeds.choose(random).unwrap().chars().collect();
    for _ in 0..random.random_range(1..12) {
        let at = random.random_range(0..=text.len());
        match random.random_range(0..6) {
            0 => drop(text.splice(at..at, PIECES.choose(random).unwrap().chars())),
            1 => drop(text.splice(at..at, seeds.choose(random).unwrap().chars())),
            2 => {
                let end = (at + random.random_range(0..8)).min(text.len());
                text.drain(at..end);
            }
            3 => {
                let end = (at + random.random_range(0..40)).min(text.len());
                let part: Vec<char> = text.get(at..end).unwrap().to_vec();
                let times = random.random_range(1..4);
                for _ in 0..times {
                    text.splice(at..at, part.iter().copied());
                }
            }
            4 => text.truncate(at),
            _ => {
                let piece = PIECES
                    .choose(random)
                    .unwrap()
                    .repeat(random.random_range(1..60));
                text.splice(at..at, piece.chars());
            }
        }
    }
    let mut text: String = text.into_iter().collect();
    while text.len() > MAX_INPUT {
        text.pop();
    }
    text
}

fn check(input: &str, other: &str) {
    let ctx = Context::default();
    let start = Instant::now();
    let markdown = canvas_to_discourse(input, &ctx).text;
    let html = discourse_to_canvas(&markdown, &ctx).text;
    assert_eq!(
        canvas_to_discourse(&html, &ctx).text,
        markdown,
        "trip from Canvas: {input:?}"
    );
    assert_eq!(
        canonical_html(input, &ctx),
        canonical_markdown(&markdown, &ctx),
        "canonical: {input:?}"
    );
    assert_eq!(sanitise(&html), html, "unclean: {input:?}");
    let html = discourse_to_canvas(input, &ctx).text;
    let raw = canvas_to_discourse(&html, &ctx).text;
    assert_eq!(
        discourse_to_canvas(&raw, &ctx).text,
        html,
        "trip from Discourse: {input:?}"
    );
    assert_eq!(sanitise(&html), html, "unclean: {input:?}");
    for dialect in [Dialect::CanvasHtml, Dialect::DiscourseMarkdown] {
        std::hint::black_box(merge(input, other, input, dialect, Side::Left));
        std::hint::black_box(merge(other, input, other, dialect, Side::Right));
    }
    assert!(
        start.elapsed() < SLOW,
        "{:?} for {input:?} with {other:?}",
        start.elapsed()
    );
}
