//! `process_incoming`: what the stored form does to links (contract canvas §11.1).

use super::tag::{Fate, Tag, rewrite};

/// What the rewriting needs to know.
pub(crate) struct Incoming<'a> {
    /// Own scheme and host, without a slash at the end.
    pub base: &'a str,
    /// `/courses/1` if this file belongs to the course in which is written.
    pub prefix_of_file: &'a dyn Fn(u64) -> Option<String>,
}

const LINKS: &[&str] = &["href", "src", "data", "poster"];

/// The file id in `/files/12/...` at the start of a path.
pub(crate) fn leading_file_id(path: &str) -> Option<u64> {
    let rest = path.strip_prefix("/files/")?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

/// Removes the query parameter `verifier`.
pub(crate) fn without_verifier(url: &str) -> String {
    let Some((path, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|p| !p.starts_with("verifier="))
        .collect();
    if kept.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", kept.join("&"))
    }
}

fn link(url: &str, context: &Incoming<'_>) -> String {
    let relative = url
        .strip_prefix(context.base)
        .filter(|r| r.starts_with('/'));
    let path = relative.unwrap_or(url);
    if let Some(prefix) = leading_file_id(path).and_then(|id| (context.prefix_of_file)(id)) {
        return format!("{prefix}{}", without_verifier(path));
    }
    // A verifier in a link to a user's file stays (seen live, corpus "own user file image").
    if path.starts_with("/courses/") || path.starts_with("/groups/") {
        return without_verifier(path);
    }
    path.to_owned()
}

fn media_anchor(tag: &Tag) -> String {
    let id = tag.get("data-media_comment_id").unwrap_or_default();
    format!(
        "<a class=\"instructure_inline_media_comment {}_comment\" id=\"media_comment_{id}\" \
         href=\"/media_objects/{id}\"></a>",
        tag.name
    )
}

/// Rewrites sanitised HTML into the form that is stored.
pub(crate) fn process(html: &str, context: &Incoming<'_>) -> String {
    let is_touched = html.contains("verifier=")
        || html.contains("\"/files")
        || html.contains("instructure_inline_media_comment")
        || (!context.base.is_empty() && html.contains(context.base));
    if !is_touched {
        return html.to_owned();
    }
    rewrite(html, |tag, _| {
        let is_media = tag.has_class("instructure_inline_media_comment");
        if is_media && matches!(tag.name.as_str(), "video" | "audio") {
            return Fate::ReplaceElement(media_anchor(tag));
        }
        for name in LINKS {
            if let Some(url) = tag.get(name) {
                let new = link(url, context);
                if new != url {
                    tag.set(name, new);
                }
            }
        }
        if is_media && tag.name == "a" {
            Fate::DropContent
        } else {
            Fate::Keep
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(html: &str) -> String {
        let prefix = |id: u64| (id == 2).then(|| "/courses/1".to_owned());
        process(
            html,
            &Incoming {
                base: "http://canvas.test",
                prefix_of_file: &prefix,
            },
        )
    }

    #[test]
    fn own_links_become_relative_and_lose_the_verifier() {
        assert_eq!(
            store(
                "<a href=\"http://canvas.test/courses/1/files/2/download?verifier=x&amp;wrap=1\">n</a>"
            ),
            "<a href=\"/courses/1/files/2/download?wrap=1\">n</a>"
        );
        assert_eq!(
            store("<a href=\"/files/2/download\">n</a>"),
            "<a href=\"/courses/1/files/2/download\">n</a>"
        );
        let foreign = "<a href=\"/files/1/download?verifier=x\">n</a>";
        assert_eq!(store(foreign), foreign);
    }

    #[test]
    fn media_tags_become_empty_anchors() {
        assert_eq!(
            store(
                "<video class=\"instructure_inline_media_comment\" data-media_comment_id=\"m-1\">t</video>"
            ),
            "<a class=\"instructure_inline_media_comment video_comment\" id=\"media_comment_m-1\" href=\"/media_objects/m-1\"></a>"
        );
        assert_eq!(
            store(
                "<a id=\"media_comment_m-1\" class=\"instructure_inline_media_comment\">video</a>"
            ),
            "<a id=\"media_comment_m-1\" class=\"instructure_inline_media_comment\"></a>"
        );
    }
}
