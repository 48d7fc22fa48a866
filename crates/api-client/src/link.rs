//! The `Link` header (RFC 8288), as far as paging needs it.

/// The target of the first link that has the relation `wanted`.
pub(crate) fn with_relation(header: &str, wanted: &str) -> Option<String> {
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let (target, after) = after.split_once('>')?;
        let (parameters, after) = split_at_comma(after);
        if has_relation(parameters, wanted) {
            return Some(target.to_owned());
        }
        rest = after;
    }
    None
}

/// Cuts at the first comma outside quotes: it ends a link's parameters.
fn split_at_comma(text: &str) -> (&str, &str) {
    let mut is_quoted = false;
    let end = text.char_indices().find(|(_, letter)| {
        if *letter == '"' {
            is_quoted = !is_quoted;
        }
        *letter == ',' && !is_quoted
    });
    end.and_then(|(at, _)| text.split_at_checked(at))
        .unwrap_or((text, ""))
}

fn has_relation(parameters: &str, wanted: &str) -> bool {
    parameters.split(';').any(|parameter| {
        parameter.split_once('=').is_some_and(|(name, value)| {
            name.trim().eq_ignore_ascii_case("rel")
                && value
                    .trim()
                    .trim_matches('"')
                    .split_whitespace()
                    .any(|relation| relation.eq_ignore_ascii_case(wanted))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, expected: Option<&str>) {
        assert_eq!(with_relation(header, "next").as_deref(), expected);
    }

    #[test]
    fn finds_the_next_page() {
        check(
            r#"<https://c/a?page=1>; rel="current",<https://c/a?page=2&ids[]=1,2>; rel="next",<https://c/a?page=1>; rel="first""#,
            Some("https://c/a?page=2&ids[]=1,2"),
        );
        check(
            r#"<https://c/a>; title="a, b"; rel=next"#,
            Some("https://c/a"),
        );
        check(r#"<https://c/a>;rel="last next""#, Some("https://c/a"));
    }

    #[test]
    fn anything_else_has_no_next_page() {
        check("", None);
        check(r#"<https://c/a>; rel="prev""#, None);
        check(r#"<https://c/a; rel="next""#, None);
        check("next", None);
        check(r#"<https://c/next>; title="next""#, None);
    }
}
