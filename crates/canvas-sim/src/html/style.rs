//! The CSS allow-list of contract canvas §11.1 and markup §2. Works on one `style` value.

const PROPERTIES: &[&str] = &[
    "background",
    "border",
    "bottom",
    "caption-side",
    "clear",
    "clip",
    "color",
    "content",
    "cursor",
    "direction",
    "display",
    "float",
    "font",
    "height",
    "left",
    "line-height",
    "list-style",
    "margin",
    "max-height",
    "max-width",
    "min-height",
    "min-width",
    "outline",
    "overflow",
    "overflow-x",
    "overflow-y",
    "padding",
    "position",
    "right",
    "table-layout",
    "text-align",
    "text-decoration",
    "text-indent",
    "top",
    "vertical-align",
    "visibility",
    "white-space",
    "width",
    "z-index",
    "zoom",
];

const PREFIXES: &[&str] = &[
    "background-",
    "border-",
    "font-",
    "list-style-",
    "margin-",
    "outline-",
    "padding-",
    "text-decoration-",
];

/// Properties that April 2019 drops (seen live, corpus "styles kept or not").
const NEWER: &[&str] = &[
    "align-content",
    "align-items",
    "align-self",
    "border-radius",
    "column-gap",
    "flex",
    "gap",
    "grid",
    "justify-content",
    "justify-items",
    "justify-self",
    "order",
    "row-gap",
];

fn is_newer(property: &str) -> bool {
    NEWER.contains(&property) || property.starts_with("flex-") || property.starts_with("grid-")
}

fn is_allowed(property: &str, is_old: bool) -> bool {
    if is_newer(property) {
        return !is_old;
    }
    PROPERTIES.contains(&property) || PREFIXES.iter().any(|p| property.starts_with(p))
}

/// April 2019 reads no functions but `url(..)`: `rgb(..)` drops the property.
fn is_readable(value: &str, is_old: bool) -> bool {
    !is_old || !value.contains('(') || value.to_lowercase().contains("url(")
}

/// Splits at `;` outside quotes and brackets.
fn declarations(style: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    let mut quote = None;
    style
        .split(|c: char| {
            match (quote, c) {
                (None, '"' | '\'') => quote = Some(c),
                (Some(q), c) if q == c => quote = None,
                (None, '(') => depth = depth.saturating_add(1),
                (None, ')') => depth = depth.saturating_sub(1),
                (None, ';') => return depth == 0,
                _ => {}
            }
            false
        })
        .collect()
}

/// Whether every `url(..)` is http, https or relative.
fn has_safe_urls(value: &str) -> bool {
    value.to_lowercase().split("url(").skip(1).all(|rest| {
        let url = rest.split(')').next().unwrap_or_default();
        let url = url.trim().trim_matches(['"', '\'']).trim();
        match url.split_once(':') {
            Some((scheme, _)) if !scheme.contains(['/', '?', '#']) => {
                scheme == "http" || scheme == "https"
            }
            _ => true,
        }
    })
}

fn is_unsafe(value: &str) -> bool {
    let lower = value.to_lowercase();
    lower.contains("expression(") || lower.contains("javascript:") || !has_safe_urls(&lower)
}

/// Filters a style value; `is_old` = April 2019, where one unsafe value empties the whole style.
pub(super) fn filter(style: &str, is_old: bool) -> String {
    if is_old && is_unsafe(style) {
        return ";".to_owned();
    }
    let kept: Vec<String> = declarations(style)
        .into_iter()
        .filter_map(|declaration| declaration.split_once(':'))
        .map(|(property, value)| (property.trim().to_lowercase(), value.trim()))
        .filter(|(property, value)| is_allowed(property, is_old) && !value.is_empty())
        .filter(|(_, value)| is_readable(value, is_old) && !is_unsafe(value))
        .map(|(property, value)| format!("{property}: {value};"))
        .collect();
    if kept.is_empty() && is_old {
        ";".to_owned()
    } else {
        kept.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_filtered() {
        let style =
            "color:red; opacity:.5; background: url(https://e.org/a;b.png); BEHAVIOR:url(x)";
        assert_eq!(
            filter(style, false),
            "color: red; background: url(https://e.org/a;b.png);"
        );
    }

    #[test]
    fn one_unsafe_value_empties_an_old_style() {
        let style = "color: red; width: expression(1)";
        assert_eq!(filter(style, true), ";");
        assert_eq!(filter(style, false), "color: red;");
        assert_eq!(
            filter("background: url(data:image/png;base64,x)", true),
            ";"
        );
        assert_eq!(
            filter("color: red; background: url('data:image/png,x')", false),
            "color: red;"
        );
    }
}
