//! A small table of emoji: codes, pictures and characters.

/// Code and character.
const TABLE: &[(&str, &str)] = &[
    ("smile", "😄"),
    ("slight_smile", "🙂"),
    ("smiley", "😃"),
    ("grinning", "😀"),
    ("grin", "😁"),
    ("laughing", "😆"),
    ("joy", "😂"),
    ("wink", "😉"),
    ("heart", "❤️"),
    ("heart_eyes", "😍"),
    ("+1", "👍"),
    ("-1", "👎"),
    ("clap", "👏"),
    ("tada", "🎉"),
    ("thinking", "🤔"),
    ("cry", "😢"),
    ("frowning", "😦"),
    ("confused", "😕"),
    ("rocket", "🚀"),
    ("fire", "🔥"),
    ("star", "⭐"),
    ("warning", "⚠️"),
    ("white_check_mark", "✅"),
    ("x", "❌"),
    ("wave", "👋"),
    ("eyes", "👀"),
    ("pray", "🙏"),
    ("bulb", "💡"),
    ("seedling", "🌱"),
    ("books", "📚"),
    ("raised_hands", "🙌"),
    ("sweat_smile", "😅"),
];

/// Whether a code, without colons, is known.
pub fn is_code(code: &str) -> bool {
    TABLE.iter().any(|(known, _)| *known == code)
}

/// The picture of a code.
pub fn image(code: &str) -> String {
    format!(
        "<img src=\"/images/emoji/twitter/{code}.png?v=12\" title=\":{code}:\" class=\"emoji\" \
         alt=\":{code}:\" loading=\"lazy\" width=\"20\" height=\"20\">"
    )
}

/// Characters as codes with colons.
pub fn to_codes(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    TABLE
        .iter()
        .fold(text.to_owned(), |text, (code, character)| {
            text.replace(character, &format!(":{code}:"))
        })
}

/// Text without emoji, neither as codes nor as characters.
pub fn without_codes(text: &str) -> String {
    TABLE.iter().fold(to_codes(text), |text, (code, _)| {
        text.replace(&format!(":{code}:"), "")
    })
}

/// How many emoji a text has.
pub fn count(text: &str) -> usize {
    let text = to_codes(text);
    TABLE
        .iter()
        .map(|(code, _)| text.matches(&format!(":{code}:")).count())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::{count, to_codes, without_codes};

    #[test]
    fn emoji_are_found_in_both_forms() {
        assert_eq!(count("a :smile: b 👍 :unknown:"), 2);
        assert_eq!(to_codes("ok 👍"), "ok :+1:");
        assert_eq!(without_codes("a :smile:👍b"), "a b");
    }
}
