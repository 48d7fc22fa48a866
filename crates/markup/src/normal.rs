//! Brings inline content into its one normal form, the same for both dialects.
//!
//! White space is collapsed as a browser would, marks never begin or end with it, equal neighbours
//! are joined, bare addresses are links, and separators that only keep text from becoming a
//! feature are gone. Applying it twice changes nothing.

use crate::context::Context;
use crate::tree::{Block, Leaf, Link, Mark, Run, Style};
use crate::url::{self, Use};
use std::sync::Arc;

/// Keeps text from becoming a feature in Discourse (contract markup §3); means nothing else here.
pub(crate) const JOINER: char = '\u{2060}';

/// Characters after which the joiner is ours to drop.
pub(crate) fn is_trigger(c: char) -> bool {
    matches!(c, '@' | '#' | ':' | '[' | ';')
}

/// White space that a browser collapses.
pub(crate) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

/// Unicode blanks that Discourse turns into a plain one (contract markup §3).
pub(crate) fn is_wide_blank(c: char) -> bool {
    matches!(
        c,
        '\u{a0}' | '\u{1680}' | '\u{180e}' | '\u{2000}'
            ..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// A run, or the white space between two.
enum Piece {
    Space(Style),
    Solid(Run),
}

/// The normal form of a sequence of runs.
pub(crate) fn runs(raw: Vec<Run>, ctx: &Context) -> Vec<Run> {
    let joined = join(raw.into_iter().filter_map(clean).collect());
    let pieces = split(joined);
    let pieces = separate_mentions(pieces);
    let settled = settle(pieces);
    let linked = join(settled)
        .into_iter()
        .flat_map(|run| linkify(run, ctx))
        .collect();
    join(linked)
}

/// The block that a paragraph of these runs is; `None` if it shows nothing.
pub(crate) fn paragraph(runs: Vec<Run>) -> Option<Block> {
    if is_blank(&runs) {
        return None;
    }
    if let [
        Run {
            style,
            leaf: Leaf::Math(latex),
        },
    ] = runs.as_slice()
        && style.is_plain()
    {
        return Some(Block::Math(latex.clone()));
    }
    if runs.iter().all(|run| run.style.marks.has(Mark::Spoiler)) {
        let inner = runs
            .into_iter()
            .map(|mut run| {
                run.style.marks = run.style.marks.without(Mark::Spoiler);
                run
            })
            .collect();
        return Some(Block::Spoiler(paragraph(join(inner)).into_iter().collect()));
    }
    Some(Block::Paragraph(runs))
}

/// Whether nothing is shown: no run, or blanks only.
pub(crate) fn is_blank(runs: &[Run]) -> bool {
    runs.iter().all(|run| match &run.leaf {
        Leaf::Text(text) => text
            .chars()
            .all(|c| is_space(c) || is_wide_blank(c) || is_invisible(c)),
        Leaf::Break => true,
        _ => false,
    })
}

/// Characters that readers never see and that only keep others apart.
pub(crate) fn is_unseen(c: char) -> bool {
    matches!(c, JOINER | '\u{200b}' | '\u{feff}')
}

fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}'
    )
}

/// One run without characters that nobody sees; `None` if nothing is left.
fn clean(mut run: Run) -> Option<Run> {
    if !run.style.marks.has(Mark::Ruby) {
        run.style.marks = run
            .style
            .marks
            .without(Mark::RubyText)
            .without(Mark::RubyParen);
    }
    if run.style.marks.has(Mark::RubyText) {
        // HTML has no reading inside a reading's bracket.
        run.style.marks = run.style.marks.without(Mark::RubyParen);
    }
    run.leaf = match run.leaf {
        Leaf::Text(text) => Leaf::Text(if !is_plain_ascii(&text) && text.chars().any(is_dropped) {
            text.chars().filter(|c| !is_dropped(*c)).collect()
        } else {
            text
        }),
        Leaf::Code(text) => Leaf::Code(code_text(&text)),
        Leaf::Math(source) => Leaf::Math(latex(&source)),
        leaf => leaf,
    };
    let empty = match &run.leaf {
        Leaf::Text(text) | Leaf::Code(text) | Leaf::Math(text) => text.is_empty(),
        _ => false,
    };
    (!empty).then_some(run)
}

/// Whether nothing in the text can be dropped, which is so for most.
fn is_plain_ascii(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n'))
}

fn is_dropped(c: char) -> bool {
    (c.is_control() && !is_space(c)) || c == '\u{feff}'
}

/// Code on one line; Discourse keeps no blank but the plain one in code.
fn code_text(text: &str) -> String {
    text.chars()
        .filter(|c| !is_dropped(*c))
        .map(|c| {
            if is_space(c) || is_wide_blank(c) {
                ' '
            } else {
                c
            }
        })
        .collect()
}

/// LaTeX in one spelling; newlines stay.
pub(crate) fn latex(text: &str) -> String {
    let clean: String = text
        .chars()
        .filter(|c| !is_dropped(*c) && *c != '\r' && *c != '\u{c}')
        .map(|c| {
            if c == '\t' || is_wide_blank(c) {
                ' '
            } else {
                c
            }
        })
        .collect();
    clean.trim().to_owned()
}

/// Joins neighbours of equal style.
pub(crate) fn join(runs: Vec<Run>) -> Vec<Run> {
    let mut out: Vec<Run> = Vec::with_capacity(runs.len());
    for run in runs {
        if let Some(last) = out.last_mut()
            && last.style == run.style
        {
            match (&mut last.leaf, &run.leaf) {
                (Leaf::Text(before), Leaf::Text(text)) | (Leaf::Code(before), Leaf::Code(text)) => {
                    before.push_str(text);
                    continue;
                }
                _ => {}
            }
        }
        out.push(run);
    }
    out
}

/// Cuts white space off the ends of texts and drops joiners that are ours.
fn split(runs: Vec<Run>) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(runs.len() + 4);
    for run in runs {
        let Leaf::Text(text) = &run.leaf else {
            pieces.push(Piece::Solid(run));
            continue;
        };
        if is_collapsed(text) {
            pieces.push(Piece::Solid(run));
            continue;
        }
        let starts = text.starts_with(is_space);
        let ends = text.ends_with(is_space);
        let inner = collapse(text);
        if starts {
            pieces.push(Piece::Space(run.style.clone()));
        }
        if !inner.is_empty() {
            pieces.push(Piece::Solid(Run {
                style: run.style.clone(),
                leaf: Leaf::Text(inner),
            }));
            if ends {
                pieces.push(Piece::Space(run.style));
            }
        }
    }
    pieces
}

/// Whether [`collapse`] would change nothing, and no white space is at an end.
fn is_collapsed(text: &str) -> bool {
    let mut space = true;
    for byte in text.bytes() {
        match byte {
            b' ' if space => return false,
            b' ' => space = true,
            // A joiner may begin with the last of these.
            b'\t' | b'\n' | b'\r' | 0x0c | 0xe2 => return false,
            _ => space = false,
        }
    }
    !space
}

fn collapse(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut after_trigger = false;
    let mut space = false;
    for c in text.chars() {
        if is_space(c) {
            space = true;
            after_trigger = false;
        } else if !(after_trigger && c == JOINER) {
            if space && !out.is_empty() {
                out.push(' ');
            }
            space = false;
            after_trigger = is_trigger(c);
            out.push(c);
        }
    }
    out
}

/// Puts a blank between a mention and a letter, which Discourse needs to see the mention.
fn separate_mentions(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        if let (Some(Piece::Solid(before)), Piece::Solid(run)) = (out.last(), &piece)
            && touches_mention(&before.leaf, &run.leaf)
        {
            let style = before.style.common(&run.style);
            out.push(Piece::Space(style));
        }
        out.push(piece);
    }
    out
}

fn touches_mention(before: &Leaf, after: &Leaf) -> bool {
    match (before, after) {
        (Leaf::Mention(_), Leaf::Text(text)) => continues_name(text),
        (Leaf::Text(text), Leaf::Mention(_)) => text.chars().next_back().is_some_and(|c| {
            c.is_alphanumeric() || is_invisible(c) || matches!(c, '_' | '=' | '@')
        }),
        (Leaf::Mention(_), Leaf::Mention(_)) => true,
        _ => false,
    }
}

fn continues_name(text: &str) -> bool {
    let mut chars = text.chars();
    match chars.next() {
        Some('_' | '@') => true,
        Some('.' | '-') => chars
            .next()
            .is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-')),
        Some(c) => c.is_alphanumeric() || is_invisible(c),
        None => false,
    }
}

/// Gives each white space and break the style that both neighbours share; drops it at the ends and
/// next to a break.
fn settle(pieces: Vec<Piece>) -> Vec<Run> {
    let mut out: Vec<Run> = Vec::with_capacity(pieces.len());
    // Spaces and breaks that wait for the next solid: how many breaks, the style they all share.
    let mut breaks = 0usize;
    let mut waiting: Option<Style> = None;
    for piece in pieces {
        match piece {
            Piece::Space(style) => merge_style(&mut waiting, style),
            Piece::Solid(Run {
                style,
                leaf: Leaf::Break,
            }) => {
                breaks += 1;
                merge_style(&mut waiting, style);
            }
            Piece::Solid(run) => {
                if let Some(own) = waiting.take()
                    && let Some(last) = out.last()
                {
                    let style = own.common(&last.style).common(&run.style);
                    if breaks == 0 {
                        out.push(Run {
                            style,
                            leaf: Leaf::Text(" ".to_owned()),
                        });
                    } else {
                        let gap = Run {
                            style,
                            leaf: Leaf::Break,
                        };
                        out.extend(std::iter::repeat_n(gap, breaks));
                    }
                }
                breaks = 0;
                out.push(run);
            }
        }
    }
    out
}

fn merge_style(waiting: &mut Option<Style>, style: Style) {
    *waiting = Some(match waiting.take() {
        Some(before) => before.common(&style),
        None => style,
    });
}

/// Makes links of bare addresses in unlinked text.
fn linkify(run: Run, ctx: &Context) -> Vec<Run> {
    let Leaf::Text(text) = &run.leaf else {
        return vec![run];
    };
    if run.style.link.is_some() || !text.contains("://") {
        return vec![run];
    }
    let mut out = Vec::new();
    let mut start = 0;
    let mut from = 0;
    while let Some((at, length)) = next_address(text, from) {
        let address = text.get(at..at + length).unwrap_or_default();
        from = at + length;
        let Some(href) = url::normal(address, Use::Link, ctx) else {
            continue;
        };
        push_text(&mut out, &run.style, text.get(start..at));
        let link = Arc::new(Link {
            href,
            title: String::new(),
        });
        let style = Style {
            link: Some(link),
            ..run.style.clone()
        };
        push_text(&mut out, &style, Some(address));
        start = from;
    }
    push_text(&mut out, &run.style, text.get(start..));
    out
}

fn push_text(out: &mut Vec<Run>, style: &Style, text: Option<&str>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        out.push(Run {
            style: style.clone(),
            leaf: Leaf::Text(text.to_owned()),
        });
    }
}

/// The next bare address at or after `from`: where it begins and its length.
fn next_address(text: &str, from: usize) -> Option<(usize, usize)> {
    let mut from = from;
    loop {
        let colon = from + text.get(from..)?.find("://")?;
        let begin = [5, 4].into_iter().find_map(|letters| {
            let begin = colon.checked_sub(letters)?;
            url::bare_length(text.get(begin..)?).map(|length| (begin, length))
        });
        if let Some((begin, length)) = begin {
            let before = text.get(..begin).and_then(|head| head.chars().next_back());
            if !before.is_some_and(char::is_alphanumeric) {
                return Some((begin, length));
            }
        }
        from = colon + 3;
    }
}
