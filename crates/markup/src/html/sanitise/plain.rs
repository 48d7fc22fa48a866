//! HTML of our writer in which a cleaner can find nothing to take away: most of what people write.
//!
//! Only tags and attributes of a short list pass; anything else goes to the cleaner.
//! This is about speed alone: a property test holds that cleaning such HTML changes no byte.

/// Whether every tag is one of those that need no cleaning.
pub(super) fn is_plain(html: &str) -> bool {
    let mut rest = html;
    while let Some((_, tail)) = rest.split_once('<') {
        // Our writer escapes `>` in attributes, so the first one ends the tag.
        let Some((tag, after)) = tail.split_once('>') else {
            return false;
        };
        if !is_plain_tag(tag) {
            return false;
        }
        rest = after;
    }
    true
}

fn is_plain_tag(tag: &str) -> bool {
    if let Some(name) = tag.strip_prefix('/') {
        return is_plain_name(name);
    }
    let (name, mut rest) = tag.split_at(tag.find(' ').unwrap_or(tag.len()));
    if !is_plain_name(name) {
        return false;
    }
    while !rest.is_empty() {
        let Some(attribute) = rest
            .strip_prefix(' ')
            .and_then(|rest| rest.split_once("=\""))
        else {
            return false;
        };
        let Some((value, after)) = attribute.1.split_once('"') else {
            return false;
        };
        if !is_plain_attribute(name, attribute.0, value) {
            return false;
        }
        rest = after;
    }
    true
}

/// Attributes that the cleaner keeps whatever they say, and addresses of the plainest kind.
fn is_plain_attribute(element: &str, name: &str, value: &str) -> bool {
    match (element, name) {
        ("a", "href") => is_plain_address(value),
        ("img", "src") => value.starts_with("/equation_images/") || is_plain_address(value),
        ("img", "alt" | "width" | "height") | ("ol", "start") | (_, "class" | "title") => true,
        (_, name) => {
            name.starts_with("data-dsc-")
                || matches!(
                    name,
                    "data-equation-content" | "data-mention" | "data-reactroot"
                )
        }
    }
}

fn is_plain_name(name: &str) -> bool {
    matches!(
        name,
        "a" | "blockquote"
            | "br"
            | "code"
            | "del"
            | "div"
            | "em"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "hr"
            | "img"
            | "kbd"
            | "li"
            | "ol"
            | "p"
            | "pre"
            | "span"
            | "strong"
            | "sub"
            | "sup"
            | "table"
            | "tbody"
            | "td"
            | "th"
            | "thead"
            | "tr"
            | "ul"
    )
}

/// An address of the web in plain characters; `&` only as the writer escapes it.
fn is_plain_address(address: &str) -> bool {
    let web = address.starts_with("https://") || address.starts_with("http://");
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'&');
    web && address
        .split('&')
        .enumerate()
        .all(|(index, part)| (index == 0 || part.starts_with("amp;")) && part.bytes().all(plain))
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn knows_what_needs_no_cleaning() {
        for (html, plain) in [
            ("<p>a <strong>b</strong> &lt;i&gt;</p>", true),
            ("<p><a href=\"https://e.org/?a=1&amp;b=2\">x</a></p>", true),
            ("<p><a href=\"javascript:x\">x</a></p>", false),
            (
                "<p><a href=\"https://e.org\" onclick=\"x\">x</a></p>",
                false,
            ),
            ("<p><a href=\"https://e.org/&quot;\">x</a></p>", false),
            ("<p style=\"color: red;\">x</p>", false),
            ("<pre><code class=\"language-c++\">x</code></pre>", true),
            (
                "<p><img class=\"equation_image\" title=\"a&lt;b\" src=\"/equation_images/a?scale=1\"></p>",
                true,
            ),
            ("<p><img src=\"data:image/png;base64,x\"></p>", false),
            ("<p data-method=\"delete\">x</p>", false),
            ("<script>x</script>", false),
            ("<p", false),
        ] {
            assert_eq!(is_plain(html), plain, "{html}");
        }
    }
}
