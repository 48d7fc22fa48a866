//! Edits: an edit of one block changes that block only, and two edits combine (contract markup §6).

use markup::{
    Context, Dialect, Shadow, Side, canvas_to_discourse, discourse_to_canvas, merge, patch,
};

fn into_canvas(own: &str, other: &str, edited: &str) -> String {
    patch(
        Shadow {
            own,
            dialect: Dialect::CanvasHtml,
            other,
        },
        edited,
        &Context::default(),
    )
}

fn into_discourse(own: &str, other: &str, edited: &str) -> String {
    patch(
        Shadow {
            own,
            dialect: Dialect::DiscourseMarkdown,
            other,
        },
        edited,
        &Context::default(),
    )
}

const STYLED: &str = "<p class=\"lead\" style=\"color: red;\">One <span style=\"background-color: yellow;\">two</span> three.</p>\n<p>&nbsp;</p>\n<table style=\"width: 50%;\"><tbody><tr><td>a</td></tr></tbody></table>\n<p id=\"x\">Last   one</p>";

#[test]
fn an_edit_in_discourse_keeps_the_looks_in_canvas() {
    let raw = canvas_to_discourse(STYLED, &Context::default()).text;
    assert_eq!(into_canvas(STYLED, &raw, &raw), STYLED);
    let edited = raw.replace("Last one", "Last two");
    assert_eq!(
        into_canvas(STYLED, &raw, &edited),
        STYLED.replace("Last   one", "Last   two")
    );
    let edited = raw.replace("three", "four");
    assert_eq!(
        into_canvas(STYLED, &raw, &edited),
        STYLED.replace("three", "four")
    );
    let edited = format!("New first.\n\n{raw}");
    assert_eq!(
        into_canvas(STYLED, &raw, &edited),
        format!("<p>New first.</p>{STYLED}")
    );
    let edited = raw.replace("\n\nLast one", "");
    assert_eq!(
        into_canvas(STYLED, &raw, &edited),
        STYLED.rsplit_once('\n').unwrap().0
    );
}

const RAW: &str = "Some *text*   with __marks__\nand lines\n\n[poll type=regular]\n* A\n* B\n[/poll]\n\n* star\n* list\n\n```rb\nx = 1\n\ny\n```\n\n[quote=\"bob, post:1, topic:2\"]\nold\n\nmore\n[/quote]\n\nend";

#[test]
fn an_edit_in_canvas_keeps_the_source_in_discourse() {
    let html = discourse_to_canvas(RAW, &Context::default()).text;
    assert_eq!(into_discourse(RAW, &html, &html), RAW);
    for (from, to) in [
        ("end", "END"),
        ("list", "lists"),
        ("old", "new"),
        ("lines", "more lines"),
        ("x = 1", "x = 2"),
    ] {
        let edited = html.replace(from, to);
        assert_ne!(edited, html);
        assert_eq!(
            into_discourse(RAW, &html, &edited),
            RAW.replace(from, to),
            "{from}"
        );
    }
}

#[test]
fn edits_of_different_blocks_and_words_combine() {
    let base = "one two three\n\nsecond\n\nthird";
    let merged = merge(
        base,
        "ONE two three\n\nsecond\n\nthird",
        "one two THREE\n\nsecond\n\nthird changed\n\nfourth",
        Dialect::DiscourseMarkdown,
        Side::Left,
    );
    assert_eq!(
        merged.text,
        "ONE two THREE\n\nsecond\n\nthird changed\n\nfourth"
    );
    assert_eq!(merged.overlaps, []);
    let merged = merge(
        "<p>a b</p><p>c</p>",
        "<p>a X</p><p>c</p>",
        "<p>a Y</p>",
        Dialect::CanvasHtml,
        Side::Right,
    );
    assert_eq!(merged.text, "<p>a Y</p>");
    assert_eq!(merged.overlaps.len(), 1);
}

#[test]
fn overlapping_words_go_to_the_preferred_side_and_are_reported() {
    for (prefer, text) in [
        (Side::Left, "a left c\n\nz"),
        (Side::Right, "a right c\n\nz"),
    ] {
        let merged = merge(
            "a b c\n\nz",
            "a left c\n\nz",
            "a right c\n\nz",
            Dialect::DiscourseMarkdown,
            prefer,
        );
        assert_eq!(merged.text, text);
        assert_eq!(merged.overlaps.len(), 1);
        assert_eq!(merged.overlaps[0].left, "a left c");
        assert_eq!(merged.overlaps[0].right, "a right c");
    }
}

#[test]
fn what_a_system_took_is_not_put_back_by_an_edit_elsewhere() {
    let raw = "[details=\"S\"]\nhidden\n[/details]\n\nend";
    let stored = "<p>S</p><p>hidden</p><p>end</p>";
    assert_eq!(into_canvas(stored, raw, raw), stored);
    let stored = "<p>unlike</p><p>end</p>";
    assert_eq!(
        into_canvas(stored, raw, &raw.replace("end", "END")),
        "<p>unlike</p><p>END</p>"
    );
}
