//! Uploads (contract section 8.4).
#![expect(clippy::unnecessary_wraps, reason = "endpoints have one signature")]

use serde_json::{Value, json};

use super::{Call, Route};
use crate::act::upload as act;
use crate::answer::{Answer, Outcome};
use crate::json::upload;
use crate::state::upload::Upload;

pub const ROUTES: &[Route] = &[
    Route {
        method: "POST",
        template: "/uploads",
        run: create,
    },
    Route {
        method: "POST",
        template: "/uploads/lookup-urls",
        run: lookup,
    },
    Route {
        method: "GET",
        template: "/uploads/short-url/{name}",
        run: short,
    },
    Route {
        method: "GET",
        template: "/uploads/default/original/{level}/{name}",
        run: original,
    },
];

fn create(call: &mut Call<'_>) -> Outcome {
    call.actor.id.ok_or_else(Answer::bad_csrf)?;
    if call
        .params
        .text("upload_type")
        .or_else(|| call.params.text("type"))
        .is_none()
    {
        return Err(Answer::missing_parameter("upload_type"));
    }
    let Some(file) = call.params.files.first() else {
        return Err(Answer::json_status(
            422,
            json!({ "failed": "FAILED", "message": "You must select a file." }),
        ));
    };
    let id = act::store(call.world, &file.name, &file.data)?;
    let row = call.world.uploads.get(&id).ok_or_else(Answer::not_found)?;
    Ok(Answer::json(upload::upload(call.world, row)))
}

fn lookup(call: &mut Call<'_>) -> Outcome {
    let urls = call.params.list("short_urls").unwrap_or_default();
    let list: Vec<Value> = urls
        .iter()
        .filter_map(|url| call.world.uploads.values().find(|row| row.short_url() == *url))
        .map(|row| {
            json!({ "short_url": row.short_url(), "url": row.path(), "short_path": row.short_path() })
        })
        .collect();
    Ok(Answer::json(json!(list)))
}

fn media_type(extension: &str) -> &'static str {
    match extension {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        _ => "application/octet-stream",
    }
}

fn serve(row: Option<&Upload>) -> Outcome {
    let row = row.ok_or_else(Answer::not_found)?;
    Ok(Answer::file(
        row.data.clone(),
        media_type(&row.extension).to_owned(),
    ))
}

fn short(call: &mut Call<'_>) -> Outcome {
    let path = format!("/uploads/short-url/{}", call.var(0));
    serve(
        call.world
            .uploads
            .values()
            .find(|row| row.short_path() == path),
    )
}

fn original(call: &mut Call<'_>) -> Outcome {
    let sha1 = call.var(1).split('.').next().unwrap_or("").to_owned();
    let id = call.world.upload_by_sha1.get(&sha1);
    serve(id.and_then(|id| call.world.uploads.get(id)))
}
