//! Writes the tree as HTML: for Canvas, or as the neutral form that both readers understand.
//!
//! The output uses only what Canvas allows; it is cleaned once more before it leaves the crate.

mod inline;
mod quoted;

pub(crate) use inline::{close_tag, open_tag};

use self::quoted::Quoted;
use super::escape::{push_attribute, push_entity, push_text};
use super::sanitise;
use crate::context::{Context, Need};
use crate::normal::is_wide_blank;
use crate::tree::{Align, Block, Cell, Definition, Direction, Doc, Frame, List, Run, Table};

/// Who reads the HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Canvas: known people and files become Canvas's own constructs.
    Canvas,
    /// A raw HTML block in Discourse Markdown, on one line.
    Discourse,
    /// Nobody: the canonical text that is compared.
    Canonical,
}

/// Writes HTML.
pub(crate) struct Writer<'a> {
    pub(crate) out: String,
    pub(crate) needs: Vec<Need>,
    ctx: &'a Context,
    target: Target,
    /// How many links are open.
    links: usize,
}

/// Writes a body for Canvas, cleaned block by block.
pub(crate) fn canvas(doc: &Doc, ctx: &Context) -> (String, Vec<Need>) {
    let mut writer = Writer::new(ctx, Target::Canvas);
    let mut html = String::new();
    for block in &doc.blocks {
        if !html.is_empty() {
            html.push('\n');
        }
        writer.out.clear();
        writer.block(block);
        html.push_str(&sanitise::clean(&writer.out));
    }
    (html, writer.needs)
}

/// Writes one block on one line for Discourse Markdown.
pub(crate) fn one_line(block: &Block, ctx: &Context) -> String {
    let mut writer = Writer::new(ctx, Target::Discourse);
    writer.block(block);
    let mut out = String::with_capacity(writer.out.len());
    for c in writer.out.chars() {
        // A newline could end the block, and Discourse makes every Unicode blank a plain one.
        if c == '\n' || is_wide_blank(c) {
            push_entity(&mut out, c);
        } else {
            out.push(c);
        }
    }
    out
}

impl<'a> Writer<'a> {
    pub(crate) fn new(ctx: &'a Context, target: Target) -> Self {
        Writer {
            out: String::new(),
            needs: Vec::new(),
            ctx,
            target,
            links: 0,
        }
    }

    fn blocks(&mut self, blocks: &[Block]) {
        for block in blocks {
            self.block(block);
        }
    }

    pub(crate) fn block(&mut self, block: &Block) {
        match block {
            Block::Paragraph(runs) => self.wrap("p", runs),
            Block::Heading { level, runs } => self.wrap(&format!("h{level}"), runs),
            Block::List(list) => self.list(list),
            Block::Quote(blocks) => self.container("<blockquote>", blocks, "</blockquote>"),
            Block::PostQuote { source, blocks } => self.post_quote(source, blocks),
            Block::Details { summary, blocks } => {
                self.out.push_str("<details><summary>");
                self.runs(summary);
                self.container("</summary>", blocks, "</details>");
            }
            Block::Spoiler(blocks) => self.spoiler(blocks),
            Block::Code { language, text } => self.code(language, text),
            Block::Math(latex) => self.display_math(latex),
            Block::Table(table) => self.table(table),
            Block::Rule => self.out.push_str("<hr>"),
            Block::Framed { frame, blocks } => self.framed(frame, blocks),
            Block::Definitions(entries) => self.definitions(entries),
            Block::Footnote { label, blocks } => {
                self.out.push_str("<div");
                push_attribute(&mut self.out, "data-dsc-fn", label);
                self.container(">", blocks, "</div>");
            }
            Block::Opaque(source) => self.opaque(source),
        }
    }

    fn container(&mut self, open: &str, blocks: &[Block], close: &str) {
        self.out.push_str(open);
        self.blocks(blocks);
        self.out.push_str(close);
    }

    fn wrap(&mut self, name: &str, runs: &[Run]) {
        self.out.push('<');
        self.out.push_str(name);
        self.out.push('>');
        self.runs(runs);
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// Blocks where a first paragraph needs no element of its own.
    fn loose(&mut self, blocks: &[Block]) {
        match blocks.split_first() {
            Some((Block::Paragraph(runs), rest))
                if !rest
                    .iter()
                    .any(|block| matches!(block, Block::Paragraph(_))) =>
            {
                self.runs(runs);
                self.blocks(rest);
            }
            _ => self.blocks(blocks),
        }
    }

    fn list(&mut self, list: &List) {
        let name = if list.start.is_some() { "ol" } else { "ul" };
        self.out.push('<');
        self.out.push_str(name);
        if let Some(start) = list.start.filter(|start| *start != 1) {
            push_attribute(&mut self.out, "start", &start.to_string());
        }
        self.out.push('>');
        for item in &list.items {
            self.out.push_str("<li>");
            self.loose(item);
            self.out.push_str("</li>");
        }
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    fn post_quote(&mut self, source: &str, blocks: &[Block]) {
        self.out.push_str("<blockquote");
        push_attribute(&mut self.out, "data-dsc-quote", source);
        self.out.push('>');
        if self.target != Target::Canonical {
            self.quoted_by(source);
        }
        self.container("", blocks, "</blockquote>");
    }

    /// The line that says whose words follow, with a link to them where they are in Canvas too. Both come from the
    /// attribute, so the reader leaves the line out.
    fn quoted_by(&mut self, source: &str) {
        let Some(quoted) = Quoted::read(source, self.ctx) else {
            return;
        };
        self.out.push_str("<p data-dsc-by=\"1\">");
        let page = quoted.page.filter(|_| self.target == Target::Canvas);
        if let Some(page) = page.and_then(|page| self.ctx.posts.in_canvas(&page)) {
            self.out.push_str("<a");
            push_attribute(&mut self.out, "href", page);
            self.out.push('>');
            push_text(&mut self.out, &quoted.name);
            self.out.push_str("</a>");
        } else {
            push_text(&mut self.out, &quoted.name);
        }
        self.out.push_str(" wrote:</p>");
    }

    fn spoiler(&mut self, blocks: &[Block]) {
        if self.target == Target::Canvas {
            let open = "<details data-dsc-spoiler=\"1\"><summary>Spoiler</summary>";
            self.container(open, blocks, "</details>");
        } else {
            self.container("<div data-dsc-spoiler=\"1\">", blocks, "</div>");
        }
    }

    fn code(&mut self, language: &str, text: &str) {
        self.out.push_str("<pre><code");
        if !language.is_empty() {
            push_attribute(&mut self.out, "class", &format!("language-{language}"));
        }
        self.out.push('>');
        push_text(&mut self.out, text);
        if text.ends_with('\n') {
            // The reader takes one final newline away.
            self.out.push('\n');
        }
        self.out.push_str("</code></pre>");
    }

    fn display_math(&mut self, latex: &str) {
        if self.target == Target::Canvas {
            self.out.push_str("<p>");
            self.equation(latex);
            self.out.push_str("</p>");
        } else {
            self.out.push_str("<div class=\"math\">");
            push_text(&mut self.out, latex);
            self.out.push_str("</div>");
        }
    }

    fn framed(&mut self, frame: &Frame, blocks: &[Block]) {
        let mut attributes = String::new();
        push_frame(&mut attributes, frame, self.target);
        match blocks {
            [Block::Paragraph(runs)] => {
                self.out.push_str("<p");
                self.out.push_str(&attributes);
                self.out.push('>');
                self.runs(runs);
                self.out.push_str("</p>");
            }
            [Block::Heading { level, runs }] => {
                let open = format!("<h{level}{attributes}>");
                self.out.push_str(&open);
                self.runs(runs);
                let close = format!("</h{level}>");
                self.out.push_str(&close);
            }
            _ => {
                self.out.push_str("<div");
                self.out.push_str(&attributes);
                self.container(">", blocks, "</div>");
            }
        }
    }

    fn definitions(&mut self, entries: &[Definition]) {
        self.out.push_str("<dl>");
        for entry in entries {
            self.out.push_str(if entry.term { "<dt>" } else { "<dd>" });
            self.loose(&entry.blocks);
            self.out
                .push_str(if entry.term { "</dt>" } else { "</dd>" });
        }
        self.out.push_str("</dl>");
    }

    fn table(&mut self, table: &Table) {
        self.out.push_str("<table>");
        if !table.caption.is_empty() {
            self.wrap("caption", &table.caption);
        }
        let head = table
            .rows
            .first()
            .is_some_and(|row| row.iter().all(|cell| cell.header));
        for (number, row) in table.rows.iter().enumerate() {
            self.out.push_str(match (number, head) {
                (0, true) => "<thead>",
                (0, false) | (1, true) => "<tbody>",
                _ => "",
            });
            self.out.push_str("<tr>");
            for cell in row {
                self.cell(cell);
            }
            self.out.push_str("</tr>");
            if number == 0 && head {
                self.out.push_str("</thead>");
            }
        }
        if table.rows.len() > usize::from(head) {
            self.out.push_str("</tbody>");
        }
        self.out.push_str("</table>");
    }

    fn cell(&mut self, cell: &Cell) {
        let name = if cell.header { "th" } else { "td" };
        self.out.push('<');
        self.out.push_str(name);
        if let Some(align) = align_name(cell.align) {
            // The only style that Discourse lets through is written without a blank.
            let style = if self.target == Target::Discourse {
                format!("text-align:{align}")
            } else {
                format!("text-align: {align};")
            };
            push_attribute(&mut self.out, "style", &style);
        }
        if cell.columns > 1 {
            push_attribute(&mut self.out, "colspan", &cell.columns.to_string());
        }
        if cell.rows > 1 {
            push_attribute(&mut self.out, "rowspan", &cell.rows.to_string());
        }
        self.out.push('>');
        self.loose(&cell.blocks);
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// A poll and the like: its source in an attribute, and its words for people to read.
    fn opaque(&mut self, source: &str) {
        self.out.push_str("<div");
        push_attribute(&mut self.out, "data-dsc-opaque", source);
        self.out.push('>');
        if self.target == Target::Canvas {
            for line in source
                .lines()
                .filter(|line| !line.starts_with('[') && !line.trim().is_empty())
            {
                self.out.push_str("<p>");
                push_text(&mut self.out, line.trim());
                self.out.push_str("</p>");
            }
        }
        self.out.push_str("</div>");
    }
}

/// The CSS word for an alignment; `None` for the natural one.
pub(crate) fn align_name(align: Align) -> Option<&'static str> {
    match align {
        Align::Natural => None,
        Align::Left => Some("left"),
        Align::Center => Some("center"),
        Align::Right => Some("right"),
    }
}

/// The value of a `dir` attribute; `None` for an inherited direction.
pub(crate) fn direction_name(direction: Direction) -> Option<&'static str> {
    match direction {
        Direction::Inherited => None,
        Direction::Ltr => Some("ltr"),
        Direction::Rtl => Some("rtl"),
        Direction::Auto => Some("auto"),
    }
}

/// Appends the attributes of a frame.
pub(crate) fn push_frame(out: &mut String, frame: &Frame, target: Target) {
    if let Some(align) = align_name(frame.align) {
        if target == Target::Discourse {
            push_attribute(out, "align", align);
        } else {
            push_attribute(out, "style", &format!("text-align: {align};"));
        }
    }
    if let Some(direction) = direction_name(frame.direction) {
        push_attribute(out, "dir", direction);
    }
    if !frame.language.is_empty() {
        push_attribute(out, "lang", &frame.language);
    }
}
