//! What makes no difference to the canonical form, and what does.

use super::canonical;
use crate::Dialect::{self, CanvasHtml, DiscourseMarkdown};
use crate::{Context, canonical_html, mark};

fn same(dialect: Dialect, bodies: &[&str]) {
    for body in bodies {
        assert_eq!(
            canonical(body, dialect),
            canonical(bodies[0], dialect),
            "{body}"
        );
    }
}

#[test]
fn noise_in_canvas_makes_no_difference() {
    same(
        CanvasHtml,
        &[
            "<p>a b</p>",
            "a b",
            "<div>a&nbsp;b</div>",
            "<p>&nbsp;a \n b </p>\n<p>&nbsp;</p>",
            "<p class=\"x\" id=\"y\" data-api-endpoint=\"z\">a b</p>",
            "<link rel=\"stylesheet\" href=\"x\"><p>a b</p><script src=\"y\"></script>",
            "<p>a <span data-antiphon=\"k\"></span>b</p>",
            "<span data-antiphon=\"k\"></span><p>a b</p>",
            "<p>a b</p><p><span data-antiphon=\"k\"></span></p>",
            "<p>a b<!-- c --></p>",
            "<p><span lang=\"en\">a</span> b<br></p>",
            "<p>a\u{200b} b</p>",
        ],
    );
    same(
        CanvasHtml,
        &[
            "<p><b>a</b><b>b</b></p>",
            "<p><strong>ab</strong></p>",
            "<p><strong>a<strong>b</strong></strong></p>",
        ],
    );
    same(
        CanvasHtml,
        &[
            "<ul><li>a</li><li>b</li></ul>",
            "<ul>\n<li><p>a</p></li>\n<li><p>b</p></li></ul>",
        ],
    );
    same(
        CanvasHtml,
        &[
            "<p><a href=\"/courses/1/files/2/download\">f</a></p>",
            "<p><a href=\"/courses/1/files/2/download?verifier=abc&amp;wrap=1\" class=\"instructure_file_link\">f</a></p>",
        ],
    );
}

#[test]
fn own_host_makes_no_difference() {
    let mut ctx = Context::default();
    ctx.hosts.canvas = "https://c.example.edu".to_owned();
    let form = |html: &str| canonical_html(html, &ctx);
    assert_eq!(
        form("<a href=\"https://c.example.edu/x\">t</a>"),
        form("<a href=\"/x\">t</a>")
    );
    assert_ne!(
        form("<a href=\"https://c.example.edu.evil/x\">t</a>"),
        form("<a href=\"/x\">t</a>")
    );
}

#[test]
fn a_mark_makes_no_difference_anywhere() {
    for body in [
        "<p>a</p>",
        "",
        "<ul><li>a</li></ul>",
        "<pre>x</pre>",
        "<table><tr><td>a</td></tr></table>",
    ] {
        assert_eq!(
            canonical(&mark(body, "key"), CanvasHtml),
            canonical(body, CanvasHtml)
        );
        let first = format!("<span data-antiphon=\"key\"></span>{body}");
        assert_eq!(canonical(&first, CanvasHtml), canonical(body, CanvasHtml));
    }
}

#[test]
fn noise_in_discourse_makes_no_difference() {
    same(
        DiscourseMarkdown,
        &[
            "a **b**\n\n- c\n- d",
            "a __b__\n\n* c\n* d\n\n",
            "\n\na **b**\r\n\r\n- c\n\n- d  ",
            "a\u{a0}**b**\n\n+ c\n+ d",
        ],
    );
    same(
        DiscourseMarkdown,
        &[
            "https://e.org",
            "<https://e.org>",
            "[https://e.org](https://e.org)",
        ],
    );
    same(DiscourseMarkdown, &[":smile:", "😄"]);
    same(DiscourseMarkdown, &["```\nx\n```", "~~~\nx\n~~~", "    x"]);
}

#[test]
fn what_readers_notice_makes_a_difference() {
    for (dialect, one, other) in [
        (CanvasHtml, "<p>a</p>", "<p>b</p>"),
        (CanvasHtml, "<p>a b</p>", "<p>ab</p>"),
        (CanvasHtml, "<p><b>a</b> b</p>", "<p><b>a</b>b</p>"),
        (CanvasHtml, "<p><b>a</b></p>", "<p>a</p>"),
        (CanvasHtml, "<p>a</p><p>b</p>", "<p>a<br>b</p>"),
        (
            CanvasHtml,
            "<p><a href=\"/x\">a</a></p>",
            "<p><a href=\"/y\">a</a></p>",
        ),
        (CanvasHtml, "<pre>a  b</pre>", "<pre>a b</pre>"),
        (DiscourseMarkdown, "1. a", "2. a"),
        (DiscourseMarkdown, "@bob", "@\u{2060}bob"),
        (DiscourseMarkdown, "- [ ] a", "- [x] a"),
        (DiscourseMarkdown, "[quote=\"a\"]\nx\n[/quote]", "> x"),
    ] {
        assert_ne!(
            canonical(one, dialect),
            canonical(other, dialect),
            "{one} {other}"
        );
    }
}
