//! What a conversion may know besides the text: maps, settings, and what it hands back.
//!
//! Everything is ordered, so that a result never depends on the order of a map.

use crate::loss::Loss;
use crate::pages::Pages;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Maps and settings of a conversion; the default knows nothing and carries everything in the text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Context {
    /// Canvas user id to the person in Discourse.
    pub users: BTreeMap<String, User>,
    /// Canvas file id to the same file in Discourse.
    pub files: BTreeMap<String, File>,
    /// Address of an item in Discourse (path) to the address of its mirror in Canvas (path).
    pub posts: Pages,
    /// The two hosts, so that their own addresses are recognised.
    pub hosts: Hosts,
    /// Settings of the sites that change how text is read.
    pub settings: Settings,
    /// Whether a store keeps what cannot be said: then a person whom `users` does not have is only named, while
    /// otherwise the text carries who it is.
    pub is_stored: bool,
}

/// A person that is known on both sides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct User {
    /// Discourse username.
    pub username: String,
    /// Name shown in Canvas.
    pub name: String,
}

/// A file that is known on both sides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct File {
    /// `upload://…` in Discourse.
    pub upload: String,
    /// Path of the file in Canvas, such as `/courses/1/files/2`.
    pub path: String,
    /// File name.
    pub name: String,
}

/// Scheme and host of both systems, such as `https://canvas.example.edu`; empty if unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hosts {
    /// Of Canvas.
    pub canvas: String,
    /// Of Discourse.
    pub discourse: String,
}

/// Settings of the Discourse site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Whether a newline in Markdown is a line break (off with `traditional_markdown_linebreaks`).
    pub breaks: bool,
    /// Whether the math plugin is on: `$…$` and `$$` are equations.
    pub math: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            breaks: true,
            math: true,
        }
    }
}

/// A converted body and what should be known about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The body in the other dialect.
    pub text: String,
    /// What could not be said there, each name once.
    pub losses: Vec<Loss>,
    /// What a resolver could supply to do better.
    pub needs: Vec<Need>,
}

/// Something a resolver could supply for a better conversion.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum Need {
    /// The person with this Canvas user id.
    CanvasUser(String),
    /// The person with this Discourse username.
    DiscourseUser(String),
    /// The Canvas file with this id, as an upload in Discourse.
    CanvasFile(String),
    /// This `upload://` reference, as a file in Canvas.
    DiscourseUpload(String),
}

/// One of the two languages that bodies are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// HTML as Canvas stores or returns it.
    CanvasHtml,
    /// Markdown as Discourse keeps it in `raw`.
    DiscourseMarkdown,
}

impl Context {
    /// The Canvas id and record of the person with this Discourse username.
    pub(crate) fn user_by_username(&self, username: &str) -> Option<(&str, &User)> {
        self.users
            .iter()
            .find(|(_, user)| user.username.eq_ignore_ascii_case(username))
            .map(|(id, user)| (id.as_str(), user))
    }

    /// The Canvas id and record of the file behind an `upload://` reference.
    pub(crate) fn file_by_upload(&self, upload: &str) -> Option<(&str, &File)> {
        self.files
            .iter()
            .find(|(_, file)| !upload.is_empty() && file.upload == upload)
            .map(|(id, file)| (id.as_str(), file))
    }
}
