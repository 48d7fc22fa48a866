//! Cuts a body into its top-level blocks with the source of each, byte for byte.
//!
//! A cut is kept only if the parts read alone give the blocks of the whole; where that cannot be
//! shown, the part stays in one piece. So pieces can be moved and replaced safely.

use crate::context::{Context, Dialect};
use crate::html::write::{Target, Writer};
use crate::tree::{Block, Doc};

/// How often a piece that does not read as the whole does may be made longer.
const MAX_TRIES: usize = 40;

/// A part of a body.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    /// The source between the piece before and this one: blank lines and what shows nothing.
    pub(crate) gap: String,
    /// The source of the piece.
    pub(crate) source: String,
    /// What it reads as; at least one block.
    pub(crate) blocks: Vec<Block>,
    /// The canonical form of each block.
    pub(crate) keys: Vec<String>,
}

/// A body in pieces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pieces {
    /// The source before the first piece.
    pub(crate) start: String,
    pub(crate) list: Vec<Piece>,
    /// The source after the last piece.
    pub(crate) end: String,
}

/// Cuts a body.
pub(crate) fn cut(body: &str, dialect: Dialect, ctx: &Context) -> Pieces {
    let whole = crate::read(body, dialect, ctx).blocks;
    let ends = match dialect {
        Dialect::CanvasHtml => html_ends(body),
        Dialect::DiscourseMarkdown => markdown_ends(body),
    };
    let mut cutter = Cutter {
        body,
        dialect,
        ctx,
        rest: &whole,
        pieces: Pieces::default(),
    };
    cutter.run(&ends);
    let mut pieces = cutter.pieces;
    if let Some(first) = pieces.list.first_mut() {
        pieces.start = std::mem::take(&mut first.gap);
    }
    pieces
}

/// The canonical form of a block.
pub(crate) fn key(block: &Block, ctx: &Context) -> String {
    let mut writer = Writer::new(ctx, Target::Canonical);
    writer.block(block);
    writer.out
}

struct Cutter<'a> {
    body: &'a str,
    dialect: Dialect,
    ctx: &'a Context,
    /// The blocks of the whole body that no piece has yet.
    rest: &'a [Block],
    pieces: Pieces,
}

impl<'a> Cutter<'a> {
    fn run(&mut self, ends: &[usize]) {
        let mut start = 0;
        let mut tries = 0;
        for end in ends {
            if tries >= MAX_TRIES {
                break;
            }
            let part = self.body.get(start..*end).unwrap_or_default();
            let blocks = self.read(part);
            if blocks.is_empty() && !self.rest.is_empty() {
                continue;
            }
            let count = blocks.len();
            let fits = self.rest.get(..count) == Some(blocks.as_slice());
            // What follows must read alone too: a reference far below could reach back into it.
            if fits {
                self.push(part, blocks);
                self.rest = self.rest.get(count..).unwrap_or_default();
                start = *end;
                tries = 0;
            } else {
                tries += 1;
            }
        }
        let part = self.body.get(start..).unwrap_or_default();
        if self.rest.is_empty() {
            self.pieces.end.push_str(part);
        } else {
            let blocks = self.rest.to_vec();
            self.rest = &[];
            self.push(part, blocks);
        }
    }

    fn read(&self, part: &str) -> Vec<Block> {
        let Doc { blocks } = crate::read(part, self.dialect, self.ctx);
        blocks
    }

    fn push(&mut self, part: &'a str, blocks: Vec<Block>) {
        if blocks.is_empty() {
            self.pieces.end.push_str(part);
            return;
        }
        let body = part.trim_start_matches(['\n', '\r']);
        let body = if self.dialect == Dialect::CanvasHtml {
            body.trim_start()
        } else {
            body
        };
        let (gap, body) = part.split_at(part.len() - body.len());
        let keys = blocks.iter().map(|block| key(block, self.ctx)).collect();
        let gap = std::mem::take(&mut self.pieces.end) + gap;
        let kept = body.trim_end_matches(['\n', '\r', ' ', '\t']);
        let (source, after) = body.split_at(kept.len());
        self.pieces.end.push_str(after);
        self.pieces.list.push(Piece {
            gap,
            source: source.to_owned(),
            blocks,
            keys,
        });
    }
}

/// Where pieces of HTML may end: after each end tag outside all others.
fn html_ends(body: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(offset) = body.get(at..).and_then(|rest| rest.find('<')) {
        let open = at + offset;
        let Some(length) = body.get(open..).and_then(|rest| rest.find('>')) else {
            break;
        };
        let end = open + length + 1;
        let tag = body.get(open + 1..end - 1).unwrap_or_default();
        let closing = tag.starts_with('/');
        let name_end = tag
            .trim_start_matches('/')
            .find(|c: char| !c.is_ascii_alphanumeric());
        let name = tag.trim_start_matches('/');
        let name = name
            .get(..name_end.unwrap_or(name.len()))
            .unwrap_or_default()
            .to_ascii_lowercase();
        let void = matches!(
            &*name,
            "br" | "img"
                | "hr"
                | "input"
                | "wbr"
                | "col"
                | "embed"
                | "source"
                | "track"
                | "link"
                | ""
        );
        if closing {
            depth = depth.saturating_sub(1);
        } else if !void {
            depth += 1;
        }
        if depth == 0 && (closing || name == "hr") {
            ends.push(end);
        }
        at = end;
    }
    ends
}

/// Where pieces of Markdown may end: before each line that may begin something new.
fn markdown_ends(body: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut state = Lines::default();
    let mut at = 0;
    for line in body.split_inclusive('\n') {
        if state.may_begin(line) && at > 0 {
            ends.push(at);
        }
        state.pass(line);
        at += line.len();
    }
    ends
}

/// What the lines so far say about the next one.
#[derive(Default)]
struct Lines {
    fence: Option<&'static str>,
    /// Open blocks of BBCode.
    open: usize,
    /// Whether the line before was blank, or ended a block by itself.
    ended: bool,
    /// Whether the last line at the margin was an item of a list.
    listed: bool,
}

impl Lines {
    fn may_begin(&self, line: &str) -> bool {
        let text = line.trim();
        let margin = !line.starts_with([' ', '\t']) && !text.is_empty();
        let starts = fence_of(text).is_some()
            || is_open_tag(text)
            || text.starts_with("# ")
            || text.starts_with("##")
            || (is_item(text) && !self.listed);
        let continues = self.listed && is_item(text);
        margin && self.open == 0 && self.fence.is_none() && !continues && (self.ended || starts)
    }

    fn pass(&mut self, line: &str) {
        let text = line.trim();
        let mut ended = text.is_empty();
        if let Some(mark) = self.fence {
            if text.starts_with(mark) && text.trim_start_matches(['`', '~', '$']).is_empty() {
                self.fence = None;
                ended = true;
            }
        } else if let Some(mark) = fence_of(text) {
            self.fence = Some(mark);
        } else if text.starts_with("[/") {
            self.open = self.open.saturating_sub(1);
            ended = true;
        } else if is_open_tag(text) {
            self.open += 1;
        } else if text.starts_with('#') {
            ended = true;
        }
        if !text.is_empty() && !line.starts_with([' ', '\t']) {
            self.listed = is_item(text);
        }
        self.ended = ended;
    }
}

fn fence_of(line: &str) -> Option<&'static str> {
    if line == "$$" {
        return Some("$$");
    }
    ["```", "~~~"]
        .into_iter()
        .find(|mark| line.starts_with(mark))
}

/// A line that may open a block of BBCode; that it does is found out by reading.
fn is_open_tag(line: &str) -> bool {
    [
        "[quote", "[details", "[spoiler", "[poll", "[wrap", "[code", "[grid",
    ]
    .iter()
    .any(|tag| line.starts_with(tag))
        && line.ends_with(']')
        && !line.contains("[/")
}

fn is_item(line: &str) -> bool {
    let digits = line.bytes().take(9).take_while(u8::is_ascii_digit).count();
    let rest = line.get(digits..).unwrap_or_default();
    let bullet = digits == 0
        && line.starts_with(['-', '*', '+'])
        && line.get(1..).is_some_and(|rest| rest.starts_with(' '));
    bullet || (digits > 0 && (rest.starts_with(". ") || rest.starts_with(") ")))
}
