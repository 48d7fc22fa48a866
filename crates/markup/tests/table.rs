//! The table of what survives (`cargo xtask bench markup` prints it), held, and the page of examples made from
//! the same corpora.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

#[path = "outline/parsed.rs"]
mod outline;
#[path = "outline/score.rs"]
mod score;

use expect_test::expect_file;
use std::fmt::Write as _;

use markup::{Context, Output, canvas_to_discourse, discourse_to_canvas};

#[test]
fn nothing_falls_short() {
    for row in score::all() {
        println!("{row}");
        let short = row.short.join("\n");
        assert_eq!(row.text, row.bodies, "{short}");
        assert!(row.structure * 1000 >= row.bodies * 990, "{short}");
        assert_eq!(row.fixpoint, row.bodies, "{short}");
        assert_eq!((row.drift, row.activated, row.live), (0, 0, 0), "{short}");
        assert_eq!(row.kept.0, row.kept.1, "{short}");
    }
}

/// `docs/markup-examples.md`: every construct of the corpora as the other side shows it.
#[test]
fn the_page_of_examples_is_as_the_converter_does_it() {
    let ctx = Context::default();
    let mut page = String::from(
        "# Examples\n\nMade by `crates/markup/tests/table.rs` from the corpora beside it; a test fails when this page \
         is not what the converter does. [What becomes of a text](markup.md) has the rules.\n",
    );
    page.push_str("\n## From Canvas\n");
    for one in score::corpus("canvas") {
        let input = score::field(&one, "html");
        let output = canvas_to_discourse(input, &ctx);
        entry(
            &mut page,
            &one,
            [("html", input), ("markdown", &output.text)],
            &output,
        );
    }
    page.push_str("\n## From Discourse\n");
    for one in score::corpus("discourse") {
        let input = score::field(&one, "raw");
        let output = discourse_to_canvas(input, &ctx);
        entry(
            &mut page,
            &one,
            [("markdown", input), ("html", &output.text)],
            &output,
        );
    }
    expect_file!["../../../docs/markup-examples.md"].assert_eq(&page);
}

fn entry(page: &mut String, one: &serde_json::Value, texts: [(&str, &str); 2], output: &Output) {
    writeln!(page, "\n### {}", score::field(one, "name")).unwrap();
    for (language, text) in texts {
        let shown: Vec<&str> = text.lines().map(str::trim_end).collect();
        writeln!(page, "\n~~~~{language}\n{}\n~~~~", shown.join("\n")).unwrap();
    }
    let losses: Vec<&str> = output
        .losses
        .iter()
        .map(|loss| loss.name.as_str())
        .collect();
    if !losses.is_empty() {
        writeln!(page, "\nReported as lost: {}.", losses.join(", ")).unwrap();
    }
}
