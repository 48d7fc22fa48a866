//! A walker over the start tags of *serialised* HTML (as the sanitiser writes it).
//! It rewrites tags one by one and copies everything else; it does not parse broken HTML.

/// One start tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    is_changed: bool,
}

/// What becomes of a tag.
pub(crate) enum Fate {
    Keep,
    /// Put this text in place of the element: start tag, content and end tag.
    ReplaceElement(String),
    /// Keep the (possibly changed) tag and drop the content up to its end tag.
    DropContent,
}

impl Tag {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    pub(crate) fn set(&mut self, name: &str, value: String) {
        self.is_changed = true;
        if let Some(slot) = self.attributes.iter_mut().find(|(n, _)| n == name) {
            slot.1 = value;
        } else {
            self.attributes.push((name.to_owned(), value));
        }
    }

    pub(crate) fn has_class(&self, class: &str) -> bool {
        self.get("class")
            .is_some_and(|c| c.split_whitespace().any(|word| word == class))
    }

    pub(crate) fn write(&self) -> String {
        let mut out = format!("<{}", self.name);
        for (name, value) in &self.attributes {
            out.push(' ');
            out.push_str(name);
            out.push_str("=\"");
            out.push_str(&escape(value));
            out.push('"');
        }
        out.push('>');
        out
    }
}

/// Escapes text for a double-quoted attribute.
pub(crate) fn escape(value: &str) -> String {
    value
        .replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('\u{a0}', "&nbsp;")
}

fn unescape(value: &str) -> String {
    if !value.contains('&') {
        return value.to_owned();
    }
    value
        .replace("&quot;", "\"")
        .replace("&nbsp;", "\u{a0}")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// Reads one start tag whose `<` is already taken; gives the rest after `>`.
fn read(rest: &str) -> Option<(Tag, &str)> {
    let end_of_name = rest.find(|c: char| c.is_whitespace() || c == '>' || c == '/')?;
    let (name, mut rest) = rest.split_at_checked(end_of_name)?;
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            return Some((
                Tag {
                    name: name.to_owned(),
                    attributes,
                    is_changed: false,
                },
                after,
            ));
        }
        let end = rest.find(|c: char| c.is_whitespace() || c == '>' || c == '=')?;
        let (attribute, after) = rest.split_at_checked(end)?;
        if let Some(quoted) = after.strip_prefix("=\"") {
            let (value, after) = quoted.split_once('"')?;
            attributes.push((attribute.to_owned(), unescape(value)));
            rest = after;
        } else if let Some(quoted) = after.strip_prefix("='") {
            let (value, after) = quoted.split_once('\'')?;
            attributes.push((attribute.to_owned(), unescape(value)));
            rest = after;
        } else if let Some(bare) = after.strip_prefix('=') {
            let end = bare.find(|c: char| c.is_whitespace() || c == '>')?;
            let (value, after) = bare.split_at_checked(end)?;
            attributes.push((attribute.to_owned(), unescape(value)));
            rest = after;
        } else if attribute.is_empty() {
            return None;
        } else {
            attributes.push((attribute.to_owned(), String::new()));
            rest = after;
        }
    }
}

/// Elements that have neither content nor an end tag.
const EMPTY: &[&str] = &[
    "area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
];

/// Calls `decide` for every start tag; it may change the tag. `element` is the source text from
/// the tag to its end tag, for elements that are replaced whole.
pub(crate) fn rewrite(html: &str, mut decide: impl FnMut(&mut Tag, &str) -> Fate) -> String {
    let mut out = String::with_capacity(html.len().saturating_add(64));
    let mut rest = html;
    while let Some((text, after)) = rest.split_once('<') {
        out.push_str(text);
        let Some((mut tag, behind)) = read(after) else {
            out.push('<');
            rest = after;
            continue;
        };
        let source_length = after.len().saturating_sub(behind.len());
        let source = after.get(..source_length).unwrap_or_default();
        let close = format!("</{}>", tag.name);
        let is_empty = EMPTY.contains(&tag.name.as_str());
        let (content, tail) = if is_empty {
            ("", behind)
        } else {
            behind.split_once(&close).unwrap_or((behind, ""))
        };
        let whole_length = source_length.saturating_add(content.len()).saturating_add(
            if is_empty || behind.len() == content.len() {
                0
            } else {
                close.len()
            },
        );
        let whole = after.get(..whole_length).unwrap_or_default();
        match decide(&mut tag, whole) {
            Fate::Keep => {
                if tag.is_changed {
                    out.push_str(&tag.write());
                } else {
                    out.push('<');
                    out.push_str(source);
                }
                rest = behind;
            }
            Fate::ReplaceElement(text) => {
                out.push_str(&text);
                rest = tail;
            }
            Fate::DropContent => {
                out.push_str(&tag.write());
                out.push_str(&close);
                rest = tail;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unchanged_html_is_copied() {
        let html = "a < b <p class=\"x\">c<br>d</p> <img alt=\"&quot;q&quot;\"> e";
        assert_eq!(rewrite(html, |_, _| Fate::Keep), html);
    }

    #[test]
    fn attributes_change_and_content_goes() {
        let html = "<p><a href=\"/x?a=1&amp;b=2\" id=\"k\">text</a>!</p>";
        let out = rewrite(html, |tag, _| {
            if tag.name == "a" {
                assert_eq!(tag.get("href"), Some("/x?a=1&b=2"));
                tag.set("href", "/y?a=1&b=\"".to_owned());
                return Fate::DropContent;
            }
            Fate::Keep
        });
        assert_eq!(out, "<p><a href=\"/y?a=1&amp;b=&quot;\" id=\"k\"></a>!</p>");
    }

    #[test]
    fn broken_tags_do_not_panic() {
        for html in [
            "<",
            "<a",
            "<a href",
            "<a href=\"",
            "<é>",
            "<a b='",
            "<//>",
            "<a =>",
        ] {
            assert!(!rewrite(html, |_, _| Fate::Keep).is_empty());
        }
    }
}
