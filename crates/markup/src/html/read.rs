//! Reads HTML of either side into the tree.
//!
//! The one reader for Canvas bodies and for the HTML that Discourse Markdown is turned into, so that
//! the same construct gives the same tree. It must not write anything.

mod block;
mod inline;
mod media;
mod table;

use crate::context::{Context, Need};
use crate::dom::{self, Data, Dom, NodeId, Overflow, is_silent};
use crate::loss::Losses;
use crate::normal;
use crate::tree::{Block, Doc, Leaf, Run, Style};

/// How deep blocks may be nested; what is deeper joins the level above.
const MAX_BLOCK_DEPTH: usize = 100;

/// A body read from HTML.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) doc: Doc,
    pub(crate) losses: Losses,
    pub(crate) needs: Vec<Need>,
}

/// Reads a body.
pub(crate) fn read(html: &str, ctx: &Context) -> Read {
    let dom = dom::parse(html);
    let mut reader = Reader {
        dom: &dom,
        ctx,
        losses: Losses::default(),
        needs: Vec::new(),
    };
    let blocks = if dom.overflow == Overflow::Nodes {
        reader.losses.add(
            "size",
            "more elements than a body may have: only its text is kept",
        );
        reader.text_only()
    } else {
        if dom.overflow == Overflow::Depth {
            reader.losses.add("nesting", "elements nested too deeply");
        }
        reader.blocks(dom.root, &Inline::default(), 0)
    };
    let Reader {
        losses, mut needs, ..
    } = reader;
    needs.sort();
    needs.dedup();
    Read {
        doc: Doc { blocks },
        losses,
        needs,
    }
}

/// What surrounds a node inside its block.
#[derive(Clone, Debug, Default)]
struct Inline {
    style: Style,
    code: bool,
}

struct Reader<'a> {
    dom: &'a Dom,
    ctx: &'a Context,
    losses: Losses,
    needs: Vec<Need>,
}

/// Blocks read so far, and the runs of the paragraph that is open.
#[derive(Default)]
struct Flow {
    blocks: Vec<Block>,
    runs: Vec<Run>,
}

impl Reader<'_> {
    /// The blocks below a node.
    fn blocks(&mut self, node: NodeId, inline: &Inline, depth: usize) -> Vec<Block> {
        let mut flow = Flow::default();
        self.children(node, inline, depth, &mut flow);
        self.flush(&mut flow);
        flow.blocks
    }

    fn children(&mut self, node: NodeId, inline: &Inline, depth: usize, flow: &mut Flow) {
        let dom = self.dom;
        for child in dom.children(node) {
            self.node(child, inline, depth, flow);
        }
    }

    fn node(&mut self, node: NodeId, inline: &Inline, depth: usize, flow: &mut Flow) {
        let dom = self.dom;
        match dom.data(node) {
            Data::Text(text) => {
                let text = text.clone();
                let leaf = if inline.code {
                    Leaf::Code(text)
                } else {
                    Leaf::Text(text)
                };
                flow.runs.push(Run {
                    style: inline.style.clone(),
                    leaf,
                });
            }
            Data::Element { .. } => self.element(node, inline, depth, flow),
            Data::Root => self.children(node, inline, depth, flow),
            Data::Ignored => {}
        }
    }

    fn element(&mut self, node: NodeId, inline: &Inline, depth: usize, flow: &mut Flow) {
        let name = self.dom.name(node);
        if is_silent(name) {
            if matches!(name, "script" | "style") && !self.is_theme_noise(node) {
                self.losses.add(name, &self.dom.text(node));
            }
            return;
        }
        if !self.block_element(node, inline, depth, flow) {
            self.inline_element(node, inline, depth, flow);
        }
    }

    /// Scripts with an address are the account's theme, added for one reader (contract canvas §11.2).
    fn is_theme_noise(&self, node: NodeId) -> bool {
        self.dom.attribute(node, "src").is_some()
    }

    /// Ends the open paragraph.
    fn flush(&mut self, flow: &mut Flow) {
        if flow.runs.is_empty() {
            return;
        }
        let runs = normal::runs(std::mem::take(&mut flow.runs), self.ctx);
        flow.blocks
            .extend(normal::paragraph(runs).map(finish_paragraph));
    }

    /// The runs of everything below a node; blocks become lines.
    fn runs(&mut self, node: NodeId, inline: &Inline) -> Vec<Run> {
        let mut flow = Flow::default();
        self.children(node, inline, MAX_BLOCK_DEPTH, &mut flow);
        self.flush(&mut flow);
        let mut lines = Vec::new();
        for block in flow.blocks {
            flatten(block, &mut lines);
        }
        let mut all = Vec::new();
        for line in lines {
            if !all.is_empty() {
                all.push(Run {
                    style: Style::default(),
                    leaf: Leaf::Break,
                });
            }
            all.extend(line);
        }
        let runs = normal::runs(all.into_iter().map(one_line).collect(), self.ctx);
        if normal::is_blank(&runs) {
            Vec::new()
        } else {
            runs
        }
    }

    /// The text of the whole body as paragraphs, for bodies over a bound.
    fn text_only(&mut self) -> Vec<Block> {
        let text = self.dom.text(self.dom.root);
        let mut blocks = Vec::new();
        for line in text.split('\n') {
            let runs = normal::runs(vec![Run::text(line)], self.ctx);
            blocks.extend(normal::paragraph(runs));
        }
        blocks
    }
}

/// Equations inside a line have no newline; a lone one may.
fn finish_paragraph(block: Block) -> Block {
    match block {
        Block::Paragraph(runs) => Block::Paragraph(runs.into_iter().map(one_line).collect()),
        Block::Spoiler(blocks) => {
            Block::Spoiler(blocks.into_iter().map(finish_paragraph).collect())
        }
        other => other,
    }
}

fn one_line(mut run: Run) -> Run {
    if let Leaf::Math(latex) = &run.leaf
        && latex.contains(['\n', '\r', '\t'])
    {
        run.leaf = Leaf::Math(latex.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    run
}

/// The lines of a block that has to fit where only inline content may stand.
fn flatten(block: Block, lines: &mut Vec<Vec<Run>>) {
    match block {
        Block::Paragraph(runs) | Block::Heading { runs, .. } => lines.push(runs),
        Block::Math(latex) => lines.push(vec![one_line(plain(Leaf::Math(latex)))]),
        Block::Code { text, .. } => {
            let written = text.lines().filter(|line| !line.is_empty());
            lines.extend(written.map(|line| vec![plain(Leaf::Code(line.to_owned()))]));
        }
        Block::List(list) => flatten_all(list.items.into_iter().flatten(), lines),
        Block::Quote(blocks)
        | Block::PostQuote { blocks, .. }
        | Block::Spoiler(blocks)
        | Block::Framed { blocks, .. }
        | Block::Footnote { blocks, .. } => flatten_all(blocks, lines),
        Block::Details { summary, blocks } => {
            lines.push(summary);
            flatten_all(blocks, lines);
        }
        Block::Table(table) => {
            lines.push(table.caption);
            let cells = table.rows.into_iter().flatten();
            flatten_all(cells.flat_map(|cell| cell.blocks), lines);
        }
        Block::Definitions(entries) => {
            flatten_all(entries.into_iter().flat_map(|one| one.blocks), lines);
        }
        Block::Opaque(source) => lines.push(vec![Run::text(source)]),
        Block::Rule => {}
    }
}

fn flatten_all(blocks: impl IntoIterator<Item = Block>, lines: &mut Vec<Vec<Run>>) {
    for block in blocks {
        flatten(block, lines);
    }
}

fn plain(leaf: Leaf) -> Run {
    Run {
        style: Style::default(),
        leaf,
    }
}
