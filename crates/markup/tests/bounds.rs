//! Every input gives a result, in time and memory that grow with its length (contract markup §1, P9).
#![expect(clippy::unwrap_used, reason = "tests")]

use markup::{
    Context, Dialect, Shadow, Side, canonical_html, canonical_markdown, canvas_to_discourse,
    discourse_to_canvas, merge, patch, sanitise,
};
use std::sync::mpsc;
use std::time::Duration;

/// Generous: a debug build on a busy machine; a quadratic step takes minutes on these inputs.
const LIMIT: Duration = Duration::from_secs(40);

fn both_ways(name: &str, body: String) {
    let (done, finished) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let ctx = Context::default();
        let markdown = canvas_to_discourse(&body, &ctx).text;
        assert_eq!(
            canonical_markdown(&markdown, &ctx),
            canonical_html(&body, &ctx)
        );
        let html = discourse_to_canvas(&body, &ctx).text;
        assert_eq!(canonical_html(&html, &ctx), canonical_markdown(&body, &ctx));
        assert_eq!(sanitise(&html), html);
        done.send(()).unwrap();
    });
    let slow = finished.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout);
    assert!(!slow, "{name}: too slow");
    assert!(thread.join().is_ok(), "{name}: panicked");
}

#[test]
fn runs_of_one_character() {
    for c in [
        "*", "_", "[", "]", "<", ">", "&", "`", "~", "$", "@", ":", "#", "!", "\\", "|", "-", "(",
        "\"", "\n", " ", "\u{a0}", "a",
    ] {
        both_ways(c, c.repeat(64 * 1024));
    }
}

const FRAGMENTS: &[&str] = &[
    "**a ",
    "*a_ ",
    "[a](",
    "![",
    "[u]",
    "[b]x",
    "[/u]",
    "[code]",
    "[url]",
    "[url=",
    "<a ",
    "<b>",
    "<a href=x>",
    "<!--",
    "</p>",
    "<p>",
    "&#",
    "&amp;",
    "`a",
    "``a",
    "$a",
    "$a$ ",
    "@a",
    ":a",
    ":a:",
    "#a",
    "http://",
    "https://a.b ",
    "> ",
    ">",
    "- ",
    "1. ",
    "- a\n",
    "> a\n",
    "```\n",
    "$$\n",
    "[quote]\n",
    "[/quote]\n",
    "[details]\n",
    "[poll]\n",
    "[spoiler]\n",
    "|a",
    "|a|\n",
    "|-",
    "a\n\n",
    "[^1]",
    "[^1]: a\n",
    "[a]: b\n",
    "\\(",
    "[date=",
    "[ ]",
    "<table>",
    "<table><tr><td>",
    "<ul><li>",
    "<div>",
    "<span>",
    "<details>",
    "<ruby>",
    "<math>",
    "<svg>",
    "<pre>",
    "<td>",
    "<li>",
    "<h1>",
    "<b>x</b> ",
    "<b><p>",
    "<a><p>",
    "<font color=a>",
    "<template>",
    "<select>",
    "<button>",
    "<form>",
    "<x y='",
    "<![CDATA[",
    "<?",
    "</",
];

#[test]
fn runs_of_short_fragments() {
    for part in FRAGMENTS {
        both_ways(part, part.repeat(24 * 1024 / part.len()));
    }
}

#[test]
fn nesting_bombs() {
    for (open, close) in [
        ("<div>", "</div>"),
        ("<b>", "</b>"),
        ("<ul><li>", "</li></ul>"),
        ("<blockquote>", "</blockquote>"),
        ("<table><tr><td>", "</td></tr></table>"),
        ("<span>", "</span>"),
        ("<details>", "</details>"),
        ("<dl><dd>", "</dd></dl>"),
        ("<i x=1>", "</i>"),
    ] {
        both_ways(
            open,
            format!("{}x{}", open.repeat(10_000), close.repeat(10_000)),
        );
        both_ways(open, open.repeat(10_000));
    }
    both_ways("quotes", format!("{}x", "> ".repeat(10_000)));
    both_ways("lists", format!("{}x", "- ".repeat(10_000)));
    let steps: Vec<String> = (0..300)
        .map(|depth| format!("{}- a\n", "  ".repeat(depth)))
        .collect();
    let steps = steps.concat();
    both_ways("list steps", steps);
    both_ways(
        "emphasis",
        format!("{}x{}", "*a ".repeat(5_000), " b*".repeat(5_000)),
    );
    both_ways(
        "attributes",
        format!("<p {}>x</p>", "a1=b c ".repeat(20_000)),
    );
}

#[test]
fn a_megabyte() {
    let html = "<p>Some <strong>ordinary</strong> text with a <a href=\"https://e.org/x\">link</a> &amp; more.</p>\n";
    both_ways("html", html.repeat(1024 * 1024 / html.len()));
    let raw = "Some **ordinary** text with a [link](https://e.org/x), `code` and @mention.\n\n- one\n- two\n\n";
    both_ways("markdown", raw.repeat(512 * 1024 / raw.len()));
}

#[test]
fn edits_of_large_bodies() {
    let raw: Vec<String> = (0..400)
        .map(|number| format!("Paragraph {number} with *some* words.\n\n- item\n\n"))
        .collect();
    let base = raw.concat();
    let left = base.replace("Paragraph 17 ", "Section 17 ");
    let right = base.replace("Paragraph 300 with", "Paragraph 300 has");
    let merged = merge(&base, &left, &right, Dialect::DiscourseMarkdown, Side::Left);
    assert_eq!(merged.overlaps, []);
    assert_eq!(
        merged.text,
        left.replace("Paragraph 300 with", "Paragraph 300 has")
    );
    let ctx = Context::default();
    let html = discourse_to_canvas(&base, &ctx).text;
    let shadow = Shadow {
        own: &html,
        dialect: Dialect::CanvasHtml,
        other: &base,
    };
    assert_eq!(
        patch(shadow, &right, &ctx),
        html.replace("Paragraph 300 with", "Paragraph 300 has")
    );
}

#[test]
fn edits_of_hostile_bodies() {
    let ctx = Context::default();
    for part in [
        "<div>",
        "</p><p>",
        "[quote]\n",
        "- a\n\n",
        "> a\n\n",
        "```\n\n",
        "*",
        "<b>x",
        "a\n\n    b\n\n",
    ] {
        let base = part.repeat(8 * 1024 / part.len());
        let (left, right) = (format!("x{base}"), format!("{base}y"));
        for dialect in [Dialect::CanvasHtml, Dialect::DiscourseMarkdown] {
            let merged = merge(&base, &left, &right, dialect, Side::Left);
            assert!(!merged.text.is_empty());
            let shadow = Shadow {
                own: &base,
                dialect,
                other: &left,
            };
            assert!(!patch(shadow, &right, &ctx).is_empty());
        }
    }
}
