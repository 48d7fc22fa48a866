//! Players, frames and recordings: links to what they show, because the other side has no player for them.

use super::inline::one_line;
use super::{Flow, Inline, Reader};
use crate::dom::NodeId;
use crate::markdown::source;
use crate::tree::{Image, Leaf, Link, Run, Style};
use crate::url::{self, Use};
use std::sync::Arc;

impl Reader<'_> {
    /// The link that stands for a player of Discourse.
    pub(super) fn discourse_player(&mut self, node: NodeId) -> Option<Leaf> {
        let dom = self.dom;
        let extra = dom.attribute(node, "data-dsc-media")?;
        let carried = dom
            .attribute(node, "data-dsc-href")
            .filter(|src| source::is_upload(src));
        let src = self.resolve(carried.or_else(|| dom.attribute(node, "href"))?, Use::Embed)?;
        let text = one_line(&dom.text(node));
        let alt = text
            .strip_prefix('▶')
            .map_or(text.as_str(), str::trim_start);
        let known = matches!(extra, "video" | "audio");
        known.then(|| {
            let (alt, extra) = (alt.to_owned(), extra.to_owned());
            Leaf::Image(Arc::new(Image {
                src,
                alt,
                extra,
                ..Image::default()
            }))
        })
    }

    /// The id of a recording made in Canvas: stored as an anchor, read back as a player.
    pub(super) fn media_comment(&self, name: &str, node: NodeId) -> Option<String> {
        let id = match name {
            "a" if self.dom.has_class(node, "instructure_inline_media_comment") => self
                .dom
                .attribute(node, "id")?
                .strip_prefix("media_comment_")?,
            "video" | "audio" => self.dom.attribute(node, "data-media_comment_id")?,
            _ => return None,
        };
        source::is_label(id).then(|| id.to_owned())
    }

    /// Players and frames: a link to what they show.
    pub(super) fn media(&mut self, name: &str, node: NodeId, inline: &Inline, flow: &mut Flow) {
        let dom = self.dom;
        let address = dom
            .attribute(node, "src")
            .or_else(|| dom.attribute(node, "data"))
            .map(str::to_owned)
            .or_else(|| first_source(dom, node));
        let title = dom
            .attribute(node, "title")
            .map(one_line)
            .unwrap_or_default();
        if let Some(address) = address.filter(|address| self.resolve(address, Use::Link).is_some())
        {
            let shown = if title.is_empty() { name } else { &title };
            return self.player(&address, shown, inline, flow);
        }
        self.losses.add("media", name);
        flow.runs.push(Run {
            style: inline.style.clone(),
            leaf: Leaf::Text(dom.text(node)),
        });
    }

    pub(super) fn player(&mut self, address: &str, name: &str, inline: &Inline, flow: &mut Flow) {
        let Some(href) = self.resolve(address, Use::Link) else {
            return;
        };
        self.losses.add("media", &href);
        let web = matches!(url::scheme(&href).as_deref(), Some("http" | "https"));
        let tag = matches!(name, "iframe" | "video" | "audio" | "object" | "embed");
        // Discourse makes a player of the bare address of a video's page.
        let page = url::video_page(&href);
        let text = if page.is_some() || (web && tag) {
            page.clone().unwrap_or_else(|| href.clone())
        } else {
            format!("▶ {name}")
        };
        let href = page.unwrap_or(href);
        let link = Some(Arc::new(Link {
            href,
            title: String::new(),
        }));
        let style = Style {
            link,
            ..inline.style.clone()
        };
        flow.runs.push(Run {
            style,
            leaf: Leaf::Text(text),
        });
    }
}

fn first_source(dom: &crate::dom::Dom, node: NodeId) -> Option<String> {
    dom.children(node)
        .find(|child| dom.name(*child) == "source")
        .and_then(|child| dom.attribute(child, "src"))
        .map(str::to_owned)
}
