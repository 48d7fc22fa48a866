//! `POST /api/graphql` (contract canvas §17): always 200, errors in the body.

mod check;
mod connection;
mod discussion;
mod entry;
mod exec;
mod introspect;
mod mutation;
mod node;
mod parse;
mod schema;

use crate::answer::{Answer, Outcome};
use crate::route::Ctx;
use crate::world::World;
use parse::{Document, OperationKind};
use schema::Schema;
use serde_json::{Map, Value, json};

fn failed(errors: &[Value]) -> Answer {
    Answer::ok(json!({"errors": errors}))
}

fn find_operation(document: &Document, name: Option<&str>) -> Option<usize> {
    match name {
        Some(name) => document
            .operations
            .iter()
            .position(|o| o.name.as_deref() == Some(name)),
        None => (document.operations.len() == 1).then_some(0),
    }
}

fn variables(ctx: &Ctx<'_>) -> Map<String, Value> {
    match ctx.request.params.get("variables") {
        Some(Value::Object(map)) => map.clone(),
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        _ => Map::new(),
    }
}

/// The handler.
#[expect(clippy::unnecessary_wraps, reason = "every handler has this signature")]
pub(crate) fn answer(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    Ok(respond(world, ctx))
}

/// A scoped key gets null for everything: GraphQL is unusable with it.
fn respond(world: &mut World, ctx: &Ctx<'_>) -> Answer {
    let text = ctx.request.params.text("query").unwrap_or_default();
    if text.trim().is_empty() {
        return failed(&[json!({"message": "No query string was present"})]);
    }
    let document = match parse::parse(&text) {
        Ok(document) => document,
        Err(error) => {
            let places: Vec<Value> = error
                .at
                .iter()
                .map(|at| json!({"line": at.line, "column": at.column}))
                .collect();
            return failed(&[json!({"message": error.message, "locations": places})]);
        }
    };
    let name = ctx
        .request
        .params
        .text("operationName")
        .filter(|n| !n.is_empty());
    let Some(number) = find_operation(&document, name.as_deref()) else {
        let words = name.map_or_else(
            || "An operation name is required".to_owned(),
            |name| format!("No operation named {name:?}"),
        );
        return failed(&[json!({"message": words})]);
    };
    let schema = Schema {
        has_discussions: world.switches.graphql_discussions,
        has_restore: world.switches.restore_entries,
    };
    let errors = check::check(schema, &document, number, world.switches.graphql_limits);
    if !errors.is_empty() {
        return failed(&errors);
    }
    let Some(operation) = document.operations.get(number) else {
        return failed(&[]);
    };
    let variables = match exec::coerce(operation, &variables(ctx)) {
        Ok(variables) => variables,
        Err(error) => return failed(&[error]),
    };
    let is_mutation = operation.kind == OperationKind::Mutation;
    let (data, errors) = exec::Run::new(world, ctx, schema, &document, variables)
        .root(&operation.selections, is_mutation);
    let mut body = json!({"data": data});
    if !errors.is_empty() {
        crate::json::set(&mut body, "errors", Value::Array(errors));
    }
    Answer::ok(body)
}
