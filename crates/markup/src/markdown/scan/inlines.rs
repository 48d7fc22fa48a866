//! Equations and BBCode inside a paragraph.

use super::{CLOSE, OPEN, Prepared, Slot};
use crate::context::Context;
use crate::html::escape::{push_attribute, push_text};
use std::collections::{BTreeMap, BTreeSet};

/// Something in a chunk that gets a slot.
struct Found {
    start: usize,
    end: usize,
    what: What,
}

enum What {
    Open {
        name: &'static str,
        value: String,
        matched: bool,
    },
    Close {
        name: &'static str,
        matched: bool,
    },
    Whole(Slot),
}

/// Longest tag that is looked for, in bytes.
const MAX_TAG: usize = 2_000;
/// Names of inline BBCode whose content is Markdown.
const PAIRED: &[&str] = &["b", "i", "u", "s", "spoiler", "url"];
/// Names whose content is plain text.
const LITERAL: &[&str] = &["code", "img", "email", "url"];

/// Adds a paragraph's worth of source, with slots in it.
pub(super) fn scan(chunk: &str, ctx: &Context, prepared: &mut Prepared) {
    let mut scanner = Scanner {
        chunk,
        math: ctx.settings.math,
        found: Vec::new(),
        open: BTreeMap::new(),
        dead: BTreeSet::new(),
        next_gt: None,
    };
    scanner.run();
    let mut copied = 0;
    for one in scanner.found {
        let source = chunk.get(one.start..one.end).unwrap_or_default();
        let Some(slot) = one.what.slot(source) else {
            continue;
        };
        prepared.push_verbatim(chunk.get(copied..one.start).unwrap_or_default());
        if prepared.push_slot(slot) {
            copied = one.end;
        } else {
            copied = one.start;
            break;
        }
    }
    prepared.push_verbatim(chunk.get(copied..).unwrap_or_default());
}

impl What {
    fn slot(self, source: &str) -> Option<Slot> {
        let html = match self {
            What::Whole(slot) => return Some(slot),
            What::Open {
                name,
                value,
                matched: true,
            } => open_html(name, &value),
            What::Close {
                name,
                matched: true,
            } => close_html(name).to_owned(),
            _ => return None,
        };
        Some(Slot {
            source: source.to_owned(),
            html: Some(html),
            around: Some((OPEN, CLOSE)),
        })
    }
}

fn open_html(name: &str, value: &str) -> String {
    match name {
        "b" => "<strong>".to_owned(),
        "i" => "<em>".to_owned(),
        "u" => "<u>".to_owned(),
        "s" => "<del>".to_owned(),
        "url" => {
            let mut html = "<a".to_owned();
            push_attribute(&mut html, "href", value);
            html.push('>');
            html
        }
        _ => "<span data-dsc-spoiler=\"1\">".to_owned(),
    }
}

fn close_html(name: &str) -> &'static str {
    match name {
        "b" => "</strong>",
        "i" => "</em>",
        "u" => "</u>",
        "s" => "</del>",
        "url" => "</a>",
        _ => "</span>",
    }
}

struct Scanner<'a> {
    chunk: &'a str,
    math: bool,
    found: Vec<Found>,
    /// Opening tags that wait for their end, by name.
    open: BTreeMap<&'static str, Vec<usize>>,
    /// Searches that found nothing and need not be tried again, by what they looked for.
    dead: BTreeSet<String>,
    /// The next `>` at or after the place last asked for.
    next_gt: Option<usize>,
}

impl Scanner<'_> {
    fn run(&mut self) {
        let bytes = self.chunk.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            at = match byte {
                b'\\' => {
                    at + 1 + usize::from(bytes.get(at + 1).is_some_and(u8::is_ascii_punctuation))
                }
                b'`' => self.code(at),
                b'<' => self.tag(at),
                b'$' if self.math => self.equation(at),
                b'~' => self.tilde(at),
                b'[' => self.bbcode(at),
                _ => at + 1,
            };
        }
    }

    fn rest(&self, at: usize) -> &str {
        self.chunk.get(at..).unwrap_or_default()
    }

    fn run_length(&self, at: usize, byte: u8) -> usize {
        self.chunk
            .as_bytes()
            .iter()
            .skip(at)
            .take_while(|one| **one == byte)
            .count()
    }

    /// Skips a code span, or the backticks that begin none.
    fn code(&mut self, at: usize) -> usize {
        let length = self.run_length(at, b'`');
        let key = format!("`{length}");
        if self.dead.contains(&key) {
            return at + length;
        }
        let mut from = at + length;
        while let Some(offset) = self.rest(from).find('`') {
            let begin = from + offset;
            let run = self.run_length(begin, b'`');
            if run == length {
                return begin + run;
            }
            from = begin + run;
        }
        self.dead.insert(key);
        at + length
    }

    /// Skips an HTML tag or autolink.
    fn tag(&mut self, at: usize) -> usize {
        let next = self.chunk.as_bytes().get(at + 1).copied().unwrap_or(b' ');
        if !(next.is_ascii_alphabetic() || matches!(next, b'/' | b'!' | b'?')) {
            return at + 1;
        }
        if self.next_gt.is_none_or(|found| found < at) {
            self.next_gt = Some(
                self.rest(at)
                    .find('>')
                    .map_or(self.chunk.len(), |offset| at + offset),
            );
        }
        let end = self.next_gt.unwrap_or(self.chunk.len());
        if end >= self.chunk.len() || end - at > MAX_TAG {
            return at + 1;
        }
        let mut quote = None;
        for (offset, byte) in self.rest(at).bytes().enumerate().take(MAX_TAG) {
            match (byte, quote) {
                (b'>', None) => return at + offset + 1,
                (b'"' | b'\'', None) => quote = Some(byte),
                (byte, Some(open)) if byte == open => quote = None,
                _ => {}
            }
        }
        end + 1
    }

    fn equation(&mut self, at: usize) -> usize {
        let run = self.run_length(at, b'$');
        let before = self
            .chunk
            .get(..at)
            .and_then(|head| head.chars().next_back());
        if run > 1 || !is_boundary(before) {
            return at + run;
        }
        let Some(end) = self.dollar(at + 1) else {
            return at + 1;
        };
        let latex = self.chunk.get(at + 1..end).unwrap_or_default();
        let after = self.rest(end + 1).chars().next();
        let newlines = latex.matches('\n').count();
        if latex.trim().is_empty() || newlines > 1 || !is_boundary(after) {
            return at + 1;
        }
        let source = self.chunk.get(at..=end).unwrap_or_default().to_owned();
        let mut html = "<span class=\"math\">".to_owned();
        push_text(&mut html, latex);
        html.push_str("</span>");
        let slot = Slot {
            source,
            html: Some(html),
            around: Some(('$', '$')),
        };
        self.found.push(Found {
            start: at,
            end: end + 1,
            what: What::Whole(slot),
        });
        end + 1
    }

    /// The next dollar sign without a backslash before it.
    fn dollar(&self, from: usize) -> Option<usize> {
        let mut from = from;
        loop {
            let at = from + self.rest(from).find('$')?;
            if self.chunk.as_bytes().get(at.wrapping_sub(1)) != Some(&b'\\') {
                return Some(at);
            }
            from = at + 1;
        }
    }

    /// One tilde alone is text in Discourse.
    fn tilde(&mut self, at: usize) -> usize {
        let run = self.run_length(at, b'~');
        if run == 1 {
            let slot = Slot {
                source: "~".to_owned(),
                html: None,
                around: None,
            };
            self.found.push(Found {
                start: at,
                end: at + 1,
                what: What::Whole(slot),
            });
        }
        at + run
    }

    fn bbcode(&mut self, at: usize) -> usize {
        let chunk = self.chunk;
        let inner = chunk.get(at + 1..).unwrap_or_default();
        let closing = inner.starts_with('/');
        let inner = inner.trim_start_matches('/');
        let word = inner
            .bytes()
            .take(8)
            .take_while(u8::is_ascii_alphabetic)
            .count();
        let name = inner.get(..word).unwrap_or_default();
        let offset = at + 1 + usize::from(closing);
        let Some(after) = inner.get(word..) else {
            return at + 1;
        };
        let known = |list: &'static [&'static str]| {
            list.iter()
                .find(|one| one.eq_ignore_ascii_case(name))
                .copied()
        };
        if closing {
            let Some(name) = known(PAIRED).filter(|_| after.starts_with(']')) else {
                return at + 1;
            };
            let end = offset + word + 1;
            self.close(name, at, end);
            return end;
        }
        if after.starts_with(']') {
            let end = offset + word + 1;
            if let Some(name) = known(LITERAL)
                && let Some(done) = self.literal(name, at, end)
            {
                return done;
            }
            if let Some(name) = known(PAIRED).filter(|name| *name != "url") {
                self.open(name, String::new(), at, end);
                return end;
            }
        } else if let Some(value) = after.strip_prefix('=')
            && let Some(name) = known(PAIRED).filter(|name| *name == "url")
            && let Some(length) = value.bytes().take(2_000).position(|byte| byte == b']')
        {
            let end = offset + word + 1 + length + 1;
            let target = value
                .get(..length)
                .unwrap_or_default()
                .trim_matches(['"', '\''])
                .to_owned();
            self.open(name, target, at, end);
            return end;
        }
        at + 1
    }

    fn open(&mut self, name: &'static str, value: String, start: usize, end: usize) {
        self.open.entry(name).or_default().push(self.found.len());
        self.found.push(Found {
            start,
            end,
            what: What::Open {
                name,
                value,
                matched: false,
            },
        });
    }

    fn close(&mut self, name: &'static str, start: usize, end: usize) {
        let Some(index) = self.open.get_mut(name).and_then(Vec::pop) else {
            return;
        };
        if let Some(Found {
            what: What::Open { matched, .. },
            ..
        }) = self.found.get_mut(index)
        {
            *matched = true;
        }
        self.found.push(Found {
            start,
            end,
            what: What::Close {
                name,
                matched: true,
            },
        });
    }

    fn literal(&mut self, name: &'static str, start: usize, inner: usize) -> Option<usize> {
        let closing = format!("[/{name}]");
        if self.dead.contains(&closing) {
            return None;
        }
        let Some(length) = self.rest(inner).find(&closing) else {
            self.dead.insert(closing);
            return None;
        };
        let text = self.rest(inner).get(..length)?.trim();
        let end = inner + length + closing.len();
        let source = self.chunk.get(start..end)?.to_owned();
        let mut html = String::new();
        match name {
            "code" => {
                html.push_str("<code>");
                push_text(&mut html, text);
                html.push_str("</code>");
            }
            "img" => {
                html.push_str("<img");
                push_attribute(&mut html, "src", text);
                html.push('>');
            }
            _ => {
                let target = if name == "email" {
                    format!("mailto:{text}")
                } else {
                    text.to_owned()
                };
                html.push_str("<a");
                push_attribute(&mut html, "href", &target);
                html.push('>');
                push_text(&mut html, text);
                html.push_str("</a>");
            }
        }
        let slot = Slot {
            source,
            html: Some(html),
            around: Some((OPEN, CLOSE)),
        };
        self.found.push(Found {
            start,
            end,
            what: What::Whole(slot),
        });
        Some(end)
    }
}

/// What may stand outside an equation's dollar signs (contract markup §3: curly quotes may not).
fn is_boundary(c: Option<char>) -> bool {
    c.is_none_or(|c| c.is_whitespace() || c.is_ascii_punctuation())
}
