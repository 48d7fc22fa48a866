//! Uploads (contract section 8.4).

use bytes::Bytes;
use sha1::{Digest, Sha1};

use crate::answer::Answer;
use crate::state::World;
use crate::state::upload::{Upload, image_size, sniff};
use crate::text::hex;

/// Stores a file, or finds the one with the same bytes; returns its id.
pub fn store(world: &mut World, name: &str, data: &Bytes) -> Result<i64, Answer> {
    if data.is_empty() {
        return Err(Answer::invalid_one(
            "Sorry, but the file you provided is empty.",
        ));
    }
    let sha1 = hex(&Sha1::digest(data));
    let named = name
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_lowercase());
    let extension = named
        .or_else(|| sniff(data).map(ToOwned::to_owned))
        .unwrap_or_default();
    let allowed = world
        .settings
        .text("authorized_extensions")
        .replace('|', ", ");
    if !allowed
        .split(", ")
        .any(|known| known == "*" || known == extension)
    {
        return Err(Answer::invalid_one(&format!(
            "Sorry, the file you are trying to upload is not authorized (authorized extensions: {allowed})."
        )));
    }
    let is_image = matches!(
        extension.as_str(),
        "jpg" | "jpeg" | "png" | "gif" | "heic" | "heif" | "webp" | "avif"
    );
    let size = image_size(data);
    if is_image && size.is_none() {
        return Err(Answer::invalid_one(
            "Sorry, but we couldn't determine the size of the image. Maybe your image is corrupted?",
        ));
    }
    let most = if is_image {
        "max_image_size_kb"
    } else {
        "max_attachment_size_kb"
    };
    let most_kb = world.settings.len(most);
    if data.len() > most_kb * 1_024 {
        return Err(Answer::invalid_one(&format!(
            "Sorry, the file you are trying to upload is too big (maximum size is {most_kb} KB)."
        )));
    }
    if let Some(id) = world.upload_by_sha1.get(&sha1) {
        return Ok(*id);
    }
    let id = world.ids.next("upload");
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name).to_owned();
    world.upload_by_sha1.insert(sha1.clone(), id);
    let size = size.filter(|_| is_image);
    world.uploads.insert(
        id,
        Upload {
            id,
            sha1,
            name,
            extension,
            data: data.clone(),
            size,
        },
    );
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::store;
    use crate::option::Options;
    use crate::state::World;
    use bytes::Bytes;
    use serde_json::json;

    #[test]
    fn files_are_found_again_by_their_bytes() {
        let mut world = World::new(&Options::default());
        let png = Bytes::from_static(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x28\0\0\0\x1e");
        let id = store(&mut world, "pic.png", &png).unwrap();
        assert_eq!(store(&mut world, "other.png", &png), Ok(id));
        assert_eq!(store(&mut world, "noext", &png), Ok(id));
        assert_eq!(world.uploads[&id].name, "pic.png");
        let text = Bytes::from_static(b"hello");
        for (name, data) in [("x.txt", &text), ("x.png", &text), ("x.png", &Bytes::new())] {
            assert_eq!(store(&mut world, name, data).unwrap_err().status, 422);
        }
        world
            .settings
            .set("authorized_extensions", &json!("png|txt"))
            .unwrap();
        store(&mut world, "x.txt", &text).unwrap();
        let big = Bytes::from(vec![b'a'; 4_096 * 1_024 + 1]);
        assert_eq!(store(&mut world, "x.txt", &big).unwrap_err().status, 422);
    }
}
