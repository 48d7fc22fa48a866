//! How a flat sequence of styled runs nests when it is written: the longest style outermost.
//!
//! Both writers use this one order, so that a style set is always written the same way.

use crate::tree::{Link, Mark, Run, Style};
use std::sync::Arc;

/// Something that is put around runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrap {
    Link(Arc<Link>),
    Abbreviation(Arc<str>),
    Mark(Mark),
}

/// One step of writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Open(Wrap),
    Close(Wrap),
    /// The run with this index.
    Leaf(usize),
}

/// The steps that write the runs.
pub(crate) fn steps(runs: &[Run]) -> Vec<Step> {
    let mut out = Vec::with_capacity(runs.len() * 2);
    write(runs, 0, &Style::default(), &mut out);
    out
}

fn write(runs: &[Run], offset: usize, open: &Style, out: &mut Vec<Step>) {
    let mut at = 0;
    while let Some(run) = runs.get(at) {
        let rest = runs.get(at..).unwrap_or_default();
        let Some((wrap, length)) = longest(rest, &run.style, open) else {
            out.push(Step::Leaf(offset + at));
            at += 1;
            continue;
        };
        let inner = rest.get(..length).unwrap_or_default();
        let style = with(open, &wrap);
        out.push(Step::Open(wrap.clone()));
        write(inner, offset + at, &style, out);
        out.push(Step::Close(wrap));
        at += length;
    }
}

/// The wrap that goes furthest from here, and how many runs it covers.
fn longest(runs: &[Run], style: &Style, open: &Style) -> Option<(Wrap, usize)> {
    let mut best: Option<(Wrap, usize)> = None;
    for wrap in wraps(style).filter(|wrap| !has(open, wrap)) {
        let length = runs.iter().take_while(|run| has(&run.style, &wrap)).count();
        if best.as_ref().is_none_or(|(_, longest)| length > *longest) {
            best = Some((wrap, length));
        }
    }
    best
}

fn wraps(style: &Style) -> impl Iterator<Item = Wrap> {
    let link = style.link.clone().map(Wrap::Link);
    let abbreviation = style.abbreviation.clone().map(Wrap::Abbreviation);
    let marks = style.marks;
    let marks = Mark::ALL
        .into_iter()
        .filter(move |mark| marks.has(*mark))
        .map(Wrap::Mark);
    link.into_iter().chain(abbreviation).chain(marks)
}

fn has(style: &Style, wrap: &Wrap) -> bool {
    match wrap {
        Wrap::Link(link) => style.link.as_ref() == Some(link),
        Wrap::Abbreviation(title) => style.abbreviation.as_ref() == Some(title),
        Wrap::Mark(mark) => style.marks.has(*mark),
    }
}

fn with(style: &Style, wrap: &Wrap) -> Style {
    let mut style = style.clone();
    match wrap {
        Wrap::Link(link) => style.link = Some(link.clone()),
        Wrap::Abbreviation(title) => style.abbreviation = Some(title.clone()),
        Wrap::Mark(mark) => style.marks = style.marks.with(*mark),
    }
    style
}
