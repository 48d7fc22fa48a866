//! The canonical form of a body: equal for two bodies that say the same, in either dialect
//! (contract markup §6).
//!
//! It is the tree written as neutral HTML, one block a line, without what has no meaning for readers.

use crate::context::Context;
use crate::html::write::{Target, Writer};
use crate::normal::{self, is_unseen, is_wide_blank};
use crate::tree::{Doc, Leaf, Run};

/// The canonical text of a tree.
pub(crate) fn text(doc: &Doc, ctx: &Context) -> String {
    let mut writer = Writer::new(ctx, Target::Canonical);
    let mut lines = Vec::with_capacity(doc.blocks.len());
    for block in &doc.blocks {
        writer.out.clear();
        writer.block(block);
        lines.push(writer.out.replace('\n', "&#10;"));
    }
    lines.join("\n")
}

/// Runs as readers see them: every blank a plain one, what nobody sees gone.
pub(crate) fn runs(runs: &[Run], ctx: &Context) -> Vec<Run> {
    let changed = |c: char| is_wide_blank(c) || is_unseen(c);
    let plain = runs.iter().map(|run| match &run.leaf {
        Leaf::Text(text) if text.contains(changed) => {
            let seen = text.chars().filter(|c| !is_unseen(*c));
            let text = seen
                .map(|c| if is_wide_blank(c) { ' ' } else { c })
                .collect();
            Run {
                style: run.style.clone(),
                leaf: Leaf::Text(text),
            }
        }
        _ => run.clone(),
    });
    normal::runs(plain.collect(), ctx)
}
