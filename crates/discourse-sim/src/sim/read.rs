//! Reads the parameters of a request: query, JSON, form or multipart. Knows nothing of the state.

use axum::extract::{FromRequest, Multipart, Request};
use http::header::CONTENT_TYPE;

use crate::answer::Answer;
use crate::param::{FilePart, Params};

/// The largest body taken.
const LARGEST_BODY: usize = 64 * 1_024 * 1_024;

/// A request's parameters, and whether a GET came with a JSON body.
pub struct Read {
    /// The parameters.
    pub params: Params,
    /// A GET that came with a JSON body.
    pub get_with_body: bool,
}

/// Reads everything a request says.
pub async fn read_params(request: Request, query: &str, is_get: bool) -> Result<Read, Answer> {
    let mut params = Params::default();
    params.add_form(query);
    let media = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
        .to_owned();
    if media.starts_with("multipart/form-data") {
        read_multipart(request, &mut params).await?;
        return Ok(Read {
            params,
            get_with_body: false,
        });
    }
    let body = axum::body::to_bytes(request.into_body(), LARGEST_BODY)
        .await
        .map_err(|_| Answer::bare(413))?;
    let is_json = media.starts_with("application/json") || media.ends_with("+json");
    let get_with_body = is_get && is_json && !body.is_empty();
    if is_json && !body.is_empty() {
        let value = serde_json::from_slice(&body).map_err(|_| Answer::framework(400))?;
        params.add_json(value);
    } else if !body.is_empty() {
        let text = std::str::from_utf8(&body).map_err(|_| Answer::framework(400))?;
        params.add_form(text);
    }
    Ok(Read {
        params,
        get_with_body,
    })
}

async fn read_multipart(request: Request, params: &mut Params) -> Result<(), Answer> {
    let bad = || Answer::framework(400);
    let (mut parts, body) = request.into_parts();
    parts
        .extensions
        .insert(axum::extract::DefaultBodyLimit::max(LARGEST_BODY));
    let request = Request::from_parts(parts, body);
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|_| bad())?;
    while let Some(field) = form.next_field().await.map_err(|_| bad())? {
        let name = field.name().unwrap_or("").to_owned();
        let file = field.file_name().map(ToOwned::to_owned);
        let data = field.bytes().await.map_err(|_| bad())?;
        match file {
            Some(file) => params.files.push(FilePart { name: file, data }),
            None => params.add_pair(&name, String::from_utf8(data.to_vec()).map_err(|_| bad())?),
        }
    }
    Ok(())
}
