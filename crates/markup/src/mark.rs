//! The empty hidden span that marks a Canvas body as ours: `<span data-antiphon="KEY"></span>`.
//!
//! The only key on Canvas entries that a client controls (contract canvas §11.1). Canvas's editor may
//! drop it, and anyone can write one: it is a hint, never a proof.

use crate::dom::{self, Dom, NodeId};
use crate::html::escape::push_attribute;

const ATTRIBUTE: &str = "data-antiphon";
const MAX_KEY: usize = 64;

/// Whether a key can be put into a mark.
pub(crate) fn is_key(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= MAX_KEY
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// The body with a mark at its end; unchanged if the key is not 1 to 64 of `[A-Za-z0-9_-]`.
pub(crate) fn add(html: &str, key: &str) -> String {
    let mut out = html.to_owned();
    if is_key(key) {
        out.push_str("<span");
        push_attribute(&mut out, ATTRIBUTE, key);
        out.push_str("></span>");
    }
    out
}

/// The key of the first valid mark.
pub(crate) fn find(html: &str) -> Option<String> {
    if !mentions(html) {
        return None;
    }
    let dom = dom::parse(html);
    let mut key = None;
    dom.walk(dom.root, &mut |node| {
        if key.is_none() && is_mark(&dom, node) {
            key = dom.attribute(node, ATTRIBUTE).map(str::to_owned);
        }
        key.is_none()
    });
    key
}

/// The body without marks. The rest stays byte for byte where a mark is written as Canvas writes it.
pub(crate) fn strip(html: &str) -> String {
    if !mentions(html) {
        return html.to_owned();
    }
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find("<span") {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let end = from.find('>').map_or(from.len(), |end| end + 1);
        let (tag, after) = from.split_at(end);
        let close = after.trim_start().strip_prefix("</span>");
        match close {
            Some(after) if is_mark_tag(tag) => rest = after,
            _ => {
                let (head, tail) = from.split_at("<span".len());
                out.push_str(head);
                rest = tail;
            }
        }
    }
    out.push_str(rest);
    out
}

fn mentions(html: &str) -> bool {
    html.as_bytes()
        .windows(ATTRIBUTE.len())
        .any(|window| window.eq_ignore_ascii_case(ATTRIBUTE.as_bytes()))
}

fn is_mark(dom: &Dom, node: NodeId) -> bool {
    dom.name(node) == "span"
        && dom.attribute(node, ATTRIBUTE).is_some_and(is_key)
        && dom.text(node).trim().is_empty()
}

/// Whether the text of a start tag is a mark's: parsed, never matched.
fn is_mark_tag(tag: &str) -> bool {
    if tag.len() > 400 {
        return false;
    }
    let dom = dom::parse(tag);
    let mut found = false;
    dom.walk(dom.root, &mut |node| {
        found |= is_mark(&dom, node);
        true
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_and_taken_off_again() {
        for body in ["", "<p>a</p>", "plain", "<p>x <span>y</span></p>"] {
            let marked = add(body, "K-1_x");
            assert_eq!(find(&marked).as_deref(), Some("K-1_x"));
            assert_eq!(strip(&marked), body);
        }
        assert_eq!(
            find("<p>t<SPAN class='a' DATA-ANTIPHON='k'> </span></p>").as_deref(),
            Some("k")
        );
        assert_eq!(
            strip("<p>t<span class=\"a\" data-antiphon=\"k\"></span></p>"),
            "<p>t</p>"
        );
    }

    #[test]
    fn hostile_marks_are_ignored() {
        let long = "x".repeat(65);
        for key in ["", "a b", "a\"><script>", "ü", long.as_str()] {
            assert_eq!(add("x", key), "x");
            assert_eq!(
                find(&format!("<span data-antiphon='{key}'></span>")),
                None,
                "{key}"
            );
        }
        for html in [
            "&lt;span data-antiphon=\"k\"&gt;&lt;/span&gt;",
            "<p title='<span data-antiphon=\"k\"></span>'>x</p>",
            "<!-- <span data-antiphon=\"k\"></span> -->",
            "<span data-antiphon=\"k\">words</span>",
            "<span data-antiphon-ref=\"k\"></span>",
        ] {
            assert_eq!(find(html), None, "{html}");
        }
        assert_eq!(
            strip("<span data-antiphon=\"k\">words</span>"),
            "<span data-antiphon=\"k\">words</span>"
        );
    }
}
