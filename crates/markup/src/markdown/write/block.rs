//! Writes one block as Markdown.

use super::inline::{self, Line};
use super::{Form, raw, separator};
use crate::context::Context;
use crate::html::write::{Target, Writer, push_frame};
use crate::markdown::source;
use crate::tree::{Align, Block, Cell, Leaf, List, Run, Table};

/// Writes a block, without blank lines around it.
pub(super) fn write(block: &Block, form: Form, ctx: &Context) -> String {
    if form == Form::Html {
        return raw(block, ctx);
    }
    match block {
        Block::Paragraph(runs) => inline::paragraph(runs, form, ctx),
        Block::Heading { level, runs } => heading(*level, runs, form, ctx),
        Block::List(list) => self::list(list, form, ctx),
        Block::Quote(blocks) => prefixed(&many(blocks, form, ctx), "> ", "> "),
        Block::PostQuote { source, blocks } => {
            let Some(tag) = open_tag("quote", source) else {
                return raw(block, ctx);
            };
            tagged(&tag, blocks, "[/quote]", form, ctx)
        }
        Block::Details { summary, blocks } => details(summary, blocks, form, ctx),
        Block::Spoiler(blocks) => tagged("[spoiler]", blocks, "[/spoiler]", form, ctx),
        Block::Code { language, text } => code(language, text),
        Block::Math(latex) => {
            if latex.lines().any(|line| line.trim() == "$$") || !ctx.settings.math {
                raw(block, ctx)
            } else {
                format!("$$\n{latex}\n$$")
            }
        }
        Block::Table(table) => pipe_table(table, form, ctx).unwrap_or_else(|| raw(block, ctx)),
        Block::Rule => "---".to_owned(),
        Block::Framed { frame, blocks } => {
            let mut out = "<div".to_owned();
            push_frame(&mut out, frame, Target::Discourse);
            format!("{out}>\n\n{}\n\n</div>", many(blocks, form, ctx))
        }
        Block::Footnote { label, blocks } => {
            prefixed(&many(blocks, form, ctx), &format!("[^{label}]: "), "    ")
        }
        Block::Opaque(source) => source.clone(),
        Block::Definitions(_) => raw(block, ctx),
    }
}

fn many(blocks: &[Block], form: Form, ctx: &Context) -> String {
    let mut out = String::new();
    let mut before: Option<&Block> = None;
    for block in blocks {
        if let Some(before) = before {
            out.push_str(separator(before, block));
        }
        out.push_str(&write(block, form, ctx));
        before = Some(block);
    }
    out
}

/// Text with one prefix for its first line and another for the rest; blank lines get no blanks.
fn prefixed(text: &str, first: &str, rest: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push('\n');
        }
        let prefix = if number == 0 { first } else { rest };
        out.push_str(if line.is_empty() {
            prefix.trim_end()
        } else {
            prefix
        });
        out.push_str(line);
    }
    out
}

/// The opening tag of a BBCode block; `None` if its attribute cannot be written.
fn open_tag(name: &str, attribute: &str) -> Option<String> {
    if attribute.is_empty() {
        return Some(format!("[{name}]"));
    }
    let quote = if attribute.contains('"') { '\'' } else { '"' };
    let fits = source::is_attribute(attribute) && !attribute.contains(quote);
    fits.then(|| format!("[{name}={quote}{attribute}{quote}]"))
}

fn tagged(open: &str, blocks: &[Block], close: &str, form: Form, ctx: &Context) -> String {
    format!("{open}\n{}\n{close}", many(blocks, form, ctx))
}

fn heading(level: u8, runs: &[Run], form: Form, ctx: &Context) -> String {
    let marks = "#".repeat(usize::from(level.clamp(1, 6)));
    let line = Line {
        heading: true,
        no_newline: true,
        ..Line::default()
    };
    if runs.is_empty() {
        return marks;
    }
    format!("{marks} {}", inline::line(runs, line, form, ctx))
}

fn details(summary: &[Run], blocks: &[Block], form: Form, ctx: &Context) -> String {
    let text = match summary {
        [] => Some(""),
        [
            Run {
                style,
                leaf: Leaf::Text(text),
            },
        ] if style.is_plain() => Some(text.as_str()),
        _ => None,
    };
    if let Some(tag) = text.and_then(|text| open_tag("details", text))
        && form == Form::Plain
    {
        return tagged(&tag, blocks, "[/details]", form, ctx);
    }
    let mut writer = Writer::new(ctx, Target::Discourse);
    writer.runs(summary);
    let summary = writer.out.replace('\n', " ");
    format!(
        "<details><summary>{summary}</summary>\n\n{}\n\n</details>",
        many(blocks, form, ctx)
    )
}

fn code(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.saturating_add(1).max(3));
    if text.is_empty() {
        format!("{fence}{language}\n{fence}")
    } else {
        format!("{fence}{language}\n{text}\n{fence}")
    }
}

fn list(list: &List, form: Form, ctx: &Context) -> String {
    let tight = list.items.iter().all(|item| is_tight(item));
    let mut out = String::new();
    let mut number = list.start;
    for (index, item) in list.items.iter().enumerate() {
        if index > 0 {
            out.push_str(if tight { "\n" } else { "\n\n" });
        }
        let marker = match number {
            Some(value) => {
                number = Some(value.saturating_add(1));
                format!("{value}. ")
            }
            None => "- ".to_owned(),
        };
        let content = item_content(item, tight, form, ctx);
        out.push_str(&prefixed(&content, &marker, &" ".repeat(marker.len())));
    }
    out
}

fn item_content(item: &[Block], tight: bool, form: Form, ctx: &Context) -> String {
    match item {
        // Under a list marker dashes would read as a rule of the whole line.
        [Block::Rule] => "***".to_owned(),
        [Block::Rule, rest @ ..] => format!("***\n\n{}", many(rest, form, ctx)),
        [Block::Paragraph(_), Block::List(_)] if tight => {
            let parts: Vec<String> = item.iter().map(|block| write(block, form, ctx)).collect();
            parts.join("\n")
        }
        _ => many(item, form, ctx),
    }
}

/// Whether an item needs no blank line after it.
fn is_tight(item: &[Block]) -> bool {
    match item {
        [] | [Block::Paragraph(_)] => true,
        [Block::Paragraph(_), Block::List(list)] => {
            let interrupts = list.start.is_none_or(|start| start == 1);
            let full = list.items.first().is_some_and(|item| !item.is_empty());
            interrupts && full && list.items.iter().all(|item| is_tight(item))
        }
        [Block::List(list)] => list.items.iter().all(|item| is_tight(item)),
        _ => false,
    }
}

/// A pipe table; `None` if this table cannot be one.
fn pipe_table(table: &Table, form: Form, ctx: &Context) -> Option<String> {
    let (head, rest) = table.rows.split_first()?;
    let aligned = |row: &Vec<Cell>| {
        row.len() == head.len()
            && row
                .iter()
                .zip(head)
                .all(|(cell, top)| cell.align == top.align)
    };
    let fits = table.caption.is_empty()
        && head.iter().all(|cell| cell.header && is_line(cell))
        && rest
            .iter()
            .all(|row| aligned(row) && row.iter().all(|cell| !cell.header && is_line(cell)));
    if !fits {
        return None;
    }
    let mut out = String::new();
    push_row(&mut out, head, form, ctx);
    out.push_str("\n|");
    for cell in head {
        out.push_str(match cell.align {
            Align::Natural => " --- |",
            Align::Left => " :-- |",
            Align::Center => " :-: |",
            Align::Right => " --: |",
        });
    }
    for row in rest {
        out.push('\n');
        push_row(&mut out, row, form, ctx);
    }
    Some(out)
}

fn is_line(cell: &Cell) -> bool {
    cell.columns == 1
        && cell.rows == 1
        && matches!(cell.blocks.as_slice(), [] | [Block::Paragraph(_)])
}

fn push_row(out: &mut String, row: &[Cell], form: Form, ctx: &Context) {
    out.push('|');
    for cell in row {
        out.push(' ');
        if let [Block::Paragraph(runs)] = cell.blocks.as_slice() {
            let line = Line {
                cell: true,
                no_newline: true,
                ..Line::default()
            };
            out.push_str(&inline::line(runs, line, form, ctx));
            out.push(' ');
        }
        out.push('|');
    }
}
