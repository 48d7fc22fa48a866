//! Writes inline content as Markdown.

use super::{Form, raw, reads_as};
use crate::context::Context;
use crate::html::write::{Target, Writer};
use crate::layout::{self, Step, Wrap};
use crate::markdown::escape::{self, Spot, push_entities};
use crate::markdown::source;
use crate::normal;
use crate::tree::{Block, Image, Leaf, Link, Mark, Run};
use crate::url::{self, Use};
use std::collections::BTreeSet;

/// The kind of line that is written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Line {
    pub(super) cell: bool,
    pub(super) heading: bool,
    /// Whether a newline cannot stand here.
    pub(super) no_newline: bool,
}

/// Writes a paragraph.
pub(super) fn paragraph(runs: &[Run], form: Form, ctx: &Context) -> String {
    if form != Form::Careful {
        return line(runs, Line::default(), form, ctx);
    }
    let block = [Block::Paragraph(runs.to_vec())];
    for form in [Form::Plain, Form::Strict] {
        let text = line(runs, Line::default(), form, ctx);
        if reads_as(&text, &block, ctx) {
            return text;
        }
    }
    block
        .first()
        .map(|block| raw(block, ctx))
        .unwrap_or_default()
}

/// Writes the runs of a line, cell or paragraph.
pub(super) fn line(runs: &[Run], line: Line, form: Form, ctx: &Context) -> String {
    let form = if form == Form::Careful {
        careful(runs, line, ctx)
    } else {
        form
    };
    let mut writer = LineWriter {
        out: String::new(),
        runs,
        line,
        strict: form >= Form::Strict,
        ctx,
        links: 0,
        breaks: runs.iter().any(|run| run.leaf == Leaf::Break),
    };
    writer.write();
    writer.out
}

/// The first form in which the runs alone read back right.
fn careful(runs: &[Run], line: Line, ctx: &Context) -> Form {
    let text = self::line(runs, line, Form::Plain, ctx);
    let expected = normal::paragraph(runs.to_vec());
    let text = if line.cell {
        text.replace("\\|", "|")
    } else {
        text
    };
    if expected.is_some_and(|block| reads_as(&text, &[block], ctx)) {
        Form::Plain
    } else {
        Form::Strict
    }
}

struct LineWriter<'a> {
    out: String,
    runs: &'a [Run],
    line: Line,
    strict: bool,
    ctx: &'a Context,
    links: usize,
    /// Whether the line is broken anywhere.
    breaks: bool,
}

impl LineWriter<'_> {
    fn write(&mut self) {
        let steps = layout::steps(self.runs);
        let mut skip_to = 0;
        for (number, step) in steps.iter().enumerate() {
            if number < skip_to {
                continue;
            }
            match step {
                Step::Open(Wrap::Link(link)) => {
                    if let Some(text) = self.bare(link, &steps, number) {
                        self.out.push_str(&text);
                        skip_to = number + 3;
                    } else {
                        self.out.push('[');
                        self.links += 1;
                    }
                }
                Step::Close(Wrap::Link(link)) => self.end_link(link),
                Step::Open(wrap) => self.open(wrap),
                Step::Close(wrap) => self.close(wrap),
                Step::Leaf(index) => self.leaf(*index),
            }
        }
    }

    /// A link that is written as its address alone.
    fn bare(&self, link: &Link, steps: &[Step], number: usize) -> Option<String> {
        let (Some(Step::Leaf(index)), Some(Step::Close(Wrap::Link(_)))) =
            (steps.get(number + 1), steps.get(number + 2))
        else {
            return None;
        };
        let Some(Run {
            leaf: Leaf::Text(text),
            ..
        }) = self.runs.get(*index)
        else {
            return None;
        };
        if !link.title.is_empty()
            || url::normal(text, Use::Link, self.ctx).as_deref() != Some(&*link.href)
        {
            return None;
        }
        let next = match self.runs.get(index + 1).map(|run| &run.leaf) {
            Some(Leaf::Text(next)) => next.as_str(),
            _ => "",
        };
        let joined = format!("{text}{}", next.chars().take(40).collect::<String>());
        let alone = !self.out.ends_with(char::is_alphanumeric)
            && url::bare_length(&joined) == Some(text.len());
        if alone && !self.strict && is_plain_address(text) {
            return Some(text.clone());
        }
        let simple = *text == link.href
            && url::scheme(text).is_some_and(|scheme| scheme.len() > 1 && scheme != "upload");
        (simple && !text.contains(['|', '&', '`', '$', '[', '~'])).then(|| format!("<{text}>"))
    }

    fn end_link(&mut self, link: &Link) {
        self.links = self.links.saturating_sub(1);
        if source::is_attachment(&link.href) {
            self.out.push_str(if self.line.cell {
                "\\|attachment"
            } else {
                "|attachment"
            });
        }
        let href = url::for_discourse(&link.href, self.ctx);
        let href = escape_entities(&href);
        self.destination(&href, &link.title);
    }

    /// What stands between the round brackets of a link or image, brackets included.
    fn destination(&mut self, address: &str, title: &str) {
        let brackets = address.contains(['(', ')']);
        self.out.push_str(if brackets { "](<" } else { "](" });
        self.out.push_str(address);
        if brackets {
            self.out.push('>');
        }
        if !title.is_empty() {
            self.out.push_str(" \"");
            push_title(&mut self.out, title);
            self.out.push('"');
        }
        self.out.push(')');
    }

    fn open(&mut self, wrap: &Wrap) {
        match wrap {
            Wrap::Abbreviation(title) => {
                self.out.push_str("<abbr");
                escape::push_attribute(&mut self.out, "title", title);
                self.out.push('>');
            }
            Wrap::Mark(mark) => self.out.push_str(mark_tags(*mark, self.strict).0),
            Wrap::Link(_) => {}
        }
    }

    fn close(&mut self, wrap: &Wrap) {
        match wrap {
            Wrap::Abbreviation(_) => self.out.push_str("</abbr>"),
            Wrap::Mark(mark) => self.out.push_str(mark_tags(*mark, self.strict).1),
            Wrap::Link(_) => {}
        }
    }

    fn push_all(&mut self, parts: &[&str]) {
        for part in parts {
            self.out.push_str(part);
        }
    }

    fn spot(&self) -> Spot {
        Spot {
            cell: self.line.cell,
            heading: self.line.heading,
            link: self.links > 0,
            lines: self.breaks,
            strict: self.strict,
        }
    }

    fn leaf(&mut self, index: usize) {
        let Some(run) = self.runs.get(index) else {
            return;
        };
        match &run.leaf {
            Leaf::Text(text) => {
                let spot = self.spot();
                escape::push_text(&mut self.out, text, spot);
            }
            Leaf::Break => self.line_break(index),
            Leaf::Code(text) => self.code(text),
            Leaf::Image(image) => self.image(image),
            Leaf::Math(latex) => self.math(latex),
            Leaf::Person { id, name } => {
                self.out.push_str("<span");
                escape::push_attribute(&mut self.out, "data-mention", id);
                self.out.push('>');
                push_entities(&mut self.out, name);
                self.out.push_str("</span>");
            }
            other if self.strict => self.carried(other),
            Leaf::Mention(name) => {
                self.out.push('@');
                self.out.push_str(name);
            }
            Leaf::Hashtag(slug) => {
                self.out.push('#');
                self.out.push_str(slug);
            }
            Leaf::Emoji(name) => {
                self.out.push(':');
                self.out.push_str(name);
                self.out.push(':');
            }
            Leaf::Checkbox(checked) => self.out.push_str(if *checked { "[x]" } else { "[ ]" }),
            Leaf::FootnoteRef(label) => {
                self.out.push_str("[^");
                self.out.push_str(label);
                self.out.push(']');
            }
            Leaf::Opaque(source) => self.out.push_str(source),
        }
    }

    fn line_break(&mut self, index: usize) {
        let is_break = |at: Option<usize>| {
            at.and_then(|at| self.runs.get(at))
                .is_some_and(|run| run.leaf == Leaf::Break)
        };
        let several = is_break(index.checked_sub(1)) || is_break(Some(index + 1));
        if self.line.no_newline || several || self.strict {
            self.out.push_str("<br>");
        } else if self.ctx.settings.breaks {
            self.out.push('\n');
        } else {
            self.out.push_str("\\\n");
        }
    }

    fn code(&mut self, text: &str) {
        if self.strict {
            self.out.push_str("<code>");
            push_entities(&mut self.out, text);
            self.out.push_str("</code>");
            return;
        }
        let runs: BTreeSet<usize> = text.split(|c| c != '`').map(str::len).collect();
        let length = (1..=runs.len()).find(|length| !runs.contains(length));
        let ticks = "`".repeat(length.unwrap_or(runs.len() + 1));
        let blank = text.trim_matches(' ').is_empty();
        let padded = text.starts_with('`')
            || text.ends_with('`')
            || (!blank && text.starts_with(' ') && text.ends_with(' '));
        let pad = if padded { " " } else { "" };
        let text = if self.line.cell {
            text.replace('|', "\\|")
        } else {
            text.to_owned()
        };
        self.push_all(&[&ticks, pad, &text, pad, &ticks]);
    }

    fn math(&mut self, latex: &str) {
        let splits_cell = self.line.cell && latex.contains('|');
        if self.strict || !self.ctx.settings.math || latex.contains('$') || splits_cell {
            self.out.push_str("<span class=\"math\">");
            push_entities(&mut self.out, latex);
            self.out.push_str("</span>");
        } else {
            self.out.push('$');
            self.out.push_str(latex);
            self.out.push('$');
        }
    }

    fn image(&mut self, image: &Image) {
        let src = escape_entities(&url::for_discourse(&image.src, self.ctx));
        let sizes = image.width.is_some() == image.height.is_some();
        if self.strict || !sizes || !is_plain_alt(&image.alt) || image.src.is_empty() {
            return self.image_tag(image);
        }
        let bar = if self.line.cell { "\\|" } else { "|" };
        self.out.push_str("![");
        self.out.push_str(&image.alt);
        if let (Some(width), Some(height)) = (image.width, image.height) {
            self.push_all(&[bar, &width.to_string(), "x", &height.to_string()]);
        }
        if !image.extra.is_empty() {
            self.out
                .push_str(if image.width.is_some() && image.extra.ends_with('%') {
                    ", "
                } else {
                    bar
                });
            self.out.push_str(&image.extra);
        }
        self.destination(&src, &image.title);
    }

    fn image_tag(&mut self, image: &Image) {
        self.out.push_str("<img");
        let src = url::for_discourse(&image.src, self.ctx);
        escape::push_attribute(&mut self.out, "src", &src);
        escape::push_attribute(&mut self.out, "alt", &image.alt);
        if !image.title.is_empty() {
            escape::push_attribute(&mut self.out, "title", &image.title);
        }
        let (width, height) = match image.scaled() {
            Some((width, height)) => (Some(width), Some(height)),
            None => (image.width, image.height),
        };
        if let Some(width) = width {
            escape::push_attribute(&mut self.out, "width", &width.to_string());
        }
        if let Some(height) = height {
            escape::push_attribute(&mut self.out, "height", &height.to_string());
        }
        if image.scaled().is_some() {
            let size = format!("{}x{}", image.width.unwrap_or(0), image.height.unwrap_or(0));
            escape::push_attribute(&mut self.out, "data-dsc-size", &size);
        }
        if !image.extra.is_empty() {
            escape::push_attribute(&mut self.out, "data-dsc-extra", &image.extra);
        }
        self.out.push('>');
    }

    /// What has no other safe form: the element that carries it on the Canvas side.
    fn carried(&mut self, leaf: &Leaf) {
        let (name, value) = match leaf {
            Leaf::Mention(value) => ("data-dsc-mention", value.as_str()),
            Leaf::Hashtag(value) => ("data-dsc-hashtag", value.as_str()),
            Leaf::Emoji(value) => ("data-dsc-emoji", value.as_str()),
            Leaf::Checkbox(true) => ("data-dsc-check", "x"),
            Leaf::Checkbox(false) => ("data-dsc-check", ""),
            Leaf::Opaque(value) => ("data-dsc-opaque", value.as_str()),
            _ => {
                let mut writer = Writer::new(self.ctx, Target::Discourse);
                writer.runs(&[Run {
                    style: crate::tree::Style::default(),
                    leaf: leaf.clone(),
                }]);
                self.out.push_str(&writer.out);
                return;
            }
        };
        self.out.push_str("<span");
        escape::push_attribute(&mut self.out, name, value);
        self.out.push('>');
        match leaf {
            Leaf::Mention(name) => {
                self.out.push('@');
                self.out.push_str(name);
            }
            Leaf::Hashtag(slug) => {
                self.out.push('#');
                self.out.push_str(slug);
            }
            Leaf::Emoji(name) => self.push_all(&[":", name, ":"]),
            Leaf::Checkbox(checked) => self.out.push_str(if *checked { "[x]" } else { "[ ]" }),
            Leaf::Opaque(source) => self.out.push_str(source),
            _ => {}
        }
        self.out.push_str("</span>");
    }
}

fn mark_tags(mark: Mark, strict: bool) -> (&'static str, &'static str) {
    match (mark, strict) {
        (Mark::Strong, false) => ("**", "**"),
        (Mark::Em, false) => ("*", "*"),
        (Mark::Strike, false) => ("~~", "~~"),
        (Mark::Under, _) => ("[u]", "[/u]"),
        (Mark::Spoiler, _) => ("[spoiler]", "[/spoiler]"),
        _ => (
            crate::html::write::open_tag(mark),
            crate::html::write::close_tag(mark),
        ),
    }
}

/// An address in which nothing reads as an entity.
fn escape_entities(address: &str) -> String {
    if address.contains('&') && address.contains(';') {
        address.replace('&', "&amp;")
    } else {
        address.to_owned()
    }
}

fn push_title(out: &mut String, title: &str) {
    for c in title.chars() {
        match c {
            '"' | '\\' | '&' | '<' | '|' | '`' | '$' | '[' | '~' => escape::push_entity(out, c),
            c if normal::is_wide_blank(c) => escape::push_entity(out, c),
            _ => out.push(c),
        }
    }
}

/// A bare address that no rule of Markdown touches.
fn is_plain_address(address: &str) -> bool {
    let bytes = address.as_bytes();
    bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'_' => {
            let word = |at: Option<usize>| {
                at.and_then(|at| bytes.get(at))
                    .is_some_and(u8::is_ascii_alphanumeric)
            };
            word(at.checked_sub(1)) && word(Some(at + 1))
        }
        b'&' => !bytes
            .iter()
            .skip(at + 1)
            .take_while(|byte| **byte != b'&')
            .take(32)
            .any(|byte| *byte == b';'),
        byte => {
            byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b':' | b'/'
                        | b'?'
                        | b'='
                        | b'.'
                        | b'%'
                        | b'+'
                        | b','
                        | b'-'
                        | b'#'
                        | b';'
                        | b'@'
                        | b'('
                        | b')'
                )
        }
    })
}

/// Alternative text that means nothing else in Markdown: nothing can be escaped there.
fn is_plain_alt(alt: &str) -> bool {
    let mut depth = 0i32;
    for c in alt.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
        && !alt.contains([
            '|', '\\', '`', '*', '_', '<', '~', '$', '!', '&', '\u{2997}', '\u{2998}',
        ])
        && !alt.chars().any(normal::is_wide_blank)
        && !alt.contains("](")
        && !alt.contains("][")
        && !alt.contains("[^")
}
