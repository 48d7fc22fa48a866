//! Elements that are blocks, or hold them.

use super::{Flow, Inline, MAX_BLOCK_DEPTH, Reader};
use crate::dom::{Data, NodeId};
use crate::html::css;
use crate::markdown::source;
use crate::normal;
use crate::tree::{Align, Block, Definition, Direction, Frame, List};

const MAX_START: u32 = 999_999_999;

impl Reader<'_> {
    /// Reads an element if it is a block; says whether it was.
    pub(super) fn block_element(
        &mut self,
        node: NodeId,
        inline: &Inline,
        depth: usize,
        flow: &mut Flow,
    ) -> bool {
        let name = self.dom.name(node);
        if !is_block(name) {
            return false;
        }
        self.flush(flow);
        if name == "hr" {
            flow.blocks.push(Block::Rule);
            return true;
        }
        if self.dom.attribute(node, "data-dsc-by").is_some() {
            return true;
        }
        if self.opaque_block(node, flow) {
            return true;
        }
        if depth >= MAX_BLOCK_DEPTH {
            self.losses.add("nesting", name);
            self.children(node, inline, depth, flow);
            self.flush(flow);
            return true;
        }
        let frame = self.frame(name, node);
        let deeper = depth + 1 + usize::from(!frame.is_plain());
        let blocks = self.block(name, node, inline, deeper);
        if frame.is_plain() {
            flow.blocks.extend(blocks);
        } else if !blocks.is_empty() {
            flow.blocks.push(Block::Framed { frame, blocks });
        }
        true
    }

    fn block(&mut self, name: &str, node: NodeId, inline: &Inline, depth: usize) -> Vec<Block> {
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "h7" | "h8" => {
                let runs = self.runs(node, inline);
                let level = name
                    .as_bytes()
                    .get(1)
                    .copied()
                    .unwrap_or(b'6')
                    .saturating_sub(b'0')
                    .min(6);
                vec![Block::Heading { level, runs }]
            }
            "ul" | "ol" | "menu" | "dir" => self.list(name, node, inline, depth),
            "blockquote" => self.quote(node, inline, depth),
            "pre" | "listing" | "xmp" | "plaintext" => vec![self.code(node)],
            "table" => self.table(node, inline, depth),
            "details" => self.details(node, inline, depth),
            "dl" => self.definitions(node, inline, depth),
            "div" if self.dom.has_class(node, "math") => {
                let latex = normal::latex(&self.dom.text(node));
                if latex.is_empty() {
                    Vec::new()
                } else {
                    vec![Block::Math(latex)]
                }
            }
            "div"
                if self
                    .dom
                    .attribute(node, "data-dsc-fn")
                    .is_some_and(source::is_label) =>
            {
                let label = self
                    .dom
                    .attribute(node, "data-dsc-fn")
                    .unwrap_or_default()
                    .to_owned();
                let blocks = self.blocks(node, inline, depth);
                if blocks.is_empty() {
                    blocks
                } else {
                    vec![Block::Footnote { label, blocks }]
                }
            }
            "div" if self.dom.attribute(node, "data-dsc-spoiler").is_some() => {
                let blocks = self.blocks(node, inline, depth);
                if blocks.is_empty() {
                    blocks
                } else {
                    vec![Block::Spoiler(blocks)]
                }
            }
            "li" => {
                let item = self.blocks(node, inline, depth);
                vec![Block::List(List {
                    start: None,
                    items: vec![item],
                })]
            }
            _ => self.blocks(node, inline, depth),
        }
    }

    /// What an element's attributes say to readers about everything inside it.
    fn frame(&mut self, name: &str, node: NodeId) -> Frame {
        let mut frame = Frame::default();
        if let Some(style) = self.dom.attribute(node, "style") {
            for (property, value) in css::declarations(style) {
                match property.as_str() {
                    "text-align" => frame.align = block_align(value),
                    "border-collapse" | "width" if name == "table" => {}
                    _ => self.losses.add("style", style),
                }
            }
        }
        if matches!(name, "table" | "li" | "summary" | "dt" | "dd") {
            return Frame::default();
        }
        if name == "center" {
            frame.align = Align::Center;
        } else if let Some(align) = self.dom.attribute(node, "align")
            && frame.align == Align::Natural
        {
            frame.align = block_align(align);
        }
        frame.direction = direction(self.dom.attribute(node, "dir").unwrap_or_default());
        let language = self.dom.attribute(node, "lang").unwrap_or_default();
        if is_language(language) {
            language.clone_into(&mut frame.language);
        }
        frame
    }

    fn opaque_block(&mut self, node: NodeId, flow: &mut Flow) -> bool {
        let carried = self
            .dom
            .attribute(node, "data-dsc-opaque")
            .unwrap_or_default();
        let valid = !carried.is_empty() && source::is_opaque_block(carried);
        if valid {
            flow.blocks.push(Block::Opaque(carried.to_owned()));
        }
        valid
    }

    fn quote(&mut self, node: NodeId, inline: &Inline, depth: usize) -> Vec<Block> {
        let blocks = self.blocks(node, inline, depth);
        match self.dom.attribute(node, "data-dsc-quote") {
            Some(_) if blocks.is_empty() => blocks,
            Some(source) if source::is_attribute(source) => {
                vec![Block::PostQuote {
                    source: source.trim().to_owned(),
                    blocks,
                }]
            }
            _ => vec![Block::Quote(blocks)],
        }
    }

    fn code(&mut self, node: NodeId) -> Block {
        let dom = self.dom;
        let mut text = String::new();
        let mut language = code_language(dom.attribute(node, "class").unwrap_or_default());
        let mut markup = false;
        dom.walk(node, &mut |inner| {
            match dom.data(inner) {
                Data::Text(part) => text.push_str(part),
                Data::Element { .. } if inner != node => match dom.name(inner) {
                    "br" => text.push('\n'),
                    "code" if language.is_none() => {
                        language = code_language(dom.attribute(inner, "class").unwrap_or_default());
                    }
                    "code" => {}
                    _ => markup = true,
                },
                _ => {}
            }
            true
        });
        if markup {
            self.losses.add("markup in code", &text);
        }
        Block::Code {
            language: language.unwrap_or_default(),
            text: code_block_text(&text),
        }
    }

    fn details(&mut self, node: NodeId, inline: &Inline, depth: usize) -> Vec<Block> {
        let dom = self.dom;
        let head = dom
            .children(node)
            .find(|child| dom.name(*child) == "summary");
        let mut flow = Flow::default();
        for child in dom.children(node).filter(|child| Some(*child) != head) {
            self.node(child, inline, depth, &mut flow);
        }
        self.flush(&mut flow);
        let blocks = flow.blocks;
        if dom.attribute(node, "data-dsc-spoiler").is_some() {
            return if blocks.is_empty() {
                blocks
            } else {
                vec![Block::Spoiler(blocks)]
            };
        }
        let summary = head.map(|head| self.runs(head, inline)).unwrap_or_default();
        if blocks.is_empty() && summary.is_empty() {
            return blocks;
        }
        vec![Block::Details { summary, blocks }]
    }

    fn definitions(&mut self, node: NodeId, inline: &Inline, depth: usize) -> Vec<Block> {
        let mut entries = Vec::new();
        self.collect_definitions(node, inline, depth, &mut entries);
        if entries.iter().all(|entry| entry.blocks.is_empty()) {
            return Vec::new();
        }
        vec![Block::Definitions(entries)]
    }

    fn collect_definitions(
        &mut self,
        node: NodeId,
        inline: &Inline,
        depth: usize,
        entries: &mut Vec<Definition>,
    ) {
        let dom = self.dom;
        let mut stray = Flow::default();
        for child in dom.children(node) {
            let term = dom.name(child) == "dt";
            if term || dom.name(child) == "dd" {
                self.flush(&mut stray);
                push_definition(entries, false, std::mem::take(&mut stray.blocks));
                let blocks = self.blocks(child, inline, depth);
                push_definition(entries, term, blocks);
            } else if dom.name(child) == "div" {
                self.collect_definitions(child, inline, depth, entries);
            } else {
                self.node(child, inline, depth, &mut stray);
            }
        }
        self.flush(&mut stray);
        push_definition(entries, false, stray.blocks);
    }

    fn list(&mut self, name: &str, node: NodeId, inline: &Inline, depth: usize) -> Vec<Block> {
        let dom = self.dom;
        let mut items: Vec<Vec<Block>> = Vec::new();
        for child in dom.children(node) {
            match dom.name(child) {
                "li" => {
                    self.frame("li", child);
                    items.push(self.blocks(child, inline, depth));
                }
                "ul" | "ol" => {
                    // A list directly in a list shows as part of the item before it.
                    let mut flow = Flow::default();
                    self.node(child, inline, depth, &mut flow);
                    match items.last_mut() {
                        Some(item) => item.extend(flow.blocks),
                        None => items.push(flow.blocks),
                    }
                }
                _ => {
                    let mut flow = Flow::default();
                    self.node(child, inline, depth, &mut flow);
                    self.flush(&mut flow);
                    if !flow.blocks.is_empty() {
                        items.push(flow.blocks);
                    }
                }
            }
        }
        if items.is_empty() {
            return Vec::new();
        }
        let start = (name == "ol").then(|| {
            let wanted = dom
                .attribute(node, "start")
                .and_then(|start| start.trim().parse().ok());
            wanted.filter(|start| *start <= MAX_START).unwrap_or(1)
        });
        vec![Block::List(List { start, items })]
    }
}

fn push_definition(entries: &mut Vec<Definition>, term: bool, blocks: Vec<Block>) {
    if !blocks.is_empty() {
        entries.push(Definition { term, blocks });
    }
}

/// Alignment of a block; left is how blocks are aligned anyway.
fn block_align(value: &str) -> Align {
    match align(value) {
        Align::Left => Align::Natural,
        other => other,
    }
}

/// Reads an alignment from CSS or an `align` attribute.
pub(super) fn align(value: &str) -> Align {
    let value = value.trim();
    if value.eq_ignore_ascii_case("center") {
        Align::Center
    } else if value.eq_ignore_ascii_case("right") {
        Align::Right
    } else if value.eq_ignore_ascii_case("left") {
        Align::Left
    } else {
        Align::Natural
    }
}

fn direction(value: &str) -> Direction {
    let value = value.trim();
    if value.eq_ignore_ascii_case("rtl") {
        Direction::Rtl
    } else if value.eq_ignore_ascii_case("ltr") {
        Direction::Ltr
    } else if value.eq_ignore_ascii_case("auto") {
        Direction::Auto
    } else {
        Direction::Inherited
    }
}

fn is_language(value: &str) -> bool {
    !value.is_empty()
        && value.len() <= 35
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The language that the classes of a `pre` or `code` name.
fn code_language(class: &str) -> Option<String> {
    class.split_ascii_whitespace().find_map(|one| {
        let name = one
            .strip_prefix("language-")
            .or_else(|| one.strip_prefix("lang-"))?;
        source::is_code_language(name).then(|| name.to_owned())
    })
}

/// The text of a code block: one line ending, plain blanks only, no final newline.
fn code_block_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c if normal::is_wide_blank(c) => out.push(' '),
            c => out.push(c),
        }
    }
    if out.ends_with('\n') {
        out.pop();
    }
    out
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "h7"
            | "h8"
            | "header"
            | "hgroup"
            | "hr"
            | "legend"
            | "li"
            | "listing"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "p"
            | "plaintext"
            | "pre"
            | "search"
            | "section"
            | "summary"
            | "table"
            | "td"
            | "th"
            | "tr"
            | "ul"
            | "xmp"
    )
}
