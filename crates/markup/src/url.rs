//! Addresses: which are allowed, and one spelling for each.
//!
//! The tree holds normal addresses only: ASCII, no blanks, quotes or brackets, Canvas's own as a
//! path, without the parameters that Canvas adds for one reader (contract markup §2).

use crate::context::Context;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What may not stand in a normal address; `%` stays, so encoding twice changes nothing.
const UNSAFE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Longest address we carry, in bytes.
const MAX_BYTES: usize = 8_000;

/// What an address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// The target of a link.
    Link,
    /// The source of an image or frame.
    Embed,
}

/// The normal form of an address found in either dialect; `None` if it is not allowed.
pub(crate) fn normal(address: &str, purpose: Use, ctx: &Context) -> Option<String> {
    let clean: String = address.chars().filter(|c| !is_ignored(*c)).collect();
    let clean = clean.trim();
    if clean.is_empty() || clean.len() > MAX_BYTES || !is_allowed(clean, purpose) {
        return None;
    }
    let encoded = utf8_percent_encode(clean, UNSAFE).to_string();
    // What no browser could open would be taken away when the HTML is cleaned.
    if scheme(&encoded).is_some_and(|scheme| scheme != "upload")
        && ammonia::Url::parse(&encoded).is_err()
    {
        return None;
    }
    let local = strip_own_host(&encoded, &ctx.hosts.canvas);
    let address = drop_noise(&local);
    let shared = canvas_file(&address)
        .filter(|_| address.starts_with('/') && !address.starts_with("//"))
        .and_then(|id| ctx.files.get(id))
        .filter(|file| is_upload(&file.upload));
    match shared {
        Some(file) => Some(file.upload.clone()),
        None => Some(mirrored(address, ctx)),
    }
}

/// Browsers drop these inside addresses, so a scheme could hide behind them.
fn is_ignored(c: char) -> bool {
    let ranges = [
        '\u{200b}'..='\u{200f}',
        '\u{2028}'..='\u{202e}',
        '\u{2060}'..='\u{2064}',
    ];
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{feff}')
        || ranges.iter().any(|range| range.contains(&c))
}

fn is_allowed(address: &str, purpose: Use) -> bool {
    let Some(scheme) = scheme(address) else {
        return true;
    };
    match purpose {
        Use::Link => {
            matches!(
                &*scheme,
                "http" | "https" | "mailto" | "ftp" | "tel" | "skype" | "upload"
            )
        }
        Use::Embed => matches!(&*scheme, "http" | "https" | "upload"),
    }
}

/// The scheme in lower case; `None` for a relative address.
pub(crate) fn scheme(address: &str) -> Option<String> {
    let colon = address.find(':')?;
    let head = address.get(..colon)?;
    // A colon after one of these belongs to the path: the address is relative.
    if head.contains(['/', '?', '#']) {
        return None;
    }
    Some(head.trim().to_ascii_lowercase())
}

fn strip_own_host(address: &str, host: &str) -> String {
    let host = host.trim_end_matches('/');
    if host.is_empty() {
        return address.to_owned();
    }
    match address.get(..host.len()) {
        Some(head) if head.eq_ignore_ascii_case(host) => {
            let path = address.get(host.len()..).unwrap_or_default();
            if path.starts_with('/') && !path.starts_with("//") {
                path.to_owned()
            } else {
                address.to_owned()
            }
        }
        _ => address.to_owned(),
    }
}

/// Whether a query parameter is one that Canvas adds for a reader (contract canvas §11.2).
fn is_noise(parameter: &str) -> bool {
    let name = parameter.split('=').next().unwrap_or_default();
    matches!(
        name,
        "verifier" | "wrap" | "download_frd" | "no_preview" | "hidden" | "location"
    )
}

/// Removes Canvas's own parameters from links to its files.
fn drop_noise(address: &str) -> String {
    let (whole, fragment) = match address.split_once('#') {
        Some((whole, fragment)) => (whole, Some(fragment)),
        None => (address, None),
    };
    let Some((path, query)) = whole.split_once('?') else {
        return address.to_owned();
    };
    if canvas_file(address).is_none() && !path.contains("/equation_images/") {
        return address.to_owned();
    }
    let kept: Vec<&str> = query
        .split('&')
        .filter(|one| !one.is_empty() && !is_noise(one))
        .collect();
    let mut result = path.to_owned();
    if !kept.is_empty() {
        result.push('?');
        result.push_str(&kept.join("&"));
    }
    if let Some(fragment) = fragment {
        result.push('#');
        result.push_str(fragment);
    }
    result
}

/// The numeric id of the Canvas file that an address points at.
pub(crate) fn canvas_file(address: &str) -> Option<&str> {
    let path = address.split(['?', '#']).next()?;
    let (_, tail) = path.rsplit_once("/files/")?;
    let mut parts = tail.split('/');
    let id = parts.next()?;
    let known_end = matches!(parts.next(), None | Some("" | "download" | "preview"));
    (known_end && !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())).then_some(id)
}

/// The page of the video that a frame of YouTube or Vimeo plays.
pub(crate) fn video_page(address: &str) -> Option<String> {
    let (_, rest) = address.split_once("://")?;
    let (host, path) = rest.split_once('/')?;
    let id = |start: &str| {
        let id = path.strip_prefix(start)?.split(['?', '#', '/']).next()?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (!id.is_empty() && id.bytes().all(plain)).then_some(id)
    };
    match host {
        "www.youtube.com" | "youtube.com" | "www.youtube-nocookie.com" => id("embed/")
            .filter(|id| *id != "videoseries")
            .map(|id| format!("https://www.youtube.com/watch?v={id}")),
        "player.vimeo.com" => id("video/").map(|id| format!("https://vimeo.com/{id}")),
        _ => None,
    }
}

/// A reference to an upload.
pub(crate) fn is_upload(address: &str) -> bool {
    address.strip_prefix("upload://").is_some_and(|rest| {
        !rest.is_empty()
            && rest.len() <= 200
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    })
}

/// An item that exists on both sides has one address: the one in Discourse.
fn mirrored(address: String, ctx: &Context) -> String {
    if ctx.posts.is_empty() {
        return address;
    }
    let host = ctx.hosts.discourse.trim_end_matches('/');
    let path = strip_own_host(&address, host);
    let canvas = forum_page(&path)
        .and_then(|page| ctx.posts.in_canvas(&page))
        .or_else(|| ctx.posts.in_canvas(&path))
        .map(str::to_owned)
        .or_else(|| course_page(&address));
    let page = canvas.and_then(|canvas| ctx.posts.in_discourse(&canvas));
    page.map_or(address, |page| format!("{host}{page}"))
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.len() <= 20 && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// The shortest path of the page of a topic or post in Discourse: `/t/slug/7/1` is `/t/7`, `/t/slug/7/3` is `/t/7/3`.
pub(crate) fn forum_page(path: &str) -> Option<String> {
    let (path, query) = match path.split_once('?') {
        // Discourse's own links to share say who shared.
        Some((path, query)) if query.starts_with("u=") && !query.contains('&') => (path, query),
        Some(_) => return None,
        None => (path, ""),
    };
    if query.contains('#') {
        return None;
    }
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    match parts.as_slice() {
        ["", "p", post] | ["", "p", post, _] if is_number(post) => Some(format!("/p/{post}")),
        // A slug is never a number alone.
        ["", "t", id, post] | ["", "t", _, id, post] if is_number(id) && is_number(post) => {
            Some(post_page(id, post))
        }
        ["", "t", id] | ["", "t", _, id] if is_number(id) => Some(format!("/t/{id}")),
        _ => None,
    }
}

/// The path of a post's page by its number in a topic; the first one is the topic itself.
pub(crate) fn post_page(topic: &str, number: &str) -> String {
    match number {
        "1" => format!("/t/{topic}"),
        number => format!("/t/{topic}/{number}"),
    }
}

/// The one path of the page of a discussion or entry in Canvas, from any that leads to it: `#entry-3` and
/// `&entry_id=3` are `?entry_id=3`.
fn course_page(address: &str) -> Option<String> {
    let (whole, fragment) = address.split_once('#').unwrap_or((address, ""));
    let (path, query) = whole.split_once('?').unwrap_or((whole, ""));
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let is_topic = matches!(
        parts.as_slice(),
        ["", "courses" | "groups", context, "discussion_topics", topic]
            if is_number(context) && is_number(topic)
    );
    if !is_topic {
        return None;
    }
    let mut entry = fragment.strip_prefix("entry-").filter(|id| is_number(id));
    if entry.is_none() && !fragment.is_empty() {
        return None;
    }
    for parameter in query.split('&').filter(|one| !one.is_empty()) {
        match parameter.split_once('=')? {
            ("entry_id", id) if is_number(id) => entry = Some(id),
            // How the page is opened, not what it shows.
            ("module_item_id" | "persist" | "root_entry_id", _) => {}
            _ => return None,
        }
    }
    let path = parts.join("/");
    Some(entry.map_or(path.clone(), |entry| format!("{path}?entry_id={entry}")))
}

/// A single post or entry that a text links to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Linked {
    /// A post in Discourse by its id.
    Post(String),
    /// A post in Discourse by its topic's id and its number there.
    Numbered {
        /// The topic's id.
        topic: String,
        /// The number, above 1.
        number: String,
    },
    /// An entry in Canvas.
    Entry {
        /// The course's id.
        course: String,
        /// The discussion's id.
        topic: String,
        /// The entry's id.
        entry: String,
    },
}

/// Most links to single posts that are looked for in one text.
const MAX_LINKED: usize = 100;

/// The posts and entries that a text of either dialect may link to; found by their addresses alone.
pub(crate) fn linked(text: &str) -> Vec<Linked> {
    let mut found = Vec::new();
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ')' | ']' | '(');
    for start in ["/t/", "/p/", "/courses/"] {
        for (at, _) in text.match_indices(start) {
            let rest = text.get(at..).unwrap_or_default();
            let end = rest.char_indices().take(500).find(|(_, c)| ends(*c));
            let address = rest.get(..end.map_or(rest.len().min(500), |(end, _)| end));
            let address = address.unwrap_or_default().replace("&amp;", "&");
            found.extend(single(&address));
            if found.len() >= MAX_LINKED {
                return found;
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// What a path leads to, if that is a single post or entry.
fn single(address: &str) -> Option<Linked> {
    let address = address.trim_end_matches(['.', ',', ';', ':', '!']);
    if let Some(page) = forum_page(address.split('#').next().unwrap_or_default()) {
        let parts: Vec<&str> = page.split('/').collect();
        return match parts.as_slice() {
            ["", "p", post] => Some(Linked::Post((*post).to_owned())),
            ["", "t", topic, number] => Some(Linked::Numbered {
                topic: (*topic).to_owned(),
                number: (*number).to_owned(),
            }),
            _ => None,
        };
    }
    let page = course_page(address)?;
    let (path, entry) = page.split_once("?entry_id=")?;
    let mut parts = path.split('/').skip(1);
    (parts.next() == Some("courses")).then_some(())?;
    Some(Linked::Entry {
        course: parts.next()?.to_owned(),
        topic: parts.nth(1)?.to_owned(),
        entry: entry.to_owned(),
    })
}

/// Writes an address for Canvas: an item that exists there too is linked there.
pub(crate) fn for_canvas<'a>(address: &'a str, ctx: &'a Context) -> &'a str {
    let host = ctx.hosts.discourse.trim_end_matches('/');
    let path = address.strip_prefix(host).unwrap_or(address);
    ctx.posts.in_canvas(path).unwrap_or(address)
}

/// Writes an address for Discourse: Canvas's own get their host.
pub(crate) fn for_discourse(address: &str, ctx: &Context) -> String {
    let host = ctx.hosts.canvas.trim_end_matches('/');
    if !host.is_empty() && address.starts_with('/') && !address.starts_with("//") {
        format!("{host}{address}")
    } else {
        address.to_owned()
    }
}

/// The length in bytes of the bare `http(s)` address that `text` begins with, if any.
pub(crate) fn bare_length(text: &str) -> Option<usize> {
    let scheme = ["https://", "http://"].into_iter().find(|scheme| {
        text.get(..scheme.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(scheme))
    })?;
    let mut end = scheme.len();
    let first = text.get(end..)?.chars().next()?;
    if !first.is_alphanumeric() {
        return None;
    }
    for c in text.get(end..)?.chars() {
        if c.is_whitespace()
            || c.is_control()
            || is_ignored(c)
            || matches!(
                c,
                '<' | '>' | '"' | '`' | '|' | '[' | ']' | '\\' | '^' | '{' | '}' | '*'
            )
        {
            break;
        }
        end += c.len_utf8();
    }
    let end = trim_end(text.get(..end)?);
    (end > scheme.len()).then_some(end)
}

/// Leaves out what ends a sentence rather than an address.
fn trim_end(address: &str) -> usize {
    let mut rest = address;
    let open = rest.matches('(').count();
    let mut close = rest.matches(')').count();
    while let Some(last) = rest.chars().next_back() {
        let cut = match last {
            ')' if close > open => {
                close -= 1;
                true
            }
            '?' | '!' | '.' | ',' | ':' | ';' | '\'' | '_' | '~' | '$' | '&' | '“' | '”' | '‘'
            | '’' | '«' | '»' => true,
            _ => false,
        };
        if !cut {
            break;
        }
        rest = rest.get(..rest.len() - last.len_utf8()).unwrap_or_default();
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(address: &str) -> Option<String> {
        let mut ctx = Context::default();
        ctx.hosts.canvas = "https://canvas.example.edu".to_owned();
        normal(address, Use::Link, &ctx)
    }

    #[test]
    fn disguised_schemes_are_refused() {
        for bad in [
            "javascript:alert(1)",
            " JaVaScRiPt:alert(1)",
            "java\nscript:alert(1)",
            "\u{1}javascript:alert(1)",
            "java\u{200b}script:x",
            "data:text/html,x",
            "vbscript:x",
            "javascript :x",
            "x:y",
        ] {
            assert_eq!(link(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn one_spelling_for_each_address() {
        for (from, to) in [
            (
                "https://canvas.example.edu/courses/1/files/2/download?verifier=x&wrap=1",
                "/courses/1/files/2/download",
            ),
            (
                "/courses/1/files/2/download?wrap=1&a=b#c",
                "/courses/1/files/2/download?a=b#c",
            ),
            ("https://e.org/a b\"ü", "https://e.org/a%20b%22%C3%BC"),
            ("//e.org/x", "//e.org/x"),
            ("a/b:c", "a/b:c"),
        ] {
            assert_eq!(link(from).as_deref(), Some(to));
            assert_eq!(link(to).as_deref(), Some(to));
        }
    }

    proptest::proptest! {
        #[test]
        fn a_normal_address_is_normal(parts in proptest::collection::vec(proptest::sample::select(vec![
            "https://canvas.example.edu", "https://forum.example.edu", "http://e.org", "//", "/", "/t/topic/7", "/t/7/3", "/p/35", "/p/", "entry_id=33", "entry-33", "/courses/1/files/5", "/files/6", "/courses/1/discussion_topics/9", "/download", "/preview",
            "?", "&", "#", "verifier=x", "wrap=1", "a=b", "upload://x.png", "mailto:a@b", ":", "%", "%20", " ", "é", "\u{200b}", "\\", "[", "|", "..", "x", "/equation_images/",
        ]), 0..8)) {
            let mut ctx = Context::default();
            ctx.hosts.canvas = "https://canvas.example.edu".into();
            ctx.hosts.discourse = "https://forum.example.edu".into();
            ctx.posts.insert("/t/topic/7", "/courses/1/discussion_topics/9");
            for page in ["/t/7/3", "/p/35"] {
                ctx.posts.insert(page, "/courses/1/discussion_topics/9?entry_id=33");
            }
            let file = crate::context::File { upload: "upload://x.png".into(), ..Default::default() };
            ctx.files.insert("5".into(), file);
            let address = parts.concat();
            for purpose in [Use::Link, Use::Embed] {
                let Some(once) = normal(&address, purpose, &ctx) else { continue };
                let twice = normal(&once, purpose, &ctx);
                proptest::prop_assert_eq!(twice.as_deref(), Some(once.as_str()));
                let there = for_discourse(&once, &ctx);
                proptest::prop_assert_eq!(normal(&there, purpose, &ctx), Some(once.clone()));
                let here = for_canvas(&once, &ctx).to_owned();
                proptest::prop_assert_eq!(normal(&here, purpose, &ctx), Some(once));
            }
        }
    }

    #[test]
    fn bare_addresses_end_where_the_sentence_does() {
        for (text, address) in [
            ("https://e.org/a_b. Then", "https://e.org/a_b"),
            ("http://e.org/(a))", "http://e.org/(a)"),
            ("https://e.org/?a=1&b=2, x", "https://e.org/?a=1&b=2"),
            ("HTTP://E.org", "HTTP://E.org"),
        ] {
            assert_eq!(bare_length(text), Some(address.len()), "{text}");
        }
        assert_eq!(bare_length("https://"), None);
        assert_eq!(bare_length("ftp://e.org"), None);
    }

    #[test]
    fn links_to_single_posts_are_found_in_both_dialects() {
        let text = "See [x](https://forum.example.edu/t/a-slug/7/3), /p/35. and /t/7/1 \
             <a href=\"/courses/1/discussion_topics/9?persist=1&amp;entry_id=33\">y</a> \
             <a href='https://canvas.example.edu/courses/1/discussion_topics/9#entry-34'>z</a> \
             /courses/1/discussion_topics/9 /courses/1/files/5 /t//3 /p/x";
        let entry = |entry: &str| Linked::Entry {
            course: "1".to_owned(),
            topic: "9".to_owned(),
            entry: entry.to_owned(),
        };
        let numbered = Linked::Numbered {
            topic: "7".to_owned(),
            number: "3".to_owned(),
        };
        let post = Linked::Post("35".to_owned());
        assert_eq!(linked(text), [post, numbered, entry("33"), entry("34")]);
        assert!(linked(&"/t/1/2".repeat(10_000)).len() <= MAX_LINKED);
    }
}
