//! The OpenAPI file, made from the table of addresses, and a page that shows it without outside resources.

use axum::response::Response;
use axum::{Extension, Json};
use maud::html;
use serde_json::{Map, Value, json};

use crate::access::Caller;
use crate::endpoint::{ENDPOINTS, Endpoint, Need};
use crate::page::layout;

/// The OpenAPI file of the admin API.
pub fn openapi() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in ENDPOINTS
        .iter()
        .filter(|endpoint| endpoint.path.starts_with("/api/v1/"))
    {
        let methods = paths
            .entry(endpoint.path.to_owned())
            .or_insert_with(|| json!({}));
        if let Some(methods) = methods.as_object_mut() {
            methods.insert(endpoint.method.to_lowercase(), operation(endpoint));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Antiphon admin API", "version": "1",
            "description": "Lists end with `next`: give it back as `before` (or `after`) for the next page; null is the end. Writes take an `Idempotency-Key`." },
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": { "Problem": {
                "type": "object",
                "required": ["type", "title", "status", "code", "detail"],
                "properties": {
                    "type": { "type": "string" }, "title": { "type": "string" }, "status": { "type": "integer" },
                    "code": { "type": "string", "pattern": "^SYNC-[0-9]{4}$" }, "detail": { "type": "string" },
                },
            } },
        },
        "security": [{ "token": [] }],
    })
}

fn role(need: Need) -> &'static str {
    match need {
        Need::Nothing => "nobody",
        Need::Own => "teacher (own courses), viewer, operator or admin",
        Need::View => "viewer, operator or admin",
        Need::OwnOperate => "teacher (own courses), operator or admin",
        Need::Operate => "operator or admin",
        Need::Administer => "admin",
    }
}

fn is_number(field: &str) -> bool {
    matches!(
        field,
        "limit" | "from_ms" | "until_ms" | "days" | "hours" | "max_changes"
    )
}

fn schema(field: &str) -> Value {
    match field {
        _ if is_number(field) => json!({ "type": "integer" }),
        "locked" | "pinned" | "deleted" | "dry_run" => json!({ "type": "boolean" }),
        "ids" | "courses" => json!({ "type": "array", "items": { "type": "string" } }),
        "filter" => json!({ "type": "object" }),
        _ => json!({ "type": "string" }),
    }
}

fn operation(endpoint: &Endpoint) -> Value {
    let mut parameters: Vec<Value> = Vec::new();
    if endpoint.path.contains("{id}") {
        parameters.push(
            json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }),
        );
    }
    let mut operation = json!({
        "summary": endpoint.summary,
        "description": format!("Needs: {}.", role(endpoint.need)),
        "responses": {
            "200": { "description": "Done.", "content": { "application/json": { "schema": { "type": "object" } } } },
            "default": { "description": "Not done.", "content": {
                "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } },
        },
    });
    if endpoint.method == "GET" {
        parameters.extend(
            endpoint
                .fields
                .iter()
                .map(|field| json!({ "name": field, "in": "query", "schema": schema(field) })),
        );
    } else {
        parameters.push(json!({ "name": "Idempotency-Key", "in": "header", "schema": { "type": "string", "maxLength": 128 } }));
        let properties: Map<String, Value> = endpoint
            .fields
            .iter()
            .map(|field| ((*field).to_owned(), schema(field)))
            .collect();
        let body = json!({ "content": { "application/json": { "schema": {
            "type": "object", "additionalProperties": false, "properties": properties } } } });
        if let Some(object) = operation.as_object_mut() {
            object.insert("requestBody".to_owned(), body);
        }
    }
    if let Some(object) = operation.as_object_mut() {
        object.insert("parameters".to_owned(), Value::Array(parameters));
    }
    operation
}

/// `GET /api/v1/openapi.json`.
pub(crate) async fn file() -> Json<Value> {
    Json(openapi())
}

/// `GET /api/docs`.
pub(crate) async fn docs(Extension(caller): Extension<Caller>) -> Response {
    let api = ENDPOINTS
        .iter()
        .filter(|endpoint| endpoint.path.starts_with("/api/v1/"));
    let body = html! {
        h1 { "Admin API" }
        p { "Send " code { "Authorization: Bearer TOKEN" } ". Lists end with " code { "next" } ": give it back as " code { "before" } " or " code { "after" } ". Writes take an " code { "Idempotency-Key" } ". Errors are " code { "problem+json" } " with our codes. At most 600 requests a minute." }
        p { a href="/api/v1/openapi.json" { "openapi.json" } }
        @for endpoint in api {
            section.card {
                h2 { code { (endpoint.method) " " (endpoint.path) } }
                p { (endpoint.summary) " Needs: " (role(endpoint.need)) "." }
                @if !endpoint.fields.is_empty() { p { @if endpoint.method == "GET" { "Filters: " } @else { "Fields: " } code { (endpoint.fields.join(", ")) } } }
            }
        }
    };
    layout::answer(&caller, "Admin API", "", &body)
}
