//! Contract suite: our readers and the sanitiser against what running servers really did.
//!
//! Reads the recorded fixtures beside the project; without them each test says so and returns.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod outline;

use markup::{
    Context, canonical_html, canonical_markdown, canvas_to_discourse, discourse_to_canvas, sanitise,
};
use outline::outline;
use serde_json::Value;
use std::path::PathBuf;

fn fixtures() -> Option<PathBuf> {
    let path = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/fixtures"
    ));
    if path.is_dir() {
        return Some(path);
    }
    println!("fixtures not present");
    None
}

fn json(path: &str) -> Option<Value> {
    let file = std::fs::read_to_string(fixtures()?.join(path)).unwrap();
    Some(serde_json::from_str(&file).unwrap())
}

fn field<'a>(row: &'a Value, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

const COOKED: &[&str] = &[
    "cooked-corpus",
    "cook-escapes",
    "cook-hard-cases",
    "cook-more",
    "cook-plugins",
    "cook-escaping-table",
];

#[test]
fn discourse_shows_what_our_tree_says() {
    let mut wrong = Vec::new();
    let mut total = 0;
    for name in COOKED {
        let Some(file) = json(&format!("discourse/live-3.1/{name}.json")) else {
            return;
        };
        let pairs = file
            .get("pairs")
            .unwrap_or(&file)
            .as_array()
            .unwrap()
            .clone();
        let plugins = matches!(*name, "cook-plugins" | "cook-escaping-table");
        for pair in &pairs {
            let raw = field(pair, "raw");
            let mut ctx = Context::default();
            ctx.settings.math = plugins;
            let ours = outline(&canonical_markdown(raw, &ctx), plugins);
            let theirs = outline(field(pair, "cooked"), plugins);
            total += 1;
            if ours != theirs && !is_known(raw) {
                wrong.push(format!("{name}: {raw:?}\n   ours {ours}\n theirs {theirs}"));
            }
        }
    }
    println!("{} of {total} pairs differ", wrong.len());
    assert!(
        wrong.is_empty(),
        "{} of {total}\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Whether we differ on purpose, or because that server lacked something.
fn is_known(raw: &str) -> bool {
    // Players and frames become a link; there they were not allowed at all.
    let media = ["<iframe", "<video", "<audio", "<object", "<embed"]
        .iter()
        .any(|tag| raw.contains(tag));
    media
}

#[test]
fn recorded_bodies_are_stable_both_ways() {
    let ctx = Context::default();
    let mut bodies = Vec::new();
    for name in COOKED {
        let Some(file) = json(&format!("discourse/live-3.1/{name}.json")) else {
            return;
        };
        let pairs = file
            .get("pairs")
            .unwrap_or(&file)
            .as_array()
            .unwrap()
            .clone();
        bodies.extend(pairs.iter().map(|pair| field(pair, "raw").to_owned()));
    }
    bodies.extend(recorded_posts().unwrap_or_default());
    for raw in &bodies {
        let html = discourse_to_canvas(raw, &ctx).text;
        assert_eq!(sanitise(&html), html, "{raw:?}");
        let back = canvas_to_discourse(&html, &ctx).text;
        assert_eq!(discourse_to_canvas(&back, &ctx).text, html, "{raw:?}");
        assert_eq!(
            canonical_html(&html, &ctx),
            canonical_markdown(raw, &ctx),
            "{raw:?}"
        );
        assert_eq!(
            canonical_markdown(&back, &ctx),
            canonical_markdown(raw, &ctx),
            "{raw:?}"
        );
    }
    println!("{} bodies", bodies.len());
}

/// Every post of the recorded topics.
fn recorded_posts() -> Option<Vec<String>> {
    let mut posts = Vec::new();
    for entry in std::fs::read_dir(fixtures()?.join("discourse/topics")).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().ends_with(".raw.md") {
            let text = std::fs::read_to_string(&path).unwrap();
            posts.extend(
                text.split("\n-------------------------\n")
                    .map(str::to_owned),
            );
        }
    }
    Some(posts)
}

#[test]
fn canvas_forms_of_one_entry_are_one_canonical_form() {
    let Some(file) = json("canvas/live-2019-04/entry-corpus.json") else {
        return;
    };
    let mut ctx = Context::default();
    ctx.hosts.canvas = "http://canvas.example.edu".to_owned();
    let mut wrong = Vec::new();
    for row in file.get("rows").unwrap().as_array().unwrap() {
        let forms: Vec<(&String, &str)> = row
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| {
                name.starts_with("stored") || name.starts_with("read") || *name == "create_answer"
            })
            .filter_map(|(name, form)| form.as_str().map(|form| (name, form)))
            .collect();
        let Some((_, first)) = forms.first() else {
            continue;
        };
        for (name, form) in &forms {
            let (a, b) = (canonical_html(first, &ctx), canonical_html(form, &ctx));
            if a != b {
                wrong.push(format!(
                    "{} {name}\n {first}\n {form}\n {a}\n {b}",
                    field(row, "what")
                ));
            }
            let markdown = canvas_to_discourse(form, &ctx).text;
            assert_eq!(canonical_markdown(&markdown, &ctx), b, "{form}");
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n\n"));
}
