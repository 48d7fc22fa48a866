//! Prepares Discourse source for a plain CommonMark parser.
//!
//! Blocks of BBCode and displayed equations become one-line HTML blocks with blank lines around them,
//! so that no list or quotation swallows a closing tag; inline equations and BBCode become single
//! private-use characters (slots). Code keeps its text: a slot that ends up in code, in an address or
//! in HTML is turned back into its source.

mod blocks;
mod inlines;

use crate::context::Context;
use crate::normal::is_wide_blank;
use std::borrow::Cow;

/// Around a BBCode slot: punctuation, as the bracket was.
pub(crate) const OPEN: char = '\u{2997}';
/// See [`OPEN`].
pub(crate) const CLOSE: char = '\u{2998}';

const FIRST_SLOT: u32 = 0xF_0000;
const LAST_SLOT: u32 = 0xF_FFFD;

/// What stands behind a slot character.
#[derive(Debug)]
pub(crate) struct Slot {
    /// The source it replaced.
    pub(crate) source: String,
    /// What it is in HTML; `None` if it is just text.
    pub(crate) html: Option<String>,
    /// The characters left and right of it that belong to it.
    pub(crate) around: Option<(char, char)>,
}

/// Source ready for the CommonMark parser.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    pub(crate) text: String,
    pub(crate) slots: Vec<Slot>,
}

/// Prepares a body.
pub(crate) fn prepare(raw: &str, ctx: &Context) -> Prepared {
    let raw = as_stored(raw);
    let lines = blocks::rewrite(&raw, ctx);
    let mut prepared = Prepared::default();
    let mut chunk = String::new();
    for line in &lines {
        if line.verbatim || is_blank(&line.text) {
            inlines::scan(&chunk, ctx, &mut prepared);
            chunk.clear();
            prepared.push_verbatim(&line.text);
            prepared.text.push('\n');
        } else {
            chunk.push_str(&line.text);
            chunk.push('\n');
        }
    }
    inlines::scan(&chunk, ctx, &mut prepared);
    prepared
}

/// A body as Discourse stores it: one line ending, plain blanks, no trailing white space.
pub(crate) fn as_stored(raw: &str) -> Cow<'_, str> {
    // The first bytes of what is changed below.
    let changes = |byte| matches!(byte, 0 | b'\r' | 0xc2 | 0xe1..=0xe3);
    if !raw.bytes().any(changes) {
        return Cow::Borrowed(raw.trim_end());
    }
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\0' => {}
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            c if is_wide_blank(c) => out.push(' '),
            c => out.push(c),
        }
    }
    out.truncate(out.trim_end().len());
    Cow::Owned(out)
}

fn is_blank(line: &str) -> bool {
    line.chars().all(|c| matches!(c, ' ' | '\t' | '>'))
}

impl Prepared {
    /// Adds text in which only characters that look like slots are replaced.
    fn push_verbatim(&mut self, text: &str) {
        if may_have_slot(text) {
            text.chars().for_each(|c| self.push_char(c));
        } else {
            self.text.push_str(text);
        }
    }

    /// Adds a character; one from the slots' range becomes a slot for itself.
    fn push_char(&mut self, c: char) {
        if (FIRST_SLOT..=LAST_SLOT).contains(&u32::from(c)) {
            // With no slot left the character cannot be told from one, so it goes.
            self.push_slot(Slot {
                source: c.to_string(),
                html: None,
                around: None,
            });
        } else {
            self.text.push(c);
        }
    }

    /// Adds a slot; says whether there was one left.
    fn push_slot(&mut self, slot: Slot) -> bool {
        let number = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        let code = FIRST_SLOT.saturating_add(number);
        let Some(c) = char::from_u32(code).filter(|_| code <= LAST_SLOT) else {
            return false;
        };
        if let Some((open, _)) = slot.around {
            self.text.push(open);
        }
        self.text.push(c);
        if let Some((_, close)) = slot.around {
            self.text.push(close);
        }
        self.slots.push(slot);
        true
    }

    /// The slot behind a character.
    pub(crate) fn slot(&self, c: char) -> Option<&Slot> {
        let number = u32::from(c).checked_sub(FIRST_SLOT)?;
        usize::try_from(number)
            .ok()
            .and_then(|index| self.slots.get(index))
    }

    /// Text with every slot turned back into its source.
    pub(crate) fn restore<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !may_have_slot(text) {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let Some(slot) = self.slot(c) else {
                out.push(c);
                continue;
            };
            if let Some((open, close)) = slot.around {
                if out.ends_with(open) {
                    out.pop();
                }
                if chars.peek() == Some(&close) {
                    chars.next();
                }
            }
            out.push_str(&slot.source);
        }
        Cow::Owned(out)
    }
}

/// Whether a character of the slots' range may be there: all of them begin with this byte.
fn may_have_slot(text: &str) -> bool {
    text.as_bytes().contains(&0xf3)
}
