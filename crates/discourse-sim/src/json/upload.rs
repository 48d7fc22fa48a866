//! Uploads (contract section 5.4).

use serde_json::{Value, json};

use super::set;
use crate::state::World;
use crate::state::upload::Upload;

/// The answer of `POST /uploads`.
pub fn upload(world: &World, row: &Upload) -> Value {
    let host = world
        .base_url
        .split_once("://")
        .map_or(world.base_url.as_str(), |(_, host)| host);
    let (width, height) = row.size.unzip();
    let mut value = json!({
        "id": row.id,
        "url": format!("//{host}{}", row.path()),
        "original_filename": row.name,
        "filesize": row.data.len(),
        "width": width,
        "height": height,
        "thumbnail_width": width.map(|width| width.min(690)),
        "thumbnail_height": height.map(|height| height.min(500)),
        "extension": row.extension,
        "short_url": row.short_url(),
        "short_path": row.short_path(),
        "retain_hours": null,
        "human_filesize": human(row.data.len()),
    });
    let colour = if row.size.is_some() {
        json!("808080")
    } else {
        Value::Null
    };
    set(&mut value, "dominant_color", colour);
    if world.switches.newer_fields {
        set(&mut value, "thumbnail", Value::Null);
    }
    value
}

/// `17 Bytes`, `12.3 KB`.
pub fn human(size: usize) -> String {
    let size = u32::try_from(size).unwrap_or(u32::MAX);
    match size {
        1 => "1 Byte".to_owned(),
        0..1_024 => format!("{size} Bytes"),
        1_024..1_048_576 => format!("{:.1} KB", f64::from(size) / 1_024.0),
        _ => format!("{:.1} MB", f64::from(size) / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn sizes_have_units() {
        assert_eq!(human(17), "17 Bytes");
        assert_eq!(human(12_595), "12.3 KB");
        assert_eq!(human(4_194_304), "4.0 MB");
    }
}
