//! An outline of HTML: words with their marks, and what stands around them, in one notation for
//! Discourse's cooked HTML and for our canonical form. Shares no code with the crate.

use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, QualName, local_name, ns, parse_fragment};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use std::collections::BTreeSet;

type Marks = BTreeSet<String>;

enum Token {
    Text(Marks, String),
    Edge(String),
}

/// What counts as the same.
#[derive(Clone, Copy)]
pub struct Rules {
    /// Checklists, equations and spoilers were on.
    pub plugins: bool,
    /// Both are ours or Canvas's: an address is the same with and without its link, an equation with and without its
    /// image, and an image's size may stand in its words.
    pub lenient: bool,
}

/// The outline.
pub fn outline(html: &str, rules: Rules) -> String {
    let dom = parse(html);
    let mut tokens = Vec::new();
    walk(&dom.document, &Marks::new(), rules, &mut tokens);
    join(tokens)
}

/// HTML as a browser reads it.
pub fn parse(html: &str) -> RcDom {
    let name = QualName::new(None, ns!(html), local_name!("body"));
    parse_fragment(
        RcDom::default(),
        ParseOpts::default(),
        name,
        Vec::new(),
        false,
    )
    .one(html)
}

/// The words of HTML, nothing else.
pub fn words(html: &str) -> String {
    let dom = parse(html);
    let text = text_of(&dom.document).replace(['\u{2060}', '\u{200b}', '\u{feff}'], "");
    text.split_whitespace().collect()
}

fn join(tokens: Vec<Token>) -> String {
    let mut out = String::new();
    let mut last: Option<Marks> = None;
    for token in tokens {
        match token {
            Token::Edge(edge) => {
                let trimmed = out.trim_end().len();
                out.truncate(trimmed);
                if edge != "¶" || !(out.is_empty() || out.ends_with(['¶', '('])) {
                    if edge == ")" {
                        out.truncate(out.trim_end_matches('¶').len());
                    }
                    out.push_str(&edge);
                }
                last = None;
            }
            Token::Text(marks, text) => {
                let blank = text.trim().is_empty();
                let edge = out.is_empty() || out.ends_with(['¶', '(', ' ', ')', '⏎']);
                let clean: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
                if blank {
                    if !edge {
                        out.push(' ');
                    }
                    continue;
                }
                let lead = text.starts_with(char::is_whitespace) && !edge;
                if lead {
                    out.push(' ');
                }
                if last.as_ref() != Some(&marks) && !(marks.is_empty() && last.is_none()) {
                    let names: Vec<&str> = marks.iter().map(String::as_str).collect();
                    out.push('{');
                    out.push_str(&names.join(","));
                    out.push('}');
                }
                last = Some(marks);
                out.push_str(&clean);
                if text.ends_with(char::is_whitespace) {
                    out.push(' ');
                }
            }
        }
    }
    out.trim().trim_end_matches('¶').to_owned()
}

fn attribute(node: &Handle, wanted: &str) -> Option<String> {
    let NodeData::Element { attrs, .. } = &node.data else {
        return None;
    };
    attrs
        .borrow()
        .iter()
        .find(|one| &*one.name.local == wanted)
        .map(|one| one.value.to_string())
}

fn text_of(node: &Handle) -> String {
    let mut text = String::new();
    if matches!(&node.data, NodeData::Element { name, .. } if matches!(&*name.local, "script" | "style"))
    {
        return text;
    }
    if let NodeData::Text { contents } = &node.data {
        text.push_str(&contents.borrow());
    }
    for child in node.children.borrow().iter() {
        text.push_str(&text_of(child));
    }
    text
}

/// Text without what Discourse's typographer does to it.
fn plain(text: &str) -> String {
    let text = text
        .replace(['“', '”', '„', '«', '»'], "\"")
        .replace(['‘', '’'], "'")
        .replace(
            [
                '\u{a0}', '\u{2003}', '\u{3000}', '\u{2009}', '\u{202f}', '\u{2028}',
            ],
            " ",
        );
    let mut text = text
        .replace(['\u{2060}', '\u{200b}', '\u{feff}'], "")
        .replace(['–', '—'], "-")
        .replace('…', "..")
        .replace("(tm)", "™")
        .replace("(TM)", "™")
        .replace("+-", "±");
    for (from, to) in [
        ("--", "-"),
        ("...", ".."),
        ("!!", "!"),
        ("??", "?"),
        (",,", ","),
    ] {
        while text.contains(from) {
            text = text.replace(from, to);
        }
    }
    text.replace("<->", "↔")
        .replace("->", "→")
        .replace("<-", "←")
}

fn children(node: &Handle, marks: &Marks, rules: Rules, out: &mut Vec<Token>) {
    for child in node.children.borrow().iter() {
        walk(child, marks, rules, out);
    }
}

fn around(name: &str, node: &Handle, marks: &Marks, rules: Rules, out: &mut Vec<Token>) {
    out.push(Token::Edge("¶".into()));
    out.push(Token::Edge(format!("{name}(")));
    children(node, marks, rules, out);
    out.push(Token::Edge(")".into()));
    out.push(Token::Edge("¶".into()));
}

fn word(text: String, marks: &Marks, out: &mut Vec<Token>) {
    out.push(Token::Text(marks.clone(), text));
}

#[expect(clippy::too_many_lines, reason = "one table of constructs")]
fn walk(node: &Handle, marks: &Marks, rules: Rules, out: &mut Vec<Token>) {
    let NodeData::Element { name, .. } = &node.data else {
        if let NodeData::Text { contents } = &node.data {
            word(plain(&contents.borrow()), marks, out);
        }
        return children(node, marks, rules, out);
    };
    if matches!(&*name.local, "script" | "style") {
        return;
    }
    if rules.lenient && (lenient_word(node, marks, out) || attribute(node, "data-dsc-by").is_some())
    {
        return;
    }
    let class = attribute(node, "class").unwrap_or_default();
    let has = |wanted: &str| class.split(' ').any(|one| one == wanted);
    let name = &*name.local;
    if let Some(user) = attribute(node, "data-dsc-mention") {
        return word(format!("<@{user}>"), marks, out);
    }
    if has("mention") {
        return word(format!("<{}>", text_of(node)), marks, out);
    }
    if let Some(slug) = attribute(node, "data-dsc-hashtag") {
        return word(
            format!("<#{}>", slug.split("::").next().unwrap_or("")),
            marks,
            out,
        );
    }
    if has("hashtag-cooked") || has("hashtag") {
        return word(
            format!(
                "<#{}>",
                attribute(node, "data-slug")
                    .unwrap_or(text_of(node).trim().trim_start_matches('#').to_owned())
            ),
            marks,
            out,
        );
    }
    if has("hashtag-raw") {
        return word(format!("<{}>", text_of(node).trim()), marks, out);
    }
    if has("emoji") {
        return word(
            emoji(&attribute(node, "title").unwrap_or_default()),
            marks,
            out,
        );
    }
    if let Some(name) = attribute(node, "data-dsc-emoji") {
        return word(format!(":{name}:"), marks, out);
    }
    if let Some(check) = attribute(node, "data-dsc-check") {
        return word(
            if rules.plugins {
                format!("<box{check}>")
            } else {
                text_of(node).replace('☐', "[ ]").replace('☑', "[x]")
            },
            marks,
            out,
        );
    }
    if has("chcklst-box") {
        return word(
            if has("checked") {
                "<boxx>".into()
            } else {
                "<box>".into()
            },
            marks,
            out,
        );
    }
    if has("math") {
        return word(
            format!(
                "<${}$>",
                text_of(node)
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ")
            ),
            marks,
            out,
        );
    }
    if has("discourse-local-date")
        || attribute(node, "data-dsc-opaque").is_some_and(|one| one.starts_with("[date"))
    {
        return word("<date>".into(), marks, out);
    }
    if attribute(node, "data-dsc-opaque").is_some() || has("poll") || has("d-wrap") {
        return around("opaque", &Handle::clone(&empty()), marks, rules, out);
    }
    if has("anchor")
        || has("title") && name == "div"
        || attribute(node, "data-dsc-by").is_some()
        || name == "svg"
    {
        return;
    }
    let mark = match name {
        "strong" | "b" => "b",
        "em" | "i" => "i",
        "s" | "del" | "strike" => "s",
        "u" => "u",
        "ins" => "ins",
        "mark" => "mark",
        "sub" => "sub",
        "sup" => "sup",
        "small" => "small",
        "big" => "big",
        "kbd" => "kbd",
        "code" => "code",
        "ruby" => "ruby",
        "rt" => "rt",
        "rp" => "rp",
        "span" if has("bbcode-b") => "b",
        "span" if has("bbcode-i") => "i",
        "span" if has("bbcode-u") => "u",
        "span" if has("bbcode-s") => "s",
        "span" if says(node, "underline") => "u",
        "span" if says(node, "line-through") => "s",
        "span" if has("spoiler") || attribute(node, "data-dsc-spoiler").is_some() => "spoiler",
        _ => "",
    };
    let mut inner = marks.clone();
    if !mark.is_empty() {
        inner.insert(mark.to_owned());
        return children(node, &inner, rules, out);
    }
    match name {
        "br" => out.push(Token::Edge("⏎".into())),
        "hr" => around("hr", &empty(), marks, rules, out),
        "img" => word(
            format!(
                "<img {} {} {}x{}>",
                address(
                    &attribute(node, "data-dsc-src")
                        .or(attribute(node, "data-orig-src"))
                        .or(attribute(node, "src"))
                        .unwrap_or_default()
                ),
                plain(&attribute(node, "alt").unwrap_or_default()),
                attribute(node, "width").unwrap_or_default(),
                attribute(node, "height").unwrap_or_default()
            ),
            marks,
            out,
        ),
        "a" => {
            let text = text_of(node);
            let guessed = |href: &String| {
                [
                    format!("mailto:{text}"),
                    format!("http://{text}"),
                    format!("//{text}"),
                    text.clone(),
                ]
                .contains(href)
                    && !text.contains("://")
            };
            let bare = |href: &String| rules.lenient && address(href) == address(&text);
            if let Some(href) = attribute(node, "href")
                .or(attribute(node, "data-dsc-href"))
                .filter(|href| !guessed(href) && !bare(href))
            {
                inner.insert(format!("a {}", address(&href)));
            }
            if let Some(title) = attribute(node, "title") {
                let title: Vec<&str> = title.split_whitespace().collect();
                inner.insert(format!("title {}", title.join(" ")));
            }
            children(node, &inner, rules, out);
        }
        "abbr" => {
            if let Some(title) = attribute(node, "title") {
                inner.insert(format!("abbr {title}"));
            }
            children(node, &inner, rules, out);
        }
        "ul" | "li" | "table" | "tr" | "details" | "summary" | "dl" | "dt" | "dd" | "h1" | "h2"
        | "h3" | "h4" | "h5" | "h6" => around(name, node, marks, rules, out),
        "ol" => around(
            &format!(
                "ol{}",
                attribute(node, "start")
                    .filter(|start| start != "1")
                    .unwrap_or_default()
            ),
            node,
            marks,
            rules,
            out,
        ),
        "td" | "th" => around(
            &format!(
                "{name}{}",
                attribute(node, "style")
                    .unwrap_or_default()
                    .replace([' ', ';'], "")
                    .replace("text-align:", ":")
            ),
            node,
            marks,
            rules,
            out,
        ),
        "pre" => {
            out.push(Token::Edge("¶".into()));
            out.push(Token::Edge(format!(
                "pre{:?}",
                plain(text_of(node).trim_end_matches('\n'))
            )));
            out.push(Token::Edge("¶".into()));
        }
        "aside" if has("quote") => {
            let quote = node.children.borrow().iter().find(|one| matches!(&one.data, NodeData::Element { name, .. } if &*name.local == "blockquote")).cloned();
            around("quote", &quote.unwrap_or_else(empty), marks, rules, out);
        }
        "blockquote" => around("quote", node, marks, rules, out),
        "div" if has("spoiler") || attribute(node, "data-dsc-spoiler").is_some() => {
            around("spoiler", node, marks, rules, out);
        }
        "p" | "div" => {
            out.push(Token::Edge("¶".into()));
            children(node, marks, rules, out);
            out.push(Token::Edge("¶".into()));
        }
        _ => children(node, marks, rules, out),
    }
}

fn address(address: &str) -> String {
    let address = address
        .replace("%20", " ")
        .replace("%60", "`")
        .replace("&amp;", "&");
    address
        .strip_suffix("?wrap=1")
        .map_or(address.clone(), str::to_owned)
}

/// Whether an element's own style decorates its text like this.
fn says(node: &Handle, decoration: &str) -> bool {
    attribute(node, "style")
        .is_some_and(|style| style.contains("text-decoration") && style.contains(decoration))
}

/// Equations, people and sized images in any of their forms.
fn lenient_word(node: &Handle, marks: &Marks, out: &mut Vec<Token>) -> bool {
    if let Some(latex) = attribute(node, "data-equation-content") {
        word(format!("<${latex}$>"), marks, out);
        return true;
    }
    if let Some(id) = attribute(node, "data-mention") {
        word(format!("<@{id}>"), marks, out);
        return true;
    }
    let alt = attribute(node, "alt").unwrap_or_default();
    let Some((alt, size)) = alt
        .split_once('|')
        .filter(|(_, size)| size.contains('x') && !size.contains(' '))
    else {
        return false;
    };
    word(
        format!(
            "<img {} {alt} {size}>",
            address(&attribute(node, "src").unwrap_or_default())
        ),
        marks,
        out,
    );
    true
}

fn empty() -> Handle {
    markup5ever_rcdom::Node::new(NodeData::Document)
}

/// The character of an emoji, asked of the crate: which character it is, is not what is tested here.
fn emoji(title: &str) -> String {
    let html = markup::canonical_markdown(title, &markup::Context::default());
    html.trim_start_matches("<p>")
        .trim_end_matches("</p>")
        .to_owned()
}
