//! Blocks of BBCode and `$$` equations, line by line.

use crate::context::Context;
use crate::html::escape::{push_attribute, push_text};
use crate::markdown::source;
use std::collections::{BTreeMap, VecDeque};

/// A line for the CommonMark parser.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) text: String,
    /// Whether nothing inline may be looked for in it: code, or HTML that we made.
    pub(super) verbatim: bool,
}

/// What a line is to this scanner.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind<'a> {
    Plain,
    Verbatim,
    Open {
        name: &'a str,
        value: String,
    },
    OneLine {
        name: &'a str,
        value: String,
        body: &'a str,
    },
    Close(&'a str),
    Dollars,
}

struct Parsed<'a> {
    line: &'a str,
    /// The start of the line up to its content, list markers included.
    prefix: &'a str,
    kind: Kind<'a>,
}

const MAX_OPEN: usize = 40;
const NAMES: &[&str] = &["quote", "details", "spoiler", "code"];

/// Rewrites the blocks of a body.
pub(super) fn rewrite(raw: &str, ctx: &Context) -> Vec<Line> {
    let parsed = parse(raw, ctx);
    let pairs = pair(&parsed);
    emit(&parsed, &pairs)
}

fn parse<'a>(raw: &'a str, ctx: &Context) -> Vec<Parsed<'a>> {
    let mut fence: Option<Fence> = None;
    let mut in_list = false;
    let mut out = Vec::new();
    for line in raw.split('\n') {
        let prefix_length = prefix_length(line);
        let prefix = line.get(..prefix_length).unwrap_or_default();
        let rest = line.get(prefix_length..).unwrap_or_default();
        let has_marker = prefix.contains(|c: char| !matches!(c, ' ' | '\t' | '>'));
        if !rest.is_empty() && !line.starts_with([' ', '\t']) {
            in_list = has_marker;
        }
        if let Some(open) = &fence {
            if open.is_left_by(prefix, rest) {
                fence = None;
            } else {
                if open.is_closed_by(rest) {
                    fence = None;
                }
                out.push(Parsed {
                    line,
                    prefix,
                    kind: Kind::Verbatim,
                });
                continue;
            }
        }
        let indented = prefix.len() - prefix.trim_end_matches([' ', '\t']).len() >= 4;
        let kind = if indented && !in_list {
            Kind::Plain
        } else if let Some(opened) = Fence::open(prefix, rest, in_list) {
            fence = Some(opened);
            Kind::Verbatim
        } else {
            kind(rest, ctx)
        };
        out.push(Parsed { line, prefix, kind });
    }
    out
}

struct Fence {
    mark: char,
    length: usize,
    quotes: usize,
    in_item: bool,
}

impl Fence {
    fn open(prefix: &str, rest: &str, in_list: bool) -> Option<Fence> {
        let mark = rest.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let length = rest.len() - rest.trim_start_matches(mark).len();
        let info = rest.trim_start_matches(mark);
        if length < 3 || (mark == '`' && info.contains('`')) {
            return None;
        }
        let in_item = in_list && !prefix.is_empty();
        Some(Fence {
            mark,
            length,
            quotes: prefix.matches('>').count(),
            in_item,
        })
    }

    fn is_closed_by(&self, rest: &str) -> bool {
        let bare = rest.trim_start_matches(self.mark);
        rest.len() - bare.len() >= self.length && bare.trim().is_empty()
    }

    /// Whether the container of the fence has ended.
    fn is_left_by(&self, prefix: &str, rest: &str) -> bool {
        prefix.matches('>').count() < self.quotes
            || (self.in_item && prefix.is_empty() && !rest.is_empty())
    }
}

/// How many bytes of a line are indentation, quote marks and list markers.
fn prefix_length(line: &str) -> usize {
    let bytes = line.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'>' => at += 1,
            b'-' | b'*' | b'+' if bytes.get(at + 1) == Some(&b' ') => at += 2,
            b'0'..=b'9' => {
                let digits = bytes
                    .iter()
                    .skip(at)
                    .take(9)
                    .take_while(|byte| byte.is_ascii_digit())
                    .count();
                let delimiter = matches!(bytes.get(at + digits), Some(b'.' | b')'));
                if !delimiter || bytes.get(at + digits + 1) != Some(&b' ') {
                    break;
                }
                at += digits + 2;
            }
            _ => break,
        }
    }
    at
}

fn kind<'a>(rest: &'a str, ctx: &Context) -> Kind<'a> {
    let rest = rest.trim_end();
    if rest == "$$" && ctx.settings.math {
        return Kind::Dollars;
    }
    let Some(inner) = rest.strip_prefix('[') else {
        return Kind::Plain;
    };
    if let Some(name) = inner
        .strip_prefix('/')
        .and_then(|close| close.strip_suffix(']'))
    {
        return known(name).map_or(Kind::Plain, Kind::Close);
    }
    let name_end = inner.find([']', '=', ' ']).unwrap_or(inner.len());
    let Some(name) = inner.get(..name_end).and_then(known) else {
        return Kind::Plain;
    };
    let Some((head, body)) = inner.split_once(']') else {
        return Kind::Plain;
    };
    let Some(value) = attribute_value(head.get(name_end..).unwrap_or_default()) else {
        return Kind::Plain;
    };
    if body.is_empty() {
        return Kind::Open { name, value };
    }
    let closing = body
        .strip_suffix(']')
        .and_then(|body| body.strip_suffix(name))
        .and_then(|body| body.strip_suffix("[/"));
    match closing {
        Some(body) if NAMES.contains(&name) && !body.contains(&format!("[/{name}]")) => {
            Kind::OneLine { name, value, body }
        }
        _ => Kind::Plain,
    }
}

fn known(name: &str) -> Option<&'static str> {
    NAMES
        .iter()
        .chain(source::OPAQUE_BLOCKS)
        .find(|known| known.eq_ignore_ascii_case(name))
        .copied()
}

/// The value after `=`, without quotes; `None` if it cannot be one.
fn attribute_value(text: &str) -> Option<String> {
    let Some(value) = text.strip_prefix('=') else {
        return Some(String::new());
    };
    let closing: &[char] = match value.chars().next() {
        Some('"') => &['"'],
        Some('\'') => &['\''],
        Some('“' | '”') => &['”', '“'],
        _ => &[],
    };
    let value = if closing.is_empty() {
        value
    } else {
        let inner = value.get(value.chars().next().map_or(0, char::len_utf8)..)?;
        inner
            .rfind(closing)
            .map_or(inner, |end| inner.get(..end).unwrap_or_default())
    };
    let value = value.trim();
    source::is_attribute(value).then(|| value.to_owned())
}

/// The line that closes what each line opens.
fn pair(parsed: &[Parsed<'_>]) -> BTreeMap<usize, usize> {
    let mut closes: BTreeMap<&str, VecDeque<usize>> = BTreeMap::new();
    for (number, one) in parsed.iter().enumerate() {
        match &one.kind {
            Kind::Close(name) => closes.entry(name).or_default().push_back(number),
            Kind::Dollars => closes.entry("$$").or_default().push_back(number),
            _ => {}
        }
    }
    let mut pairs = BTreeMap::new();
    let mut open: Vec<(usize, &str)> = Vec::new();
    let mut skip_to = 0;
    for (number, one) in parsed.iter().enumerate() {
        if number < skip_to {
            continue;
        }
        match &one.kind {
            Kind::Dollars => {
                if let Some(end) = next_after(&mut closes, "$$", number) {
                    pairs.insert(number, end);
                    skip_to = end + 1;
                }
            }
            Kind::Open { name, .. } if is_whole(name) => {
                if let Some(end) = next_after(&mut closes, name, number) {
                    pairs.insert(number, end);
                    skip_to = end + 1;
                }
            }
            Kind::Open { name, .. } if open.len() < MAX_OPEN => open.push((number, name)),
            Kind::Close(name) => {
                if let Some(depth) = open.iter().rposition(|(_, opened)| opened == name) {
                    open.truncate(depth + 1);
                    pairs.extend(open.pop().map(|(start, _)| (start, number)));
                }
            }
            _ => {}
        }
    }
    pairs
}

/// Whether a block is taken as a whole, with nothing inside it read as Markdown.
fn is_whole(name: &str) -> bool {
    name == "code" || source::OPAQUE_BLOCKS.contains(&name)
}

fn next_after(
    closes: &mut BTreeMap<&str, VecDeque<usize>>,
    name: &str,
    number: usize,
) -> Option<usize> {
    let ends = closes.get_mut(name)?;
    while ends.front().is_some_and(|end| *end <= number) {
        ends.pop_front();
    }
    ends.front().copied()
}

fn emit(parsed: &[Parsed<'_>], pairs: &BTreeMap<usize, usize>) -> Vec<Line> {
    let closers: BTreeMap<usize, usize> = pairs.iter().map(|(start, end)| (*end, *start)).collect();
    let mut out = Output {
        lines: Vec::with_capacity(parsed.len() + 8),
        after_block: false,
    };
    let mut skip_to = 0;
    for (number, one) in parsed.iter().enumerate() {
        if number < skip_to {
            continue;
        }
        let end = pairs.get(&number).copied();
        match (&one.kind, end) {
            (Kind::Dollars, Some(end)) => {
                let mut html = "<div class=\"math\">".to_owned();
                push_text(&mut html, &inner_text(parsed, number, end, one.prefix));
                html.push_str("</div>");
                out.block(one.prefix, &html);
                skip_to = end + 1;
            }
            (Kind::Open { name: "code", .. }, Some(end)) => {
                let mut html = "<pre><code>".to_owned();
                push_text(&mut html, &inner_text(parsed, number, end, one.prefix));
                html.push_str("</code></pre>");
                out.block(one.prefix, &html);
                skip_to = end + 1;
            }
            (Kind::Open { name, .. }, Some(end)) if is_whole(name) => {
                if let Some(html) = opaque(parsed, number, end) {
                    out.block(one.prefix, &html);
                    skip_to = end + 1;
                } else {
                    out.plain(one);
                }
            }
            (Kind::Open { name, value }, Some(_)) => out.block(one.prefix, &open_tag(name, value)),
            (Kind::Close(_), _) if closers.contains_key(&number) => {
                let start = closers.get(&number).and_then(|start| parsed.get(*start));
                let name = match start.map(|start| &start.kind) {
                    Some(Kind::Open { name, .. }) => name,
                    _ => "",
                };
                out.block(one.prefix, close_tag(name));
            }
            (
                Kind::OneLine {
                    name: "code", body, ..
                },
                _,
            ) => {
                let mut html = "<pre><code>".to_owned();
                push_text(&mut html, body);
                html.push_str("</code></pre>");
                out.block(one.prefix, &html);
            }
            (Kind::OneLine { name, value, body }, _) => {
                out.block(one.prefix, &open_tag(name, value));
                let inner = continuation(one.prefix);
                out.lines.push(Line {
                    text: format!("{inner}{body}"),
                    verbatim: false,
                });
                out.block(&inner, close_tag(name));
            }
            _ => out.plain(one),
        }
    }
    out.lines
}

struct Output {
    lines: Vec<Line>,
    after_block: bool,
}

impl Output {
    fn plain(&mut self, one: &Parsed<'_>) {
        self.lines.push(Line {
            text: one.line.to_owned(),
            verbatim: one.kind == Kind::Verbatim,
        });
    }

    /// One line of HTML that is a block of its own.
    fn block(&mut self, prefix: &str, html: &str) {
        let inner = continuation(prefix);
        let blank = inner.trim_end().to_owned();
        // A line with a list marker begins something new by itself.
        if inner == prefix {
            self.lines.push(Line {
                text: blank.clone(),
                verbatim: true,
            });
        }
        let html = html.replace('\n', "&#10;");
        self.lines.push(Line {
            text: format!("{prefix}{html}"),
            verbatim: true,
        });
        self.lines.push(Line {
            text: blank,
            verbatim: true,
        });
        self.after_block = true;
    }
}

/// The prefix of the following lines of the same container: list markers become blanks.
fn continuation(prefix: &str) -> String {
    prefix
        .chars()
        .map(|c| if matches!(c, '>' | '\t') { c } else { ' ' })
        .collect()
}

/// The lines between two lines, without the prefix of their container.
fn inner_text(parsed: &[Parsed<'_>], start: usize, end: usize, prefix: &str) -> String {
    let width = prefix.len();
    let inner = parsed
        .iter()
        .skip(start + 1)
        .take(end.saturating_sub(start + 1));
    let lines: Vec<&str> = inner.map(|one| strip(one.line, width)).collect();
    lines.join("\n")
}

/// A line without at most `width` bytes of indentation and quote marks.
fn strip(line: &str, width: usize) -> &str {
    let cut = line
        .bytes()
        .take(width)
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'>'))
        .count();
    line.get(cut..).unwrap_or_default()
}

fn opaque(parsed: &[Parsed<'_>], start: usize, end: usize) -> Option<String> {
    let first = parsed.get(start)?;
    let last = parsed.get(end)?;
    let width = first.prefix.len();
    let mut text = first.line.get(width..)?.trim_end().to_owned();
    text.push('\n');
    let inner = inner_text(parsed, start, end, first.prefix);
    if !inner.is_empty() {
        text.push_str(&inner);
        text.push('\n');
    }
    text.push_str(last.line.get(last.prefix.len()..)?.trim_end());
    if !source::is_opaque_block(&text) {
        return None;
    }
    let mut html = "<div".to_owned();
    push_attribute(&mut html, "data-dsc-opaque", &text);
    html.push_str("></div>");
    Some(html)
}

fn open_tag(name: &str, value: &str) -> String {
    let mut html = String::new();
    match name {
        "quote" => {
            html.push_str("<blockquote");
            push_attribute(&mut html, "data-dsc-quote", value);
            html.push('>');
        }
        "details" => {
            html.push_str("<details><summary>");
            push_text(&mut html, value);
            html.push_str("</summary>");
        }
        _ => html.push_str("<div data-dsc-spoiler=\"1\">"),
    }
    html
}

fn close_tag(name: &str) -> &'static str {
    match name {
        "quote" => "</blockquote>",
        "details" => "</details>",
        _ => "</div>",
    }
}
