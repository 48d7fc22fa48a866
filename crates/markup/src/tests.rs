//! What becomes of each construct, by area, in both directions.
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

mod canonical;
mod canvas;
mod context;
mod discourse;

use crate::{
    Context, Dialect, canonical_html, canonical_markdown, canvas_to_discourse, discourse_to_canvas,
};
use expect_test::Expect;

/// The Markdown of a Canvas body, with its word joiners made visible, and that it is stable.
fn to_discourse(html: &str, expect: &Expect) {
    let ctx = Context::default();
    let output = canvas_to_discourse(html, &ctx);
    let mut shown = output.text.replace('\u{2060}', "<WJ>");
    for loss in &output.losses {
        shown.push_str("\n-- lost: ");
        shown.push_str(&loss.name);
        shown.push_str(" (");
        shown.push_str(&loss.example);
        shown.push(')');
    }
    expect.assert_eq(&shown);
    let back = discourse_to_canvas(&output.text, &ctx).text;
    assert_eq!(canvas_to_discourse(&back, &ctx).text, output.text);
    assert_eq!(
        canonical_html(html, &ctx),
        canonical_markdown(&output.text, &ctx)
    );
}

/// The HTML of a Discourse body, and that it is stable.
fn to_canvas(raw: &str, expect: &Expect) {
    let ctx = Context::default();
    let html = discourse_to_canvas(raw, &ctx).text;
    expect.assert_eq(&html);
    let back = canvas_to_discourse(&html, &ctx).text;
    assert_eq!(discourse_to_canvas(&back, &ctx).text, html);
    assert_eq!(canonical_html(&html, &ctx), canonical_markdown(raw, &ctx));
}

/// The canonical form in one dialect.
fn canonical(body: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::CanvasHtml => canonical_html(body, &Context::default()),
        Dialect::DiscourseMarkdown => canonical_markdown(body, &Context::default()),
    }
}
