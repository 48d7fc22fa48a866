//! The sanitiser: which elements, attributes and URL schemes are stored
//! (contract canvas §11.1, markup §2). Two versions: today's, and the smaller one of April 2019.

use super::style;
use ammonia::Builder;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

const ELEMENTS: &str = "a b blockquote br caption cite code col hr h1 h2 h3 h4 h5 h6 del ins iframe \
    font colgroup dd div dl dt em figure figcaption i img li ol p pre q small source span strike \
    strong sub sup abbr table tbody td tfoot th thead tr u ul object embed param video track audio \
    mark";

/// Elements of today that April 2019 unwraps.
const NEWER_ELEMENTS: &str = "address acronym map area bdo dfn kbd legend samp tt var big article \
    aside details footer header nav section summary time picture ruby rt rp";

const MATH: &str = "math maction maligngroup malignmark menclose merror mfenced mfrac mglyph mi \
    mlabeledtr mlongdiv mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mscarries \
    mscarry msgroup msline mspace msqrt msrow mstack mstyle msub msubsup msup mtable mtd mtext mtr \
    munder munderover none semantics annotation annotation-xml";

const MATH_ATTRIBUTES: &str = "href xref encoding display mathvariant mathsize mathcolor \
    mathbackground dir accent accentunder actiontype align alttext columnalign columnlines \
    columnspacing columnspan denomalign depth displaystyle fence form frame height largeop length \
    linethickness lspace maxsize minsize movablelimits notation numalign open close separators \
    rowalign rowlines rowspacing rowspan rspace scriptlevel selection separator stretchy subscriptshift \
    superscriptshift symmetric valign width xmlns definitionurl src";

const PER_ELEMENT: &[(&str, &str)] = &[
    ("a", "href target name"),
    ("img", "align alt height src usemap width longdesc"),
    (
        "iframe",
        "src width height name align frameborder scrolling allow sandbox allowfullscreen \
         webkitallowfullscreen mozallowfullscreen",
    ),
    ("ol", "start type"),
    ("ul", "type"),
    ("td", "abbr axis colspan rowspan width align valign dir"),
    (
        "th",
        "abbr axis colspan rowspan width align valign dir scope",
    ),
    ("tr", "align valign dir"),
    (
        "table",
        "summary width border cellpadding cellspacing center frame rules",
    ),
    ("col", "span width"),
    ("colgroup", "span width"),
    ("blockquote", "cite"),
    ("q", "cite"),
    (
        "video",
        "name src muted poster width height controls allow allowfullscreen playsinline",
    ),
    ("audio", "name src muted controls"),
    ("source", "media width height sizes src srcset type"),
    ("track", "default kind label src srclang"),
    ("font", "face color size"),
    ("object", "width height style data type classid codebase"),
    (
        "embed",
        "name src type allowfullscreen pluginspage wmode allowscriptaccess width height",
    ),
    ("param", "name value"),
    ("map", "name"),
    ("area", "alt coords href shape target"),
];

const FORBIDDEN_DATA: &[&str] = &[
    "data-kyle-menu",
    "data-turn-into-dialog",
    "data-flash-message",
    "data-popup-within",
    "data-html-tooltip-title",
    "data-method",
];

/// What is percent-encoded in URLs; non-ASCII always is.
const IN_URL: &AsciiSet = &CONTROLS.add(b' ');

/// Which sanitiser is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// April 2019.
    pub is_old: bool,
    /// `id` attributes are stripped (entries of today).
    pub drops_ids: bool,
}

fn scheme(url: &str) -> Option<String> {
    // Blanks are not taken out: " https" and "java\nscript" are schemes that nobody allows.
    let (scheme, _) = url.split_once(':')?;
    (!scheme.contains(['/', '?', '#'])).then(|| scheme.to_lowercase())
}

fn is_url_allowed(element: &str, url: &str, is_old: bool) -> bool {
    let Some(scheme) = scheme(url) else {
        return true;
    };
    let allowed: &[&str] = match element {
        "a" if is_old => &["ftp", "http", "https", "mailto"],
        "a" => &["ftp", "http", "https", "mailto", "tel", "skype"],
        "audio" | "video" | "source" | "track" => &["data", "http", "https"],
        _ => &["http", "https"],
    };
    allowed.contains(&scheme.as_str())
}

fn is_url(element: &str, attribute: &str) -> bool {
    match attribute {
        "href" | "src" | "poster" | "longdesc" | "cite" => true,
        "data" | "classid" | "codebase" => element == "object",
        "pluginspage" => element == "embed",
        _ => false,
    }
}

fn filter<'v>(
    element: &str,
    attribute: &str,
    value: &'v str,
    rules: Rules,
) -> Option<Cow<'v, str>> {
    if attribute == "style" {
        let style = style::filter(value, rules.is_old);
        return (!style.is_empty()).then_some(Cow::Owned(style));
    }
    if attribute == "id" {
        if rules.drops_ids && !value.starts_with("media_comment_") {
            return None;
        }
        if rules.is_old {
            return Some(Cow::Borrowed(value));
        }
        return Some(Cow::Owned(value.split_whitespace().collect()));
    }
    if attribute.starts_with("data-xml") || (!rules.is_old && FORBIDDEN_DATA.contains(&attribute)) {
        return None;
    }
    if is_url(element, attribute) {
        if !is_url_allowed(element, value, rules.is_old) {
            return None;
        }
        // Blanks and non-ASCII characters are percent-encoded (seen live, corpus "bad links").
        if !value.is_ascii() || value.contains(' ') {
            return Some(Cow::Owned(utf8_percent_encode(value, IN_URL).to_string()));
        }
    }
    if rules.is_old && element == "source" && matches!(attribute, "srcset" | "media" | "sizes") {
        return None;
    }
    if rules.is_old && element == "img" && attribute == "usemap" {
        return None;
    }
    Some(Cow::Borrowed(value))
}

fn builder(rules: Rules) -> Builder<'static> {
    let mut elements: HashSet<&str> = ELEMENTS.split_whitespace().collect();
    elements.extend(MATH.split_whitespace());
    if rules.is_old {
        elements.extend(["h7", "h8"]);
    } else {
        elements.extend(NEWER_ELEMENTS.split_whitespace());
    }
    let mut attributes: HashMap<&str, HashSet<&str>> = PER_ELEMENT
        .iter()
        .map(|(element, names)| (*element, names.split_whitespace().collect()))
        .collect();
    for element in MATH.split_whitespace() {
        attributes.insert(element, MATH_ATTRIBUTES.split_whitespace().collect());
    }
    if !rules.is_old
        && let Some(iframe) = attributes.get_mut("iframe")
    {
        iframe.insert("loading");
    }
    let mut builder = Builder::new();
    builder
        .tags(elements)
        .clean_content_tags(HashSet::new())
        .tag_attributes(attributes)
        .generic_attributes(
            ["style", "class", "id", "title", "role", "lang", "dir"]
                .into_iter()
                .collect(),
        )
        .generic_attribute_prefixes(["aria-", "data-"].into_iter().collect())
        .url_schemes(
            ["ftp", "http", "https", "mailto", "tel", "skype", "data"]
                .into_iter()
                .collect(),
        )
        .url_relative(ammonia::UrlRelative::PassThrough)
        .link_rel(None)
        .strip_comments(true)
        .attribute_filter(move |element, attribute, value| {
            filter(element, attribute, value, rules)
        });
    builder
}

static OLD: LazyLock<Builder<'static>> = LazyLock::new(|| {
    builder(Rules {
        is_old: true,
        drops_ids: false,
    })
});
static NEW: LazyLock<Builder<'static>> = LazyLock::new(|| {
    builder(Rules {
        is_old: false,
        drops_ids: false,
    })
});
static NEW_WITHOUT_IDS: LazyLock<Builder<'static>> = LazyLock::new(|| {
    builder(Rules {
        is_old: false,
        drops_ids: true,
    })
});

/// Cleans HTML. Control characters go, a no-break space stays a character.
pub(crate) fn clean(html: &str, rules: Rules) -> String {
    let is_plain = !html.contains(['<', '>', '&', '\u{a0}', '\r'])
        && !html.chars().any(|c| c < ' ' && c != '\n' && c != '\t');
    if is_plain {
        return html.to_owned();
    }
    let text: Cow<'_, str> = if html.chars().any(is_dropped) {
        Cow::Owned(
            html.chars()
                .map(|c| if c == '\0' { ' ' } else { c })
                .filter(|c| !is_dropped(*c))
                .collect(),
        )
    } else {
        Cow::Borrowed(html)
    };
    let builder = match rules {
        Rules { is_old: true, .. } => &OLD,
        Rules {
            drops_ids: true, ..
        } => &NEW_WITHOUT_IDS,
        Rules { .. } => &NEW,
    };
    builder.clean(&text).to_string().replace("&nbsp;", "\u{a0}")
}

/// Control characters below the blank, except line ends and tabs.
fn is_dropped(c: char) -> bool {
    (c < ' ' && !matches!(c, '\n' | '\t' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Rules = Rules {
        is_old: false,
        drops_ids: false,
    };
    const ENTRY: Rules = Rules {
        is_old: false,
        drops_ids: true,
    };
    const OLD: Rules = Rules {
        is_old: true,
        drops_ids: false,
    };

    #[test]
    fn markers_survive_and_ids_of_entries_do_not() {
        let html = "<p id=\"x\">t<span data-antiphon-ref=\"abc\" class=\"k\"></span></p>";
        assert_eq!(clean(html, NEW), html);
        assert_eq!(
            clean(html, ENTRY),
            "<p>t<span data-antiphon-ref=\"abc\" class=\"k\"></span></p>"
        );
        let media = "<a id=\"media_comment_m-1\" class=\"instructure_inline_media_comment\"></a>";
        assert_eq!(clean(media, ENTRY), media);
    }

    #[test]
    fn forbidden_things_go_and_their_words_stay() {
        assert_eq!(clean("<script>alert(1)</script><s>x</s>", NEW), "alert(1)x");
        assert_eq!(clean("a<!-- c -->b", NEW), "ab");
        assert_eq!(
            clean("<details open><summary>S</summary></details>", OLD),
            "S"
        );
        assert_eq!(
            clean("<details open><summary>S</summary></details>", NEW),
            "<details><summary>S</summary></details>"
        );
        assert_eq!(
            clean("<p data-method=\"delete\" data-xml-x=\"1\">t</p>", NEW),
            "<p>t</p>"
        );
        assert_eq!(
            clean("<p data-method=\"delete\" data-xml-x=\"1\">t</p>", OLD),
            "<p data-method=\"delete\">t</p>"
        );
    }

    #[test]
    fn url_schemes_depend_on_the_element() {
        assert_eq!(clean("<img src=\"data:image/png;base64,x\">", NEW), "<img>");
        assert_eq!(
            clean("<a href=\"tel:1\">t</a>", NEW),
            "<a href=\"tel:1\">t</a>"
        );
        assert_eq!(clean("<a href=\"tel:1\">t</a>", OLD), "<a>t</a>");
        assert_eq!(clean("<a href=\"java\nscript:x\">t</a>", NEW), "<a>t</a>");
        assert_eq!(
            clean("<iframe src=\"//y.org/x\"></iframe>", NEW),
            "<iframe src=\"//y.org/x\"></iframe>"
        );
    }

    #[test]
    fn entities_become_characters() {
        assert_eq!(
            clean("a&nbsp;b &copy; & <3", NEW),
            "a\u{a0}b \u{a9} &amp; &lt;3"
        );
    }
}
