//! Contract suite: our readers and the sanitiser against what running servers really did.
//!
//! Reads the recorded fixtures beside the project; without them each test says so and returns.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

#[path = "outline/parsed.rs"]
mod outline;

use markup::{
    Context, Dialect, Shadow, canonical_html, canonical_markdown, canvas_to_discourse,
    discourse_to_canvas, patch, sanitise,
};
use outline::Rules;
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

/// The outline, as a Discourse server's HTML is compared.
fn outline(html: &str, plugins: bool) -> String {
    let lenient = false;
    outline::outline(html, Rules { plugins, lenient })
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

/// Why we differ from that server, and on which sources.
const KNOWN: &[(&str, &[&str])] = &[
    (
        "the upload does not exist there",
        &["[file.pdf|attachment](upload://abc.pdf) (1 KB)"],
    ),
    (
        "that server shows the words of elements that mean something to us",
        &[
            "<b>b</b> <i>i</i> <u>u</u> <s>s</s> <sub>1</sub><sup>2</sup> <kbd>K</kbd> <mark>m</mark> <ins>i</ins> <del>d</del> <small>s</small> <big>b</big>",
            "<abbr title=\"t\">a</abbr> <cite>c</cite> <q>q</q> <tt>tt</tt> <acronym title=\"t\">a</acronym>",
            "<center>c</center><font color=\"red\">f</font><strike>s</strike>",
            "<img class=\"equation_image\" src=\"/equation_images/x%5E2\" alt=\"LaTeX: x^2\" data-equation-content=\"x^2\">",
            "<u>x</u> [u]y[/u]",
            "<font color=\"red\">x</font><center>c</center>",
            "<table><caption>c</caption><thead><tr><th scope=\"row\">a</th></tr></thead><tfoot><tr><td>f</td></tr></tfoot></table>",
            "<figure><img src=\"https://e.com/a.png\"><figcaption>c</figcaption></figure>",
            "<q>x</q><cite>y</cite><samp>s</samp><var>v</var><time>t</time>",
        ],
    ),
    (
        "the plugin was off",
        &[
            "[spoiler]secret[/spoiler]",
            "footnote[^1]\n\n[^1]: the note",
        ],
    ),
    (
        "that server puts footnotes below a line",
        &["a[^1] b\n\n[^1]: note", "a^[inline *note*] b"],
    ),
    (
        "characters that mean nothing are dropped",
        &[
            "\0nul",
            "&#0; &#xD800; &#x110000; &#1; &#128;",
            "**a**\u{2060}**b**",
            "*a*\u{200b}*b*",
        ],
    ),
    (
        "the outline shows an unchecked box as [ ]",
        &["![](", "[]: x"],
    ),
    (
        "the outline compares characters, that server shows an image",
        &["a ☑ ☐ ™ © ↔ b"],
    ),
    (
        "addresses: only plain http and https, no star, no guess",
        &[
            "http://127.0.0.1:1/a_b_c*d*",
            "https://e.com/&amp;x",
            "http://x.y/:smile:",
            "a https://e.com/*x* b",
            "https\u{2060}://e.com/",
            "&#104;ttps://e.com",
            "https:\\//e.com/x",
            "[a](https://é.com/ü?q=ä b)",
        ],
    ),
    (
        "addresses that that server drops and Canvas allows, or the other way round",
        &[
            "<a href=\"#\" data-x=\"1\" class=\"x\">y</a>",
            "![a](data:image/png;base64,AAAA)",
            "![a](files/1)",
            "[a](javascript:alert(1))",
            "[a](JaVa&#115;cript:x)",
            "[a](tel:+1)",
            "[a](skype:x)",
            "[a](x/y)",
        ],
    ),
    (
        "BBCode that is not carried",
        &[
            "a [b\\]x[/b] b",
            "[wrap=x]a[/wrap]",
            "a [wrap=dsc id=1]x[/wrap] b",
            "[poll]x[/poll]",
        ],
    ),
    (
        "comments by the newer CommonMark",
        &["a <!-- x -- y --> b", "a<!-->b", "<?php x ?>"],
    ),
    (
        "styles",
        &[
            "<table><tr><td colspan=\"2\" style=\"text-align:center;color:red\" width=\"5\">a</td></tr></table>",
            "<style>p{}</style>x",
            "<img src=\"https://e.com/a.png\" width=\"50%\">",
        ],
    ),
    (
        "its alternative texts lose escaped characters (markdown-it 13.0.1)",
        &[
            "![a\\|b](https://e.com/a.png)",
            "![a \\[b\\] \"c\"](https://e.com/a.png)",
            "![a&#124;b](https://e.com/a.png)",
            "![Q&amp;A](https://e.com/a.png)",
            "![a\\*b](https://e.com/a.png)",
            "![a &quot;b&quot;](https://e.com/a.png)",
            "![1 &lt; 2](https://e.com/a.png)",
            "![a `b` c](https://e.com/a.png)",
            "![a&amp;b|10x10](https://e.com/a.png)",
        ],
    ),
    (
        "what shows nothing is dropped",
        &["#", "# ", "# ", "> ", "<br>a"],
    ),
    (
        "a pipe table inside an HTML table",
        &["<table>\n\n| a |\n|---|\n\n</table>"],
    ),
    (
        "a bar inside an equation does not split the row",
        &["| a $x|y$ | b |\n|---|---|\n| $z$ | 2 |"],
    ),
];

/// Whether we differ on purpose, or because that server lacked something.
fn is_known(raw: &str) -> bool {
    // Players and frames become a link; there they were not allowed at all.
    let media = ["<iframe", "<video", "<audio", "<object", "<embed"]
        .iter()
        .any(|tag| raw.contains(tag));
    media || KNOWN.iter().any(|(_, sources)| sources.contains(&raw))
}

/// A script's text is never kept by us; a NUL ends the text there.
const UNLIKE_CANVAS: &[&str] = &["<script>alert(1)</script>after", "\0nul"];

#[test]
fn the_sanitiser_keeps_the_words_that_canvas_keeps() {
    let Some(file) = json("canvas/live-2019-04/sanitised-corpus.json") else {
        return;
    };
    let mut wrong = Vec::new();
    for row in file.get("rows").unwrap().as_array().unwrap() {
        for (sent, stored) in [("cooked", "canvas"), ("raw", "raw_html_in_canvas")] {
            let (sent, stored) = (field(row, sent), field(row, stored));
            let ours = outline::words(&sanitise(sent));
            let theirs = outline::words(stored);
            if ours != theirs && !UNLIKE_CANVAS.contains(&sent) {
                wrong.push(format!(
                    "{sent:?}\n   ours {ours:?}\n theirs {theirs:?}\n {}",
                    sanitise(sent)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
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

#[test]
fn recorded_posts_keep_their_bytes_but_for_the_edited_block() {
    let ctx = Context::default();
    let (mut same, mut edits, mut wide) = (0, 0, Vec::new());
    for raw in recorded_posts().unwrap_or_default() {
        let html = discourse_to_canvas(&raw, &ctx).text;
        let shadow = Shadow {
            own: &raw,
            dialect: Dialect::DiscourseMarkdown,
            other: &html,
        };
        assert_eq!(patch(shadow, &html, &ctx), raw);
        same += 1;
        // One word of the middle paragraph of plain text.
        let starts: Vec<usize> = html
            .match_indices("\n<p>")
            .map(|(at, _)| at + "\n<p>".len())
            .collect();
        let Some(start) = starts.get(starts.len() / 2) else {
            continue;
        };
        let (before, after) = html.split_at(*start);
        let length = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        if length == 0 {
            continue;
        }
        let edited = format!("{before}Replaced{}", after.split_at(length).1);
        let patched = patch(shadow, &edited, &ctx);
        assert_eq!(
            canonical_markdown(&patched, &ctx),
            canonical_html(&edited, &ctx)
        );
        edits += 1;
        let blocks = |text: &str| text.split("\n\n").map(str::to_owned).collect::<Vec<_>>();
        let (old, new) = (blocks(&raw), blocks(&patched));
        let changed = old.iter().filter(|block| !new.contains(block)).count();
        if changed > 1 || old.len() != new.len() {
            wide.push(format!("{changed} blocks\n{raw}\n=====>\n{patched}"));
        }
    }
    println!(
        "{same} posts kept, {edits} edited, {} changed more than one block",
        wide.len()
    );
    assert!(
        wide.is_empty(),
        "{} of {edits}\n{}",
        wide.len(),
        wide.join("\n##########\n")
    );
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
