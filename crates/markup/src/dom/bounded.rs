//! Feeds HTML to `html5ever` so that time and memory stay linear on any input.
//!
//! `html5ever` looks through its stack of open elements for most tags, rebuilds every open
//! formatting element in each new block, and compares each attribute of a tag with all before it.
//! A few hundred kilobytes of hostile input would make each of these quadratic, so tags beyond the
//! bounds are left out before they reach it; text never is.

use super::sink::Sink;
use super::strict;
use super::{Data, Dom, NodeId, Overflow};
use html5ever::buffer_queue::BufferQueue;
use html5ever::interface::TreeSink;
use html5ever::interface::create_element;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts};
use html5ever::{LocalName, QualName, ns};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

/// Elements that may be open at once (contract markup §10: nesting 100; an HTML list level takes two).
const MAX_DEPTH: usize = 240;
/// Formatting elements that may be open at once: each new block repeats all of them.
const MAX_FORMATTING: usize = 24;
/// Nodes of one body (contract markup §10 says 100,000; a body of 1 MiB with short marks has more).
const MAX_NODES: usize = 600_000;
/// Attributes of one tag.
const MAX_ATTRIBUTES: usize = 100;

/// Parses an HTML fragment as the contents of a `body`.
pub(crate) fn parse(html: &str) -> Dom {
    strict::parse(html).unwrap_or_else(|| parse_fully(html))
}

/// Parses by the whole HTML5 algorithm.
pub(super) fn parse_fully(html: &str) -> Dom {
    let html = limit_attributes(html);
    let sink = Sink::new();
    let body = QualName::new(None, ns!(html), LocalName::from("body"));
    let context = create_element(&sink, body, Vec::new());
    let builder = TreeBuilder::new_for_fragment(sink, context, None, TreeBuilderOpts::default());
    let gate = Gate {
        inner: builder,
        state: RefCell::new(State::default()),
    };
    let tokenizer = Tokenizer::new(gate, TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(&*html));
    // The only result besides "done" is a script to run; scripts are never run.
    while let html5ever::TokenizerResult::Script(_) = tokenizer.feed(&input) {}
    tokenizer.end();
    let Gate { inner, state } = tokenizer.sink;
    let overflow = state.into_inner().overflow;
    let mut dom = inner.sink.finish();
    dom.overflow = overflow;
    dom.root = fragment_root(&dom);
    dom
}

/// The `html` element that the fragment algorithm puts under the document.
fn fragment_root(dom: &Dom) -> NodeId {
    dom.children(dom.root)
        .find(|id| matches!(dom.data(*id), Data::Element { .. }))
        .unwrap_or(dom.root)
}

/// The bookkeeping of the gate: which elements are open, by our simpler count.
#[derive(Default)]
struct State {
    open: Vec<LocalName>,
    formatting: usize,
    dropped: HashMap<LocalName, usize>,
    overflow_nodes: bool,
    overflow: Overflow,
}

/// Stands between tokenizer and tree builder and lets only bounded nesting through.
struct Gate {
    inner: TreeBuilder<NodeId, Sink>,
    state: RefCell<State>,
}

impl TokenSink for Gate {
    type Handle = NodeId;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<NodeId> {
        let pass = match &token {
            Token::TagToken(tag) => {
                let full = self.inner.sink.len() > MAX_NODES;
                self.state.borrow_mut().admit(tag, full)
            }
            _ => true,
        };
        if pass {
            self.inner.process_token(token, line)
        } else {
            TokenSinkResult::Continue
        }
    }

    fn end(&self) {
        self.inner.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.inner
            .adjusted_current_node_present_but_not_in_html_namespace()
    }
}

impl State {
    fn admit(&mut self, tag: &Tag, full: bool) -> bool {
        if full {
            self.overflow_nodes = true;
            self.overflow = Overflow::Nodes;
            return false;
        }
        if closes_itself(&tag.name) {
            return true;
        }
        match tag.kind {
            TagKind::StartTag => self.start(&tag.name),
            TagKind::EndTag => self.end(&tag.name),
        }
    }

    fn start(&mut self, name: &LocalName) -> bool {
        let formatting = is_formatting(name);
        if self.open.len() >= MAX_DEPTH || (formatting && self.formatting >= MAX_FORMATTING) {
            *self.dropped.entry(name.clone()).or_default() += 1;
            if self.overflow == Overflow::No {
                self.overflow = Overflow::Depth;
            }
            return false;
        }
        self.formatting += usize::from(formatting);
        self.open.push(name.clone());
        true
    }

    fn end(&mut self, name: &LocalName) -> bool {
        if let Some(count) = self.dropped.get_mut(name)
            && *count > 0
        {
            *count -= 1;
            return false;
        }
        let Some(index) = self.open.iter().rposition(|open| open == name) else {
            return true;
        };
        if is_formatting(name) {
            self.open.remove(index);
            self.formatting = self.formatting.saturating_sub(1);
        } else {
            // What was open inside stays open only if it is formatting.
            let inside = self.open.split_off(index);
            self.open
                .extend(inside.into_iter().skip(1).filter(is_formatting_ref));
        }
        true
    }
}

fn is_formatting_ref(name: &LocalName) -> bool {
    is_formatting(name)
}

fn is_formatting(name: &LocalName) -> bool {
    matches!(
        &**name,
        "a" | "b"
            | "big"
            | "code"
            | "em"
            | "font"
            | "i"
            | "nobr"
            | "s"
            | "small"
            | "strike"
            | "strong"
            | "tt"
            | "u"
    )
}

/// Void elements and those whose end the parser finds by itself: they do not nest on their own.
fn closes_itself(name: &LocalName) -> bool {
    matches!(
        &**name,
        "area"
            | "base"
            | "body"
            | "br"
            | "caption"
            | "col"
            | "colgroup"
            | "dd"
            | "dt"
            | "embed"
            | "head"
            | "hr"
            | "html"
            | "img"
            | "input"
            | "li"
            | "link"
            | "meta"
            | "optgroup"
            | "option"
            | "p"
            | "param"
            | "rb"
            | "rp"
            | "rt"
            | "rtc"
            | "source"
            | "tbody"
            | "td"
            | "tfoot"
            | "th"
            | "thead"
            | "tr"
            | "track"
            | "wbr"
    )
}

/// Cuts the attributes beyond the hundredth of a tag.
fn limit_attributes(html: &str) -> Cow<'_, str> {
    let mut kept: Option<String> = None;
    let mut copied = 0;
    let mut at = 0;
    let bytes = html.as_bytes();
    while let Some(open) = find(bytes, at, b'<') {
        at = open + 1;
        if html.get(at..).is_some_and(|rest| rest.starts_with("!--")) {
            at = html
                .get(at..)
                .and_then(|rest| rest.find("-->"))
                .map_or(html.len(), |end| at + end);
        } else if bytes.get(at).is_some_and(u8::is_ascii_alphabetic) {
            let tag = scan_tag(bytes, at);
            if let Some((from, to)) = tag.cut {
                let text = kept.get_or_insert_with(String::new);
                text.push_str(html.get(copied..from).unwrap_or_default());
                copied = to;
            }
            at = tag.end;
        }
    }
    match kept {
        None => Cow::Borrowed(html),
        Some(mut text) => {
            text.push_str(html.get(copied..).unwrap_or_default());
            Cow::Owned(text)
        }
    }
}

fn find(bytes: &[u8], from: usize, wanted: u8) -> Option<usize> {
    bytes
        .get(from..)?
        .iter()
        .position(|byte| *byte == wanted)
        .map(|offset| from + offset)
}

struct ScannedTag {
    end: usize,
    cut: Option<(usize, usize)>,
}

/// Finds the end of a tag and the range of its attributes beyond the bound.
fn scan_tag(bytes: &[u8], start: usize) -> ScannedTag {
    let mut at = start;
    let mut attributes = 0;
    let mut cut_from = None;
    let mut between = false;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'>' => break,
            b'<' if cut_from.is_some() => break,
            b'=' => {
                let mut value = at + 1;
                while bytes.get(value).is_some_and(u8::is_ascii_whitespace) {
                    value += 1;
                }
                at = value;
                if let Some(quote @ (b'"' | b'\'')) = bytes.get(value) {
                    at = find(bytes, value + 1, *quote).unwrap_or(bytes.len());
                } else {
                    continue_unquoted(bytes, &mut at);
                }
                between = true;
                if at >= bytes.len() {
                    break;
                }
                if matches!(bytes.get(at), Some(b'>')) {
                    break;
                }
            }
            b' ' | b'\t' | b'\n' | b'\r' | 0x0c | b'/' => between = true,
            _ => {
                if between {
                    attributes += 1;
                    between = false;
                }
                if attributes > MAX_ATTRIBUTES && cut_from.is_none() {
                    cut_from = Some(at);
                }
            }
        }
        at += 1;
    }
    let end = at.min(bytes.len());
    ScannedTag {
        end,
        cut: cut_from.map(|from| (from, end)),
    }
}

/// Moves to the last byte of an unquoted attribute value, or onto the `>` that ends the tag.
fn continue_unquoted(bytes: &[u8], at: &mut usize) {
    while let Some(byte) = bytes.get(*at) {
        if *byte == b'>' || byte.is_ascii_whitespace() {
            return;
        }
        *at += 1;
    }
}
