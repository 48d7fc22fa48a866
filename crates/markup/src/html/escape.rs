//! Writing text and attributes into HTML, exactly as `html5ever`'s serialiser writes them, so that
//! cleaning our own output changes no byte.

/// Appends text.
pub(crate) fn push_text(out: &mut String, text: &str) {
    push_escaped(out, text, |byte| matches!(byte, b'&' | b'<' | b'>' | 0xc2));
}

/// Appends ` name="value"`.
pub(crate) fn push_attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    push_escaped(out, value, |byte| {
        matches!(byte, b'&' | b'<' | b'>' | b'"' | 0xc2)
    });
    out.push('"');
}

/// Copies what lies between the characters that begin with a byte of `special`.
fn push_escaped(out: &mut String, text: &str, special: impl Fn(u8) -> bool) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(&special) {
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = tail.chars();
        match chars.next() {
            Some('&') => out.push_str("&amp;"),
            Some('<') => out.push_str("&lt;"),
            Some('>') => out.push_str("&gt;"),
            Some('"') => out.push_str("&quot;"),
            Some('\u{a0}') => out.push_str("&nbsp;"),
            Some(c) => out.push(c),
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
}

/// Appends a numeric entity.
pub(crate) fn push_entity(out: &mut String, c: char) {
    out.push_str("&#");
    out.push_str(&u32::from(c).to_string());
    out.push(';');
}
