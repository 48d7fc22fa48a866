//! Properties that hold for every input (contract markup §1): a converted body never changes again,
//! both canonical forms agree, text never becomes a feature, and nothing panics or takes too long.

use markup::{
    Context, Dialect, canonical_html, canonical_markdown, canvas_to_discourse, discourse_to_canvas,
    read, sanitise,
};
use proptest::prelude::*;

fn check_canvas(html: &str) {
    let ctx = Context::default();
    let markdown = canvas_to_discourse(html, &ctx).text;
    let back = discourse_to_canvas(&markdown, &ctx).text;
    let again = canvas_to_discourse(&back, &ctx).text;
    assert_eq!(
        again, markdown,
        "P1 from Canvas\nhtml: {html:?}\nback: {back:?}"
    );
    let canonical = canonical_html(html, &ctx);
    assert_eq!(
        canonical_markdown(&markdown, &ctx),
        canonical,
        "canonical form\nhtml: {html:?}\nmarkdown: {markdown:?}"
    );
    assert_eq!(
        canonical_html(&back, &ctx),
        canonical,
        "canonical form of {back:?}"
    );
    assert_eq!(sanitise(&back), back, "clean output stays as it is");
}

fn check_discourse(raw: &str) {
    let ctx = Context::default();
    let html = discourse_to_canvas(raw, &ctx).text;
    let back = canvas_to_discourse(&html, &ctx).text;
    let again = discourse_to_canvas(&back, &ctx).text;
    assert_eq!(
        again, html,
        "P1 from Discourse\nraw: {raw:?}\nback: {back:?}"
    );
    let canonical = canonical_markdown(raw, &ctx);
    assert_eq!(
        canonical_html(&html, &ctx),
        canonical,
        "canonical form\nraw: {raw:?}\nhtml: {html:?}"
    );
    assert_eq!(
        canonical_markdown(&back, &ctx),
        canonical,
        "canonical form of {back:?}"
    );
}

/// Pieces of Markdown, BBCode and HTML that mean something.
const PIECES: &[&str] = &[
    "*",
    "**",
    "***",
    "_",
    "__",
    "~",
    "~~",
    "~~~",
    "`",
    "``",
    "```",
    "\n",
    "\n\n",
    "\n\n\n",
    " ",
    "  ",
    "    ",
    "\t",
    "#",
    "# ",
    "## ",
    "###### ",
    "> ",
    ">",
    "- ",
    "* ",
    "+ ",
    "1. ",
    "2) ",
    "10. ",
    "---",
    "***\n",
    "===",
    "--",
    "|",
    "| a | b |",
    "\n|---|---|\n",
    "| --- | :-: |",
    "[",
    "]",
    "(",
    ")",
    "[a](b)",
    "[a](http://e.org \"t\")",
    "![a](b.png)",
    "![a|10x20](upload://x.png)",
    "![x|10x20, 50%](u.png)",
    "<",
    ">",
    "&",
    "&amp;",
    "&lt;",
    "&nbsp;",
    "&#64;",
    "&copy",
    "&#0;",
    "&x;",
    "$",
    "$$",
    "$x$",
    "\n$$\nx\n$$\n",
    "\\",
    "\\*",
    "\\[",
    "\\(",
    "@",
    "@bob",
    "@a.b-c_d",
    ":",
    ":smile:",
    ":custom_x:",
    ":)",
    ";)",
    "<3",
    "#tag",
    "#a:b",
    "[ ]",
    "[x]",
    "[]",
    "[X]",
    "[date=2026-01-02]",
    "[date=2026-09-01 time=10:00:00]",
    "[^1]",
    "\n[^1]: note\n",
    "^[n]",
    "[u]",
    "[/u]",
    "[b]",
    "[/b]",
    "[i]",
    "[/i]",
    "[spoiler]",
    "[/spoiler]",
    "\n[spoiler]\n",
    "\n[/spoiler]\n",
    "\n[quote=\"bob, post:1, topic:2\"]\n",
    "\n[quote]\n",
    "\n[/quote]\n",
    "\n[details=\"S\"]\n",
    "\n[/details]\n",
    "\n[poll type=regular]\n",
    "\n[/poll]\n",
    "\n[code]\n",
    "\n[/code]\n",
    "[code]",
    "[/code]",
    "[url]",
    "[/url]",
    "[url=http://e.org]",
    "[img]",
    "[/img]",
    "http://e.org",
    "https://e.org/a_b?x=1&y=2",
    "http://",
    "www.e.org",
    "a@b.org",
    "<http://e.org>",
    "<b>",
    "</b>",
    "<i>",
    "</i>",
    "<u>",
    "</u>",
    "<p>",
    "</p>",
    "<div>",
    "</div>",
    "<div align=\"center\">",
    "<br>",
    "<br/>",
    "<hr>",
    "<span>",
    "</span>",
    "<a href=\"http://e.org\">",
    "<a href=\"javascript:x\">",
    "</a>",
    "<ul>",
    "</ul>",
    "<ol start=3>",
    "</ol>",
    "<li>",
    "</li>",
    "<table>",
    "</table>",
    "<tr>",
    "<td>",
    "<th>",
    "</td>",
    "</tr>",
    "<caption>",
    "<pre>",
    "</pre>",
    "<code>",
    "</code>",
    "<blockquote>",
    "</blockquote>",
    "<h2>",
    "</h2>",
    "<details>",
    "<summary>",
    "</summary>",
    "</details>",
    "<img src=x alt=\"a]b\">",
    "<img>",
    "<!-- c -->",
    "<!--",
    "-->",
    "<script>",
    "</script>",
    "<style>",
    "</style>",
    "<sub>",
    "</sub>",
    "<kbd>",
    "</kbd>",
    "<ruby>",
    "<rt>",
    "</ruby>",
    "<dl>",
    "<dt>",
    "<dd>",
    "</dl>",
    "<iframe src=\"https://e.org/v\"></iframe>",
    "<math>",
    "<mi>",
    "</math>",
    "<svg>",
    "</svg>",
    "<p style=\"text-align:right\">",
    "<p dir=rtl lang=ar>",
    "<span style=\"text-decoration:underline\">",
    "<img class=equation_image alt='LaTeX: a_b' src=x>",
    "<span data-dsc-mention=bob>",
    "<span data-dsc-check=x>",
    "<span class=math>",
    "<div class=math>",
    "<abbr title=\"t|x\">",
    "</abbr>",
    "<em>",
    "</em>",
    "<strong>",
    "</strong>",
    "<del>",
    "</del>",
    "<mark>",
    "<font color=red>",
    "<center>",
    "<q>",
    "</q>",
    "\u{a0}",
    "\u{2003}",
    "\u{2060}",
    "\u{200b}",
    "\u{feff}",
    "\u{ad}",
    "\r\n",
    "\r",
    "\0",
    "\u{7}",
    "\u{85}",
    "\u{f0000}",
    "\u{f0001}",
    "\u{2997}",
    "\u{2998}",
    "é",
    "漢字",
    "😀",
    "word",
    "a",
    "b",
    "x",
    "1",
    "5",
    ".",
    ",",
    "!",
    "?",
    "\"",
    "'",
    "=",
    "-",
    "+",
    "{",
    "}",
    "%",
    "^",
    "/",
];

fn pieces(max: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..max).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fragments_as_canvas_html_are_stable(text in pieces(14)) { check_canvas(&text); }

    #[test]
    fn fragments_as_discourse_markdown_are_stable(text in pieces(14)) { check_discourse(&text); }

    #[test]
    fn any_string_is_stable(text in "\\PC{0,60}") { check_canvas(&text); check_discourse(&text); }

    #[test]
    fn text_stays_text(words in pieces(10)) {
        let ctx = Context::default();
        let escaped = words.replace('&', "&amp;").replace('<', "&lt;");
        let html = format!("<p>{escaped}</p>");
        check_canvas(&html);
        let doc = read(&canvas_to_discourse(&html, &ctx).text, Dialect::DiscourseMarkdown, &ctx);
        for block in &doc.blocks {
            let markup::tree::Block::Paragraph(runs) = block else { panic!("text became {block:?}") };
            for run in runs {
                prop_assert!(matches!(run.leaf, markup::tree::Leaf::Text(_)), "text became {run:?}");
                prop_assert!(run.style.marks.is_empty(), "text became {run:?}");
            }
        }
    }
}

fn cases() -> u32 {
    option_env!("MARKUP_CASES")
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(300)
}
