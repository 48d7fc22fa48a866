//! Reads the HTML that programs write: every tag closed, nothing where it may not stand.
//!
//! For such input the whole of the HTML5 algorithm comes down to matching tags, and that is several
//! times faster. Anything else, down to an entity or element that is not listed here, is `None` and
//! goes to `html5ever`. A property test holds that both give the same tree.

use super::{Data, Dom, Node, NodeId, Overflow};
use html5ever::tendril::StrTendril;
use html5ever::{Attribute, LocalName, QualName, ns};

/// Elements open at once; deeper input is the other parser's to cut.
const MAX_OPEN: usize = 60;
/// Attributes of one tag.
const MAX_ATTRIBUTES: usize = 20;

/// What an element may hold, and where it may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Holds blocks and lines; stands where blocks do.
    Flow,
    /// A block that holds lines only.
    Line,
    /// Stands in a line; HTML5 has special rules for it, so only lines may be inside.
    Phrase,
    /// Stands alone in a line.
    Void,
    /// `hr`.
    Rule,
    /// Holds one `code` or text.
    Pre,
    List,
    Item,
    Table,
    Section,
    Row,
    Cell,
}

fn class(name: &str) -> Option<Class> {
    Some(match name {
        "div" | "blockquote" | "details" | "summary" => Class::Flow,
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => Class::Line,
        "a" | "abbr" | "b" | "big" | "code" | "del" | "em" | "i" | "ins" | "kbd" | "mark"
        | "small" | "span" | "strong" | "sub" | "sup" | "u" => Class::Phrase,
        "br" | "img" => Class::Void,
        "hr" => Class::Rule,
        "pre" => Class::Pre,
        "ul" | "ol" => Class::List,
        "li" => Class::Item,
        "table" => Class::Table,
        "thead" | "tbody" => Class::Section,
        "tr" => Class::Row,
        "td" | "th" => Class::Cell,
        _ => return None,
    })
}

/// Whether `child` may stand in `parent` with nothing being moved or closed.
fn fits(parent: Option<Class>, child: Class) -> bool {
    use Class::{Cell, Flow, Item, Line, List, Phrase, Pre, Row, Rule, Section, Table, Void};
    match parent {
        None | Some(Flow | Item | Cell) => !matches!(child, Item | Section | Row | Cell),
        Some(Line | Phrase) => matches!(child, Phrase | Void),
        Some(Pre) => child == Phrase,
        Some(List) => child == Item,
        Some(Table) => child == Section,
        Some(Section) => child == Row,
        Some(Row) => child == Cell,
        Some(Void | Rule) => false,
    }
}

/// Whether text may stand directly in an element.
fn takes_text(parent: Option<Class>) -> bool {
    !matches!(
        parent,
        Some(Class::Table | Class::Section | Class::Row | Class::Void | Class::Rule)
    )
}

struct Open<'a> {
    name: &'a str,
    class: Class,
    id: NodeId,
}

struct Parser<'a> {
    rest: &'a str,
    nodes: Vec<Node>,
    open: Vec<Open<'a>>,
}

/// The tree of a fragment; `None` when it is not of the plain kind.
pub(super) fn parse(html: &str) -> Option<Dom> {
    let mut parser = Parser {
        rest: html,
        nodes: Vec::with_capacity(html.len() / 24 + 4),
        open: Vec::new(),
    };
    parser.push_node(Data::Root, None);
    while !parser.rest.is_empty() {
        parser.text()?;
        if parser.rest.is_empty() {
            break;
        }
        parser.tag()?;
    }
    parser.open.is_empty().then_some(Dom {
        nodes: parser.nodes,
        root: 0,
        overflow: Overflow::No,
    })
}

impl Parser<'_> {
    fn parent(&self) -> (NodeId, Option<Class>) {
        self.open
            .last()
            .map_or((0, None), |open| (open.id, Some(open.class)))
    }

    fn text(&mut self) -> Option<()> {
        let length = self.rest.find('<').unwrap_or(self.rest.len());
        let (raw, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        if raw.is_empty() {
            return Some(());
        }
        let (parent, class) = self.parent();
        let blank = raw.bytes().all(|byte| matches!(byte, b' ' | b'\n' | b'\t'));
        if !blank && !takes_text(class) {
            return None;
        }
        // The first newline of a `pre` does not count.
        let first = self.nodes_last_child(parent).is_none();
        if class == Some(Class::Pre) && first && raw.starts_with('\n') {
            return None;
        }
        let text = unescape(raw)?;
        self.push_node(Data::Text(text), Some(parent));
        Some(())
    }

    fn nodes_last_child(&self, id: NodeId) -> Option<NodeId> {
        self.nodes.get(usize::try_from(id).ok()?)?.last
    }

    fn tag(&mut self) -> Option<()> {
        let inner = self.rest.strip_prefix('<')?;
        if let Some(inner) = inner.strip_prefix('/') {
            let (name, rest) = inner.split_once('>')?;
            let open = self.open.pop()?;
            self.rest = rest;
            return (open.name == name).then_some(());
        }
        let length = inner
            .bytes()
            .position(|byte| !(byte.is_ascii_lowercase() || byte.is_ascii_digit()))?;
        let (name, rest) = inner.split_at_checked(length)?;
        let class = class(name)?;
        let (parent, outer) = self.parent();
        let nested_link = name == "a" && self.open.iter().any(|open| open.name == "a");
        if !fits(outer, class) || nested_link || self.open.len() >= MAX_OPEN {
            return None;
        }
        self.rest = rest;
        let attributes = self.attributes()?;
        let element = Data::Element {
            name: QualName::new(None, ns!(html), LocalName::from(name)),
            attributes,
        };
        let id = self.push_node(element, Some(parent));
        if !matches!(class, Class::Void | Class::Rule) {
            self.open.push(Open { name, class, id });
        }
        Some(())
    }

    /// ` name="value"` as often as there are, and the end of the tag.
    fn attributes(&mut self) -> Option<Vec<Attribute>> {
        let mut attributes: Vec<Attribute> = Vec::new();
        loop {
            if let Some(rest) = self.rest.strip_prefix('>') {
                self.rest = rest;
                return Some(attributes);
            }
            let rest = self.rest.strip_prefix(' ')?;
            let (name, rest) = rest.split_once("=\"")?;
            let (value, rest) = rest.split_once('"')?;
            let plain = |byte: u8| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
            };
            let repeated = attributes.iter().any(|one| &*one.name.local == name);
            if name.is_empty()
                || !name.bytes().all(plain)
                || repeated
                || attributes.len() >= MAX_ATTRIBUTES
            {
                return None;
            }
            attributes.push(Attribute {
                name: QualName::new(None, ns!(), LocalName::from(name)),
                value: StrTendril::from(unescape(value)?),
            });
            self.rest = rest;
        }
    }

    fn push_node(&mut self, data: Data, parent: Option<NodeId>) -> NodeId {
        let id = NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX);
        let mut previous = None;
        if let Some(node) = parent.and_then(|id| self.node(id)) {
            previous = node.last.replace(id);
            if node.first.is_none() {
                node.first = Some(id);
            }
        }
        if let Some(node) = previous.and_then(|id| self.node(id)) {
            node.next = Some(id);
        }
        self.nodes.push(Node {
            data,
            parent,
            previous,
            next: None,
            first: None,
            last: None,
        });
        id
    }

    fn node(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(usize::try_from(id).ok()?)
    }
}

/// Text with its entities resolved; `None` for other entities than a serialiser writes, and for
/// characters that the algorithm changes.
fn unescape(raw: &str) -> Option<String> {
    if raw.bytes().any(|byte| matches!(byte, 0 | b'\r')) {
        return None;
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, tail)) = rest.split_once('&') {
        out.push_str(plain);
        let known = [
            ("amp;", '&'),
            ("lt;", '<'),
            ("gt;", '>'),
            ("quot;", '"'),
            ("nbsp;", '\u{a0}'),
        ];
        let (c, after) = known
            .into_iter()
            .find_map(|(name, c)| Some((c, tail.strip_prefix(name)?)))?;
        out.push(c);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::super::{Data, Dom, NodeId, bounded};
    use super::parse;
    use proptest::prelude::*;
    use std::fmt::Write as _;

    /// The tree as text, neighbouring texts joined.
    fn show(dom: &Dom, id: NodeId, out: &mut String) {
        for child in dom.children(id) {
            match dom.data(child) {
                Data::Text(text) => write!(out, "{text:?}").unwrap(),
                Data::Element { name, attributes } => {
                    write!(out, "<{}", &*name.local).unwrap();
                    for one in attributes {
                        write!(out, " {}={:?}", &*one.name.local, &*one.value).unwrap();
                    }
                    out.push('>');
                    show(dom, child, out);
                    out.push_str("</>");
                }
                _ => out.push('?'),
            }
        }
    }

    fn tree(dom: &Dom) -> String {
        let mut out = String::new();
        show(dom, dom.root, &mut out);
        out.replace("\"\"", "")
    }

    fn check(html: &str) {
        if let Some(dom) = parse(html) {
            assert_eq!(tree(&dom), tree(&bounded::parse_fully(html)), "{html:?}");
        }
    }

    #[test]
    fn takes_what_programs_write_and_nothing_else() {
        for (html, taken) in [
            ("<p>a <strong>b</strong>&nbsp;c</p>\n<p>d</p>", true),
            ("<ul>\n<li>a<ul><li>b</li></ul></li>\n</ul>", true),
            ("<table><tbody>\n<tr><td>a</td></tr></tbody></table>", true),
            ("<table><tr><td>a</td></tr></table>", false),
            ("<p>a<p>b", false),
            ("<p><div>a</div></p>", false),
            ("<b><p>a</p></b>", false),
            ("<a href=\"x\"><a href=\"y\">z</a></a>", false),
            ("<p>&copy;</p>", false),
            ("<pre>\na</pre>", false),
            ("<p>a</P>", false),
            ("a < b", false),
        ] {
            assert_eq!(parse(html).is_some(), taken, "{html}");
            check(html);
        }
    }

    const PIECES: &[&str] = &[
        "<p>",
        "</p>",
        "<div>",
        "</div>",
        "<div class=\"a b\">",
        "<strong>",
        "</strong>",
        "<em>",
        "</em>",
        "<a href=\"https://e.org/?a=1&amp;b\">",
        "</a>",
        "<code>",
        "</code>",
        "<pre>",
        "</pre>",
        "<ul>",
        "</ul>",
        "<ol start=\"3\">",
        "</ol>",
        "<li>",
        "</li>",
        "<table>",
        "</table>",
        "<tbody>",
        "</tbody>",
        "<thead>",
        "</thead>",
        "<tr>",
        "</tr>",
        "<td>",
        "</td>",
        "<th>",
        "</th>",
        "<br>",
        "<hr>",
        "<img src=\"x\" alt=\"\">",
        "<span data-x=\"1\">",
        "</span>",
        "<blockquote>",
        "</blockquote>",
        "<details>",
        "</details>",
        "<summary>",
        "</summary>",
        "<h2>",
        "</h2>",
        "<u>",
        "</u>",
        "<sub>",
        "</sub>",
        "text",
        " ",
        "\n",
        "&amp;",
        "&lt;",
        "&nbsp;",
        "&x;",
        "é",
        "<p style=\"a: b;\">",
        "<p class=\"a\" class=\"b\">",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3_000))]

        #[test]
        fn agrees_with_html5ever(parts in prop::collection::vec(prop::sample::select(PIECES), 0..14)) {
            check(&parts.concat());
        }

        #[test]
        fn agrees_on_nested_elements(html in element(4)) {
            check(&html);
        }
    }

    fn element(depth: u32) -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec!["a", " b ", "\n", "<br>", "<hr>", "&amp;"])
            .prop_map(str::to_owned);
        leaf.prop_recursive(depth, 40, 4, |inner| {
            let name = prop::sample::select(vec![
                "p",
                "div",
                "blockquote",
                "strong",
                "em",
                "a",
                "code",
                "pre",
                "ul",
                "li",
                "table",
                "tbody",
                "tr",
                "td",
                "h2",
                "span",
                "details",
                "summary",
                "sup",
            ]);
            (name, prop::collection::vec(inner, 0..4))
                .prop_map(|(name, inner)| format!("<{name}>{}</{name}>", inner.concat()))
        })
    }
}
