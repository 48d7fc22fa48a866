//! Storing files: names, duplicates, quotas (contract canvas §8.8, §10).

use crate::answer::{Fail, bad};
use crate::request::Upload;
use crate::state::next;
use crate::state::person::{FileOwner, StoredFile};
use crate::world::World;
use serde_json::json;

/// What to do when the folder has a file of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duplicate {
    Overwrite,
    Rename,
}

/// A file to be stored.
pub(crate) struct NewFile {
    pub owner: FileOwner,
    pub folder: String,
    pub name: String,
    pub content_type: String,
    pub bytes: Vec<u8>,
    pub user_id: u64,
    pub is_pending: bool,
    pub promised_size: u64,
}

fn twin(world: &World, owner: FileOwner, folder: &str, name: &str, but: u64) -> Option<u64> {
    world
        .data
        .files
        .values()
        .find(|f| {
            f.id != but
                && f.owner == owner
                && f.folder == folder
                && f.display_name == name
                && !f.is_deleted
                && !f.is_pending
        })
        .map(|f| f.id)
}

/// Whether a finished file of that name exists there.
pub(crate) fn exists(world: &World, owner: FileOwner, folder: &str, name: &str) -> bool {
    twin(world, owner, folder, name, 0).is_some()
}

fn free_name(world: &World, owner: FileOwner, folder: &str, name: &str, id: u64) -> String {
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    (1_u32..100_000)
        .map(|n| format!("{stem}-{n}{extension}"))
        .find(|candidate| twin(world, owner, folder, candidate, id).is_none())
        .unwrap_or_else(|| name.to_owned())
}

/// Refuses a file that would exceed the owner's quota.
pub(crate) fn check_quota(world: &World, owner: FileOwner, size: u64) -> Result<(), Fail> {
    let used: u64 = world
        .data
        .files
        .values()
        .filter(|f| f.owner == owner && !f.is_deleted)
        .map(|f| u64::try_from(f.bytes.len()).unwrap_or(u64::MAX))
        .fold(0, u64::saturating_add);
    // Files of up to 1 KB are never refused (contract canvas §8.6).
    if size > 1024 && used.saturating_add(size) > world.switches.file_quota {
        return Err(bad("file size exceeds quota"));
    }
    Ok(())
}

/// Stores a file and returns its id.
pub(crate) fn store(world: &mut World, new: NewFile, duplicate: Duplicate) -> u64 {
    let now = world.now();
    let id = next(&mut world.data.last.file);
    let uuid = world.data.uuid();
    let file = StoredFile {
        id,
        owner: new.owner,
        folder: new.folder,
        display_name: new.name.clone(),
        filename: new.name,
        content_type: new.content_type,
        uuid,
        bytes: new.bytes,
        user_id: new.user_id,
        created_at: now,
        updated_at: now,
        is_pending: new.is_pending,
        is_finished: !new.is_pending,
        is_deleted: false,
        replaced_by: None,
        promised_size: new.promised_size,
        upload_until: now.saturating_add(30 * 60 * 1000),
    };
    let is_pending = file.is_pending;
    world.data.files.insert(id, file);
    if !is_pending {
        settle_name(world, id, duplicate);
    }
    id
}

/// Stores a file that came with a post or topic.
pub(crate) fn keep_upload(
    world: &mut World,
    upload: &Upload,
    owner: FileOwner,
    user_id: u64,
) -> u64 {
    let new = NewFile {
        owner,
        folder: "unfiled".to_owned(),
        name: upload.filename.clone(),
        content_type: upload.content_type.clone(),
        bytes: upload.bytes.to_vec(),
        user_id,
        is_pending: false,
        promised_size: 0,
    };
    store(world, new, Duplicate::Rename)
}

/// Renames or replaces, once the file is really there.
pub(crate) fn settle_name(world: &mut World, id: u64, duplicate: Duplicate) {
    let Some(file) = world.data.files.get(&id) else {
        return;
    };
    let (owner, folder, name) = (file.owner, file.folder.clone(), file.display_name.clone());
    let Some(old) = twin(world, owner, &folder, &name, id) else {
        return;
    };
    match duplicate {
        Duplicate::Rename => {
            let name = free_name(world, owner, &folder, &name, id);
            if let Some(file) = world.data.files.get_mut(&id) {
                file.display_name = name;
            }
        }
        Duplicate::Overwrite => {
            if let Some(old) = world.data.files.get_mut(&old) {
                old.is_deleted = true;
                old.replaced_by = Some(id);
            }
        }
    }
}

/// The answer to `on_duplicate=error` when the name is taken.
pub(crate) fn taken() -> Fail {
    Fail::Json(
        409,
        json!({"message": "file already exists; use on_duplicate='overwrite' or 'rename'"}),
    )
}

/// Follows replacements: an overwritten file resolves to the newer one.
pub(crate) fn resolve(world: &World, mut id: u64) -> Option<&StoredFile> {
    for _ in 0..100 {
        let file = world.data.files.get(&id)?;
        match file.replaced_by {
            Some(newer) => id = newer,
            None => return (!file.is_deleted).then_some(file),
        }
    }
    None
}
