//! The canonical form of a body: equal for two bodies that say the same, in either dialect
//! (contract markup §6).
//!
//! It is the tree written as neutral HTML, one block a line, without what has no meaning for readers.

use crate::context::Context;
use crate::html::write::{Target, Writer};
use crate::normal::{JOINER, is_space, is_wide_blank};
use crate::tree::Doc;

/// The canonical text of a tree.
pub(crate) fn text(doc: &Doc, ctx: &Context) -> String {
    let mut writer = Writer::new(ctx, Target::Canonical);
    let mut lines = Vec::with_capacity(doc.blocks.len());
    for block in &doc.blocks {
        writer.out.clear();
        writer.block(block);
        lines.push(plain_blanks(&writer.out));
    }
    lines.join("\n")
}

/// All blanks are one blank; what nobody sees is gone.
fn plain_blanks(html: &str) -> String {
    let html = html.replace("&nbsp;", " ");
    let mut out = String::with_capacity(html.len());
    for c in html.chars() {
        if c == '\n' {
            out.push_str("&#10;");
        } else if is_space(c) || is_wide_blank(c) {
            if !out.ends_with([' ', '>']) {
                out.push(' ');
            }
        } else if !matches!(c, JOINER | '\u{200b}' | '\u{feff}') {
            out.push(c);
        }
    }
    out
}
