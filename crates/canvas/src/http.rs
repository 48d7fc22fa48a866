//! The calls themselves: one place that sends, classifies and follows pages.

use api_client::{Client, Method, Payload, Request, Response};
use connector::Result;
use serde_json::Value;

use crate::failure;

/// Pages are followed at most this far: 100,000 rows.
const PAGES_MAX: usize = 1_000;

/// The client with Canvas's classification.
pub(crate) struct Http {
    pub(crate) client: Client,
}

impl Http {
    /// Sends a request; everything but a success is a classified error.
    pub(crate) async fn send(&self, request: Request) -> Result<Response> {
        let is_write = request.is_write;
        let response = self
            .client
            .send(request)
            .await
            .map_err(|error| failure::from_client(&error, is_write))?;
        if response.is_success() {
            Ok(response)
        } else {
            Err(failure::from_response(&response, is_write))
        }
    }

    /// Reads one JSON value.
    pub(crate) async fn get(&self, request: Request) -> Result<Value> {
        let response = self.send(request).await?;
        response
            .json()
            .map_err(|error| failure::unexpected(&error.to_string()))
    }

    /// Reads all pages of a list: follows `next` and stops at an empty page (contract canvas §5).
    pub(crate) async fn list(&self, request: Request) -> Result<Vec<Value>> {
        let name = request.name;
        let mut rows = Vec::new();
        let mut next = Some(request.with_query("per_page", "100"));
        for _ in 0..PAGES_MAX {
            let Some(request) = next.take() else { break };
            let response = self.send(request).await?;
            let page: Vec<Value> = response
                .json()
                .map_err(|error| failure::unexpected(&error.to_string()))?;
            if page.is_empty() {
                break;
            }
            rows.extend(page);
            next = response.next_link().map(|link| Request::get(name, link));
        }
        Ok(rows)
    }

    /// Writes JSON and reads what was stored; an empty answer is `null`.
    pub(crate) async fn write(
        &self,
        (name, method): (&'static str, Method),
        path: String,
        (body, acting_as): (Value, Option<&str>),
    ) -> Result<Value> {
        let mut request = Request::write(name, method, path);
        if !body.is_null() {
            request = request.with_body(Payload::Json(body));
        }
        if let Some(user) = acting_as {
            request = request.with_query("as_user_id", user);
        }
        let response = self.send(request).await?;
        if response.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        // The write is done; what cannot be read must be looked at before anything is repeated.
        response
            .json()
            .map_err(|error| failure::from_client(&error, true))
    }
}
