//! Finds out which items of two lists are the same: content that stood on both sides before the two were paired.
//!
//! Works on what was read, by keys that are looked up, so that ten thousand posts are quick. Knows nothing of what is
//! stored: the caller links what is sure and asks a person about the rest.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

mod link;

use model::{Author, Field, Record, RemoteId, RemoteItem, Sighting, System};

pub use link::{link, linked};

/// A text of fewer letters is said by many: alone it proves nothing.
const TELLING: usize = 20;
/// Two times that differ by no more, in milliseconds, count as one.
const MINUTE_MS: i64 = 60_000;

/// What is done with content that is there when a pair is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// What stands on both sides is linked; nothing is created.
    MatchOnly,
    /// What stands on both sides is linked, the rest is created.
    #[default]
    MatchThenCreate,
    /// Nothing is compared: everything is created.
    CreateOnly,
}

impl Mode {
    /// All modes.
    pub const ALL: [Self; 3] = [Self::MatchOnly, Self::MatchThenCreate, Self::CreateOnly];

    /// The stable lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MatchOnly => "match_only",
            Self::MatchThenCreate => "match_then_create",
            Self::CreateOnly => "create_only",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }
}

/// Something that two items have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// The marker of one of our own creates.
    Marker,
    /// The canonical text.
    Text,
    /// The title, but for case and spaces around it.
    Title,
    /// The author, by the key that both systems share.
    Author,
    /// The minute in which they were made.
    Time,
    /// What they answer: the topic itself, or two posts that are a pair.
    Parent,
}

impl Evidence {
    /// The stable lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Marker => "marker",
            Self::Text => "text",
            Self::Title => "title",
            Self::Author => "author",
            Self::Time => "time",
            Self::Parent => "parent",
        }
    }
}

/// Two items that are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The one in Canvas.
    pub canvas: RemoteId,
    /// The one in Discourse.
    pub discourse: RemoteId,
    /// Whether nobody need be asked; a pair that is not sure is likely.
    pub is_sure: bool,
    /// What they have in common.
    pub evidence: BTreeSet<Evidence>,
}

/// Items of which some may be the same: which, is not clear. The duplicates are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Those in Canvas, at least one.
    pub canvas: Vec<RemoteId>,
    /// Those in Discourse, at least one.
    pub discourse: Vec<RemoteId>,
    /// What all of them have in common.
    pub evidence: BTreeSet<Evidence>,
}

/// What two lists have in common. Every item that is there stands in one place of it, once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matching {
    /// Sure and likely pairs, by the Canvas id.
    pub pairs: Vec<Pair>,
    /// What a person must look at, by the first Canvas id.
    pub unclear: Vec<Group>,
    /// What is on one side alone, by system and id.
    pub unmatched: Vec<(System, RemoteId)>,
}

/// By what a pass tells items apart, and what a pair found by it is worth.
#[derive(Clone, Copy)]
struct Pass {
    by: &'static [Evidence],
    is_sure: bool,
    /// The text must have so many letters.
    letters: usize,
}

const fn sure(by: &'static [Evidence]) -> Pass {
    Pass {
        by,
        is_sure: true,
        letters: 1,
    }
}

const fn likely(by: &'static [Evidence], letters: usize) -> Pass {
    Pass {
        by,
        is_sure: false,
        letters,
    }
}

use Evidence::{Author as By, Marker, Text, Time, Title};

const OF_TOPICS: &[Pass] = &[
    sure(&[Marker]),
    sure(&[Text, Title]),
    sure(&[Text, Title, By]),
    sure(&[Text, Title, By, Time]),
    sure(&[Text, By, Time]),
    likely(&[Text, By], 1),
    likely(&[Text], TELLING),
    likely(&[Title, By], 1),
    likely(&[Title, Time], 1),
];

/// Between the answers to one thing.
const OF_ANSWERS: &[Pass] = &[
    sure(&[Marker]),
    sure(&[Text, By]),
    sure(&[Text, By, Time]),
    likely(&[Text], TELLING),
    likely(&[By, Time], 1),
];

/// Between all posts of a topic that are left.
const OF_LEFT: &[Pass] = &[
    sure(&[Marker]),
    sure(&[Text, By, Time]),
    likely(&[Text, By], TELLING),
];

/// What is alike though it does not make a pair; the first that fits names the group.
const OF_GROUPS: &[Pass] = &[likely(&[Text], 1), likely(&[Title], 1)];

/// What an item is told by.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    marker: Option<&'a str>,
    text: Option<&'a str>,
    title: Option<String>,
    author: Option<&'a str>,
    minute: Option<i64>,
}

fn record(item: &RemoteItem) -> Option<&Record> {
    match &item.sighting {
        Sighting::Present(record) if !record.deleted => Some(record),
        _ => None,
    }
}

fn author(record: &Record) -> Option<&str> {
    record
        .author
        .as_ref()
        .and_then(|author: &Author| author.key.as_deref())
}

fn text(record: &Record) -> Option<&str> {
    let text = record.body()?.canonical.trim();
    (!text.is_empty()).then_some(text)
}

fn title(record: &Record) -> Option<String> {
    let title = record.text(Field::Title)?.trim().to_lowercase();
    (!title.is_empty()).then_some(title)
}

/// The key of an item in a pass; `None` when it lacks a part of it.
fn key<'a>(item: &'a RemoteItem, pass: &Pass) -> Option<Key<'a>> {
    let record = record(item)?;
    let mut key = Key::default();
    for evidence in pass.by {
        match evidence {
            Evidence::Marker => key.marker = Some(item.key.as_ref()?.as_str()),
            Evidence::Text => {
                let text = text(record)?;
                if text.chars().take(pass.letters).count() < pass.letters {
                    return None;
                }
                key.text = Some(text);
            }
            Evidence::Title => key.title = Some(title(record)?),
            Evidence::Author => key.author = Some(author(record)?),
            Evidence::Time => key.minute = Some(record.created_at?.0.div_euclid(MINUTE_MS)),
            Evidence::Parent => {}
        }
    }
    Some(key)
}

/// The items of both sides that are not in a pair yet, by id.
#[derive(Default)]
struct Left<'a> {
    canvas: BTreeMap<&'a RemoteId, &'a RemoteItem>,
    discourse: BTreeMap<&'a RemoteId, &'a RemoteItem>,
}

impl<'a> Left<'a> {
    fn of(canvas: &'a [RemoteItem], discourse: &'a [RemoteItem]) -> Self {
        let side = |items: &'a [RemoteItem]| {
            let there = items.iter().filter(|item| record(item).is_some());
            there.map(|item| (&item.remote, item)).collect()
        };
        Self {
            canvas: side(canvas),
            discourse: side(discourse),
        }
    }

    /// The unpaired ones among some.
    fn among(&self, canvas: &[&'a RemoteItem], discourse: &[&'a RemoteItem]) -> Self {
        let side = |all: &BTreeMap<&'a RemoteId, &'a RemoteItem>, some: &[&'a RemoteItem]| {
            let left = some.iter().filter(|item| all.contains_key(&item.remote));
            left.map(|item| (&item.remote, *item)).collect()
        };
        Self {
            canvas: side(&self.canvas, canvas),
            discourse: side(&self.discourse, discourse),
        }
    }

    /// The items of both sides by their key in a pass, only where both sides have some.
    fn shared(&self, pass: &Pass) -> Vec<(Vec<&'a RemoteItem>, Vec<&'a RemoteItem>)> {
        let mut by_key: BTreeMap<Key<'a>, (Vec<&'a RemoteItem>, Vec<&'a RemoteItem>)> =
            BTreeMap::new();
        for item in self.canvas.values() {
            if let Some(key) = key(item, pass) {
                by_key.entry(key).or_default().0.push(item);
            }
        }
        for item in self.discourse.values() {
            if let Some(key) = key(item, pass) {
                by_key.entry(key).or_default().1.push(item);
            }
        }
        let both = by_key.into_values();
        both.filter(|(canvas, discourse)| !canvas.is_empty() && !discourse.is_empty())
            .collect()
    }

    fn remove(&mut self, pair: &Pair) {
        self.canvas.remove(&pair.canvas);
        self.discourse.remove(&pair.discourse);
    }
}

/// All that two items have in common; the parent is the caller's to know.
fn in_common(one: &RemoteItem, other: &RemoteItem) -> BTreeSet<Evidence> {
    let mut common = BTreeSet::new();
    let (Some(mine), Some(theirs)) = (record(one), record(other)) else {
        return common;
    };
    let mut note = |evidence, is_so: bool| {
        if is_so {
            common.insert(evidence);
        }
    };
    note(Marker, one.key.is_some() && one.key == other.key);
    note(Text, text(mine).is_some() && text(mine) == text(theirs));
    note(Title, title(mine).is_some() && title(mine) == title(theirs));
    note(By, author(mine).is_some() && author(mine) == author(theirs));
    let minutes = mine.created_at.zip(theirs.created_at);
    note(
        Time,
        minutes.is_some_and(|(a, b)| a.since_ms(b).abs() < MINUTE_MS),
    );
    common
}

/// Finds pairs among `left` pass by pass; a key that is not unique on both sides makes none.
fn pair_up(left: &mut Left<'_>, passes: &[Pass], is_answer: bool) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for pass in passes {
        for (canvas, discourse) in left.shared(pass) {
            let ([one], [other]) = (canvas.as_slice(), discourse.as_slice()) else {
                continue;
            };
            let mut evidence = in_common(one, other);
            if is_answer {
                evidence.insert(Evidence::Parent);
            }
            let pair = Pair {
                canvas: one.remote.clone(),
                discourse: other.remote.clone(),
                is_sure: pass.is_sure,
                evidence,
            };
            left.remove(&pair);
            pairs.push(pair);
        }
    }
    pairs
}

fn finish(mut left: Left<'_>, mut pairs: Vec<Pair>) -> Matching {
    let mut unclear = Vec::new();
    for pass in OF_GROUPS {
        for (canvas, discourse) in left.shared(pass) {
            for item in &canvas {
                left.canvas.remove(&item.remote);
            }
            for item in &discourse {
                left.discourse.remove(&item.remote);
            }
            let ids =
                |items: &[&RemoteItem]| items.iter().map(|item| item.remote.clone()).collect();
            unclear.push(Group {
                canvas: ids(&canvas),
                discourse: ids(&discourse),
                evidence: pass.by.iter().copied().collect(),
            });
        }
    }
    pairs.sort_by(|a, b| a.canvas.cmp(&b.canvas));
    unclear.sort_by(|a, b| a.canvas.cmp(&b.canvas));
    let canvas = left
        .canvas
        .into_keys()
        .map(|id| (System::Canvas, id.clone()));
    let discourse = left
        .discourse
        .into_keys()
        .map(|id| (System::Discourse, id.clone()));
    Matching {
        pairs,
        unclear,
        unmatched: canvas.chain(discourse).collect(),
    }
}

/// Matches the topics of a course.
pub fn match_topics(canvas: &[RemoteItem], discourse: &[RemoteItem]) -> Matching {
    let mut left = Left::of(canvas, discourse);
    let pairs = pair_up(&mut left, OF_TOPICS, false);
    finish(left, pairs)
}

/// Matches the posts of a topic that is on both sides, parents before their answers; `known` are posts that are pairs
/// already.
pub fn match_posts(
    canvas: &[RemoteItem],
    discourse: &[RemoteItem],
    known: &[(RemoteId, RemoteId)],
) -> Matching {
    let mut left = Left::of(canvas, discourse);
    for (one, other) in known {
        left.canvas.remove(one);
        left.discourse.remove(other);
    }
    let (mine, theirs) = (answers(canvas), answers(discourse));
    let mut parents: VecDeque<(Option<&RemoteId>, Option<&RemoteId>)> =
        VecDeque::from([(None, None)]);
    parents.extend(known.iter().map(|(one, other)| (Some(one), Some(other))));
    let mut found: Vec<Pair> = Vec::new();
    let by_id = |items: &'_ [RemoteItem]| -> BTreeMap<RemoteId, usize> {
        items
            .iter()
            .enumerate()
            .map(|(at, item)| (item.remote.clone(), at))
            .collect()
    };
    let (canvas_at, discourse_at) = (by_id(canvas), by_id(discourse));
    let mut is_wide = false;
    loop {
        let (pairs, is_answer) = if let Some((one, other)) = parents.pop_front() {
            let none = Vec::new();
            let mut some = left.among(
                mine.get(&one).unwrap_or(&none),
                theirs.get(&other).unwrap_or(&none),
            );
            (pair_up(&mut some, OF_ANSWERS, true), true)
        } else if is_wide {
            break;
        } else {
            is_wide = true;
            let mut all = left.among(
                &left.canvas.values().copied().collect::<Vec<_>>(),
                &left.discourse.values().copied().collect::<Vec<_>>(),
            );
            (pair_up(&mut all, OF_LEFT, false), false)
        };
        for pair in pairs {
            left.remove(&pair);
            let one = canvas_at.get(&pair.canvas).and_then(|at| canvas.get(*at));
            let other = discourse_at
                .get(&pair.discourse)
                .and_then(|at| discourse.get(*at));
            if let (Some(one), Some(other)) = (one, other) {
                parents.push_back((Some(&one.remote), Some(&other.remote)));
            }
            debug_assert!(is_answer || !pair.evidence.contains(&Evidence::Parent));
            found.push(pair);
        }
    }
    finish(left, found)
}

type Answers<'a> = BTreeMap<Option<&'a RemoteId>, Vec<&'a RemoteItem>>;

/// The posts by what they answer.
fn answers(items: &[RemoteItem]) -> Answers<'_> {
    let mut answers = Answers::new();
    for item in items {
        answers.entry(item.parent.as_ref()).or_default().push(item);
    }
    answers
}

#[cfg(test)]
mod tests;
