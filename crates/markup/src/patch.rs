//! Shadow patching: an edit on one side changes only the blocks it touched on the other
//! (contract markup §6).
//!
//! What stays keeps its bytes, also what the other dialect cannot say. A changed block keeps its own
//! looks where the edit left them alone.

use crate::context::{Context, Dialect};
use crate::diff;
use crate::html::{sanitise, write as html};
use crate::markdown;
use crate::merge::{assemble, combine};
use crate::piece::{self, Piece, Pieces};
use crate::tree::{Block, Doc};
use std::ops::Range;

/// A body in both dialects as they were when the two systems last agreed.
#[derive(Clone, Copy, Debug)]
pub struct Shadow<'a> {
    /// The body of the side that is to be written, as that system returned it.
    pub own: &'a str,
    /// The dialect of `own`.
    pub dialect: Dialect,
    /// The body of the side that was edited, before the edit.
    pub other: &'a str,
}

/// The new body of the side that is to be written, after `other` became `edited`.
pub(crate) fn patch(shadow: Shadow<'_>, edited: &str, ctx: &Context) -> String {
    let source = match shadow.dialect {
        Dialect::CanvasHtml => Dialect::DiscourseMarkdown,
        Dialect::DiscourseMarkdown => Dialect::CanvasHtml,
    };
    let new = crate::read(edited, source, ctx);
    let new_keys = keys(&new.blocks, ctx);
    let old_keys = keys(&crate::read(shadow.other, source, ctx).blocks, ctx);
    if new_keys == old_keys {
        return shadow.own.to_owned();
    }
    let own = piece::cut(shadow.own, shadow.dialect, ctx);
    let own_keys: Vec<String> = own
        .list
        .iter()
        .flat_map(|piece| piece.keys.clone())
        .collect();
    let patcher = Patcher {
        own: &own,
        dialect: shadow.dialect,
        ctx,
    };
    let pieces = patcher.rebuild(&stand_for(&own_keys, &old_keys), &new_keys, &new);
    let text = assemble(&pieces, &own, shadow.dialect, ctx);
    // The result must say what its pieces say; if looks got in the way, the plain writer's does.
    let wanted: Vec<String> = pieces.into_iter().flat_map(|piece| piece.keys).collect();
    let says = keys(&crate::read(&text, shadow.dialect, ctx).blocks, ctx);
    if says == wanted {
        text
    } else {
        patcher.write(&new.blocks)
    }
}

fn keys(blocks: &[Block], ctx: &Context) -> Vec<String> {
    blocks.iter().map(|block| piece::key(block, ctx)).collect()
}

/// For each own block the key of the other side's block that it stands for.
///
/// They differ where a system took something when it stored the body; between two blocks that
/// agree, as many blocks on both sides stand for each other in order.
fn stand_for(own: &[String], old: &[String]) -> Vec<String> {
    let mut out = own.to_vec();
    let agreed = diff::matches(own, old);
    let (mut from_own, mut from_old) = (0, 0);
    let ends = agreed
        .iter()
        .enumerate()
        .filter_map(|(own, old)| Some((own, (*old)?)));
    for (at_own, at_old) in ends.chain([(own.len(), old.len())]) {
        if at_own - from_own == at_old - from_old {
            let fresh = old.get(from_old..at_old).unwrap_or_default();
            for (place, key) in out.iter_mut().skip(from_own).zip(fresh) {
                place.clone_from(key);
            }
        }
        (from_own, from_old) = (at_own + 1, at_old + 1);
    }
    out
}

/// Where the blocks of a piece begin in the new body, if all of them are there in a row.
fn kept(matched: &[Option<usize>], range: Range<usize>) -> Option<usize> {
    let start = range.start;
    let first = matched.get(start).copied()??;
    let mut indices = range;
    let together =
        indices.all(|index| matched.get(index).copied().flatten() == Some(first + index - start));
    together.then_some(first)
}

struct Patcher<'a> {
    own: &'a Pieces,
    dialect: Dialect,
    ctx: &'a Context,
}

impl Patcher<'_> {
    fn rebuild(&self, own_keys: &[String], new_keys: &[String], new: &Doc) -> Vec<Piece> {
        let matched = diff::matches(own_keys, new_keys);
        let mut out: Vec<Piece> = Vec::new();
        let mut dropped: Vec<&Piece> = Vec::new();
        let mut at_new = 0;
        let mut at_own = 0;
        for piece in &self.own.list {
            let range = at_own..at_own + piece.keys.len();
            at_own = range.end;
            match kept(&matched, range) {
                Some(start) => {
                    let fresh = new.blocks.get(at_new..start).unwrap_or_default();
                    self.push_fresh(&mut out, fresh, &mut dropped);
                    at_new = start + piece.keys.len();
                    out.push(piece.clone());
                }
                None => dropped.push(piece),
            }
        }
        let fresh = new.blocks.get(at_new..).unwrap_or_default();
        self.push_fresh(&mut out, fresh, &mut dropped);
        out
    }

    /// Writes new blocks; where as many were dropped, they take over the looks of those.
    fn push_fresh(&self, out: &mut Vec<Piece>, fresh: &[Block], dropped: &mut Vec<&Piece>) {
        let old = std::mem::take(dropped);
        if old.iter().map(|piece| piece.blocks.len()).sum::<usize>() == fresh.len() {
            let mut rest = fresh;
            for piece in old {
                let (part, after) = rest
                    .split_at_checked(piece.blocks.len())
                    .unwrap_or((rest, &[]));
                rest = after;
                match self.restyle(piece, part) {
                    Some(source) => out.push(self.piece(piece.gap.clone(), source, part)),
                    None => self.push_written(out, part, Some(&piece.gap)),
                }
            }
        } else {
            self.push_written(out, fresh, None);
        }
    }

    fn push_written(&self, out: &mut Vec<Piece>, blocks: &[Block], first_gap: Option<&str>) {
        let default = match self.dialect {
            Dialect::CanvasHtml => "\n",
            Dialect::DiscourseMarkdown => "\n\n",
        };
        for (number, block) in blocks.iter().enumerate() {
            let gap = first_gap.filter(|_| number == 0).unwrap_or(default);
            let block = std::slice::from_ref(block);
            out.push(self.piece(gap.to_owned(), self.write(block), block));
        }
    }

    fn piece(&self, gap: String, source: String, blocks: &[Block]) -> Piece {
        Piece {
            gap,
            source,
            blocks: blocks.to_vec(),
            keys: keys(blocks, self.ctx),
        }
    }

    /// The edit of a piece put into its old source; `None` if that does not say what it should.
    fn restyle(&self, old: &Piece, new: &[Block]) -> Option<String> {
        let base = self.write(&old.blocks);
        let edited = self.write(new);
        let text = combine(&base, &old.source, &edited, self.dialect)?;
        let text = match self.dialect {
            Dialect::CanvasHtml => sanitise::sanitise(&text),
            Dialect::DiscourseMarkdown => text,
        };
        let read = crate::read(&text, self.dialect, self.ctx);
        (keys(&read.blocks, self.ctx) == keys(new, self.ctx)).then_some(text)
    }

    fn write(&self, blocks: &[Block]) -> String {
        let doc = Doc {
            blocks: blocks.to_vec(),
        };
        match self.dialect {
            Dialect::CanvasHtml => html::canvas(&doc, self.ctx).0,
            Dialect::DiscourseMarkdown => markdown::write::write(&doc, self.ctx),
        }
    }
}
