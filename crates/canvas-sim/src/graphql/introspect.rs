//! `__type` and `__schema`: enough for a client that probes before use (contract canvas §17).

use super::exec::{Node, Res};
use super::schema::{Row, Schema, element};
use serde_json::json;
use std::collections::BTreeMap;

fn named(kind: &'static str, name: &str) -> Res {
    Res::Node(Node::Made(
        kind,
        BTreeMap::from([("name", Res::Scalar(json!(name)))]),
    ))
}

fn reference(schema: Schema, written: &str) -> Res {
    let name = element(written);
    let is_list = written.starts_with('[');
    let inner_kind = if schema.is_composite(name) {
        "OBJECT"
    } else {
        "SCALAR"
    };
    let inner = Node::Made(
        "__Type",
        BTreeMap::from([
            ("name", Res::Scalar(json!(name))),
            ("kind", Res::Scalar(json!(inner_kind))),
            ("ofType", Res::null()),
        ]),
    );
    if !is_list {
        return Res::Node(inner);
    }
    let list = BTreeMap::from([
        ("name", Res::null()),
        ("kind", Res::Scalar(json!("LIST"))),
        ("ofType", Res::Node(inner)),
    ]);
    Res::Node(Node::Made("__Type", list))
}

fn field(schema: Schema, row: Row) -> Res {
    let (_, name, result, arguments) = row;
    let arguments = arguments
        .split_whitespace()
        .map(|a| named("__InputValue", a.trim_end_matches('!')))
        .collect();
    Res::Node(Node::Made(
        "__Field",
        BTreeMap::from([
            ("name", Res::Scalar(json!(name))),
            ("args", Res::List(arguments)),
            ("type", reference(schema, result)),
        ]),
    ))
}

/// One type, or null if the schema does not know it.
pub(super) fn kind(schema: Schema, name: &str) -> Res {
    if name == "NodeType" {
        let values = schema
            .node_types()
            .iter()
            .map(|n| named("__EnumValue", n))
            .collect();
        return Res::Node(Node::Made(
            "__Type",
            BTreeMap::from([
                ("name", Res::Scalar(json!(name))),
                ("kind", Res::Scalar(json!("ENUM"))),
                ("enumValues", Res::List(values)),
            ]),
        ));
    }
    let rows = schema.fields(name);
    if rows.is_empty() {
        return Res::null();
    }
    let fields = rows.into_iter().map(|row| field(schema, row)).collect();
    let kind = if name == "Node" {
        "INTERFACE"
    } else {
        "OBJECT"
    };
    Res::Node(Node::Made(
        "__Type",
        BTreeMap::from([
            ("name", Res::Scalar(json!(name))),
            ("kind", Res::Scalar(json!(kind))),
            ("fields", Res::List(fields)),
        ]),
    ))
}

/// The whole schema.
pub(super) fn schema(schema: Schema) -> Res {
    let types = schema
        .types()
        .into_iter()
        .filter(|n| !n.starts_with("__"))
        .map(|n| kind(schema, n));
    Res::Node(Node::Made(
        "__Schema",
        BTreeMap::from([
            ("types", Res::List(types.collect())),
            ("queryType", kind(schema, "Query")),
            ("mutationType", kind(schema, "Mutation")),
        ]),
    ))
}
