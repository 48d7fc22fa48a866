//! Request bodies, as values, put into a request of the HTTP library.

use crate::error::Error;
use crate::request::{Part, PartContent, Payload};

/// The request with this body.
pub(crate) fn put(
    builder: reqwest::RequestBuilder,
    body: &Payload,
) -> Result<reqwest::RequestBuilder, Error> {
    Ok(match body {
        Payload::None => builder,
        Payload::Json(value) => builder.json(value),
        Payload::Form(pairs) => builder.form(pairs),
        Payload::Multipart(parts) => builder.multipart(multipart(parts)?),
    })
}

fn multipart(parts: &[Part]) -> Result<reqwest::multipart::Form, Error> {
    let mut form = reqwest::multipart::Form::new();
    for part in parts {
        form = match &part.content {
            PartContent::Text(text) => form.text(part.name.clone(), text.clone()),
            PartContent::File {
                file_name,
                content_type,
                bytes,
            } => {
                let file = reqwest::multipart::Part::bytes(bytes.to_vec())
                    .file_name(file_name.clone())
                    .mime_str(content_type)
                    .map_err(Error::setup)?;
                form.part(part.name.clone(), file)
            }
        };
    }
    Ok(form)
}
