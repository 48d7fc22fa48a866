//! Writes the inline content of a block as HTML.

use super::{Target, Writer};
use crate::canonical;
use crate::context::Need;
use crate::html::escape::{push_attribute, push_text};
use crate::layout::{self, Wrap};
use crate::markdown::push_entities;
use crate::tree::{Image, Leaf, Link, Mark, Run};
use crate::url;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

impl Writer<'_> {
    /// Writes runs with their marks nested in a fixed way.
    pub(crate) fn runs(&mut self, runs: &[Run]) {
        if self.target == Target::Canonical {
            let seen = canonical::runs(runs, self.ctx);
            return self.nested(&seen);
        }
        self.nested(runs);
    }

    fn nested(&mut self, runs: &[Run]) {
        for step in layout::steps(runs) {
            match step {
                layout::Step::Open(wrap) => self.open(&wrap),
                layout::Step::Close(wrap) => self.close(&wrap),
                layout::Step::Leaf(index) => {
                    if let Some(run) = runs.get(index) {
                        self.leaf(&run.leaf);
                    }
                }
            }
        }
    }

    fn open(&mut self, wrap: &Wrap) {
        match wrap {
            Wrap::Link(link) => {
                self.links += 1;
                self.link(link);
            }
            Wrap::Abbreviation(title) => {
                self.out.push_str("<abbr");
                push_attribute(&mut self.out, "title", title);
                self.out.push('>');
            }
            Wrap::Mark(mark) => self.out.push_str(match (mark, self.target) {
                (Mark::Under, Target::Canvas) => "<span style=\"text-decoration: underline;\">",
                (Mark::Under, _) => "<u>",
                (Mark::Spoiler, _) => "<span data-dsc-spoiler=\"1\">",
                (other, _) => open_tag(*other),
            }),
        }
    }

    fn close(&mut self, wrap: &Wrap) {
        self.links -= usize::from(matches!(wrap, Wrap::Link(_)));
        self.out.push_str(match wrap {
            Wrap::Link(_) => "</a>",
            Wrap::Abbreviation(_) => "</abbr>",
            Wrap::Mark(Mark::Under) if self.target == Target::Canvas => "</span>",
            Wrap::Mark(Mark::Under) => "</u>",
            Wrap::Mark(Mark::Spoiler) => "</span>",
            Wrap::Mark(mark) => close_tag(*mark),
        });
    }

    fn link(&mut self, link: &Link) {
        self.out.push_str("<a");
        if url::scheme(&link.href).as_deref() == Some("upload") {
            self.upload_link(&link.href);
        } else {
            self.plain_link(&link.href);
        }
        if !link.title.is_empty() {
            push_attribute(&mut self.out, "title", &link.title);
        }
        self.out.push('>');
    }

    /// A link that is no upload; one to a file of Canvas gets what Canvas's own have (contract markup §2).
    fn plain_link(&mut self, href: &str) {
        let href = self.address(href);
        let own = self.target == Target::Canvas
            && href.starts_with('/')
            && href.ends_with("/download")
            && url::canvas_file(&href).is_some();
        if own {
            push_attribute(&mut self.out, "class", "instructure_file_link");
            push_attribute(&mut self.out, "href", &format!("{href}?wrap=1"));
        } else {
            push_attribute(&mut self.out, "href", &href);
        }
    }

    fn address(&self, address: &str) -> String {
        match self.target {
            Target::Discourse => url::for_discourse(address, self.ctx),
            Target::Canvas => url::for_canvas(address, self.ctx).to_owned(),
            Target::Canonical => address.to_owned(),
        }
    }

    fn upload_link(&mut self, upload: &str) {
        if let Some(path) = self.canvas_path(upload) {
            push_attribute(&mut self.out, "class", "instructure_file_link");
            push_attribute(&mut self.out, "href", &format!("{path}/download?wrap=1"));
        } else {
            push_attribute(&mut self.out, "data-dsc-href", upload);
        }
    }

    /// The Canvas path of an upload that is known there.
    fn canvas_path(&mut self, upload: &str) -> Option<String> {
        if self.target != Target::Canvas {
            return None;
        }
        let Some((id, file)) = self.ctx.file_by_upload(upload) else {
            self.needs.push(Need::DiscourseUpload(upload.to_owned()));
            return None;
        };
        let path = file.path.trim_end_matches('/');
        let usable = path.starts_with('/') && url::canvas_file(path) == Some(id);
        let numeric = id.bytes().all(|byte| byte.is_ascii_digit());
        if usable {
            Some(path.to_owned())
        } else {
            numeric.then(|| format!("/files/{id}"))
        }
    }

    fn leaf(&mut self, leaf: &Leaf) {
        match leaf {
            Leaf::Text(text) => push_text(&mut self.out, text),
            Leaf::Break => self.out.push_str("<br>"),
            Leaf::Code(text) => {
                self.out.push_str("<code>");
                push_text(&mut self.out, text);
                self.out.push_str("</code>");
            }
            Leaf::Image(image) => self.image(image),
            Leaf::Math(latex) if self.target == Target::Canvas => self.equation(latex),
            Leaf::Math(latex) => {
                self.out.push_str("<span class=\"math\">");
                push_text(&mut self.out, latex);
                self.out.push_str("</span>");
            }
            Leaf::Mention(name) => self.mention(name),
            Leaf::Person { id, name } => self.person(id, name),
            Leaf::Hashtag(slug) => self.carry("data-dsc-hashtag", slug, &format!("#{slug}")),
            Leaf::Emoji(name) => self.carry("data-dsc-emoji", name, &format!(":{name}:")),
            Leaf::Checkbox(true) => self.carry("data-dsc-check", "x", "☑"),
            Leaf::Checkbox(false) => self.carry("data-dsc-check", "", "☐"),
            Leaf::FootnoteRef(label) => {
                self.out.push_str("<sup");
                push_attribute(&mut self.out, "data-dsc-fn", label);
                self.out.push_str(">[");
                push_text(&mut self.out, label);
                self.out.push_str("]</sup>");
            }
            Leaf::Opaque(source) => {
                let shown = source.trim_start_matches('[').trim_end_matches(']');
                self.carry("data-dsc-opaque", source, shown);
            }
        }
    }

    fn carry(&mut self, attribute: &str, value: &str, shown: &str) {
        self.out.push_str("<span");
        push_attribute(&mut self.out, attribute, value);
        self.out.push('>');
        push_text(&mut self.out, shown);
        self.out.push_str("</span>");
    }

    fn mention(&mut self, username: &str) {
        if self.target == Target::Canvas {
            if let Some((id, user)) = self.ctx.user_by_username(username) {
                let shown = if user.name.is_empty() {
                    &user.username
                } else {
                    &user.name
                };
                return self.person(id, shown);
            }
            self.needs.push(Need::DiscourseUser(username.to_owned()));
        }
        self.carry("data-dsc-mention", username, &format!("@{username}"));
    }

    /// Canvas's mention of a person; compared by the id, because Canvas shows the name of the day.
    fn person(&mut self, id: &str, name: &str) {
        if self.target == Target::Canvas {
            self.out.push_str("<span class=\"mceNonEditable mention\"");
        } else {
            self.out.push_str("<span");
        }
        push_attribute(&mut self.out, "data-mention", id);
        if self.target == Target::Canvas {
            self.out.push_str(" data-reactroot=\"\"");
        }
        self.out.push('>');
        match self.target {
            Target::Canvas => {
                self.out.push('@');
                push_text(&mut self.out, name);
            }
            Target::Discourse => push_entities(&mut self.out, name),
            Target::Canonical => {}
        }
        self.out.push_str("</span>");
    }

    /// Canvas's image of an equation (contract markup §2).
    pub(super) fn equation(&mut self, latex: &str) {
        let once = utf8_percent_encode(latex, NON_ALPHANUMERIC).to_string();
        let twice = utf8_percent_encode(&once, NON_ALPHANUMERIC).to_string();
        self.out.push_str("<img class=\"equation_image\"");
        push_attribute(&mut self.out, "title", latex);
        push_attribute(
            &mut self.out,
            "src",
            &format!("/equation_images/{twice}?scale=1"),
        );
        push_attribute(&mut self.out, "alt", &format!("LaTeX: {latex}"));
        push_attribute(&mut self.out, "data-equation-content", latex);
        self.out.push('>');
    }

    /// A player of Discourse, as a link: Canvas shows no player for its files.
    fn player(&mut self, image: &Image) {
        self.out.push_str("<a");
        push_attribute(&mut self.out, "data-dsc-media", &image.extra);
        if url::scheme(&image.src).as_deref() == Some("upload") {
            match self.canvas_path(&image.src) {
                Some(path) => push_attribute(&mut self.out, "href", &format!("{path}/download")),
                None => push_attribute(&mut self.out, "data-dsc-href", &image.src),
            }
        } else {
            push_attribute(&mut self.out, "href", &image.src);
        }
        self.out.push_str(">▶ ");
        push_text(&mut self.out, &image.alt);
        self.out.push_str("</a>");
    }

    fn image(&mut self, image: &Image) {
        let plain = image.title.is_empty() && image.width.is_none() && image.height.is_none();
        let player = plain && matches!(image.extra.as_str(), "video" | "audio");
        if player && self.target == Target::Canvas && self.links == 0 {
            return self.player(image);
        }
        self.out.push_str("<img");
        if url::scheme(&image.src).as_deref() == Some("upload") {
            if let Some(path) = self.canvas_path(&image.src) {
                push_attribute(&mut self.out, "src", &format!("{path}/preview"));
            } else {
                // Discourse resolves the reference itself; Canvas would drop the address.
                let name = if self.target == Target::Canvas {
                    "data-dsc-src"
                } else {
                    "src"
                };
                push_attribute(&mut self.out, name, &image.src);
            }
        } else {
            let src = self.address(&image.src);
            push_attribute(&mut self.out, "src", &src);
        }
        push_attribute(&mut self.out, "alt", &image.alt);
        if !image.title.is_empty() {
            push_attribute(&mut self.out, "title", &image.title);
        }
        if let Some((width, height)) = image.scaled() {
            push_attribute(&mut self.out, "width", &width.to_string());
            push_attribute(&mut self.out, "height", &height.to_string());
            let size = format!("{}x{}", image.width.unwrap_or(0), image.height.unwrap_or(0));
            push_attribute(&mut self.out, "data-dsc-size", &size);
        } else {
            if let Some(width) = image.width {
                push_attribute(&mut self.out, "width", &width.to_string());
            }
            if let Some(height) = image.height {
                push_attribute(&mut self.out, "height", &height.to_string());
            }
        }
        if !image.extra.is_empty() {
            push_attribute(&mut self.out, "data-dsc-extra", &image.extra);
        }
        self.out.push('>');
    }
}

pub(crate) fn open_tag(mark: Mark) -> &'static str {
    match mark {
        Mark::Ruby => "<ruby>",
        Mark::Spoiler => "<span>",
        Mark::Under => "<u>",
        Mark::Insert => "<ins>",
        Mark::Strike => "<del>",
        Mark::Highlight => "<mark>",
        Mark::Strong => "<strong>",
        Mark::Em => "<em>",
        Mark::Big => "<big>",
        Mark::Small => "<small>",
        Mark::Sub => "<sub>",
        Mark::Sup => "<sup>",
        Mark::Kbd => "<kbd>",
        Mark::RubyText => "<rt>",
        Mark::RubyParen => "<rp>",
    }
}

pub(crate) fn close_tag(mark: Mark) -> &'static str {
    match mark {
        Mark::Ruby => "</ruby>",
        Mark::Spoiler => "</span>",
        Mark::Under => "</u>",
        Mark::Insert => "</ins>",
        Mark::Strike => "</del>",
        Mark::Highlight => "</mark>",
        Mark::Strong => "</strong>",
        Mark::Em => "</em>",
        Mark::Big => "</big>",
        Mark::Small => "</small>",
        Mark::Sub => "</sub>",
        Mark::Sup => "</sup>",
        Mark::Kbd => "</kbd>",
        Mark::RubyText => "</rt>",
        Mark::RubyParen => "</rp>",
    }
}
