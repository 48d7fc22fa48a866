//! Pages and Link headers (contract canvas §5). Knows lists only as a length or as an iterator.

use crate::answer::Fail;
use crate::request::{Params, Request, scalar};
use crate::switches::Switches;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// Characters that stay in a query, as Rails' `to_query` leaves them.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b' ');
/// Links together stay under this; the least important go first.
const LINKS_MAX: usize = 6 * 1024;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub number: usize,
    pub per_page: usize,
}

impl Page {
    /// Reads `page` and `per_page`; malformed words are 404.
    pub(crate) fn read(
        request: &Request,
        switches: &Switches,
        default: usize,
    ) -> Result<Self, Fail> {
        let per_page = Self::read_size(&request.params, switches, default);
        let number = match request.params.text("page").filter(|t| !t.is_empty()) {
            None => 1,
            Some(text) => text
                .parse::<usize>()
                .ok()
                .filter(|n| *n >= 1)
                .ok_or(Fail::BadPage)?,
        };
        Ok(Self { number, per_page })
    }

    /// Reads `per_page` alone, clamped.
    pub(crate) fn read_size(params: &Params, switches: &Switches, default: usize) -> usize {
        match params.text("per_page").filter(|t| !t.is_empty()) {
            // Ruby's to_i: text that is no number is 0, then clamped to 1.
            Some(text) => text
                .trim()
                .parse::<usize>()
                .unwrap_or(0)
                .clamp(1, switches.per_page_max),
            None => default.min(switches.per_page_max),
        }
    }

    pub(crate) fn offset(&self) -> usize {
        self.number.saturating_sub(1).saturating_mul(self.per_page)
    }

    /// The rows of this page.
    pub(crate) fn cut<T>(&self, rows: Vec<T>) -> Vec<T> {
        rows.into_iter()
            .skip(self.offset())
            .take(self.per_page)
            .collect()
    }
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, QUERY)
        .to_string()
        .replace(' ', "+")
}

fn pairs(prefix: &str, value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            let mut nested: Vec<(&String, &Value)> = map.iter().collect();
            nested.sort_by_key(|(k, _)| *k);
            for (key, inner) in nested {
                let name = if prefix.is_empty() {
                    key.clone()
                } else {
                    format!("{prefix}[{key}]")
                };
                pairs(&name, inner, out);
            }
        }
        Value::Array(items) => {
            for item in items {
                pairs(&format!("{prefix}[]"), item, out);
            }
        }
        other => out.push(format!(
            "{}={}",
            encode(prefix),
            encode(&scalar(other).unwrap_or_default())
        )),
    }
}

/// The query without what links never repeat, in Rails' order.
fn query_of(request: &Request) -> String {
    let Value::Object(map) = &request.query else {
        return String::new();
    };
    let mut kept = map.clone();
    for name in ["page", "per_page", "access_token", "api_key"] {
        kept.remove(name);
    }
    let mut out = Vec::new();
    pairs("", &Value::Object(kept), &mut out);
    out.join("&")
}

fn header(list: List<'_>, words: &[(&str, String)]) -> String {
    let List {
        request,
        base,
        path,
    } = list;
    let query = query_of(request);
    // Dropped in this order when too long: first, current, prev, last, next.
    let mut kept: Vec<&(&str, String)> = words.iter().collect();
    let write = |kept: &[&(&str, String)]| {
        kept.iter()
            .map(|(rel, page)| {
                let glue = if query.is_empty() {
                    String::new()
                } else {
                    format!("{query}&")
                };
                format!("<{base}{path}?{glue}{page}>; rel=\"{rel}\"")
            })
            .collect::<Vec<_>>()
            .join(",")
    };
    for rel in ["first", "current", "prev", "last", "next"] {
        if write(&kept).len() <= LINKS_MAX {
            break;
        }
        kept.retain(|(r, _)| *r != rel);
    }
    write(&kept)
}

/// Which list a Link header belongs to.
#[derive(Clone, Copy)]
pub(crate) struct List<'a> {
    pub request: &'a Request,
    /// Scheme and host, without a slash at the end.
    pub base: &'a str,
    pub path: &'a str,
}

/// The Link header of an offset page; `total` is the length of the whole list.
pub(crate) fn links(list: List<'_>, page: &Page, total: usize, switches: &Switches) -> String {
    let end = total.div_ceil(page.per_page).max(1);
    let is_past = page.number > end;
    let size = if is_past && switches.endless_next {
        30
    } else {
        page.per_page
    };
    let at = |number: usize| format!("page={number}&per_page={size}");
    let mut words = vec![("current", at(page.number))];
    let has_next = page.number < end || (is_past && switches.endless_next);
    if has_next {
        words.push(("next", at(page.number.saturating_add(1))));
    }
    if page.number > 1 {
        words.push(("prev", at(page.number.saturating_sub(1))));
    }
    words.push(("first", at(1)));
    if !(is_past && switches.endless_next) {
        words.push(("last", at(end)));
    }
    header(list, &words)
}

/// The Link header of a bookmark page.
pub(crate) fn bookmark_links(
    list: List<'_>,
    current: &str,
    next: Option<&str>,
    per_page: usize,
) -> String {
    let at = |word: &str| format!("page={word}&per_page={per_page}");
    let mut words = vec![("current", at(current))];
    if let Some(next) = next {
        words.push(("next", at(next)));
    }
    words.push(("first", at("first")));
    header(list, &words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::form;
    use crate::switches::Profile;

    fn request(query: &str) -> Request {
        let map = form(query);
        Request {
            method: http::Method::GET,
            path: "/x".into(),
            query: Value::Object(map.clone()),
            params: Params(map),
            headers: http::HeaderMap::new(),
            files: Vec::new(),
            is_json: false,
            is_broken: false,
            host: None,
            client_ip: String::new(),
        }
    }

    fn list(request: &Request) -> List<'_> {
        List {
            request,
            base: "http://c",
            path: "/api/v1/x",
        }
    }

    #[test]
    fn link_header_form() {
        let switches = Switches::new(Profile::Current);
        let r = request(
            "per_page=2&page=2&search_term=Section%202&include[]=b&include[]=a&access_token=t",
        );
        let page = Page::read(&r, &switches, 10).unwrap();
        let q = "include%5B%5D=b&include%5B%5D=a&search_term=Section+2";
        assert_eq!(
            links(list(&r), &page, 5, &switches),
            format!(
                "<http://c/api/v1/x?{q}&page=2&per_page=2>; rel=\"current\",\
                 <http://c/api/v1/x?{q}&page=3&per_page=2>; rel=\"next\",\
                 <http://c/api/v1/x?{q}&page=1&per_page=2>; rel=\"prev\",\
                 <http://c/api/v1/x?{q}&page=1&per_page=2>; rel=\"first\",\
                 <http://c/api/v1/x?{q}&page=3&per_page=2>; rel=\"last\""
            )
        );
    }

    #[test]
    fn sizes_are_clamped_and_bad_pages_are_404() {
        let new = Switches::new(Profile::Current);
        let old = Switches::new(Profile::Canvas2019);
        assert_eq!(
            Page::read(&request("per_page=500"), &new, 10)
                .unwrap()
                .per_page,
            100
        );
        assert_eq!(
            Page::read(&request("per_page=500"), &old, 10)
                .unwrap()
                .per_page,
            50
        );
        assert_eq!(
            Page::read(&request("per_page=0"), &new, 10)
                .unwrap()
                .per_page,
            1
        );
        for bad in ["0", "-1", "abc", "first"] {
            assert!(
                Page::read(&request(&format!("page={bad}")), &new, 10).is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn past_the_end() {
        let page = Page {
            number: 99,
            per_page: 2,
        };
        let old = links(
            list(&request("")),
            &page,
            5,
            &Switches::new(Profile::Canvas2019),
        );
        assert!(
            old.contains("page=100&per_page=30>; rel=\"next\"") && !old.contains("last"),
            "{old}"
        );
        let new = links(
            list(&request("")),
            &page,
            5,
            &Switches::new(Profile::Current),
        );
        assert!(
            !new.contains("next") && new.contains("page=3&per_page=2>; rel=\"last\""),
            "{new}"
        );
    }

    #[test]
    fn very_long_queries_lose_links() {
        let ids: Vec<String> = (0..600).map(|n| format!("ids[]={n}")).collect();
        let page = Page {
            number: 1,
            per_page: 10,
        };
        let link = links(
            list(&request(&ids.join("&"))),
            &page,
            600,
            &Switches::new(Profile::Current),
        );
        assert!(link.is_empty(), "{}", link.len());
    }
}
