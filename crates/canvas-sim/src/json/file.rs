//! Files (contract canvas §6.3).

use super::{Reader, put, time};
use crate::act::home_path;
use crate::state::person::{FileOwner, StoredFile};
use crate::state::thread::Home;
use serde_json::{Value, json};

/// The coarse kind of a file.
pub(crate) fn mime_class(content_type: &str) -> &'static str {
    match content_type {
        "application/pdf" => "pdf",
        "text/html" => "html",
        t if t.starts_with("image/") => "image",
        t if t.starts_with("text/") => "text",
        t if t.starts_with("video/") => "video",
        t if t.starts_with("audio/") => "audio",
        "application/zip" => "zip",
        _ => "file",
    }
}

/// The path under which a file's owner shows it.
pub(crate) fn owner_path(owner: FileOwner) -> String {
    match owner {
        FileOwner::User(id) => format!("/users/{id}"),
        FileOwner::Course(id) => home_path(Home::Course(id)),
        FileOwner::Group(id) => home_path(Home::Group(id)),
    }
}

fn folder_id(file: &StoredFile) -> u64 {
    let owner = match file.owner {
        FileOwner::User(id) => id,
        FileOwner::Course(id) => id.saturating_add(1_000),
        FileOwner::Group(id) => id.saturating_add(2_000),
    };
    let depth = if file.folder.is_empty() { 0 } else { 10_000 };
    owner.saturating_add(depth)
}

/// One file as this reader sees it.
pub(crate) fn file(reader: &Reader<'_>, file: &StoredFile) -> Value {
    let verifier = if reader.shows_verifiers() || !reader.world.switches.no_verifiers_works {
        format!("&verifier={}", file.uuid)
    } else {
        String::new()
    };
    let url = format!(
        "{}/files/{}/download?download_frd=1{verifier}",
        reader.base, file.id
    );
    let class = mime_class(&file.content_type);
    let thumbnail = (class == "image").then(|| {
        format!(
            "{}/images/thumbnails/{}/{}",
            reader.base, file.id, file.uuid
        )
    });
    let mut out = json!({
        "id": file.id,
        "uuid": file.uuid,
        "folder_id": folder_id(file),
        "display_name": file.display_name,
        "filename": file.filename,
        "upload_status": if file.is_pending { "pending" } else { "success" },
        "content-type": file.content_type,
        "url": url,
        "size": file.bytes.len(),
        "created_at": time(Some(file.created_at)),
        "updated_at": time(Some(file.updated_at)),
        "unlock_at": null,
        "locked": false,
        "hidden": false,
        "lock_at": null,
        "hidden_for_user": false,
        "thumbnail_url": thumbnail,
        "modified_at": time(Some(file.updated_at)),
        "mime_class": class,
        "media_entry_id": null,
        "locked_for_user": false,
    });
    if reader.world.switches.newer_topic_keys {
        put(&mut out, json!({"category": "uncategorized"}));
    } else {
        put(&mut out, json!({"workflow_state": "processed"}));
    }
    out
}

/// The answer of upload step 3: more keys.
pub(crate) fn uploaded(reader: &Reader<'_>, stored: &StoredFile) -> Value {
    let mut out = file(reader, stored);
    let preview = format!(
        "{}/files/{}/file_preview?annotate=0",
        owner_path(stored.owner),
        stored.id
    );
    put(&mut out, json!({"preview_url": preview}));
    if !reader.world.switches.newer_topic_keys {
        put(
            &mut out,
            json!({"canvadoc_session_url": null, "crocodoc_session_url": null}),
        );
    }
    out
}
