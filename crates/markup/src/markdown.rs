//! Discourse Markdown: reading it into HTML that the tree reader understands, and writing the tree.

mod escape;
mod feature;
mod render;
mod scan;
pub(crate) mod source;
pub(crate) mod write;

pub(crate) use escape::push_entities;

use crate::context::Context;
use crate::html::read::{self, Read};

/// Reads a body.
pub(crate) fn read(raw: &str, ctx: &Context) -> Read {
    read::read(&render::render(raw, ctx), ctx)
}

/// Appends plain text, escaped as inside a line.
pub(crate) fn push_plain(out: &mut String, text: &str) {
    escape::push_text(out, text, escape::Spot::default());
}
