//! GraphQL over the same client (contract canvas §17): 200 even with errors, so the body decides.

use api_client::{Method, Payload, Request};
use connector::Result;
use serde_json::{Value, json};

use crate::failure;
use crate::http::Http;

/// What an entry is read with, by queries and mutations alike.
pub(crate) const ENTRY_FIELDS: &str = "_id parentId message createdAt updatedAt editedAt deleted \
     author { _id shortName } attachment { _id }";

/// Runs a query and returns its `data`.
pub(crate) async fn query(
    http: &Http,
    name: &'static str,
    (text, variables): (&str, Value),
) -> Result<Value> {
    let mut request = Request::get(name, "/api/graphql");
    request.method = Method::POST;
    run(http, request, text, variables).await
}

/// Runs a mutation and returns what it answers under its own name.
pub(crate) async fn mutate(
    http: &Http,
    (name, mutation): (&'static str, &str),
    (text, variables): (&str, Value),
) -> Result<Value> {
    let request = Request::write(name, Method::POST, "/api/graphql");
    let data = run(http, request, text, variables).await?;
    let answer = data.get(mutation).cloned().unwrap_or(Value::Null);
    let errors = crate::wire::list(&answer, "errors");
    if !errors.is_empty() {
        return Err(failure::from_graphql(errors));
    }
    if answer.is_null() {
        return Err(failure::from_graphql(&[json!({ "message": "not found" })]));
    }
    Ok(answer)
}

async fn run(http: &Http, request: Request, text: &str, variables: Value) -> Result<Value> {
    let body = json!({ "query": text, "variables": variables });
    let is_write = request.is_write;
    let response = http.send(request.with_body(Payload::Json(body))).await?;
    let answer: Value = response
        .json()
        .map_err(|error| failure::from_client(&error, is_write))?;
    let errors = crate::wire::list(&answer, "errors");
    if !errors.is_empty() {
        return Err(failure::from_graphql(errors));
    }
    Ok(answer.get("data").cloned().unwrap_or(Value::Null))
}
