//! Takes off what Canvas adds to a body when it is read (contract canvas §11.2), so that it is never stored again.
//!
//! Everything else stays byte for byte: only start tags that carry noise are written anew. It understands HTML as
//! Canvas serialises it and leaves alone what it does not understand; the words are never touched.

/// Attributes that exist in the read form only.
const READ_ATTRIBUTES: [&str; 4] = [
    "data-api-endpoint",
    "data-api-returntype",
    "x-canvaslms-safe-mathml",
    "data-mathml",
];
const READ_PREFIX: &str = "data-uc_";
const READ_CLASS: &str = "instructure_user_content";
/// Parameters of links to files that are made for one reader; `verifier` opens the file to everyone.
const READ_PARAMETERS: [&str; 4] = ["verifier", "hidden", "no_preview", "location"];

/// One attribute of a start tag, with its bytes.
struct Attribute<'a> {
    /// The blanks before it, name, and value as they stand.
    raw: &'a str,
    name: &'a str,
    value: Option<&'a str>,
}

struct Tag<'a> {
    name: &'a str,
    attributes: Vec<Attribute<'a>>,
    /// From the last attribute to the `>`.
    tail: &'a str,
}

/// The body without what was added for its reader. `hosts` are Canvas's own addresses; links to them become paths.
pub(crate) fn strip(html: &str, hosts: &[String]) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let Some((tag, after)) = read_tag(from) else {
            out.push('<');
            rest = from.get(1..).unwrap_or_default();
            continue;
        };
        rest = after;
        match tag.name.to_ascii_lowercase().as_str() {
            // Canvas stores neither: these are the account's theme.
            "link" => {}
            "script" => rest = after_script(after),
            name => write_tag(&mut out, name, &tag, hosts),
        }
    }
    out.push_str(rest);
    out
}

/// What follows the end tag of a script, or nothing where it is not closed.
fn after_script(text: &str) -> &str {
    let lower = text.to_ascii_lowercase();
    let end = lower
        .find("</script")
        .and_then(|start| lower.get(start..)?.find('>').map(|close| start + close + 1));
    end.and_then(|end| text.get(end..)).unwrap_or_default()
}

fn read_tag(text: &str) -> Option<(Tag<'_>, &str)> {
    let inner = text.strip_prefix('<')?;
    if !inner.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        return None;
    }
    let (name, mut rest) = split_where(inner, |letter| {
        letter.is_whitespace() || "/>".contains(letter)
    });
    let mut attributes = Vec::new();
    loop {
        let next = rest.trim_start();
        if next.starts_with('>') || next.starts_with("/>") {
            let end = rest.find('>')? + 1;
            let (tail, after) = rest.split_at_checked(end)?;
            let tag = Tag {
                name,
                attributes,
                tail,
            };
            return Some((tag, after));
        }
        let (attribute, after) = read_attribute(rest)?;
        attributes.push(attribute);
        rest = after;
    }
}

fn read_attribute(text: &str) -> Option<(Attribute<'_>, &str)> {
    let start = text.trim_start();
    let (name, after_name) = split_where(start, |letter| {
        letter.is_whitespace() || "=>".contains(letter)
    });
    if name.is_empty() {
        return None;
    }
    let Some(after_sign) = after_name.trim_start().strip_prefix('=') else {
        return finish(text, after_name, name, None);
    };
    let given = after_sign.trim_start();
    let quote = given
        .chars()
        .next()
        .filter(|letter| "\"'".contains(*letter));
    let (value, after) = match quote {
        Some(quote) => given.get(1..)?.split_once(quote)?,
        None => split_where(given, |letter| letter.is_whitespace() || letter == '>'),
    };
    finish(text, after, name, Some(value))
}

fn finish<'a>(
    text: &'a str,
    after: &'a str,
    name: &'a str,
    value: Option<&'a str>,
) -> Option<(Attribute<'a>, &'a str)> {
    let raw = text.get(..text.len() - after.len())?;
    Some((Attribute { raw, name, value }, after))
}

fn split_where(text: &str, is_end: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(is_end).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn write_tag(out: &mut String, element: &str, tag: &Tag<'_>, hosts: &[String]) {
    out.push('<');
    out.push_str(tag.name);
    for attribute in &tag.attributes {
        let name = attribute.name.to_ascii_lowercase();
        if READ_ATTRIBUTES.contains(&name.as_str()) || name.starts_with(READ_PREFIX) {
            continue;
        }
        match cleaned(element, &name, attribute.value.unwrap_or_default(), hosts) {
            None => out.push_str(attribute.raw),
            Some(value) if value.is_empty() && name == "class" => {}
            Some(value) => {
                let quote = if attribute.raw.ends_with('\'') {
                    '\''
                } else {
                    '"'
                };
                out.push(' ');
                out.push_str(attribute.name);
                out.push('=');
                out.push(quote);
                out.push_str(&value);
                out.push(quote);
            }
        }
    }
    out.push_str(tag.tail);
}

/// A value without noise; `None` when it has none.
fn cleaned(element: &str, name: &str, value: &str, hosts: &[String]) -> Option<String> {
    let new = match name {
        "class" if value.split_whitespace().any(|class| class == READ_CLASS) => {
            let kept: Vec<&str> = value
                .split_whitespace()
                .filter(|class| *class != READ_CLASS)
                .collect();
            kept.join(" ")
        }
        "href" | "src" | "poster" => address(value, hosts),
        "data" if element == "object" => address(value, hosts),
        _ => return None,
    };
    (new != value).then_some(new)
}

fn address(value: &str, hosts: &[String]) -> String {
    let path = hosts
        .iter()
        .find_map(|host| {
            let host = host.trim_end_matches('/');
            let head = value.get(..host.len())?;
            let path = value.get(host.len()..)?;
            let is_own = !host.is_empty()
                && head.eq_ignore_ascii_case(host)
                && path.starts_with('/')
                && !path.starts_with("//");
            is_own.then_some(path)
        })
        .unwrap_or(value);
    if path.contains("/files/") {
        without_parameters(path)
    } else {
        path.to_owned()
    }
}

fn without_parameters(address: &str) -> String {
    let Some((path, rest)) = address.split_once('?') else {
        return address.to_owned();
    };
    let (query, fragment) = match rest.split_once('#') {
        Some((query, fragment)) => (query, Some(fragment)),
        None => (rest, None),
    };
    // An `&` is written as an entity in HTML; the first of both spellings that is there is the separator.
    let separator = if query.contains("&amp;") {
        "&amp;"
    } else {
        "&"
    };
    let kept: Vec<&str> = query
        .split(separator)
        .filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            !READ_PARAMETERS.contains(&name)
        })
        .collect();
    let mut out = path.to_owned();
    if !kept.is_empty() {
        out.push('?');
        out.push_str(&kept.join(separator));
    }
    if let Some(fragment) = fragment {
        out.push('#');
        out.push_str(fragment);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(read: &str, expected: &str) {
        let hosts = ["https://c.edu".to_owned(), String::new()];
        let once = strip(read, &hosts);
        assert_eq!(once, expected);
        assert_eq!(strip(&once, &hosts), expected);
    }

    #[test]
    fn a_file_link_loses_host_verifier_and_api_address() {
        check(
            "<p>see <a class=\"instructure_file_link\" href=\"https://c.edu/courses/1/files/2/download?verifier=VVV&amp;wrap=1\" data-api-endpoint=\"https://c.edu/api/v1/courses/1/files/2\" data-api-returntype=\"File\">f</a></p>",
            "<p>see <a class=\"instructure_file_link\" href=\"/courses/1/files/2/download?wrap=1\">f</a></p>",
        );
        check(
            "<img src='https://C.edu/users/4/files/2/preview?verifier=V#x' alt='a \"b\"'>",
            "<img src='/users/4/files/2/preview#x' alt='a \"b\"'>",
        );
        check(
            "<a href=\"/files/2?hidden=1&verifier=a&b=c\">",
            "<a href=\"/files/2?b=c\">",
        );
    }

    #[test]
    fn theme_objects_and_equations_are_undressed() {
        check(
            "<link rel=\"stylesheet\" href=\"https://t/m.css\"><p>words</p><SCRIPT src=\"x\">a < b</SCRIPT >",
            "<p>words</p>",
        );
        check(
            "<object class=\"instructure_user_content \" data-uc_width=\"1px\" data-uc_snippet=\"PG9i\" data=\"https://e.org/x\" width=\"1\"></object>",
            "<object data=\"https://e.org/x\" width=\"1\"></object>",
        );
        check(
            "<img class=\"equation_image\" x-canvaslms-safe-mathml=\"<math></math>\" src=\"/equation_images/x\"/>",
            "<img class=\"equation_image\" src=\"/equation_images/x\"/>",
        );
    }

    #[test]
    fn everything_else_keeps_its_bytes() {
        for same in [
            "",
            "plain < words > & more",
            "<p  class = x\n data-a='1' hidden>t</p>",
            "<a href=\"https://c.education/files/1?x=1\">other host</a>",
            "<a href=\"https://c.edu//evil\">x</a>",
            "<a href=\"/courses/1?verifier=x\">no file</a>",
            "verifier=secret data-api-endpoint=\"x\"",
            "<p title=\"<script>\">quoted</p>",
            "<p unclosed",
            "<a href=\"unclosed>x</a>",
            "<>< p></p><!-- c --><1>",
        ] {
            check(same, same);
        }
        check("<script>never closed", "");
    }
}
