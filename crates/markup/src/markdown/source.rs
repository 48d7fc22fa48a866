//! Which pieces of Discourse source may be carried through HTML attributes.
//!
//! Anyone can write such an attribute, so each piece is checked against its own grammar before it
//! is put into Markdown again.

pub(crate) use crate::url::is_upload;

const MAX_NAME: usize = 60;
const MAX_SOURCE: usize = 20_000;

/// A Discourse username.
pub(crate) fn is_username(name: &str) -> bool {
    let edge = |c: char| c.is_alphanumeric() || c == '_';
    name.chars().count() <= MAX_NAME
        && name.starts_with(edge)
        && name.ends_with(edge)
        && name.chars().all(|c| edge(c) || matches!(c, '.' | '-'))
}

/// Whether this can be the id of a person in Canvas; anybody can write a mention with something else.
pub fn is_canvas_id(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// A hashtag's slug: words joined by `:` or `::`.
pub(crate) fn is_hashtag(slug: &str) -> bool {
    slug.chars().count() <= 2 * MAX_NAME
        && !slug.is_empty()
        && slug.split(':').count() <= 4
        && slug.starts_with(is_slug_char)
        && slug.ends_with(is_slug_char)
        && slug.chars().all(|c| is_slug_char(c) || c == ':')
}

pub(crate) fn is_slug_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-')
}

/// An emoji's name, with a tone if it has one.
pub(crate) fn is_emoji_name(name: &str) -> bool {
    let name = match name.rsplit_once(":t") {
        Some((head, "1" | "2" | "3" | "4" | "5" | "6")) => head,
        _ => name,
    };
    !name.is_empty()
        && name.len() <= MAX_NAME
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+'))
}

/// A footnote's label.
pub(crate) fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= MAX_NAME
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// The address of a file that Discourse links as an attachment.
pub(crate) fn is_attachment(address: &str) -> bool {
    is_upload(address) || address.contains("/uploads/short-url/")
}

/// What may follow an image's size: a scale, a word that Discourse knows, or `key=value`.
pub(crate) fn is_image_extra(extra: &str) -> bool {
    let scale = extra
        .strip_suffix('%')
        .and_then(|number| number.parse::<u32>().ok());
    let pair = extra.split_once('=').is_some_and(|(key, value)| {
        !key.is_empty()
            && key
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
            && is_label(value)
    });
    extra.len() <= MAX_NAME
        && (scale.is_some_and(|scale| (1..=100).contains(&scale))
            || matches!(extra, "thumbnail" | "video" | "audio" | "attachment")
            || pair)
}

/// A size such as `690x400`.
pub(crate) fn is_size(text: &str) -> bool {
    text.split_once('x').is_some_and(|(width, height)| {
        let number =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        number(width) && number(height)
    })
}

/// The language of a code block.
pub(crate) fn is_code_language(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_NAME
        && name.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'_' | b'#' | b'.')
        })
}

/// The text between the quotes of a BBCode attribute; it may hold the other kind of quote.
pub(crate) fn is_attribute(text: &str) -> bool {
    text.len() <= 500
        && !text.contains([']', '[', '\n', '\r', '“', '”'])
        && !text.chars().any(char::is_control)
}

/// BBCode blocks that are carried as they are.
pub(crate) const OPAQUE_BLOCKS: &[&str] = &[
    "poll",
    "wrap",
    "grid",
    "excerpt",
    "chat",
    "event",
    "policy",
    "calendar",
    "placeholder",
];

/// The source of one block of BBCode that is carried as it is: `[poll …]` to `[/poll]`.
pub(crate) fn is_opaque_block(source: &str) -> bool {
    if source.len() > MAX_SOURCE || source.contains(['\r', '\0']) {
        return false;
    }
    let Some(name) = OPAQUE_BLOCKS.iter().find(|name| {
        source
            .strip_prefix('[')
            .and_then(|rest| rest.strip_prefix(**name))
            .is_some_and(|rest| rest.starts_with([']', ' ', '=']))
    }) else {
        return false;
    };
    let end = format!("[/{name}]");
    let Some(body) = source.strip_suffix(&end) else {
        return false;
    };
    let Some((head, rest)) = body.split_once(']') else {
        return false;
    };
    let tag_on_one_line = !head.contains('\n');
    let closed_once = !body.contains(&end) && !rest.contains(&format!("[{name}"));
    let lines = rest
        .strip_prefix('\n')
        .and_then(|rest| rest.strip_suffix('\n'))
        .is_some()
        || rest == "\n";
    let fences = rest.lines().any(|line| {
        let line = line.trim_start_matches([' ', '\t', '>', '-', '*', '+']);
        line.starts_with("```") || line.starts_with("~~~") || line.trim() == "$$"
    });
    tag_on_one_line && closed_once && lines && !fences
}

/// The source of one inline construct that is carried as it is: `[date=…]`.
pub(crate) fn is_opaque_inline(source: &str) -> bool {
    source.len() <= 500
        && (source.starts_with("[date=") || source.starts_with("[date-range "))
        && source.ends_with(']')
        && source.matches([']', '[']).count() == 2
        && !source.chars().any(|c| {
            c.is_control()
                || matches!(
                    c,
                    '`' | '<' | '>' | '\\' | '*' | '&' | '@' | '#' | '|' | '$' | '~'
                )
        })
        && !source.contains("  ")
        && !source.contains("://")
}
