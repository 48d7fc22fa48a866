//! What Discourse makes of plain text: mentions, hashtags, emoji, checkboxes and dates.
//!
//! The one place with these rules (contract markup §3): the reader uses it to find features, the
//! writer to keep text from becoming one.

use super::source;
use crate::normal::JOINER;
use crate::url;

/// A feature found in text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Feature {
    Mention(String),
    Hashtag(String),
    Emoji(String),
    Shortcut(&'static str),
    Checkbox(bool),
    Date,
}

/// A feature and where it stands, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) feature: Feature,
}

/// All features of a text node, in order and without overlap.
pub(crate) fn find(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    if !text.contains(['@', '#', ':', '[', ';']) {
        return found;
    }
    let mut before: Option<char> = None;
    let mut skip_to = 0;
    for (at, c) in text.char_indices() {
        if at < skip_to {
            before = Some(c);
            continue;
        }
        if matches!(c, 'h' | 'H') {
            // A bare address is a link: nothing in it is a feature.
            if !before.is_some_and(char::is_alphanumeric)
                && let Some(length) = text.get(at..).and_then(url::bare_length)
            {
                skip_to = at + length;
            }
        } else if matches!(c, '@' | '#' | ':' | '[' | ';')
            && let Some(rest) = text.get(at..)
            && let Some((length, feature)) = recognise(c, rest, before)
        {
            skip_to = at + length;
            found.push(Found {
                start: at,
                end: skip_to,
                feature,
            });
        }
        before = Some(c);
    }
    found
}

fn recognise(first: char, rest: &str, before: Option<char>) -> Option<(usize, Feature)> {
    match first {
        '@' if is_boundary(before) && before != Some('=') => mention(rest),
        '#' if is_boundary(before) && before != Some('=') => hashtag(rest),
        ':' | ';' => {
            let emoji = if first == ':' && !before.is_some_and(blocks_emoji) {
                emoji(rest)
            } else {
                None
            };
            emoji.or_else(|| shortcut(rest, before))
        }
        '[' => checkbox(rest).or_else(|| date(rest)),
        _ => None,
    }
}

/// Whether an emoji name cannot follow this character.
fn blocks_emoji(c: char) -> bool {
    c.is_alphanumeric() || (!c.is_whitespace() && !is_punctuation(c) && c != '_')
}

/// White space, punctuation or an edge.
fn is_boundary(c: Option<char>) -> bool {
    c.is_none_or(|c| c.is_whitespace() || is_punctuation(c))
}

/// Punctuation, or a symbol: not a letter, digit, control or invisible character.
fn is_punctuation(c: char) -> bool {
    !c.is_alphanumeric()
        && !c.is_control()
        && !matches!(c, JOINER | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{feff}' | '_')
}

fn mention(rest: &str) -> Option<(usize, Feature)> {
    let name = rest.strip_prefix('@')?;
    // Sites that allow letters of all languages have names that begin with one; elsewhere a letter
    // after the name only ends it.
    let any = name.starts_with(|c: char| c.is_alphabetic() && !c.is_ascii());
    let part = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-') || (any && c.is_alphabetic())
    };
    let end = name.find(|c: char| !part(c)).unwrap_or(name.len());
    let name = name.get(..end)?.trim_end_matches(['.', '-']);
    if !source::is_username(name) || !is_boundary(rest.get(1 + name.len()..)?.chars().next()) {
        return None;
    }
    Some((1 + name.len(), Feature::Mention(name.to_owned())))
}

fn hashtag(rest: &str) -> Option<(usize, Feature)> {
    let slug = rest.strip_prefix('#')?;
    let end = slug
        .find(|c: char| !(source::is_slug_char(c) || c == ':'))
        .unwrap_or(slug.len());
    let slug = slug.get(..end)?.trim_end_matches(':');
    if !source::is_hashtag(slug) || !is_boundary(rest.get(1 + slug.len()..)?.chars().next()) {
        return None;
    }
    Some((1 + slug.len(), Feature::Hashtag(slug.to_owned())))
}

fn emoji(rest: &str) -> Option<(usize, Feature)> {
    let inner = rest.strip_prefix(':')?;
    let end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+')))?;
    let name = inner.get(..end)?;
    let after = inner.get(end..)?;
    if !source::is_emoji_name(name) || !after.starts_with(':') {
        return None;
    }
    let mut tone = after.chars().skip(1);
    if tone.next() == Some('t')
        && let Some(number @ '2'..='6') = tone.next()
        && tone.next() == Some(':')
    {
        return Some((end + 5, Feature::Emoji(format!("{name}:t{number}"))));
    }
    Some((end + 2, Feature::Emoji(name.to_owned())))
}

/// Shortcuts that Discourse shows as emoji, longest first.
const SHORTCUTS: &[(&str, &str)] = &[
    (":'-(", "😢"),
    (":'(", "😢"),
    (":-'(", "😢"),
    (":')", "😂"),
    (":-)", "🙂"),
    (":)", "🙂"),
    (":-(", "🙁"),
    (":(", "🙁"),
    (":-D", "😃"),
    (":D", "😃"),
    (":-p", "😛"),
    (":-P", "😛"),
    (":p", "😛"),
    (":P", "😛"),
    (":-o", "😮"),
    (":-O", "😮"),
    (":o", "😮"),
    (":O", "😮"),
    (":-|", "😐"),
    (":|", "😐"),
    (":-/", "😕"),
    (":/", "😕"),
    (":-*", "😘"),
    (":*", "😘"),
    (":-$", "😳"),
    (":$", "😳"),
    (";-)", "😉"),
    (";)", "😉"),
];

fn shortcut(rest: &str, before: Option<char>) -> Option<(usize, Feature)> {
    if !before.is_none_or(char::is_whitespace) {
        return None;
    }
    let (text, shown) = SHORTCUTS.iter().find(|(text, _)| rest.starts_with(text))?;
    let after = rest.get(text.len()..)?.chars().next();
    after
        .is_none_or(|c| c.is_whitespace() || matches!(c, '.' | ',' | '!' | '?'))
        .then_some((text.len(), Feature::Shortcut(shown)))
}

fn checkbox(rest: &str) -> Option<(usize, Feature)> {
    [("[ ]", false), ("[]", false), ("[x]", true), ("[X]", true)]
        .into_iter()
        .find(|(text, _)| rest.starts_with(text))
        .map(|(text, checked)| (text.len(), Feature::Checkbox(checked)))
}

fn date(rest: &str) -> Option<(usize, Feature)> {
    if !rest.starts_with("[date") {
        return None;
    }
    let end = rest.find(']')? + 1;
    rest.get(..end)
        .filter(|text| source::is_opaque_inline(text))
        .map(|text| (text.len(), Feature::Date))
}

/// The character of an emoji name; `None` for custom emoji.
pub(crate) fn emoji_character(name: &str) -> Option<String> {
    let (base, tone) = match name.split_once(":t") {
        Some((base, tone)) => (base, Some(tone)),
        None => (name, None),
    };
    let lower = base.to_ascii_lowercase();
    let code = match lower.as_str() {
        "slight_smile" => "slightly_smiling_face",
        "frowning" => "frowning_face",
        "slight_frown" => "slightly_frowning_face",
        "upside_down" => "upside_down_face",
        "thinking" => "thinking",
        "roll_eyes" => "roll_eyes",
        "rofl" => "rofl",
        "hugs" => "hugs",
        other => other,
    };
    let emoji = emojis::get_by_shortcode(code)?;
    let toned = match tone {
        None => emoji,
        Some(tone) => emoji.with_skin_tone(match tone {
            "2" => emojis::SkinTone::Light,
            "3" => emojis::SkinTone::MediumLight,
            "4" => emojis::SkinTone::Medium,
            "5" => emojis::SkinTone::MediumDark,
            _ => emojis::SkinTone::Dark,
        })?,
    };
    Some(toned.as_str().to_owned())
}
