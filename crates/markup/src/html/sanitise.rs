//! Cleans HTML with exactly Canvas's lists (contract markup §2): the last step before HTML leaves.

mod plain;

use super::css;
use super::escape::{push_attribute, push_text};
use crate::dom::{self, Data, Dom, NodeId, is_silent};
use crate::url::scheme;
use ammonia::{Builder, UrlRelative};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Elements that Canvas keeps, without MathML.
const ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "address",
    "area",
    "article",
    "aside",
    "audio",
    "b",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "details",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "embed",
    "figcaption",
    "figure",
    "font",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "i",
    "iframe",
    "img",
    "ins",
    "kbd",
    "legend",
    "li",
    "map",
    "mark",
    "nav",
    "object",
    "ol",
    "p",
    "param",
    "picture",
    "pre",
    "q",
    "rp",
    "rt",
    "ruby",
    "samp",
    "section",
    "small",
    "source",
    "span",
    "strike",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "time",
    "tr",
    "track",
    "tt",
    "u",
    "ul",
    "var",
    "video",
];

/// MathML elements that Canvas keeps.
const MATHML: &[&str] = &[
    "math",
    "mfrac",
    "mi",
    "mn",
    "mo",
    "mover",
    "mroot",
    "mrow",
    "mspace",
    "msqrt",
    "mstyle",
    "msub",
    "msubsup",
    "msup",
    "mtable",
    "mtd",
    "mtext",
    "mtr",
    "munder",
    "munderover",
];

/// Attributes of every element.
const EVERYWHERE: &[&str] = &["style", "class", "id", "title", "role", "lang", "dir"];

/// Attributes of single elements.
const BY_ELEMENT: &[(&str, &[&str])] = &[
    ("a", &["href", "target", "name"]),
    ("area", &["alt", "coords", "href", "shape", "target"]),
    ("audio", &["name", "src", "muted", "controls"]),
    ("blockquote", &["cite"]),
    ("col", &["span", "width"]),
    ("colgroup", &["span", "width"]),
    (
        "embed",
        &["name", "src", "type", "width", "height", "allowfullscreen"],
    ),
    ("font", &["face", "color", "size"]),
    (
        "iframe",
        &[
            "src",
            "width",
            "height",
            "name",
            "align",
            "frameborder",
            "scrolling",
            "allow",
            "sandbox",
            "allowfullscreen",
            "webkitallowfullscreen",
            "mozallowfullscreen",
        ],
    ),
    (
        "img",
        &[
            "align", "alt", "height", "src", "usemap", "width", "longdesc",
        ],
    ),
    ("map", &["name"]),
    ("object", &["width", "height", "data", "type"]),
    ("ol", &["start", "type"]),
    ("param", &["name", "value"]),
    ("q", &["cite"]),
    (
        "source",
        &["media", "width", "height", "sizes", "src", "srcset", "type"],
    ),
    (
        "table",
        &[
            "summary",
            "width",
            "border",
            "cellpadding",
            "cellspacing",
            "center",
            "frame",
            "rules",
        ],
    ),
    (
        "td",
        &[
            "abbr", "axis", "colspan", "rowspan", "width", "align", "valign", "dir",
        ],
    ),
    (
        "th",
        &[
            "abbr", "axis", "colspan", "rowspan", "width", "align", "valign", "dir", "scope",
        ],
    ),
    ("tr", &["align", "valign", "dir"]),
    ("track", &["default", "kind", "label", "src", "srclang"]),
    ("ul", &["type"]),
    (
        "video",
        &[
            "name",
            "src",
            "muted",
            "poster",
            "width",
            "height",
            "controls",
            "allow",
            "allowfullscreen",
            "playsinline",
        ],
    ),
    ("math", &["alttext", "display"]),
];

/// Beginnings of `data-` names that Canvas refuses.
const REFUSED_DATA: &[&str] = &[
    "data-xml",
    "data-kyle-menu",
    "data-turn-into-dialog",
    "data-flash-message",
    "data-popup-within",
    "data-html-tooltip-title",
    "data-method",
];

/// Addresses of all attributes; which element may have which is decided in [`keep`].
const SCHEMES: &[&str] = &["ftp", "http", "https", "mailto", "tel", "skype", "data"];

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(ELEMENTS.iter().chain(MATHML).copied().collect())
        .clean_content_tags(HashSet::from(["script", "style"]))
        .generic_attributes(EVERYWHERE.iter().copied().collect())
        .generic_attribute_prefixes(HashSet::from(["data-", "aria-"]))
        .tag_attributes(
            BY_ELEMENT
                .iter()
                .map(|(name, attributes)| (*name, attributes.iter().copied().collect()))
                .collect::<HashMap<&str, HashSet<&str>>>(),
        )
        .url_schemes(SCHEMES.iter().copied().collect())
        .url_relative(UrlRelative::PassThrough)
        .link_rel(None)
        .attribute_filter(keep);
    builder
});

/// Keeps only what Canvas keeps. Nesting beyond the crate's bounds is flattened first.
pub(crate) fn sanitise(html: &str) -> String {
    let dom = dom::parse(html);
    let clean = CLEANER.clean(&serialise(&dom)).to_string();
    // A refused element that stood between two `<rt>` leaves them one in the other. Readers nest those otherwise, so it
    // is cleaned as it will be read.
    if clean.contains("<rt") || clean.contains("<rp") {
        CLEANER.clean(&clean).to_string()
    } else {
        clean
    }
}

/// Cleans HTML that our own writer made, which is within the bounds.
pub(crate) fn clean(html: &str) -> Cow<'_, str> {
    if plain::is_plain(html) {
        Cow::Borrowed(html)
    } else {
        Cow::Owned(CLEANER.clean(html).to_string())
    }
}

/// What becomes of one attribute.
fn keep<'u>(element: &str, attribute: &str, value: &'u str) -> Option<Cow<'u, str>> {
    match attribute {
        "style" => css::clean(value).map(Cow::Owned),
        "id" if value.contains(char::is_whitespace) => Some(Cow::Owned(
            value.chars().filter(|c| !c.is_whitespace()).collect(),
        )),
        "href" | "src" | "cite" | "data" | "longdesc" | "poster" => {
            is_allowed_address(element, attribute, value).then_some(Cow::Borrowed(value))
        }
        "srcset" => is_allowed_set(value).then_some(Cow::Borrowed(value)),
        name if name.starts_with("data-") => {
            let refused = REFUSED_DATA.iter().any(|start| name.starts_with(start));
            (!refused).then_some(Cow::Borrowed(value))
        }
        _ => Some(Cow::Borrowed(value)),
    }
}

/// Whether an address may stand in this attribute, looked at as a browser would.
fn is_allowed_address(element: &str, attribute: &str, value: &str) -> bool {
    let compact: String = value
        .chars()
        .filter(|c| !c.is_control() && !c.is_whitespace() && !is_hidden(*c))
        .collect();
    let Some(scheme) = scheme(&compact) else {
        return true;
    };
    match (element, attribute) {
        ("a" | "area", "href") => {
            matches!(
                &*scheme,
                "ftp" | "http" | "https" | "mailto" | "tel" | "skype"
            )
        }
        ("audio" | "video" | "source" | "track", "src") => {
            matches!(&*scheme, "http" | "https")
                || (scheme == "data"
                    && ["data:audio/", "data:video/", "data:text/vtt"]
                        .iter()
                        .any(|start| compact.to_ascii_lowercase().starts_with(start)))
        }
        _ => matches!(&*scheme, "http" | "https"),
    }
}

fn is_hidden(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

fn is_allowed_set(value: &str) -> bool {
    value.split(',').all(|one| {
        let address = one.split_whitespace().next().unwrap_or_default();
        matches!(scheme(address).as_deref(), None | Some("http" | "https"))
    })
}

/// The parsed fragment as HTML again, nesting bounded, silent elements left out.
fn serialise(dom: &Dom) -> String {
    let mut out = String::new();
    let mut open: Vec<NodeId> = Vec::new();
    dom.walk(dom.root, &mut |node| {
        let parent = dom.get(node).and_then(|node| node.parent);
        while let Some(last) = open.last() {
            if Some(*last) == parent {
                break;
            }
            push_end(&mut out, dom.name(*last));
            open.pop();
        }
        match dom.data(node) {
            Data::Text(text) => push_text(&mut out, text),
            Data::Element { name, attributes } if node != dom.root => {
                if is_silent(&name.local) {
                    return false;
                }
                if is_raw(&name.local) {
                    push_text(&mut out, &dom.text(node));
                    return false;
                }
                out.push('<');
                out.push_str(&name.local);
                for attribute in attributes {
                    if is_name(&attribute.name.local) {
                        push_attribute(&mut out, &attribute.name.local, &attribute.value);
                    }
                }
                out.push('>');
                if matches!(&*name.local, "pre" | "listing") {
                    out.push('\n');
                }
                if is_void(&name.local) {
                    return false;
                }
                if &*name.local == "iframe" {
                    // Its text is for browsers without frames, and no parser reads tags there.
                    push_end(&mut out, "iframe");
                    return false;
                }
                open.push(node);
            }
            _ => {}
        }
        true
    });
    while let Some(last) = open.pop() {
        push_end(&mut out, dom.name(last));
    }
    out
}

/// Elements whose text a parser takes as it is; Canvas keeps the text only.
fn is_raw(name: &str) -> bool {
    matches!(
        name,
        "xmp" | "noembed" | "noframes" | "plaintext" | "textarea"
    )
}

fn push_end(out: &mut String, name: &str) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'.'))
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}
