//! `style` attributes: taking them apart and keeping what Canvas keeps (contract markup §2).

/// The declarations of a `style` attribute: property in lower case and value.
pub(crate) fn declarations(style: &str) -> impl Iterator<Item = (String, &str)> {
    style.split(';').filter_map(|one| {
        let (name, value) = one.split_once(':')?;
        let name = name.trim().to_ascii_lowercase();
        let value = value.trim();
        (!name.is_empty() && !value.is_empty()).then_some((name, value))
    })
}

/// What Canvas keeps of a `style` attribute, in one spelling; `None` if nothing.
pub(crate) fn clean(style: &str) -> Option<String> {
    if hides_something(style) {
        return None;
    }
    let mut kept = String::new();
    for (name, value) in declarations(style) {
        if is_allowed(&name) && is_plain_value(value) {
            if !kept.is_empty() {
                kept.push(' ');
            }
            kept.push_str(&name);
            kept.push_str(": ");
            kept.push_str(value);
            kept.push(';');
        }
    }
    (!kept.is_empty()).then_some(kept)
}

/// Escapes and comments have no honest use in a `style` attribute and hide names from us.
fn hides_something(style: &str) -> bool {
    style.contains('\\') || style.contains("/*") || style.contains('\0')
}

/// A value without anything that loads or runs. Addresses are refused as a whole: Canvas would
/// allow some of them, but nothing that we write needs one.
fn is_plain_value(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let compact: String = lower.chars().filter(|c| !c.is_whitespace()).collect();
    value.len() <= 500
        && !value.contains(['<', '>', '{', '}', '@'])
        && !value.chars().any(char::is_control)
        && ![
            "url(",
            "expression",
            "javascript:",
            "vbscript:",
            "data:",
            "behavior",
            "-moz-binding",
            "image(",
            "image-set(",
        ]
        .iter()
        .any(|bad| compact.contains(bad))
}

fn is_allowed(name: &str) -> bool {
    const EXACT: &[&str] = &[
        "align-content",
        "align-items",
        "align-self",
        "clear",
        "clip",
        "color",
        "cursor",
        "direction",
        "display",
        "float",
        "height",
        "justify-content",
        "justify-items",
        "justify-self",
        "left",
        "line-height",
        "max-height",
        "max-width",
        "min-height",
        "min-width",
        "order",
        "overflow",
        "overflow-x",
        "overflow-y",
        "position",
        "right",
        "table-layout",
        "top",
        "bottom",
        "unicode-bidi",
        "vertical-align",
        "visibility",
        "white-space",
        "width",
        "z-index",
        "zoom",
        "gap",
        "row-gap",
        "column-gap",
    ];
    const FAMILIES: &[&str] = &[
        "background",
        "border",
        "flex",
        "font",
        "grid",
        "list-style",
        "margin",
        "padding",
        "text-align",
        "text-decoration",
        "text-indent",
    ];
    EXACT.contains(&name)
        || FAMILIES.iter().any(|family| {
            name.strip_prefix(family)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_looks_and_drops_what_loads_or_runs() {
        for (style, kept) in [
            ("text-align:center", Some("text-align: center;")),
            ("COLOR: red; opacity: 0.1", Some("color: red;")),
            ("background: url(javascript:x)", None),
            ("width: expression(alert(1))", None),
            ("width: e\\78pression(1)", None),
            ("wid/**/th: 1px", None),
            ("background-image: u rl ( x )", None),
            ("bordering: 1px", None),
        ] {
            assert_eq!(clean(style).as_deref(), kept, "{style}");
            if let Some(kept) = kept {
                assert_eq!(clean(kept).as_deref(), Some(kept));
            }
        }
    }
}
