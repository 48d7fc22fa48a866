//! Properties that hold for every input (contract markup §1): a converted body never changes again,
//! both canonical forms agree, text never becomes a feature, and nothing panics or takes too long.

use markup::{
    Context, Dialect, File, Hosts, Shadow, Side, User, canonical_html, canonical_markdown,
    canvas_to_discourse, discourse_to_canvas, merge, patch, read, sanitise,
};
use proptest::prelude::*;

fn check_canvas(html: &str) {
    check_canvas_with(html, &Context::default());
    check_canvas_with(html, &acquainted());
}

fn check_discourse(raw: &str) {
    check_discourse_with(raw, &Context::default());
    check_discourse_with(raw, &acquainted());
}

/// A context that knows somebody, a file, an item and both hosts, and reads newlines as blanks.
fn acquainted() -> Context {
    let hosts = Hosts {
        canvas: "https://canvas.example.edu".to_owned(),
        discourse: "https://forum.example.edu".to_owned(),
    };
    let mut ctx = Context {
        hosts,
        ..Context::default()
    };
    let user = User {
        username: "Ann_L".to_owned(),
        name: "Ann *Lee*".to_owned(),
    };
    ctx.users.insert("42".to_owned(), user);
    let file = File {
        upload: "upload://x.png".to_owned(),
        path: "/courses/1/files/5".to_owned(),
        name: "x.png".to_owned(),
    };
    ctx.files.insert("5".to_owned(), file);
    ctx.posts.insert(
        "/t/topic/7".to_owned(),
        "/courses/1/discussion_topics/9".to_owned(),
    );
    ctx.settings.breaks = false;
    ctx
}

fn check_canvas_with(html: &str, ctx: &Context) {
    let markdown = canvas_to_discourse(html, ctx).text;
    let back = discourse_to_canvas(&markdown, ctx).text;
    let again = canvas_to_discourse(&back, ctx).text;
    assert_eq!(
        again, markdown,
        "P1 from Canvas\nhtml: {html:?}\nback: {back:?}"
    );
    let canonical = canonical_html(html, ctx);
    assert_eq!(
        canonical_markdown(&markdown, ctx),
        canonical,
        "canonical form\nhtml: {html:?}\nmarkdown: {markdown:?}"
    );
    assert_eq!(
        canonical_html(&back, ctx),
        canonical,
        "canonical form of {back:?}"
    );
    assert_eq!(sanitise(&back), back, "clean output stays as it is");
}

fn check_discourse_with(raw: &str, ctx: &Context) {
    let html = discourse_to_canvas(raw, ctx).text;
    let back = canvas_to_discourse(&html, ctx).text;
    let again = discourse_to_canvas(&back, ctx).text;
    assert_eq!(
        again, html,
        "P1 from Discourse\nraw: {raw:?}\nback: {back:?}"
    );
    let canonical = canonical_markdown(raw, ctx);
    assert_eq!(
        canonical_html(&html, ctx),
        canonical,
        "canonical form\nraw: {raw:?}\nhtml: {html:?}"
    );
    assert_eq!(
        canonical_markdown(&back, ctx),
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
    "<span class=mention data-mention=42>@Ann</span>",
    "<span class=mention data-mention=7>@Bob</span>",
    "@Ann_L",
    "@ann_l",
    "<img src=\"/courses/1/files/5/preview\" alt=x>",
    "<a href=\"/files/5/download?wrap=1\">",
    "<a href=\"/files/6\">",
    "<a href=\"/courses/1/discussion_topics/9\">",
    "https://forum.example.edu/t/topic/7",
    "[t](/t/topic/7)",
    "https://canvas.example.edu/courses/1/files/5/download?verifier=x",
    "[f|attachment](upload://x.png)",
    "![v|video](upload://x.png)",
    "![v|audio](https://e.org/a.mp3)",
    "<a data-dsc-media=video href=\"https://e.org/v\">▶ v</a>",
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
    fn fragments_as_canvas_html_are_stable(text in pieces(size())) { check_canvas(&text); }

    #[test]
    fn fragments_as_discourse_markdown_are_stable(text in pieces(size())) { check_discourse(&text); }

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

/// Inline content as an editor writes it.
fn inline() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "word",
        "a b",
        " ",
        "two  words",
        "*",
        "snake_case",
        "1. x",
        "- x",
        "# x",
        "$5",
        "a:b",
        "@bob",
        "x&amp;y",
        "a &lt; b",
        "&nbsp;",
        "[x]",
        "é漢",
        "!",
        "(c)",
        "<br>",
        "https://e.org/a?b=c",
        "|",
        "\\",
        "`",
        "~~",
        "<img src=\"/i.png\" alt=\"alt\">",
        "<img class=\"equation_image\" data-equation-content=\"x_1\">",
        "<code>x = *y*</code>",
        "<span data-dsc-check=\"x\">☑</span>",
        "<span data-dsc-mention=\"bob\">@bob</span>",
    ])
    .prop_map(str::to_owned);
    word.prop_recursive(4, 24, 6, |inner| {
        let tag = prop::sample::select(vec![
            ("<strong>", "</strong>"),
            ("<em>", "</em>"),
            ("<del>", "</del>"),
            ("<u>", "</u>"),
            ("<sub>", "</sub>"),
            ("<kbd>", "</kbd>"),
            ("<mark>", "</mark>"),
            ("<span style=\"text-decoration: underline;\">", "</span>"),
            ("<span>", "</span>"),
            ("<a href=\"https://e.org/x\">", "</a>"),
            ("<a href=\"/p\" title=\"t\">", "</a>"),
            ("<abbr title=\"full\">", "</abbr>"),
            ("<span data-dsc-spoiler=\"1\">", "</span>"),
            ("", ""),
        ]);
        (tag, prop::collection::vec(inner, 1..5))
            .prop_map(|((open, close), parts)| format!("{open}{}{close}", parts.concat()))
    })
}

/// A body as an editor writes it.
fn body() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        6 => inline().prop_map(|text| format!("<p>{text}</p>")),
        1 => inline().prop_map(|text| format!("<h3>{text}</h3>")),
        1 => inline(),
        1 => Just("<hr>".to_owned()),
        1 => Just("<p>&nbsp;</p>".to_owned()),
        1 => Just("<pre><code class=\"language-rs\">fn x() {\n\n    *y\n}</code></pre>".to_owned()),
        1 => Just("<div data-dsc-opaque=\"[poll]\n* a\n[/poll]\">a</div>".to_owned()),
    ];
    let block = leaf.prop_recursive(4, 40, 5, |inner| {
        let many = prop::collection::vec(inner, 0..4);
        let wrap = prop::sample::select(vec![
            ("<ul><li>", "</li><li>", "</li></ul>"),
            ("<ol><li>", "</li><li>", "</li></ol>"),
            ("<ol start=\"7\"><li>", "</li><li>", "</li></ol>"),
            ("<blockquote>", "", "</blockquote>"),
            ("<div>", "", "</div>"),
            (
                "<blockquote data-dsc-quote=\"bob, post:1, topic:2\">",
                "",
                "</blockquote>",
            ),
            ("<details><summary>S <b>t</b></summary>", "", "</details>"),
            ("<details><summary>S</summary>", "", "</details>"),
            (
                "<div style=\"text-align: right;\" dir=\"rtl\">",
                "",
                "</div>",
            ),
            (
                "<details data-dsc-spoiler=\"1\"><summary>Spoiler</summary>",
                "",
                "</details>",
            ),
            (
                "<table><tbody><tr><td>",
                "</td><td>",
                "</td></tr></tbody></table>",
            ),
            (
                "<table><thead><tr><th>",
                "</th><th>",
                "</th></tr></thead></table>",
            ),
            ("<dl><dt>", "</dt><dd>", "</dd></dl>"),
        ]);
        (wrap, many).prop_map(|((open, between, close), parts)| {
            format!("{open}{}{close}", parts.join(between))
        })
    });
    prop::collection::vec(block, 0..5).prop_map(|blocks| blocks.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bodies_of_an_editor_are_stable(html in body()) { check_canvas(&html); }

    #[test]
    fn a_patch_says_what_the_edit_says(old in body(), new in body(), raw in pieces(10)) {
        let ctx = Context::default();
        for edited in [canvas_to_discourse(&new, &ctx).text, raw] {
            let other = canvas_to_discourse(&old, &ctx).text;
            let shadow = Shadow { own: &old, dialect: Dialect::CanvasHtml, other: &other };
            prop_assert_eq!(&patch(shadow, &other, &ctx), &old);
            let patched = patch(shadow, &edited, &ctx);
            prop_assert_eq!(canonical_html(&patched, &ctx), canonical_markdown(&edited, &ctx), "{:?}", patched);
            let shadow = Shadow { own: &edited, dialect: Dialect::DiscourseMarkdown, other: &patched };
            let back = patch(shadow, &old, &ctx);
            prop_assert_eq!(canonical_markdown(&back, &ctx), canonical_html(&old, &ctx), "{:?}", back);
        }
    }

    #[test]
    fn merging_obeys_its_laws(base in body(), left in body(), right in body()) {
        let ctx = Context::default();
        for dialect in [Dialect::CanvasHtml, Dialect::DiscourseMarkdown] {
            let [b, l, r] = [&base, &left, &right].map(|html| match dialect {
                Dialect::CanvasHtml => html.clone(),
                Dialect::DiscourseMarkdown => canvas_to_discourse(html, &ctx).text,
            });
            prop_assert_eq!(merge(&b, &l, &b, dialect, Side::Right).text, l.clone());
            prop_assert_eq!(merge(&b, &b, &r, dialect, Side::Left).text, r.clone());
            prop_assert_eq!(merge(&b, &l, &l, dialect, Side::Left).text, l.clone());
            let left_wins = merge(&b, &l, &r, dialect, Side::Left);
            let right_wins = merge(&b, &l, &r, dialect, Side::Right);
            prop_assert_eq!(&left_wins.overlaps, &right_wins.overlaps);
            if left_wins.overlaps.is_empty() {
                let canonical = |text: &str| match dialect {
                    Dialect::CanvasHtml => canonical_html(text, &ctx),
                    Dialect::DiscourseMarkdown => canonical_markdown(text, &ctx),
                };
                prop_assert_eq!(canonical(&left_wins.text), canonical(&right_wins.text));
            }
        }
    }
}

fn cases() -> u32 {
    option_env!("MARKUP_CASES")
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(300)
}

fn size() -> usize {
    option_env!("MARKUP_SIZE")
        .and_then(|size| size.parse().ok())
        .unwrap_or(14)
}
