//! Pure text rules: normalising, titles, length and entropy, edit distance, rendering.

pub mod cook;
pub mod diff;
pub mod emoji;
pub mod inline;
pub mod sentinel;
pub mod title;

/// Whether a character is one of the exotic blanks that the forum turns into a plain one
/// (contract section 6.3).
fn is_exotic_blank(c: char) -> bool {
    matches!(
        c,
        '\u{a0}' | '\u{1680}' | '\u{180e}' | '\u{2000}'
            ..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// Exotic blanks as plain blanks.
pub fn plain_blanks(text: &str) -> String {
    text.chars()
        .map(|c| if is_exotic_blank(c) { ' ' } else { c })
        .collect()
}

/// A body the way it is stored: NUL removed, exotic blanks plain, end trimmed; all else kept.
pub fn normalise(raw: &str) -> String {
    let plain: String = raw
        .chars()
        .filter(|c| *c != '\0')
        .map(|c| if is_exotic_blank(c) { ' ' } else { c })
        .collect();
    plain
        .trim_end_matches([' ', '\n', '\r', '\t', '\u{b}', '\u{c}', '\0'])
        .to_owned()
}

/// Bytes as hex digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|half| DIGITS.get(usize::from(half)).copied())
        .collect()
}

/// Escapes text for HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The words of an HTML text without its tags, blanks collapsed.
pub fn strip_tags(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                out.push(' ');
            }
            _ if !inside => out.push(c),
            _ => {}
        }
    }
    let text = out.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

/// The first `limit` characters of an HTML text's words, with a sign that more follows.
pub fn excerpt(html: &str, limit: usize) -> String {
    let text = strip_tags(html);
    if text.chars().count() <= limit {
        return text;
    }
    let mut cut: String = text.chars().take(limit).collect();
    cut.push('\u{2026}');
    cut
}

#[cfg(test)]
mod tests {
    use super::{excerpt, normalise, strip_tags};

    #[test]
    fn bodies_are_normalised_the_way_recording_487_shows() {
        assert_eq!(normalise("a\u{a0}b c\u{a0} d"), "a b c  d");
        assert_eq!(normalise("a\u{1680}b\u{180e}c\u{2028}d\u{3000}"), "a b c d");
        assert_eq!(
            normalise("zw\u{200b}\u{feff}\u{ad}x"),
            "zw\u{200b}\u{feff}\u{ad}x"
        );
        assert_eq!(
            normalise("blanks   \nline  \nlast   \n\n\n"),
            "blanks   \nline  \nlast"
        );
        assert_eq!(normalise("\n\n   lead"), "\n\n   lead");
        assert_eq!(normalise("a\r\nb\rc"), "a\r\nb\rc");
        assert_eq!(normalise("nul\0 bell\u{7}\t"), "nul bell\u{7}");
        assert_eq!(normalise(" \n"), "");
    }

    #[test]
    fn html_becomes_words() {
        assert_eq!(
            strip_tags("<p>a &lt;b&gt; <em>c</em></p>\n<p>d</p>"),
            "a <b> c d"
        );
        assert_eq!(excerpt("<p>abcdef</p>", 3), "abc\u{2026}");
    }
}
