//! Two edits of one body in one dialect become one body: block by block, then word by word.

use crate::align;
use crate::context::{Context, Dialect};
use crate::diff::{self, Stretch};
use crate::piece::{self, Piece, Pieces};
use crate::tree::Block;
use serde::{Deserialize, Serialize};

/// The side that wins where both changed the same words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The first of the two edits.
    Left,
    /// The second of the two edits.
    Right,
}

/// Two edits combined.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// The combined body.
    pub text: String,
    /// What both sides changed differently; empty if nothing was lost.
    pub overlaps: Vec<Overlap>,
}

/// A place that both sides changed differently: its source in each body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlap {
    /// Before both edits; empty if both added something.
    pub base: String,
    /// In the left body; empty if it was removed there.
    pub left: String,
    /// In the right body; empty if it was removed there.
    pub right: String,
}

/// Combines two edits of `base`.
pub(crate) fn merge(base: &str, left: &str, right: &str, dialect: Dialect, prefer: Side) -> Merged {
    if left == right || base == right {
        return Merged {
            text: left.to_owned(),
            overlaps: Vec::new(),
        };
    }
    if base == left {
        return Merged {
            text: right.to_owned(),
            overlaps: Vec::new(),
        };
    }
    let ctx = Context::default();
    let [b, l, r] = [base, left, right].map(|body| piece::cut(body, dialect, &ctx));
    let [kb, kl, kr] = [&b, &l, &r].map(keys);
    let mut merger = Merger {
        dialect,
        prefer,
        ctx: &ctx,
        out: Vec::new(),
        overlaps: Vec::new(),
    };
    for stretch in diff::three_way(&kb, &kl, &kr) {
        merger.stretch(stretch, &b, &l, &r);
    }
    let around = if prefer == Side::Left { &l } else { &r };
    let text = assemble(&merger.out, around, dialect, &ctx);
    Merged {
        text,
        overlaps: merger.overlaps,
    }
}

fn keys(pieces: &Pieces) -> Vec<String> {
    pieces
        .list
        .iter()
        .map(|piece| piece.keys.join("\n"))
        .collect()
}

struct Merger<'a> {
    dialect: Dialect,
    prefer: Side,
    ctx: &'a Context,
    out: Vec<Piece>,
    overlaps: Vec<Overlap>,
}

impl Merger<'_> {
    fn stretch(&mut self, stretch: Stretch, base: &Pieces, left: &Pieces, right: &Pieces) {
        match stretch {
            Stretch::Same(at_base, at_left, at_right) => {
                for ((b, l), r) in at_base.zip(at_left).zip(at_right) {
                    self.same(base.list.get(b), left.list.get(l), right.list.get(r));
                }
            }
            Stretch::Left(range) => self
                .out
                .extend(left.list.get(range).unwrap_or_default().iter().cloned()),
            Stretch::Right(range) => self
                .out
                .extend(right.list.get(range).unwrap_or_default().iter().cloned()),
            Stretch::Both(at_base, at_left, at_right) => {
                let b = base.list.get(at_base).unwrap_or_default();
                let l = left.list.get(at_left).unwrap_or_default();
                let r = right.list.get(at_right).unwrap_or_default();
                self.both(b, l, r);
            }
        }
    }

    /// Equal in meaning; the bytes of a side that changed them are kept.
    fn same(&mut self, base: Option<&Piece>, left: Option<&Piece>, right: Option<&Piece>) {
        let (Some(base), Some(left), Some(right)) = (base, left, right) else {
            return;
        };
        let taken = if left.source == base.source {
            right
        } else {
            left
        };
        self.out.push(taken.clone());
    }

    fn both(&mut self, base: &[Piece], left: &[Piece], right: &[Piece]) {
        if base.len() == left.len() && base.len() == right.len() && !base.is_empty() {
            for ((b, l), r) in base.iter().zip(left).zip(right) {
                self.one(b, l, r);
            }
            return;
        }
        if !base.is_empty()
            && let Some(to_left) = align::pairs(base, left)
            && let Some(to_right) = align::pairs(base, right)
        {
            return self.block_by_block((base, left, right), &to_left, &to_right);
        }
        self.overlap(base, left, right);
    }

    /// A stretch of which it is known what became of each block on either side.
    fn block_by_block(
        &mut self,
        (base, left, right): (&[Piece], &[Piece], &[Piece]),
        to_left: &[Option<usize>],
        to_right: &[Option<usize>],
    ) {
        let (mut l, mut r) = (0, 0);
        for ((b, at_left), at_right) in base.iter().zip(to_left).zip(to_right) {
            let before = |side: &'_ [Piece], from: usize, at: Option<usize>| {
                let added = at.and_then(|at| side.get(from..at));
                added.unwrap_or_default().to_vec()
            };
            self.added(&before(left, l, *at_left), &before(right, r, *at_right));
            l = at_left.map_or(l, |at| at + 1);
            r = at_right.map_or(r, |at| at + 1);
            let kept = |side: &[Piece], at: Option<usize>| side.get(at?).cloned();
            match (kept(left, *at_left), kept(right, *at_right)) {
                (Some(left), Some(right)) => self.one(b, &left, &right),
                (Some(left), None) => self.removed(b, &left, Side::Left),
                (None, Some(right)) => self.removed(b, &right, Side::Right),
                (None, None) => {}
            }
        }
        self.added(
            left.get(l..).unwrap_or_default(),
            right.get(r..).unwrap_or_default(),
        );
    }

    /// Blocks that are new at one place; both sides may have put some there.
    fn added(&mut self, left: &[Piece], right: &[Piece]) {
        let same = left
            .iter()
            .map(|piece| &piece.keys)
            .eq(right.iter().map(|piece| &piece.keys));
        if right.is_empty() || same {
            self.out.extend_from_slice(left);
        } else if left.is_empty() {
            self.out.extend_from_slice(right);
        } else {
            self.overlap(&[], left, right);
        }
    }

    /// A block that only `side` still has; its edit stands against the removal.
    fn removed(&mut self, base: &Piece, kept: &Piece, side: Side) {
        if kept.keys == base.keys {
            return;
        }
        let kept = std::slice::from_ref(kept);
        match side {
            Side::Left => self.overlap(std::slice::from_ref(base), kept, &[]),
            Side::Right => self.overlap(std::slice::from_ref(base), &[], kept),
        }
    }

    /// Both changed it and one must yield; what yields is reported.
    fn overlap(&mut self, base: &[Piece], left: &[Piece], right: &[Piece]) {
        self.overlaps.push(Overlap {
            base: source(base),
            left: source(left),
            right: source(right),
        });
        self.out.extend_from_slice(match self.prefer {
            Side::Left => left,
            Side::Right => right,
        });
    }

    /// One block that both sides may have changed.
    fn one(&mut self, base: &Piece, left: &Piece, right: &Piece) {
        if base.keys == right.keys || left.keys == right.keys {
            return self.out.push(left.clone());
        }
        if base.keys == left.keys {
            return self.out.push(right.clone());
        }
        if let Some(merged) = self.words(base, left, right) {
            return self.out.push(merged);
        }
        let [base, left, right] = [base, left, right].map(std::slice::from_ref);
        self.overlap(base, left, right);
    }

    /// The words of both edits, if they touch different ones and the result is a block of that kind.
    fn words(&self, base: &Piece, left: &Piece, right: &Piece) -> Option<Piece> {
        let source = combine(&base.source, &left.source, &right.source, self.dialect)?;
        let blocks = crate::read(&source, self.dialect, self.ctx).blocks;
        if !same_kinds(&blocks, &left.blocks) || !same_kinds(&blocks, &right.blocks) {
            return None;
        }
        let keys = blocks
            .iter()
            .map(|block| piece::key(block, self.ctx))
            .collect();
        Some(Piece {
            gap: left.gap.clone(),
            source,
            blocks,
            keys,
        })
    }
}

fn same_kinds(a: &[Block], b: &[Block]) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| std::mem::discriminant(a) == std::mem::discriminant(b))
}

fn source(pieces: &[Piece]) -> String {
    let mut out = String::new();
    for (number, piece) in pieces.iter().enumerate() {
        if number > 0 {
            out.push_str(&piece.gap);
        }
        out.push_str(&piece.source);
    }
    out
}

/// Combines two edits of a source by its tokens; `None` if they touch the same ones.
pub(crate) fn combine(base: &str, left: &str, right: &str, dialect: Dialect) -> Option<String> {
    let [b, l, r] = [base, left, right].map(|text| tokens(text, dialect));
    // However many blanks there are, they are one blank: they must not come between two edits.
    let [kb, kl, kr] = [&b, &l, &r].map(|tokens| {
        tokens
            .iter()
            .map(|token| {
                if token.trim_matches(' ').is_empty() {
                    " "
                } else {
                    token
                }
            })
            .collect::<Vec<_>>()
    });
    let mut out = String::new();
    for stretch in diff::three_way(&kb, &kl, &kr) {
        match stretch {
            Stretch::Same(_, range, _) | Stretch::Left(range) => {
                l.get(range)?.iter().for_each(|token| out.push_str(token));
            }
            Stretch::Right(range) => r.get(range)?.iter().for_each(|token| out.push_str(token)),
            Stretch::Both(..) => return None,
        }
    }
    Some(out)
}

/// Words, blanks, tags and single other characters.
fn tokens(text: &str, dialect: Dialect) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = token_length(rest, first, dialect);
        let (token, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        out.push(token);
        rest = after;
    }
    out
}

fn token_length(rest: &str, first: char, dialect: Dialect) -> usize {
    let run = |part: fn(char) -> bool| rest.find(|c: char| !part(c)).unwrap_or(rest.len());
    if first == '<' && dialect == Dialect::CanvasHtml {
        rest.find('>').map_or(rest.len(), |end| end + 1)
    } else if first.is_alphanumeric() {
        run(char::is_alphanumeric)
    } else if first == ' ' {
        run(|c| c == ' ')
    } else {
        first.len_utf8()
    }
}

/// The pieces as one body, with what stands before and after `around`.
pub(crate) fn assemble(
    pieces: &[Piece],
    around: &Pieces,
    dialect: Dialect,
    ctx: &Context,
) -> String {
    if pieces.is_empty() {
        return String::new();
    }
    let mut out = around.start.clone();
    let mut before: Option<&Piece> = None;
    for piece in pieces {
        if let Some(before) = before {
            out.push_str(&gap(before, piece, dialect, ctx));
        }
        out.push_str(&piece.source);
        before = Some(piece);
    }
    out.push_str(&around.end);
    out
}

/// What stands between two pieces: the source's own gap if they stay apart with it.
fn gap(before: &Piece, piece: &Piece, dialect: Dialect, ctx: &Context) -> String {
    let default = match dialect {
        Dialect::CanvasHtml => "\n",
        Dialect::DiscourseMarkdown => "\n\n",
    };
    let own = if piece.gap.is_empty() && dialect == Dialect::DiscourseMarkdown {
        default
    } else {
        piece.gap.as_str()
    };
    let apart = |gap: &str| {
        let joined = format!("{}{gap}{}", before.source, piece.source);
        let blocks = crate::read(&joined, dialect, ctx).blocks;
        blocks.len() == before.blocks.len() + piece.blocks.len()
    };
    if dialect == Dialect::CanvasHtml || apart(own) {
        return own.to_owned();
    }
    if apart(default) {
        default.to_owned()
    } else {
        "\n\n<!-- -->\n\n".to_owned()
    }
}
