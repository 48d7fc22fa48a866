//! Canvas HTML, a typed document tree, and Discourse Markdown: each into the others.
//!
//! Pure: no input or output, no clock, no randomness. What it must hold (contract markup §1): a body
//! that was converted once never changes again by converting it back and forth; text never becomes
//! a feature or markup; every input gives a result in linear time; HTML that leaves is clean.
//!
//! Both dialects are read into one normal [`tree`]; each writer's output reads back as the same
//! tree. Every property of the crate follows from that.

mod align;
mod attribution;
mod canonical;
mod context;
mod diff;
mod dom;
mod html;
mod layout;
mod loss;
mod mark;
mod markdown;
mod merge;
mod normal;
mod pages;
mod patch;
mod piece;
mod shared;
#[cfg(test)]
mod tests;
pub mod tree;
mod url;

pub use context::{Context, Dialect, File, Hosts, Need, Output, Settings, User};
pub use loss::Loss;
pub use markdown::source::is_canvas_id;
pub use merge::{Merged, Overlap, Side};
pub use pages::Pages;
pub use patch::Shadow;
pub use shared::Shared;
pub use url::Linked;

use html::read::Read;
use tree::Doc;

/// Canvas HTML as Discourse Markdown.
pub fn canvas_to_discourse(html: &str, ctx: &Context) -> Output {
    let Read { doc, losses, needs } = html::read::read(html, ctx);
    Output {
        text: markdown::write::write(&doc, ctx),
        losses: losses.into_vec(),
        needs,
    }
}

/// Discourse Markdown as Canvas HTML, cleaned.
pub fn discourse_to_canvas(raw: &str, ctx: &Context) -> Output {
    let Read { doc, losses, needs } = markdown::read(raw, ctx);
    let (html, missing) = html::write::canvas(&doc, ctx);
    let mut needs = needs;
    needs.extend(missing);
    needs.sort();
    needs.dedup();
    Output {
        text: html,
        losses: losses.into_vec(),
        needs,
    }
}

/// The canonical form of a Canvas body: equal for bodies that say the same, in either dialect.
pub fn canonical_html(html: &str, ctx: &Context) -> String {
    canonical::text(&html::read::read(html, ctx).doc, ctx)
}

/// The canonical form of a Discourse body: equal for bodies that say the same, in either dialect.
pub fn canonical_markdown(raw: &str, ctx: &Context) -> String {
    canonical::text(&markdown::read(raw, ctx).doc, ctx)
}

/// The tree of a body in either dialect.
pub fn read(body: &str, dialect: Dialect, ctx: &Context) -> Doc {
    match dialect {
        Dialect::CanvasHtml => html::read::read(body, ctx).doc,
        Dialect::DiscourseMarkdown => markdown::read(body, ctx).doc,
    }
}

/// The posts and entries that a text of either dialect may link to, in order and each once.
pub fn linked(text: &str) -> Vec<Linked> {
    url::linked(text)
}

/// HTML with only the elements, attributes and addresses that Canvas allows (contract markup §2).
pub fn sanitise(html: &str) -> String {
    html::sanitise::sanitise(html)
}

/// The body with a first block that says who wrote it and in which system.
pub fn attribute(body: &str, dialect: Dialect, name: &str, origin: &str) -> String {
    attribution::add(body, dialect, name, origin)
}

/// The name in the attribution block of a body, if it has one, and the body without it.
pub fn strip_attribution(body: &str, dialect: Dialect) -> (Option<String>, String) {
    attribution::strip(body, dialect)
}

/// A Canvas body with the hidden mark for `key`; unchanged if the key is not `[A-Za-z0-9_-]{1,64}`.
pub fn mark(html: &str, key: &str) -> String {
    mark::add(html, key)
}

/// The key of the hidden mark in a Canvas body.
pub fn find_mark(html: &str) -> Option<String> {
    mark::find(html)
}

/// A Canvas body without hidden marks.
pub fn strip_mark(html: &str) -> String {
    mark::strip(html)
}

/// Two edits of one body combined, by block and then by words; `prefer` wins where they overlap.
pub fn merge(base: &str, left: &str, right: &str, dialect: Dialect, prefer: Side) -> Merged {
    merge::merge(base, left, right, dialect, prefer)
}

/// The body that is to be written on one side after the other side's became `edited`: what the edit
/// did not touch keeps its bytes.
pub fn patch(shadow: Shadow<'_>, edited: &str, ctx: &Context) -> String {
    patch::patch(shadow, edited, ctx)
}
