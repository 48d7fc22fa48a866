//! Writing text into Markdown so that it stays text (contract markup §7).

use super::feature;
pub(crate) use crate::html::escape::push_entity;
use crate::normal::{JOINER, is_wide_blank};

/// Where text is written.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent properties of a place"
)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spot {
    /// In a table cell.
    pub(crate) cell: bool,
    /// In a heading.
    pub(crate) heading: bool,
    /// In a link's text.
    pub(crate) link: bool,
    /// In a paragraph of several lines.
    pub(crate) lines: bool,
    /// Every character that could mean something as an entity.
    pub(crate) strict: bool,
}

/// Appends text; `out` tells whether a line begins here.
pub(crate) fn push_text(out: &mut String, text: &str, spot: Spot) {
    let mut features = feature::find(text)
        .into_iter()
        .map(|found| found.start)
        .peekable();
    let mut before: Option<char> = None;
    let numbered = if starts_line(out) {
        number_mark(text)
    } else {
        None
    };
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let after = chars.peek().map(|(_, c)| *c);
        let begins = before.is_none() && starts_line(out);
        if numbered == Some(at) {
            out.push('\\');
            out.push(c);
        } else {
            push_char(
                out,
                c,
                &Around {
                    before,
                    after,
                    begins,
                },
                spot,
            );
        }
        while features.peek().is_some_and(|start| *start < at) {
            features.next();
        }
        if features.peek() == Some(&at) {
            out.push(JOINER);
        }
        before = Some(c);
    }
}

/// Whether the next character begins a line.
pub(crate) fn starts_line(out: &str) -> bool {
    out.is_empty() || out.ends_with('\n')
}

struct Around {
    before: Option<char>,
    after: Option<char>,
    begins: bool,
}

fn push_char(out: &mut String, c: char, around: &Around, spot: Spot) {
    if is_wide_blank(c) {
        if c == '\u{a0}' {
            out.push_str("&nbsp;");
        } else {
            push_entity(out, c);
        }
        return;
    }
    if spot.strict && c.is_ascii_punctuation() && !matches!(c, '.' | ',' | '\'' | '"') {
        return push_entity(out, c);
    }
    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let edge_or = |wanted: fn(char) -> bool| around.after.is_none_or(wanted);
    match c {
        '[' => return out.push_str("&#91;"),
        '<' if edge_or(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) => {
            return out.push_str("&lt;");
        }
        '&' if edge_or(|c| c.is_ascii_alphanumeric() || c == '#') => {
            return out.push_str("&amp;");
        }
        _ => {}
    }
    let escaped = match c {
        '\\' => edge_or(|c| c.is_ascii_punctuation()),
        '`' | '*' | '$' => true,
        '_' => !(word(around.before) && word(around.after)),
        '~' => around.before.is_none_or(|c| c == '~') || edge_or(|c| c == '~'),
        ']' => spot.link,
        '!' => around.after.is_none(),
        '|' => spot.cell || spot.lines,
        '#' => around.begins || (spot.heading && edge_or(|c| c == '#')),
        '>' | '=' => around.begins,
        '+' | '-' => around.begins && !word(around.after),
        ':' => around.begins && around.after == Some('-'),
        _ => false,
    };
    if escaped {
        out.push('\\');
    }
    out.push(c);
}

/// Where the `.` or `)` of a list number at the start of the text is.
fn number_mark(text: &str) -> Option<usize> {
    let digits = text.bytes().take(10).take_while(u8::is_ascii_digit).count();
    let after = text.get(digits + 1..).unwrap_or_default();
    let mark = matches!(text.as_bytes().get(digits), Some(b'.' | b')'));
    ((1..=9).contains(&digits) && mark && (after.is_empty() || after.starts_with(' ')))
        .then_some(digits)
}

/// Appends a value into an HTML attribute that stands inside Markdown.
pub(crate) fn push_attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    for c in value.chars() {
        match c {
            '&' | '<' | '>' | '"' | '|' | '`' | '\n' | '\u{a0}' | '[' | '$' | '~' => {
                push_entity(out, c);
            }
            c if is_wide_blank(c) => push_entity(out, c),
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// Appends text with every ASCII punctuation character that could mean something as an entity.
pub(crate) fn push_entities(out: &mut String, text: &str) {
    for c in text.chars() {
        let plain = matches!(c, '.' | ',' | '\'');
        if (c.is_ascii_punctuation() && !plain) || is_wide_blank(c) || c == '\n' {
            push_entity(out, c);
        } else {
            out.push(c);
        }
    }
}
