//! Files: upload in three steps, show, download (contract canvas §10).

use super::Ctx;
use crate::act::file::{self as act, Duplicate, NewFile};
use crate::answer::{Answer, Content, Fail, Outcome, bad};
use crate::id;
use crate::json::file as json_file;
use crate::policy;
use crate::state::person::{FileOwner, StoredFile};
use crate::state::thread::Home;
use crate::world::World;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// `POST C/files`: step 1 for a course or group.
pub(super) fn start(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let home = ctx.home(world)?;
    let course_id = crate::act::topic::course_of(world, home).ok_or(Fail::NotFound)?;
    let standing = policy::standing(&world.data, Some(ctx.user_id()), course_id);
    let owner = match home {
        Home::Course(id) if standing.is_staff() => FileOwner::Course(id),
        Home::Group(id) => FileOwner::Group(id),
        Home::Course(_) => return Err(Fail::NotPermitted),
    };
    begin(world, ctx, owner)
}

/// `POST users/self/files`: step 1 for the caller's own files.
pub(super) fn start_own(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let user = id::user(&world.data, ctx.arg(0), Some(ctx.user_id())).ok_or(Fail::NotFound)?;
    if user != ctx.user_id() {
        return Err(Fail::NotPermitted);
    }
    begin(world, ctx, FileOwner::User(user))
}

fn guess_type(name: &str) -> &'static str {
    match name
        .rsplit_once('.')
        .map(|(_, e)| e.to_lowercase())
        .as_deref()
    {
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("pdf") => "application/pdf",
        Some("txt") => "text/plain",
        Some("html") => "text/html",
        _ => "application/octet-stream",
    }
}

fn signature(file: &StoredFile) -> String {
    STANDARD.encode(format!("signature:{}", file.uuid))
}

fn policy_text(file: &StoredFile) -> String {
    STANDARD.encode(json!({"attachment_id": file.id, "until_ms": file.upload_until}).to_string())
}

fn begin(world: &mut World, ctx: &Ctx<'_>, owner: FileOwner) -> Outcome {
    let params = &ctx.request.params;
    if params.has("url") {
        return Err(bad("uploads by URL are not simulated"));
    }
    let name = params
        .text("name")
        .or_else(|| params.text("filename"))
        .filter(|n| !n.is_empty())
        .ok_or_else(|| bad("name is missing"))?;
    let size = params
        .text("size")
        .and_then(|t| t.parse().ok())
        .unwrap_or(0);
    act::check_quota(world, owner, size)?;
    let folder = params.text("parent_folder_path").unwrap_or_default();
    let duplicate = params.text("on_duplicate").unwrap_or_default();
    if duplicate == "error" && act::exists(world, owner, &folder, &name) {
        return Err(act::taken());
    }
    let content_type = params
        .text("content_type")
        .filter(|t| !t.is_empty())
        .unwrap_or_else(|| guess_type(&name).to_owned());
    let new = NewFile {
        owner,
        folder,
        name: name.clone(),
        content_type: content_type.clone(),
        bytes: Vec::new(),
        user_id: ctx.user_id(),
        is_pending: true,
        promised_size: size,
    };
    let file_id = act::store(world, new, Duplicate::Overwrite);
    let file = world.data.files.get(&file_id).ok_or(Fail::Internal)?;
    let tail = if duplicate.is_empty() || duplicate == "overwrite" {
        String::new()
    } else {
        format!(
            "?on_duplicate={}",
            percent_encoding::utf8_percent_encode(&duplicate, percent_encoding::NON_ALPHANUMERIC)
        )
    };
    let file_param = if world.switches.newer_topic_keys {
        "file"
    } else {
        "attachment[uploaded_data]"
    };
    Ok(Answer::ok(json!({
        "upload_url": format!("{}/files_api{tail}", ctx.base),
        "upload_params": {
            "Filename": name,
            "key": format!("/files-storage/0000/{file_id:04}/{name}"),
            "acl": "private",
            "Policy": policy_text(file),
            "Signature": signature(file),
            "content-type": content_type,
        },
        "file_param": file_param,
    })))
}

/// The pending file that policy and signature name; bad ones are an empty 400.
fn promised<'w>(world: &'w World, ctx: &Ctx<'_>) -> Result<&'w StoredFile, Fail> {
    let params = &ctx.request.params;
    let text = params.text("Policy").unwrap_or_default();
    let policy: Value = STANDARD
        .decode(text)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or(Fail::Empty(400))?;
    let id = policy
        .get("attachment_id")
        .and_then(Value::as_u64)
        .ok_or(Fail::Empty(400))?;
    let file = world
        .data
        .files
        .get(&id)
        .filter(|f| f.is_pending)
        .ok_or(Fail::Empty(400))?;
    let is_signed = params.text("Signature").as_deref() == Some(signature(file).as_str());
    let is_in_time = world.now() <= file.upload_until;
    if is_signed && is_in_time {
        Ok(file)
    } else {
        Err(Fail::Empty(400))
    }
}

/// `POST /files_api`: step 2, without a token. The file must come as a part of its own.
pub(super) fn receive(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let (id, uuid) = promised(world, ctx).map(|f| (f.id, f.uuid.clone()))?;
    let upload = ctx
        .request
        .file("attachment[uploaded_data]")
        .or_else(|| ctx.request.file("file"))
        .ok_or(Fail::Empty(400))?;
    let now = world.now();
    let unix_s = now.checked_div(1000).unwrap_or(0);
    let is_old = !world.switches.newer_topic_keys;
    if let Some(file) = world.data.files.get_mut(&id) {
        file.bytes = upload.bytes.to_vec();
        file.is_pending = false;
        file.updated_at = now;
        if is_old {
            file.filename = format!("{unix_s}_{id}__{}", file.filename);
        }
    }
    let duplicate = ctx.request.params.text("on_duplicate");
    let query = duplicate.map_or_else(String::new, |d| format!("on_duplicate={d}&"));
    if world.switches.file_service_201 {
        let duplicate = if query.contains("rename") {
            Duplicate::Rename
        } else {
            Duplicate::Overwrite
        };
        finish_now(world, id, duplicate);
        let url = format!(
            "{}/api/v1/files/{id}?include[]=enhanced_preview_url",
            ctx.base
        );
        let file = world.data.files.get(&id).ok_or(Fail::Internal)?;
        let mut body = json_file::file(&ctx.reader(world), file);
        crate::json::set(&mut body, "location", json!(url));
        return Ok(Answer::json(201, body).header("location", url));
    }
    let url = format!(
        "{}/api/v1/files/{id}/create_success?{query}uuid={uuid}",
        ctx.base
    );
    let escaped = url.replace('&', "&amp;");
    let page =
        format!("<html><body>You are being <a href=\"{escaped}\">redirected</a>.</body></html>");
    Ok(Answer::text(302, &page, "text/html; charset=utf-8").header("location", url))
}

fn finish_now(world: &mut World, id: u64, duplicate: Duplicate) {
    if let Some(file) = world.data.files.get_mut(&id) {
        file.is_finished = true;
    }
    act::settle_name(world, id, duplicate);
}

/// `GET files/:id/create_success`: step 3; the uuid authorises; the second time is an empty 400.
pub(super) fn finish(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let id = id::local(ctx.arg(0)).ok_or(Fail::NotFound)?;
    let file = world.data.files.get(&id).ok_or(Fail::NotFound)?;
    let is_known = ctx.request.params.text("uuid").as_deref() == Some(file.uuid.as_str());
    if !is_known || file.is_pending || file.is_finished {
        return Err(Fail::Empty(400));
    }
    let duplicate = match ctx.request.params.text("on_duplicate").as_deref() {
        Some("rename") => Duplicate::Rename,
        _ => Duplicate::Overwrite,
    };
    finish_now(world, id, duplicate);
    let file = world.data.files.get(&id).ok_or(Fail::NotFound)?;
    Ok(Answer::ok(json_file::uploaded(&ctx.reader(world), file)))
}

/// Whether the caller may open the file without its verifier.
fn may_open(world: &World, user_id: Option<u64>, file: &StoredFile) -> bool {
    let Some(user) = user_id else { return false };
    let is_admin = world.data.users.get(&user).is_some_and(|u| u.is_admin);
    is_admin
        || match file.owner {
            FileOwner::User(owner) => owner == user,
            FileOwner::Course(id) => policy::standing(&world.data, user_id, id).can_read_course(),
            FileOwner::Group(id) => world.data.groups.get(&id).is_some_and(|g| {
                g.member_ids.contains(&user)
                    || policy::standing(&world.data, user_id, g.course_id).is_staff()
            }),
        }
}

/// `GET files/:id`.
pub(super) fn show(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let id = ctx
        .args
        .last()
        .and_then(|a| id::local(a))
        .ok_or(Fail::NotFound)?;
    let file = act::resolve(world, id)
        .filter(|f| !f.is_pending)
        .ok_or(Fail::NotFound)?;
    if !may_open(world, Some(ctx.user_id()), file) {
        return Err(Fail::NotPermitted);
    }
    Ok(Answer::ok(json_file::file(&ctx.reader(world), file)))
}

/// `GET /files/:id/download` and its longer forms: by verifier or by right.
pub(super) fn download(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let id = ctx
        .args
        .last()
        .and_then(|a| id::local(a))
        .ok_or(Fail::NotFound)?;
    let file = act::resolve(world, id)
        .filter(|f| !f.is_pending)
        .ok_or(Fail::NotFound)?;
    let verifier = ctx.request.params.text("verifier");
    // The verifier of a replaced file still opens its replacement.
    let is_verified = verifier.as_ref().is_some_and(|v| {
        *v == file.uuid || world.data.files.get(&id).is_some_and(|old| old.uuid == *v)
    });
    let user_id = ctx.caller.as_ref().map(|c| c.user_id);
    if !is_verified && !may_open(world, user_id, file) {
        return Err(Fail::LoginNeeded);
    }
    let name = file.display_name.replace(['"', '\r', '\n'], "");
    Ok(Answer {
        status: 200,
        headers: vec![(
            "content-disposition",
            format!("attachment; filename=\"{name}\""),
        )],
        content: Content::Bytes(file.bytes.clone().into(), file.content_type.clone()),
    })
}
