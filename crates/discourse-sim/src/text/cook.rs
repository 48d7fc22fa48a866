//! Rendering of bodies: CommonMark with hard breaks, quotes, details, mentions, emoji, uploads.
//!
//! Cooked text is display only; clients sync from raw. Sanitised before our own marks are added.

use std::collections::HashSet;
use std::sync::LazyLock;

use ammonia::Builder;
use comrak::{Options, markdown_to_html};

use super::inline::{self, Lookup};
use super::{escape, excerpt};

static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .add_url_schemes(["upload"])
        .add_tags(["aside", "big", "kbd", "input", "section"])
        .add_generic_attribute_prefixes(["data-"])
        .add_tag_attributes("img", ["title"])
        .add_tag_attributes("code", ["class"])
        .add_tag_attributes("pre", ["class"])
        .add_tag_attributes("details", ["open"])
        .link_rel(None)
        .clean_content_tags(HashSet::from(["script", "style"]));
    builder
});

/// Renders a body. Never fails: what is no markup stays text.
pub fn cook(raw: &str, lookup: &dyn Lookup) -> String {
    let raw = raw.strip_prefix('\u{feff}').unwrap_or(raw);
    let html = blocks(raw, lookup, 0);
    html.trim_end().to_owned()
}

const MAX_DEPTH: usize = 8;

/// Splits off quotes, details and spoilers that stand on their own lines.
fn blocks(raw: &str, lookup: &dyn Lookup, depth: usize) -> String {
    let mut html = String::new();
    let mut plain = String::new();
    let lines: Vec<&str> = raw.lines().collect();
    let mut at = 0;
    let mut fenced = false;
    while let Some(line) = lines.get(at) {
        let trimmed = line.trim();
        if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            fenced = !fenced;
        }
        let opened = if fenced || depth >= MAX_DEPTH {
            None
        } else {
            opening(trimmed)
        };
        let end = opened
            .as_ref()
            .and_then(|(name, _)| closing(&lines, at, name));
        if let (Some((name, argument)), Some(end)) = (opened, end) {
            html.push_str(&markdown(&plain, lookup));
            plain.clear();
            let inner = lines.get(at + 1..end).unwrap_or(&[]).join("\n");
            let body = blocks(&inner, lookup, depth + 1);
            html.push_str(&wrap(name, &argument, &body, lookup));
            at = end + 1;
        } else {
            plain.push_str(line);
            plain.push('\n');
            at += 1;
        }
    }
    html.push_str(&markdown(&plain, lookup));
    html
}

/// `[quote="alice, post:3"]` as name and argument.
fn opening(line: &str) -> Option<(&'static str, String)> {
    let inner = line.strip_prefix('[')?.strip_suffix(']')?;
    let (name, argument) = inner.split_once('=').unwrap_or((inner, ""));
    let name = ["quote", "details", "spoiler"]
        .into_iter()
        .find(|known| *known == name)?;
    Some((
        name,
        argument
            .trim_matches(['"', '\u{201c}', '\u{201d}'])
            .to_owned(),
    ))
}

/// The line that closes the block opened at `start`, nesting counted.
fn closing(lines: &[&str], start: usize, name: &str) -> Option<usize> {
    let close = format!("[/{name}]");
    let mut depth = 0_usize;
    for (at, line) in lines.iter().enumerate().skip(start) {
        let line = line.trim();
        if opening(line).is_some_and(|(other, _)| other == name) {
            depth += 1;
        } else if line == close {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

fn wrap(name: &str, argument: &str, body: &str, lookup: &dyn Lookup) -> String {
    match name {
        "quote" => quote(argument, body, lookup),
        "details" => format!(
            "<details>\n<summary>\n{}</summary>\n{body}</details>\n",
            escape(if argument.is_empty() {
                "Summary"
            } else {
                argument
            })
        ),
        _ => format!("<div class=\"spoiler\">\n{body}</div>\n"),
    }
}

fn quote(argument: &str, body: &str, lookup: &dyn Lookup) -> String {
    let mut parts = argument.split(',').map(str::trim);
    let who = parts.next().unwrap_or("").to_owned();
    let mut data = String::new();
    for part in parts {
        if let Some((key, value)) = part.split_once(':')
            && matches!(key, "post" | "topic" | "full" | "username")
        {
            let value = escape(value);
            data.extend([" data-", key, "=\"", value.as_str(), "\""]);
        }
    }
    if who.is_empty() {
        return format!(
            "<aside class=\"quote no-group\">\n<blockquote>\n{body}</blockquote>\n</aside>\n"
        );
    }
    let avatar = lookup.avatar(&who).map_or_else(String::new, |path| {
        format!(
            "<img loading=\"lazy\" alt=\"\" width=\"20\" height=\"20\" src=\"{}\" \
             class=\"avatar\"> ",
            escape(&path)
        )
    });
    let who = escape(&who);
    format!(
        "<aside class=\"quote no-group\" data-username=\"{who}\"{data}>\n<div class=\"title\">\n\
         <div class=\"quote-controls\"></div>\n{avatar}{who}:</div>\n<blockquote>\n{body}\
         </blockquote>\n</aside>\n"
    )
}

fn markdown(text: &str, lookup: &dyn Lookup) -> String {
    if text.trim().is_empty() {
        return String::new();
    }
    let mut options = Options::default();
    options.extension.strikethrough = true;
    options.extension.table = true;
    options.extension.autolink = true;
    options.render.r#unsafe = true;
    options.render.hardbreaks = true;
    let html = markdown_to_html(text, &options);
    let clean = SANITISER.clean(&html).to_string();
    inline::decorate(&clean, lookup)
}

/// The first words of a rendered text.
pub fn summary(cooked: &str) -> String {
    excerpt(cooked, 220)
}

#[cfg(test)]
mod tests {
    use super::cook;
    use crate::text::inline::Nobody;

    fn cooked(raw: &str) -> String {
        cook(raw, &Nobody)
    }

    #[test]
    fn markup_is_rendered_and_breaks_are_hard() {
        assert_eq!(
            cooked("What is the **role**?\n\n- a\n- b\n\n`code`"),
            "<p>What is the <strong>role</strong>?</p>\n<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n\
             <p><code>code</code></p>"
        );
        assert_eq!(cooked("a\nb"), "<p>a<br>\nb</p>");
        assert_eq!(cooked(""), "");
    }

    #[test]
    fn quotes_become_asides_and_nest() {
        let html = cooked("[quote=\"bob, post:3, topic:27\"]\nquoted\n[/quote]\n\nanswer");
        assert!(
            html.contains("data-username=\"bob\" data-post=\"3\" data-topic=\"27\""),
            "{html}"
        );
        assert!(
            html.contains("<blockquote>\n<p>quoted</p>\n</blockquote>"),
            "{html}"
        );
        assert!(html.ends_with("<p>answer</p>"), "{html}");
        let nested = cooked("[quote]\n[quote]\nx\n[/quote]\n[/quote]");
        assert_eq!(nested.matches("<aside").count(), 2);
        assert!(cooked("```\n[quote]\nx\n[/quote]\n```").contains("[quote]"));
        assert!(cooked("[quote]\nnever closed").contains("[quote]"));
    }

    #[test]
    fn scripts_and_handlers_are_removed() {
        let html = cooked(
            "<div onclick=\"x()\" style=\"color:red\"><b>bold</b> <script>alert(1)</script></div>",
        );
        assert!(!html.contains("script") && !html.contains("onclick") && !html.contains("style"));
        assert!(html.contains("<b>bold</b>"));
    }
}
