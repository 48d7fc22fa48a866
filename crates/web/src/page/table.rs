//! A table once, shown as a page, as CSV and as JSON.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use model::Timestamp;
use serde_json::{Map, Value};

use super::layout;

/// The most rows of an export.
pub(crate) const EXPORT_MAX: usize = 10_000;
/// The rows of a page.
pub(crate) const PAGE: usize = 50;

/// What a cell holds, and how a page shows it.
pub(crate) struct Cell {
    value: Value,
    markup: Markup,
}

impl Cell {
    pub(crate) fn text(text: &str) -> Self {
        Self {
            value: text.into(),
            markup: html! { (text) },
        }
    }

    pub(crate) fn number(number: u64) -> Self {
        Self {
            value: number.into(),
            markup: html! { span.number { (number) } },
        }
    }

    pub(crate) fn time(at: Timestamp) -> Self {
        Self {
            value: layout::iso(at).into(),
            markup: layout::time(at),
        }
    }

    pub(crate) fn badge(word: &str) -> Self {
        Self {
            value: word.into(),
            markup: layout::badge(word),
        }
    }

    pub(crate) fn link(text: &str, address: &str) -> Self {
        Self {
            value: text.into(),
            markup: html! { a href=(address) { (text) } },
        }
    }

    /// A value with its own markup.
    pub(crate) fn with(value: impl Into<Value>, markup: Markup) -> Self {
        Self {
            value: value.into(),
            markup,
        }
    }
}

/// A table.
pub(crate) struct Table {
    pub(crate) caption: &'static str,
    /// The key in exports and the heading.
    pub(crate) columns: Vec<(&'static str, &'static str)>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// How a page is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Page,
    Csv,
    Json,
}

impl Format {
    pub(crate) fn parse(text: Option<&str>) -> Self {
        match text {
            Some("csv") => Self::Csv,
            Some("json") => Self::Json,
            _ => Self::Page,
        }
    }

    /// How many rows to read.
    pub(crate) fn limit(self) -> usize {
        if self == Self::Page { PAGE } else { EXPORT_MAX }
    }
}

impl Table {
    /// The table on a page; wide ones scroll by themselves.
    pub(crate) fn markup(&self, empty: &Markup) -> Markup {
        if self.rows.is_empty() {
            return html! { div.empty { (empty) } };
        }
        html! {
            div.scroll tabindex="0" role="region" aria-label=(self.caption) {
                table {
                    caption.hidden { (self.caption) }
                    thead { tr { @for (_, heading) in &self.columns { th scope="col" { (heading) } } } }
                    tbody {
                        @for row in &self.rows {
                            tr {
                                @for ((_, heading), cell) in self.columns.iter().zip(row) {
                                    td data-label=(heading) { (cell.markup) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// The table as a file.
    pub(crate) fn export(&self, format: Format, name: &str) -> Response {
        let (kind, ending, text) = if format == Format::Csv {
            ("text/csv; charset=utf-8", "csv", self.csv())
        } else {
            ("application/json", "json", self.json())
        };
        let disposition = format!("attachment; filename=\"antiphon-{name}.{ending}\"");
        (
            [
                (header::CONTENT_TYPE, kind.to_owned()),
                (header::CONTENT_DISPOSITION, disposition),
            ],
            text,
        )
            .into_response()
    }

    fn csv(&self) -> String {
        let mut text = String::new();
        let heads: Vec<String> = self.columns.iter().map(|(key, _)| field(key)).collect();
        text.push_str(&heads.join(","));
        text.push_str("\r\n");
        for row in &self.rows {
            let cells: Vec<String> = row
                .iter()
                .map(|cell| match &cell.value {
                    Value::Null => String::new(),
                    Value::String(text) => field(text),
                    other => other.to_string(),
                })
                .collect();
            text.push_str(&cells.join(","));
            text.push_str("\r\n");
        }
        text
    }

    fn json(&self) -> String {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                let pairs = self.columns.iter().zip(row);
                let object: Map<String, Value> = pairs
                    .map(|((key, _), cell)| ((*key).to_owned(), cell.value.clone()))
                    .collect();
                Value::Object(object)
            })
            .collect();
        Value::Array(rows).to_string()
    }
}

/// A CSV field. A text that a spreadsheet would take for a formula gets an apostrophe before it.
fn field(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

/// The links to the exports of a list, keeping its filters.
pub(crate) fn export_links(path: &str, query: &str) -> Markup {
    let and = if query.is_empty() { "" } else { "&" };
    html! {
        p.exports { "Export: "
            a href={ (path) "?" (query) (and) "format=csv" } download { "CSV" } " "
            a href={ (path) "?" (query) (and) "format=json" } download { "JSON" }
        }
    }
}

/// The link to the next page of a list.
pub(crate) fn older(path: &str, query: &str, last: Option<&str>, is_full: bool) -> Markup {
    let and = if query.is_empty() { "" } else { "&" };
    html! {
        @if let (Some(last), true) = (last, is_full) {
            p { a.button rel="next" href={ (path) "?" (query) (and) "before=" (last) } { "Older" } }
        }
    }
}

/// Filters as a query, without those that are not set.
pub(crate) fn query(pairs: &[(&str, Option<&str>)]) -> String {
    let set: Vec<(&str, &str)> = pairs
        .iter()
        .filter_map(|(name, value)| {
            value
                .filter(|value| !value.is_empty())
                .map(|value| (*name, value))
        })
        .collect();
    serde_urlencoded::to_string(set).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_stays_a_text() {
        assert_eq!(field("=1+1"), "'=1+1");
        assert_eq!(field("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(field("plain"), "plain");
    }

    #[test]
    fn markup_in_a_cell_is_text() {
        let table = Table {
            caption: "x",
            columns: vec![("a", "A")],
            rows: vec![vec![Cell::link("<script>", "/\"><script>")]],
        };
        let page = table.markup(&html! {}).into_string();
        assert!(!page.contains("<script>"), "{page}");
        assert_eq!(table.json(), r#"[{"a":"<script>"}]"#);
    }
}
