//! The read form: what REST adds for one reader (contract canvas §11.2). Never stored.

use super::incoming::leading_file_id;
use super::tag::{Fate, Tag, escape, rewrite};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What the rewriting needs to know.
pub(crate) struct Outgoing<'a> {
    /// Own scheme and host, without a slash at the end.
    pub base: &'a str,
    /// `/courses/1`, for media links.
    pub home_path: &'a str,
    /// The verifier of a file that this reader may open.
    pub verifier_of: &'a dyn Fn(u64) -> Option<String>,
    /// Wrap in the account's theme tags.
    pub has_theme: bool,
}

/// The API twin of a page link: path and kind.
fn api_twin(path: &str) -> Option<(String, String)> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let (context, rest): (String, &[&str]) = match parts.as_slice() {
        [kind @ ("courses" | "groups" | "users"), id, rest @ ..] => (format!("/{kind}/{id}"), rest),
        rest => (String::new(), rest),
    };
    let single = |noun: &str, id: &str, kind: &str| {
        Some((format!("/api/v1{context}/{noun}/{id}"), kind.to_owned()))
    };
    let list = |noun: &str, kind: &str| {
        (!context.is_empty()).then(|| (format!("/api/v1{context}/{noun}"), format!("[{kind}]")))
    };
    let is_number = |id: &str| !id.is_empty() && id.chars().all(|c| c.is_ascii_digit() || c == '~');
    match rest {
        ["files", id, ..] if is_number(id) => single("files", id, "File"),
        _ if context.is_empty() => None,
        ["assignments", id] if is_number(id) => single("assignments", id, "Assignment"),
        ["assignments"] => list("assignments", "Assignment"),
        ["discussion_topics" | "announcements", id] if is_number(id) => {
            single("discussion_topics", id, "Discussion")
        }
        ["discussion_topics"] => list("discussion_topics", "Discussion"),
        ["pages" | "wiki", id] => single("pages", id, "Page"),
        ["pages" | "wiki"] => list("pages", "Page"),
        ["quizzes", id] if is_number(id) => single("quizzes", id, "Quiz"),
        ["quizzes"] => list("quizzes", "Quiz"),
        ["modules", id] if is_number(id) => single("modules", id, "Module"),
        ["modules"] => list("modules", "Module"),
        _ => None,
    }
}

fn file_id(path: &str) -> Option<u64> {
    let at = path.find("/files/")?;
    leading_file_id(path.get(at..)?)
}

fn with_verifier(path: &str, context: &Outgoing<'_>) -> String {
    // Links to users' files get none (seen live, corpus "own user file image").
    if !(path.starts_with("/courses/") || path.starts_with("/groups/")) {
        return path.to_owned();
    }
    let Some(verifier) = file_id(path).and_then(|id| (context.verifier_of)(id)) else {
        return path.to_owned();
    };
    match path.split_once('?') {
        Some((path, query)) => format!("{path}?verifier={verifier}&{query}"),
        None => format!("{path}?verifier={verifier}"),
    }
}

fn media(tag: &Tag, context: &Outgoing<'_>) -> Option<String> {
    let id = tag.get("id")?.strip_prefix("media_comment_")?;
    let kind = if tag.has_class("audio_comment") {
        "audio"
    } else {
        "video"
    };
    let poster = if kind == "video" {
        format!(
            " poster=\"{}/media_objects/{}/thumbnail?height=448&amp;type=3&amp;width=550\"",
            context.base,
            escape(id)
        )
    } else {
        String::new()
    };
    Some(format!(
        "<{kind} preload=\"none\" class=\"instructure_inline_media_comment\" \
         data-media_comment_id=\"{id}\" data-media_comment_type=\"{kind}\" controls=\"controls\"{poster} \
         src=\"{}{}/media_download?entryId={id}&amp;media_type={kind}&amp;redirect=1\" \
         data-alt=\"\"></{kind}>",
        context.base,
        context.home_path,
        id = escape(id)
    ))
}

fn mark_object(tag: &mut Tag, element: &str) {
    let class = tag.get("class").unwrap_or_default().to_owned();
    tag.set("class", format!("instructure_user_content {class}"));
    for (data, attribute) in [("data-uc_width", "width"), ("data-uc_height", "height")] {
        if let Some(value) = tag.get(attribute).map(|v| format!("{v}px")) {
            tag.set(data, value);
        }
    }
    tag.set("data-uc_snippet", STANDARD.encode(format!("<{element}")));
}

fn link(tag: &mut Tag, context: &Outgoing<'_>) {
    let attribute = match tag.name.as_str() {
        "a" => "href",
        "img" | "iframe" | "embed" | "source" | "video" | "audio" => "src",
        "object" => "data",
        _ => return,
    };
    let Some(url) = tag.get(attribute).map(str::to_owned) else {
        return;
    };
    if !url.starts_with('/') || url.starts_with("//") {
        return;
    }
    let twin = api_twin(&url);
    tag.set(
        attribute,
        format!("{}{}", context.base, with_verifier(&url, context)),
    );
    if let Some((path, kind)) = twin {
        tag.set("data-api-endpoint", format!("{}{path}", context.base));
        tag.set("data-api-returntype", kind);
    }
}

/// Rewrites stored HTML for one reader.
pub(crate) fn process(html: &str, context: &Outgoing<'_>) -> String {
    let is_touched = html.contains("=\"/")
        || html.contains("instructure_inline_media_comment")
        || html.contains("equation_image")
        || html.contains("<object")
        || html.contains("<embed");
    let body = if is_touched {
        rewrite_body(html, context)
    } else {
        html.to_owned()
    };
    if context.has_theme {
        format!(
            "<link rel=\"stylesheet\" href=\"https://theme.example.org/account/mobile.css\">{body}\
             <script src=\"https://theme.example.org/account/mobile.js\"></script>"
        )
    } else {
        body
    }
}

fn rewrite_body(html: &str, context: &Outgoing<'_>) -> String {
    rewrite(html, |tag, element| {
        if tag.name == "a"
            && tag.has_class("instructure_inline_media_comment")
            && let Some(text) = media(tag, context)
        {
            return Fate::ReplaceElement(text);
        }
        if matches!(tag.name.as_str(), "object" | "embed") {
            mark_object(tag, element);
        }
        link(tag, context);
        if tag.name == "img" && tag.has_class("equation_image") {
            tag.set("x-canvaslms-safe-mathml", "<math></math>".to_owned());
        }
        Fate::Keep
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(html: &str) -> String {
        let verifier = |id: u64| (id == 2).then(|| "VVV".to_owned());
        process(
            html,
            &Outgoing {
                base: "http://canvas.test",
                home_path: "/courses/1",
                verifier_of: &verifier,
                has_theme: false,
            },
        )
    }

    #[test]
    fn file_links_get_host_twin_and_verifier() {
        assert_eq!(
            read("<a href=\"/courses/1/files/2/download?wrap=1\">n</a>"),
            "<a href=\"http://canvas.test/courses/1/files/2/download?verifier=VVV&amp;wrap=1\" \
             data-api-endpoint=\"http://canvas.test/api/v1/courses/1/files/2\" data-api-returntype=\"File\">n</a>"
        );
        let page = read("<a href=\"/courses/1/pages/home\">n</a>");
        assert!(page.contains("data-api-returntype=\"Page\""), "{page}");
        assert_eq!(
            read("<a href=\"//e.org/x\">n</a>"),
            "<a href=\"//e.org/x\">n</a>"
        );
    }

    #[test]
    fn media_equation_and_object_are_dressed_up() {
        let media = read(
            "<p><a id=\"media_comment_m-1\" class=\"instructure_inline_media_comment video_comment\" href=\"/media_objects/m-1\"></a></p>",
        );
        assert!(
            media.starts_with("<p><video preload=\"none\"") && media.ends_with("</video></p>"),
            "{media}"
        );
        let equation = read("<img class=\"equation_image\" src=\"/equation_images/x\">");
        assert!(
            equation.contains("x-canvaslms-safe-mathml=\"<math></math>\""),
            "{equation}"
        );
        let object = read("<object data=\"https://e.org/x\" width=\"1\"></object>");
        assert!(
            object.contains("data-uc_snippet") && object.contains("instructure_user_content"),
            "{object}"
        );
    }
}
