//! Turns Discourse Markdown into the HTML that the tree reader understands.
//!
//! This is not Discourse's own rendering: quotations, equations, mentions and the like become the
//! elements that carry them on the Canvas side, so that one reader serves both dialects.

use super::feature::{self, Feature};
use super::scan::{self, Prepared};
use super::source;
use crate::context::Context;
use crate::html::escape::{push_attribute, push_text};
use crate::tree::Image;
use comrak::nodes::{ListType, NodeValue, TableAlignment};
use comrak::{Arena, Options};

/// The HTML of a body.
pub(crate) fn render(raw: &str, ctx: &Context) -> String {
    let prepared = scan::prepare(raw, ctx);
    let arena = Arena::new();
    let root = comrak::parse_document(&arena, &prepared.text, &options());
    let mut renderer = Renderer {
        prepared: &prepared,
        breaks: ctx.settings.breaks,
        out: String::with_capacity(raw.len() * 3 / 2),
        text: String::new(),
        alt: None,
        links: 0,
        header_row: false,
        column: 0,
        alignments: Vec::new(),
    };
    for edge in root.traverse() {
        match edge {
            comrak::arena_tree::NodeEdge::Start(node) => renderer.start(&node.data().value),
            comrak::arena_tree::NodeEdge::End(node) => renderer.end(&node.data().value),
        }
    }
    renderer.flush();
    renderer.out
}

fn options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.footnotes = true;
    options.extension.inline_footnotes = true;
    options.parse.leave_footnote_definitions = true;
    options
}

struct Renderer<'a> {
    prepared: &'a Prepared,
    breaks: bool,
    out: String,
    /// Text not yet looked through for features.
    text: String,
    /// Inside an image: its alternative text so far, and how deep in images we are.
    alt: Option<(String, usize)>,
    links: usize,
    header_row: bool,
    column: usize,
    alignments: Vec<TableAlignment>,
}

impl Renderer<'_> {
    fn start(&mut self, value: &NodeValue) {
        if let Some((alt, depth)) = &mut self.alt {
            match value {
                NodeValue::Text(text) => alt.push_str(text),
                NodeValue::Code(code) => alt.push_str(&code.literal),
                NodeValue::SoftBreak | NodeValue::LineBreak => alt.push(' '),
                NodeValue::HtmlInline(html) => alt.push_str(html),
                NodeValue::Image(_) => *depth += 1,
                _ => {}
            }
            return;
        }
        if let NodeValue::Text(text) = value {
            self.text.push_str(text);
            return;
        }
        self.flush();
        match value {
            NodeValue::Heading(heading) => {
                self.tag("<h", usize::from(heading.level), ">");
            }
            NodeValue::Paragraph => self.out.push_str("<p>"),
            NodeValue::BlockQuote => self.out.push_str("<blockquote>"),
            NodeValue::List(list) => match list.list_type {
                ListType::Bullet => self.out.push_str("<ul>"),
                ListType::Ordered => self.tag("<ol start=\"", list.start, "\">"),
            },
            NodeValue::Item(_) | NodeValue::TaskItem(_) => self.out.push_str("<li>"),
            NodeValue::CodeBlock(code) => self.code_block(&code.info, &code.literal),
            NodeValue::HtmlBlock(html) => {
                self.out.push_str(&self.prepared.restore(&html.literal));
            }
            NodeValue::ThematicBreak => self.out.push_str("<hr>"),
            NodeValue::FootnoteDefinition(definition) => {
                self.out.push_str("<div");
                push_attribute(&mut self.out, "data-dsc-fn", &definition.name);
                self.out.push('>');
            }
            NodeValue::Table(_) | NodeValue::TableRow(_) | NodeValue::TableCell => {
                self.table_start(value);
            }
            _ => self.start_inline(value),
        }
    }

    fn tag(&mut self, before: &str, number: usize, after: &str) {
        self.out.push_str(before);
        self.out.push_str(&number.to_string());
        self.out.push_str(after);
    }

    fn start_inline(&mut self, value: &NodeValue) {
        match value {
            NodeValue::SoftBreak if !self.breaks => self.out.push('\n'),
            NodeValue::SoftBreak | NodeValue::LineBreak => self.out.push_str("<br>"),
            NodeValue::Code(code) => {
                self.out.push_str("<code>");
                let text = self.prepared.restore(&code.literal);
                push_text(&mut self.out, &text);
                self.out.push_str("</code>");
            }
            NodeValue::HtmlInline(html) => self.out.push_str(&self.prepared.restore(html)),
            NodeValue::Emph => self.out.push_str("<em>"),
            NodeValue::Strong => self.out.push_str("<strong>"),
            NodeValue::Strikethrough => self.out.push_str("<del>"),
            NodeValue::Link(link) => {
                let href = self.prepared.restore(&link.url);
                let title = self.prepared.restore(&link.title);
                self.out.push_str("<a");
                let name = if source::is_upload(&href) {
                    "data-dsc-href"
                } else {
                    "href"
                };
                push_attribute(&mut self.out, name, &href);
                if !title.is_empty() {
                    push_attribute(&mut self.out, "title", &title);
                }
                self.out.push('>');
                self.links += 1;
            }
            NodeValue::Image(_) => self.alt = Some((String::new(), 0)),
            NodeValue::FootnoteReference(reference) => {
                self.out.push_str("<sup");
                push_attribute(&mut self.out, "data-dsc-fn", &reference.name);
                self.out.push_str("></sup>");
            }
            _ => {}
        }
    }

    fn end(&mut self, value: &NodeValue) {
        if let NodeValue::Image(image) = value {
            return self.end_image(&image.url, &image.title);
        }
        if self.alt.is_some() || matches!(value, NodeValue::Text(_)) {
            return;
        }
        if let NodeValue::Link(link) = value
            && source::is_attachment(&self.prepared.restore(&link.url))
            && let Some(name) = self.text.strip_suffix("|attachment")
        {
            self.text.truncate(name.len());
        }
        self.flush();
        match value {
            NodeValue::Heading(heading) => self.tag("</h", usize::from(heading.level), ">"),
            NodeValue::Paragraph => self.out.push_str("</p>"),
            NodeValue::BlockQuote => self.out.push_str("</blockquote>"),
            NodeValue::List(list) => self.out.push_str(match list.list_type {
                ListType::Bullet => "</ul>",
                ListType::Ordered => "</ol>",
            }),
            NodeValue::Item(_) | NodeValue::TaskItem(_) => self.out.push_str("</li>"),
            NodeValue::FootnoteDefinition(_) => self.out.push_str("</div>"),
            NodeValue::Table(_) => self.out.push_str("</tbody></table>"),
            NodeValue::TableRow(header) => {
                self.out.push_str(if *header {
                    "</tr></thead><tbody>"
                } else {
                    "</tr>"
                });
            }
            NodeValue::TableCell => {
                self.out
                    .push_str(if self.header_row { "</th>" } else { "</td>" });
            }
            NodeValue::Emph => self.out.push_str("</em>"),
            NodeValue::Strong => self.out.push_str("</strong>"),
            NodeValue::Strikethrough => self.out.push_str("</del>"),
            NodeValue::Link(_) => {
                self.out.push_str("</a>");
                self.links = self.links.saturating_sub(1);
            }
            _ => {}
        }
    }

    fn table_start(&mut self, value: &NodeValue) {
        match value {
            NodeValue::Table(table) => {
                self.alignments.clone_from(&table.alignments);
                self.out.push_str("<table>");
            }
            NodeValue::TableRow(header) => {
                self.header_row = *header;
                self.column = 0;
                self.out
                    .push_str(if *header { "<thead><tr>" } else { "<tr>" });
            }
            _ => {
                let align = match self.alignments.get(self.column) {
                    Some(TableAlignment::Left) => " style=\"text-align: left;\"",
                    Some(TableAlignment::Center) => " style=\"text-align: center;\"",
                    Some(TableAlignment::Right) => " style=\"text-align: right;\"",
                    _ => "",
                };
                self.column += 1;
                self.out
                    .push_str(if self.header_row { "<th" } else { "<td" });
                self.out.push_str(align);
                self.out.push('>');
            }
        }
    }

    fn code_block(&mut self, info: &str, literal: &str) {
        let info = self.prepared.restore(info);
        let language = info.split_whitespace().next().unwrap_or_default();
        self.out.push_str("<pre><code");
        if source::is_code_language(language) {
            push_attribute(&mut self.out, "class", &format!("language-{language}"));
        }
        self.out.push('>');
        let text = self.prepared.restore(literal);
        push_text(&mut self.out, &text);
        self.out.push_str("</code></pre>");
    }

    fn end_image(&mut self, url: &str, title: &str) {
        let Some((alt, depth)) = self.alt.take() else {
            return;
        };
        if depth > 0 {
            self.alt = Some((alt, depth - 1));
            return;
        }
        let alt = self.prepared.restore(&alt);
        let url = self.prepared.restore(url);
        let title = self.prepared.restore(title);
        let words = ImageWords::read(&alt);
        self.out.push_str("<img");
        let name = if source::is_upload(&url) {
            "data-dsc-src"
        } else {
            "src"
        };
        push_attribute(&mut self.out, name, &url);
        push_attribute(&mut self.out, "alt", words.alt);
        if !title.is_empty() {
            push_attribute(&mut self.out, "title", &title);
        }
        if let Some((width, height)) = words.size {
            let image = Image {
                width: width.parse().ok(),
                height: height.parse().ok(),
                extra: words.extra.to_owned(),
                ..Image::default()
            };
            let (width, height) = image
                .scaled()
                .or(image.width.zip(image.height))
                .unwrap_or_default();
            push_attribute(&mut self.out, "width", &width.to_string());
            push_attribute(&mut self.out, "height", &height.to_string());
            let (width, height) = image.width.zip(image.height).unwrap_or_default();
            push_attribute(&mut self.out, "data-dsc-size", &format!("{width}x{height}"));
        }
        if !words.extra.is_empty() {
            push_attribute(&mut self.out, "data-dsc-extra", words.extra);
        }
        self.out.push('>');
    }

    /// Writes the collected text with its features.
    fn flush(&mut self) {
        if self.text.is_empty() {
            return;
        }
        let text = std::mem::take(&mut self.text);
        let mut plain = String::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let Some(slot) = self.prepared.slot(c) else {
                plain.push(c);
                continue;
            };
            if let Some((open, close)) = slot.around {
                if plain.ends_with(open) {
                    plain.pop();
                }
                if chars.peek() == Some(&close) {
                    chars.next();
                }
            }
            match &slot.html {
                None => plain.push_str(&slot.source),
                Some(html) => {
                    self.plain(&std::mem::take(&mut plain));
                    self.out.push_str(html);
                }
            }
        }
        self.plain(&plain);
    }

    fn plain(&mut self, text: &str) {
        let mut copied = 0;
        for found in feature::find(text) {
            let linked = self.links > 0;
            if linked && matches!(found.feature, Feature::Mention(_) | Feature::Hashtag(_)) {
                continue;
            }
            push_text(
                &mut self.out,
                text.get(copied..found.start).unwrap_or_default(),
            );
            copied = found.end;
            let shown = text.get(found.start..found.end).unwrap_or_default();
            self.feature(&found.feature, shown);
        }
        push_text(&mut self.out, text.get(copied..).unwrap_or_default());
    }

    fn feature(&mut self, feature: &Feature, shown: &str) {
        let (name, value) = match feature {
            Feature::Mention(name) => ("data-dsc-mention", name.as_str()),
            Feature::Hashtag(slug) => ("data-dsc-hashtag", slug.as_str()),
            Feature::Emoji(name) => {
                if let Some(character) = feature::emoji_character(name) {
                    self.out.push_str(&character);
                    return;
                }
                ("data-dsc-emoji", name.as_str())
            }
            Feature::Shortcut(character) => {
                self.out.push_str(character);
                return;
            }
            Feature::Checkbox(true) => ("data-dsc-check", "x"),
            Feature::Checkbox(false) => ("data-dsc-check", ""),
            Feature::Date => ("data-dsc-opaque", shown),
        };
        self.out.push_str("<span");
        push_attribute(&mut self.out, name, value);
        self.out.push('>');
        push_text(&mut self.out, shown);
        self.out.push_str("</span>");
    }
}

/// The words in an image's brackets: alternative text, size and what follows.
struct ImageWords<'a> {
    alt: &'a str,
    size: Option<(&'a str, &'a str)>,
    extra: &'a str,
}

impl<'a> ImageWords<'a> {
    fn read(text: &'a str) -> Self {
        let whole = ImageWords {
            alt: text,
            size: None,
            extra: "",
        };
        let Some((alt, words)) = text.split_once('|') else {
            return whole;
        };
        let (first, second) = match words.split_once('|') {
            Some((first, second)) => (first.trim(), second.trim()),
            None => (words.trim(), ""),
        };
        let (size, scale) = match first.split_once(',') {
            Some((size, scale)) => (size.trim(), scale.trim()),
            None => (first, ""),
        };
        let sized = source::is_size(size);
        let extra = match (sized, scale.is_empty()) {
            (true, false) => scale,
            (true, true) => second,
            (false, _) => first,
        };
        if !extra.is_empty() && !source::is_image_extra(extra) {
            return whole;
        }
        ImageWords {
            alt,
            size: size.split_once('x').filter(|_| sized),
            extra,
        }
    }
}
