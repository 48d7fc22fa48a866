//! Short pieces of foreign text for messages and logs, without what must not be there.

/// Words after which a secret value stands, in lower case.
const BEFORE_SECRET: [&str; 9] = [
    "access_token=",
    "refresh_token=",
    "api_key=",
    "client_secret=",
    "token=",
    "verifier=",
    "signature=",
    "sig=",
    "bearer ",
];

/// At most `max_chars` characters of `text` on one line, with tokens, file verifiers and e-mail addresses masked.
pub fn excerpt(text: &str, max_chars: usize) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    let masked = mask_addresses(&mask_secrets(&line.join(" ")));
    let visible = masked.chars().filter(|letter| !letter.is_control());
    let mut short: String = visible.clone().take(max_chars).collect();
    if visible.count() > max_chars {
        short.push('…');
    }
    short
}

fn mask_secrets(text: &str) -> String {
    // ASCII lower case keeps byte positions, so they are valid in both.
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some((start, end)) = next_secret(&lower, at) {
        out.push_str(text.get(at..start).unwrap_or_default());
        out.push_str("****");
        at = end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// The byte range of the next secret value at or after `from`.
fn next_secret(lower: &str, from: usize) -> Option<(usize, usize)> {
    let rest = lower.get(from..)?;
    let start = BEFORE_SECRET
        .iter()
        .filter_map(|word| rest.find(word).map(|at| from + at + word.len()))
        .min()?;
    let length = lower
        .get(start..)?
        .find(|letter: char| letter.is_whitespace() || "&\"'<>;,)}".contains(letter))
        .unwrap_or(lower.len() - start);
    Some((start, start + length))
}

fn mask_addresses(text: &str) -> String {
    let is_word = |letter: char| letter.is_alphanumeric() || "._%+-".contains(letter);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        let name = before.len() - before.trim_end_matches(is_word).len();
        let domain = after.len() - after.trim_start_matches(is_word).len();
        let is_address = name > 0 && after.get(..domain).is_some_and(|part| part.contains('.'));
        if is_address {
            out.push_str(before.get(..before.len() - name).unwrap_or_default());
            out.push_str("****@****");
            rest = after.get(domain..).unwrap_or_default();
        } else {
            out.push_str(before);
            out.push('@');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(excerpt(text, 60), expected);
    }

    #[test]
    fn masks_what_must_not_be_kept() {
        check("/f?verifier=abc123&wrap=1 x", "/f?verifier=****&wrap=1 x");
        check("Authorization: Bearer 7~abc", "Authorization: Bearer ****");
        check("ACCESS_TOKEN=x&api_key=y", "ACCESS_TOKEN=****&api_key=****");
        check("mail a.b+c@d.example, ok", "mail ****@****, ok");
        check("hello @name and a@b", "hello @name and a@b");
        check("token=", "token=****");
    }

    #[test]
    fn makes_one_short_line_of_any_text() {
        check("a\n\tb\u{7}", "a b");
        let long = excerpt(&"ä".repeat(100), 10);
        assert_eq!(long, format!("{}…", "ä".repeat(10)));
        assert_eq!(excerpt("äöü verifier=ä", 60), "äöü verifier=****");
        assert_eq!(excerpt("", 5), "");
    }
}
