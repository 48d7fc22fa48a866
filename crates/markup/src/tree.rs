//! The typed document tree between Canvas HTML and Discourse Markdown (contract markup §4.1).
//!
//! A tree from a reader is *normal*: two sources that show the same give the same tree, and each
//! writer's output reads back as the tree it was written from. This module must not know HTML or
//! Markdown syntax.

use std::sync::Arc;

/// A whole body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doc {
    /// The blocks in reading order.
    pub blocks: Vec<Block>,
}

/// A block of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A paragraph; never empty.
    Paragraph(Vec<Run>),
    /// A heading of level 1 to 6.
    Heading { level: u8, runs: Vec<Run> },
    /// A bullet or number list.
    List(List),
    /// A quotation without a source.
    Quote(Vec<Block>),
    /// A quotation of a Discourse post; `source` is the text of the BBCode attribute.
    PostQuote { source: String, blocks: Vec<Block> },
    /// Content behind a summary.
    Details {
        summary: Vec<Run>,
        blocks: Vec<Block>,
    },
    /// Content hidden until clicked.
    Spoiler(Vec<Block>),
    /// Preformatted code; `text` has no final newline.
    Code { language: String, text: String },
    /// A displayed equation in LaTeX.
    Math(String),
    /// A table.
    Table(Table),
    /// A thematic break.
    Rule,
    /// Blocks with an alignment, direction or language of their own.
    Framed { frame: Frame, blocks: Vec<Block> },
    /// A list of terms and definitions.
    Definitions(Vec<Definition>),
    /// The text of a footnote.
    Footnote { label: String, blocks: Vec<Block> },
    /// A Discourse construct that is shown but never rewritten (polls and the like): its source.
    Opaque(String),
}

/// A list and its items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// The first number of a number list; `None` for bullets.
    pub start: Option<u32>,
    /// The blocks of each item; an item may be empty.
    pub items: Vec<Vec<Block>>,
}

/// A table: rows of cells, of any shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// What stands above the table; empty for none.
    pub caption: Vec<Run>,
    /// The rows, none of them empty.
    pub rows: Vec<Vec<Cell>>,
}

/// A cell of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Whether it is a header cell.
    pub header: bool,
    /// How its text is aligned.
    pub align: Align,
    /// How many columns it covers, at least 1.
    pub columns: u16,
    /// How many rows it covers, at least 1.
    pub rows: u16,
    /// What it holds; may be empty.
    pub blocks: Vec<Block>,
}

/// One entry of a definition list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// A term, as opposed to a definition.
    pub term: bool,
    /// What it holds.
    pub blocks: Vec<Block>,
}

/// How text is aligned, where that is not the usual way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// As usual.
    #[default]
    Natural,
    /// To the left.
    Left,
    /// Centred.
    Center,
    /// To the right.
    Right,
}

/// Direction of writing, where it is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Not given.
    #[default]
    Inherited,
    /// Left to right.
    Ltr,
    /// Right to left.
    Rtl,
    /// By the first strong character.
    Auto,
}

/// Attributes of a block that readers notice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// How text is aligned.
    pub align: Align,
    /// Direction of writing.
    pub direction: Direction,
    /// Language tag; empty for none.
    pub language: String,
}

impl Frame {
    /// Whether it says nothing.
    pub fn is_plain(&self) -> bool {
        *self == Frame::default()
    }
}

/// A piece of inline content with one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Marks and link of the whole piece.
    pub style: Style,
    /// The piece.
    pub leaf: Leaf,
}

/// Marks, link and abbreviation of a run: a set, so that nesting order does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// The marks.
    pub marks: Marks,
    /// The link it is part of.
    pub link: Option<Arc<Link>>,
    /// What it is an abbreviation of.
    pub abbreviation: Option<Arc<str>>,
}

/// A link's target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The normalised address.
    pub href: String,
    /// The text shown on hovering; empty for none.
    pub title: String,
}

/// A piece of inline content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// Text; white space collapsed.
    Text(String),
    /// A line break.
    Break,
    /// Code; white space kept, no newline.
    Code(String),
    /// An image.
    Image(Arc<Image>),
    /// An equation in LaTeX, without newline.
    Math(String),
    /// A person, by Discourse username.
    Mention(String),
    /// A person of Canvas whom no map names in Discourse: the Canvas id, and the name as shown.
    Person { id: String, name: String },
    /// A Discourse hashtag, without the `#`.
    Hashtag(String),
    /// A custom emoji, without the colons.
    Emoji(String),
    /// A checkbox, checked or not.
    Checkbox(bool),
    /// A reference to a footnote.
    FootnoteRef(String),
    /// A Discourse construct that is shown but never rewritten (dates): its source.
    Opaque(String),
}

/// An image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// The normalised address, or an `upload://` reference.
    pub src: String,
    /// The alternative text.
    pub alt: String,
    /// The text shown on hovering.
    pub title: String,
    /// Width and height in pixels as written.
    pub width: Option<u32>,
    /// See `width`.
    pub height: Option<u32>,
    /// Discourse's words after the size (`50%`, `thumbnail`, `video` …), without the first `|`.
    pub extra: String,
}

impl Image {
    /// Width and height as shown, if the image has a size and a scale such as `50%`.
    pub fn scaled(&self) -> Option<(u32, u32)> {
        let percent: u64 = self.extra.strip_suffix('%')?.parse().ok()?;
        if !(1..=100).contains(&percent) {
            return None;
        }
        let part = |pixels: u32| {
            u32::try_from(u64::from(pixels) * percent / 100)
                .ok()
                .filter(|part| *part > 0)
        };
        Some((part(self.width?)?, part(self.height?)?))
    }
}

/// A mark: a way text looks or what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A ruby base with its reading.
    Ruby,
    /// Hidden until clicked.
    Spoiler,
    /// Underlined.
    Under,
    /// Inserted.
    Insert,
    /// Struck through.
    Strike,
    /// Highlighted.
    Highlight,
    /// Strongly emphasised.
    Strong,
    /// Emphasised.
    Em,
    /// Larger.
    Big,
    /// Smaller.
    Small,
    /// Below the line.
    Sub,
    /// Above the line.
    Sup,
    /// A key.
    Kbd,
    /// The reading inside a ruby.
    RubyText,
    /// The bracket around a reading for those who cannot show it above.
    RubyParen,
}

impl Mark {
    /// All marks, outermost first.
    pub const ALL: [Mark; 15] = [
        Mark::Ruby,
        Mark::Spoiler,
        Mark::Under,
        Mark::Insert,
        Mark::Strike,
        Mark::Highlight,
        Mark::Strong,
        Mark::Em,
        Mark::Big,
        Mark::Small,
        Mark::Sub,
        Mark::Sup,
        Mark::Kbd,
        Mark::RubyText,
        Mark::RubyParen,
    ];

    fn bit(self) -> u16 {
        match self {
            Mark::Ruby => 1,
            Mark::Spoiler => 1 << 1,
            Mark::Under => 1 << 2,
            Mark::Insert => 1 << 3,
            Mark::Strike => 1 << 4,
            Mark::Highlight => 1 << 5,
            Mark::Strong => 1 << 6,
            Mark::Em => 1 << 7,
            Mark::Big => 1 << 8,
            Mark::Small => 1 << 9,
            Mark::Sub => 1 << 10,
            Mark::Sup => 1 << 11,
            Mark::Kbd => 1 << 12,
            Mark::RubyText => 1 << 13,
            Mark::RubyParen => 1 << 14,
        }
    }
}

/// A set of marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(u16);

impl Marks {
    /// Whether the mark is in the set.
    pub fn has(self, mark: Mark) -> bool {
        self.0 & mark.bit() != 0
    }

    /// The set with the mark.
    #[must_use]
    pub fn with(self, mark: Mark) -> Self {
        Marks(self.0 | mark.bit())
    }

    /// The set without the mark.
    #[must_use]
    pub fn without(self, mark: Mark) -> Self {
        Marks(self.0 & !mark.bit())
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The marks of both sets.
    #[must_use]
    pub fn common(self, other: Marks) -> Self {
        Marks(self.0 & other.0)
    }
}

impl Style {
    /// What both styles share.
    #[must_use]
    pub fn common(&self, other: &Style) -> Style {
        Style {
            marks: self.marks.common(other.marks),
            link: if self.link == other.link {
                self.link.clone()
            } else {
                None
            },
            abbreviation: if self.abbreviation == other.abbreviation {
                self.abbreviation.clone()
            } else {
                None
            },
        }
    }

    /// Whether it is plain text.
    pub fn is_plain(&self) -> bool {
        self.marks.is_empty() && self.link.is_none() && self.abbreviation.is_none()
    }
}

impl Run {
    /// A run of plain text.
    pub fn text(text: impl Into<String>) -> Run {
        Run {
            style: Style::default(),
            leaf: Leaf::Text(text.into()),
        }
    }
}
