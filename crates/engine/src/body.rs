//! Two edits of one text put together: block by block, then by words inside a block (design section 6).
//!
//! Each side is compared with what it had itself, because systems store a text in their own language and their own way;
//! what it changed is then laid over the agreed text.

use markup::{Context, Dialect as Language, Shadow, Side};
use model::{Body, Dialect, Field, Record, System, Value};

use crate::merge::Head;

/// The edits of a text, put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    /// The text with every change; where two sides changed the same place, the preferred side's.
    pub(crate) body: Body,
    /// Two sides changed the same place differently.
    pub(crate) overlaps: bool,
}

/// Puts the heads' edits of the text together; `None` when that cannot be done without knowing more, such as who is
/// mentioned: then the text counts as one piece.
pub(crate) fn merge(agreed: &Record, heads: &[Head], preferred: Option<System>) -> Option<Text> {
    let base = body(agreed)?;
    let mut edits = Vec::new();
    for head in heads.iter().filter(|head| !head.record.deleted) {
        if head.changed().contains(&Field::Body) {
            edits.push((head.system, laid_over(base, head)?));
        }
    }
    // The preferred side last, so that it is the right one of every pair.
    edits.sort_by_key(|(system, _)| (Some(*system) == preferred, *system != System::Local));
    let mut merged = base.source.clone();
    let mut overlaps = false;
    for (_, edit) in edits {
        let both = markup::merge(
            &base.source,
            &merged,
            &edit,
            language(base.dialect),
            Side::Right,
        );
        overlaps |= !both.overlaps.is_empty();
        merged = both.text;
    }
    Some(Text {
        body: Body {
            canonical: canonical(&merged, base.dialect),
            source: merged,
            dialect: base.dialect,
        },
        overlaps,
    })
}

fn body(record: &Record) -> Option<&Body> {
    match record.fields.get(&Field::Body) {
        Some(Value::Body(body)) => Some(body),
        _ => None,
    }
}

/// What the agreed text becomes by one side's edit.
fn laid_over(agreed: &Body, head: &Head) -> Option<String> {
    let before = body(head.base.as_ref()?)?;
    let after = body(&head.record)?;
    if before.dialect != after.dialect {
        return None;
    }
    if after.dialect == agreed.dialect {
        if before.source == agreed.source {
            return Some(after.source.clone());
        }
        let edit = markup::merge(
            &before.source,
            &agreed.source,
            &after.source,
            language(agreed.dialect),
            Side::Right,
        );
        return Some(edit.text);
    }
    if !(is_plain(before) && is_plain(after)) {
        return None;
    }
    let shadow = Shadow {
        own: &agreed.source,
        dialect: language(agreed.dialect),
        other: &before.source,
    };
    Some(markup::patch(shadow, &after.source, &Context::default()))
}

/// Whether the other language can say all of it, without knowing people, files or addresses.
fn is_plain(body: &Body) -> bool {
    let context = Context::default();
    let said = match body.dialect {
        Dialect::CanvasHtml => markup::canvas_to_discourse(&body.source, &context),
        Dialect::DiscourseMarkdown => markup::discourse_to_canvas(&body.source, &context),
    };
    said.losses.is_empty() && said.needs.is_empty()
}

fn language(dialect: Dialect) -> Language {
    match dialect {
        Dialect::CanvasHtml => Language::CanvasHtml,
        Dialect::DiscourseMarkdown => Language::DiscourseMarkdown,
    }
}

fn canonical(text: &str, dialect: Dialect) -> String {
    let context = Context::default();
    match dialect {
        Dialect::CanvasHtml => markup::canonical_html(text, &context),
        Dialect::DiscourseMarkdown => markup::canonical_markdown(text, &context),
    }
}
