//! How long, how varied and how loud a text is (contract section 12).

use super::emoji;

/// The length that the minimum is measured by: without HTML comments, an emoji code counts one,
/// runs of dots and commas collapse.
pub fn stripped_length(raw: &str) -> usize {
    let text = without_comments(raw);
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars() {
        if matches!(c, '.' | ',') && out.ends_with(c) {
            continue;
        }
        out.push(c);
    }
    let mut length = out.chars().count();
    for part in out.split(':') {
        if emoji::is_code(part) {
            length = length.saturating_sub(part.chars().count() + 1);
        }
    }
    length
}

fn without_comments(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once("<!--") {
        out.push_str(before);
        match after.split_once("-->") {
            Some((_, tail)) => rest = tail,
            None => return out,
        }
    }
    out.push_str(rest);
    out
}

/// Distinct characters; one outside ASCII counts by its bytes.
pub fn entropy(text: &str) -> usize {
    let mut seen: Vec<char> = text.trim().chars().filter(|c| *c != '\n').collect();
    seen.sort_unstable();
    seen.dedup();
    seen.iter().map(|c| c.len_utf8()).sum()
}

/// Whether a text is written in capitals only.
pub fn is_shouted(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_uppercase()) && !text.chars().any(char::is_lowercase)
}

/// Whether a text has anything besides punctuation.
pub fn has_words(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric) || emoji::count(text) > 0 || !text.is_ascii()
}

/// The longest run of characters without a blank.
pub fn longest_word(text: &str) -> usize {
    text.split_whitespace()
        .map(|word| word.chars().count())
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{entropy, has_words, is_shouted, longest_word, stripped_length};

    #[test]
    fn the_minimum_ignores_padding() {
        assert_eq!(stripped_length("short <!-- canvas entry 1 -->"), 5);
        assert_eq!(stripped_length("<!-- open"), 0);
        assert_eq!(stripped_length("a.......b"), 3);
        assert_eq!(stripped_length(":smile: a"), 3);
        assert_eq!(stripped_length("  twelve chars  "), 12);
    }

    #[test]
    fn variety_and_volume() {
        assert_eq!(entropy("word word"), 5);
        assert_eq!(entropy("ab\nab"), 2);
        assert_eq!(entropy("日"), 3);
        assert!(is_shouted("ALL CAPS 1"));
        assert!(!is_shouted("123 456"));
        assert!(!is_shouted("One"));
        assert!(!has_words("!!! ---"));
        assert_eq!(longest_word("ab abcde a"), 5);
    }
}
