//! The CSS allow-list of contract canvas §11.1 and markup §2. Works on one `style` value.

const PROPERTIES: &[&str] = &[
    "align-content",
    "align-items",
    "align-self",
    "background",
    "border",
    "border-collapse",
    "border-radius",
    "border-spacing",
    "bottom",
    "caption-side",
    "clear",
    "clip",
    "color",
    "column-gap",
    "content",
    "cursor",
    "direction",
    "display",
    "flex",
    "flex-basis",
    "flex-direction",
    "flex-flow",
    "flex-grow",
    "flex-shrink",
    "flex-wrap",
    "float",
    "font",
    "gap",
    "grid",
    "grid-area",
    "grid-auto-columns",
    "grid-auto-flow",
    "grid-auto-rows",
    "grid-column",
    "grid-gap",
    "grid-row",
    "grid-template",
    "grid-template-areas",
    "grid-template-columns",
    "grid-template-rows",
    "height",
    "justify-content",
    "justify-items",
    "justify-self",
    "left",
    "line-height",
    "list-style",
    "margin",
    "max-height",
    "max-width",
    "min-height",
    "min-width",
    "order",
    "outline",
    "overflow",
    "overflow-x",
    "overflow-y",
    "padding",
    "position",
    "right",
    "row-gap",
    "table-layout",
    "text-align",
    "text-decoration",
    "text-indent",
    "top",
    "vertical-align",
    "visibility",
    "white-space",
    "width",
    "zoom",
    "z-index",
    "letter-spacing",
    "word-spacing",
    "text-transform",
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
    "grid-",
    "flex-",
];

fn is_allowed(property: &str) -> bool {
    PROPERTIES.contains(&property) || PREFIXES.iter().any(|p| property.starts_with(p))
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
        .filter(|(property, value)| is_allowed(property) && !value.is_empty() && !is_unsafe(value))
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
