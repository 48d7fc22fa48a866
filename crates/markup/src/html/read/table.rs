//! Tables: any shape in, rows of cells out.

use super::block::align;
use super::{Inline, Reader};
use crate::dom::NodeId;
use crate::html::css;
use crate::normal;
use crate::tree::{Align, Block, Cell, Leaf, Run, Style, Table};

const MAX_SPAN: u16 = 1_000;

impl Reader<'_> {
    pub(super) fn table(&mut self, node: NodeId, inline: &Inline, depth: usize) -> Vec<Block> {
        let dom = self.dom;
        let mut table = Table {
            caption: Vec::new(),
            rows: Vec::new(),
        };
        for child in dom.children(node) {
            match dom.name(child) {
                "caption" => table.caption = self.runs(child, inline),
                "thead" | "tbody" | "tfoot" => {
                    for row in dom.children(child).filter(|row| dom.name(*row) == "tr") {
                        self.row(row, inline, depth, &mut table);
                    }
                }
                "tr" => self.row(child, inline, depth, &mut table),
                _ => {}
            }
        }
        let cells = table.rows.iter().flatten();
        if table.caption.is_empty() && cells.clone().all(|cell| cell.blocks.is_empty()) {
            return Vec::new();
        }
        if table.rows.is_empty() {
            return normal::paragraph(table.caption).into_iter().collect();
        }
        vec![Block::Table(table)]
    }

    fn row(&mut self, node: NodeId, inline: &Inline, depth: usize, table: &mut Table) {
        let dom = self.dom;
        let mut cells = Vec::new();
        for child in dom.children(node) {
            let name = dom.name(child);
            if matches!(name, "td" | "th") {
                cells.push(self.cell(child, name == "th", inline, depth));
            }
        }
        if !cells.is_empty() {
            table.rows.push(cells);
        }
    }

    fn cell(&mut self, node: NodeId, header: bool, inline: &Inline, depth: usize) -> Cell {
        let mut side = Align::Natural;
        if let Some(style) = self.dom.attribute(node, "style") {
            for (property, value) in css::declarations(style) {
                match property.as_str() {
                    "text-align" => side = align(value),
                    "width" => {}
                    _ => self.losses.add("style", style),
                }
            }
        }
        if let Some(value) = self.dom.attribute(node, "align")
            && side == Align::Natural
        {
            side = align(value);
        }
        let blocks = self
            .blocks(node, inline, depth)
            .into_iter()
            .map(inline_math)
            .collect();
        Cell {
            header,
            align: side,
            columns: self.span(node, "colspan"),
            rows: self.span(node, "rowspan"),
            blocks,
        }
    }

    fn span(&self, node: NodeId, name: &str) -> u16 {
        let span: Option<u16> = self
            .dom
            .attribute(node, name)
            .and_then(|value| value.trim().parse().ok());
        span.filter(|span| (1..=MAX_SPAN).contains(span))
            .unwrap_or(1)
    }
}

/// In a cell even a lone equation is part of a line: a displayed one cannot stand in a pipe table.
fn inline_math(block: Block) -> Block {
    match block {
        Block::Math(latex) => {
            let latex = latex.split_whitespace().collect::<Vec<_>>().join(" ");
            Block::Paragraph(vec![Run {
                style: Style::default(),
                leaf: Leaf::Math(latex),
            }])
        }
        other => other,
    }
}
