//! Titles: cleaning, slug and fancy form (contract section 12, recording 491).

use super::emoji;
use super::plain_blanks;

/// A title the way it is stored. `prettify` is the site setting `title_prettify`.
pub fn clean(title: &str, prettify: bool) -> String {
    let title: String = plain_blanks(title)
        .chars()
        .filter(|c| !matches!(c, '\u{200b}' | '\0'))
        .collect();
    let title = title
        .trim_matches(' ')
        .trim_matches(['\n', '\r', '\t'])
        .to_owned();
    if !prettify {
        return title;
    }
    let title = collapse(&title, '!');
    let title = collapse(&title, '?');
    let title = lower_if_shouted(&title);
    let title = raise_first(&title);
    let title = cut_end_dots(&title);
    let title = collapse(&title, ' ');
    blank_before_end_mark(title.trim_matches(' '))
}

fn collapse(text: &str, mark: char) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if !(c == mark && out.ends_with(mark)) {
            out.push(c);
        }
    }
    out
}

fn lower_if_shouted(text: &str) -> String {
    let shouted = text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase);
    if shouted {
        text.to_lowercase()
    } else {
        text.to_owned()
    }
}

/// Upper-cases the first letter when the first word is all lower case.
fn raise_first(text: &str) -> String {
    let word = text.split(' ').next().unwrap_or("");
    if word.chars().any(char::is_uppercase) {
        return text.to_owned();
    }
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if first.is_lowercase() => first.to_uppercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

fn cut_end_dots(text: &str) -> String {
    let text = text.trim_end_matches(' ');
    let without = text.trim_end_matches('.');
    match text.len() - without.len() {
        1 | 3 => without.trim_end_matches(' ').to_owned(),
        _ => text.to_owned(),
    }
}

fn blank_before_end_mark(text: &str) -> String {
    for mark in ['!', '?'] {
        if let Some(head) = text.strip_suffix(mark)
            && head.ends_with(' ')
        {
            return format!("{}{mark}", head.trim_end_matches(' '));
        }
    }
    text.to_owned()
}

/// The path form of a title; `topic` when nothing but digits is left.
pub fn slug(title: &str) -> String {
    let title = emoji::without_codes(title);
    let mut out = String::new();
    for c in title.chars().flat_map(char::to_lowercase) {
        match ascii(c) {
            Some(letters) => out.push_str(letters),
            None if c.is_ascii_alphanumeric() => out.push(c),
            None if is_combining(c) || matches!(c, '\'' | '\u{2019}') => {}
            None => {
                if !out.ends_with('-') {
                    out.push('-');
                }
            }
        }
    }
    let slug = out.trim_matches('-').to_owned();
    if slug.chars().any(|c| c.is_ascii_alphabetic()) {
        slug
    } else {
        "topic".to_owned()
    }
}

fn is_combining(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{36f}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{feff}'
    )
}

fn ascii(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'č' | 'ĉ' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => "e",
        'ğ' | 'ģ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'ı' => "i",
        'ł' | 'ľ' | 'ļ' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ő' => "o",
        'œ' => "oe",
        'ŕ' | 'ř' => "r",
        'ś' | 'š' | 'ş' => "s",
        'ß' => "ss",
        'ť' | 'ţ' => "t",
        'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ů' | 'ű' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

/// The HTML form shown in lists: escaped, with typographic marks and emoji as codes.
pub fn fancy(title: &str) -> String {
    let mut out = String::with_capacity(title.len());
    let mut open = false;
    let mut rest = title.replace("...", "\u{2026}").replace("--", "\u{2013}");
    rest = emoji::to_codes(&rest);
    for c in rest.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => {
                out.push_str(if open { "&rdquo;" } else { "&ldquo;" });
                open = !open;
            }
            '\'' => out.push_str("&rsquo;"),
            '\u{2026}' => out.push_str("&hellip;"),
            '\u{2013}' => out.push_str("&ndash;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{clean, fancy, slug};

    #[test]
    fn titles_are_cleaned_the_way_recording_491_shows() {
        let cases = [
            ("hello world of titles", "Hello world of titles"),
            ("A title with dots...", "A title with dots"),
            ("A title with dots.", "A title with dots"),
            ("A title!!! Really??? 3", "A title! Really? 3"),
            (
                "A title , with blank before !",
                "A title , with blank before!",
            ),
            ("ALL CAPS TITLE", "All caps title"),
            ("a  title   with    blanks", "A title with blanks"),
            ("  leading and trailing  ", "Leading and trailing"),
            ("nbsp\u{a0}inside", "Nbsp inside"),
            ("zero\u{200b}width", "Zerowidth"),
            ("iPhone lower first word", "iPhone lower first word"),
            ("élan begins", "Élan begins"),
            ("Title with trailing dot .", "Title with trailing dot"),
            ("Title with\nnewline\tinside", "Title with\nnewline\tinside"),
            ("Ends with semicolon;", "Ends with semicolon;"),
        ];
        for (sent, stored) in cases {
            assert_eq!(clean(sent, true), stored, "{sent:?}");
        }
        assert_eq!(clean(" hello WORLD... ", false), "hello WORLD...");
    }

    #[test]
    fn slugs_are_ascii() {
        assert_eq!(
            slug("Title with \"quotes\" & <b>tags</b> 3"),
            "title-with-quotes-b-tags-b-3"
        );
        assert_eq!(slug("Élan begins"), "elan-begins");
        assert_eq!(slug("a\u{301}ccent"), "accent");
        assert_eq!(slug("日本語のタイトル 364373"), "topic");
        assert_eq!(slug("Title with :smile: emoji"), "title-with-emoji");
        assert_eq!(slug("Title with 👍 emoji"), "title-with-emoji");
        assert_eq!(slug("Title (c) -- and ... dots"), "title-c-and-dots");
    }

    #[test]
    fn fancy_titles_are_html() {
        assert_eq!(fancy("a \"b\" & <c>"), "a &ldquo;b&rdquo; &amp; &lt;c&gt;");
        assert_eq!(fancy("a -- b ... 👍"), "a &ndash; b &hellip; :+1:");
    }
}
