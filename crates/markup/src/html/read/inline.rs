//! Elements inside a line: marks, links, images, equations, mentions and what Discourse carries.

use super::{Flow, Inline, Reader};
use crate::context::Need;
use crate::dom::{Data, NodeId};
use crate::html::css;
use crate::markdown::source;
use crate::normal;
use crate::tree::{Image, Leaf, Link, Mark, Run, Style};
use crate::url::{self, Use};
use std::sync::Arc;

const MAX_PIXELS: u32 = 100_000;

/// What an element is besides a wrapper of its content.
enum Whole {
    Leaf(Leaf),
    Nothing,
    No,
}

impl Reader<'_> {
    pub(super) fn inline_element(
        &mut self,
        node: NodeId,
        inline: &Inline,
        depth: usize,
        flow: &mut Flow,
    ) {
        let name = self.dom.name(node);
        match self.whole(name, node) {
            Whole::Leaf(leaf) => {
                let style = inline.style.clone();
                return flow.runs.push(Run { style, leaf });
            }
            Whole::Nothing => return,
            Whole::No => {}
        }
        if self.dom.attribute(node, "data-mention").is_some() {
            return self.mention(node, inline, flow);
        }
        if let Some(id) = self.media_comment(name, node) {
            let kind = if self.dom.has_class(node, "audio_comment") {
                "audio"
            } else {
                "video"
            };
            let kind = self
                .dom
                .attribute(node, "data-media_comment_type")
                .unwrap_or(kind)
                .to_owned();
            return self.player(&format!("/media_objects/{id}"), &kind, inline, flow);
        }
        let inner = self.inner_style(name, node, inline);
        let quoted = name == "q";
        if quoted {
            flow.runs.push(Run {
                style: inner.style.clone(),
                leaf: Leaf::Text("“".to_owned()),
            });
        }
        if matches!(name, "iframe" | "video" | "audio" | "object" | "embed") {
            self.media(name, node, &inner, flow);
        } else {
            self.children(node, &inner, depth, flow);
        }
        if quoted {
            flow.runs.push(Run {
                style: inner.style,
                leaf: Leaf::Text("”".to_owned()),
            });
        }
    }

    /// What an element is as a whole.
    fn whole(&mut self, name: &str, node: NodeId) -> Whole {
        match name {
            "br" => Whole::Leaf(Leaf::Break),
            "wbr" | "input" | "param" | "source" | "track" | "area" | "col" | "colgroup" => {
                Whole::Nothing
            }
            "img" | "image" => self.image(node).map_or(Whole::Nothing, Whole::Leaf),
            "a" if self.dom.attribute(node, "data-dsc-media").is_some() => {
                self.discourse_player(node).map_or(Whole::No, Whole::Leaf)
            }
            "math" => self.mathml(node).map_or(Whole::Nothing, Whole::Leaf),
            "span" | "sup" if self.dom.has_class(node, "math") => {
                let latex = self.dom.text(node);
                if latex.trim().is_empty() {
                    Whole::Nothing
                } else {
                    Whole::Leaf(Leaf::Math(latex))
                }
            }
            "span" | "sup" => self.carried(node).map_or(Whole::No, Whole::Leaf),
            _ => Whole::No,
        }
    }

    /// What a `data-dsc-…` attribute carries, if it is valid.
    fn carried(&self, node: NodeId) -> Option<Leaf> {
        let value = |name: &str| self.dom.attribute(node, name);
        if let Some(name) = value("data-dsc-mention").filter(|name| source::is_username(name)) {
            return Some(Leaf::Mention(self.spelling(name)));
        }
        if let Some(slug) = value("data-dsc-hashtag").filter(|slug| source::is_hashtag(slug)) {
            return Some(Leaf::Hashtag(slug.to_owned()));
        }
        if let Some(name) = value("data-dsc-emoji").filter(|name| source::is_emoji_name(name)) {
            return Some(Leaf::Emoji(name.to_owned()));
        }
        if let Some(checked) = value("data-dsc-check") {
            return Some(Leaf::Checkbox(checked == "x"));
        }
        if let Some(label) = value("data-dsc-fn").filter(|label| source::is_label(label)) {
            return Some(Leaf::FootnoteRef(label.to_owned()));
        }
        value("data-dsc-opaque")
            .filter(|carried| source::is_opaque_inline(carried))
            .map(|carried| Leaf::Opaque(carried.to_owned()))
    }

    /// The map's spelling of a username, so that letter case makes no difference.
    fn spelling(&self, name: &str) -> String {
        self.ctx
            .user_by_username(name)
            .map_or_else(|| name.to_owned(), |(_, user)| user.username.clone())
    }

    fn mention(&mut self, node: NodeId, inline: &Inline, flow: &mut Flow) {
        let id = self
            .dom
            .attribute(node, "data-mention")
            .unwrap_or_default()
            .to_owned();
        let known = self
            .ctx
            .users
            .get(&id)
            .filter(|user| source::is_username(&user.username));
        let leaf = match known {
            Some(user) => Leaf::Mention(self.spelling(&user.username)),
            None => self.unknown_person(node, id),
        };
        flow.runs.push(Run {
            style: inline.style.clone(),
            leaf,
        });
    }

    /// A mention of somebody whom the map does not name. The text carries the id unless a store keeps it: anybody can
    /// write such an element.
    fn unknown_person(&mut self, node: NodeId, id: String) -> Leaf {
        let shown = self.dom.text(node);
        let name = person_name(&shown);
        let carries = !self.ctx.is_stored && source::is_canvas_id(&id) && !name.is_empty();
        if !id.is_empty() {
            self.needs.push(Need::CanvasUser(id.clone()));
        }
        if carries {
            return Leaf::Person { id, name };
        }
        self.losses.add("mention", &shown);
        Leaf::Text(shown.trim_start_matches('@').to_owned())
    }

    fn inner_style(&mut self, name: &str, node: NodeId, outer: &Inline) -> Inline {
        let mut inner = outer.clone();
        if let Some(mark) = element_mark(name) {
            inner.style.marks = inner.style.marks.with(mark);
        }
        match name {
            "code" | "samp" | "tt" => inner.code = true,
            "a" => self.link(node, &mut inner.style),
            "abbr" | "acronym" => {
                let title = self
                    .dom
                    .attribute(node, "title")
                    .map(one_line)
                    .unwrap_or_default();
                if !title.is_empty() {
                    inner.style.abbreviation = Some(Arc::from(title));
                }
            }
            _ => {}
        }
        if self.dom.attribute(node, "data-dsc-spoiler").is_some() {
            inner.style.marks = inner.style.marks.with(Mark::Spoiler);
        }
        if let Some(style) = self.dom.attribute(node, "style") {
            self.css_marks(style, &mut inner.style);
        }
        if name == "font" {
            self.losses.add("style", "font");
        }
        inner
    }

    fn css_marks(&mut self, css: &str, style: &mut Style) {
        for (property, value) in css::declarations(css) {
            let value = value.to_ascii_lowercase();
            let mark = match property.as_str() {
                "text-decoration" | "text-decoration-line" if value.contains("underline") => {
                    Some(Mark::Under)
                }
                "text-decoration" | "text-decoration-line" if value.contains("line-through") => {
                    Some(Mark::Strike)
                }
                "font-style" if matches!(value.as_str(), "italic" | "oblique") => Some(Mark::Em),
                "font-weight" if is_bold(&value) => Some(Mark::Strong),
                _ => None,
            };
            match mark {
                Some(mark) => style.marks = style.marks.with(mark),
                None => self.losses.add("style", css),
            }
        }
    }

    fn link(&mut self, node: NodeId, style: &mut Style) {
        let dom = self.dom;
        let upload = dom
            .attribute(node, "data-dsc-href")
            .filter(|href| source::is_upload(href));
        let Some(address) = upload.or_else(|| dom.attribute(node, "href")) else {
            return;
        };
        let Some(href) = self.resolve(address, Use::Link) else {
            self.losses.add("link", address);
            return;
        };
        let title = dom
            .attribute(node, "title")
            .map(one_line)
            .unwrap_or_default();
        style.link = Some(Arc::new(Link { href, title }));
    }

    /// The normal address; a file that only Canvas has is asked for.
    pub(super) fn resolve(&mut self, address: &str, purpose: Use) -> Option<String> {
        let normal = url::normal(address, purpose, self.ctx)?;
        match url::scheme(&normal).as_deref() {
            Some("upload") if !source::is_upload(&normal) => return None,
            None if !normal.starts_with("//") => {
                if let Some(id) = url::canvas_file(&normal) {
                    self.needs.push(Need::CanvasFile(id.to_owned()));
                }
            }
            _ => {}
        }
        Some(normal)
    }

    fn image(&mut self, node: NodeId) -> Option<Leaf> {
        let dom = self.dom;
        let alt = dom.attribute(node, "alt").unwrap_or_default();
        if let Some(latex) = equation(
            dom.attribute(node, "data-equation-content"),
            dom.has_class(node, "equation_image"),
            alt,
        ) {
            return (!latex.trim().is_empty()).then(|| Leaf::Math(latex.to_owned()));
        }
        let carried = dom
            .attribute(node, "data-dsc-src")
            .filter(|src| source::is_upload(src));
        let written = dom.attribute(node, "src").unwrap_or_default();
        let Some(src) = self.resolve(carried.unwrap_or(written), Use::Embed) else {
            self.losses.add("image", written);
            let alt = one_line(alt);
            return (!alt.is_empty()).then_some(Leaf::Text(alt));
        };
        let pixels = |name: &str| {
            let value = dom
                .attribute(node, name)?
                .trim()
                .trim_end_matches("px")
                .parse()
                .ok();
            value.filter(|pixels| (1..=MAX_PIXELS).contains(pixels))
        };
        if dom
            .attribute(node, "style")
            .is_some_and(|style| !style.trim().is_empty())
        {
            self.losses
                .add("style", dom.attribute(node, "style").unwrap_or_default());
        }
        let extra = dom
            .attribute(node, "data-dsc-extra")
            .filter(|extra| source::is_image_extra(extra));
        let mut image = Image {
            src,
            alt: one_line(alt),
            title: dom
                .attribute(node, "title")
                .map(one_line)
                .unwrap_or_default(),
            width: pixels("width"),
            height: pixels("height"),
            extra: extra.unwrap_or_default().to_owned(),
        };
        unscale(
            &mut image,
            dom.attribute(node, "data-dsc-size").unwrap_or_default(),
        );
        Some(Leaf::Image(Arc::new(image)))
    }

    /// MathML: its LaTeX annotation, else its text.
    fn mathml(&mut self, node: NodeId) -> Option<Leaf> {
        let dom = self.dom;
        let mut latex = None;
        dom.walk(node, &mut |inner| {
            let encoding = dom.attribute(inner, "encoding").unwrap_or_default();
            if latex.is_none()
                && matches!(encoding, "application/x-tex" | "LaTeX" | "latex" | "TeX")
            {
                latex = Some(dom.text(inner));
            }
            true
        });
        if let Some(latex) = latex.or_else(|| dom.attribute(node, "alttext").map(str::to_owned)) {
            return (!latex.trim().is_empty()).then_some(Leaf::Math(latex));
        }
        let mut text = String::new();
        dom.walk(node, &mut |inner| {
            if let Data::Text(part) = dom.data(inner) {
                text.push_str(part.trim());
            }
            dom.name(inner) != "annotation"
        });
        self.losses.add("MathML without LaTeX", &text);
        (!text.is_empty()).then_some(Leaf::Text(text))
    }
}

/// Gives a scaled image the size it was written with, unless somebody resized it since.
fn unscale(image: &mut Image, written: &str) {
    let Some((width, height)) = written.split_once('x') else {
        return;
    };
    let pixels = |text: &str| {
        text.parse()
            .ok()
            .filter(|pixels| (1..=MAX_PIXELS).contains(pixels))
    };
    let whole = Image {
        width: pixels(width),
        height: pixels(height),
        ..image.clone()
    };
    if whole.scaled().is_some() && whole.scaled() == image.width.zip(image.height) {
        *image = whole;
    } else if image.extra.ends_with('%') {
        image.extra.clear();
    }
}

/// The LaTeX of a Canvas equation image (contract markup §2); never read from its address.
fn equation<'a>(content: Option<&'a str>, is_equation: bool, alt: &'a str) -> Option<&'a str> {
    match content {
        Some(latex) if !latex.trim().is_empty() => Some(latex),
        _ if is_equation => Some(alt.strip_prefix("LaTeX:").unwrap_or(alt)),
        _ => None,
    }
}

/// An attribute's text on one line, blanks collapsed.
pub(super) fn one_line(text: &str) -> String {
    let clean: String = text
        .chars()
        .filter(|c| !c.is_control() || c.is_whitespace())
        .collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The name in a mention, in one spelling.
fn person_name(shown: &str) -> String {
    let seen: String = shown.chars().filter(|c| !normal::is_unseen(*c)).collect();
    one_line(seen.trim_start_matches(|c: char| c == '@' || c.is_whitespace()))
}

fn is_bold(value: &str) -> bool {
    value.starts_with("bold") || value.parse::<u32>().is_ok_and(|weight| weight >= 600)
}

fn element_mark(name: &str) -> Option<Mark> {
    Some(match name {
        "b" | "strong" => Mark::Strong,
        "em" | "i" | "cite" | "var" | "dfn" => Mark::Em,
        "u" => Mark::Under,
        "s" | "strike" | "del" => Mark::Strike,
        "ins" => Mark::Insert,
        "sub" => Mark::Sub,
        "sup" => Mark::Sup,
        "mark" => Mark::Highlight,
        "small" => Mark::Small,
        "big" => Mark::Big,
        "kbd" => Mark::Kbd,
        "ruby" => Mark::Ruby,
        "rt" => Mark::RubyText,
        "rp" => Mark::RubyParen,
        _ => return None,
    })
}
