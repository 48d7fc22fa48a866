//! Writes the tree as Discourse Markdown: write, read back, compare, escalate (contract markup §4.3).
//!
//! Whatever the plain form cannot say, the block says as one line of raw HTML, which always reads
//! back as it was written. So a body that was converted once never changes again.

mod block;
mod inline;

use crate::context::Context;
use crate::html::write as html;
use crate::markdown;
use crate::tree::{Block, Doc, List};

/// How a piece is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// Markdown as people write it.
    Plain,
    /// Marks as tags and suspicious characters as entities.
    Strict,
    /// Each line of text in the first form that reads back right.
    Careful,
    /// One line of HTML.
    Html,
}

/// Writes a body.
pub(crate) fn write(doc: &Doc, ctx: &Context) -> String {
    let plain = assemble(doc, ctx, |_| Form::Plain);
    if reads_as(&plain, &doc.blocks, ctx) {
        return plain;
    }
    let forms: Vec<Form> = doc
        .blocks
        .iter()
        .map(|block| form_for(block, ctx))
        .collect();
    let mixed = assemble(doc, ctx, |index| {
        forms.get(index).copied().unwrap_or(Form::Html)
    });
    if reads_as(&mixed, &doc.blocks, ctx) {
        return mixed;
    }
    assemble(doc, ctx, |_| Form::Html)
}

/// The first form in which a block alone reads back as itself.
fn form_for(block: &Block, ctx: &Context) -> Form {
    for form in [Form::Plain, Form::Careful, Form::Strict] {
        let text = block::write(block, form, ctx);
        if reads_as(&text, std::slice::from_ref(block), ctx) {
            return form;
        }
    }
    Form::Html
}

/// Whether Markdown reads back as these blocks.
pub(super) fn reads_as(text: &str, blocks: &[Block], ctx: &Context) -> bool {
    markdown::read(text, ctx).doc.blocks == blocks
}

fn assemble(doc: &Doc, ctx: &Context, form: impl Fn(usize) -> Form) -> String {
    let mut out = String::new();
    for (index, block) in doc.blocks.iter().enumerate() {
        if let Some(before) = index.checked_sub(1).and_then(|index| doc.blocks.get(index)) {
            out.push_str(separator(before, block));
        }
        out.push_str(&block::write(block, form(index), ctx));
    }
    out
}

/// What stands between two blocks: two lists of one kind would grow together.
pub(super) fn separator(before: &Block, after: &Block) -> &'static str {
    match (before, after) {
        (Block::List(List { start: a, .. }), Block::List(List { start: b, .. }))
            if a.is_some() == b.is_some() =>
        {
            "\n\n<!-- -->\n\n"
        }
        _ => "\n\n",
    }
}

/// A block as one line of HTML.
pub(super) fn raw(block: &Block, ctx: &Context) -> String {
    html::one_line(block, ctx)
}
