//! The block that says who wrote a body that the service account had to post for them.
//!
//! Added before sending, recognised and taken off when the body comes back, also after Canvas's
//! cleaning or after an editor has rewritten it.

use crate::context::{Context, Dialect};
use crate::dom::{self, Dom, NodeId};
use crate::html::escape::{push_attribute, push_text};
use crate::markdown;
use crate::tree::{Block, Leaf, Mark, Marks};

const ATTRIBUTE: &str = "data-antiphon-author";
const MAX_NAME: usize = 200;

/// The body with a first block that says who wrote it and where (`origin`: the system's name).
pub(crate) fn add(body: &str, dialect: Dialect, name: &str, origin: &str) -> String {
    let name = tidy(name);
    let origin = tidy(origin);
    match dialect {
        Dialect::CanvasHtml => {
            let mut out = "<p".to_owned();
            push_attribute(&mut out, ATTRIBUTE, &name);
            out.push_str("><em>");
            push_text(&mut out, &format!("{name} wrote in {origin}:"));
            out.push_str("</em></p>\n");
            out.push_str(body);
            out
        }
        Dialect::DiscourseMarkdown => {
            let mut out = "*".to_owned();
            markdown::push_plain(&mut out, &format!("{name} wrote in {origin}:"));
            out.push_str("*\n\n");
            out.push_str(body);
            out
        }
    }
}

/// Takes the attribution off: the name it gave, and the body without it.
pub(crate) fn strip(body: &str, dialect: Dialect) -> (Option<String>, String) {
    let found = match dialect {
        Dialect::CanvasHtml => strip_canvas(body),
        Dialect::DiscourseMarkdown => strip_discourse(body),
    };
    match found {
        Some((name, rest)) => (Some(name), rest),
        None => (None, body.to_owned()),
    }
}

/// A name on one line, without what could hide or reverse text.
fn tidy(name: &str) -> String {
    let clean: String = name
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .take(MAX_NAME)
        .collect();
    let words: Vec<&str> = clean.split_whitespace().collect();
    if words.is_empty() {
        "Someone".to_owned()
    } else {
        words.join(" ")
    }
}

fn is_invisible(c: char) -> bool {
    let ranges = [
        '\u{200b}'..='\u{200f}',
        '\u{202a}'..='\u{202e}',
        '\u{2060}'..='\u{2069}',
    ];
    c == '\u{feff}' || ranges.iter().any(|range| range.contains(&c))
}

fn strip_canvas(body: &str) -> Option<(String, String)> {
    let trimmed = body.trim_start();
    let paragraph = trimmed
        .get(..2)
        .filter(|start| start.eq_ignore_ascii_case("<p"))?;
    let end = find_end(trimmed)?;
    let block = trimmed.get(..end)?;
    debug_assert!(block.starts_with(paragraph));
    let dom = dom::parse(block);
    let first = dom.children(dom.root).next()?;
    let text = dom
        .text(first)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let name = match dom.attribute(first, ATTRIBUTE) {
        Some(name) if text == said(name, &text)? => name.to_owned(),
        // An editor may have dropped the attribute: a lone emphasised line that says the same.
        None if is_emphasised(&dom, first) => name_in(&text)?,
        _ => return None,
    };
    let rest = trimmed.get(end..)?;
    let rest = rest.strip_prefix('\n').unwrap_or(rest);
    Some((name, rest.to_owned()))
}

/// The end of the first paragraph's closing tag.
fn find_end(html: &str) -> Option<usize> {
    let lower = html
        .get(..html.len().min(4_000))
        .map_or_else(|| html.to_owned(), str::to_owned);
    let at = lower.to_ascii_lowercase().find("</p>")?;
    Some(at + "</p>".len())
}

/// The whole line if it says that `name` wrote somewhere.
fn said(name: &str, text: &str) -> Option<String> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let rest = text.strip_prefix(name.as_str())?;
    let origin = rest.strip_prefix(" wrote in ")?.strip_suffix(':')?;
    (!origin.is_empty()).then(|| text.to_owned())
}

/// The name in a line of the form `NAME wrote in ORIGIN:`.
fn name_in(text: &str) -> Option<String> {
    let (name, origin) = text.rsplit_once(" wrote in ")?;
    let origin = origin.strip_suffix(':')?;
    let known = matches!(origin, "Canvas" | "Discourse" | "Antiphon");
    (known && !name.is_empty()).then(|| name.to_owned())
}

fn is_emphasised(dom: &Dom, node: NodeId) -> bool {
    let mut children = dom.children(node).filter(|child| {
        !dom.text(*child).trim().is_empty() || !matches!(dom.name(*child), "" | "span")
    });
    matches!((children.next(), children.next()), (Some(only), None) if matches!(dom.name(only), "em" | "i"))
}

fn strip_discourse(body: &str) -> Option<(String, String)> {
    let body = body.trim_start_matches(['\n', '\r', ' ']);
    let end = body
        .find("\n\n")
        .or_else(|| body.find("\r\n\r\n"))
        .unwrap_or(body.len());
    let first = body.get(..end)?;
    if first.contains('\n') || first.len() > 4_000 || !first.starts_with(['*', '_']) {
        return None;
    }
    let doc = markdown::read(first, &Context::default()).doc;
    let [Block::Paragraph(runs)] = doc.blocks.as_slice() else {
        return None;
    };
    let mut text = String::new();
    for run in runs {
        let Leaf::Text(part) = &run.leaf else {
            return None;
        };
        if run.style.marks != Marks::default().with(Mark::Em) {
            return None;
        }
        text.push_str(part);
    }
    let name = name_in(&text)?;
    let rest = body.get(end..)?.trim_start_matches(['\n', '\r']);
    Some((name, rest.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitise;

    const NAMES: &[&str] = &[
        "Ann Lee",
        "*Bob*",
        "@admin",
        "<b>x</b>",
        "[a](http://e.org)",
        "O'Neil & \"Sons\"",
        "x wrote in Canvas:",
        "李 小龙",
        ":smile: #tag $x$",
        "a_b_c `code`",
    ];

    #[test]
    fn comes_off_as_it_went_on() {
        for dialect in [Dialect::CanvasHtml, Dialect::DiscourseMarkdown] {
            for name in NAMES {
                for body in ["<p>hello</p>", "text\n\nmore", ""] {
                    let sent = add(body, dialect, name, "Canvas");
                    let (found, rest) = strip(&sent, dialect);
                    assert_eq!(found.as_deref(), Some(*name), "{sent}");
                    assert_eq!(rest, body, "{sent}");
                }
            }
        }
    }

    #[test]
    fn survives_cleaning_and_editors() {
        let sent = add("<p>b</p>", Dialect::CanvasHtml, "Ann & Co", "Discourse");
        assert_eq!(
            strip(&sanitise(&sent), Dialect::CanvasHtml),
            (Some("Ann & Co".into()), "<p>b</p>".into())
        );
        let edited = "<p><em>Ann &amp; Co wrote in Discourse:</em></p><p>b</p>";
        assert_eq!(
            strip(edited, Dialect::CanvasHtml),
            (Some("Ann & Co".into()), "<p>b</p>".into())
        );
        let edited = "_Ann wrote in Canvas:_\n\nb";
        assert_eq!(
            strip(edited, Dialect::DiscourseMarkdown),
            (Some("Ann".into()), "b".into())
        );
    }

    #[test]
    fn other_first_lines_stay() {
        for (body, dialect) in [
            ("<p>Ann wrote in Discourse:</p>", Dialect::CanvasHtml),
            ("<p><em>Ann wrote a book:</em></p>", Dialect::CanvasHtml),
            (
                "<p data-antiphon-author=\"Eve\"><em>Ann wrote in Discourse:</em></p>",
                Dialect::CanvasHtml,
            ),
            ("*Ann wrote in a diary:*", Dialect::DiscourseMarkdown),
            ("Ann wrote in Canvas:", Dialect::DiscourseMarkdown),
            ("**Ann wrote in Canvas:**", Dialect::DiscourseMarkdown),
        ] {
            assert_eq!(strip(body, dialect), (None, body.to_owned()));
        }
    }
}
