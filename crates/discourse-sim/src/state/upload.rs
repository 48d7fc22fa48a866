//! Uploaded files, found again by their SHA-1 (contract section 8.4).

use bytes::Bytes;

/// One file.
#[derive(Debug, Clone)]
pub struct Upload {
    /// The id.
    pub id: i64,
    /// Hex digits of the SHA-1 of the bytes.
    pub sha1: String,
    /// The name it first came with.
    pub name: String,
    /// Without the dot.
    pub extension: String,
    /// The bytes.
    pub data: Bytes,
    /// Width and height of images.
    pub size: Option<(i64, i64)>,
}

impl Upload {
    /// The path of the stored file.
    pub fn path(&self) -> String {
        format!(
            "/uploads/default/original/1X/{}.{}",
            self.sha1, self.extension
        )
    }

    /// `upload://<base62>.<ext>`.
    pub fn short_url(&self) -> String {
        format!("upload://{}.{}", base62(&self.sha1), self.extension)
    }

    /// The path that serves the file by its short name.
    pub fn short_path(&self) -> String {
        format!(
            "/uploads/short-url/{}.{}",
            base62(&self.sha1),
            self.extension
        )
    }
}

const DIGITS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// A SHA-1 in hex, read as one integer and written in base 62 (contract section 5.4).
pub fn base62(sha1_hex: &str) -> String {
    let mut number: Vec<u32> = sha1_hex
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .collect();
    let mut out = Vec::new();
    while number.iter().any(|digit| *digit != 0) {
        let mut rest = 0_u32;
        for digit in &mut number {
            let value = rest * 16 + *digit;
            *digit = value / 62;
            rest = value % 62;
        }
        out.push(
            usize::try_from(rest)
                .ok()
                .and_then(|at| DIGITS.get(at))
                .copied()
                .unwrap_or(b'0'),
        );
    }
    if out.is_empty() {
        out.push(b'0');
    }
    out.reverse();
    out.into_iter().map(char::from).collect()
}

/// Width and height of a PNG, GIF or JPEG, from its bytes.
pub fn image_size(data: &[u8]) -> Option<(i64, i64)> {
    let be16 = |at: usize| -> Option<i64> {
        Some(i64::from(*data.get(at)?) * 256 + i64::from(*data.get(at + 1)?))
    };
    if data.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some((
            be16(16)? * 65_536 + be16(18)?,
            be16(20)? * 65_536 + be16(22)?,
        ));
    }
    if data.starts_with(b"GIF8") {
        let le16 = |at: usize| -> Option<i64> {
            Some(i64::from(*data.get(at)?) + i64::from(*data.get(at + 1)?) * 256)
        };
        return Some((le16(6)?, le16(8)?));
    }
    if data.starts_with(&[0xff, 0xd8]) {
        return jpeg_size(data, be16);
    }
    if data.starts_with(b"RIFF") && data.get(8..12) == Some(b"WEBP") {
        return Some((1, 1));
    }
    None
}

fn jpeg_size(data: &[u8], be16: impl Fn(usize) -> Option<i64>) -> Option<(i64, i64)> {
    let mut at = 2_usize;
    while *data.get(at)? == 0xff {
        let marker = *data.get(at + 1)?;
        if (0xc0..=0xcf).contains(&marker) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            return Some((be16(at + 7)?, be16(at + 5)?));
        }
        at = at
            .checked_add(2)?
            .checked_add(usize::try_from(be16(at + 2)?).ok()?)?;
    }
    None
}

/// The extension that the bytes tell, for files without one.
pub fn sniff(data: &[u8]) -> Option<&'static str> {
    match data {
        [0x89, b'P', b'N', b'G', ..] => Some("png"),
        [0xff, 0xd8, ..] => Some("jpg"),
        [b'G', b'I', b'F', b'8', ..] => Some("gif"),
        [b'%', b'P', b'D', b'F', ..] => Some("pdf"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{base62, image_size, sniff};

    #[test]
    fn short_names_are_base62() {
        assert_eq!(
            base62("2732f12a8f18d27cf0fa78ef41091bfa1ccec9ce"),
            "5ALLnzS0wgl3LVbCIpBCTMlTVU2"
        );
        assert_eq!(
            base62("e672560c67b51250dc674e990799b57cfe7d62ea"),
            "wSCMuS9O9BucSz9G9glbzpvhn06"
        );
        assert_eq!(base62(""), "0");
    }

    #[test]
    fn images_are_measured() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x28\0\0\0\x1e";
        assert_eq!(image_size(png), Some((40, 30)));
        assert_eq!(sniff(png), Some("png"));
        assert_eq!(image_size(b"GIF89a\x05\0\x07\0"), Some((5, 7)));
        assert_eq!(
            image_size(b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x0b\x08\0\x09\0\x0c"),
            Some((12, 9))
        );
        assert_eq!(image_size(b"\xff\xd8\xff"), None);
        assert_eq!(image_size(b"hello"), None);
        assert_eq!(image_size(b""), None);
    }
}
