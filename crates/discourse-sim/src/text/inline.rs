//! Marks inside rendered text: mentions, hashtags, emoji codes, uploads.
//!
//! Works on sanitised HTML, text nodes outside of code and links only.

use super::emoji;
use super::escape;

/// What rendering asks the forum.
pub trait Lookup {
    /// Whether a name is a user's or a group's; gives the path of its page.
    fn mention(&self, name: &str) -> Option<String>;
    /// The path of a user's small picture.
    fn avatar(&self, name: &str) -> Option<String>;
    /// The path of a category or tag page.
    fn hashtag(&self, name: &str) -> Option<String>;
    /// The stored path of an `upload://` name.
    fn upload(&self, short_url: &str) -> Option<String>;
}

/// A forum where nothing is known.
#[cfg(test)]
pub struct Nobody;

#[cfg(test)]
impl Lookup for Nobody {
    fn mention(&self, _: &str) -> Option<String> {
        None
    }
    fn avatar(&self, _: &str) -> Option<String> {
        None
    }
    fn hashtag(&self, _: &str) -> Option<String> {
        None
    }
    fn upload(&self, _: &str) -> Option<String> {
        None
    }
}

/// Adds the marks to sanitised HTML.
pub fn decorate(html: &str, lookup: &dyn Lookup) -> String {
    let mut out = String::with_capacity(html.len() + 64);
    let mut rest = html;
    let mut quiet = 0_usize;
    while let Some((text, after)) = rest.split_once('<') {
        push_text(&mut out, text, quiet, lookup);
        let Some((tag, tail)) = after.split_once('>') else {
            out.push('<');
            rest = after;
            continue;
        };
        let name = tag
            .trim_start_matches('/')
            .split([' ', '/'])
            .next()
            .unwrap_or("");
        if matches!(name, "code" | "pre" | "a") {
            quiet = if tag.starts_with('/') {
                quiet.saturating_sub(1)
            } else {
                quiet + 1
            };
        }
        rest = tail;
        match name {
            "img" => out.push_str(&image(tag, lookup)),
            "a" if tag.contains("href=\"upload://") => {
                let (label, after) = rest.split_once("</a>").unwrap_or((rest, ""));
                out.push_str(&attachment(tag, label));
                quiet = quiet.saturating_sub(1);
                rest = after;
            }
            _ => {
                out.push('<');
                out.push_str(tag);
                out.push('>');
            }
        }
    }
    push_text(&mut out, rest, quiet, lookup);
    out
}

fn push_text(out: &mut String, text: &str, quiet: usize, lookup: &dyn Lookup) {
    let plain = quiet > 0 || (text.is_ascii() && !text.contains(['@', '#', ':']));
    if plain {
        out.push_str(text);
        return;
    }
    let text = emoji::to_codes(text);
    let mut before = ' ';
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or("");
        let found = match c {
            '@' if !is_word(before) => mention(after, lookup),
            '#' if !is_word(before) => hashtag(after, lookup),
            ':' => emoji_code(after),
            _ => None,
        };
        if let Some((html, used)) = found {
            out.push_str(&html);
            rest = after.get(used..).unwrap_or("");
            before = 'x';
        } else {
            out.push(c);
            before = c;
            rest = after;
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '@' | '/' | '&')
}

fn name_length(text: &str) -> usize {
    let raw = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')))
        .unwrap_or(text.len());
    text.get(..raw)
        .map_or(0, |name| name.trim_end_matches(['.', '-']).len())
}

fn mention(after: &str, lookup: &dyn Lookup) -> Option<(String, usize)> {
    let used = name_length(after);
    let name = after.get(..used).filter(|name| !name.is_empty())?;
    let html = match lookup.mention(name) {
        Some(path) => format!("<a class=\"mention\" href=\"{path}\">@{name}</a>"),
        None => format!("<span class=\"mention\">@{name}</span>"),
    };
    Some((html, used))
}

fn hashtag(after: &str, lookup: &dyn Lookup) -> Option<(String, usize)> {
    let used = name_length(after);
    let name = after
        .get(..used)
        .filter(|name| name.chars().any(char::is_alphabetic))?;
    let html = match lookup.hashtag(name) {
        Some(path) => format!("<a class=\"hashtag\" href=\"{path}\">#{name}</a>"),
        None => format!("<span class=\"hashtag-raw\">#{name}</span>"),
    };
    Some((html, used))
}

fn emoji_code(after: &str) -> Option<(String, usize)> {
    let (code, _) = after.split_once(':')?;
    emoji::is_code(code).then(|| (emoji::image(code), code.len() + 1))
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

/// `![alt|690x400, 50%](upload://…)` (contract section 17).
fn image(tag: &str, lookup: &dyn Lookup) -> String {
    let source = attribute(tag, "src").unwrap_or("");
    let label = attribute(tag, "alt").unwrap_or("");
    let (alt, size) = label.split_once('|').unwrap_or((label, ""));
    let mut html = match source.strip_prefix("upload://") {
        Some(name) => {
            let base62 = name.split('.').next().unwrap_or("");
            match lookup.upload(source) {
                Some(path) => {
                    format!("<img src=\"{path}\" alt=\"{alt}\" data-base62-sha1=\"{base62}\"")
                }
                None => format!(
                    "<img src=\"/images/transparent.png\" alt=\"{alt}\" data-orig-src=\"{source}\""
                ),
            }
        }
        None => format!("<img src=\"{source}\" alt=\"{alt}\""),
    };
    for name in ["title", "width", "height"] {
        if let Some(value) = attribute(tag, name) {
            html.extend([" ", name, "=\"", value, "\""]);
        }
    }
    if let Some((width, height)) = dimensions(size) {
        let pair = format!(" width=\"{width}\" height=\"{height}\"");
        html.push_str(&pair);
    }
    html.push('>');
    html
}

fn dimensions(size: &str) -> Option<(u32, u32)> {
    let (pixels, scale) = size.split_once(',').unwrap_or((size, "100%"));
    let (width, height) = pixels.trim().split_once('x')?;
    let percent: u32 = scale.trim().trim_end_matches('%').parse().ok()?;
    let scaled = |text: &str| -> Option<u32> {
        text.parse::<u32>()
            .ok()?
            .checked_mul(percent)
            .map(|value| value / 100)
    };
    Some((scaled(width)?, scaled(height)?))
}

/// `[a.pdf|attachment](upload://….pdf)`.
fn attachment(tag: &str, label: &str) -> String {
    let href = attribute(tag, "href").unwrap_or("");
    let path = href.replacen("upload://", "/uploads/short-url/", 1);
    let (text, is_file) = match label.split_once("|attachment") {
        Some((text, _)) => (text, true),
        None => (label, false),
    };
    let class = if is_file { "class=\"attachment\" " } else { "" };
    format!("<a {class}href=\"{}\">{text}</a>", escape(&path))
}

#[cfg(test)]
mod tests {
    use super::{Lookup, decorate};

    struct Forum;

    impl Lookup for Forum {
        fn mention(&self, name: &str) -> Option<String> {
            (name == "alice").then(|| "/u/alice".to_owned())
        }
        fn avatar(&self, _: &str) -> Option<String> {
            None
        }
        fn hashtag(&self, name: &str) -> Option<String> {
            (name == "bio").then(|| "/c/bio/2".to_owned())
        }
        fn upload(&self, url: &str) -> Option<String> {
            (url == "upload://abc.png").then(|| "/uploads/x.png".to_owned())
        }
    }

    #[test]
    fn mentions_and_hashtags_are_linked_outside_of_code() {
        assert_eq!(
            decorate(
                "<p>@alice, @bob. a@b.c #bio <code>@alice</code></p>",
                &Forum
            ),
            "<p><a class=\"mention\" href=\"/u/alice\">@alice</a>, <span class=\"mention\">@bob\
             </span>. a@b.c <a class=\"hashtag\" href=\"/c/bio/2\">#bio</a> <code>@alice</code></p>"
        );
        assert!(decorate("<p>:smile: :nope: 10:30</p>", &Forum).contains("class=\"emoji\""));
        assert_eq!(
            decorate("<p>a &#39;b&amp;c</p>", &Forum),
            "<p>a &#39;b&amp;c</p>"
        );
    }

    #[test]
    fn uploads_are_resolved() {
        assert_eq!(
            decorate(
                "<img src=\"upload://abc.png\" alt=\"half|40x30, 50%\">",
                &Forum
            ),
            "<img src=\"/uploads/x.png\" alt=\"half\" data-base62-sha1=\"abc\" width=\"20\" height=\"15\">"
        );
        assert!(decorate("<img src=\"upload://no.png\" alt=\"\">", &Forum).contains("transparent"));
        assert_eq!(
            decorate(
                "<a href=\"upload://f.txt\">n.txt|attachment</a> (17 Bytes)",
                &Forum
            ),
            "<a class=\"attachment\" href=\"/uploads/short-url/f.txt\">n.txt</a> (17 Bytes)"
        );
        assert_eq!(decorate("a < b", &Forum), "a < b");
    }
}
