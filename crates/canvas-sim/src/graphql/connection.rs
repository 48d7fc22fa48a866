//! Connections: pages of nodes with offset cursors, so pages shift under writes (contract §17).

use super::exec::{Arguments, Node, Res, Scene};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::json;
use std::collections::BTreeMap;

const DEFAULT_SIZE: usize = 20;
const MAX_SIZE: usize = 100;

fn cursor(number: usize) -> String {
    STANDARD_NO_PAD.encode(number.to_string())
}

fn read_cursor(text: &str) -> Option<usize> {
    let bytes = STANDARD_NO_PAD
        .decode(text)
        .or_else(|_| STANDARD.decode(text))
        .ok()?;
    String::from_utf8(bytes).ok()?.parse().ok()
}

/// The window of rows that the arguments ask for: start and end.
fn window(arguments: &Arguments, total: usize) -> (usize, usize) {
    let after = arguments
        .text("after")
        .and_then(|t| read_cursor(&t))
        .unwrap_or(0);
    let before = arguments
        .text("before")
        .and_then(|t| read_cursor(&t))
        .map_or(total, |n| n.saturating_sub(1));
    let start = after.min(total);
    let end = before.min(total).max(start);
    let size = |name: &str| arguments.count(name).map(|n| n.min(MAX_SIZE));
    match (size("first"), size("last")) {
        (None, Some(last)) => (end.saturating_sub(last).max(start), end),
        (first, _) => (
            start,
            start.saturating_add(first.unwrap_or(DEFAULT_SIZE)).min(end),
        ),
    }
}

/// Builds a connection of the given type names from all rows.
pub(super) fn connection(
    kinds: (&'static str, &'static str),
    rows: &[Node],
    arguments: &Arguments,
) -> Node {
    let (kind, edge_kind) = kinds;
    let total = rows.len();
    let (start, end) = window(arguments, total);
    let shown = rows.get(start..end).unwrap_or_default();
    let numbered = (start.saturating_add(1)..).zip(shown);
    let edges: Vec<Res> = numbered
        .map(|(number, node)| {
            let fields = BTreeMap::from([
                ("cursor", Res::Scalar(json!(cursor(number)))),
                ("node", Res::Node(node.clone())),
            ]);
            Res::Node(Node::Made(edge_kind, fields))
        })
        .collect();
    let nodes: Vec<Res> = shown.iter().cloned().map(Res::Node).collect();
    let ends = |number: Option<usize>| Res::Scalar(json!(number.map(cursor)));
    let has_rows = !shown.is_empty();
    let page = BTreeMap::from([
        (
            "startCursor",
            ends(has_rows.then(|| start.saturating_add(1))),
        ),
        ("endCursor", ends(has_rows.then_some(end))),
        ("hasNextPage", Res::Scalar(json!(end < total))),
        ("hasPreviousPage", Res::Scalar(json!(start > 0))),
    ]);
    let fields = BTreeMap::from([
        ("nodes", Res::List(nodes)),
        ("edges", Res::List(edges)),
        ("pageInfo", Res::Node(Node::Made("PageInfo", page))),
    ]);
    Node::Made(kind, fields)
}

/// The base64 relay id of an object.
pub(super) fn relay_id(kind: &str, id: u64) -> String {
    STANDARD.encode(format!("{kind}-{id}"))
}

/// Reads a relay id or a plain id; gives the type of a relay id as well.
pub(super) fn read_id(text: &str) -> Option<(Option<String>, u64)> {
    if let Some(id) = crate::id::local(text) {
        return Some((None, id));
    }
    let bytes = STANDARD.decode(text).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (kind, id) = text.rsplit_once('-')?;
    Some((Some(kind.to_owned()), id.parse().ok()?))
}

/// A time in the form of GraphQL.
pub(super) fn time(scene: &Scene<'_>, ms: Option<i64>) -> Res {
    let hours = scene.world.switches.utc_offset_hours;
    Res::Scalar(ms.map_or(serde_json::Value::Null, |ms| {
        json!(crate::clock::zoned(ms, hours))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, Value};

    fn arguments(value: Value) -> Arguments {
        match value {
            Value::Object(map) => Arguments(map),
            _ => Arguments(Map::new()),
        }
    }

    #[test]
    fn windows() {
        assert_eq!(window(&arguments(json!({})), 30), (0, 20));
        assert_eq!(window(&arguments(json!({"first": 500})), 300), (0, 100));
        assert_eq!(
            window(&arguments(json!({"first": 3, "after": "Mg"})), 30),
            (2, 5)
        );
        assert_eq!(window(&arguments(json!({"last": 3})), 30), (27, 30));
        assert_eq!(window(&arguments(json!({"after": "OTk"})), 30), (30, 30));
        assert_eq!(
            window(&arguments(json!({"after": "not base64!"})), 30),
            (0, 20)
        );
    }

    #[test]
    fn ids() {
        assert_eq!(relay_id("Discussion", 10), "RGlzY3Vzc2lvbi0xMA==");
        assert_eq!(
            read_id("RGlzY3Vzc2lvbi0xMA=="),
            Some((Some("Discussion".into()), 10))
        );
        assert_eq!(read_id("10"), Some((None, 10)));
        assert_eq!(read_id("x"), None);
    }
}
